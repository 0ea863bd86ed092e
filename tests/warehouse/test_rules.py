"""Each rule on a tiny drawn board (arrange.py says how to read the boards)."""

import numpy as np
import pytest

from marl_envs import warehouse_v0
from marl_envs.warehouse.planner import GreedyPolicy
from tests.warehouse.arrange import Robot, arrange, build, cell_at, draw, play, same, stream_for
from tests.warehouse.consistency import check_state


def after(drawing: str, moves: str) -> str:
    vec = build(drawing)
    play(vec, moves)
    return draw(vec)


def draw_next(vec, *shelves: int) -> None:
    """Choose the shelves that are drawn next."""
    vec.arrays.rng[0] = stream_for(shelves, vec.arrays.shelf_pos.shape[1])


BELOW = "\n . . . .\n x g x ."


@pytest.mark.parametrize(
    ("before", "move", "then"),
    [
        ("^. . . .", "L", "<. . . ."),
        ("<. . . .", "L", "v. . . ."),
        ("v. . . .", "L", ">. . . ."),
        (">. . . .", "L", "^. . . ."),
        ("^. . . .", "R", ">. . . ."),
        (">. . . .", "R", "v. . . ."),
        ("v. . . .", "R", "<. . . ."),
        ("<. . . .", "R", "^. . . ."),
        (">. . . .", "F", ". >. . ."),
        (". <. . .", "F", "<. . . ."),
        ("^. . . .", "F", "^. . . ."),  # the border
        ("<. . . .", "F", "<. . . ."),
        (". . . >.", "F", ". . . >."),
        (">. . . .", "-", ">. . . ."),
        (">. . . .", "T", ">. . . ."),
    ],
)
def test_turning_driving_and_the_border(before, move, then):
    assert after(before + BELOW, move) == same(then + BELOW)


def test_driving_up_and_down():
    assert after("v. . \n . . \n g x \n . x", "F") == same(". . \n v. . \n g x \n . x")
    assert after(". . \n ^. . \n g x \n . x", "F") == same("^. . \n . . \n g x \n . x")
    assert after(". . \n . . \n g x \n v. x", "F") == same(". . \n . . \n g x \n v. x")


@pytest.mark.parametrize(
    ("before", "moves", "then"),
    [
        ("x >x x .", "F", "x x >x ."),  # empty-handed: passes under shelves
        ("x >x x .", "T", "x >o_ x ."),  # any shelf can be loaded
        ("x >X x .", "T", "x >O_ x ."),
        ("x >o_ x .", "T", "x >x x ."),
        ("x >O_ x .", "T", "x >X x ."),
        ("_ x x >o.", "T", "_ x x >o."),  # put down at homes only
        ("x >o_ x .", "F", "x >o_ x ."),  # loaded: a standing shelf is in the way
        ("x >o_ _ >o.", "F-", "x _ >o_ >o."),  # an empty home is not
        ("x >o. _ .", "F", "x . >o_ ."),
        ("x _ >x <o.", "-F", "x _ >x <o."),  # a robot under a standing shelf makes no difference
        ("x _ <x <o.", "FF", "x <_ x <o."),
        ("x >_ x .", "T", "x >_ x ."),  # nothing to load
    ],
)
def test_loading_and_shelves(before, moves, then):
    floor = "\n . . g >o." if before == "x >_ x ." else "\n . . g ."
    before, moves = before + floor, moves + "-" * floor.count(">")
    assert after(before, moves) == same(then + floor)


def test_a_robot_may_put_its_shelf_into_the_home_noted_for_another():
    vec = build("_ <o_ <o. . \n . . g x")
    assert vec.arrays.gap[0].tolist() == [cell_at(vec, 0, 0), cell_at(vec, 0, 1)]
    play(vec, "T-")
    assert draw(vec) == same("_ <x <o. . \n . . g x")
    assert vec.arrays.gap[0].tolist() == [0, cell_at(vec, 0, 0)]
    check_state(vec)


def test_nothing_is_put_down_on_a_goal():
    assert after("_ x x \n . >og .", "T") == same("_ x x \n . >og .")


@pytest.mark.parametrize(
    ("moves", "then"),
    [
        ("FF", "_ _ x \n . >o. >o. \n . g ."),
        ("F-", "_ _ x \n >o. >o. . \n . g ."),
        ("FL", "_ _ x \n >o. ^o. . \n . g ."),
    ],
)
def test_a_loaded_robot_may_follow_a_loaded_one(moves, then):
    assert after("_ _ x \n >o. >o. . \n . g .", moves) == same(then)


