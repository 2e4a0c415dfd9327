from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch import nn

import duelo
from duelo.balance import Controls, fixed
from duelo.data.augment import BILINEAR, DEFAULT_KINDS, KINDS, NEAREST, Changes, augment, draw, move, warp
from duelo.networks.convolutional import convolutional
from duelo.objectives import gradient_penalty
from duelo.play import Game, discriminator_turn, generator_turn, play

GEOMETRY = ("flip", "translate", "shift", "scale", "rotate")
COLOUR = ("brightness", "contrast", "saturation")


def pictures(n: int = 6, c: int = 3, h: int = 10, w: int = 16, **options) -> torch.Tensor:
    return torch.rand(n, c, h, w, generator=torch.Generator().manual_seed(n), **options) * 2 - 1


def augmented(seed: int, *arguments, **options) -> torch.Tensor:
    torch.manual_seed(seed)
    return augment(*arguments, **options)


def neutral(images: torch.Tensor, **values: float | list[float]) -> Changes:
    """The same change for all images: none, but for `values`."""
    none = draw(images, 0.0, ())
    return dataclasses.replace(
        none, **{name: images.new_tensor(value).expand_as(getattr(none, name)) for name, value in values.items()}
    )


def reflected(i: float, n: int) -> float:
    while not 0 <= i <= n - 1:
        i = -i if i < 0 else 2 * (n - 1) - i
    return i


def moved_plainly(image: np.ndarray, mirror: int, translate, scale: float, angle: float, shift) -> np.ndarray:
    """One step after the other as a matrix on (x, y, 1) in pixels; each pixel of the result looks up where it came from."""
    _, h, w = image.shape

    def step(a: float, b: float, c: float, d: float, x: float = 0, y: float = 0) -> np.ndarray:
        return np.array([[a, b, x], [c, d, y], [0, 0, 1.0]])

    to_middle, back = step(1, 0, 0, 1, -(w - 1) / 2, -(h - 1) / 2), step(1, 0, 0, 1, (w - 1) / 2, (h - 1) / 2)
    turn = step(math.cos(angle), -math.sin(angle), math.sin(angle), math.cos(angle))
    steps = [to_middle, step(mirror, 0, 0, 1), step(1, 0, 0, 1, *translate), step(scale, 0, 0, scale), turn]
    whole = np.eye(3)
    for matrix in [*steps, step(1, 0, 0, 1, *shift), back]:
        whole = matrix @ whole
    result = np.zeros_like(image)
    for row in range(h):
        for column in range(w):
            x, y, _ = np.linalg.solve(whole, [column, row, 1])
            x, y = reflected(x, w), reflected(y, h)
            left, top = min(int(x), w - 2), min(int(y), h - 2)
            for i, j in ((0, 0), (0, 1), (1, 0), (1, 1)):
                weight = (1 - abs(y - top - i)) * (1 - abs(x - left - j))
                result[:, row, column] += weight * image[:, top + i, left + j]
    return result


