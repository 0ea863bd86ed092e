"""The law of a signal against a plain-Python one, under random actions and times."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_envs import traffic_signals_v0
from marl_envs.traffic.signals.networks import network_of

PHASES = 8
DURATIONS = (5.0, 15.0, 20.0)


@dataclass
class Oracle:
    """One signal, second by second; `shown` lists what was shown in each."""

    actions: str
    interval: int
    yellow: int
    all_red: int
    min_green: int
    max_green: int | None
    phase: int = 0
    target: int = 0
    change: list[str] = field(default_factory=list)  # seconds to come: "yellow", "red"
    green: int = 0
    planned: int = 5
    masked: int = 0
    shown: list[object] = field(default_factory=list)

    def changing(self) -> bool:
        return bool(self.change) or self.phase != self.target

    def free(self) -> bool:
        if self.actions == "duration":
            return not self.changing() and (self.green >= self.planned or self.too_long())
        return not self.changing() and self.green >= self.min_green

    def too_long(self) -> bool:
        return self.max_green is not None and self.green + self.interval > self.max_green

    def forced(self) -> bool:
        return self.free() and (self.actions == "duration" or self.too_long())

    def mask(self) -> list[int]:
        if self.actions == "phase":
            return [int(not self.forced() if p == self.target else self.free()) for p in range(PHASES)]
        if self.actions == "duration":
            return [1, *[int(self.free())] * (len(DURATIONS) - 1)]
        return [int(not self.forced()), int(self.free())]

    def wanted(self, action: int, fullest: int) -> int:
        following = (self.phase + 1) % PHASES
        if not self.mask()[action]:
            self.masked += 1
            return following if self.forced() else self.target
        if self.actions == "phase":
            return action
        if self.actions == "duration":
            if not self.forced():
                return self.target
            self.planned = int(DURATIONS[action])
            return following
        return self.target if action == 0 else (fullest if self.actions == "fullest" else following)

    def decide(self, action: int, fullest: int) -> None:
        wanted = self.wanted(action, fullest)
        if wanted != self.target:
            self.target = wanted
            self.change = ["yellow"] * self.yellow + ["red"] * self.all_red
            if not self.change:
                self.phase, self.green = wanted, 0
        for _ in range(self.interval):
            if self.change:
                self.shown.append(self.change.pop(0))
            else:
                if self.phase != self.target:
                    self.phase, self.green = self.target, 0
                self.shown.append(self.phase)
                self.green += 1


TIMES = st.fixed_dictionaries(
    {
        "actions": st.sampled_from(["phase", "next", "duration", "fullest"]),
        "decision_interval": st.sampled_from([1.0, 5.0, 10.0]),
        "yellow": st.sampled_from([0.0, 3.0, 5.0]),
        "all_red": st.sampled_from([0.0, 2.0]),
        "min_green": st.sampled_from([0.0, 5.0]),
        "max_green": st.sampled_from([None, 20.0, 30.0]),
    }
)


@given(TIMES, st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_signals_follow_the_plain_law(times, seed):
    vec = traffic_signals_v0.vector_env(
        1, network="cross", demand="uniform-300", demand_sets=1, durations=DURATIONS, max_cycles=1000, **times
    )
    network, (signal,) = network_of("cross", "own")
    rules = vec.simulation.settings
    oracle = Oracle(
        times["actions"],
        *(int(times[name]) for name in ("decision_interval", "yellow", "all_red", "min_green")),
        None if times["max_green"] is None else int(times["max_green"]),
    )
    rng = np.random.default_rng(seed)
    _, info = vec.reset(seed=seed)
    for _ in range(60):
        assert info["action_mask"][0, 0].tolist() == oracle.mask()
        action = int(rng.integers(vec.action_space.n))
        fullest = int(vec.arrays.fullest[0, 0])
        oracle.decide(action, fullest)
        *_, info = vec.step(np.array([[action]]))
        state, last = vec.arrays, oracle.shown[-1]
        expected = {"yellow": signal.yellow, "red": signal.red}.get(last)
        expected = signal.phases[last] if expected is None else expected
        assert state.shown[0, signal.junction] == expected
        assert state.pending[0, 0] == oracle.target
        assert state.masked[0] == oracle.masked
        assert (state.stage[0, 0] != 0) == oracle.changing()
        if not oracle.changing():
            assert state.green[0, 0] == oracle.green <= (oracle.max_green or 1000)
    assert rules.num_phases[0] == PHASES == len(signal.phases)
    assert not network.green[network.first_phase[signal.junction] + signal.red].any()


def test_a_change_shows_yellow_then_red_then_green():
    vec = traffic_signals_v0.vector_env(
        1, network="cross", decision_interval=1.0, yellow=3.0, all_red=2.0, min_green=4.0
    )
    _, (signal,) = network_of("cross", "own")
    vec.reset(seed=0)
    shown = []
    for _ in range(12):
        vec.step(np.array([[5]]))
        shown.append(int(vec.arrays.shown[0, signal.junction]))
    first, sixth = signal.phases[0], signal.phases[5]
    assert shown == [first] * 4 + [signal.yellow] * 3 + [signal.red] * 2 + [sixth] * 3
    assert vec.metrics()["switches"] == [3600 / 12]
