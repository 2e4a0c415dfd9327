"""What a finished generator is worth: quality, equilibrium, copying, modes, measured, written down and said in sentences.

verdict.json holds every number with its interval, its floor (real against real) and how many samples it rests on, and the
fingerprint of all that it depends on: two verdicts with different ones cannot be compared.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Collection
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from duelo.checkpoint import write_atomically, writing
from duelo.data import Dataset, InMemory, cache_folder
from duelo.data.pixels import png, tile
from duelo.evidence import FEWEST, MOST, MOST_TRAIN, Evidence
from duelo.folder import RunFolder
from duelo.gap import PERTURBATION, duality_gap
from duelo.measure import Copying, copying, fresh_opponents, modes, quality, score
from duelo.measure.estimate import share
from duelo.measure.features import choose, load_features
from duelo.opinion import of_part, opinions
from duelo.play import Game
from duelo.words import LANGUAGES, UserError, as_written, did_you_mean, say

ASPECTS = ("quality", "equilibrium", "copying", "modes")
PROTOCOL = 2  # to be raised whenever numbers would come out differently: verdicts of two protocols cannot be compared
BRIEF_KIMG = 30.0  # the length of the opponent's training in a brief verdict
SHOWN = 8  # rows of a gallery
SOME = 1_000  # training members by which a training set is known again
BINS = 40  # of the histograms of logits
ASKED = 2_000  # members of each kind of which the run's own discriminator is asked


def measure(
    train: Tensor,
    heldout: Tensor,
    generated: Tensor,
    seed: int = 0,
    only: Collection[str] = ASPECTS,
    brief: bool = False,
    features: str | None = None,
) -> dict[str, Any]:
    """The verdict on `generated` members [n, *shape], in plain values, as `duelo measure` gives it.

    train: all that the generator was trained on [a, *shape]; heldout: others of the same data, at random [m, *shape].
    Images uint8 in 0..255 or points float32. seed: of what is drawn. only: of ASPECTS. brief: the small opponent alone.
    features: of duelo.measure.features.NAMES; by default what fits the shape, of 28 x 28 grey images those of digits.
    Raises UserError for fewer than 100 of a kind, and for features that are not there.
    """
    parts = InMemory(train), InMemory(heldout[:0]), InMemory(heldout)
    return assess(Evidence(generated, Dataset("", *parts), ""), only, seed, brief, features=features)[0]


def assess(
    evidence: Evidence,
    only: Collection[str] = ASPECTS,
    seed: int = 0,
    brief: bool = False,
    tell: Callable[[str], None] = lambda aspect: None,
    features: str | None = None,
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """The verdict in plain values, and pictures (PNG) by their names. tell: hears what is measured next. Raises UserError.

    brief: the small opponent alone, for a shorter time, and no duality gap.
    """
    generated, dataset = evidence.generated, evidence.dataset
    heldout = dataset.heldout.drawn(MOST, seed)
    numbers = {"generated": len(generated), "heldout": len(heldout), "train": len(dataset.train)}
    for kind, number in numbers.items():
        if number < FEWEST:
            raise UserError(f"measure.few_{kind}", n=number, least=FEWEST)
    has_modes = dataset.truth is not None or dataset.name == "stacked-digits"
    if set(only) == {"modes"} and not has_modes:
        raise UserError("measure.no_modes", data=dataset.name)
    network = load_features(features or choose(dataset.shape, dataset.name or None))
    train = dataset.train.drawn(MOST_TRAIN, seed)
    places = torch.arange(len(generated))
    if len(generated) > MOST:  # a file may be sorted
        places = torch.randperm(len(generated), generator=torch.Generator().manual_seed(seed))[:MOST].sort().values
    few = generated[places]
    verdict: dict[str, Any] = {
        "data": dataset.name,
        "origin": evidence.origin,
        "kimg": evidence.kimg,
        "n": len(few),
        "n_heldout": len(heldout),
        "seed": seed,
        "features": {"name": network.name, "fingerprint": network.fingerprint},
        "brief": brief,
    }
    verdict["fingerprint"] = fingerprint(verdict, numbers, train, heldout)
    pictures, cache = dict(evidence.pictures), cache_folder() / "features"
    if "quality" in only:
        tell("quality")
        test = None if dataset.test is None else dataset.test.drawn(MOST, seed)
        known = dataset.train.labels if dataset.truth is None else None  # a mixture's are its modes
        labels = None if known is None else InMemory(known).drawn(MOST_TRAIN, seed)  # in the order of `train`
        found = quality(train, heldout, few, network, seed, test, cache, labels)
        verdict["quality"] = plain(found.as_json())
    if "equilibrium" in only:
        tell("equilibrium")
        verdict["equilibrium"], shown = equilibrium(train, heldout, few, seed, brief)
        pictures |= shown
        if isinstance(evidence.learner, Game):
            verdict["equilibrium"]["own"] = own(evidence.learner, dataset)
            if not brief:
                verdict["equilibrium"]["gap"] = gaps(evidence.learner, dataset, seed)
    if "copying" in only and not (brief and dataset.truth is not None):  # a million exact draws have nothing to copy
        tell("copying")
        copies = copying(train, heldout[: len(few)] if brief else heldout, few, network, seed, cache=cache)
        verdict["copying"] = copies_in_numbers(copies, places) | {"all_train": len(dataset.train)}
        if few.ndim == 4:
            pictures["nearest"] = nearest_picture(copies, train, heldout, few)
    if "modes" in only and has_modes:
        tell("modes")
        if dataset.truth is not None:
            floor = dataset.truth.sample(len(generated), torch.Generator().manual_seed(seed + 1))
            found_modes: Any = {
                "found": asdict(score(generated, dataset.truth)),
                "floor": asdict(score(floor, dataset.truth)),
            }
        else:
            found_modes = asdict(modes(generated, dataset.heldout.first(len(generated)), network))
        verdict["modes"] = plain(found_modes)
    return spoken(verdict), pictures


def aspects(words: str) -> list[str]:
    """Which aspects `words` names, commas between them. Raises UserError."""
    wanted = [word.strip() for word in words.split(",")]
    for word in wanted:
        if word not in ASPECTS:
            raise UserError("measure.only", word=word, guess=did_you_mean(word, ASPECTS), known=", ".join(ASPECTS))
    return wanted


def fingerprint(verdict: dict[str, Any], numbers: dict[str, int], train: Tensor, heldout: Tensor) -> str:
    """What a verdict depends on beside the generator: 16 hexadecimal digits. Of `train`, which may be large, the first."""
    parts = [PROTOCOL, numbers, *(verdict[key] for key in ("n", "n_heldout", "seed", "features", "brief"))]
    digest = hashlib.sha256(json.dumps(parts).encode())
    for members in (train[:SOME], heldout):
        digest.update(members.contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def equilibrium(
    train: Tensor, heldout: Tensor, generated: Tensor, seed: int, brief: bool
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Fresh opponents in numbers, and what they found most and least obviously generated."""
    length = {"length_kimg": BRIEF_KIMG, "sizes": ("small",)} if brief else {}
    opponents = fresh_opponents(heldout, generated, train, seed, **length)  # type: ignore[arg-type]
    told = []
    for opponent in opponents:
        logits = {"real": opponent.real_logits, "generated": opponent.fake_logits}
        reach = max(float(values.abs().quantile(0.99)) for values in logits.values()) or 1.0
        counts = {name: values.float().histc(BINS, -reach, reach).int().tolist() for name, values in logits.items()}
        told.append(
            {
                "size": opponent.size,
                "parameters": opponent.parameters,
                "accuracy": asdict(opponent.accuracy),
                "auc": asdict(opponent.auc),
                "curve": [list(point) for point in opponent.curve],
                "chosen_kimg": opponent.chosen_kimg,
                "logits": {"reach": reach, **counts},
            }
        )
    strongest = max(opponents, key=lambda each: each.accuracy.value)
    pictures = {}
    if generated.ndim == 4:
        for name, places in (("worst", strongest.worst), ("best", strongest.best)):
            pictures[name] = png(tile(generated[list(places[:32])], columns=8))
    return plain({"opponents": told, "strongest": strongest.size}), pictures


