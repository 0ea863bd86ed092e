"""Compilation: the disk cache is used, sees every edit that matters, and can be missing."""

import ast
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba.core.errors import NumbaError

from marl_envs.core import jit as jit_module
from marl_envs.core.jit import compiled_count, jit
from tests.core.processes import ROOT, run_python

PACKAGE = Path(jit_module.__file__).parents[1]

KERNEL = """
from marl_envs.core.jit import jit
from robots.inner import helper

@jit
def kernel(x):
    return helper(x)
"""
INNER = """
from marl_envs.core.jit import jit
from robots.numbers import STEP

@jit(inner=True)
def helper(x):
    return x + STEP
"""
NUMBERS = "STEP = 1\n"
ASK = """
import sys
sys.stderr = sys.stdout
import numpy as np
from marl_envs.core.jit import compiled_count
from marl_envs.core.pack import table_of
from robots.kernel import kernel
from robots.shuffled import first
from robots.state import State
print("before")
print(kernel(10), first(table_of(State(a=np.array([1]), b=np.array([2])))))
print(compiled_count())
"""
SAID = "marl_envs: compiling kernels (first use, less than a minute) ..."

SHUFFLED = """
from marl_envs.core.jit import jit
from marl_envs.core.pack import unpack
from robots.state import State

@jit
def first(table):
    return unpack(table, State, 0).a[0]
"""
STATE = """
from typing import Annotated, NamedTuple
import numpy as np
from numpy.typing import NDArray

class State(NamedTuple):
    a: Annotated[NDArray[np.int64], "N"]
    b: Annotated[NDArray[np.int64], "N"]
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A package with kernels in two modules and a number in a third; its folder."""
    folder = tmp_path / "robots"
    folder.mkdir()
    for name, text in {
        "__init__": "",
        "kernel": KERNEL,
        "inner": INNER,
        "numbers": NUMBERS,
        "shuffled": SHUFFLED,
        "state": STATE,
    }.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def ask(package: Path, code: str = ASK) -> str:
    return run_python(code, package.parent, NUMBA_CACHE_DIR=str(package.parent / "cache"))


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def move_a_field(path: Path) -> None:
    lines = path.read_text().rstrip().split("\n")
    path.write_text("\n".join([*lines[:-2], lines[-1], lines[-2]]) + "\n")


@pytest.mark.skipif(not jit_module.ENABLED, reason="nothing is compiled")
def test_machine_code_comes_from_the_disk_until_something_that_shapes_it_is_edited(package):
    """That it is compiled is said once in a process, before the waiting."""
    assert ask(package).splitlines() == ["before", SAID, "11 1", "2"]
    assert ask(package).splitlines() == ["before", "11 1", "0"]
    edit(package / "inner.py", "x + STEP", "x - STEP")  # a callee in another module
    assert ask(package).splitlines() == ["before", SAID, "9 1", "2"]
    edit(package / "numbers.py", "1", "5")  # a number in a module without kernels
    assert ask(package).splitlines() == ["before", SAID, "5 1", "2"]
    move_a_field(package / "state.py")  # read at its new place
    assert ask(package).splitlines() == ["before", SAID, "5 1", "2"]


def test_an_edit_in_this_packages_own_kernels_reaches_others(package):
    copy = package.parent / "marl_envs"
    shutil.copytree(ROOT / "marl_envs", copy, ignore=shutil.ignore_patterns("__pycache__"))
    edit(package / "inner.py", "from robots.numbers import STEP", "from marl_envs.core.random import draw_unit")
    edit(package / "inner.py", "x + STEP", "draw_unit(x, 0)")
    code = "import numpy as np; from robots.kernel import kernel; print(kernel(np.zeros(1, np.uint64)))"
    before = float(ask(package, code))
    edit(copy / "core" / "random.py", "2.0**-53", "2.0**-54")
    assert float(ask(package, code)) == before / 2


def test_every_file_that_shapes_a_kernel_is_in_the_digest(package):
    digests = set()
    for name in ("kernel", "inner", "numbers", "state"):
        (package / f"{name}.py").write_text((package / f"{name}.py").read_text() + "# edited\n")
        jit_module.source_digest.cache_clear()
        digests.add(jit_module.source_digest(package))
    assert len(digests) == 4


