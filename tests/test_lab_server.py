from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import environment
from labs import free_port, gone, open_lab, running, until

from duelo.lab import listen, settings, wire
from duelo.lab.lesson import CHAPTERS, chapter_settings
from duelo.lab.points import POINTS
from duelo.lab.server import STATIC
from duelo.lab.settings import KIND, Settings, changed, defaults, needs_restart, recipe_of
from duelo.recipes import DATA
from duelo.words import LANGUAGES, UserError

# --- the wire


def test_arrays_come_out_as_they_went_in() -> None:
    sent = {
        "odd": np.arange(7, dtype=np.uint8),
        "none": np.zeros((0, 2), np.float32),
        "points": np.random.default_rng(0).normal(size=(5, 2)).astype(np.float32),
        "numbers": np.array([[-1, 2**31 - 1]], np.int32),
    }
    message = wire.pack({"nimg": 3, "ñ": "á"}, [wire.array(name, values) for name, values in sent.items()])
    meta, arrays = wire.unpack(message)
    assert meta == {"nimg": 3, "ñ": "á"}
    assert list(arrays) == list(sent)
    for name, values in sent.items():
        kind = {"u1": np.uint8, "i4": np.int32, "f4": np.float32}[arrays[name].dtype]
        back = np.frombuffer(arrays[name].data, kind).reshape(arrays[name].shape)
        np.testing.assert_array_equal(back, values)
    # as a page reads it: each array begins at a multiple of 8
    length = int.from_bytes(message[:4], "little")
    assert json.loads(message[4 : 4 + length])["arrays"][2] == {"name": "points", "dtype": "f4", "shape": [5, 2]}
    start = -(-(4 + length) // 8) * 8
    assert message[start : start + 7] == bytes(range(7))
    assert message[start + 8 : start + 48] == sent["points"].tobytes()
    with pytest.raises(ValueError, match="ends within numbers"):
        wire.unpack(message[:-8])


def test_numbers_that_do_not_travel_are_refused() -> None:
    with pytest.raises(ValueError, match="x holds float64"):
        wire.array("x", np.zeros(3))
    with pytest.raises(ValueError, match="Out of range"):
        wire.pack({"loss": float("nan")}, [])


# --- the settings


def test_every_setting_has_its_limits_and_every_default_is_within() -> None:
    assert {field.name for field in fields(Settings)} == {*KIND, "chapter"}
    for data in DATA:
        values = defaults(data).values()
        assert changed(defaults(data), values).values() == values
        assert recipe_of(defaults(data)).data == data


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"r1": "x"}, "r1 is not valid: it must be a number from 0 to 100."),
        ({"r1": True}, "r1 is not valid"),
        ({"r1": -0.1}, "r1 is not valid"),
        ({"r1": float("nan")}, "r1 is not valid"),
        ({"r1": 10**400}, "r1 is not valid"),
        ({"width": 12.5}, "width is not valid: it must be a whole number from 4 to 256."),
        ({"width": 100_000}, "width is not valid"),
        ({"seed": -1}, "seed is not valid"),
        ({"objective": "x"}, "objective is not valid: it must be one of: nonsaturating, minimax"),
        ({"objective": ["hinge"]}, "objective is not valid"),
        ({"rival": 1}, "rival is not valid: it must be true or false."),
        ({"nothing": 1}, "there is no setting 'nothing'."),
        ({"__class__": 1}, "there is no setting '__class__'."),
        ({"pair": "lecture"}, "the pair lecture does not play with ring; choose one of: toy, islands."),
        ({"augment": 0.1}, "augmentation is for images, and ring are points"),
        ({"conditional": True}, "ring has no labels"),
        ({"objective": "hinge", "smoothing": 0.1}, "hinge has no label to smooth"),
        ({"generator_steps": 0, "discriminator_steps": 0}, "one side at least must have a turn."),
        ({"chapter": "x" * 100}, "there is no setting 'chapter'."),
    ],
)
def test_a_wrong_setting_gets_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        changed(defaults("ring"), changes)
    assert str(caught.value).startswith(sentence)


