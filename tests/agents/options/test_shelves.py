"""The warehouse's ready-made options: shortest ways, what they are about, when they are over, and who learns them."""

from collections import deque

import numpy as np
import pytest

from agents import EpsilonGreedy, IndependentQLearning, Linear, OptionsEnv, ShelfOptions, WorkerEnv, train
from agents.options.intra_option import IntraOptionQLearning
from agents.options.smdp import SMDPQLearning
from marl_envs import errands_v0, warehouse_v0
from marl_envs.core import jit
from marl_envs.core.params import ParameterError
from marl_envs.warehouse.layouts import GOAL, HOME, get_layout
from tests.agents.running import after

pytestmark = pytest.mark.skipif(not jit.ENABLED, reason="plays for too many steps for plain Python")

FLOOR = "6x7"
AHEAD = ((-1, 0), (1, 0), (0, -1), (0, 1))  # north, south, west, east
TURNS = ((2, 3), (3, 2), (1, 0), (0, 1))  # headings after a turn to the left and to the right


def floor(num_envs=4, **parameters):
    return warehouse_v0.vector_env(num_envs=num_envs, **{"layout": FLOOR, "max_cycles": 200, **parameters})


def made(num_envs=4, patience=20, worker=None, **parameters):
    vec = floor(num_envs, **parameters)
    return OptionsEnv(vec, ShelfOptions(vec, worker=worker), patience=patience)


def shortest(start, heading, targets, laden):
    """Steps, turns included, of the shortest way, by a plain search; loaded robots keep to highways and the target."""
    plan = get_layout(FLOOR)
    homes = set(plan.cells(HOME))
    queue, seen = deque([((start, heading), 0)]), {(start, heading)}
    while queue:
        (cell, facing), steps = queue.popleft()
        if cell in targets:
            return steps
        there = (cell[0] + AHEAD[facing][0], cell[1] + AHEAD[facing][1])
        after_moves = [(cell, turned) for turned in TURNS[facing]]
        inside = 0 <= there[0] < plan.height and 0 <= there[1] < plan.width
        if inside and not (laden and there in homes and there not in targets):
            after_moves.append((there, facing))
        for place in after_moves:
            if place not in seen:
                seen.add(place)
                queue.append((place, steps + 1))
    raise AssertionError("no way")


def steps_wanted(env, o):
    """Steps until option `o` of the only robot of environment 0 has reached what it is for."""
    state, settings = env.env.arrays, env.env.simulation.settings

    def place(cell):
        return int(settings.row[cell]), int(settings.col[cell])

    laden = bool(state.load[0, 0] >= 0)
    if env.option_names[o] == "deliver":
        targets = set(get_layout(FLOOR).cells(GOAL))
    else:
        targets = {place(env.now.about[0, 0, o])}
    ways = shortest(place(state.pos[0, 0]), int(state.heading[0, 0]), targets, laden)
    return ways if env.option_names[o] == "deliver" else ways + 1  # loading and putting down take a step


def follow(env, options):
    """Follow each of these options to its end where it may be started; return what it took and what it should."""
    taken = []
    env.reset(seed=3)
    for wanted in options:
        allowed = np.flatnonzero(env.action_mask[0, 0])
        o = int(allowed[wanted % len(allowed)])
        goal, steps = steps_wanted(env, o), 0
        while True:
            *_, info = env.step(np.full((1, 1), o))
            steps += 1
            if info["option_over"][0, 0]:
                break
        assert info["option_reached"][0, 0]
        taken.append((env.option_names[o].split()[0], steps, goal))
    return taken


def test_the_planners_ways_are_shortest():
    """A robot alone: fetching, delivering and putting back take the steps that a plain search finds."""
    env = made(1, num_robots=1, request_queue_size=3, max_cycles=100_000)
    taken = follow(env, np.random.default_rng(0).integers(0, 6, 150).tolist())
    assert {name for name, _, _ in taken} == {"fetch", "deliver", "put"}
    assert all(steps == goal for _, steps, goal in taken)


def test_learned_ways_are_shortest():
    parameters = {"num_robots": 1, "request_queue_size": 3}
    workshop = WorkerEnv(made(32, **parameters))
    rates = {"alpha": Linear(0.3, 0.005), "exploration": EpsilonGreedy(0.3)}
    worker = IndependentQLearning(workshop, gamma=0.9, seed=0, **rates)
    train(worker, workshop, 300_000, seed=0, progress=False)
    env = made(1, worker=worker.q, max_cycles=100_000, **parameters)
    taken = follow(env, np.random.default_rng(0).integers(0, 6, 100).tolist())
    assert all(steps == goal for _, steps, goal in taken)