def own(game: Game, dataset: Dataset) -> dict[str, Any]:
    """What the run's own discriminator says of training, held-out and generated members; empty if that is no number."""
    n = min(ASKED, len(dataset.train), len(dataset.heldout))
    said = opinions(game, dataset.heldout, n)
    logits = {"train": of_part(game, dataset.train, n), "real": said.real, "generated": said.fake}
    together = torch.cat(list(logits.values())).float()
    if not together.isfinite().all():
        return {}
    low, high = (float(together.quantile(q)) for q in (0.005, 0.995))
    high = max(high, low + 1e-3)
    return {
        "n": len(said.real),
        "low": low,
        "high": high,
        "border": said.border,
        "counts": {name: values.float().histc(BINS, low, high).int().tolist() for name, values in logits.items()},
        "right": {
            name: plain(asdict(share(int(((values > said.border) != (name == "generated")).sum()), len(values), math.nan)))
            for name, values in logits.items()
        },
    }


def gaps(game: Game, dataset: Dataset, seed: int) -> dict[str, Any]:
    """The duality gap of the game that was played, as it stands and perturbed; its floor is the equilibrium's, 0."""
    sizes = {"plain": 0.0, "perturbed": PERTURBATION}
    found = {name: duality_gap(game, dataset.train, dataset.heldout, seed, size) for name, size in sizes.items()}
    told: dict[str, Any] = plain({name: asdict(gap) | {"floor": 0.0} for name, gap in found.items()})
    return told


