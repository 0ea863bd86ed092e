"""Learners on networks: the same bits after a resume, clear words."""

import copy
import json
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from gymnasium.spaces import Box  # noqa: E402

from agents import CheckpointError, EpsilonGreedy, checkpoint, evaluate, train  # noqa: E402
from agents.deep import (  # noqa: E402
    GRU,
    MLP,
    QMIX,
    Attention,
    DeepVDN,
    IndependentDQN,
    LossError,
    SharedRewardDQN,
    Traces,
    export,
)
from agents.deep.base import DRAWING  # noqa: E402
from agents.exploration import Boltzmann  # noqa: E402
from agents.learner import Chooser, Learner  # noqa: E402
from marl_envs.core.params import ParameterError  # noqa: E402
from tests.agents.corridor import Corridor  # noqa: E402
from tests.agents.running import after, run  # noqa: E402


class World(Corridor):
    """The corridor with a global state: where everybody is."""

    @property
    def state_space(self):
        return Box(0.0, 1.0, (self.num_agents,), np.float32)

    def state(self):
        return (self.arrays["cell"] / self.params.length).astype(np.float32)


SMALL = {"seed": 1, "batch": 8, "learn_after": 40, "replay": 200, "body": MLP((8,))}
LEARNERS = {
    "dqn": (IndependentDQN, {"dueling": True, "n_steps": 3}),
    "prioritised": (IndependentDQN, {"prioritised": 0.6, "share_network": False, "double": False}),
    "gru": (IndependentDQN, {"body": GRU(8), "sequence": 3, "burn_in": 2, "n_steps": 2}),
    "attention": (IndependentDQN, {"body": Attention(8, window=3, heads=2)}),
    "traces": (IndependentDQN, {"body": Traces(8)}),
    "shared": (SharedRewardDQN, {}),
    "vdn": (DeepVDN, {"body": GRU(8), "sequence": 4}),
    "qmix": (QMIX, {"n_steps": 2, "embed": 4, "hypernet": 8}),
}
each = pytest.mark.parametrize("name", LEARNERS)


def world(name, **params):
    return World(reward="team" if LEARNERS[name][0] is not IndependentDQN else "individual", **params)


def made(name, vec=None, **changes):
    cls, settings = LEARNERS[name]
    return cls(world(name) if vec is None else vec, **{**SMALL, **settings, **changes})


def same(one, other):
    for mine, theirs in ((one.knowledge(), other.knowledge()), (one.course(), other.course())):
        assert list(mine) == list(theirs)
        for key, array in mine.items():
            np.testing.assert_array_equal(array, theirs[key], err_msg=key)


@each
def test_the_interface_is_that_of_all_learners(name):
    learner = made(name)
    assert isinstance(learner, Learner)
    assert isinstance(learner.greedy(), Chooser)
    assert learner.settings()["algorithm"] == type(learner).__name__
    assert json.loads(json.dumps(learner.settings())) == learner.settings()


@pytest.mark.parametrize(("name", "ending"), [*((name, "safetensors") for name in LEARNERS), ("dqn", "npz")], ids=str)
def test_a_resumed_training_gives_the_same_bits(name, ending, tmp_path):
    options = {"steps": 400, "eval_every": 100, "eval_episodes": 4}
    whole = run(made(name), world(name), **options)
    path = tmp_path / f"a.{ending}"
    run(made(name), world(name), checkpoint=path, stop=after(31), **options)
    again = run(made(name), world(name), checkpoint=path, resume=True, **options)
    same(whole[0], again[0])
    assert whole[2] == again[2]
    assert whole[0].counts[2] > 20


@each
def test_evaluations_do_not_disturb_the_training(name):
    whole = run(made(name), world(name), 200)
    same(whole[0], run(made(name), world(name), 200, eval_every=40, eval_episodes=3)[0])


@each
def test_saved_and_loaded_it_plays_the_same(name, tmp_path):
    learner, vec, _ = run(made(name), world(name), 200)
    learner.save(tmp_path / "a.safetensors")
    loaded = type(learner).load(tmp_path / "a.safetensors", vec)
    same(learner, loaded)
    larger = world(name, num_envs=7)
    again = evaluate(type(learner).load(tmp_path / "a.safetensors", larger), larger, 9, seed=3)
    assert repr(again) == repr(evaluate(learner, larger, 9, seed=3))  # with NaN equal to NaN


@each
def test_it_learns_the_corridor(name):
    """Four cells; the way to the right is best, at most three steps."""
    vec = world(name, length=4, num_envs=8, max_cycles=8)
    learner = made(name, vec, learning_rate=5e-3, learn_after=100, tau=0.05, gamma=0.9, exploration=EpsilonGreedy(0.5))
    train(learner, vec, 4_000, seed=0, progress=False)
    episodes = evaluate(learner, vec, 40, seed=5)
    assert np.mean([episode["arrivals"] for episode in episodes]) == 2.0
    assert max(episode["episode_length"] for episode in episodes) <= 3


