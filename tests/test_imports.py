from __future__ import annotations

import subprocess
import sys

from conftest import environment

import duelo

CORE = ["duelo.data", "duelo.networks", "duelo.objectives", "duelo.balance", "duelo.play", "duelo.checkpoint", "duelo.stats"]
EXTRA = ["matplotlib", "jinja2", "pydantic", "cyclopts", "rich", "filelock", "tomli_w", "fastapi", "uvicorn"]


def test_the_core_imports_with_torch_numpy_pillow_and_safetensors_alone() -> None:
    # torch itself may want filelock, but not before it downloads or compiles something
    blocked = [name for name in EXTRA if name != "filelock"]
    code = f"import sys; sys.modules.update(dict.fromkeys({blocked!r})); import {', '.join(CORE)}"
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env=environment())


def test_the_public_page_names_only_what_exists() -> None:
    for name in duelo.__all__:
        assert getattr(duelo, name) is not None
    for name in ("play", "vae"):
        assert callable(getattr(duelo, name)), "the function, not the module of the same name"
    assert sorted(duelo.__all__) == sorted(duelo._HOME)
