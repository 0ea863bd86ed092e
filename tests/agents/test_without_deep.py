"""Without PyTorch the tables work as ever, and networks say which extra they need."""

import subprocess
import sys

import pytest

from agents import CheckpointError, checkpoint

CODE = """
import sys
sys.path.insert(0, {out!r} + "-missing")  # where something lies that cannot be imported
import agents, benchmarks.__main__, benchmarks.deep.table
assert not {{"agents.deep", "torch", "safetensors"}} & set(sys.modules)
try:
    import agents.deep
except ImportError as error:
    print(error)
sys.exit(benchmarks.__main__.main(["run", "deep", "--out", {out!r}]))
"""


@pytest.mark.parametrize("missing", ["torch", "safetensors"])
def test_the_error_names_the_extra(missing, tmp_path):
    (tmp_path / "out-missing").mkdir()
    broken = f"raise ImportError('not installed', name={missing!r})"
    (tmp_path / "out-missing" / f"{missing}.py").write_text(broken)
    code = CODE.format(missing=missing, out=str(tmp_path / "out"))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    words = 'install the extra `deep` (pip install "marl-envs[deep]")'
    assert words in done.stdout, done.stderr
    if missing == "torch":
        assert "PyTorch" in done.stdout
    assert done.returncode == 2
    assert words in " ".join(done.stderr.split())
    assert not (tmp_path / "out").exists()


def test_a_checkpoint_needs_the_extra_only_where_its_name_says_so(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "agents.deep", None)
    checkpoint.write(tmp_path / "a.npz", {}, {})
    assert checkpoint.read(tmp_path / "a.npz")[1] == {}
    with pytest.raises(ImportError):
        checkpoint.write(tmp_path / "a.safetensors", {}, {})
    assert not (tmp_path / "a.safetensors").exists()
    with pytest.raises((CheckpointError, FileNotFoundError)):
        checkpoint.read(tmp_path / "a.safetensors")
