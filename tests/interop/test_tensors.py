"""A batch as PyTorch tensors: the same numbers, in the same memory."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import cloudpickle  # noqa: E402

import marl_envs  # noqa: E402
from marl_envs.core.pack import block_of  # noqa: E402
from marl_envs.interop.tensors import Mirror, TorchVectorEnv, views  # noqa: E402

FLOOR = "marl_envs/warehouse-tiny-2ag-v0"
TABLE = "marl_envs/warehouse-5x5-2ag-tabular-v0"


def pair(id: str = FLOOR, **parameters):
    """Return a batch as tensors, and its twin as arrays, both reset."""
    env = marl_envs.make_vec(id, 5, max_cycles=7, **parameters).as_torch()
    twin = marl_envs.make_vec(id, 5, max_cycles=7, **{**parameters, "copy": False})
    obs, info = env.reset(seed=3)
    expected, twin_info = twin.reset(seed=3)
    same(obs, expected)
    same(info["action_mask"], twin_info["action_mask"])
    return env, twin


def same(tensor, array) -> None:
    assert torch.is_tensor(tensor)
    assert tensor.dtype == torch.from_numpy(array).dtype
    np.testing.assert_array_equal(tensor.numpy(), array)


def actions(steps: int = 30):
    return torch.randint(0, 5, (steps, 5, 2), generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("id", [FLOOR, TABLE])
@pytest.mark.parametrize("copy", [False, True])
def test_the_same_numbers(id: str, copy: bool):
    env, twin = pair(id, copy=copy)
    for chosen in actions():
        *tensors, info = env.step(chosen)
        *arrays, twin_info = twin.step(chosen.numpy())
        for tensor, array in zip(tensors, arrays, strict=True):
            same(tensor, array)
        assert set(info) == set(twin_info)
        ended = twin_info["ended"]
        for key in ("alive", "ended", "reward_terms", "action_mask", "_metrics", "_final_obs"):
            same(info[key], twin_info[key])
        for key in ("final_obs", "final_action_mask"):
            np.testing.assert_array_equal(info[key].numpy()[ended], twin_info[key][ended])
        for name, column in twin_info["metrics"].items():
            np.testing.assert_array_equal(info["metrics"][name][ended], column[ended])


def test_nothing_is_copied():
    env, _ = pair()
    obs, reward, terminated, truncated, info = env.step(actions()[0])
    out = env.vec.out
    for tensor, array in (
        (obs, out.obs),
        (reward, out.reward),
        (terminated, out.terminated),
        (truncated, out.truncated),
        (info["action_mask"], out.mask),
    ):
        assert tensor.data_ptr() == array.ctypes.data
    out.obs[1, 1, 0] = 77
    assert obs[1, 1, 0] == 77


def test_results_stay_valid_for_one_more_step():
    env, _ = pair()
    obs = env.step(actions()[0])[0]
    before = obs.clone()
    env.step(actions()[1])
    assert torch.equal(obs, before)
    env.step(actions()[2])
    assert not torch.equal(obs, before)


def test_copies_stay_valid_for_good():
    env, _ = pair(copy=True)
    kept = [env.step(chosen)[0] for chosen in actions()]
    copies = [tensor.clone() for tensor in kept]
    for chosen in actions():
        env.step(chosen)
    assert all(torch.equal(a, b) for a, b in zip(kept, copies, strict=True))


def test_a_mirror_follows_in_one_copy():
    """What goes to another device; here that is other memory of the same one."""
    env, _ = pair()
    mirror = Mirror(env.vec.out, "cpu")
    stale = 0
    for chosen in actions():
        env.step(chosen)
        out = env.vec.out
        tensors = mirror.follow(out)
        assert tensors is mirror.tensors
        assert tensors.obs.data_ptr() != out.obs.ctypes.data
        for field in ("obs", "reward", "terms", "mask", "terminated", "truncated", "alive", "ended"):
            same(getattr(tensors, field), getattr(out, field))
        if out.ended.any():
            same(tensors.final_obs, out.final_obs)
            same(tensors.metrics, out.metrics)
            out.final_obs[:] = -5
        else:
            stale += int(not (tensors.final_obs == -5).any())
    assert stale > 10  # no step without an end copied what is only of ends


def test_the_block_holds_every_array():
    env, _ = pair()
    out = env.vec.out
    block = torch.from_numpy(block_of(out).copy())
    for tensor, array in zip(views(block, out), out, strict=True):
        same(tensor, array)
    assert block_of(out).ctypes.data % 64 == 0
    assert block_of(out).nbytes < sum(array.nbytes for array in out) + 64 * len(out)


def test_a_copy_from_another_process_works_the_same():
    env, twin = pair()
    for chosen in actions(4):
        env.step(chosen)
        twin.step(chosen.numpy())
    again = TorchVectorEnv(cloudpickle.loads(cloudpickle.dumps(env.vec)))
    for chosen in actions():
        same(again.step(chosen)[0], twin.step(chosen.numpy())[0])


def test_actions_may_be_of_any_integer_type_and_need_a_gradient_no_more():
    env, twin = pair()
    same(env.step(actions()[0].int())[0], twin.step(actions()[0].numpy())[0])
    with pytest.raises(TypeError, match="integers"):
        env.step(torch.zeros(5, 2, requires_grad=True))


def test_arrays_travel_by_dlpack():
    _, twin = pair()
    obs, reward, terminated, *_ = twin.step(actions()[0].numpy())
    for array in (obs, reward, terminated):
        tensor = torch.from_dlpack(array)
        assert tensor.data_ptr() == array.ctypes.data
        same(tensor, array)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_another_device():
    env = marl_envs.make_vec(FLOOR, 5, max_cycles=7).as_torch("cuda")
    twin = marl_envs.make_vec(FLOOR, 5, max_cycles=7)
    obs, _ = env.reset(seed=3)
    same(obs.cpu(), twin.reset(seed=3)[0])
    for chosen in actions():
        obs, reward, *_, info = env.step(chosen.cuda())
        expected, paid, *_, twin_info = twin.step(chosen.numpy())
        assert obs.is_cuda
        same(obs.cpu(), expected)
        same(reward.cpu(), paid)
        ended = twin_info["ended"]
        np.testing.assert_array_equal(info["final_obs"].cpu().numpy()[ended], twin_info["final_obs"][ended])