@pytest.mark.parametrize(
    ("before", "moves", "kind"),
    [
        ("x >o_ x . \n . . g .", "F", "shelf"),
        ("x _ <x <o. \n . . g .", "FF", "shelf"),
        ("_ _ x \n >o. >o. . \n . g .", "F-", "blocked"),
        # What the robot ahead carries at the start of the step counts, not what it loads or puts down meanwhile.
        ("_ <x <o. \n x g .", "TF", "shelf"),
        ("_ <o_ <o. \n x g .", "TF", "blocked"),
        ("x x . \n >. <. g", "FF", "swap"),
        ("x x . . \n >. . <. g", "FF", "vertex"),
        ("x x . \n . g >.", "F", "wall"),
        ("x x . \n . g >.", "T", None),
    ],
)
def test_refused_moves_are_told_apart(before, moves, kind):
    vec = build(before)
    play(vec, moves)
    metrics = {
        name: int(vec.metrics()[f"refused_{name}"][0]) for name in ("vertex", "swap", "blocked", "shelf", "wall")
    }
    assert {name for name, number in metrics.items() if number} == ({kind} if kind else set())
    assert vec.metrics()["masked_actions"][0] == (kind in ("shelf", "wall", None))


def test_a_delivery_pays_once_and_another_shelf_takes_its_place():
    vec = build("_ x x \n . . . \n >O. g .")
    draw_next(vec, 1)
    _, reward, terminated, _, info = play(vec, "F")
    assert reward.tolist() == [[1.0]]
    assert info["reward_terms"][0].tolist() == [[1.0, 0.0, 0.0]]
    assert draw(vec) == same("_ x X \n . . . \n . >og .")
    assert vec.arrays.queue[0].tolist() == [1]
    assert not terminated.any()
    for _ in range(10):
        assert play(vec, "-")[1].tolist() == [[0.0]]


def test_only_requested_shelves_are_paid_and_only_on_goals():
    vec = build("_ x X \n >o. g .")
    assert play(vec, "F")[1].tolist() == [[0.0]]
    vec = build("_ x x \n >O. . g")
    assert play(vec, "F")[1].tolist() == [[0.0]]


def test_the_place_in_the_queue_goes_to_a_shelf_that_is_not_in_it():
    vec = build("X _ x X x \n . >O. g . .")
    assert vec.arrays.queue[0].tolist() == [0, 2, 4]
    draw_next(vec, 2, 4, 0, 3)  # two that are requested still, the delivered one, and one that is free
    play(vec, "F")
    assert vec.arrays.queue[0].tolist() == [0, 2, 3]
    assert draw(vec) == same("X _ x X X \n . . >og . .")


def parked(**parameters):
    """Robot 0 on the left goal has delivered its shelf (2); robot 1's delivery on the right one requests it again."""
    vec = build("_ x x _ \n >O. g g <O.", **parameters)
    draw_next(vec, 0)
    assert play(vec, "F-")[1].tolist() == [[1.0, 0.0]]
    draw_next(vec, 2)
    assert play(vec, "-F")[1].tolist() == [[0.0, 1.0]]
    assert draw(vec) == same("_ X x _ \n . >Og <og .")
    return vec


def test_a_robot_parked_on_a_goal_is_paid_again_only_as_in_rware():
    vec = parked(rware_compat=True)
    draw_next(vec, 1)
    assert play(vec, "--")[1].tolist() == [[1.0, 0.0]]
    assert draw(vec) == same("_ X X _ \n . >og <og .")
    vec = parked()
    for _ in range(10):
        assert play(vec, "--")[1].tolist() == [[0.0, 0.0]]
    assert draw(vec) == same("_ X x _ \n . >Og <og .")


def test_goals_count_in_order_so_a_shelf_drawn_at_the_first_is_paid_at_the_second():
    vec = parked(rware_compat=True)
    draw_next(vec, 3, 1)
    assert play(vec, "--")[1].tolist() == [[1.0, 1.0]]
    assert draw(vec) == same("_ X X _ \n . >og <og .")


def test_a_shelf_that_was_put_back_can_be_delivered_again():
    vec = build("_ x \n >O. g")  # two shelves: each delivery requests the other one
    policy = GreedyPolicy()
    rewards = [vec.step(policy.act(vec, None))[1][0, 0] for _ in range(60)]
    assert sum(rewards) >= 4


