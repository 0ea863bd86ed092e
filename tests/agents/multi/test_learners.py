"""What all learners of the package promise: separate runs, saving, evaluation, and clear refusals."""

from typing import Any

import numpy as np
import pytest

from agents import Boltzmann, CheckpointError, EpsilonGreedy, Exponential, Linear, evaluate, train
from agents.learner import Chooser, Learner
from agents.multi import (
    FMQ,
    PHC,
    VDN,
    CentralQLearning,
    CoordinationGraphQLearning,
    DistributedQLearning,
    HystereticQLearning,
    JointActionLearner,
    LenientQLearning,
    RecursiveFMQ,
    WoLFPHC,
)
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor
from tests.agents.multi.worlds import Sizes, steps_of

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

CHOSEN: dict[Any, dict[str, Any]] = {
    CentralQLearning: {"alpha": Exponential(0.5, 0.1)},
    CoordinationGraphQLearning: {"edges": [(0, 1)], "method": "max_plus"},
    DistributedQLearning: {"initial": -500.0, "exploration": Boltzmann(2.0)},
    FMQ: {"c": 2.0},
    HystereticQLearning: {"share_table": True},
    JointActionLearner: {"exploration": Boltzmann(Exponential(5.0, 0.1))},
    LenientQLearning: {"delta": 0.9},
    PHC: {"delta": 0.1},
    RecursiveFMQ: {"exploration": EpsilonGreedy(0.3)},
    VDN: {},
    WoLFPHC: {"delta_win": 0.1, "delta_lose": 0.2},
}
ALL = list(CHOSEN)
ONE_STATE = (FMQ, RecursiveFMQ)
TEAM = [cls for cls in ALL if cls.needs_team_reward]
OBS = np.zeros((3, 2), np.int32)


