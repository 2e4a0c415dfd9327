from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest
from conftest import LONG, LONG_KIMG, TINY, assert_same_runs, duelo, gratings
from labs import RunningLab, gone, running, until, with_runs

from duelo import compare, recipes
from duelo.diagnosis import named
from duelo.folder import RunFolder
from duelo.guard import began, claimed, holder
from duelo.lab.doors import Refused
from duelo.lab.errands import Errands, Told
from duelo.lab.ledger import Follower, last_line
from duelo.lab.trainings import Trainings, complaint_of, log_tail
from duelo.words import LANGUAGES, UserError, say, speaking


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory, finished_ring: Path, finished_digits: Path):
    with running(with_runs(tmp_path_factory.mktemp("lab"), ring=finished_ring, digits=finished_digits)) as opened:
        yield opened


def state(lab: RunningLab, name: str) -> dict:
    return lab.json(f"runs/{name}")


def test_stopped_and_resumed_from_the_page_a_run_ends_as_if_never_touched(lab: RunningLab, long_ring: Path) -> None:
    lab.json("runs", {"data": "ring", "kimg": LONG_KIMG, "overrides": LONG, "name": "stopped"}, expect=201)
    until(lambda: state(lab, "stopped").get("nimg", 0) > 20_000)
    run = RunFolder(lab.folder / "runs" / "stopped")
    pid = holder(run)
    assert pid is not None
    assert pid != lab.process.pid
    assert os.getsid(pid) == pid  # a session of its own: what ends the lab's terminal does not end it
    lab.json("runs/stopped/stop", {})
    lab.json("runs/stopped/stop", {})  # twice is once: a second signal would end it before it has saved
    until(lambda: state(lab, "stopped")["state"] == "interrupted")
    assert holder(run) is None
    assert not run.finished()
    assert run.images_seen() > 20_000
    assert lab.json("runs/stopped/stop", {}, expect=409) == {"error": say("lab.runs.rests", "en", name="stopped")}

    lab.json("runs/stopped/resume", {})
    until(lambda: state(lab, "stopped")["state"] == "running")
    assert lab.json("runs/stopped/resume", {}, "es", 409) == {"error": say("lab.runs.trains", "es", name="stopped")}
    until(lambda: state(lab, "stopped")["state"] == "finished")
    assert_same_runs(run.path, long_ring)
    assert lab.json("runs/stopped/resume", {}, expect=409) == {"error": say("lab.runs.is_finished", "en", name="stopped")}


@pytest.mark.parametrize("kind", ["minutes", "own images"])
def test_a_run_whose_recipe_says_more_than_its_command_can_be_resumed(kind: str, tmp_path: Path) -> None:
    """How many images fitted into the time; what the images turned out to be."""
    photos = gratings(tmp_path / "photos", 60, (16, 16), colour=False)
    arguments = {"minutes": ["ring", "--minutes", 0.03], "own images": [photos, "--kimg", 2, "--size", 16]}[kind]
    run = RunFolder(tmp_path / "runs" / "run")
    first = duelo("train", *arguments, "--out", run.path, *TINY, cwd=tmp_path)
    assert first.returncode == 0, first.stderr
    for file in run.checkpoints():
        file.unlink()  # as if it had been killed before its first checkpoint
    trainings = Trainings(tmp_path / "runs", [tmp_path])
    assert trainings.state(run) == "interrupted"
    trainings.resume(run)
    until(lambda: trainings.state(run) in ("finished", "failed"))
    assert trainings.state(run) == "finished", log_tail(run)
    until(lambda: not trainings._begun("run"))
    if kind == "own images":
        for file in run.checkpoints():
            file.unlink()
        with pytest.raises(Refused):
            Trainings(tmp_path / "runs", [tmp_path / "runs"]).resume(run)  # its images lie where nobody may look