def test_two_stages_pay_half_at_the_goal_and_half_at_the_home():
    vec = build("x >O_ g \n . x .", reward="two_stage")
    _, reward, _, _, info = play(vec, "F")
    assert (reward.tolist(), info["reward_terms"][0, 0].tolist()) == ([[0.5]], [0.5, 0.0, 0.0])
    paid = [float(play(vec, move)[1][0, 0]) for move in "LLFTTT"]
    assert paid == [0, 0, 0, 0.5, 0, 0]  # loading it and putting it down once more pays nothing
    vec = build("x >O_ g \n . x .", reward="two_stage")
    assert [float(play(vec, move)[1][0, 0]) for move in "TTT"] == [0, 0, 0]


def test_a_team_shares_the_sum_and_its_terms_say_whose_it_is():
    vec = build("_ x x _ \n >O. g g <O. \n . ^. . .", reward="team")
    _, reward, _, _, info = play(vec, "FF-")
    assert reward.tolist() == [[2.0, 2.0, 2.0]]
    assert info["reward_terms"][0, :, 0].tolist() == [1.0, 1.0, 0.0]
    assert play(vec, "--R")[1].tolist() == [[0.0, 0.0, 0.0]]
    assert vec.metrics()["return"][0] == 6.0


def test_messages_are_seen_in_the_next_observation_and_last_one_step():
    vec = build(">. . <. . \n x x g .", message_bits=2, sensor_range=2)
    obs, *_ = vec.step(np.array([[0 + 5 * 1, 0 + 5 * 2]]))
    cells = obs[0, :, 8:].reshape(2, 25, 9)  # [robot, heading (4), bits (2), shelf, requested]
    assert cells[0, 12, 5:7].tolist() == [1, 0]  # its own
    assert cells[0, 14, 5:7].tolist() == [0, 1]  # two to the right
    assert cells[1, 10, 5:7].tolist() == [1, 0]
    assert cells[0, 13, 5:7].tolist() == [0, 0]
    obs, *_ = vec.step(np.array([[2 + 5 * 3, 0]]))
    cells = obs[0, :, 8:].reshape(2, 25, 9)
    assert cells[1, 10].tolist() == [1, 1, 0, 0, 0, 1, 1, 0, 0]
    assert cells[0, 14].tolist() == [1, 0, 0, 1, 0, 0, 0, 0, 0]


def test_time_truncates_and_never_terminates():
    vec = warehouse_v0.vector_env(3, layout="5x5", max_cycles=4)
    vec.reset(seed=1)
    for step in range(1, 9):
        _, _, terminated, truncated, info = vec.step(np.zeros((3, 2), int))
        assert (truncated == (step % 4 == 0)).all()
        assert (info["ended"] == (step % 4 == 0)).all()
        assert not terminated.any()
        assert vec.arrays.step.tolist() == [step % 4] * 3


def test_inactivity_truncates_and_a_delivery_starts_the_count_again():
    vec = build("_ x x \n . . . \n >O. g .", max_inactivity=3)
    draw_next(vec, 0)
    ended = [bool(play(vec, move)[4]["ended"][0]) for move in "--F--"]
    assert ended == [False] * 5
    _, _, terminated, truncated, info = play(vec, "-")
    assert truncated.all()
    assert info["metrics"]["episode_length"][0] == 6
    assert not terminated.any()


def test_a_new_episode_is_drawn_evenly():
    vec = warehouse_v0.vector_env(6000, layout="5x5", num_robots=3, request_queue_size=2)
    vec.reset(seed=3)
    state, settings = vec.arrays, vec.simulation.settings
    assert (state.shelf_pos == settings.homes).all()
    assert (state.load == -1).all()
    for drawn, values in ((state.pos, settings.inside), (state.heading, range(4)), (state.queue, range(4))):
        counts = np.array([(drawn == value).sum() for value in values])
        expected = drawn.size / len(counts)
        assert counts.sum() == drawn.size
        assert ((counts - expected) ** 2 / expected).sum() < 3 * len(counts)  # chi-square: p < 1e-4
    assert all(len(set(row)) == 3 for row in state.pos.tolist())
    assert all(len(set(row)) == 2 for row in state.queue.tolist())


def test_one_robot_without_requests():
    vec = build(">. . \n x x \n g .")
    assert vec.params.queue_size == 0
    for move in "FRFLT":
        assert play(vec, move)[1].tolist() == [[0.0]]


def test_environments_of_a_batch_do_not_meet():
    vec = warehouse_v0.vector_env(2, layout="..\nxx\n.g", num_robots=1, request_queue_size=1)
    vec.reset(seed=0)
    for env, heading in ((0, 3), (1, 1)):
        arrange(vec, [Robot(0, 0, heading)], [(1, 0), (1, 1)], [0], env)
    vec.step(np.array([[1], [1]]))
    assert draw(vec, 0) == same(". >. \n X x \n . g")
    assert draw(vec, 1) == same(". . \n vX x \n . g")
