"""What is exported as ONNX plays the same in onnxruntime, without torch."""

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch (extra `deep`)")

from agents.deep import GRU, MLP, Attention, IndependentDQN, Traces, export  # noqa: E402
from tests.agents.corridor import Corridor  # noqa: E402
from tests.agents.running import run  # noqa: E402

BODIES = {"mlp": MLP((8,)), "gru": GRU(8), "attention": Attention(8, window=3, heads=2), "traces": Traces(8)}


def trained(body):
    learner = IndependentDQN(Corridor(), body=body, seed=1, batch=8, learn_after=40, replay=200)
    return run(learner, Corridor(), 200)[0]


@pytest.mark.parametrize("name", BODIES)
def test_onnxruntime_chooses_the_same_actions(name, tmp_path):
    for package in ("onnx", "onnxruntime"):
        pytest.importorskip(package, reason="needs onnx and onnxruntime (extra `onnx`)")
    import onnxruntime

    learner = trained(BODIES[name])
    export(learner, tmp_path / "a.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "a.onnx"), providers=["CPUExecutionProvider"])
    policy, vec = learner.greedy(), Corridor(num_envs=5)  # another number of environments
    policy.reset(0)
    (obs, info), rng = vec.reset(seed=0), np.random.default_rng(0)
    size = learner.team.memory_size
    memory = np.zeros((5, 2, size), np.float32)
    seen = set()
    for _ in range(30):
        policy.see(info.get("ended", np.zeros(5, bool)), info["alive"])
        mask = (rng.random((5, 2, 3)) < 0.5).astype(np.int8)
        mask[..., 0] |= ~mask.any(-1)
        mask[~info["alive"]] = [1, 0, 0]  # what a finished agent would do does not matter
        actions = policy.choose(obs, mask)
        given = {"obs": obs, "mask": mask} | ({"memory": memory} if size else {})
        found, *after = session.run(None, given)
        np.testing.assert_array_equal(found, actions)
        seen.update(actions.flat)
        obs, _, _, _, info = vec.step(actions)
        if size:
            memory = after[0].copy()
            memory[info["ended"][:, None] | ~info["alive"]] = 0.0
    assert seen == {0, 1, 2}


def test_without_onnx_the_error_names_the_extra(tmp_path, monkeypatch):
    learner = trained(MLP((8,)))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match="install the extra `onnx`"):
        export(learner, tmp_path / "a.onnx")
    assert not (tmp_path / "a.onnx").exists()
