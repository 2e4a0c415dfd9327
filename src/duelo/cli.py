"""The command line: parsing only. All else is imported when a command needs it, so that help and mistakes answer at once."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import cyclopts
from cyclopts import App, Parameter

import duelo
from duelo.presets import PRESETS
from duelo.words import UserError, did_you_mean, say


def whole(kind: object, tokens: Sequence[cyclopts.Token]) -> int:
    """A whole number, and nothing that merely can be rounded to one."""
    return int(tokens[0].value)


app = App(name="duelo", help=say("help.app"), version=duelo.__version__, help_format="plaintext")
data_app = App(name="data", help=say("help.data_app"))
Data = Annotated[str, Parameter(help=say("help.data"))]
Size = Annotated[str | None, Parameter(help=say("help.size"))]
Fit = Annotated[str | None, Parameter(help=say("help.fit"))]
Alpha = Annotated[str | None, Parameter(help=say("help.alpha"))]
Heldout = Annotated[str | None, Parameter(help=say("help.heldout"))]
MOST_SAMPLES = 1_000_000
MEASURED_FROM = 50_000  # images that a run must have seen for a verdict at its end
BRIEF = 2_000  # samples of such a verdict
overrides: dict[str, str] = {}  # the dotted options of this command, taken out before the rest is parsed


def main(arguments: list[str] | None = None) -> int:
    """Run one command. Exit code 0: done; 2: wrong input; 3: training failed; 130: interrupted and saved."""
    tokens = list(sys.argv[1:] if arguments is None else arguments)
    try:
        overrides.clear()
        if tokens[:1] == ["train"]:
            overrides.update(take_dotted(tokens))
        join_size(tokens)
        code = app(tokens, exit_on_error=False, print_error=False, result_action="return_value")
        return int(code or 0)
    except cyclopts.CycloptsError as error:
        return complain(explain(error, tokens))
    except UserError as error:
        return complain(str(error), error.exit_code)
    except BrokenPipeError:  # `duelo runs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return complain(say("cli.interrupted"), 130)


def complain(text: str, code: int = 2) -> int:
    """One line on stderr."""
    print(say("error", text=text), file=sys.stderr)
    return code


def take_dotted(tokens: list[str]) -> dict[str, str]:
    """Take the options with a dot in their name (`--adam.beta1 0.5`, `--adam.beta1=0.5`) out of `tokens`."""
    taken: dict[str, str] = {}
    for i in range(len(tokens) - 1, -1, -1):
        name, equals, value = tokens[i].partition("=")
        if not (name.startswith("--") and "." in name):
            continue
        if not equals:
            if i + 1 == len(tokens) or tokens[i + 1].startswith("--"):
                raise UserError("cli.option_value", name=name)
            value = tokens.pop(i + 1)
        taken.setdefault(name.removeprefix("--"), value)  # read from the end: the last of several counts
        del tokens[i]
    return taken


def join_size(tokens: list[str]) -> None:
    """`--size 48 64` is one value of two numbers: make it one token."""
    for i in range(len(tokens) - 2):
        if tokens[i] == "--size" and tokens[i + 1].isdigit() and tokens[i + 2].isdigit():
            tokens[i + 1 : i + 3] = [f"{tokens[i + 1]}x{tokens[i + 2]}"]
            return


def explain(error: cyclopts.CycloptsError, tokens: list[str]) -> str:
    """The parser's complaint as one of our sentences."""
    words = [token for token in tokens if not token.startswith("-")]
    nested = words[:1] == ["data"] and words[1:2] and words[1] in data_app
    command = " ".join(words[: 2 if nested else 1])
    argument = getattr(error, "argument", None)
    name = argument.name if argument is not None else ""
    if argument is not None and argument.field_info.is_positional_only:
        name = name.lstrip("-").upper()
    if isinstance(error, cyclopts.UnknownCommandError):
        place, wrong = (data_app, words[1]) if words[:1] == ["data"] and words[1:] else (app, command)
        known = [name for name in place if not name.startswith("-")]
        return say("cli.command", name=wrong, known=", ".join(known), guess=did_you_mean(wrong, known))
    if isinstance(error, cyclopts.MissingArgumentError) and name.startswith("--"):
        return say("cli.option_value", name=name)
    if isinstance(error, cyclopts.MissingArgumentError):
        return say("cli.missing", name=name, command=command)
    if isinstance(error, cyclopts.CoercionError):
        token = getattr(error, "token", None)
        return say("cli.value", name=name, value=token.value if token else "", command=command)
    unused = getattr(error, "unused_tokens", None) or getattr(error, "token", None) or []
    names = " ".join(unused) if isinstance(unused, list) else unused.keyword or unused.value
    return say("cli.unused", names=names, command=command) if names else str(error).replace("\n", " ")