def copies_in_numbers(copies: Copying, places: Tensor) -> dict[str, Any]:
    """What was found of copies, without the tensors; of the copies themselves, the first hundred.

    places: [n] int64, where in the file or the run's samples those that were measured are.
    """
    estimates = ("share", "c_t", "authenticity", "fld_gap", "memorisation")
    told: dict[str, Any] = plain(
        {
            "n": copies.n,
            "copies": copies.copies,
            "level": copies.level,
            "n_train": copies.n_train,
            "power": {kind: asdict(share) for kind, share in copies.power.items()},
            **{name: asdict(getattr(copies, name)) for name in estimates},
            "indices": places[copies.indices[:100]].tolist(),
            "nearest_train": copies.pixels.nearest_train[copies.indices[:100]].tolist(),
        }
    )
    return told


def nearest_picture(copies: Copying, train: Tensor, heldout: Tensor, generated: Tensor) -> bytes:
    """The samples that look most like copies, each with its nearest training and its nearest held-out member."""
    order = copies.p_value.argsort(stable=True)[: 2 * SHOWN]
    columns = [generated[order], train[copies.pixels.nearest_train[order]], heldout[copies.pixels.nearest_heldout[order]]]
    return png(tile(torch.stack(columns, 1).flatten(0, 1), columns=6))


def plain(tree: Any) -> Any:
    """Numbers that JSON knows: no infinity and no NaN, which become None."""
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, list | tuple):
        return [plain(value) for value in tree]
    if isinstance(tree, float) and not math.isfinite(tree):
        return None
    return tree


def sentences(verdict: dict[str, Any], lang: str | None = None) -> list[str]:
    """The verdict for people, a sentence for each aspect that was measured."""
    told = []
    if "equilibrium" in verdict:
        found = [opponent["accuracy"] for opponent in verdict["equilibrium"]["opponents"]]
        strongest = max(found, key=lambda accuracy: float(accuracy["value"]))
        floor = max(accuracy["floor"] for accuracy in found)  # the best of as many, like the value
        told.append(say("verdict.opponent", lang, **strongest | {"floor": floor}))
    if "quality" in verdict:
        found = verdict["quality"]
        ratio = {key: math.inf if number is None else number for key, number in found["ratio"].items()}  # see `plain`
        told.append(say("verdict.quality", lang, name=found["distance_name"], **ratio))
        told.append(
            say(
                "verdict.cover",
                lang,
                coverage=found["coverage"]["value"],
                coverage_floor=found["coverage"]["floor"],
                density=found["density"]["value"],
                density_floor=found["density"]["floor"],
            )
        )
    if "copying" in verdict:
        found = verdict["copying"]
        key = "verdict.copies" if found["copies"] else "verdict.no_copies"
        told.append(say(key, lang, copies=found["copies"], total=found["n"], **found["share"]))
        if found["n_train"] < found.get("all_train", 0):
            told.append(say("verdict.among", lang, n_train=found["n_train"], all_train=found["all_train"]))
        if "power" in found:  # older verdicts have none
            told.append(power_sentence(found["power"], lang))
    if "modes" in verdict:
        found = verdict["modes"]
        if "k" in found:
            told.append(
                say(
                    "verdict.thousand",
                    lang,
                    **{key: found[key] for key in ("modes", "modes_floor", "k", "kl", "kl_floor", "n")},
                )
            )
        else:
            told.append(say("verdict.mixture", lang, **found["found"]))
    return told


def power_sentence(power: dict[str, Any], lang: str | None) -> str:
    """How many of the copies that were planted the test found, kind by kind."""
    named = {kind: say(f"verdict.planted.{kind}", lang) for kind in power}
    shares = [f"{as_written(share['value'], '.0%', lang)} {named[kind]}" for kind, share in power.items()]
    listed = say("verdict.and", lang, rest=", ".join(shares[:-1]), last=shares[-1]) if len(shares) > 1 else shares[0]
    return say("verdict.power", lang, shares=listed)


def spoken(verdict: dict[str, Any]) -> dict[str, Any]:
    """The verdict with its sentences, in both languages."""
    return verdict | {"sentences": {lang: sentences(verdict, lang) for lang in LANGUAGES}}


def keep(folder: RunFolder, verdict: dict[str, Any], pictures: dict[str, bytes]) -> None:
    """Write the verdict and its pictures into a run's folder; what it leaves out stays, if it was measured the same way."""
    there = folder.verdict()
    if all(there.get(key) == verdict[key] for key in ("fingerprint", "kimg")):
        verdict = spoken(there | verdict)
    for name, content in pictures.items():
        with writing(folder.verdict_picture(name).parent):
            folder.verdict_picture(name).parent.mkdir(exist_ok=True)
        write_atomically(folder.verdict_picture(name), content)
    write_atomically(folder.verdict_file, json.dumps(verdict, indent=2).encode())