def test_the_numbers_of_a_run_are_the_librarys(lab: RunningLab) -> None:
    run = RunFolder(lab.folder / "runs" / "digits")
    told, lines = state(lab, "digits"), run.stats()
    assert told["curves"]["kimg"] == [line["nimg"] / 1000 for line in lines]
    for name in ("real_right", "fake_right", "discriminator_loss", "generator_loss"):
        assert told["curves"][name] == [line[name]["mean"] for line in lines]
    assert told["right"] == {name: lines[-1][name]["mean"] for name in ("real_right", "fake_right")}
    judged = [line for line in lines if "judgement" in line]
    assert told["judged"]["value"] == [line["judgement"]["value"] for line in judged]
    assert told["state"] == "finished"
    assert told["nimg"] == run.images_seen()
    assert told["grids"] == [kimg for kimg, _ in run.samples()]
    assert lab.ask(f"runs/digits/grid/{told['grid']}") == (200, run.samples()[-1][1].read_bytes())
    assert lab.ask("runs/digits/grid/999")[0] == 404
    found = lab.json("runs/digits/diagnosis", lang="es")
    assert found["equilibrium"]["discriminator"] == pytest.approx(1.3862943611)
    from duelo.build import setting

    spells = named(lines, setting(run.recipe(), run.data()["parts"], run.rescues()))
    assert [one["sentence"] for one in found["findings"]] == [spell.finding.sentence("es") for spell in spells]
    listed = lab.json("runs")["runs"]
    assert {"ring", "digits"} <= {one["name"] for one in listed}
    assert lab.ask("runs/ring/data")[0] == 404  # points have no picture
    assert lab.ask("runs/digits/data")[0] == 200


def test_runs_are_compared_as_the_command_compares_them(lab: RunningLab) -> None:
    paths = [lab.folder / "runs" / name for name in ("ring", "digits")]
    runs = compare.read([RunFolder(path) for path in paths])
    found = lab.json("compare?runs=ring,digits")
    assert found["names"] == ["ring", "digits"]
    with speaking("en"):
        columns = [compare.figures(run) for run in runs]
        assert found["rows"] == [[say(key), *(column[i][1] for column in columns)] for i, (key, _) in enumerate(columns[0])]
        assert found["warnings"] == [say(key, None, **values) for key, values in compare.warnings(runs)]
    assert {row[0] for row in found["differences"]} == set(compare.differing(runs))
    assert found["judged"][1]["value"] == [at.value for at in runs[1].judged]
    assert lab.json("compare?runs=ring", expect=400) == {"error": say("compare.few", "en")}
    assert lab.ask("compare?runs=ring,nothing")[0] == 404
    status, page = lab.ask("compare/page?runs=ring,digits")
    assert status == 200
    assert LANGUAGES["es"]["compare.title"] in page.decode()


def test_a_report_is_shown_where_it_cannot_touch_the_lab(lab: RunningLab) -> None:
    import urllib.request

    with urllib.request.urlopen(f"{lab.url}api/runs/ring/report") as answer:
        assert answer.read() == (lab.folder / "runs" / "ring" / "report.html").read_bytes()
        policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox allow-scripts;")
    assert "allow-same-origin" not in policy
    assert "default-src 'none'" in policy
    unwritten = shutil.copytree(lab.folder / "runs" / "ring", lab.folder / "runs" / "unwritten")
    (unwritten / "report.html").unlink()
    status, page = lab.ask("runs/unwritten/report")
    assert status == 200
    assert LANGUAGES["es"]["report.lead"] in page.decode()
    assert not (unwritten / "report.html").exists()  # the server only reads


