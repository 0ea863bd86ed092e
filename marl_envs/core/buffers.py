"""The sets of result arrays of a batch, which take turns, and the tables that kernels get with each."""

from __future__ import annotations

from typing import Any

import numpy as np

from marl_envs.core.family import Simulation
from marl_envs.core.out import Out
from marl_envs.core.pack import Table, slot_of, slots_of, table_of


class Buffers:
    """One or two sets of result arrays; `turn` makes the next one current."""

    def __init__(self, simulation: Simulation, num_envs: int, sets: int) -> None:
        """Allocate `sets` sets of results of `num_envs` environments; `wire` makes them ready."""
        self.outs = [simulation.allocate_out(num_envs) for _ in range(sets)]
        self._now = 0

    def wire(self, simulation: Simulation, state: Any) -> None:
        """Make what depends on where the arrays lie in memory, and on the settings."""
        numbers = (len(self.outs[0].ended), *simulation.state_space.shape)
        described = np.zeros(numbers, np.float32)
        asked = self.outs[0]._replace(metrics=np.zeros_like(self.outs[0].metrics), global_state=described)
        settings = simulation.settings
        self.tables: list[Table] = [table_of(state, settings, out) for out in (*self.outs, asked)]
        self.measured = asked.metrics  # [E, M], where kernels write that get `asking`
        self.described = described  # [E, G]
        self._results = [_views(simulation, out) for out in self.outs]

    def turn(self) -> Out:
        """Make the next set current, and return it."""
        self._now = (self._now + 1) % len(self.outs)
        return self.outs[self._now]

    @property
    def out(self) -> Out:
        """The current set."""
        return self.outs[self._now]

    @property
    def table(self) -> Table:
        """Addresses of the state, the settings and the current set."""
        return self.tables[self._now]

    @property
    def asking(self) -> Table:
        """The table for metrics of running episodes and for the global state: these results are nobody else's."""
        return self.tables[-1]

    def result(self, copy: bool) -> tuple[Any, ...]:
        """Return what `VectorEnv.step` does: views of the current set, or fresh arrays."""
        *arrays, info = self._results[self._now]
        if not copy:
            return (*arrays, dict(info))
        fresh = {k: {m: v.copy() for m, v in x.items()} if isinstance(x, dict) else x.copy() for k, x in info.items()}
        return (*(array.copy() for array in arrays), fresh)

    def set_number(self, state: type, settings: type, name: str, value: int) -> None:
        """Change an integer of the settings in all tables."""
        slot = slots_of(state) + slot_of(settings, name)
        for table in self.tables:
            table[slot] = value

    def moved(self, simulation: Simulation, num_envs: int) -> Buffers:
        """Return the same results in new memory, not yet wired: in one block, which a pickled copy is not."""
        new = Buffers(simulation, num_envs, len(self.outs))
        new._now = self._now
        for out, copied in zip(new.outs, self.outs, strict=True):
            for name in Out._fields:
                getattr(out, name)[...] = getattr(copied, name)
        return new

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what holds addresses."""
        return {"outs": self.outs, "_now": self._now}


def _views(simulation: Simulation, out: Out) -> tuple[Any, ...]:
    """Return views of one set, in the order of `VectorEnv.step`."""
    final = simulation.seen(out.final_label, out.final_obs)
    info: dict[str, Any] = {"alive": out.alive, "ended": out.ended, "reward_terms": out.terms, "final_obs": final}
    info |= {name: out.notes[:, :, k] for k, name in enumerate(simulation.family.notes)}
    if simulation.settings.mask:
        info["action_mask"], info["final_action_mask"] = out.mask, out.final_mask
    info["metrics"] = {name: out.metrics[:, m] for m, name in enumerate(simulation.family.metrics)}
    info["_metrics"] = info["_final_obs"] = out.ended
    obs = simulation.seen(out.label, out.obs)
    return obs, out.reward, out.terminated, out.truncated, info
