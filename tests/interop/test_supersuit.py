"""SuperSuit's wrappers, and PettingZoo's own, around our environments."""

from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo.utils import aec_to_parallel
from pettingzoo.utils import wrappers as own

import marl_envs
from marl_envs import warehouse_v0
from tests import relay
from tests.conformance.play import assert_same

GOAL = "marl_envs/warehouse-5x5-2ag-goal-v0"
EPISODE = 12


def make(**parameters: Any) -> Any:
    return marl_envs.make(GOAL, max_cycles=EPISODE, **parameters)


def play(env: Any, steps: int = EPISODE, seed: int = 4) -> list[Any]:
    """Return what random steps give; `env` is any parallel environment."""
    rng = np.random.default_rng(0)
    shown: list[Any] = [env.reset(seed=seed)[0]]
    for _ in range(steps):
        shown.append(env.step({agent: int(rng.integers(5)) for agent in env.agents}))
    return shown


def test_pettingzoos_wrappers_change_nothing():
    plain = play(make())
    assert_same(play(own.BaseParallelWrapper(make())), plain)
    ordered = own.OrderEnforcingWrapper(warehouse_v0.env(layout="5x5", observation="goal", max_cycles=EPISODE))
    checked = own.AssertOutOfBoundsWrapper(ordered)
    back = aec_to_parallel(checked)
    for (obs, reward, *flags, infos), expected in zip(play(back)[1:], plain[1:], strict=True):
        assert_same([obs, *flags], [expected[0], *expected[2:4]])
        assert reward == pytest.approx(expected[1])
        assert infos.keys() == expected[4].keys()


def test_illegal_actions_can_terminate():
    env = own.TerminateIllegalWrapper(warehouse_v0.env(layout="5x5", mask="obs", max_cycles=3), illegal_reward=-1)
    env.reset(seed=0)
    for agent in env.agent_iter():
        observation, _, over, cut, _ = env.last()
        env.step(None if over or cut else int(env.action_space(agent).sample(observation["action_mask"])))
    assert env.agents == []


ss = pytest.importorskip("supersuit")


def test_vector_conversion_has_the_same_rows():
    env = ss.concat_vec_envs_v1(ss.pettingzoo_env_to_vec_env_v1(make()), 1, num_cpus=0, base_class="gymnasium")
    flat = marl_envs.make_vec(GOAL, 1, max_cycles=EPISODE).as_gymnasium()
    assert env.num_envs == flat.num_envs == 2
    assert env.observation_space == flat.single_observation_space  # the space of one row, by an older convention
    rng = np.random.default_rng(0)
    obs, _ = env.reset(seed=6)
    assert obs.dtype == np.float32
    flat.reset(seed=6)
    for t in range(3 * EPISODE):
        actions = rng.integers(0, 5, 2)
        _, reward, over, cut, infos = env.step(actions)
        _, expected, *flags, _ = flat.step(actions)
        np.testing.assert_allclose(reward, expected)
        np.testing.assert_array_equal(np.stack([over, cut]), np.stack(flags))
        assert cut.all() == ((t + 1) % EPISODE == 0)
        del infos


def test_several_processes_step_it():
    env = ss.concat_vec_envs_v1(ss.pettingzoo_env_to_vec_env_v1(make()), 2, num_cpus=2, base_class="gymnasium")
    try:
        obs, _ = env.reset(seed=1)
        assert obs.shape == (4, 119)
        for _ in range(EPISODE):
            *_, cut, _ = env.step(np.zeros(4, int))
        assert cut.all()
    finally:
        env.close()


WRAPPERS = {
    "black_death": lambda env: ss.black_death_v3(env),
    "clip_reward": lambda env: ss.clip_reward_v0(env, -0.1, 0.1),
    "delay_observations": lambda env: ss.delay_observations_v0(env, 2),
    "dtype": lambda env: ss.dtype_v0(env, np.float64),
    "flatten": lambda env: ss.flatten_v0(env),
    "frame_skip": lambda env: ss.frame_skip_v0(env, 2),
    "frame_stack": lambda env: ss.frame_stack_v1(env, 3),
    "max_observation": lambda env: ss.max_observation_v0(env, 2),
    "nan_zeros": lambda env: ss.nan_zeros_v0(env),
    "normalize_obs": lambda env: ss.normalize_obs_v0(env),
    "pad_action_space": lambda env: ss.pad_action_space_v0(env),
    "pad_observations": lambda env: ss.pad_observations_v0(env),
    "sticky_actions": lambda env: ss.sticky_actions_v0(env, 0.25),
    "agent_indicator": lambda env: ss.agent_indicator_v0(env),
}


@pytest.mark.parametrize("name", WRAPPERS)
def test_every_wrapper_applies(name: str):
    env = WRAPPERS[name](make())
    agents = list(env.possible_agents)
    for _ in range(2):
        obs, _ = env.reset(seed=0)
        steps = 0
        while env.agents:
            obs, rewards, *_ = env.step({agent: env.action_space(agent).sample() for agent in env.agents})
            for agent in obs:
                assert env.observation_space(agent).contains(obs[agent])
            steps += 1
        assert list(rewards) == agents or name == "black_death"
        # SuperSuit's black_death notices the end one empty step late.
        assert steps == {"frame_skip": EPISODE // 2, "black_death": EPISODE + 1}.get(name, EPISODE)
    space = env.observation_space(agents[0])
    assert isinstance(space, spaces.Box)
    assert space.shape == {"frame_stack": (357,), "agent_indicator": (121,)}.get(name, (119,))


def test_who_finishes_early_stays_for_supersuit():
    """What breaks it, "varying numbers of active agents", does not happen unless agents_leave=True asks for it."""
    env = ss.pettingzoo_env_to_vec_env_v1(relay.parallel_env(max_cycles=8))
    env.reset(seed=1)
    ends = 0
    for _ in range(40):
        _, _, over, cut, _ = env.step(np.ones(3, int))
        ends += int((over | cut).all())
    assert ends >= 5
    leaving = ss.pettingzoo_env_to_vec_env_v1(relay.parallel_env(max_cycles=8, agents_leave=True))
    leaving.reset(seed=1)

    def run() -> None:
        for _ in range(8):
            leaving.step(np.ones(3, int))

    with pytest.raises(AssertionError, match="varying numbers"):
        run()
