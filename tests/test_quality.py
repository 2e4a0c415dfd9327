from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import duelo
from duelo.measure.estimate import Estimate, jackknife, share, student
from duelo.measure.features import load_features
from duelo.measure.frechet import frechet, moments
from duelo.measure.quality import FEWEST, Quality, quality

N = 1000


@pytest.fixture(scope="module")
def parts() -> dict[str, Tensor]:
    """Digits: `train`, and as many new `real` ones as if they were generated, with their `labels`; `heldout` and `test`."""
    data = duelo.load("digits")
    assert data.train.labels is not None
    assert data.test is not None
    chance = torch.Generator().manual_seed(0)  # digits that follow one another are of the same few hands
    chosen = torch.randperm(len(data.train), generator=chance)[: 5 * N]
    held, tested = (torch.randperm(10_000, generator=chance)[: 2 * N] for _ in range(2))
    return {
        "train": data.train.take(chosen[N:]),
        "real": data.train.take(chosen[:N]),
        "labels": data.train.labels[chosen[:N]],
        "train_labels": data.train.labels[chosen[N:]],
        "heldout": data.heldout.take(held),
        "test": data.test.take(tested),
    }


def measured(parts: dict[str, Tensor], generated: Tensor, **options: object) -> Quality:
    return quality(parts["train"], parts["heldout"], generated, load_features("digits"), **options)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def of_real(parts: dict[str, Tensor]) -> Quality:
    return measured(parts, parts["real"], test=parts["test"])


def estimates(found: Quality) -> dict[str, Estimate]:
    assert found.classes is not None
    assert found.test is not None
    names = ("frechet", "ratio", "kid", "precision", "recall", "density", "coverage")
    return {name: getattr(found, name) for name in names} | {"classes": found.classes.distance, "test": found.test}


def test_new_real_digits_lie_at_the_floors(of_real: Quality) -> None:
    assert (of_real.n, of_real.n_heldout, of_real.distance_name) == (N, 2 * N, "FD-digits")
    for name, estimate in estimates(of_real).items():
        assert estimate.low <= estimate.value <= estimate.high, name
        assert estimate.n == N or name in ("recall", "coverage"), name
        reach = (estimate.high - estimate.low) / 2
        assert abs(estimate.value - estimate.floor) < 2.5 * reach, (name, estimate)
    assert 0.8 < of_real.ratio.value < 1.25
    assert of_real.precision.value > 0.85
    assert of_real.recall.value > 0.85


def test_the_distance_is_the_one_of_the_features(parts: dict[str, Tensor], of_real: Quality) -> None:
    features = load_features("digits")
    distance = frechet(moments(features(parts["real"])), moments(features(parts["heldout"])))
    assert of_real.frechet.value == pytest.approx(distance, rel=1e-6)
    assert of_real.ratio.value == pytest.approx(of_real.frechet.value / of_real.frechet.floor, rel=1e-9)


def test_other_writers_are_farther_away(of_real: Quality) -> None:
    assert of_real.test is not None
    assert of_real.test.value > of_real.frechet.high
    assert of_real.test.floor > of_real.frechet.floor


def test_a_collapsed_generator_loses_recall_and_keeps_precision(parts: dict[str, Tensor], of_real: Quality) -> None:
    few = parts["real"][:20][torch.arange(N) % 20]
    found = measured(parts, few)
    assert found.precision.value > 0.7
    assert found.recall.value < 0.05
    assert found.recall.high < of_real.recall.low
    assert found.coverage.high < of_real.coverage.low / 2
    assert found.frechet.low > of_real.frechet.high
    assert found.kid.low > of_real.kid.high


def test_one_digit_of_each_class_is_not_variety(parts: dict[str, Tensor], of_real: Quality) -> None:
    """The shares of the classes are right, and within a class all are the same: a classifier's logits would not see it."""
    first = torch.stack([(parts["labels"] == c).nonzero()[0, 0] for c in range(10)])
    found = measured(parts, parts["real"][first[parts["labels"]]])
    assert found.classes is not None
    assert of_real.classes is not None
    assert found.classes.distance.value < 2 * of_real.classes.distance.value
    assert found.frechet.value > 30 * of_real.frechet.value
    assert found.recall.value < 0.05


def test_blurred_digits_are_worse_the_more_they_are(parts: dict[str, Tensor], of_real: Quality) -> None:
    sharp = parts["real"].float()
    blurred = (torch.lerp(sharp, F.avg_pool2d(sharp, 3, 1, 1), strength).round().byte() for strength in (0.4, 0.8))
    for less, more in pairwise([of_real, *(measured(parts, images) for images in blurred)]):
        assert less.frechet.high < more.frechet.low
        assert less.ratio.value < more.ratio.value
        assert less.kid.value < more.kid.value
        assert less.recall.value > more.recall.value  # precision may rise: blurred digits are typical ones


