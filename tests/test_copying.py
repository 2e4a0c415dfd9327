from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

import duelo
from duelo.data.dataset import Part
from duelo.measure.cells import assign, k_means
from duelo.measure.copying import Copying, copying, share_estimate
from duelo.measure.features import Features, Identity, load_features
from duelo.measure.memorisation import authentic, c_t, cosine_distances, fld_nll, mifid_penalty
from duelo.measure.neighbours import nearest
from duelo.measure.planted import ALTERATIONS, altered
from duelo.measure.twins import ToTrain, discoveries, p_values, ratios, twin_test

TRAIN, HELDOUT, GENERATED = 2000, 800, 500


class Pooled(Features):
    """Features of digits: their means in squares of 4 x 4 pixels."""

    def __init__(self) -> None:
        super().__init__("pooled", "none")

    def embed(self, members: Tensor) -> Tensor:
        return F.avg_pool2d(members.float() / 255, 4).flatten(1)


def chosen(part: Part, start: int, end: int) -> Tensor:
    """Members at random: digits in their own order are sorted by writer, and neighbours in it are alike."""
    return part.take(torch.randperm(len(part), generator=torch.Generator().manual_seed(0))[start:end])


@pytest.fixture(scope="module")
def train() -> Tensor:
    return chosen(duelo.load("digits").train, 0, TRAIN)


@pytest.fixture(scope="module")
def heldout() -> Tensor:
    return chosen(duelo.load("digits").heldout, 0, HELDOUT)


@pytest.fixture(scope="module")
def new() -> Tensor:
    """Real digits that neither were trained on nor are held out: an honest generator."""
    return chosen(duelo.load("digits").heldout, HELDOUT, HELDOUT + GENERATED)


@pytest.fixture(scope="module")
def honest(train: Tensor, heldout: Tensor, new: Tensor) -> Copying:
    return copying(train, heldout, new, Pooled())


@pytest.fixture(scope="module")
def copycat(train: Tensor, heldout: Tensor) -> Copying:
    return copying(train, heldout, train[500:][:GENERATED], Pooled())


def test_a_copycat_raises_every_alarm(copycat: Copying, honest: Copying) -> None:
    assert copycat.copies == copycat.n == GENERATED
    assert copycat.share.value == copycat.share.high == 1
    assert copycat.share.floor == 0
    assert torch.equal(copycat.pixels.nearest_train, torch.arange(500, 500 + GENERATED))
    assert torch.equal(copycat.features.nearest_train, torch.arange(500, 500 + GENERATED))
    assert copycat.c_t.high < -5
    assert copycat.authenticity.high < 0.01 < 0.4 < copycat.authenticity.floor
    assert copycat.memorisation.high < 1e-4 < copycat.memorisation.floor
    assert copycat.fld_gap.high < -20
    assert honest.fld_gap.low < honest.fld_gap.floor < honest.fld_gap.high


def test_real_digits_that_were_never_seen_raise_none(honest: Copying) -> None:
    assert honest.copies == 0
    assert honest.share.value == honest.share.low == honest.share.floor == 0
    assert honest.share.high == pytest.approx(1 - 0.025 ** (1 / GENERATED))
    assert honest.c_t.low < 0 < honest.c_t.high
    assert honest.authenticity.low < honest.authenticity.floor < honest.authenticity.high
    assert honest.memorisation.value == pytest.approx(honest.memorisation.floor, rel=0.05)
    assert (honest.features_name, honest.features_fingerprint, honest.seed) == ("pooled", "none", 0)
    assert (honest.n, honest.n_train, honest.n_heldout) == (GENERATED, TRAIN, HELDOUT)


