"""What every learner of values must do: resume with the same bits, and refuse bad input with clear words."""

import importlib
import pkgutil

import numpy as np
import pytest

import agents
from agents import CheckpointError, EpsilonGreedy, Linear, evaluate
from agents.exploration import UCB1, Boltzmann, Optimistic
from agents.learner import Chooser, Learner
from agents.linear.sarsa_lambda import SarsaLambda
from agents.models.dyna import DynaQ, DynaQPlus
from agents.models.sweeping import PrioritizedSweeping
from agents.multi.base import MultiLearner
from agents.options.base import OptionLearner
from agents.options.intra_option import IntraOptionQLearning
from agents.options.options import Options, primitive_options
from agents.options.smdp import SMDPQLearning
from agents.tabular.qlearning import TabularQLearning
from agents.tabular.trainable import Trainable
from agents.values.base import ValueLearner
from agents.values.double_q import DoubleQLearning
from agents.values.expected_sarsa import ExpectedSarsa
from agents.values.n_step import NStepSarsa
from agents.values.q_lambda import WatkinsQLambda
from agents.values.sarsa import Sarsa
from agents.values.traces import TraceLearner
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from tests.agents.corridor import Corridor
from tests.agents.running import after, assert_same, run

# Without compilation uint64 arithmetic wraps round all the same, but says so.
pytestmark = [] if jit.ENABLED else [pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")]

# Go to the goal from anywhere; the last cell is never left
RIGHT = Options(np.full((1, 6), 2), np.ones((1, 6)), np.zeros((1, 6)))
OPTIONS = {"options": RIGHT + primitive_options(6, 3)}
LEARNERS = {
    Sarsa: {},
    ExpectedSarsa: {"exploration": Boltzmann(0.5)},
    DoubleQLearning: {},
    WatkinsQLambda: {},
    NStepSarsa: {"n": 3},
    SarsaLambda: {},
    DynaQ: {},
    DynaQPlus: {"kappa": 0.01},
    PrioritizedSweeping: {},
    SMDPQLearning: OPTIONS,
    IntraOptionQLearning: OPTIONS,
}
each = pytest.mark.parametrize("cls", LEARNERS, ids=lambda cls: cls.__name__)


def made(cls, vec=None, **changes):
    return cls(Corridor() if vec is None else vec, **{"seed": 1, "gamma": 0.9, **LEARNERS[cls], **changes})


def test_every_learner_can_be_imported_from_the_package():
    """A learner is a class that can be told apart in a checkpoint; bases of several are not offered."""
    found = (name for _, name, is_package in pkgutil.walk_packages(agents.__path__, "agents.") if not is_package)
    files = (name for name in found if not name.startswith("agents.deep."))  # an extra, with a package of its own
    classes = {cls for name in files for cls in vars(importlib.import_module(name)).values() if isinstance(cls, type)}
    learners = {cls for cls in classes if issubclass(cls, Trainable) and not cls.__name__.startswith("_")}
    bases = {Trainable, TabularQLearning, ValueLearner, TraceLearner, OptionLearner, MultiLearner}
    assert len(learners - bases) >= 25
    assert {cls.__name__ for cls in learners - bases} <= set(agents.__all__)


@each
def test_the_interface_is_that_of_all_learners(cls):
    learner = made(cls)
    assert isinstance(learner, Learner)
    assert isinstance(learner.greedy(), Chooser)
    assert learner.settings()["algorithm"] == cls.__name__


@each
def test_a_resumed_training_gives_the_same_bits(cls, tmp_path):
    whole = run(made(cls))
    path = tmp_path / "a.npz"
    run(made(cls), checkpoint=path, stop=after(38))
    again = made(cls)
    again.begin(5)  # of another training: nothing of it may stay
    resumed = run(again, checkpoint=path, resume=True)
    assert_same(whole, resumed)
    for name, array in {**whole[0].knowledge(), **whole[0].course()}.items():
        np.testing.assert_array_equal(array, {**again.knowledge(), **again.course()}[name], err_msg=name)


@each
def test_training_walks_to_the_goal_and_evaluation_learns_nothing(cls):
    learner, vec, _ = run(made(cls, exploration=EpsilonGreedy(Linear(0.5, 0.0))), steps=8000)
    before = {name: array.copy() for name, array in {**learner.knowledge(), **learner.course()}.items()}
    episodes = evaluate(learner, vec, 8, 5)
    assert [episode["arrivals"] for episode in episodes] == [2.0] * 8
    for name, array in {**learner.knowledge(), **learner.course()}.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)


