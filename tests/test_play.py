from __future__ import annotations

import copy
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch import nn

import duelo
from duelo import recipes
from duelo.balance import Controls, fixed
from duelo.build import build, schedule
from duelo.learner import sample
from duelo.networks import Pair, toy
from duelo.objectives import OBJECTIVES
from duelo.play import Game, discriminator_turn, generator_turn, play

ROOT = Path(__file__).parents[1]
POINTS = duelo.ring().sample(500, torch.Generator().manual_seed(0))


def small_game(**options) -> Game:
    torch.manual_seed(0)
    return Game(toy((2,), width=16, latent=4), **{"batch": 32, **options})


def weights(network: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for value in network.state_dict().values()]


def same(before: list[torch.Tensor], network: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(before, network.state_dict().values(), strict=True))


def load_example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_turn_moves_its_own_side_only() -> None:
    game = small_game(r1=0.1)
    generator, discriminator = weights(game.pair.generator), weights(game.pair.discriminator)
    discriminator_turn(game, POINTS[:32].clone(), None, Controls())
    assert same(generator, game.pair.generator)
    assert not same(discriminator, game.pair.discriminator)
    discriminator = weights(game.pair.discriminator)
    generator_turn(game, POINTS[:32], None, Controls())
    assert not same(generator, game.pair.generator)
    assert same(discriminator, game.pair.discriminator)
    assert all(p.requires_grad for p in game.pair.discriminator.parameters())


def test_the_discriminator_plays_first_and_the_tick_shows_what_it_said() -> None:
    game = small_game()
    before = copy.deepcopy(game.pair.discriminator)
    tick = next(play(game, POINTS, seed=5))
    assert tick.nimg == game.nimg == 32
    reals = POINTS[duelo.data.batch_indices(500, 32, 0, 5)]
    assert torch.equal(tick.real_logits, before(reals))  # logits of the discriminator before it learnt
    expected = OBJECTIVES["nonsaturating"].discriminator(tick.real_logits, tick.fake_logits)
    assert torch.equal(tick.discriminator_loss, expected)


def test_turns_are_as_many_as_the_controls_say() -> None:
    counts = {"generator": 0, "discriminator": 0}
    game = small_game()
    for side, optimizer in game.optimizers.items():
        optimizer.register_step_post_hook(lambda *_, side=side: counts.update({side: counts[side] + 1}))
    rounds = play(game, POINTS, balance=fixed(Controls(discriminator_steps=3, generator_steps=2, rate=0.5)))
    next(rounds)
    tick = next(rounds)
    assert counts == {"generator": 4, "discriminator": 6}
    assert tick.nimg == 6 * 32  # time is the real images that the discriminator has seen
    assert game.optimizers["generator"].param_groups[0]["lr"] == pytest.approx(1e-4)


def test_one_batch_of_fakes_serves_both_turns_where_images_are_made_on_a_cpu() -> None:
    """The discriminator learns from it, then the generator from what the discriminator now says of the same fakes."""
    images = torch.randint(0, 256, (64, 1, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))

    def asked(controls: Controls, **options) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
        torch.manual_seed(0)
        game = Game(duelo.convolutional((1, 8, 8), width=4, latent=4), batch=8, **options)
        made, judged = [], []
        game.pair.generator.register_forward_hook(lambda _module, _latents, fakes: made.append(fakes.detach().clone()))
        game.pair.discriminator.register_forward_pre_hook(
            lambda _module, members: judged.append(members[0].detach().clone())
        )
        before = weights(game.pair.generator)
        next(play(game, images, balance=fixed(controls)))
        assert not same(before, game.pair.generator)
        return made, judged

    made, (reals, seen, taught) = asked(Controls(1, 1), r1=0.1)
    assert len(made) == 1
    assert torch.equal(made[0], seen)
    assert torch.equal(seen, taught)
    assert not torch.equal(reals, seen)
    for controls, options, batches in (
        (Controls(2, 1), {}, 3),
        (Controls(1, 2), {}, 3),
        (Controls(1, 1), {"replay": 0.5}, 2),
    ):
        made, judged = asked(controls, **options)
        assert len(made) == batches
        assert not torch.equal(judged[-1], judged[1])


def test_rounds_are_a_function_of_seed_and_time_alone() -> None:
    def losses(seed: int, disturb: bool) -> list[float]:
        result = []
        for tick in play(small_game(), POINTS, seed):
            result += [*tick.discriminator_loss.tolist(), *tick.generator_loss.tolist()]
            if disturb:
                torch.randn(7)  # somebody else draws random numbers in between
            if tick.nimg >= 320:
                return result
        raise AssertionError

    assert losses(3, disturb=True) == losses(3, disturb=False)
    assert losses(4, disturb=False) != losses(3, disturb=False)


def test_the_world_outside_keeps_its_random_numbers() -> None:
    rounds = play(small_game(), POINTS)
    torch.manual_seed(9)
    expected = torch.randn(3)
    torch.manual_seed(9)
    next(rounds)
    assert torch.equal(torch.randn(3), expected)