def test_a_folder_is_looked_at_as_the_command_looks_at_it(lab: RunningLab) -> None:
    folder = gratings(lab.folder / "photos", 60, (20, 30), colour=True)
    asked = {"path": str(folder), "overrides": {"images.size": 16, "images.fit": "pad"}}
    found = lab.json("runs/inspect", asked, "es")
    result = duelo("data", "inspect", folder, "--size", 16, "--fit", "pad", "--json", cwd=lab.folder)
    facts = json.loads(result.stdout)
    for measured in ("estimate", "warnings"):  # a time, and the language
        facts.pop(measured)
        found["facts"].pop(measured)
    assert facts.pop("contact_sheet")
    assert found["facts"] == facts
    assert say("warn.few", "es", n=facts["parts"]["train"]) in found["warnings"]
    assert any(line.startswith("60 imágenes") for line in found["lines"])
    status, sheet = lab.ask(f"runs/inspect/sheet/{found['sheet']}")
    assert status == 200
    assert sheet.startswith(b"\x89PNG")
    assert lab.ask("runs/inspect/sheet/0")[0] == 404
    places = lab.json(f"runs/places?path={lab.folder}")
    assert {"photos", "runs"} <= {place["name"] for place in places["places"]}
    assert lab.json(f"runs/places?path={folder}")["images"] == 60
    (lab.folder / "empty").mkdir()
    assert "empty" in lab.json("runs/inspect", {"path": str(lab.folder / "empty")}, expect=400)["error"]


def test_what_a_client_may_not_name_is_refused_in_its_language(lab: RunningLab, tmp_path: Path) -> None:
    outside = gratings(tmp_path / "outside", 3, (8, 8), colour=False)
    shutil.copytree(lab.folder / "runs" / "ring", tmp_path / "elsewhere")
    (lab.folder / "runs" / "link").symlink_to(tmp_path / "elsewhere")
    (lab.folder / "way-out").symlink_to(outside)
    for name in ("link", "..", "%2e%2e", "..%2fruns%2fring", "nothing", ".", "ring%00", "a" * 300, "%2fetc"):
        for path in (f"runs/{name}", f"runs/{name}/grid/0", f"runs/{name}/report", f"explore/{name}"):
            assert lab.ask(path)[0] in (404, 400), path
    refused = {
        403: [
            {"data": str(outside)},
            {"data": "/etc"},
            {"data": "../"},
            {"data": str(lab.folder / "way-out")},
            {"data": "digits", "overrides": {"networks.generator": "evil.py:make"}},
            {"data": str(lab.folder), "overrides": {"images.heldout": str(outside)}},
        ],
        400: [
            {"data": "digits", "recipe": "/etc/passwd"},
            {"data": "digits", "overrides": {"networks-generator": "evil.py:make"}},
            {"data": "digits", "recipe": "nothing.toml"},
            {"data": "digits", "overrides": {"data": "/etc"}},
            {"data": "digits", "overrides": {"out": "/tmp/x"}},
            {"data": "digits", "overrides": {"--out": "/tmp/x"}},
            {"data": "digits", "overrides": {"adam.beta1": 7}},
            {"data": "digits", "kimg": 1, "minutes": 1},
            {"data": "digits", "kimg": -1},
            {"data": "digits", "kimg": 1, "name": "../x"},
            {"data": "digits", "kimg": 1, "name": ".hidden"},
            {"data": "digits", "kimg": 1, "name": "a/b"},
            {"data": "digits", "kimg": 1, "name": ":new"},
            {"data": "digits", "unknown": 1},
            {"data": ""},
            {"data": 7},
            [],
        ],
        409: [{"data": "ring", "kimg": 1, "name": "ring"}],
    }
    before = sorted(path.name for path in (lab.folder / "runs").iterdir())
    for status, bodies in refused.items():
        for body in bodies:
            got, content = lab.ask("runs", body, "es")
            assert got == status, (body, got, content)
            assert set(json.loads(content)) == {"error"}
    assert sorted(path.name for path in (lab.folder / "runs").iterdir()) == before
    assert lab.json("runs", {"data": "/etc"}, "es", 403) == {"error": say("lab.runs.outside", "es", path="/etc")}
    assert lab.ask("runs/inspect", {"path": str(outside)})[0] == 403
    assert lab.ask("runs/inspect", {"path": "digits", "overrides": {"images.heldout": "/etc"}})[0] == 400
    assert lab.ask("runs/places?path=/")[0] == 403
    assert lab.ask(f"runs/places?path={lab.folder}/../..")[0] == 403
    (lab.folder / "runs" / "link").unlink()