def test_one_batch_moves_the_weights_as_by_hand():
    """Two steps of rewards; walks end by arriving and by the time limit."""
    vec = Corridor(length=3, num_envs=4, max_cycles=5)
    rules = {"batch": 32, "learn_after": 10**6, "n_steps": 2, "double": False, "learning_rate": 0.01, "huber": 0.1}
    learner = IndependentDQN(vec, **{**SMALL, **rules})
    train(learner, vec, 400, seed=0, progress=False)
    twin = copy.deepcopy(learner.learned)
    optimiser = torch.optim.Adam(twin.parameters(), lr=0.01)
    steps = learner.replay.draw(32, np.random.default_rng([1, DRAWING, 1])).steps
    assert steps["terminated"].any()
    assert (steps["ended"][..., None] & ~steps["terminated"]).any()

    def values(net, obs, agent):
        begins = torch.zeros(1, 1, 2, dtype=torch.bool)
        return net["team"](torch.tensor(obs)[None, None], torch.zeros(1, 2, 0), begins)[0][0, 0, agent]

    losses = []
    for b, agent in np.argwhere(steps["alive"][:, 0]):
        wanted = 0.0
        for k in range(2):
            wanted += 0.99**k * float(steps["reward"][b, k, agent])
            if steps["ended"][b, k] or steps["terminated"][b, k, agent]:
                break
        if not steps["terminated"][b, k, agent]:
            following = values(learner.target, steps["after"][b, k], agent).detach().numpy()
            wanted += 0.99 ** (k + 1) * following[steps["mask"][b, k, agent] == 1].max()
        value = values(twin, steps["obs"][b, 0], agent)[steps["action"][b, 0, agent]]
        losses.append(torch.nn.functional.huber_loss(value, torch.tensor(wanted, dtype=torch.float32), delta=0.1))
    torch.stack(losses).mean().backward()
    optimiser.step()
    learner._descend()
    for mine, by_hand in zip(learner.learned.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, by_hand, atol=1e-5, rtol=1e-4)


def test_masks_are_obeyed_in_acting():
    learner, vec = made("dqn", exploration=EpsilonGreedy(1.0)), world("dqn")
    obs, info = vec.reset(seed=0)
    for _ in range(100):
        actions = learner.act(obs, info["action_mask"])
        assert np.take_along_axis(info["action_mask"], actions[..., None], -1).all()
        actions = learner.act(obs, info["action_mask"], explore=False)
        assert np.take_along_axis(info["action_mask"], actions[..., None], -1).all()
        obs, _, _, _, info = vec.step(actions)


def test_masks_are_obeyed_in_targets():
    """The network likes a forbidden action; the target must not count with it."""
    vec = Corridor(num_agents=1, num_envs=1)
    learner = IndependentDQN(vec, **{**SMALL, "batch": 1, "learn_after": 10**6, "gamma": 1.0})
    learner.begin(1000)
    with torch.no_grad():
        for head in (learner.team.heads[0], learner.target["team"].heads[0]):
            head.advantage.weight[:] = 0.0
            head.advantage.bias[:] = torch.tensor([1.0, 100.0, 2.0])  # left is worth most
    at = np.zeros((1, 1), np.int32)
    no = np.zeros((1, 1), bool)
    step = (at, at.astype(np.int64), np.ones((1, 1), np.float32), at, at, no[0], no, ~no)
    mask = np.array([[[1, 0, 1]]], np.int8)
    learner.update(*step, next_mask=mask, final_mask=mask)
    from agents.deep.batch import Batch

    drawn = learner.replay.draw(1, np.random.default_rng(0))
    errors, counted = learner._errors(Batch.of(drawn.steps, 0, 0, learner.device))
    assert errors.item() == pytest.approx(1.0 + 2.0 - 1.0)
    assert counted.item() == 1.0


def test_a_loss_that_is_not_finite_stops_with_step_batch_and_rate():
    learner, vec = made("dqn", learning_rate=0.25), world("dqn")
    with torch.no_grad():
        learner.team.heads[0].advantage.bias[:] = torch.nan
    before = {name: array.copy() for name, array in learner.knowledge().items()}
    with pytest.raises(LossError, match=r"loss is nan at step 80 \(of 800\), batch 1, with learning rate 0.25"):
        run(learner, vec)
    for name, array in learner.knowledge().items():
        np.testing.assert_array_equal(array, before[name])


