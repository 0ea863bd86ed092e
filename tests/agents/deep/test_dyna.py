"""A learned model: what it knows of a world that is known, how its errors are measured, and what is imagined in it."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from gymnasium.spaces import Box  # noqa: E402

from agents import CheckpointError, EpsilonGreedy, checkpoint, evaluate, train  # noqa: E402
from agents.deep import GRU, MLP, IndependentDQN, LossError  # noqa: E402
from agents.deep.dyna import DynaDQN, possible  # noqa: E402
from agents.deep.model_error import model_errors  # noqa: E402
from marl_envs.core.params import ParameterError  # noqa: E402
from tests.agents.corridor import COST, Corridor  # noqa: E402
from tests.agents.running import after, run  # noqa: E402

SMALL = {"seed": 1, "batch": 16, "learn_after": 40, "replay": 1000, "body": MLP((16,)), "model": (16,)}


class Line(Corridor):
    """The corridor in which a walker sees where it is as one number in [0, 1]."""

    def __init__(self, num_envs=4, **params):
        super().__init__(num_envs, **params)
        self.observation_space = Box(0.0, 1.0, (1,), np.float32)

    def _seen(self, cells):
        return (cells / (self.params.length - 1)).astype(np.float32)[..., None]

    def reset(self, seed=None):
        cells, info = super().reset(seed)
        return self._seen(cells), info

    def step(self, actions):
        cells, *rest, info = super().step(actions)
        return self._seen(cells), *rest, info | {"final_obs": self._seen(info["final_obs"])}


def made(vec=None, **changes):
    vec = Line() if vec is None else vec
    return DynaDQN(vec, **{**SMALL, **changes}), vec


def test_a_resumed_training_gives_the_same_bits(tmp_path):
    options = {"steps": 320, "eval_every": 160, "eval_episodes": 4}
    settings = {"model_after": 5, "planning": 2}
    whole = run(*made(**settings), **options)
    run(*made(**settings), checkpoint=tmp_path / "a.safetensors", stop=after(25), **options)
    again = run(*made(**settings), checkpoint=tmp_path / "a.safetensors", resume=True, **options)
    for one, other in ((whole[0].knowledge(), again[0].knowledge()), (whole[0].course(), again[0].course())):
        assert list(one) == list(other)
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name], err_msg=name)
    assert whole[2] == again[2]


def test_the_model_of_a_known_world_is_right():
    """Every cell and action, for both agents: where it leads, what it pays, whether it ends, what is allowed then."""
    learner, vec = made(planning=0, exploration=EpsilonGreedy(1.0), model=(64,), model_rate=3e-3, batch=64)
    train(learner, vec, 4_000, seed=0, progress=False)
    cells = np.arange(5)[:, None, None].repeat(2, 1)
    for action, move in enumerate((0, -1, 1)):
        led = np.maximum(cells + move, 0)
        if action == 1:
            led, cells = led[1:], cells[1:]  # forbidden in the first
        obs, did = torch.from_numpy(cells / 5).float(), torch.full((len(cells), 2), action)
        guess = learner.guess(obs, did)
        arrived = led[..., 0] == 5
        there = np.where(arrived, 0, led[..., 0])  # who has arrived is shown in the first cell
        np.testing.assert_allclose(guess.obs[..., 0].detach(), there / 5, atol=0.08)
        np.testing.assert_allclose(guess.reward.detach(), np.where(arrived, 1.0, COST), atol=0.15)
        np.testing.assert_array_equal(guess.end.detach() > 0, arrived)
        going = ~arrived[:, 0]
        allowed = np.stack([np.ones_like(there), there > 0, np.ones_like(there)], -1)
        np.testing.assert_array_equal(possible(guess.mask).numpy()[going], allowed[going])
        cells = np.arange(5)[:, None, None].repeat(2, 1)


def copies(learner):
    return {name: array.copy() for name, array in learner.knowledge().items()}


def same(one, other):
    assert list(one) == list(other)
    for name, array in one.items():
        np.testing.assert_array_equal(array, other[name], err_msg=name)


def load_beside(learner, path):
    learner.save(path)
    return DynaDQN.load(path, Line(num_envs=7))


def load_elsewhere(learner, path):
    learner.save(path)
    return DynaDQN.load(path, Line(num_envs=7, length=9), transfer=True)


def tell(learner, path):
    other, _ = made(Line(num_envs=7), seed=5)
    other.know(learner.knowledge())
    return other


@pytest.mark.parametrize("carry", [load_beside, load_elsewhere, tell])
def test_the_model_goes_where_the_values_go_with_its_scales(carry, tmp_path):
    """Also to another batch size, where a training begins anew: the model says the same, and its scales stay."""
    learner, _, _ = run(*made(model_after=5), steps=240)
    first = copies(learner)
    assert first["measured"].all()
    assert not np.isin(first["scales"][1:, 0], (0.0, 1.0)).any()
    other = carry(learner, tmp_path / "a.safetensors")
    same(first, other.knowledge())
    obs, did = torch.rand(3, 2, 1), torch.tensor([[0, 1], [2, 2], [1, 0]])
    for mine, theirs in zip(learner.guess(obs, did), other.guess(obs, did), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=0)
    run(other, Line(num_envs=7, **({"length": 9} if carry is load_elsewhere else {})), 280)
    np.testing.assert_array_equal(other.scales, first["scales"])
    assert any((array != first[name]).any() for name, array in other.knowledge().items() if name.startswith("model."))
    same(first, learner.knowledge())


def test_scales_are_measured_when_learning_begins_and_then_no_more():
    """Means and deviations of what is remembered at that moment, by hand."""
    learner, vec = made(learn_after=200)
    train(learner, vec, 392, seed=0, progress=False)
    assert not learner.measured.any()
    train(learner, vec, 400, seed=0, progress=False)
    names = ("obs", "after", "reward", "alive")
    held = {name: learner.replay.ring[name][:50].reshape(400) for name in names}
    obs, after, reward = (held[name][held["alive"]] for name in names[:3])
    wanted = [obs.mean(), obs.std(), (after - obs).std(), reward.std()]
    np.testing.assert_allclose(learner.scales[:, 0], wanted, rtol=1e-5)
    train(learner, vec, 400, seed=9, progress=False)
    np.testing.assert_allclose(learner.scales[:, 0], wanted, rtol=1e-5)


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (lambda: made(model=(8,)), r"model\.model\.layers\.0\.weight must be \[16, 6\], it has the shape \[8, 6\]"),
        (lambda: (IndependentDQN(Line(), seed=1, body=MLP((16,)), replay=100), None), r"model.*it is missing"),
        (lambda: made(body=MLP((9,))), r"net\.team.*it has the shape"),
    ],
)
def test_what_does_not_fit_is_not_known(other, words):
    learner, _ = made()
    before = copies(learner)
    with pytest.raises(ParameterError, match=words):
        learner.know(other()[0].knowledge())
    same(before, learner.knowledge())


def test_a_checkpoint_without_a_model_is_refused(tmp_path):
    learner, vec = made()
    learner.save(tmp_path / "a.npz")
    header, arrays = checkpoint.read(tmp_path / "a.npz")
    kept = {name: array for name, array in arrays.items() if "scales" not in name}
    checkpoint.write(tmp_path / "b.npz", {"learner": header["learner"]}, kept)
    with pytest.raises(CheckpointError, match=r"scales .* needed is float32 \(4, 1\)"):
        DynaDQN.load(tmp_path / "b.npz", vec)


def test_errors_are_those_of_the_model_on_new_steps():
    """Models put in by hand: a right one has no error, one that says "nothing changes" has that of no change."""
    learner, _ = made(Line(length=50, mask=False, max_cycles=40))
    right = Line(length=50, mask=False, max_cycles=40)

    def walk(obs, action):
        cells = torch.round(obs[..., 0] * 49) + torch.tensor([0, -1, 1])[action]
        arrived = cells == 49
        cells = torch.where(arrived, 0, cells.clamp(min=0))
        end = torch.where(arrived, 9.0, -9.0)
        return learner.model["model"](obs, action, torch.from_numpy(learner.scales))._replace(
            obs=(cells / 49)[..., None], reward=torch.where(arrived, 1.0, COST), end=end
        )

    learner.guess = walk
    found = model_errors(learner, right, 6, seed=0, steps=60, epsilon=1.0)
    assert np.abs(found.observation).max() < 1e-5
    assert found.reward.max() == found.terminated.max() == 0.0
    assert (np.diff(found.unchanged) > 0).all()
    learner.guess = lambda obs, action: walk(obs, action)._replace(obs=obs)
    still = model_errors(learner, right, 6, seed=0, steps=60, epsilon=1.0)
    np.testing.assert_allclose(still.observation, still.unchanged)
    np.testing.assert_allclose(still.unchanged, found.unchanged)


def test_what_is_imagined_is_learned_as_if_it_were_real():
    """The replay says nothing of what action 2 pays at the far end, the model does: values follow the model."""
    learner, vec = made(planning=0, exploration=EpsilonGreedy(0.0), learning_rate=3e-3, gamma=0.5, tau=0.1)
    train(learner, vec, 400, seed=0, progress=False)
    plain = learner.guess

    def generous(obs, action):
        guess = plain(obs, action)
        return guess._replace(reward=torch.where(action == 0, 3.0, 0.0), end=torch.full_like(guess.end, 9.0), mask=None)

    learner.guess = generous
    learner.chosen.exploration = EpsilonGreedy(1.0)
    for k in range(300):
        learner._plan(np.random.default_rng(k))
    obs = learner._draw(np.random.default_rng(0), 64)["obs"].float()
    values = learner._judged(learner.team, obs).detach()
    np.testing.assert_allclose(values[..., 0], 3.0, atol=0.3)
    np.testing.assert_allclose(values[..., 2], 0.0, atol=0.3)


@pytest.mark.slow
def test_it_learns_the_corridor():
    vec = Line(length=4, num_envs=8, max_cycles=8)
    learner, _ = made(vec, learning_rate=5e-3, learn_after=100, tau=0.05, gamma=0.9, exploration=EpsilonGreedy(0.5))
    train(learner, vec, 2_000, seed=0, progress=False)
    episodes = evaluate(learner, vec, 40, seed=5)
    assert np.mean([episode["arrivals"] for episode in episodes]) == 2.0


def test_a_model_that_breaks_stops_the_training():
    learner, vec = made()
    with torch.no_grad():
        learner.model["model"].layers[0].bias[:] = torch.nan
    with pytest.raises(
        LossError, match=r"model's loss is nan at step 80 \(of 800\), batch 1, with learning rate 0.001"
    ):
        run(learner, vec)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"body": GRU(4)}, "without memory"),
        ({"horizon": 0}, "horizon"),
        ({"planning": -1}, "planning"),
        ({"model": (0,)}, "model"),
        ({"model": 3}, "widths of its layers"),
        ({"model_rate": 0.0}, "model_rate"),
        ({"model_rate": True}, "model_rate"),
        ({"vec": Corridor()}, "observations that are vectors"),
    ],
)
def test_what_is_not_allowed_is_refused(settings, words):
    with pytest.raises(ParameterError, match=words):
        made(**settings)


def test_a_horizon_beyond_the_steps_is_refused():
    learner, vec = made()
    with pytest.raises(ParameterError, match="horizon"):
        model_errors(learner, vec, 9, seed=0, steps=8)