def test_the_power_is_what_planted_copies_show(honest: Copying, train: Tensor, heldout: Tensor, new: Tensor) -> None:
    """Exact and shifted copies are found, turned ones hardly, and none where the held-out part holds them too."""
    assert set(honest.power) == set(ALTERATIONS)
    for kind in ("exact", "shifted"):
        assert honest.power[kind].value == 1
        assert honest.power[kind].low > 0.95
    assert honest.power["noisy"].value > honest.power["turned"].high
    assert all(share.n == 100 and share.floor == 0 for share in honest.power.values())
    blind = copying(heldout, heldout, new, Pooled())
    assert blind.power["exact"].value == 0
    points = copying(*(torch.randn(n, 2, generator=torch.Generator().manual_seed(n)) for n in (300, 200, 50)), Identity())
    assert {kind: share.value for kind, share in points.power.items()} == {"exact": 1}


@pytest.mark.parametrize("alteration", ALTERATIONS)
def test_altered_copies_are_nearly_the_originals(alteration: str, train: Tensor) -> None:
    made = altered(train[:50], alteration, torch.Generator().manual_seed(0))
    assert (made.shape, made.dtype) == (train[:50].shape, torch.uint8)
    away = (made.float() - train[:50].float()).square().mean().sqrt().item() / 255
    low, high = {"exact": (0, 0), "shifted": (0.1, 0.3), "noisy": (0.02, 0.05), "turned": (0.05, 0.15)}[alteration]
    assert low <= away <= high
    assert torch.equal(made, train[:50]) == (alteration == "exact")


def test_a_copy_of_what_is_held_out_is_no_copy_so_swapped_sets_fail(train: Tensor, heldout: Tensor) -> None:
    assert copying(heldout, train, train[:100], Pooled()).copies == 0
    assert copying(train, heldout, train[:100], Pooled()).copies == 100


def test_planted_copies_are_counted_and_named_shifted_ones_too(train: Tensor, heldout: Tensor, new: Tensor) -> None:
    samples = new.clone()
    samples[100:107] = train[:7]
    samples[200:205] = F.pad(train[40:45], (1, -1, -1, 1))  # a pixel to the right and up
    found = copying(train, heldout, samples, load_features("digits"))
    assert found.features_name == "digits"
    assert found.copies == 12
    assert sorted(found.indices.tolist()) == [*range(100, 107), *range(200, 205)]
    assert found.pixels.nearest_train[100:107].tolist() == list(range(7))
    assert found.pixels.nearest_train[200:205].tolist() == list(range(40, 45))
    assert (found.pixels.ratio[found.indices] == 0).all()
    assert found.share.value == 12 / GENERATED
    assert found.share.low < 0.02 < found.share.value + 0.02 < 0.01 + found.share.high
    assert found.c_t.high > -1, "so few copies do not move a measure of the whole"
    again = copying(train, heldout, samples, load_features("digits"))
    assert torch.equal(again.p_value, found.p_value)
    assert (again.c_t, again.fld_gap) == (found.c_t, found.fld_gap)


def test_a_generator_stuck_on_one_real_digit_is_collapsed_but_no_copier(train: Tensor, heldout: Tensor, new: Tensor) -> None:
    for one in (new[:1], heldout[3:4]):
        stuck = copying(train, heldout, one.expand(100, -1, -1, -1), Pooled())
        assert stuck.copies == 0
        assert stuck.share.value == 0
    assert copying(train, heldout, train[3:4].expand(100, -1, -1, -1), Pooled()).copies == 100


def known(samples: Tensor, train: Tensor, means: Tensor) -> ToTrain:
    return ToTrain.find(nearest, samples, train, assign(samples, means))