def steps(count, num_envs, seed=0):
    """Return steps of a game of one state that goes on, or is over after the last."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        actions = rng.integers(0, 3, (num_envs, 2))
        reward = rng.integers(-20, 20, (num_envs, 1))
        yield steps_of(0, actions, reward, 0 if number + 1 < count else None)


def team_corridor(num_envs=3):
    return Corridor(num_envs=num_envs, reward="team", num_agents=2)


@pytest.mark.parametrize("cls", ALL)
def test_separate_runs_are_learners_made_one_by_one(cls):
    batch = cls(Sizes(3, 2, 1, 3), separate_runs=True, **CHOSEN[cls])
    singles = [cls(Sizes(1, 2, 1, 3), **CHOSEN[cls]) for _ in range(3)]
    tables = {name: array.reshape(3, -1) for name, array in batch.knowledge().items()}
    for e, single in enumerate(singles):
        single.know({name: tables[name][e].reshape(array.shape) for name, array in single.knowledge().items()})
        single.rng[:] = batch.rng[e]
    for step in steps(40, 3):
        played = batch.act(OBS)
        batch.update(**step)
        for e, single in enumerate(singles):
            assert single.act(OBS[:1]).tolist() == played[e : e + 1].tolist()
            single.update(**{name: array[e : e + 1] for name, array in step.items()})
    for e, single in enumerate(singles):
        for name, array in single.knowledge().items():
            assert np.array_equal(tables[name][e], array.ravel()), name
    assert len({table.tobytes() for table in next(iter(tables.values()))}) == 3


@pytest.mark.parametrize("cls", ALL)
def test_it_is_what_the_training_loop_asks_for(cls):
    learner = cls(Sizes(3, 2, 1, 3), **CHOSEN[cls])
    assert isinstance(learner, Learner)
    assert isinstance(learner.greedy(), Chooser)


@pytest.mark.parametrize("cls", ALL)
def test_a_saved_learner_goes_on_bit_for_bit(cls, tmp_path):
    vec, file = Sizes(3, 2, 1, 3), tmp_path / "learner.npz"
    learner = cls(vec, seed=4, **CHOSEN[cls])
    learner.begin(1000)
    history = list(steps(20, 3))
    for step in history[:10]:
        learner.act(OBS)
        learner.update(**step)
    learner.save(file)
    loaded = cls.load(file, vec)
    assert loaded.settings() == learner.settings()
    for step in history[10:]:
        assert learner.act(OBS).tolist() == loaded.act(OBS).tolist()
        for one in (learner, loaded):
            one.update(**step)
    for name, array in learner.knowledge().items():
        assert array.tobytes() == loaded.knowledge()[name].tobytes(), name
    assert cls.load(file, Sizes(7, 2, 1, 3)).num_envs == 7


@pytest.mark.parametrize("cls", [cls for cls in ALL if cls not in ONE_STATE])
def test_training_stopped_and_resumed_is_the_same(cls, tmp_path):
    """With masks, agents that finish before others, evaluations and the loop that all learners share."""

    def made():
        return cls(team_corridor(), **CHOSEN[cls])

    whole = made()
    history = train(whole, team_corridor(), 600, seed=1, eval_every=300, eval_episodes=4, progress=False)
    assert len(history.evaluations) == 3
    left, file = [40], tmp_path / "c.npz"

    def stop():
        left[0] -= 1
        return left[0] < 0

    kept = {"seed": 1, "eval_every": 300, "eval_episodes": 4, "progress": False, "checkpoint": file}
    train(made(), team_corridor(), 600, stop=stop, **kept)
    resumed = made()
    train(resumed, team_corridor(), 600, resume=True, **kept)
    for name, array in whole.knowledge().items():
        assert array.tobytes() == resumed.knowledge()[name].tobytes(), name
    assert 0 < resumed.steps == whole.steps


@pytest.mark.parametrize("cls", ALL)
def test_masks_are_obeyed(cls):
    learner = cls(Sizes(3, 2, 1, 3), **CHOSEN[cls])
    mask = np.zeros((3, 2, 3), np.int8)
    mask[:, 0, 2] = mask[:, 1, :2] = 1
    for step in steps(20, 3):
        learner.update(**step)
        for actions in (learner.act(OBS, mask), learner.greedy().choose(OBS, mask)):
            assert (actions[:, 0] == 2).all()
            assert (actions[:, 1] < 2).all()


@pytest.mark.parametrize("cls", TEAM)
def test_team_learners_refuse_own_rewards(cls):
    with pytest.raises(ParameterError, match=f'{cls.__name__} needs an environment built with reward="team"'):
        cls(Sizes(1, 2, 1, 3, reward="individual"), **CHOSEN[cls])


@pytest.mark.parametrize("cls", TEAM)
def test_team_learners_refuse_rewards_that_differ(cls):
    learner = cls(Sizes(3, 2, 1, 3), **CHOSEN[cls])
    before = {name: array.copy() for name, array in learner.knowledge().items()}
    first, second = steps(2, 3)
    second["reward"][2] = [1, 2]
    learner.update(**first)
    after = {name: array.copy() for name, array in learner.knowledge().items()}
    with pytest.raises(ValueError, match=r"step 1, environment 2: a team has one reward, .* got \[1.0, 2.0\]"):
        learner.update(**second)
    for name, array in learner.knowledge().items():
        assert np.array_equal(array, after[name])
    assert any(not np.array_equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("cls", [VDN, CoordinationGraphQLearning])
def test_values_that_grew_beyond_all_bounds_are_an_error(cls):
    """Sums that are learned from one error may diverge; a policy of such a table would be none."""
    learner = cls(Sizes(3, 2, 1, 3), **{**CHOSEN[cls], "alpha": 1.0})
    step = next(steps(1, 3))
    learner.q[:] = 3e38  # the largest float32 is 3.4e38
    step["reward"][:] = 3e38
    step["ended"][:] = step["terminated"][:] = True
    step["actions"][:] = 0
    learner.update(**step)  # errors are finite still
    learner.q[:] = np.inf
    with pytest.raises(
        ValueError, match=r"step 1, environment 0: the values of .* grew beyond all bounds: a smaller gamma"
    ):
        learner.update(**step)


@pytest.mark.parametrize("cls", ALL)
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("reward", np.nan, r"step 0, environment 1, agent 1: .*reward nan"),
        ("reward", np.inf, r"environment 1, agent 1: .*reward inf"),
        ("actions", 3, r"environment 1, agent 1: .*action 3.* actions in \[0, 3\)"),
        ("obs", -1, r"environment 1, agent 1: obs -1"),
        ("final_obs", 1, r"environment 1, agent 1: .*after 1"),
    ],
)
def test_bad_samples_are_refused_before_anything_is_learned(cls, name, value, message):
    learner = cls(Sizes(3, 2, 1, 3), **CHOSEN[cls])
    before = {key: array.copy() for key, array in learner.knowledge().items()}
    step = next(steps(1, 3))
    step[name][1, 1] = value
    with pytest.raises(ValueError, match=message):
        learner.update(**step)
    for key, array in learner.knowledge().items():
        assert np.array_equal(array, before[key])


@pytest.mark.parametrize(
    ("cls", "chosen", "message"),
    [
        (HystereticQLearning, {"alpha": 1.5}, "alpha must be a number from 0.0 to 1.0, not 1.5"),
        (VDN, {"alpha": 0.0}, "alpha must be above 0 somewhere"),
        (HystereticQLearning, {"alpha": 0.1, "beta": 0.2}, "beta must be at most alpha"),
        (
            HystereticQLearning,
            {"alpha": Linear(0.1, 0.001), "beta": 0.01},
            "at progress 0.91 of the training it is 0.01",
        ),
        (WoLFPHC, {"delta_win": 0.01, "delta_lose": Linear(0.02, 0.0)}, "at progress 0.501 .* delta_lose 0.00998"),
        (HystereticQLearning, {"beta": -0.1}, "beta must be a number from 0.0"),
        (HystereticQLearning, {"gamma": 1.1}, "gamma must be"),
        (HystereticQLearning, {"separate_runs": 1}, "separate_runs must be one of True, False"),
        (LenientQLearning, {"theta": 0.0}, "theta must be"),
        (LenientQLearning, {"delta": 1.1}, "delta must be"),
        (LenientQLearning, {"min_temperature": 60.0}, "min_temperature must be at most max_temperature = 50.0"),
        (FMQ, {"c": -1}, "c must be"),
        (RecursiveFMQ, {"alpha_frequency": 2}, "alpha_frequency must be"),
        (WoLFPHC, {"delta_win": 0.2, "delta_lose": 0.1}, "delta_win must be at most delta_lose"),
        (PHC, {"exploration": Boltzmann(1.0)}, "exploration must be one of epsilon_greedy"),
        (JointActionLearner, {"prior": 0.0}, "prior must be"),
        (CentralQLearning, {"state": "mine"}, "state must be one of 'joint', 'common'"),
        (CoordinationGraphQLearning, {"edges": [(0, 1)], "method": "magic"}, "method must be one of"),
    ],
)
def test_settings_out_of_range_are_refused(cls, chosen, message):
    with pytest.raises(ParameterError, match=message):
        cls(Sizes(1, 2, 1, 3), **chosen)


@pytest.mark.parametrize("cls", ONE_STATE)
def test_what_is_for_one_state_refuses_more(cls):
    with pytest.raises(ParameterError, match="is defined for games of one state, but this environment has 4"):
        cls(Sizes(1, 2, 4, 3))


def test_tables_that_would_not_fit_are_refused():
    with pytest.raises(ParameterError, match=r"CentralQLearning would need a table of 1 x 20000 x 15625 = 312500000"):
        CentralQLearning(Sizes(1, 6, 20000, 5), state="common")


def test_distributed_q_says_when_it_started_too_high():
    learner = DistributedQLearning(Sizes(1, 2, 1, 3))
    with pytest.raises(ValueError, match=r"agent 0: reward -30.0 makes a return below initial = 0.0"):
        learner.update(**steps_of(0, [[0, 1]], -30.0))
    assert (learner.q == 0).all()


@pytest.mark.parametrize("cls", [CentralQLearning, CoordinationGraphQLearning])
def test_a_common_state_must_be_common(cls):
    learner = cls(Sizes(3, 2, 4, 3), state="common", **({"edges": [(0, 1)]} if "edges" in CHOSEN[cls] else {}))
    with pytest.raises(ValueError, match=r"environment 1: .* all agents must see the same, not \[2, 3\]"):
        learner.act(np.array([[1, 1], [2, 3], [0, 0]], np.int32))


def test_checkpoints_of_another_learner_or_environment_are_refused(tmp_path):
    file = tmp_path / "learner.npz"
    VDN(Sizes(1, 2, 1, 3)).save(file)
    with pytest.raises(CheckpointError, match="another learner: value is 'VDN' there, 'PHC' here"):
        PHC.load(file, Sizes(1, 2, 1, 3))
    with pytest.raises(CheckpointError, match=r"another environment: params\.actions is 3 there, 4 here"):
        VDN.load(file, Sizes(1, 2, 1, 4))


def test_separate_runs_cannot_be_evaluated_in_another_batch():
    learner = VDN(team_corridor(), separate_runs=True)
    with pytest.raises(ValueError, match="there are 3 separate runs, but obs is of 5 environments"):
        evaluate(learner, team_corridor(5), 5, seed=0)