def test_only_what_changes_the_networks_or_the_data_needs_new_ones() -> None:
    ring = defaults("ring")
    live = {"r1": 1.0, "objective": "hinge", "generator_rate": 0.1, "generator_steps": 2, "balance": "adaptive", "batch": 64}
    for name, value in live.items():
        assert not needs_restart(ring, changed(ring, {name: value})), name
    for name, value in {"width": 32, "latent": 3, "seed": 5, "data": "grid", "members": 50, "rival": True}.items():
        assert needs_restart(ring, changed(ring, {name: value})), name
    assert not needs_restart(ring, changed(ring, {"width": ring.width}))


def test_each_chapter_that_is_played_has_settings_that_hold_and_a_point() -> None:
    assert {name for name, set_to in CHAPTERS.items() if set_to is not None} == set(POINTS)
    for name in POINTS:
        chosen = chapter_settings(name)
        recipe_of(changed(defaults(chosen["data"]), chosen))


# --- the server


def test_the_server_starts_without_torch_and_its_process_ends_with_it(tmp_path: Path) -> None:
    code = "import sys, duelo.lab.running; assert 'torch' not in sys.modules; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, env=environment())
    lab = open_lab(tmp_path)
    lab.json("live", {"play": True})
    children = Path(f"/proc/{lab.process.pid}/task/{lab.process.pid}/children").read_text().split()
    assert children
    lab.kill()  # SIGKILL: nothing of it can say goodbye
    until(lambda: all(gone(int(pid)) for pid in children), 20)


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with running(tmp_path_factory.mktemp("lab")) as one:
        yield one


def test_it_says_its_words_in_both_languages(lab: Any) -> None:
    for lang in LANGUAGES:
        words = lab.json(f"words?lang={lang}")
        assert words == {key: text for key, text in LANGUAGES[lang].items() if key.startswith("lab.")}
    assert lab.json("words", lang="es") == lab.json("words?lang=es")
    assert lab.json("words?lang=xx") == lab.json("words?lang=en")
    assert lab.json("nothing?lang=es", expect=404) == {"error": LANGUAGES["es"]["lab.server.not_found"]}
    state = lab.json("state")
    assert state["languages"] == ["en", "es"]
    assert set(DATA) <= set(state["data"])


def test_it_gives_the_lesson(lab: Any) -> None:
    listed = lab.json("lesson")["chapters"]
    assert [chapter["id"] for chapter in listed] == list(CHAPTERS)
    for chapter in listed:
        assert chapter["title_key"] in LANGUAGES["en"], chapter["id"]
        assert chapter["text_keys"], chapter["id"]
        if chapter["point"]:
            assert chapter["point"]["what"] in LANGUAGES["en"], chapter["id"]


def test_it_serves_the_page_and_nothing_beside_it(lab: Any) -> None:
    from urllib.request import urlopen

    with urlopen(lab.url) as answer:
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-security-policy"].startswith("default-src 'self';")
        assert answer.headers["x-content-type-options"] == "nosniff"
        page = answer.read()
    assert page == (STATIC / "index.html").read_bytes()
    with urlopen(f"{lab.url}static/main.js") as answer:
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


def test_settings_that_are_shown_have_words(lab: Any) -> None:
    for entry in lab.json("live")["choices"].values():
        assert entry["label"] in LANGUAGES["en"], entry["label"]


