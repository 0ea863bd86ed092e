"""The examples of docs/extending.md run as they are printed, and print what stands below them."""

from __future__ import annotations

import contextlib
import io
import re
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "extending.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)


def test_examples_print_what_stands_below_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, object] = {"__name__": "extending"}
    monkeypatch.setitem(sys.modules, "extending", type(sys)("extending"))  # where dataclasses look for their module
    blocks = BLOCK.findall(TEXT)
    assert len(blocks) == TEXT.count("```python") == 6
    for number, (code, printed) in enumerate(blocks):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, f"{PAGE.name}, block {number}", "exec"), names)
        assert output.getvalue() == printed


def test_files_that_the_page_names_exist() -> None:
    for name in re.findall(r"`((?:marl_envs|agents|benchmarks)/[\w/.]+)`", TEXT):
        assert (PAGE.parents[1] / name).exists(), name
