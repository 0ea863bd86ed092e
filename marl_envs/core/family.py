"""What a family of environments hands to the two faces: parameters, kernels and descriptions; no inheritance."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from marl_envs.core.out import Out
from marl_envs.core.pack import allocate

# kernel(table, operation, first, last): do one of operations.py to the environments first..last-1. A family has one
# kernel for all of them, since each would compile the rules anew.
Range = Callable[[Any, int, int, int], None]


@dataclass(frozen=True)
class Family:
    """One kind of environment. Kernels get the table of (State, Settings, Out), in this order."""

    name: str  # such as "warehouse_v0"
    params: type[Any]  # frozen dataclass
    state: type[Any]  # NamedTuple of arrays
    build: Callable[[Any], Simulation]  # params -> simulation
    guided: Callable[[Any], Any]  # settings -> settings under which the state holds what planners need
    frame: Callable[[Any, Any, int], dict[str, NDArray[Any]]]  # settings, state, environment -> what a picture needs
    reward_terms: tuple[str, ...]
    metrics: Mapping[str, tuple[str, str]]  # name -> (unit, definition)
    scene: str  # module that draws frames
    play: Range
    then: tuple[int, ...] = ()  # operations that make up the rest of a step, with `prepare` before each
    prepare: Callable[[Simulation, Any], None] | None = None  # with the state: fill the settings' caches for it
    most_cycles: Callable[[Any], int] | None = None  # params -> up to what `max_cycles` may be set later; None: any
    lasting: tuple[str, ...] = ()  # arrays of the state that go on from episode to episode; a seed sets them to 0
    notes: tuple[str, ...] = ()  # integers in the infos, as after the step, before the next episode begins
    finish_alone: bool = False  # agents may finish before the episode ends (and then no longer be alive)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel as a name: kernels that travel by value would all be compiled again in the next process."""
        return _family_in, (self.build.__module__,)


def _family_in(module: str) -> Family:
    family: Family = importlib.import_module(module).FAMILY
    return family


@dataclass(frozen=True)
class Simulation:
    """A family with its parameters: what is needed to allocate and run any number of environments."""

    family: Family
    params: Any
    agents: list[str]
    observation_space: gymnasium.Space[Any]  # of one agent
    action_space: Any  # of one agent: Discrete, or a Box of one number
    state_space: gymnasium.spaces.Box
    settings: Any  # NamedTuple
    sizes: Mapping[str, int]  # dimension -> size, for the state's arrays
    # Agent -> its own spaces of observations and actions, where agents differ; the ones above have room for all then:
    # each agent's numbers come first, then zeros, and its mask forbids what it does not have.
    own_spaces: Mapping[str, tuple[gymnasium.Space[Any], gymnasium.Space[Any]]] | None = None

    @property
    def fingerprint(self) -> dict[str, Any]:
        """What identifies the environment: its name and every parameter, ready for JSON (which has no tuples)."""
        params = {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self.params).items()}
        return {"env": self.family.name, "params": params}

    @property
    def discrete(self) -> bool:
        """Whether an observation is one integer, or several side by side."""
        return isinstance(self.observation_space, gymnasium.spaces.Discrete | gymnasium.spaces.MultiDiscrete)

    def seen(self, label: Any, obs: Any) -> Any:
        """Return a view of those of the two arrays that hold observations, [E, A], [E, A, K integers] or [E, A, ...].

        Args:
            label: `Out.label` or `Out.final_label`, or a tensor of its shape.
            obs: `Out.obs` or `Out.final_obs`, or a tensor of its shape.
        """
        if isinstance(self.observation_space, gymnasium.spaces.MultiDiscrete):
            return label.reshape(len(label), len(self.agents), -1)
        return label if self.discrete else obs

    @property
    def continuous(self) -> bool:
        """Whether an action is a number; the state has it in `controls` then, float64 [E, A]."""
        return isinstance(self.action_space, gymnasium.spaces.Box)

    def __reduce__(self) -> tuple[Any, ...]:
        """Travel without the caches that some settings hold, which may take gigabytes: they are filled again."""
        if self.family.prepare is None:
            return Simulation, tuple(getattr(self, field.name) for field in fields(self))
        numbers = {name: v for name, v in self.settings._asdict().items() if not isinstance(v, np.ndarray)}
        return _simulation_of, (self.family, self.params, numbers, (self.observation_space, self.action_space))

    def with_guidance(self) -> Simulation:
        """Return the same simulation with what planners read switched on; trajectories are the same."""
        return replace(self, settings=self.family.guided(self.settings))

    def allocate_state(self, num_envs: int) -> Any:
        """Return zeroed state arrays."""
        return allocate(self.family.state, E=num_envs, **self.sizes)

    def allocate_out(self, num_envs: int) -> Out:
        """Return result arrays."""
        agents = len(self.agents)
        numbers = int(np.prod(self.observation_space.shape or ()))
        out = allocate(
            Out,
            E=num_envs,
            A=agents,
            D=0 if self.discrete else numbers,
            B=agents * numbers if self.discrete else 0,
            N=int(self.action_space.n) if self.settings.mask else 0,
            T=len(self.family.reward_terms),
            M=len(self.family.metrics),
            K=len(self.family.notes),
            G=0,
        )
        out.alive[:] = True
        return out


def _simulation_of(family: Family, params: Any, numbers: dict[str, Any], spaces: tuple[Any, Any]) -> Simulation:
    made = family.build(params)
    settings = made.settings._replace(**numbers)
    return replace(made, settings=settings, observation_space=spaces[0], action_space=spaces[1])