# --- the command


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "duelo", "lab", "--no-browser", *arguments]
    return subprocess.run(words, cwd=folder, env=environment(), capture_output=True, text=True, timeout=60)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing"], "there is no data set 'nothing'"),
        (["--lang", "fr"], "there is no language 'fr'; choose en or es."),
        (["--port", "0"], "--port 0 is not valid: it must be from 1 to 65535."),
        (["--port", "x"], "--port 'x' is not valid"),
        (["--host", "no.such.host.invalid", "--port", "8765"], "port 8765 cannot be used"),
    ],
)
def test_wrong_options_get_one_sentence(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    result = command(tmp_path, *arguments)
    assert (result.returncode, result.stdout) == (2, "")
    assert sentence in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_without_the_extra_it_says_what_to_install(tmp_path: Path) -> None:
    for missing in ("fastapi", "uvicorn"):
        code = f"import sys; sys.modules[{missing!r}] = None; from duelo.cli import main; sys.exit(main(['lab']))"
        result = subprocess.run(
            [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=60
        )
        assert result.returncode == 2
        assert result.stderr.strip() == "duelo: the lab needs a web server: pip install 'duelo[lab]'."


def test_a_port_that_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        result = command(tmp_path, "--port", str(port))
        assert result.returncode == 2
        assert f"port {port} cannot be used (Address already in use); choose another one with --port." in result.stderr
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("duelo.lab.PORT", port)
            with listen("127.0.0.1", None) as other:
                assert other.getsockname()[1] > port
        assert f"port {port} is taken" in capsys.readouterr().out


def test_ctrl_c_ends_it_though_somebody_listens(tmp_path: Path) -> None:
    lab = open_lab(tmp_path)
    address = ("127.0.0.1", lab.port)
    with socket.create_connection(address) as listener, socket.create_connection(address) as waiting:
        waiting.sendall(b"GET /api/live/frame?after=9 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        listener.sendall(b"GET /api/live/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        listener.settimeout(20)
        assert listener.recv(100).startswith(b"HTTP/1.1 200")
        lab.process.send_signal(signal.SIGINT)
        assert lab.process.wait(20) == 130
    log = (tmp_path / "lab.log").read_text().splitlines()
    assert [line for line in log if "http://" not in line] == [], log


def test_beyond_this_computer_a_token_is_needed(tmp_path: Path) -> None:
    port = free_port()
    with (tmp_path / "out").open("w") as out:
        words = [sys.executable, "-m", "duelo", "lab", "--no-browser", "--host", "0.0.0.0", "--port", str(port)]
        process = subprocess.Popen(words, cwd=tmp_path, env=environment(), stdout=out, stderr=subprocess.STDOUT)
    try:
        until(lambda: "token=" in (tmp_path / "out").read_text())
        token = (tmp_path / "out").read_text().partition("token=")[2].split()[0]
        assert len(token) == 32

        def ask(path: str, *headers: str) -> str:
            with socket.create_connection(("127.0.0.1", port), timeout=20) as door:
                lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}", "Connection: close", *headers, "", ""]
                door.sendall("\r\n".join(lines).encode())
                return b"".join(iter(lambda: door.recv(65536), b"")).decode()

        until(lambda: _answers(port))
        assert ask("/").startswith("HTTP/1.1 403")
        assert ask("/api/state").startswith("HTTP/1.1 403")
        assert ask("/static/main.js").startswith("HTTP/1.1 403")
        assert ask(f"/?token={token[:-1]}x").startswith("HTTP/1.1 403")
        assert ask("/api/state", "Cookie: duelo_token=x").startswith("HTTP/1.1 403")
        entered = ask(f"/?token={token}")
        assert entered.startswith("HTTP/1.1 303")
        assert "location: /\r\n" in entered.lower()
        cookie = next(line for line in entered.splitlines() if line.lower().startswith("set-cookie:"))
        assert "HttpOnly" in cookie
        assert "samesite=strict" in cookie.lower()
        assert ask("/api/state", f"Cookie: other=1; duelo_token={token}").startswith("HTTP/1.1 200")
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=5).close()
    except OSError:
        return False
    return True


def test_the_list_of_options_is_frozen() -> None:
    """Few options: whoever adds one has to say so here."""
    from duelo.cli import lab as options

    names = "data port lang host runs allow browser"
    assert list(options.__annotations__) == [*names.split(), "return"]
    assert KIND["speed"].high == settings.UNLIMITED  # type: ignore[union-attr]