@app.command(help=say("help.train"), help_epilogue=say("help.overrides"))
def train(
    data: Data,
    /,
    *,
    recipe: Annotated[str | None, Parameter(help=say("help.recipe"))] = None,
    out: Annotated[Path | None, Parameter(help=say("help.out"))] = None,
    kimg: Annotated[float | None, Parameter(help=say("help.kimg"))] = None,
    minutes: Annotated[float | None, Parameter(help=say("help.minutes"))] = None,
    seed: Annotated[int | None, Parameter(converter=whole, help=say("help.seed"))] = None,
    device: Annotated[str, Parameter(help=say("help.device"))] = "auto",
    size: Size = None,
    fit: Fit = None,
    alpha: Alpha = None,
    heldout: Heldout = None,
    generator: Annotated[str | None, Parameter(help=say("help.generator"))] = None,
    discriminator: Annotated[str | None, Parameter(help=say("help.discriminator"))] = None,
) -> int:
    if kimg is not None and minutes is not None:
        raise UserError("cli.two_lengths")
    options = {
        "kimg": kimg,
        "minutes": minutes,
        "seed": seed,
        "networks.generator": generator,
        "networks.discriminator": discriminator,
    }
    given = {key: value for key, value in options.items() if value is not None}
    given |= framing(size, fit, alpha, heldout) | overrides
    from duelo.folder import default_out

    resolved = duelo.resolve(data, recipe, given)
    folder = out or default_out(data, recipe, given)

    from duelo import machine, report
    from duelo.pace import leave_room
    from duelo.run import train as start
    from duelo.screen import screen

    if machine.find_device(device) == "cpu" and not duelo.RunFolder(folder).exists():
        threads, most = leave_room()
        if threads < most:
            print(say("train.threads", threads=threads, most=most), file=sys.stderr)
    with screen(folder, shlex.join(["duelo", *sys.argv[1:]])) as view:
        for moment in start(resolved, folder, device):
            view.show(moment)
    if moment.kind == "interrupted":
        return 130
    run = duelo.RunFolder(folder)
    if moment.kind in ("end", "stopped") and moment.nimg >= MEASURED_FROM:
        briefly(run)
    stale = not run.report_file.exists() or run.report_file.stat().st_mtime < run.checkpoints()[0].stat().st_mtime
    page = report.write(folder) if stale else run.report_file
    print(say("train.report", path=page))
    return 0


def framing(size: str | None, fit: str | None, alpha: str | None, heldout: str | None) -> dict[str, Any]:
    """The options about a user's own images as keys of the recipe, those that were given."""
    options = {"images.size": size, "images.fit": fit, "images.alpha": alpha, "images.heldout": heldout}
    return {key: value for key, value in options.items() if value is not None}


app.command(data_app)


