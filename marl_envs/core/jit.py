"""The only place that calls numba: `@jit` for kernels, with a disk cache that sees edits in every kernel's callees."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias, TypeVar, overload

import numba
from numba.core.event import Listener, register

from marl_envs.core.inner import InnerCompiler

F = TypeVar("F", bound=Callable[..., Any])

# Numbers inside kernels are Python's or NumPy's, of any width: only the kernels' machine code types them.
Int: TypeAlias = Any
Real: TypeAlias = Any
Bool: TypeAlias = Any

ENABLED: bool = not numba.config.DISABLE_JIT  # type: ignore[attr-defined]  # False under NUMBA_DISABLE_JIT=1: kernels run as plain Python

_compiled: list[Any] = []  # the dispatchers that have been made, so that one can ask whether something was compiled


# What shapes no kernel, as it holds neither one nor a constant of one: editing it need not compile anything anew.
NO_KERNELS = (
    "__main__.py",
    "render/",
    "interop/",
    "metrics/",
    "wrappers/",
    *(f"core/{name}.py" for name in ("buffers", "kinds", "parallel", "policy", "registry", "vector")),
    *(f"traffic/{name}.py" for name in ("arrivals", "assemble", "control", "generate", "names", "network")),
    *(f"traffic/{name}.py" for name in ("phases", "pictures", "rilsa", "routing", "sources", "streets")),
    "traffic/formats/",
    "traffic/render",
    "warehouse/render",
    "warehouse/errands/render",
    *(f"traffic/engine/{name}.py" for name in ("editing", "routes", "simulate", "sumo_tables", "tables", "zones")),
    *(f"traffic/sumo/{name}.py" for name in ("__init__", "env", "evaluate", "lights", "places", "process")),
    *(f"traffic/sumo/{name}.py" for name in ("compare", "scenario", "vehicles")),
    *(f"traffic/signals/{name}.py" for name in ("env", "labels", "networks", "phases", "randomise")),
    *(f"traffic/signals/{name}.py" for name in ("render", "tables", "webster")),
    *(
        f"traffic/vehicles/{name}.py"
        for name in (
            "crosswalks",
            "env",
            "layouts",
            "maps",
            "params",
            "paths",
            "policies",
            "programs",
            "render",
            "tables",
            "ways",
            "zones",
        )
    ),
    *(f"traffic/both/{name}.py" for name in ("__init__", "env", "params", "policies", "render", "views")),
    *(f"traffic/vehicles/control/{name}.py" for name in ("__init__", "desk", "tiles")),
    *(f"small/{world}/{name}.py" for world in ("vacuum", "matrix", "grid") for name in ("env", "render")),
    "small/params.py",
    "small/grid/worlds.py",
    *(f"{name}_v0.py" for name in ("gridworld", "intersection", "matrix", "traffic", "traffic_signals", "vacuum")),
)


@lru_cache
def source_digest(folder: Path) -> bytes:
    """Return a digest of every Python file below `folder` that may shape a kernel, as constants do, too."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder).as_posix()
        if not name.startswith(NO_KERNELS):
            digest.update(name.encode() + b"\0" + path.read_bytes())
    return digest.digest()


def _package_folders(function: Callable[..., Any]) -> list[Path]:
    """Return the top-level package folders whose kernels `function` may call: its own and this package."""
    top = sys.modules.get(function.__module__.partition(".")[0])
    own = Path(top.__file__).parent if top is not None and top.__file__ else Path(function.__code__.co_filename).parent
    return sorted({own, Path(__file__).parents[1]})


def _compile(function: Callable[..., Any], inner: bool, inline: bool) -> Any:
    """Return numba's dispatcher for `function`, cached on disk where a folder can be written."""
    # What Python never calls needs no wrapper: unboxing a NamedTuple of forty arrays is most of the compile time.
    njit: Any = numba.njit  # its annotations lack these options
    options: dict[str, Any] = {"forceinline": inline, "no_cpython_wrapper": inner, "no_cfunc_wrapper": True}
    if inner and ENABLED:
        options["pipeline_class"] = InnerCompiler
    # Kernels of environments allocate nothing and cut no slices, so nobody need count references (and what would do so
    # does not compile). Learners' may cut slices.
    counts = not function.__module__.startswith(f"{__name__.partition('.')[0]}.")
    compiled = njit(nogil=True, error_model="numpy", _nrt=counts, **options)(function)
    # Inner kernels are linked into those that call them, so only the outermost is worth a file.
    if inner or not hasattr(compiled, "enable_caching"):  # NUMBA_DISABLE_JIT=1 returns the plain function
        return compiled
    _compiled.append(compiled)
    try:
        compiled.enable_caching()
    except RuntimeError:  # no folder can be written: compile in memory each time
        return compiled
    # Numba's own stamp covers only the file that holds `function`, so a changed callee would go unseen.
    stamp = b"".join(source_digest(folder) for folder in _package_folders(function))
    compiled._cache._cache_file._source_stamp = stamp
    return compiled


@overload
def jit(function: F) -> F: ...
@overload
def jit(*, inner: bool = False, inline: bool = False) -> Callable[[F], F]: ...
def jit(function: F | None = None, *, inner: bool = False, inline: bool = False) -> F | Callable[[F], F]:
    """Compile a kernel on first use.

    Args:
        function: the kernel, when used as plain `@jit`.
        inner: only other kernels call it, never Python (compiles much faster).
        inline: inner, and small and hot: LLVM copies it into its callers.
    """
    if function is None:
        return lambda f: _compile(f, inner or inline, inline)
    return _compile(function, inner, inline)  # type: ignore[no-any-return]


class FirstUse(Listener):
    """Says once in a process that kernels are being compiled, so that nobody wonders what takes so long."""

    def __init__(self) -> None:
        self._say: Callable[[], object] = self._print
        self._said = False

    def on_start(self, event: Any) -> None:
        """Called by numba when it starts to compile; kernels that come from the disk are not compiled."""
        if not self._said and any(event.data["dispatcher"] is kernel for kernel in _compiled):
            self._said = True
            self._say()

    def on_end(self, event: Any) -> None:
        """Called by numba when it has compiled."""

    @contextmanager
    def saying(self, say: Callable[[], object]) -> Iterator[None]:
        """Call `say` at the first compilation inside, instead of printing to standard error."""
        before = self._say, self._said
        self._say, self._said = say, False
        yield
        self._say, self._said = before

    @staticmethod
    def _print() -> None:
        print("marl_envs: compiling kernels (first use, less than a minute) ...", file=sys.stderr, flush=True)


first_use = FirstUse()
register("numba:compile", first_use)


def compiled_count() -> int:
    """Return how many kernel signatures this process has compiled itself, as opposed to loaded from the cache."""
    return sum(sum(kernel.stats.cache_misses.values()) for kernel in _compiled)