@pytest.mark.parametrize("kind", ["all digits", "only ones"])
def test_false_alarms_are_rare_over_many_cuts_of_the_data(kind: str) -> None:
    """At a level of 1 %, 25 honest generators raise at most 2 alarms (with probability 0.998), also ones that draw only
    ones, which lie closer together than other digits; and p-values are even, not just small enough."""
    part = duelo.load("digits").train
    vectors, ones = Pooled()(part.first(8000)), (part.labels == 1)[:8000]
    alarms, p_value = 0, []
    for seed in range(25):
        order = torch.randperm(8000, generator=torch.Generator().manual_seed(seed))
        train, heldout, samples = (vectors[chosen] for chosen in order.split([3000, 1000, 4000]))
        samples = samples[ones[order[4000:]]] if kind == "only ones" else samples[:1000]
        means = k_means(train[:1000], 10, seed)
        test = twin_test(nearest, samples, heldout, known(samples, train, means), known(heldout, train, means))
        alarms += bool(discoveries(test.p_value, 0.01).any())
        p_value.append(test.p_value)
    assert alarms <= 2
    together = torch.cat(p_value)
    for share in (0.01, 0.1, 0.5):
        found = float((together <= share).double().mean())
        assert 0.5 * share < found < (1.2 if kind == "all digits" else 2) * share


def test_data_with_near_duplicates_of_its_own_do_not_make_a_copier() -> None:
    """Each hundredth member is nearly equal to another, on whatever side of a border either falls."""
    generator = torch.Generator().manual_seed(0)
    alarms = 0
    for _ in range(20):
        points = torch.randn(4000, 8, generator=generator)
        points[:40] = points[40:80] + 1e-3 * torch.randn(40, 8, generator=generator)
        train, heldout, samples = points[torch.randperm(4000, generator=generator)].split([2000, 1000, 1000])
        means = train[:1]
        test = twin_test(nearest, samples, heldout, known(samples, train, means), known(heldout, train, means))
        alarms += bool(discoveries(test.p_value, 0.01).any())
    assert alarms <= 1


def test_points_that_are_copied_are_found() -> None:
    points = torch.randn(4000, 2, generator=torch.Generator().manual_seed(1))
    train, heldout, samples = points.split([2000, 1000, 1000])
    samples = samples.clone()
    samples[:3] = train[:3]
    found = copying(train, heldout, samples, load_features("identity"))
    assert sorted(found.indices.tolist()) == [0, 1, 2]
    assert copying(train, heldout, samples[3:], load_features("identity")).copies == 0


@pytest.mark.parametrize("dimensions", [3, 12])
def test_the_tail_gives_the_probabilities_of_a_known_law(dimensions: int) -> None:
    """Distances to the nearest of a and m members in D dimensions: a d^D is exponential."""
    generator = torch.Generator().manual_seed(dimensions)
    a, m, n = 40_000, 10_000, 10_000

    def distances(members: int) -> Tensor:
        return (-torch.rand(n, generator=generator, dtype=torch.float64).log() / members) ** (1 / dimensions)

    null = ratios(distances(a), distances(m)).float()
    truth = torch.tensor([0.5, 0.1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6], dtype=torch.float64)
    # P(ratio <= r) = a r^D / (a r^D + m)
    at = (truth / (1 - truth) * m / a) ** (1 / dimensions)
    cells = torch.zeros(n, dtype=torch.int64)
    found = p_values(at.float(), null, cells[: len(at)], cells)
    torch.testing.assert_close(found[:3], truth[:3], rtol=0.15, atol=0)
    assert ((found / truth)[3:] > 0.6).all()
    assert ((found / truth)[3:] < 30).all(), "caution may cost a factor at one in a million, but no more"
    assert p_values(torch.zeros(1), null, cells[:1], cells) == 0
    scaled = p_values(at.float() * 0.8, null, cells[: len(at)], cells)
    assert (scaled < found).all()


def test_where_real_members_are_copies_too_a_copy_proves_nothing() -> None:
    null = torch.rand(1000, generator=torch.Generator().manual_seed(0)) + 0.5
    null[:30] = 0
    cells = torch.zeros(1000, dtype=torch.int64)
    assert p_values(torch.zeros(1), null, cells[:1], cells) == pytest.approx(0.03, rel=0.1)
    assert ratios(torch.zeros(2), torch.tensor([0.0, 1.0])).tolist() == [1.0, 0.0]