@data_app.command(name="inspect", help=say("help.inspect"))
def inspect_data(
    data: Data,
    /,
    *,
    size: Size = None,
    fit: Fit = None,
    alpha: Alpha = None,
    heldout: Heldout = None,
    json: Annotated[bool, Parameter(negative=(), show_default=False, help=say("help.json"))] = False,
) -> None:
    recipe = duelo.resolve(data, None, framing(size, fit, alpha, heldout))

    from json import dumps

    from duelo import inspection
    from duelo.screen import watched

    found = watched(inspection.inspect(recipe))
    picture = inspection.sheet_file(recipe, found.facts)
    inspection.save_sheet(found.sheet, picture)
    if json:
        print(dumps({**found.facts, "contact_sheet": str(picture)}, ensure_ascii=False))
    else:
        print("\n".join(inspection.text(found.facts, picture)))


@data_app.command(name="pack", help=say("help.pack"))
def pack_data(
    data: Data,
    out: Annotated[Path, Parameter(help=say("help.pack_out"))],
    /,
    *,
    size: Size = None,
    fit: Fit = None,
    alpha: Alpha = None,
    heldout: Heldout = None,
) -> None:
    recipe = duelo.resolve(data, None, framing(size, fit, alpha, heldout))
    if recipe.images is None:
        raise UserError("pack.own", data=data)

    from duelo import inspection
    from duelo.screen import watched

    pack = watched(inspection.pack(recipe, out))
    print(say("pack.done", n=len(pack.images), path=out))


@app.command(help=say("help.sample"))
def sample(
    run: Annotated[Path, Parameter(help=say("help.run"))],
    /,
    *,
    n: Annotated[int, Parameter(name=["-n"], converter=whole, help=say("help.n"))] = 100,
    class_: Annotated[int | None, Parameter(converter=whole, name=["--class"], help=say("help.class"))] = None,
    seed: Annotated[int, Parameter(converter=whole, help=say("help.sample_seed"))] = 0,
    out: Annotated[str | None, Parameter(help=say("help.sample_out"))] = None,
    reject: Annotated[bool, Parameter(negative="", help=say("help.reject"))] = False,
    no_copies: Annotated[bool, Parameter(negative="", help=say("help.no_copies"))] = False,
) -> None:
    if not 1 <= n <= MOST_SAMPLES:
        raise UserError("sample.count", n=n, most=MOST_SAMPLES)
    if not 0 <= seed < 2**31:
        raise UserError("sample.seed", seed=seed)
    target = out or str(run / f"samples-seed{seed}.png")
    if not target.endswith((".png", ".npz", "/")):
        raise UserError("sample.out", path=target)
    recipe = duelo.RunFolder(run).recipe()  # is there a run? asked before torch is loaded
    if class_ is not None and not recipe.networks.conditional:
        raise UserError("sample.class")
    if reject and recipe.networks.conditional:
        raise UserError("sample.reject_class")
    if class_ is not None and not 0 <= class_ < recipe.classes:
        raise UserError("sample.class_range", value=class_, most=recipe.classes - 1)

    from duelo import samples

    samples.write(duelo.RunFolder(run), n, seed, target, class_, reject, no_copies)
    print(say("sample.done", n=n, path=target))