def test_numbers_that_are_not_finite_are_refused_and_nothing_is_remembered():
    space = Box(-np.inf, np.inf, (2,), np.float32)
    vec = Corridor(num_envs=3)
    vec.observation_space = space
    learner = IndependentDQN(vec, **SMALL)
    learner.begin(100)
    good, no = np.ones((3, 2, 2), np.float32), np.zeros((3, 2), bool)
    bad, mask = good.copy(), np.ones((3, 2, 3), np.int8)
    bad[2, 1, 0] = np.nan
    with pytest.raises(ValueError, match=r"step 0: obs must be finite numbers, but obs\[2, 1, 0\] is nan"):
        learner.act(bad)
    learner.act(good, mask)
    rest = (no[:, 0], no, ~no)
    for obs, pay, then, words in (
        (bad, 0.0, good, r"obs\[2, 1, 0\] is nan"),
        (good, np.inf, good, r"reward\[0, 0\] is inf"),
        (good, 0.0, bad, r"after\[2, 1, 0\] is nan"),
    ):
        reward = np.full((3, 2), pay, np.float32)
        with pytest.raises(ValueError, match=words):
            learner.update(obs, no.astype(np.int64), reward, then, good, *rest, next_mask=mask, final_mask=mask)
    assert learner.replay.count[0] == learner.steps == 0
    reward = np.zeros((3, 2), np.float32)  # no episode ended, so nothing is said by the final observations
    learner.update(good, no.astype(np.int64), reward, good, bad, *rest, next_mask=mask, final_mask=mask)
    assert learner.replay.count[0] == 1


def test_a_checkpoint_of_another_shape_or_environment_is_refused(tmp_path):
    learner, vec, _ = run(made("dqn"), world("dqn"), 100)
    path = tmp_path / "a.safetensors"
    learner.save(path)
    with pytest.raises(CheckpointError, match=r"length is 6 there, 7 here"):
        IndependentDQN.load(path, Corridor(length=7))
    with pytest.raises(CheckpointError, match=r"has net\.team\.bodies"):
        IndependentDQN.load(path, Corridor(length=7), transfer=True)
    with pytest.raises(CheckpointError, match="DeepVDN"):
        DeepVDN.load(path, vec)
    header, arrays = checkpoint.read(path)
    settings = header["learner"]["settings"] | {"body": {"body": "mlp", "hidden": [9]}}
    wider = tmp_path / "b.safetensors"
    checkpoint.write(wider, {"learner": header["learner"] | {"settings": settings}}, arrays)
    with pytest.raises(CheckpointError, match=r"float32 \(8, 8\), needed is float32 \(9, 8\)"):
        IndependentDQN.load(wider, vec)


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    run(made("dqn"), world("dqn"), 100)[0].save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CheckpointError, match="not a whole checkpoint"):
        checkpoint.read(path)


@pytest.mark.parametrize("name", ["dqn", "gru", "attention"])
def test_what_is_exported_plays_the_same(name, tmp_path):
    learner, vec, _ = run(made(name), world(name), 200)
    export(learner, tmp_path / "a.pt")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # torch has a newer format, too
        script = torch.jit.load(str(tmp_path / "a.pt"))
    policy = learner.greedy()
    policy.reset(0)
    vec = world(name, num_envs=5)
    obs, info = vec.reset(seed=0)
    memory = torch.zeros(5, 2, learner.team.memory_size)
    for _ in range(30):
        policy.see(info.get("ended", np.zeros(5, bool)), info["alive"])
        actions = policy.choose(obs, info["action_mask"])
        found, memory = script(torch.from_numpy(obs), memory, torch.from_numpy(info["action_mask"]))
        np.testing.assert_array_equal(found.numpy(), actions)
        obs, _, _, _, info = vec.step(actions)
        memory[torch.from_numpy(info["ended"][:, None] | ~info["alive"])] = 0.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"gamma": 1.5}, "gamma"),
        ({"body": "mlp"}, "body must be"),
        ({"exploration": Boltzmann(1.0)}, "EpsilonGreedy"),
        ({"n_steps": 0}, "n_steps"),
        ({"learning_rate": 0.0}, "learning_rate must be above 0"),
        ({"burn_in": 2}, "the body has none"),
        ({"device": "abacus"}, "device must be .* not 'abacus'"),
        ({"device": "cuda:99"}, "device must be .* not 'cuda:99'"),
        ({"replay": 3}, "replay must hold at least"),
        ({"replay": 10**12}, "bytes"),
    ],
)
def test_settings_that_are_not_allowed_are_refused(settings, words):
    with pytest.raises(ParameterError, match=words):
        made("dqn", **settings)


def test_the_wrong_reward_is_refused():
    with pytest.raises(ParameterError, match="SharedRewardDQN"):
        IndependentDQN(Corridor(reward="team"))
    with pytest.raises(ParameterError, match='needs an environment built with reward="team"'):
        SharedRewardDQN(Corridor())


def test_making_a_learner_leaves_the_random_numbers_of_torch_alone():
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, other = made("dqn", seed=0), made("dqn", seed=1)
    assert torch.rand(1) == expected
    assert not np.array_equal(next(iter(one.knowledge().values())), next(iter(other.knowledge().values())))