def test_kernels_run_where_nothing_can_be_written(package):
    (package / "__pycache__").write_text("a file in the place of the folder")
    nowhere = "/dev/null/nowhere"
    answer = run_python(ASK, package.parent, NUMBA_CACHE_DIR=nowhere, HOME=nowhere, XDG_CACHE_HOME=nowhere)
    assert "11 1" in answer.splitlines()


@jit(inner=True)
def _double(x):
    return 2 * x


@jit(inline=True)
def _triple(x):
    return 3 * x


@jit
def _both(x):
    return _double(x) + _triple(x)


def test_kernels_call_inner_and_inlined_ones():
    assert _both(4) == 20


@jit
def _divide(x, y):
    return x / y


def test_a_division_by_zero_is_a_number_and_no_exception():
    with np.errstate(all="ignore"):
        assert np.isnan(_divide(np.float64(0), np.float64(0)))
        assert np.isinf(_divide(np.float64(1), np.float64(0)))


@pytest.mark.skipif(not jit_module.ENABLED, reason="nothing is compiled")
def test_what_is_compiled_here_is_counted():
    kernel: Any = jit(eval("lambda x: x + 3"))  # code without a file is never on the disk
    counts = [compiled_count()]
    for x in (1, 2, 1.5):
        kernel(x)
        counts.append(compiled_count())
    assert np.diff(counts).tolist() == [1, 0, 1]


def written(text: str, module: str, **names: Any) -> Any:
    """Return the function `f` of `text` as if it stood in that module."""
    known = {"np": np, "__name__": module, **names}
    exec(text, known)
    return known["f"]


@pytest.mark.skipif(not jit_module.ENABLED, reason="nothing is compiled")
@pytest.mark.parametrize("value", ["np.zeros(n)[0]", "np.arange(n)[0]", "[n, 0][1]"])
def test_a_kernel_of_an_environment_that_allocates_is_refused(value):
    """Nobody counts references there, so the memory would never be given back; in learners' kernels somebody does."""
    body = f"def f(n):\n    return {value}\n"
    assert jit(written(body, "agents.anything"))(3) == 0
    module = "marl_envs.anything"
    inner = jit(inner=True)(written(body, module))
    for kernel in (jit(written(body, module)), jit(written("def f(n):\n    return inner(n)\n", module, inner=inner))):
        with pytest.raises(NumbaError, match=r"NRT required|Only accept returning of array passed"):
            kernel(3)


def test_a_program_can_say_it_its_own_way(package, capsys):
    # Code without a file cannot be kept on disk, so it is compiled here however often the test has run.
    said, one_more, two_more = [], eval("lambda x: x + 1"), eval("lambda x: x + 2")
    with jit_module.first_use.saying(lambda: said.append("compiling")):
        assert jit(one_more)(1) == 2
        assert jit(two_more)(1) == 3
    assert said == (["compiling"] if jit_module.ENABLED else [])
    assert capsys.readouterr().err == ""


def _imported(tree: ast.Module) -> dict[str, str]:
    """Return the names that a module imports from this package, and the file of each below the package's folder."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("marl_envs"):
            path = "/".join((node.module or "").split(".")[1:])
            for alias in node.names:
                inside = (PACKAGE / path / f"{alias.name}.py").is_file()
                found[alias.asname or alias.name] = f"{path}/{alias.name}.py" if inside else f"{path}.py"
    return found


def _shaping(tree: ast.Module) -> set[str]:
    """Return the names in kernels, and in what a module computes when it is loaded."""
    parts: list[ast.AST] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            parts += node.body if any("jit" in ast.unparse(mark) for mark in node.decorator_list) else []
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            parts += [node.value] if node.value else []
    return {name.id for part in parts for name in ast.walk(part) if isinstance(name, ast.Name)}


def test_files_that_are_said_to_hold_no_kernels_shape_none():
    files = {path.relative_to(PACKAGE).as_posix(): path for path in PACKAGE.rglob("*.py")}
    for prefix in jit_module.NO_KERNELS:
        assert any(name.startswith(prefix) for name in files), f"{prefix} is no file"
    for name, path in files.items():
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = _imported(tree)
        if name.startswith(jit_module.NO_KERNELS):
            assert "jit" not in imported, f"{name} has kernels"
        else:
            for used in _shaping(tree) & set(imported):
                assert not imported[used].startswith(jit_module.NO_KERNELS), f"{name} uses {used}"
