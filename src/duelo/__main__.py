"""``python -m duelo``: the same as ``duelo``."""

import sys

from duelo.cli import main

sys.exit(main())