def test_a_training_that_cannot_begin_says_why_and_leaves_its_name_free(lab: RunningLab) -> None:
    folder = gratings(lab.folder / "shifting", 30, (8, 8), colour=False)
    body = {"data": str(folder), "kimg": 1, "overrides": {"images.size": "8"}, "name": "early"}
    for file in folder.iterdir():
        file.write_bytes(b"no image")
    lab.json("runs", body, expect=201)
    told = until(lambda: (now := state(lab, "early"))["state"] == "failed" and now)
    assert "shifting" in told["why"]
    assert not told["why"].startswith("duelo")
    assert told["log"][-1].endswith(told["why"])
    gratings(folder, 30, (8, 8), colour=False)
    lab.json("runs", body, expect=201)  # the same name
    until(lambda: state(lab, "early")["state"] == "finished")
    assert lab.json("runs", body, expect=409) == {"error": say("lab.runs.taken", "en", name="early")}


def test_a_folder_says_who_trains_in_it(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    assert holder(run) is None
    with claimed(run):
        assert holder(run) == os.getpid()
        with pytest.raises(UserError), claimed(run):
            pass
        assert holder(run) == os.getpid()
        run.recipe_file.write_text(recipes.to_toml(recipes.resolve("ring")))
    assert not run.holder_file.exists()
    # a kill leaves the note behind: a number that is nobody's, or somebody else's, or ours without the lock
    for pid, born in ((2**22 + 1, "1"), (os.getpid(), "1"), (os.getpid(), began(os.getpid()))):
        run.holder_file.write_text(json.dumps({"pid": pid, "began": born}))
        assert holder(run) is None
    for spoiled in ("", "{}", "[]", '{"pid": "x", "began": 1}', '{"pid": 7'):
        run.holder_file.write_text(spoiled)
        assert holder(run) is None
    with claimed(run):
        assert holder(run) == os.getpid()


def test_somebody_who_looks_is_never_in_the_way_of_a_training(tmp_path: Path) -> None:
    """While `holder` is asked again and again, a run can be claimed at any time."""
    import threading

    run, ended = RunFolder(tmp_path / "run"), threading.Event()

    def look() -> None:
        while not ended.is_set():
            holder(run)

    looking = threading.Thread(target=look)
    looking.start()
    try:
        for _ in range(200):
            with claimed(run):
                pass
    finally:
        ended.set()
        looking.join()


def test_a_listener_hears_each_line_once_and_all_anew_when_a_run_goes_back(finished_ring: Path, tmp_path: Path) -> None:
    run = RunFolder(shutil.copytree(finished_ring, tmp_path / "runs" / "run"))
    whole = run.stats_file.read_bytes()
    lines = whole.splitlines(keepends=True)
    run.stats_file.write_bytes(b"".join(lines[:3]) + lines[3][:20])  # a kill cut the fourth short
    follower = Follower(Trainings(tmp_path / "runs", []), run)
    first = dict(follower.look())
    assert first["lines"]["anew"]
    assert len(first["lines"]["curves"]["kimg"]) == 3
    assert first["state"]["name"] == "run"
    assert first["grids"] == [kimg for kimg, _ in run.samples()]
    assert follower.look() == []
    with run.stats_file.open("ab") as file:
        file.write(lines[3][20:] + lines[4])
    news = dict(follower.look())["lines"]
    assert not news["anew"]
    assert news["curves"]["kimg"] == [json.loads(line)["nimg"] / 1000 for line in lines[3:5]]
    assert follower.look() == []
    other = tmp_path / "other"
    other.write_bytes(b"".join(lines[:2]))
    os.replace(other, run.stats_file)  # as a resumed run does with lines after its checkpoint
    again = dict(follower.look())["lines"]
    assert again["anew"]
    assert len(again["curves"]["kimg"]) == 2
    assert last_line(run)["nimg"] == json.loads(lines[1])["nimg"]


def test_only_complaints_are_failures(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    assert complaint_of(run) is None
    stories = {
        "new run: 5 kimg\n": None,
        "new run\nduelo: ring has a hole.\n": "ring has a hole.",
        f"new run\n{say('error', 'es', text=say('cli.interrupted', 'es'))}\n": None,
        "new run\ninterrupted at 3 kimg and saved; run the same command again:\n  duelo train ring\n": None,
        'Traceback (most recent call last):\n  File "x"\nRuntimeError: no\n': "RuntimeError: no",
        "duelo: old trouble.\n$ duelo train ring\ngoing on\n": None,
    }
    for text, complaint in stories.items():
        run.log_file.write_text("$ duelo train ring\n" + text)
        assert complaint_of(run) == complaint, text


def test_no_more_trainings_at_a_time_than_make_sense(tmp_path: Path) -> None:
    trainings = Trainings(tmp_path, [])
    held = []
    try:
        for i in range(3):
            claim = claimed(RunFolder(tmp_path / f"run{i}"))
            claim.__enter__()
            held.append(claim)
        with pytest.raises(Refused) as refused:
            trainings.start({"data": "ring", "kimg": 1}, None)
        assert refused.value.status == 409
        assert refused.value.key == "lab.runs.too_many"
    finally:
        for claim in held:
            claim.__exit__(None, None, None)


def test_errands_outlive_their_process_and_speak_the_askers_language(tmp_path: Path) -> None:
    """What goes wrong there is a sentence here; a process that was killed is begun anew."""
    clerk = Errands("duelo.lab.clerk")
    try:
        with speaking("es"), pytest.raises(Told) as told:
            clerk.run("side_by_side", paths=[str(tmp_path)])
        assert str(told.value) == say("compare.few", "es")
        first = clerk._process
        assert first is not None
        os.kill(first.pid, signal.SIGKILL)
        with speaking("en"), pytest.raises(Told) as told:
            clerk.run("side_by_side", paths=[str(tmp_path)])
        assert str(told.value) == say("compare.few", "en")
        with pytest.raises(Refused) as refused:
            clerk.run("side_by_side", wrong="arguments")  # a mistake of ours: its traceback stays there
        assert refused.value.status == 409
        clerk.close()
        clerk.patience = 0.01  # much less than it takes to begin
        with pytest.raises(Refused):
            clerk.run("diagnosis", path=str(tmp_path))
    finally:
        clerk.close()
    assert first is not None
    assert gone(first.pid)


def test_what_torch_does_ends_with_the_server(tmp_path: Path, finished_ring: Path) -> None:
    shutil.copytree(finished_ring, tmp_path / "runs" / "ring")
    with running(tmp_path) as lab:
        lab.json("runs/ring/diagnosis")
        children = Path(f"/proc/{lab.process.pid}/task/{lab.process.pid}/children")
        if not children.exists():
            pytest.skip("this system does not say whose child a process is")
        pids = [int(pid) for pid in children.read_text().split()]
        pids += [int(pid) for thread in children.parents[1].iterdir() for pid in (thread / "children").read_text().split()]
        assert pids
        lab.kill()  # no farewell: they must notice by themselves
        until(lambda: all(gone(pid) for pid in pids), 20)


def test_the_server_has_not_loaded_torch() -> None:
    import subprocess

    code = "import duelo.lab.running, sys; print(sorted({'torch', 'numpy', 'matplotlib'} & sys.modules.keys()))"
    start = time.perf_counter()
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
    assert time.perf_counter() - start < 20
