"""A batch as PyTorch tensors: views of its own arrays, or one copy a step to a device."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from marl_envs.core.out import FINAL, Out
from marl_envs.core.pack import block_of

if TYPE_CHECKING:
    import torch

    from marl_envs.core.vector import VectorEnv


def views(block: torch.Tensor, out: Out) -> Out:
    """Return tensors that lie in `block` (bytes) as the arrays of `out` lie in their own block."""
    import torch

    start = block_of(out).ctypes.data
    tensors = []
    for array in out:
        dtype = torch.from_numpy(np.zeros(0, array.dtype)).dtype
        first = array.ctypes.data - start if array.size else 0
        tensors.append(block[first : first + array.nbytes].view(dtype).view(array.shape))
    return Out(*tensors)


class Mirror:
    """The result arrays of a batch on another device."""

    def __init__(self, out: Out, device: Any) -> None:
        """Make room on `device`."""
        import torch

        self._block = torch.empty(block_of(out).shape, dtype=torch.uint8, device=device)
        self.tensors = views(self._block, out)

    def follow(self, out: Out) -> Out:
        """Copy `out` over, without what concerns ended episodes if there are none; return the tensors."""
        import torch

        block = block_of(out)
        length = len(block) if out.ended.any() else getattr(out, FINAL).ctypes.data - block.ctypes.data
        self._block[:length].copy_(torch.from_numpy(block[:length]))
        return self.tensors


class TorchVectorEnv:
    """`reset` and `step` of a VectorEnv with tensors instead of arrays; same shapes, dtypes and meaning.

    On the CPU nothing is copied: tensors show the batch's memory and, like its arrays, stay valid until the step after
    the next (a batch made with `copy=True` gives fresh ones). To another device everything a step gives out goes in
    one copy, and stays valid until the next step. `info["metrics"]` stays NumPy arrays: it is for logs.
    """

    def __init__(self, vec: VectorEnv, device: str | torch.device | None = None, *, copy: bool = False) -> None:
        """Show `vec` as tensors.

        Args:
            vec: the batch.
            device: where tensors are wanted; None: where the arrays are.
            copy: return fresh tensors from every call.

        Raises:
            ImportError: PyTorch is not installed.
        """
        import torch

        self.vec = vec
        self.device = torch.device("cpu" if device is None else device)
        self.num_envs, self.num_agents = vec.num_envs, vec.num_agents
        self._copy = copy
        self._shown: dict[int, Out] = {}  # tensors over the batch's own arrays, by address of the buffer set
        self._mirror: Mirror | None = None

    def _tensors(self, out: Out) -> Out:
        """Return what the last step gave out, where it is wanted."""
        import torch

        if self.device.type != "cpu":
            if self._mirror is None or self._copy:
                self._mirror = Mirror(out, self.device)
            return self._mirror.follow(out)
        block = block_of(out)
        if self._copy:
            return views(torch.from_numpy(block.copy()), out)
        address = block.ctypes.data
        if address not in self._shown:
            self._shown[address] = views(torch.from_numpy(block), out)
        return self._shown[address]

    def _result(self, info: dict[str, Any]) -> tuple[Any, ...]:
        out = self._tensors(self.vec.out)
        seen = self.vec.simulation.seen
        infos = {name: getattr(out, name) for name in ("alive", "ended")} | {"reward_terms": out.terms}
        infos["final_obs"] = seen(out.final_label, out.final_obs)
        if "action_mask" in info:
            infos |= {"action_mask": out.mask, "final_action_mask": out.final_mask}
        infos |= {"metrics": info["metrics"], "_metrics": out.ended, "_final_obs": out.ended}
        return seen(out.label, out.obs), out.reward, out.terminated, out.truncated, infos

    def reset(self, *, seed: int | None = None) -> tuple[torch.Tensor, dict[str, Any]]:
        """Start an episode everywhere; return (obs [E, A, ...], info)."""
        _, info = self.vec.reset(seed=seed)
        obs, *_, infos = self._result(info)
        return obs, infos

    def step(self, actions: torch.Tensor) -> tuple[Any, ...]:
        """Advance by one step; `actions` are integers [E, A], on any device. Return as `VectorEnv.step`, in tensors."""
        *_, info = self.vec.step(actions.detach().cpu().numpy())
        return self._result(info)

    def close(self) -> None:
        """Stop the batch's threads."""
        self.vec.close()