def test_nothing_happens_at_zero_and_no_random_number_is_drawn() -> None:
    images = pictures()
    torch.manual_seed(3)
    before = torch.get_rng_state()
    assert augment(images, 0.0, KINDS) is images
    assert augment(images, torch.tensor(0.0), KINDS) is images
    assert augment(images, 1.0, ()) is images
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    ("p", "kinds", "message"),
    [(-0.01, KINDS, "0 to 1"), (1.01, KINDS, "0 to 1"), (math.nan, KINDS, "0 to 1"), (0.0, ("scale", "zoom"), "'zoom'")],
)
def test_what_makes_no_sense_is_refused(p: float, kinds: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        augment(pictures(), p, kinds)


def test_the_same_seed_gives_the_same_changes_in_whatever_order_the_kinds_stand() -> None:
    images = pictures()
    first = augmented(1, images, 0.7, KINDS)
    assert torch.equal(augmented(1, images, torch.tensor(0.7), frozenset(KINDS)), first)
    assert not torch.equal(augmented(2, images, 0.7, KINDS), first)
    assert set(DEFAULT_KINDS) == set(KINDS) - {"flip", "cutout"}
    assert torch.equal(augmented(1, images, 0.7), augmented(1, images, 0.7, DEFAULT_KINDS))


def test_leaving_one_kind_out_does_not_change_the_others() -> None:
    images = pictures()
    changes = []
    for kinds in (KINDS, [kind for kind in KINDS if kind != "scale"]):
        torch.manual_seed(0)
        changes.append(vars(draw(images, 0.8, kinds)))
    for name in changes[0]:
        assert torch.equal(changes[0][name], changes[1][name]) == (name != "scale"), name


@pytest.mark.parametrize("c", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_changes_images_of_every_sort_and_leaves_the_given_ones_alone(kind: str, c: int) -> None:
    for h, w in ((8, 8), (9, 14)):
        images = pictures(32, c, h, w)
        kept = images.clone()
        changed = augmented(0, images, 1.0, (kind,))
        assert torch.equal(images, kept)
        assert changed.shape == images.shape
        assert changed.dtype == torch.float32
        assert changed.isfinite().all()
        assert torch.equal(changed, images) == (kind == "saturation" and c < 3)
        last = images.contiguous(memory_format=torch.channels_last)
        assert torch.allclose(augmented(0, last, 1.0, (kind,)), changed, atol=1e-6)


@pytest.mark.parametrize(("kind", "share"), [("brightness", 0.3), ("rotate", 0.3), ("cutout", 0.3), ("flip", 0.15)])
def test_as_many_images_change_as_the_probability_says(kind: str, share: float) -> None:
    n = 2000
    images = pictures(n, 1, 8, 9)
    changed = (augmented(0, images, 0.3, (kind,)) != images).flatten(1).any(1)
    assert abs(int(changed.sum()) - n * share) < 4 * math.sqrt(n * share * (1 - share))


def test_a_flip_is_the_mirror_image_half_of_the_time() -> None:
    images = pictures(400)
    flipped = augmented(0, images, 1.0, ("flip",))
    mirrored = (flipped == images.flip(3)).flatten(1).all(1)
    assert torch.equal(~mirrored, (flipped == images).flatten(1).all(1))
    assert 160 < mirrored.sum() < 240


def test_translation_copies_whole_pixels_at_most_an_eighth_away() -> None:
    h, w = 17, 32
    images = pictures(200, 2, h, w)
    seen = set()
    for image, found in zip(images.numpy(), augmented(0, images, 1.0, ("flip", "translate")).numpy(), strict=True):
        matches = set()
        for mirror in (False, True):
            padded = np.pad(image[..., ::-1] if mirror else image, ((0, 0), (2, 2), (4, 4)), mode="reflect")
            for down in range(-2, 3):
                for right in range(-4, 5):
                    if np.array_equal(padded[:, 2 - down : 2 - down + h, 4 - right : 4 - right + w], found):
                        matches.add((mirror, down, right))
        assert len(matches) == 1
        seen |= matches
    assert [set(values) for values in zip(*seen, strict=True)] == [{False, True}, set(range(-2, 3)), set(range(-4, 5))]


def test_kinds_are_independent_and_what_none_befalls_stays_to_the_last_bit() -> None:
    n = 500
    images = pictures(n, 3, 11, 13)
    moved = augmented(0, images, 0.3, ("shift", "scale", "rotate"))
    same = sum(torch.equal(a, b) for a, b in zip(moved, images, strict=True))
    assert abs(same - n * 0.7**3) < 4 * math.sqrt(n * 0.343 * 0.657)


@pytest.mark.parametrize(
    "values",
    [
        {"angle": 0.5},
        {"scale": 1.3, "shift": [0.4, -1.7]},
        {"mirror": -1.0, "translate": [2.0, -1.0], "angle": -2.2},
        {"mirror": -1.0, "translate": [1.0, 3.0], "scale": 0.6, "angle": 1.1, "shift": [-9.3, 4.4]},
    ],
)
def test_geometry_agrees_with_matrices_and_a_loop_over_pixels(values: dict) -> None:
    images = pictures(2, 2, 9, 13, dtype=torch.float64)
    found = move(images, neutral(images, **values)).numpy()
    options = {"mirror": 1, "translate": (0, 0), "scale": 1.0, "angle": 0.0, "shift": (0, 0), **values}
    for image, result in zip(images.numpy(), found, strict=True):
        assert np.allclose(result, moved_plainly(image, **options), atol=1e-9)


def test_a_quarter_turn_is_clockwise_and_does_not_shear() -> None:
    images = torch.zeros(1, 1, 25, 33)
    images[0, 0, 12, 19] = 1  # three pixels to the right of the middle
    turned = move(images, neutral(images, angle=math.pi / 2))[0, 0]
    expected = torch.zeros(25, 33)
    expected[15, 16] = 1  # three pixels below the middle
    assert torch.allclose(turned, expected, atol=1e-5)
    turned = move(images, neutral(images, angle=math.pi / 3))[0, 0]
    middle = [float((turned.sum(1 - axis) * torch.arange(n)).sum() / turned.sum()) for axis, n in ((0, 25), (1, 33))]
    assert middle == pytest.approx([12 + 3 * math.sin(math.pi / 3), 16 + 3 * math.cos(math.pi / 3)], abs=0.15)


def test_what_is_drawn_has_the_strengths_of_the_papers() -> None:
    n = 4000
    torch.manual_seed(0)
    changes = draw(torch.zeros(n, 1, 16, 48), 1.0, KINDS)
    normal = [(changes.scale.log2(), 0.2), (changes.contrast.log2(), 0.5), (changes.saturation.log2(), 1.0)]
    for values, deviation in [*normal, (changes.brightness, 0.2)]:
        assert abs(float(values.mean())) < 4 * deviation / math.sqrt(n)
        assert float(values.std()) == pytest.approx(deviation, rel=0.05)
    for values, end in ((changes.angle, math.pi), (changes.shift[:, 0], 6.0), (changes.shift[:, 1], 2.0)):
        assert float(values.abs().max()) == pytest.approx(end, rel=0.01)
        assert values.abs().max() <= end
        assert float(values.std()) == pytest.approx(end / math.sqrt(3), rel=0.05)  # uniform from -end to end


@pytest.mark.parametrize("c", [1, 3])
def test_brightness_adds_a_constant_in_units_of_the_range(c: int) -> None:
    images = pictures(64, c)
    added = (augmented(0, images, 1.0, ("brightness",)) - images).flatten(1)
    assert torch.allclose(added, added[:, :1].expand_as(added), atol=1e-6)
    halved = (augmented(0, images, 1.0, ("brightness",), pixel_range=(0.0, 1.0)) - images).flatten(1)
    assert torch.allclose(halved, added / 2, atol=1e-6)
    assert added.std() > 0.1


def test_contrast_stretches_around_the_middle_of_the_range() -> None:
    images = pictures(64).abs()
    images[:, :, 2, 3] = 0.5
    changed = augmented(0, images, 1.0, ("contrast",), pixel_range=(0.0, 1.0))
    assert torch.equal(changed[:, :, 2, 3], images[:, :, 2, 3])
    before, after = images - 0.5, changed - 0.5
    factor = after.flatten(1).std(1)[:, None, None, None] / before.flatten(1).std(1)[:, None, None, None]
    assert torch.allclose(after, factor * before, atol=1e-5)
    assert factor.min() < 0.8
    assert factor.max() > 1.25


def test_saturation_keeps_the_mean_of_each_pixel_and_stretches_around_it() -> None:
    images = pictures(64)
    changed = augmented(0, images, 1.0, ("saturation",))
    assert torch.allclose(changed.mean(1), images.mean(1), atol=1e-5)
    before, after = images - images.mean(1, keepdim=True), changed - images.mean(1, keepdim=True)
    factor = (before * after).sum((1, 2, 3), keepdim=True) / before.square().sum((1, 2, 3), keepdim=True)
    assert torch.allclose(after, factor * before, atol=1e-4)
    assert factor.min() < 0.7
    assert factor.max() > 1.5
    grey = images[:, :1].expand(-1, 3, -1, -1)
    assert torch.allclose(augmented(0, grey, 1.0, ("saturation",)), grey, atol=1e-5)


@pytest.mark.parametrize("c", [2, 4])
def test_alpha_moves_with_the_image_but_takes_no_colour(c: int) -> None:
    images = pictures(32, c)
    images[:, -1] = images[:, 0]
    changed = augmented(0, images, 1.0, COLOUR)
    assert torch.equal(changed[:, -1], images[:, -1])
    assert not torch.equal(changed[:, 0], images[:, 0])
    moved = augmented(0, images, 1.0, GEOMETRY)
    assert torch.equal(moved[:, -1], moved[:, 0])


@pytest.mark.parametrize("c", [3, 4])
def test_the_box_that_is_cut_out_has_half_the_sides(c: int) -> None:
    h, w = 12, 20
    images = torch.full((300, c, h, w), 0.9)
    boxes = augmented(0, images, 1.0, ("cutout", "brightness"), pixel_range=(0.0, 1.0)) == 0.5
    assert torch.equal(boxes, boxes[:, :1].expand_as(boxes))  # through all channels
    places = set()
    for box in boxes[:, 0]:
        rows, columns = box.any(1), box.any(0)
        assert torch.equal(box, rows[:, None] & columns)  # a box
        for line, side in ((rows, h), (columns, w)):
            inside = line.nonzero().flatten().tolist()
            assert inside == list(range(inside[0], inside[-1] + 1))
            at_border = inside[0] == 0 or inside[-1] == side - 1
            assert len(inside) == side // 2 or (at_border and side // 4 <= len(inside) < side // 2)
        places.add((int(rows.nonzero()[0]), int(columns.nonzero()[0])))
    assert len(places) > 50


@pytest.mark.parametrize("interpolation", [BILINEAR, NEAREST])
def test_the_warp_is_differentiable_twice(interpolation: int) -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    grid = torch.rand(2, 4, 5, 2, dtype=torch.float64) * 4 - 2
    expected = torch.nn.functional.grid_sample(
        images, grid, "bilinear" if interpolation == BILINEAR else "nearest", "reflection", align_corners=True
    )
    assert torch.equal(warp(images, grid, interpolation), expected)
    assert torch.autograd.gradcheck(lambda x: warp(x, grid, interpolation), images)
    assert torch.autograd.gradgradcheck(lambda x: warp(x, grid, interpolation), images)
    # not linear: so that the second derivative is not zero, as it is of a warp alone
    assert torch.autograd.gradgradcheck(lambda x: warp(warp(x, grid, interpolation).sin(), grid, interpolation), images)


def test_a_gradient_penalty_sees_through_every_kind() -> None:
    """Its own value and its slope along the discriminator's weights, against finite differences."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 3), nn.Tanh(), nn.Flatten(), nn.Linear(2 * 6 * 7, 1), nn.Flatten(0)).double()
    images = pictures(3, 3, 8, 9, dtype=torch.float64).requires_grad_()

    def logits(inputs: torch.Tensor) -> torch.Tensor:
        return network(augmented(4, inputs, 0.9, KINDS))

    def penalty() -> torch.Tensor:
        return gradient_penalty(logits(images), images)

    step, slopes = 1e-5, torch.zeros_like(images)
    nudges = step * torch.eye(images[0].numel(), dtype=torch.float64).view(-1, *images.shape[1:])
    with torch.no_grad():
        for i, nudge in enumerate(nudges):  # the same pixel of every image at once: images do not meet
            slopes.view(3, -1)[:, i] = (logits(images + nudge) - logits(images - nudge)) / (2 * step)
    assert penalty().tolist() == pytest.approx((slopes.square().sum((1, 2, 3)) / 2).tolist(), rel=1e-6)

    penalty().sum().backward()
    weight = network[0].weight.view(-1)
    for i in range(0, len(weight), 5):
        sums = []
        for change in (step, -2 * step):
            weight.data[i] += change
            sums.append(penalty().sum().item())
        weight.data[i] += step
        slope = float(network[0].weight.grad.view(-1)[i])
        assert slope == pytest.approx((sums[0] - sums[1]) / (2 * step), rel=1e-5, abs=1e-9)


# --- in the game

IMAGES = (pictures(64, 4, 8, 10) * 127 + 128).byte()


def small_game(**options) -> Game:
    torch.manual_seed(0)
    return Game(convolutional((4, 8, 10), width=4, latent=4), **{"batch": 16, "r1": 0.1, "r2": 0.1, **options})


def losses(game: Game, strength: float) -> list[float]:
    rounds = play(game, IMAGES, seed=2, balance=fixed(Controls(augment=strength)))
    result = []
    for _ in range(4):
        tick = next(rounds)
        result += [*tick.discriminator_loss.tolist(), *tick.generator_loss.tolist(), *tick.penalty.tolist()]
    return result


@pytest.mark.parametrize("objective", ["nonsaturating", "relativistic"])
def test_a_game_changes_only_where_kinds_and_strength_are_both_given(objective: str) -> None:
    kept = IMAGES.clone()
    plain = losses(small_game(objective=objective), 0.0)
    assert losses(small_game(objective=objective, augment=KINDS), 0.0) == plain
    assert losses(small_game(objective=objective), 0.5) == plain
    changed = losses(small_game(objective=objective, augment=KINDS), 0.5)
    assert changed != plain
    assert changed == losses(small_game(objective=objective, augment=KINDS), 0.5)
    assert all(map(math.isfinite, changed))
    assert torch.equal(IMAGES, kept)


@pytest.mark.parametrize(("objective", "in_generators_turn"), [("nonsaturating", 1), ("relativistic", 2)])
def test_both_sides_see_reals_and_fakes_augmented(
    objective: str, in_generators_turn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def spy(images: torch.Tensor, *arguments) -> torch.Tensor:
        calls.append((images, *arguments))
        return augment(images, *arguments)

    monkeypatch.setitem(play.__globals__, "augment", spy)
    game = small_game(objective=objective, augment=("shift", "contrast"))
    reals = pictures(16, 4, 8, 10)
    discriminator_turn(game, reals, None, Controls(augment=0.25))
    assert len(calls) == 2
    assert calls[0][0].data_ptr() == reals.data_ptr()
    generator_turn(game, reals, None, Controls(augment=0.25))
    assert len(calls) == 2 + in_generators_turn
    assert calls[2][0].grad_fn is not None  # the generator learns through it
    assert all(call[1:] == (0.25, ("shift", "contrast"), (-1.0, 1.0)) for call in calls)
    calls.clear()
    next(play(game, IMAGES, balance=fixed(Controls(discriminator_steps=2, augment=0.5))))
    assert [strength for _, strength, *_ in calls] == [0.5] * (4 + in_generators_turn)


def test_penalties_are_on_slopes_at_the_images_before_augmentation(monkeypatch: pytest.MonkeyPatch) -> None:
    game = small_game(r1=1.0, r2=0.0)
    game.pair.discriminator.eval()
    reals = pictures(16, 4, 8, 10)
    tripled = (3 * reals).requires_grad_()
    expected = gradient_penalty(game.pair.discriminator(tripled), tripled).detach()
    monkeypatch.setitem(play.__globals__, "augment", lambda images, *_: 3 * images)
    *_, penalty = discriminator_turn(game, reals, None, Controls(augment=0.5))
    assert torch.allclose(penalty, 9 * expected, rtol=1e-4)


def test_the_generator_learns_through_the_augmentation() -> None:
    game = small_game(augment=KINDS)
    generator_turn(game, pictures(16, 4, 8, 10), None, Controls(augment=1.0))
    for name, parameter in game.pair.generator.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_points_are_never_augmented() -> None:
    pair = duelo.networks.toy((2,), width=8, latent=2)
    with pytest.raises(ValueError, match="points"):
        Game(pair, augment=("shift",))
    tick = next(play(Game(pair, batch=8), duelo.ring().sample(40), balance=fixed(Controls(augment=0.5))))
    assert tick.discriminator_loss.isfinite().all()
