"""From parameters to a simulation: the tables of the floor, the spaces, and the kernels that the two faces call."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from marl_envs.core.family import Family, Simulation
from marl_envs.warehouse import batch, counting
from marl_envs.warehouse.battery import NUM_TALLIES, charge_frame
from marl_envs.warehouse.charging import no_batteries, with_batteries
from marl_envs.warehouse.equipped import floor_of
from marl_envs.warehouse.images import ASIDE, LAYER_BITS, ONWARD, code_of, image_space, sight_table
from marl_envs.warehouse.layouts import CHARGER, GOAL, HOME, Layout
from marl_envs.warehouse.metrics import METRICS
from marl_envs.warehouse.observe import GOAL_LENGTH, PUSH_STATES, ROBOT_STATE, SHELF_STATE, TABULAR_STATES
from marl_envs.warehouse.routes import with_routes
from marl_envs.warehouse.types import (
    DELIVERED,
    FLATTENED,
    GOAL_CELL,
    HIGHWAY,
    HOME_CELL,
    IMAGE,
    MOVED,
    NUM_COUNTERS,
    NUM_MOVES,
    OBSERVATIONS,
    OUTSIDE,
    REWARD_TERMS,
    TABULAR,
    TABULAR_PUSH,
    TOGGLED,
    TURNED,
    WAITED,
    Params,
    Settings,
    State,
)

LEFT_OF, RIGHT_OF = [2, 3, 1, 0], [3, 2, 0, 1]  # heading after a quarter turn, by heading
# (ahead, right) of the cells within Manhattan distance 2, nearest first, from ahead clockwise
NEAR_OFFSETS = (
    *((1, 0), (0, 1), (-1, 0), (0, -1)),
    *((2, 0), (1, 1), (0, 2), (-1, 1)),
    *((-2, 0), (-1, -1), (0, -2), (1, -1)),
)


def _floor_tables(floor: Layout, pad: int) -> dict[str, Any]:
    """Return the tables that describe the floor's cells."""
    stride = floor.width + 2 * pad
    cells = (floor.height + 2 * pad) * stride

    def cell(row: int, col: int) -> int:
        return (row + pad) * stride + col + pad

    kind, home_index = np.zeros(cells, np.uint8), np.full(cells, -1, np.int32)
    for char, value in ((HOME, HOME_CELL), (GOAL, GOAL_CELL), (".", HIGHWAY), (CHARGER, HIGHWAY)):
        kind[[cell(r, c) for r, c in floor.cells(char)]] = value
    homes = np.array([cell(r, c) for r, c in floor.cells(HOME)], np.uint32)
    home_index[homes] = np.arange(len(homes))
    near = [
        [a * (ONWARD[h][0] * stride + ONWARD[h][1]) + s * (ASIDE[h][0] * stride + ASIDE[h][1]) for a, s in NEAR_OFFSETS]
        for h in range(4)
    ]
    place = np.zeros((cells, 8), np.float32)
    place[:, 0], place[:, 1] = np.arange(cells) % stride - pad, np.arange(cells) // stride - pad
    place[:, 7] = kind != HOME_CELL
    return {
        "kind": kind,
        "place": place,
        "row": (np.arange(cells) // stride - pad).astype(np.int16),
        "col": (np.arange(cells) % stride - pad).astype(np.int16),
        "home_index": home_index,
        "inside": np.array([cell(r, c) for r in range(floor.height) for c in range(floor.width)], np.uint32),
        "homes": homes,
        "goals": np.array([cell(r, c) for r, c in floor.cells(GOAL)], np.uint32),
        "ahead": np.array([r * stride + c for r, c in ONWARD], np.int32),
        "turned": np.array([[0, 1, 2, 3], [0, 1, 2, 3], LEFT_OF, RIGHT_OF, [0, 1, 2, 3]], np.uint8),
        "outcome_of": np.array([WAITED, MOVED, TURNED, TURNED, TOGGLED], np.uint8),
        "left_of": np.array(LEFT_OF, np.uint8),
        "right_of": np.array(RIGHT_OF, np.uint8),
        "clock": np.array([0, 2, 3, 1], np.int16),
        "near": np.array(near, np.int32),
        "height": floor.height,
        "width": floor.width,
    }


def _glance_table(message_bits: int) -> NDArray[np.float32]:
    """Return what "flattened" shows of each look: [robot, heading one-hot (4), message bits, shelf, requested].

    A cell without a robot shows heading [1, 0, 0, 0], as in RWARE. Rows are padded to 8 numbers without messages.
    """
    looks = 3 * (1 + (4 << message_bits))
    table = np.zeros((looks, 7 + max(message_bits, 1)), np.float32)
    for look in range(looks):
        robot, shelf = divmod(look, 3)
        heading, message = divmod(max(robot - 1, 0), 1 << message_bits)
        table[look, 0] = robot > 0
        table[look, 1 + heading] = 1
        table[look, 5 : 5 + message_bits] = [(message >> bit) & 1 for bit in range(message_bits)]
        table[look, 5 + message_bits : 7 + message_bits] = shelf > 0, shelf == 2
    return table


def _code_table(layers: tuple[str, ...], message_bits: int) -> NDArray[np.int32]:
    """Return what "image" shows of a cell, by State.look * 4 + kind."""
    codes = []
    for look, kind in product(range(3 * (1 + (4 << message_bits))), range(4)):
        robot, shelf = divmod(look, 3)
        shown = {
            "shelves": shelf > 0,
            "requests": shelf == 2,
            "agents": robot > 0,
            "agent_direction": 1 + (robot - 1 >> message_bits) if robot else 0,
            "agent_load": 0,  # not part of the look: the kernel adds it
            "goals": kind == GOAL_CELL,
            "accessible": kind != OUTSIDE and not robot,
            "chargers": 0,  # the kernel adds it, too
        }
        codes.append(code_of(layers, shown))
    return np.array(codes, np.int32)


def _image_tables(params: Params, stride: int) -> dict[str, Any]:
    """Return what "image" looks things up in; without it empty tables."""
    if params.observation != "image":
        return {"sight": np.zeros((4, 0), np.int32), "codes": np.zeros(0, np.int32), "layers": 0, "load_code": 0}
    layers = params.image_layers
    return {
        "sight": sight_table(params.sensor_range, stride, params.image_rotated),
        "codes": _code_table(layers, params.message_bits),
        "layers": len(layers),
        "load_code": 1 << LAYER_BITS * layers.index("agent_load") if "agent_load" in layers else 0,
    }


def make_settings(params: Params) -> Settings:
    """Return the tables and numbers for these parameters."""
    pad = max(params.sensor_range, 2)
    tables = _floor_tables(floor_of(params), pad)
    stride, radius = tables["width"] + 2 * pad, range(-params.sensor_range, params.sensor_range + 1)
    two_stage = params.reward == "two_stage"
    settings = Settings(
        **tables,
        **_image_tables(params, stride),
        **no_batteries(),
        window=np.array([r * stride + c for r in radius for c in radius], np.int32),
        glance=_glance_table(params.message_bits),
        free_steps=np.zeros((0, 0), np.uint16),
        laden_steps=np.zeros((0, 0), np.uint16),
        goal_steps=np.zeros(0, np.uint16),
        nearest_goal=np.zeros(0, np.uint32),
        free_guide=np.zeros((0, 0), np.uint8),
        laden_guide=np.zeros((0, 0), np.uint8),
        goal_guide=np.zeros(0, np.uint8),
        observation=OBSERVATIONS.index(params.observation),
        message_bits=params.message_bits,
        mask=int(params.mask is not None),
        team=int(params.reward == "team"),
        guided=0,
        pay_again=int(params.rware_compat),
        autoreset=1,
        max_cycles=params.max_cycles,
        max_inactivity=2**31 - 1 if params.max_inactivity is None else params.max_inactivity,
        delivery_weight=0.5 if two_stage else 1.0,
        put_back_weight=0.5 if two_stage else 0.0,
        shaping_weight=params.shaping,
        shaping_gamma=params.shaping_gamma,
        longest=1.0,
    )
    settings = with_batteries(settings, params)
    needs_guidance = params.observation in ("goal", "tabular", "tabular_push") or params.shaping > 0
    return guided(settings) if needs_guidance else settings


def guided(settings: Settings) -> Settings:
    """Return settings under which every step assigns targets (for guidance observations, shaping and planners)."""
    return with_routes(settings)._replace(guided=1)


def observation_space(params: Params, settings: Settings) -> spaces.Space[Any]:
    """Return the space of one robot's observation, with true bounds."""
    if settings.observation == TABULAR:
        return spaces.Discrete(TABULAR_STATES + (TABULAR_STATES // 4 if settings.capacity else 0))  # CHARGE
    if settings.observation == TABULAR_PUSH:
        return spaces.Discrete(PUSH_STATES + (PUSH_STATES // 4 if settings.capacity else 0))
    if settings.observation == FLATTENED:
        cells = (2 * params.sensor_range + 1) ** 2
        high = np.ones(8 + (7 + params.message_bits) * cells + (settings.capacity > 0), np.float32)
        high[:2] = settings.width - 1, settings.height - 1
        return spaces.Box(np.zeros_like(high), high, dtype=np.float32)
    if settings.observation == IMAGE:
        return image_space(params.image_layers, settings.sight.shape[1])
    low = np.zeros(GOAL_LENGTH + 2 * (settings.capacity > 0), np.float32)
    low[9:11] = -1
    return spaces.Box(low, np.ones_like(low), dtype=np.float32)


def build(params: Params) -> Simulation:
    """Return the simulation of a warehouse."""
    settings = make_settings(params)
    robots, shelves = params.num_robots, len(settings.homes)
    space = observation_space(params, settings)
    batteries = robots if settings.capacity else 0
    state_length = 1 + ROBOT_STATE * robots + SHELF_STATE * shelves + batteries
    sizes = {"A": robots, "S": shelves, "Q": params.queue_size, "C": settings.kind.size, "K": NUM_COUNTERS}
    sizes["P"] = settings.sight.shape[1]
    sizes |= {"B": batteries, "H": len(settings.chargers), "Z": NUM_TALLIES if batteries else 0}
    sizes |= counting.sizes(params.max_cycles)
    sizes["M"] = max(params.queue_size, robots)
    return Simulation(
        family=FAMILY,
        params=params,
        agents=[f"robot_{a}" for a in range(robots)],
        observation_space=space,
        action_space=spaces.Discrete(NUM_MOVES << params.message_bits),
        state_space=spaces.Box(0.0, 1.0, (state_length,), np.float32),
        settings=settings,
        sizes=sizes,
    )


def frame(settings: Settings, state: State, e: int) -> dict[str, NDArray[Any]]:
    """Return what a picture of environment `e` needs.

    robots int32 [A, 4] (row, col, heading, carried shelf or -1), shelves int32 [S, 2] (row, col), requested bool [S],
    deliveries int32 [A], target int32 [A, 2] (row, col; -1 -1 if none), step int32 []; with batteries also charge
    int32 [A] in percent, rounded up (0: dead).
    """

    def place(cells: NDArray[np.uint32]) -> NDArray[np.int32]:
        return np.stack([settings.row[cells], settings.col[cells]], axis=-1).astype(np.int32)

    robots = np.column_stack([place(state.pos[e]), state.heading[e], state.load[e]]).astype(np.int32)
    target = np.where(state.target[e][:, None] > 0, place(state.target[e]), -1).astype(np.int32)
    return {
        "robots": robots,
        "shelves": place(state.shelf_pos[e]),
        "requested": state.requested[e].astype(np.bool_),
        "deliveries": state.tally[e, :, DELIVERED].copy(),
        "target": target,
        "step": np.array(state.step[e], np.int32),
        **charge_frame(settings, state, e),
    }


FAMILY = Family(
    name="warehouse_v0",
    params=Params,
    state=State,
    build=build,
    guided=guided,
    frame=frame,
    reward_terms=REWARD_TERMS,
    metrics=METRICS,
    scene="marl_envs.warehouse.render",
    play=batch.play_range,
)