@each
def test_a_loaded_learner_knows_the_same(cls, tmp_path):
    learner, vec, _ = run(made(cls))
    learner.save(tmp_path / "a.npz")
    other = cls.load(tmp_path / "a.npz", vec)
    assert other.settings() == learner.settings()
    for name, array in learner.knowledge().items():
        np.testing.assert_array_equal(array, other.knowledge()[name], err_msg=name)
    few = cls.load(tmp_path / "a.npz", Corridor(num_envs=1))
    np.testing.assert_array_equal(few.q, learner.q)
    with pytest.raises(CheckpointError, match=r"max_cycles is 20 there, 30 here"):
        cls.load(tmp_path / "a.npz", Corridor(max_cycles=30))
    wrong = DynaQ if cls is Sarsa else Sarsa
    with pytest.raises(CheckpointError, match=f"'{cls.__name__}' there, '{wrong.__name__}' here"):
        wrong.load(tmp_path / "a.npz", vec)


def sample(**changes):
    """A batch of Corridor's size."""
    zeros, no = np.zeros((4, 2), np.int32), np.zeros((4, 2), bool)
    names = ("obs", "actions", "next_obs", "final_obs")
    reward = np.zeros((4, 2), np.float32)
    return {
        **dict.fromkeys(names, zeros),
        "reward": reward,
        "ended": no[:, 0],
        "terminated": no,
        "alive": ~no,
        **changes,
    }


@each
@pytest.mark.parametrize(
    ("name", "value"),
    [("reward", np.nan), ("reward", -np.inf), ("obs", 6), ("next_obs", 6), ("actions", 6), ("next_mask", 0)],
)
def test_a_bad_sample_is_named_and_nothing_is_learned(cls, name, value):
    learner = made(cls, initial=0.5)
    learner.act(np.zeros((4, 2), np.int32))
    learner.update(**sample())
    before = {key: array.copy() for key, array in {**learner.knowledge(), **learner.course()}.items()}
    bad = np.ones((4, 2, 3), np.int8) if name == "next_mask" else sample()[name].copy()
    bad[2, 1] = value
    with pytest.raises(ValueError, match=r"step 1, environment 2, agent 1: .*rewards finite numbers"):
        learner.update(**sample(**{name: bad}))
    for key, array in {**learner.knowledge(), **learner.course()}.items():
        np.testing.assert_array_equal(array, before[key], err_msg=key)


@each
def test_an_observation_outside_the_table_is_refused(cls):
    with pytest.raises(ValueError, match=r"step 0, environment 0, agent 0: obs 6.*\[0, 6\)"):
        made(cls).act(np.full((4, 2), 6, np.int32))


@pytest.mark.parametrize(
    ("cls", "settings", "message"),
    [
        (Sarsa, {"alpha": 0.0}, "alpha must be above 0 somewhere, not 0.0"),
        (Sarsa, {"alpha": 1.1}, "alpha must be a number from 0.0 to 1.0, not 1.1"),
        (Sarsa, {"alpha": -0.1}, "alpha must be"),
        (Sarsa, {"exploration": UCB1()}, "Sarsa needs exploration of known probabilities .*, not ucb1"),
        (Sarsa, {"separate_runs": True}, "needs share_table=False"),
        (Sarsa, {"exploration": Optimistic(3.0), "initial": 1.0}, "initial is 1.0, but"),
        (NStepSarsa, {"n": 0}, "n must be an integer from 1 to 1000, not 0"),
        (WatkinsQLambda, {"lam": 1.5}, "lam must be"),
        (WatkinsQLambda, {"traces": "dutch"}, "traces must be one of 'accumulating', 'replacing'"),
        (SarsaLambda, {"longest_trace": 0}, "longest_trace must be"),
        (DynaQ, {"planning": -1}, "planning must be"),
        (DynaQPlus, {"kappa": -1.0}, "kappa must be"),
        (PrioritizedSweeping, {"theta": -1.0}, "theta must be"),
        (SMDPQLearning, {"options": primitive_options(7, 3)}, "options must be for 6 observations"),
        (SMDPQLearning, {"options": primitive_options(6, 4)}, "actions below 3, not for 6 and up to 3"),
        (SMDPQLearning, {"exploration": UCB1()}, "exploration among options must be one of"),
    ],
)
def test_bad_settings_are_refused(cls, settings, message):
    with pytest.raises(ParameterError, match=message):
        made(cls, **settings)


def test_negative_epsilon_is_refused():
    with pytest.raises(ParameterError, match=r"epsilon must be a number from 0\.0 to 1\.0, not -0\.1"):
        EpsilonGreedy(-0.1)