@app.command(help=say("help.measure"))
def measure(
    source: Annotated[Path, Parameter(help=say("help.measured"))],
    /,
    *,
    data: Annotated[str | None, Parameter(help=say("help.measure_data"))] = None,
    only: Annotated[str | None, Parameter(help=say("help.measure_only"))] = None,
    n: Annotated[int | None, Parameter(name=["-n"], converter=whole, help=say("help.measure_n"))] = None,
    seed: Annotated[int, Parameter(converter=whole, help=say("help.sample_seed"))] = 0,
    json: Annotated[bool, Parameter(negative=(), show_default=False, help=say("help.json"))] = False,
) -> None:
    file = source.suffix == ".npz"
    if file and data is None:
        raise UserError("measure.no_data")
    if not file and data is not None:
        raise UserError("measure.data", path=source)
    if n is not None and not 1 <= n <= MOST_SAMPLES:
        raise UserError("sample.count", n=n, most=MOST_SAMPLES)
    if not 0 <= seed < 2**31:
        raise UserError("sample.seed", seed=seed)
    if not file:
        duelo.RunFolder(source).recipe()  # is there a run? asked before torch is loaded

    from json import dumps

    from duelo import evidence, verdict

    aspects = verdict.ASPECTS if only is None else verdict.aspects(only)
    samples = evidence.of_file(source, data) if data is not None else evidence.of_run(duelo.RunFolder(source), n, seed)
    found, pictures = verdict.assess(samples, aspects, seed, tell=tell)
    if not file:
        verdict.keep(duelo.RunFolder(source), found, pictures)
        print(say("measure.kept", path=duelo.RunFolder(source).verdict_file), file=sys.stderr)

        from duelo import report

        print(say("train.report", path=report.write(source)), file=sys.stderr)
    print(dumps(found) if json else "\n".join(verdict.sentences(found)))


def briefly(run: duelo.RunFolder) -> None:
    """The verdict at the end of a run, on few samples; where the data are too few for one, that is said."""
    from duelo import evidence, verdict

    try:
        found, pictures = verdict.assess(evidence.of_run(run, BRIEF), brief=True, tell=tell)
    except UserError as error:
        print(error, file=sys.stderr)
        return
    verdict.keep(run, found, pictures)
    print("\n".join(verdict.sentences(found)))
    print(say("measure.brief", n=found["n"], path=run.path), file=sys.stderr)


def tell(aspect: str) -> None:
    """Say what is measured next."""
    print(say(f"measure.{aspect}"), file=sys.stderr, flush=True)


@app.command(help=say("help.compare"))
def compare(
    *runs: Annotated[Path, Parameter(help=say("help.compare_runs"))],
    out: Annotated[Path | None, Parameter(help=say("help.compare_out"))] = None,
) -> None:
    from duelo import compare as side_by_side

    print(side_by_side.compare(runs, out))


@app.command(help=say("help.report"))
def report(run: Annotated[Path, Parameter(help=say("help.run"))], /) -> None:
    duelo.RunFolder(run).recipe()

    from duelo import report as page

    print(say("train.report", path=page.write(run)))


@app.command(help=say("help.runs"))
def runs(folder: Annotated[Path, Parameter(help=say("help.folder"))] = Path("runs"), /) -> None:
    from duelo.screen import print_runs

    print_runs(folder, duelo.find_runs(folder))


@app.command(name="recipes", help=say("help.recipes"))
def list_recipes(name: Annotated[str | None, Parameter(help=say("help.recipe_name"))] = None, /) -> None:
    if name is not None:
        from duelo.recipes import to_toml

        print(to_toml(duelo.resolve(None, name)), end="")
        return
    for preset, function in PRESETS.items():
        print(f"{preset:<12}{say(f'preset.{function.__name__}')}")


@app.command(help=say("help.lab"))
def lab(
    data: Annotated[str, Parameter(help=say("help.lab_data"))] = "ring",
    /,
    *,
    port: Annotated[int | None, Parameter(converter=whole, help=say("help.lab_port"))] = None,
    lang: Annotated[str | None, Parameter(help=say("help.lab_lang"))] = None,
    host: Annotated[str, Parameter(help=say("help.lab_host"))] = "127.0.0.1",
    runs: Annotated[Path, Parameter(help=say("help.lab_runs"))] = Path("runs"),
    allow: Annotated[tuple[Path, ...], Parameter(negative=(), show_default=False, help=say("help.lab_allow"))] = (),
    browser: Annotated[bool, Parameter(help=say("help.lab_browser"))] = True,
) -> None:
    resolved = duelo.resolve(data)  # is there such data? asked before anything is opened

    from duelo.lab import serve

    serve(resolved.data, port=port, lang=lang, host=host, runs=runs, allow=allow, browser=browser)