def about(state, settings, e, a, requests, robots):
    """What each option is about, straight from the description."""
    load, found = int(state.load[e, a]), []
    carried = {int(shelf) for shelf in state.load[e] if shelf >= 0}
    for shelf in state.queue[e].tolist():
        found.append(0 if load >= 0 or shelf in carried else int(state.shelf_pos[e, shelf]))
    due = load >= 0 and bool(state.requested[e, load]) and not state.has_delivered[e, a]
    found.append(int(due))
    found += [int(state.gap[e, i]) if load >= 0 and not due else 0 for i in range(robots)]
    return [*found, int(not any(found))]


@pytest.mark.parametrize("robots", [2, 4])
def test_options_are_about_what_they_say_and_end_when_that_is_gone(robots):
    """Random managers: targets, masks, ends and successes against plain Python, in every step."""
    env = made(3, patience=8, num_robots=robots, max_cycles=120)
    state, settings, draw = env.env.arrays, env.env.simulation.settings, np.random.default_rng(1)
    env.reset(seed=0)
    seen, best, stalled = set(), {}, {}
    for _ in range(500):
        before, far, loads = env.now.about.copy(), env.now.left.copy(), state.load.copy()
        running = env.following.option >= 0
        mask = env.action_mask
        assert (mask.sum(axis=-1)[running] == 1).all()
        np.testing.assert_array_equal(mask[~running], before[~running] != 0)
        choice = np.array([[draw.choice(np.flatnonzero(row)) for row in rows] for rows in mask])
        *_, info = env.step(choice)
        np.testing.assert_array_equal(info["option"], choice)
        for e in np.flatnonzero(~info["ended"]):
            for a in range(robots):
                now = about(state, settings, e, a, robots, robots)
                np.testing.assert_array_equal(env.now.about[e, a], now)
                o, over, reached = choice[e, a], info["option_over"][e, a], info["option_reached"][e, a]
                kind = env.option_kinds[o]
                gone = now[o] != before[e, a, o] or kind == 3
                if not running[e, a]:
                    best[e, a], stalled[e, a] = far[e, a, o], 0
                stalled[e, a] = 0 if env.now.left[e, a, o] < best[e, a] else stalled[e, a] + 1
                best[e, a] = min(best[e, a], env.now.left[e, a, o])
                assert over == (gone or stalled[e, a] >= 8)
                if kind == 0:
                    assert reached == (loads[e, a] < 0 and state.load[e, a] >= 0 and state.pos[e, a] == before[e, a, o])
                elif kind == 1:
                    assert reached == (info["reward_terms"][e, a, 0] > 0)
                elif kind == 2:
                    assert reached == (state.load[e, a] < 0)
                seen.add((int(kind), bool(over), bool(reached), bool(over and not gone)))
    assert {(0, True, True, False), (0, True, False, False), (1, True, True, False), (2, True, True, False)} <= seen
    assert any(stalled for *_, stalled in seen)


def test_an_option_that_stalls_is_over_after_so_many_steps():
    """A worker that never moves: each option lasts `patience` steps, and what may be chosen next shows it."""
    idle = np.zeros((1, 6208, 5), np.float32)
    idle[..., 0] = 1.0
    env = made(1, patience=5, worker=idle, num_robots=1, request_queue_size=2)
    obs, _ = env.reset(seed=0)
    for step in range(1, 16):
        allowed = np.flatnonzero(env.action_mask[0, 0])
        assert len(allowed) == (2 if step % 5 == 1 else 1)
        obs, *_, info = env.step(np.full((1, 1), allowed[0]))
        assert info["option_over"][0, 0] == (step % 5 == 0)
        assert not info["option_reached"][0, 0]
        assert (obs[0, 0, :2] % 2 == (step >= 5)).all()


def test_who_follows_an_option_goes_on_with_it_and_what_may_not_be_started_is_not():
    env = made(1, num_robots=1, request_queue_size=2)
    env.reset(seed=0)
    env.step(np.full((1, 1), 1))
    *_, info = env.step(np.full((1, 1), 0))
    assert info["option"][0, 0] == 1
    env.reset(seed=0)
    *_, info = env.step(np.full((1, 1), 2))  # nothing on board to deliver
    assert env.option_names[info["option"][0, 0]] == "wait"
    with pytest.raises(ValueError, match=r"action 5 of robot_0 in environment 0 is not in 0\.\.4"):
        env.step(np.full((1, 1), 5))


