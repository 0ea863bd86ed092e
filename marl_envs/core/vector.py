"""VectorEnv: E environments x A agents, arrays in, arrays out; one compiled call a step."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from marl_envs.core import snapshot
from marl_envs.core.actions import take as take_actions
from marl_envs.core.actions import take_numbers
from marl_envs.core.buffers import Buffers
from marl_envs.core.family import Simulation
from marl_envs.core.operations import DESCRIBE, MEASURE, OBSERVE, RESET, STEP
from marl_envs.core.out import Out
from marl_envs.core.pack import Table
from marl_envs.core.params import check_int
from marl_envs.core.random import seed_stream
from marl_envs.core.snapshot import Snapshot
from marl_envs.core.threads import Crew

if TYPE_CHECKING:
    from marl_envs.interop.episodes import EpisodeLog
    from marl_envs.interop.flat import FlatVectorEnv
    from marl_envs.interop.tensors import TorchVectorEnv

Info = dict[str, Any]


class VectorEnv:
    """A batch of environments of one kind.

    An environment that has ended is reset in the same step (Gymnasium's SAME_STEP): `obs` is then the first of its
    new episode and `info["final_obs"]` holds the last of the old one. Results are views of two buffer sets that take
    turns: what one step returns stays valid until the step after the next (`copy=True` returns fresh arrays).
    A trajectory depends on the seed and the actions alone, not on batch size or threads.
    """

    def __init__(
        self,
        simulation: Simulation,
        num_envs: int = 1,
        num_threads: int = 1,
        *,
        copy: bool = False,
        autoreset: bool = True,
    ) -> None:
        """Allocate `num_envs` environments, to be stepped by `num_threads` threads.

        Args:
            simulation: what to simulate, from a family's `build`.
            num_envs: environments, E.
            num_threads: threads, at most the processors there are.
            copy: return fresh arrays from every call.
            autoreset: start the next episode in the step that ends one. Off only for the PettingZoo face, which also
                needs but one buffer set, since it copies.

        Raises:
            ParameterError: a number is out of range.
        """
        self.num_envs = check_int("num_envs", num_envs, 1)
        self._crew = Crew(num_threads)
        self._copy = copy
        self._simulation = replace(simulation, settings=simulation.settings._replace(autoreset=int(autoreset)))
        self._state = simulation.allocate_state(num_envs)
        self._buffers = Buffers(self._simulation, num_envs, 2 if autoreset else 1)
        most = simulation.family.most_cycles
        self._most_cycles = 2**31 - 1 if most is None else most(simulation.params)
        self._started = False
        self._wire()

    def _wire(self) -> None:
        """Make what depends on where the arrays lie in memory."""
        self._buffers.wire(self._simulation, self._state)

    @property
    def num_agents(self) -> int:
        """Agents in each environment, A."""
        return len(self._simulation.agents)

    @property
    def num_threads(self) -> int:
        """Threads that step the batch."""
        return self._crew.num_threads

    @property
    def agents(self) -> list[str]:
        """Names of the agents, the same in every environment."""
        return list(self._simulation.agents)

    @property
    def observation_space(self) -> Any:
        """Space of one agent's observation."""
        return self._simulation.observation_space

    @property
    def action_space(self) -> Any:
        """Space of one agent's action: Discrete, or a Box of one number."""
        return self._simulation.action_space

    @property
    def state_space(self) -> Any:
        """Space of `state()` of one environment."""
        return self._simulation.state_space

    @property
    def params(self) -> Any:
        """The family's frozen parameters."""
        return self._simulation.params

    @property
    def simulation(self) -> Simulation:
        """What is simulated."""
        return self._simulation

    @property
    def fingerprint(self) -> dict[str, Any]:
        """Name and parameters, ready for JSON: what a trained agent remembers of its environment."""
        return self._simulation.fingerprint

    @property
    def reward_terms(self) -> tuple[str, ...]:
        """Names of the columns of `info["reward_terms"]`."""
        return self._simulation.family.reward_terms

    @property
    def metric_names(self) -> tuple[str, ...]:
        """Names of the metrics."""
        return tuple(self._simulation.family.metrics)

    @property
    def arrays(self) -> Any:
        """The live state (a NamedTuple of arrays, first axis E), for planners and tests. Do not replace its arrays."""
        return self._state

    @property
    def out(self) -> Out:
        """All result arrays of the last step or reset; the views that `step` returns are of these."""
        return self._buffers.out

    @property
    def table(self) -> Table:
        """The table that kernels get: addresses of the state, the settings and the result arrays last written."""
        return self._buffers.table

    @property
    def action_mask(self) -> NDArray[np.int8] | None:
        """The mask [E, A, N] that goes with the last observation, or None without masks."""
        return self._buffers.out.mask if self._simulation.settings.mask else None

    @property
    def max_cycles(self) -> int:
        """Steps after which an episode is truncated; may be set (for traffic up to what demand was drawn for)."""
        return int(self._simulation.params.max_cycles)

    @max_cycles.setter
    def max_cycles(self, value: int) -> None:
        check_int("max_cycles", value, 1, self._most_cycles, why="in this environment")
        settings = self._simulation.settings._replace(max_cycles=int(value))
        params = replace(self._simulation.params, max_cycles=int(value))
        self._simulation = replace(self._simulation, params=params, settings=settings)
        self._buffers.set_number(type(self._state), type(settings), "max_cycles", value)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, Info]:
        """Start an episode in every environment.

        Args:
            seed: environment e gets its own stream of (seed, e), and what outlasts episodes starts anew. None continues
                both (entropy the first time).
            options: ignored.

        Raises:
            ParameterError: the seed is no integer from 0 to 2**64 - 1.

        Returns:
            (obs [E, A, ...], info) as from `step`; `final_obs` and `metrics` hold nothing yet.
        """
        del options
        if seed is None and not self._started:
            seed = int(np.random.SeedSequence().generate_state(1, np.uint64)[0])
        if seed is not None:
            checked = check_int("seed", seed, 0, 2**64 - 1)
            self._state.rng[:] = [seed_stream(checked, e) for e in range(self.num_envs)]
            for name in self._simulation.family.lasting:
                getattr(self._state, name)[:] = 0
        return self._begin(RESET, OBSERVE)

    def _begin(self, *operations: int) -> tuple[Any, Info]:
        """Return (obs, info) as the operations leave them, with nothing in them of earlier steps."""
        out = self._buffers.turn()
        for array in (out.reward, out.terms, out.terminated, out.truncated, out.ended):
            array[:] = 0
        for operation in operations:
            if operation != RESET:  # which replaces what would be prepared for
                self._prepare()
            self._run(operation)
        self._started = True
        obs, _, _, _, info = self._result()
        return obs, info

    def restart(self, chosen: NDArray[np.bool_]) -> None:
        """Start an episode in the chosen environments, bool [E], and write their first observations into `out`.

        For callers that reset by themselves what has ended (autoreset=False).

        Raises:
            RuntimeError: before the first reset.
            ValueError: `chosen` is not bool [E].
        """
        self._require_reset("restart")
        if chosen.shape != (self.num_envs,) or chosen.dtype != np.bool_:
            raise ValueError(f"chosen must be bool with shape {(self.num_envs,)}, not {chosen.dtype} {chosen.shape}")
        play, table = self._simulation.family.play, self._buffers.table
        rows = np.flatnonzero(chosen).tolist()
        for e in rows:
            play(table, RESET, e, e + 1)
        self._prepare()
        for e in rows:
            play(table, OBSERVE, e, e + 1)

    def _require_reset(self, call: str) -> None:
        if not self._started:
            raise RuntimeError(f"call reset() before {call}()")

    def step(self, actions: NDArray[Any]) -> tuple[Any, Any, Any, Any, Info]:
        """Advance every environment by one step.

        Args:
            actions: integers [E, A] in the action space, of which a masked one counts as the no-op; or numbers [E, A]
                or [E, A, 1] where it is a Box.

        Returns:
            obs: float32 [E, A, D], or int32 [E, A] where an observation is one integer.
            reward: float32 [E, A].
            terminated: bool [E, A], True on exactly the step in which an agent finishes.
            truncated: bool [E, A], True when time is up.
            info: alive bool [E, A]; ended bool [E]; reward_terms float32 [E, A, T]; action_mask int8 [E, A, N]; the
                family's notes, int32 [E, A]; valid where ended: final_obs like obs, final_action_mask, metrics (a dict
                of float64 [E]).

        Raises:
            RuntimeError: before the first reset.
            TypeError, ValueError: wrong dtype, shape or an action outside the space; nothing has changed then.
        """
        self._require_reset("step")
        if self._simulation.continuous:
            take_numbers(actions, self._state.controls, self.action_space, self._simulation.agents)
        else:
            take_actions(actions, self._state.actions, int(self.action_space.n), self._simulation.agents)
        self._buffers.turn()
        self._run(STEP)
        self._finish_step()
        return self._result()

    def _finish_step(self) -> None:
        """Do what follows the first operation of a step."""
        for operation in self._simulation.family.then:
            self._prepare()
            self._run(operation)

    def _prepare(self) -> None:
        """Fill the caches that the next operation reads."""
        if self._simulation.family.prepare is not None:
            self._simulation.family.prepare(self._simulation, self._state)

    def _run(self, operation: int) -> None:
        self._crew.run(self._simulation.family.play, self._buffers.table, operation, self.num_envs)

    def _result(self) -> tuple[Any, ...]:
        return self._buffers.result(self._copy)

    def metrics(self) -> dict[str, NDArray[np.float64]]:
        """Return the metrics of the running episodes so far, float64 [E] each; the family's METRICS has the units."""
        self._require_reset("metrics")
        self._crew.run(self._simulation.family.play, self._buffers.asking, MEASURE, self.num_envs)
        return {name: self._buffers.measured[:, m].copy() for m, name in enumerate(self.metric_names)}

    def state(self) -> NDArray[np.float32]:
        """Return the global state for centralised training, float32 [E, n] inside `state_space`."""
        self._require_reset("state")
        self._buffers.described[:] = 0
        self._crew.run(self._simulation.family.play, self._buffers.asking, DESCRIBE, self.num_envs)
        return self._buffers.described.copy()

    def frame(self, env: int = 0) -> dict[str, NDArray[Any]]:
        """Return what a picture of environment `env` needs; the family's `frame` says which arrays."""
        self._require_reset("frame")
        index = check_int("env", env, 0, self.num_envs - 1)
        self.require_guidance()
        return self._simulation.family.frame(self._simulation.settings, self._state, index)

    def require_guidance(self) -> None:
        """Keep up, from now on, what planners and pictures read (targets, distances). Trajectories stay the same."""
        if not self._simulation.settings.guided:
            self._simulation = self._simulation.with_guidance()
            self._wire()
            if self._started:
                self._run(OBSERVE)

    def get_state(self) -> Snapshot:
        """Return a full copy of all environments' state, random streams included; picklable."""
        self._require_reset("get_state")
        return snapshot.take(self.fingerprint, self._state)

    def set_state(self, state: Snapshot) -> tuple[Any, Info]:
        """Continue from a snapshot of the same kind of environment; return (obs, info) as `reset` does.

        Raises:
            ValueError: the snapshot is of another environment or batch size; nothing has changed then.
        """
        snapshot.put(state, self.fingerprint, self._state)
        return self._begin(OBSERVE)

    def as_gymnasium(self, *, copy: bool = True, log: EpisodeLog | None = None) -> FlatVectorEnv:
        """Return the batch as a `gymnasium.vector.VectorEnv` of E * A rows; see `interop.FlatVectorEnv`."""
        from marl_envs.interop.flat import FlatVectorEnv

        return FlatVectorEnv(self, copy=copy, log=log)

    def as_torch(self, device: Any = None) -> TorchVectorEnv:
        """Return the batch with tensors in place of arrays, without a copy on the CPU; see `interop.tensors`."""
        from marl_envs.interop.tensors import TorchVectorEnv

        return TorchVectorEnv(self, device, copy=self._copy)

    def close(self) -> None:
        """Stop the threads; the environments can still be used."""
        self._crew.close()

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Find the arrays' new addresses."""
        self.__dict__.update(state)
        self._buffers = self._buffers.moved(self._simulation, self.num_envs)
        self._wire()
