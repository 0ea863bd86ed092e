"""The learners that a suite can name: one line a kind, from which its part of a suite file is checked.

A new learner is a file in `agents`, from where it can be imported, and a line in KINDS.
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from pydantic import Field, PositiveInt, SerializerFunctionWrapHandler, create_model, model_serializer

from benchmarks.config_parts import Exploration, Fraction, Name, Scheduled, Strict

Settings = dict[str, tuple[Any, Any]]  # name of a setting -> its type, and its default (...: none)

ONE, SEVERAL = ("tabular", "tabular_push", "tabular_load"), ("tiles",)  # observations of one integer, and of several
OWN, TEAM, EITHER = "own", "team", "either"  # rewards


def optional(**types: Any) -> Settings:
    """Return settings that may be left out: the learner has defaults of its own."""
    return {name: (kind | None, None) for name, kind in types.items()}


class Kind(NamedTuple):
    """What a kind of learner is, and what it needs."""

    learner: str  # class in `agents`
    settings: Settings  # arguments of the class that a suite gives
    reward: str = EITHER  # of the environment
    sees: tuple[str, ...] = ONE  # observations of the environment that suit it
    by_size: bool = False  # whether it can play depends on the environment's observations, actions and agents
    wrapper: str = ""  # class in `agents` that stands between it and the environment
    of_wrapper: tuple[str, ...] = ()  # settings that are the wrapper's


_RATES: Settings = {"alpha": (Scheduled, ...), "gamma": (Fraction, ...), "exploration": (Exploration, ...)}
_BASIC: Settings = {**_RATES, "share_table": (bool, True)}  # the settings of Q-learning
_START = optional(initial=float)
_VALUES, _TEAMS, _JOINT = {**_BASIC, **_START}, {**_BASIC, **_START}, {**_RATES, **_START}
_TRACES = optional(lam=Fraction, traces=Literal["accumulating", "replacing"], longest_trace=PositiveInt)
_RULE: Settings = {"preferred": (Literal["threshold"], ...), "lean": (float, ...)}
_HEAT = optional(
    theta=float, omega=float, delta=float, tau=Fraction, max_temperature=float, min_temperature=float, initial=float
)
_STATE = optional(state=Literal["joint", "common"])
_METHOD = optional(method=Literal["elimination", "max_plus"], rounds=PositiveInt)


def without(settings: Settings, *names: str) -> Settings:
    """Return the settings that a learner has of these."""
    return {name: value for name, value in settings.items() if name not in names}


KINDS: dict[str, Kind] = {
    "independent_q": Kind("IndependentQLearning", _BASIC, OWN),
    "shared_q": Kind("SharedRewardQLearning", _BASIC, TEAM),
    "independent_linear_q": Kind("IndependentLinearQLearning", _BASIC, OWN, SEVERAL),
    "shared_linear_q": Kind("SharedRewardLinearQLearning", _BASIC, TEAM, SEVERAL),
    # Other values on tables, each agent by itself
    "sarsa": Kind("Sarsa", _VALUES),
    "expected_sarsa": Kind("ExpectedSarsa", _VALUES),
    "double_q": Kind("DoubleQLearning", _VALUES),
    "n_step_sarsa": Kind("NStepSarsa", _VALUES | optional(n=PositiveInt)),
    "q_lambda": Kind("WatkinsQLambda", _VALUES | _TRACES),
    "sarsa_lambda": Kind("SarsaLambda", _VALUES | _TRACES),
    "leaning_sarsa_lambda": Kind("LeaningSarsaLambda", _VALUES | _TRACES | _RULE, sees=("tabular_load",), by_size=True),
    "linear_sarsa_lambda": Kind("LinearSarsaLambda", _VALUES | _TRACES, sees=SEVERAL),
    # With a model of the world, which should be deterministic
    "dyna_q": Kind("DynaQ", _VALUES | optional(planning=int)),
    "dyna_q_plus": Kind("DynaQPlus", _VALUES | optional(planning=int, kappa=float)),
    "prioritized_sweeping": Kind("PrioritizedSweeping", _VALUES | optional(planning=int, theta=float)),
    # Teams and games: docs/learners-multi.md
    "hysteretic": Kind("HystereticQLearning", _TEAMS | optional(beta=Scheduled), TEAM),
    "lenient": Kind("LenientQLearning", without(_TEAMS, "exploration") | _HEAT, TEAM),
    "distributed": Kind("DistributedQLearning", without(_JOINT, "alpha"), TEAM),
    "vdn": Kind("VDN", _TEAMS, TEAM),
    "phc": Kind("PHC", _TEAMS | optional(delta=Scheduled)),
    "wolf_phc": Kind("WoLFPHC", _TEAMS | optional(delta_win=Scheduled, delta_lose=Scheduled)),
    "fmq": Kind("FMQ", without(_JOINT, "gamma") | optional(c=float), TEAM, by_size=True),
    "recursive_fmq": Kind(
        "RecursiveFMQ", without(_JOINT, "gamma") | optional(alpha_frequency=Scheduled), TEAM, by_size=True
    ),
    "central_q": Kind("CentralQLearning", _JOINT | _STATE, TEAM, by_size=True),
    "joint_action": Kind("JointActionLearner", _JOINT | optional(prior=float), by_size=True),
    "coordination_graph": Kind(
        "CoordinationGraphQLearning",
        _JOINT | _STATE | _METHOD | {"edges": (list[tuple[int, int]], ...)},
        TEAM,
        by_size=True,
    ),
    "difference_q": Kind(
        "IndependentQLearning",
        _VALUES | optional(default_action=int),
        TEAM,
        by_size=True,
        wrapper="DifferenceRewards",
        of_wrapper=("default_action",),
    ),
}


class Start(Strict):
    """Where a learner learns first, before the training that counts begins with what it knows then."""

    params: dict[str, Any] = Field(min_length=1, description="what differs there from the environment's")
    train_steps: PositiveInt = Field(description="agent-steps there, which do not count")
    compare: Name = Field(description="the agent that learns there, and the same from nothing here")
    learner: dict[str, Any] | None = Field(default=None, description="its settings, which the job is given")


class LearnerAgent(Strict):
    """A learner: what a suite may say of any. `env` holds environment parameters that it needs, such as its reward."""

    kind: str
    env: dict[str, Any] = Field(default={})
    start: Start | None = None

    @model_serializer(mode="wrap")
    def _what_was_said(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out what was left out, so that a setting which a learner gets one day changes no old job."""
        return {name: value for name, value in handler(self).items() if value is not None}


def _model(kind: str) -> type[LearnerAgent]:
    """Return the model of a kind's part of a suite file."""
    fields: Any = {"kind": (Literal[kind], ...), "env": (dict[str, Any], {}), **KINDS[kind].settings}
    return create_model(f"Learner_{kind}", __base__=LearnerAgent, __module__=__name__, **fields)


MODELS: dict[str, type[LearnerAgent]] = {kind: _model(kind) for kind in KINDS}
globals().update({model.__name__: model for model in MODELS.values()})  # where pickles of them look