def test_a_saved_game_goes_on_identically_also_with_dropout() -> None:
    def game() -> Game:
        torch.manual_seed(0)
        pair = toy((2,), width=16, latent=4)
        pair.discriminator.insert(2, nn.Dropout(0.3))
        return Game(pair, batch=32, r1=0.1, r2=0.1, objective="relativistic")

    def after(game: Game, rounds: int) -> dict:
        ticks = play(game, POINTS, seed=1)
        for _ in range(rounds):
            next(ticks)
        return game.state()

    untouched = after(game(), 20)
    halfway = copy.deepcopy(after(game(), 10))
    other = game()
    other.load(halfway)
    resumed = after(other, 10)
    assert resumed["nimg"] == untouched["nimg"]
    for part in ("generator", "discriminator", "ema"):
        for key, value in untouched[part].items():
            assert torch.equal(value, resumed[part][key]), (part, key)


def test_a_state_taken_over_is_not_moved_by_the_game_that_gave_it() -> None:
    """Optimizers are made later than ``load``: what the first game learns in between is not in them."""

    def step(game: Game, rounds: int) -> list[torch.Tensor]:
        torch.manual_seed(1)
        for _ in range(rounds):
            discriminator_turn(game, POINTS[:32], None, Controls())
            generator_turn(game, POINTS[:32], None, Controls())
        return weights(game.pair.generator)

    first, second = small_game(), small_game()
    step(first, 3)
    second.load(first.state())
    expected = step(first, 2)
    assert all(torch.equal(a, b) for a, b in zip(step(second, 2), expected, strict=True))


def test_the_average_has_its_half_life() -> None:
    game = small_game(ema_kimg=0.064)
    rounds = play(game, POINTS)
    for _ in range(100):  # beyond the ramp
        next(rounds)
    before = game.ema.module[0].weight.clone()
    next(rounds)
    # one batch of 32 is half of the half-life of 64 images
    decay = 0.5**0.5
    expected = decay * before + (1 - decay) * game.pair.generator[0].weight
    assert torch.allclose(game.ema.module[0].weight, expected, atol=1e-6)


def test_the_half_life_counts_every_image_of_a_round() -> None:
    game = small_game(ema_kimg=0.096)
    rounds = play(game, POINTS, balance=fixed(Controls(discriminator_steps=3)))
    for _ in range(50):
        next(rounds)
    before = game.ema.module[0].weight.clone()
    next(rounds)  # three batches of 32: one half-life
    expected = (before + game.pair.generator[0].weight) / 2
    assert torch.allclose(game.ema.module[0].weight, expected, atol=1e-6)


def test_the_average_holds_batch_normalization_too() -> None:
    torch.manual_seed(0)
    game = Game(duelo.lecture((1, 28, 28), width=4, latent=2), batch=8)
    next(play(game, torch.randint(0, 256, (8, 1, 28, 28)).byte()))
    averaged = dict(game.ema.module.named_buffers())
    for name, buffer in game.pair.generator.named_buffers():
        assert torch.allclose(averaged[name].float(), buffer.float()), name


def test_samples_do_not_depend_on_how_many_are_drawn() -> None:
    game = small_game()
    next(play(game, POINTS))
    few, many = sample(game, 5, seed=2), sample(game, 1203, seed=2)
    assert torch.allclose(few, many[:5], atol=1e-6)
    assert not torch.allclose(sample(game, 5, seed=3), few)
    assert many.shape == (1203, 2)


def test_images_are_sampled_as_bytes() -> None:
    game = Game(duelo.lecture((1, 28, 28), width=4, latent=2), batch=8)
    images = sample(game, 3)
    assert images.dtype == torch.uint8
    assert images.shape == (3, 1, 28, 28)


def test_the_one_file_example_plays_the_same_game() -> None:
    rounds = 12
    _, expected = load_example("toy_gan").play(rounds)
    recipe = recipes.resolve("ring", "toy", {"kimg": rounds * 256 / 1000})
    game, dataset = build(recipe), duelo.load("ring")
    found = []
    for tick in play(game, dataset.train, recipe.seed, schedule(recipe)):
        found.append((float(tick.discriminator_loss.mean()), float(tick.generator_loss.mean())))
        if len(found) == rounds:
            break
    assert found == expected


def test_the_one_file_example_needs_torch_alone() -> None:
    text = (ROOT / "examples/toy_gan.py").read_text()
    imports = {line.split()[1].split(".")[0] for line in text.splitlines() if line.startswith(("import ", "from "))}
    assert imports == {"math", "sys", "zlib", "torch"}
    assert len(text.splitlines()) <= 125


def test_any_two_modules_can_play() -> None:
    """L1: a perceptron that makes colour images against a convolution that judges them; neither inherits from duelo."""
    torch.manual_seed(0)
    generator = nn.Sequential(nn.Linear(6, 3 * 5 * 7), nn.Tanh(), nn.Unflatten(1, (3, 5, 7)))
    discriminator = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(4, 1))
    game = Game(Pair(generator, nn.Sequential(discriminator, nn.Flatten(0)), (6,)), batch=8)
    before = weights(generator)
    rounds = play(game, torch.randint(0, 256, (40, 3, 5, 7)).byte())
    for _ in range(6):
        tick = next(rounds)
    assert tick.generator_loss.isfinite().all()
    assert not same(before, generator)
    assert sample(game, 4).shape == (4, 3, 5, 7)
