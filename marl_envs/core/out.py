"""What a step gives out: the arrays that every family's kernels fill."""

from __future__ import annotations

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Out(NamedTuple):
    """Results of one step. E environments, A agents, D observation length, N actions, T reward terms, M metrics.

    K integers of an agent are in the infos besides; G numbers are the global state. Vector observations are in `obs`,
    integer ones in `label`; the other one has no columns.
    """

    obs: Annotated[NDArray[np.float32], "E A D"]
    label: Annotated[NDArray[np.int32], "E B"]  # B = A times the integers of an observation (0: it has none)
    reward: Annotated[NDArray[np.float32], "E A"]
    terms: Annotated[NDArray[np.float32], "E A T"]  # weighted reward terms of the agent itself
    mask: Annotated[NDArray[np.int8], "E A N"]  # 1: allowed
    terminated: Annotated[NDArray[np.bool_], "E A"]
    truncated: Annotated[NDArray[np.bool_], "E A"]
    alive: Annotated[NDArray[np.bool_], "E A"]
    notes: Annotated[NDArray[np.int32], "E A K"]  # what the infos say of an agent besides; see Family.notes
    ended: Annotated[NDArray[np.bool_], "E"]  # the episode ended in this step
    # From here on, what is only written in a step that ends an episode (see FINAL)
    final_obs: Annotated[NDArray[np.float32], "E A D"]  # last observation of the episode that ended in this step
    final_label: Annotated[NDArray[np.int32], "E B"]
    final_mask: Annotated[NDArray[np.int8], "E A N"]  # that went with the last observation of the episode that ended
    metrics: Annotated[NDArray[np.float64], "E M"]  # of the episode that ended
    global_state: Annotated[NDArray[np.float32], "E G"]  # where it was asked for; zero before


FINAL = "final_obs"  # the first of the arrays that concern ended episodes alone