def test_discoveries_agree_with_the_rule_as_it_is_written() -> None:
    generator = torch.Generator().manual_seed(0)
    for n in (1, 7, 300):
        p_value = torch.rand(n, generator=generator, dtype=torch.float64) ** 12
        ordered = sorted(p_value.tolist())
        largest = max((k for k in range(1, n + 1) if ordered[k - 1] <= 0.05 * k / n), default=0)
        limit = min(ordered[largest - 1], 1e-4) if largest else -1
        assert discoveries(p_value, 0.05).tolist() == [p <= limit for p in p_value.tolist()]
    same = torch.full((500,), 0.004, dtype=torch.float64)
    assert not discoveries(same, 0.01).any(), "one draw, many times"


@pytest.mark.parametrize(("n", "k"), [(1, 0), (1, 1), (50, 3), (1000, 10), (1000, 999)])
def test_shares_have_clopper_and_pearsons_interval(n: int, k: int) -> None:
    """At the lower limit, so many or more have a probability of 2.5 %; at the upper one, so many or fewer."""
    estimate = share_estimate(torch.arange(n) < k, torch.tensor([True, False]))
    assert (estimate.value, estimate.floor, estimate.n) == (k / n, 0.5, n)

    def probability(counts: range, share: float) -> float:
        return math.fsum(math.comb(n, i) * share**i * (1 - share) ** (n - i) for i in counts)

    if k:
        assert probability(range(k, n + 1), estimate.low) == pytest.approx(0.025, rel=1e-6)
    if k < n:
        assert probability(range(k + 1), estimate.high) == pytest.approx(0.025, rel=1e-6)
    assert k > 0 or estimate.low == 0
    assert k < n or estimate.high == 1


def test_c_t_agrees_with_plain_loops_over_pairs() -> None:
    generator = torch.Generator().manual_seed(0)
    ours, theirs = (torch.randint(0, 40, (n,), generator=generator).float() for n in (300, 400))  # many ties
    our_cells, their_cells = (torch.randint(0, 4, (n,), generator=generator) for n in (300, 400))
    our_cells[our_cells == 3] = 2  # a cell without samples counts for nothing
    expected, weights = 0.0, 0
    for cell in range(3):
        a, b = ours[our_cells == cell].tolist(), theirs[their_cells == cell].tolist()
        u = sum((x > y) + 0.5 * (x == y) for x in a for y in b)
        z = (u - len(a) * len(b) / 2) / math.sqrt(len(a) * len(b) * (len(a) + len(b) + 1) / 12)
        expected += len(b) * z
        weights += len(b)
    assert c_t(ours, theirs, our_cells, their_cells) == pytest.approx(expected / weights, rel=1e-9)
    assert c_t(ours / 9, theirs, our_cells, their_cells) < -5, "nearer to train than held-out ones: copied"
    assert math.isnan(c_t(ours[:10], theirs, our_cells[:10], their_cells))


def test_authenticity_agrees_with_plain_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    train, samples = (torch.randn(n, 3, generator=generator) for n in (80, 60))
    train[5] = train[6] = train[7]  # then nothing but a copy is nearer, and a copy is not authentic either
    samples[:2] = train[[5, 20]]
    expected = []
    for sample in samples.double():
        to_train = [float((sample - member).norm()) for member in train.double()]
        closest = to_train.index(min(to_train))
        own = min(float((train[closest].double() - train[j].double()).norm()) for j in range(80) if j != closest)
        expected.append(min(to_train) > own)
    distances, indices = nearest(samples, train)
    found = authentic(distances[:, 0], indices[:, 0], train)
    assert found.tolist() == expected
    assert 10 < sum(expected) < 50
    assert not found[:2].any()


def test_cosine_distances_agree_with_plain_loops() -> None:
    generator = torch.Generator().manual_seed(0)
    train, samples = (torch.randn(n, 5, generator=generator) for n in (40, 30))
    samples[0] = -3 * train[7]
    expected = []
    for sample in samples.double():
        cosines = [float(sample @ member / sample.norm() / member.norm()) for member in train.double()]
        expected.append(1 - max(abs(cosine) for cosine in cosines))
    assert cosine_distances(samples, train).tolist() == pytest.approx(expected, abs=1e-6)
    assert mifid_penalty(0.05, 0.1) == pytest.approx(20)
    assert mifid_penalty(0.2, 0.1) == 1


