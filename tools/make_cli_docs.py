"""Write docs/cli.md from the command line's own help (`--check`: only say whether it is up to date)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

FILE = Path(__file__).parents[1] / "docs/cli.md"
COMMANDS = [
    "",
    "train",
    "data",
    "data inspect",
    "data pack",
    "sample",
    "measure",
    "compare",
    "report",
    "runs",
    "recipes",
    "lab",
]


def page() -> str:
    parts = ["# The command line\n\nMade by `python tools/make_cli_docs.py` from the program's own help.\n"]
    for command in COMMANDS:
        words = [*command.split(), "--help"]
        environment = {**os.environ, "DUELO_LANG": "en", "COLUMNS": "100", "NO_COLOR": "1"}
        run = subprocess.run(
            [sys.executable, "-m", "duelo", *words],
            capture_output=True,
            text=True,
            env=environment,
            check=True,
        )
        text = "\n".join(line.rstrip() for line in run.stdout.strip().splitlines())
        parts.append(f"## duelo {command}".rstrip() + f"\n\n```\n{text}\n```\n")
    return "\n".join(parts)


def main() -> int:
    text = page()
    if "--check" in sys.argv:
        same = FILE.is_file() and FILE.read_text(encoding="utf-8") == text
        print("up to date" if same else f"{FILE.name} is out of date: run python tools/make_cli_docs.py")
        return 0 if same else 1
    FILE.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