@pytest.mark.parametrize("cls", [SMDPQLearning, IntraOptionQLearning])
def test_managers_resume_and_load_with_the_same_bits(cls, tmp_path):
    def run(**options):
        vec = made(6, max_cycles=60)
        learner = cls(vec, alpha=0.2, gamma=0.95, exploration=EpsilonGreedy(0.3), seed=3)
        plan = {"eval_every": 1200, "eval_episodes": 6, "progress": False}
        return learner, train(learner, vec, 3600, seed=5, **plan, **options)

    (whole, history), path = run(), tmp_path / "manager.npz"
    run(checkpoint=path, stop=after(133))
    resumed, again = run(checkpoint=path, resume=True)
    assert whole.q.any()
    assert again == history
    for name, array in {**whole.knowledge(), **whole.course()}.items():
        np.testing.assert_array_equal(array, {**resumed.knowledge(), **resumed.course()}[name], err_msg=name)
    loaded = cls.load(path, made(2, max_cycles=60))
    np.testing.assert_array_equal(loaded.q, whole.q)
    with pytest.raises(ValueError, match=r"options\.patience is 20 there, 9 here"):
        cls.load(path, made(6, patience=9, max_cycles=60))


def test_a_worker_resumes_with_the_same_bits(tmp_path):
    def run(**options):
        vec = WorkerEnv(made(6, max_cycles=60))
        learner = IndependentQLearning(vec, alpha=0.2, seed=3)
        train(learner, vec, 2400, seed=5, progress=False, **options)
        return learner

    whole, path = run(), tmp_path / "worker.npz"
    run(checkpoint=path, stop=after(77))
    assert whole.q.any()
    np.testing.assert_array_equal(run(checkpoint=path, resume=True).q, whole.q)


def test_managers_learn_that_near_is_better_than_far():
    vec = made(32, num_robots=2, request_queue_size=4)
    learner = SMDPQLearning(vec, alpha=0.1, gamma=0.95, exploration=EpsilonGreedy(0.3), seed=0)
    train(learner, vec, 60_000, seed=0, progress=False)
    fetch = learner.q[0].reshape(32, 3, 2, 4)[:, 0, 0, 0]
    assert fetch[:4].min() > fetch[8:16].max() > 0.0


def test_what_does_not_fit_is_refused():
    vec = floor()
    options = ShelfOptions(vec)
    for build, message in (
        (lambda: ShelfOptions(errands_v0.vector_env()), "these options are for warehouse_v0, not for errands"),
        (lambda: ShelfOptions(floor(battery=200)), "need battery=None"),
        (lambda: ShelfOptions(floor(message_bits=1)), "need battery=None, message_bits=0"),
        (lambda: ShelfOptions(vec, sidestep=1.5), "sidestep must be a number from 0"),
        (lambda: ShelfOptions(vec, worker=np.zeros((1, 6, 5), np.float32)), r"worker must be float32 \(1, 6208, 5\)"),
        (lambda: OptionsEnv(floor(num_robots=3), options), "for 2 requests and 2 robots, not for 3 and 3"),
        (lambda: OptionsEnv(vec, options, patience=0), "patience must be an integer from 1"),
        (lambda: OptionsEnv(vec, options, observation="rows"), "observation must be one of 'options', 'environment'"),
        (lambda: OptionsEnv(made(), options), "options need a VectorEnv, not OptionsEnv"),
        (lambda: SMDPQLearning(vec), "options must be given"),
        (lambda: SMDPQLearning(OptionsEnv(vec, options, observation="environment")), 'observation="options"'),
        (lambda: IndependentQLearning(made()), "a table needs Discrete observations"),
    ):
        with pytest.raises(ParameterError, match=message):
            build()
    env = made()
    taken = (env.reset(seed=0), env.get_state())[1]
    with pytest.raises(ValueError, match="with other options"):
        made(patience=3).set_state(taken)


def test_the_environments_own_observations_can_be_shown_to_a_manager():
    """A network may want to see the floor; the choices and their masks are the same."""
    vec = floor(observation="goal")
    env = OptionsEnv(vec, ShelfOptions(vec), observation="environment")
    obs, info = env.reset(seed=0)
    assert env.observation_space == vec.observation_space
    for _ in range(250):
        chosen = info["action_mask"].argmax(axis=-1)
        obs, *_, info = env.step(chosen)
        assert obs.shape == (4, 2, 119)
        np.testing.assert_array_equal(obs, env.env.out.obs)