def test_fld_is_as_likely_as_what_gradient_descent_finds() -> None:
    """With few samples, every Gaussian counts for every member, and the likelihood can be written in a few lines."""
    generator = torch.Generator().manual_seed(0)
    train, heldout, samples = (torch.randn(n, 4, generator=generator).double() for n in (500, 400, 30))
    of_train, of_heldout = fld_nll(train.float(), heldout.float(), samples.float())
    mean, deviation = heldout.mean(0), heldout.std(0)
    train, heldout, samples = ((x - mean) / deviation for x in (train, heldout, samples))
    log_variance = torch.zeros(30, dtype=torch.float64, requires_grad=True)
    fallback = torch.zeros(1, dtype=torch.float64, requires_grad=True)

    def densities(members: Tensor, centres: Tensor, log_variance: Tensor) -> Tensor:
        squares = (members[:, None] - centres).square().sum(2)
        return -squares / (2 * log_variance.exp()) - 2 * (log_variance + math.log(2 * math.pi))

    optimizer = torch.optim.Adam([log_variance, fallback], lr=0.05)
    around = train.mean(0) + 0.9 * (train - train.mean(0))
    for _ in range(400):
        optimizer.zero_grad()
        far = densities(around, train.mean(0, keepdim=True), fallback)
        both = torch.cat([densities(train, samples, log_variance) - math.log(30), far], 1)
        loss = -both.logsumexp(1).mean()
        loss.backward()
        optimizer.step()
    with torch.no_grad():
        expected = [
            float(-25 * (densities(x, samples, log_variance).logsumexp(1) - math.log(30)).mean()) for x in (train, heldout)
        ]
    assert [float(of_train.mean()), float(of_heldout.mean())] == pytest.approx(expected, rel=0.02)


def test_cells_are_the_clouds_that_are_there_and_a_function_of_the_seed() -> None:
    generator = torch.Generator().manual_seed(0)
    middles = torch.tensor([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    members = middles.repeat(50, 1) + torch.randn(200, 2, generator=generator)
    means = k_means(members, 4, seed=1)
    assert float(torch.cdist(middles, means).amin(1).max()) < 0.5
    cells = assign(members, means).view(50, 4)
    assert (cells == cells[0]).all()
    assert len(cells[0].unique()) == 4
    assert torch.equal(k_means(members, 4, seed=1), means)
    assert k_means(torch.ones(30, 2), 3).isfinite().all()
    with pytest.raises(ValueError, match="cells"):
        k_means(members[:2], 3)


def refused() -> list[Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]]:
    return [
        lambda images: (images, images.float(), images),
        lambda images: (images, images, images[:, :, :20]),
        lambda images: (images.float(), images.float(), images.float()),
        lambda images: (images, images[:39], images),
        lambda images: (images[:1], images, images),
        lambda images: (images, images, images[:0]),
    ]


@pytest.mark.parametrize("which", range(6))
def test_what_cannot_be_judged_is_refused(which: int, heldout: Tensor) -> None:
    with pytest.raises(ValueError, match=r"members are too few|neither uint8 images nor float32 points"):
        copying(*refused()[which](heldout[:60]), Pooled())


def test_few_members_are_judged_too(train: Tensor, heldout: Tensor, new: Tensor) -> None:
    state = torch.get_rng_state()
    found = copying(train[:200], heldout[:40], torch.cat([new[:3], train[:1]]), Pooled())
    assert found.indices.tolist() == [3]
    assert math.isnan(found.c_t.value)
    assert copying(train[:200], heldout[:40], new[:1], Pooled()).copies == 0
    assert torch.equal(torch.get_rng_state(), state), "nothing is drawn from torch's global random numbers"
    assert all(math.isfinite(x.value) for x in itertools.chain([found.share, found.fld_gap, found.memorisation]))
