"""The tutorial's code runs as it is printed, section by section, and prints what the page says it does."""

import contextlib
import io
import re
from pathlib import Path

import pytest

from marl_envs.core import jit

PAGE = Path(__file__).parents[2] / "docs" / "learning.md"
TEXT = PAGE.read_text(encoding="utf-8")
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n^```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
SECTIONS = {part.splitlines()[0]: part for part in re.split(r"(?m)^## ", TEXT)[1:]}


@pytest.mark.skipif(not jit.ENABLED, reason="the trainings take minutes without compilation")
@pytest.mark.parametrize("title", SECTIONS)
def test_the_code_of_a_section_prints_what_stands_below_it(title: str):
    blocks = BLOCK.findall(SECTIONS[title])
    assert blocks
    names: dict[str, object] = {"__name__": "tutorial"}
    for number, (code, printed) in enumerate(blocks):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(compile(code, f"{PAGE.name}, {title}, block {number}", "exec"), names)
        assert printed
        assert output.getvalue() == printed


def test_every_block_belongs_to_a_section():
    """Code above the first heading, or fenced in another way, would not be run."""
    found = [BLOCK.findall(part) for part in SECTIONS.values()]
    assert sum(map(len, found)) == TEXT.count("```python") == TEXT.count("```text")
    assert TEXT.count("```") == 4 * TEXT.count("```python")


def test_every_link_leads_somewhere():
    for target in re.findall(r"\]\(([^)#]+)", TEXT):
        assert (PAGE.parent / target).exists(), target
    anchors = {re.sub(r"[^a-z0-9 -]", "", title.lower()).replace(" ", "-") for title in SECTIONS}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) == anchors