def test_a_missing_class_shows(parts: dict[str, Tensor], of_real: Quality) -> None:
    found = measured(parts, parts["real"][parts["labels"] != 8])
    assert found.classes is not None
    assert of_real.classes is not None
    assert found.classes.generated[8] < 0.01 < 0.08 < found.classes.heldout[8]
    assert float(found.classes.generated.sum()) == pytest.approx(1)
    assert found.classes.distance.low > found.classes.distance.floor
    assert found.classes.distance.value > 1.5 * of_real.classes.distance.value
    assert found.classes.distance.value == pytest.approx(float(found.classes.heldout[8]), abs=0.06)
    assert found.coverage.high < of_real.coverage.low
    assert found.frechet.low > of_real.frechet.high
    assert found.precision.value > 0.85


def test_classes_come_from_labels_where_the_features_know_none(parts: dict[str, Tensor]) -> None:
    known, sets = parts["labels"], (parts["real"], parts["heldout"], parts["train"][:N][parts["train_labels"][:N] != 8])
    # every other row and column: with all 784 pixels, of which many never vary, FD's roots take twenty seconds
    found = quality(*(some[..., ::2, ::2] for some in sets), load_features("pixels"), labels=known)
    assert found.classes is not None
    assert found.classes.generated[8] < 0.02 < 0.06 < found.classes.heldout[8]
    assert found.classes.distance.value > found.classes.distance.floor
    assert quality(*(some[:100] for some in sets), load_features("pixels")).classes is None
    of_digits = quality(*sets, load_features("digits"), labels=known.flip(0))  # which know them better
    assert of_digits.classes is not None
    assert of_digits.classes.generated[8] < 0.01


def test_swapped_arguments_are_something_else(parts: dict[str, Tensor]) -> None:
    few = parts["real"][:50][torch.arange(N) % 50]
    features = load_features("digits")
    right, wrong = (quality(parts["train"], *sets, features) for sets in ((parts["heldout"], few), (few, parts["heldout"])))
    assert right.precision.value > 0.7 > 0.3 > right.recall.value
    assert wrong.precision.value < 0.3 < 0.7 < wrong.recall.value


def test_a_function_of_its_arguments(parts: dict[str, Tensor], of_real: Quality, tmp_path: Path) -> None:
    again = measured(parts, parts["real"], test=parts["test"], cache=tmp_path)
    assert again.as_json() == of_real.as_json()
    kept = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(kept) == 3  # the drawn training digits, the held-out and the test digits
    assert measured(parts, parts["real"], test=parts["test"], cache=tmp_path).as_json() == of_real.as_json()
    assert {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()} == kept
    other = measured(parts, parts["real"], seed=1)
    assert other.frechet.value == pytest.approx(of_real.frechet.value, rel=1e-9)
    assert other.frechet.floor != of_real.frechet.floor
    assert other.test is None
    assert json.loads(json.dumps(of_real.as_json()))["distance_name"] == "FD-digits"


def test_points_have_no_classes() -> None:
    ring = duelo.load("ring")
    train, heldout = ring.train.first(2000), ring.heldout.first(600)
    found = quality(train, heldout, ring.train.first(3000)[2500:], load_features("identity"))
    assert found.classes is None
    assert found.test is None
    assert found.distance_name == "FD-identity"
    one_side = train[train[:, 0] > 0][:500]
    lost = quality(train, heldout, one_side, load_features("identity"))
    assert lost.frechet.low > found.frechet.high
    assert lost.coverage.value < 0.7 < found.coverage.value
    assert json.dumps(lost.as_json())


def test_fewer_training_than_generated_members_are_matched(parts: dict[str, Tensor]) -> None:
    found = quality(parts["train"][:300], parts["heldout"][:200], parts["real"], load_features("pixels"))
    assert found.n == found.frechet.n == 300
    assert 0.5 < found.ratio.value < 2


def test_too_few_members_are_refused(parts: dict[str, Tensor]) -> None:
    with pytest.raises(ValueError, match=f"at least {FEWEST} members, not 49 of generated"):
        measured(parts, parts["real"][:49])


def test_intervals() -> None:
    # the mean's own standard error is what the jackknife gives, whatever the groups
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0)).double()
    estimate = jackknife(float(values.mean()), ((values.sum() - x) / 999 for x in values), 0.0, 1000)  # type: ignore[misc]
    assert (estimate.high - estimate.low) / 2 == pytest.approx(student(999) * float(values.std()) / 1000**0.5, rel=1e-3)
    assert student(24) == pytest.approx(2.0639, abs=1e-4)
    assert student(4) == pytest.approx(2.7764, rel=3e-3)
    # Wilson's interval: its ends are 1.96 of their own standard errors from the share
    found = share(30, 200, 0.1)
    for end in (found.low, found.high):
        assert abs(end - 0.15) == pytest.approx(1.959964 * (end * (1 - end) / 200) ** 0.5, rel=1e-6)
    assert share(0, 50, 0.0).low == 0 < share(0, 50, 0.0).high < 0.08
    assert share(50, 50, 0.0).high == 1
