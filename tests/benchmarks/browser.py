"""A report opened in a real browser without a window: what it says on its console, and what a script finds in it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Puts what `probe()` returns (or the error) into the page, once the page has settled.
# In virtual time a browser without a window draws no frames, so a timer stands in for them.
CLOCK = "<head><script>window.requestAnimationFrame = f => setTimeout(() => f(performance.now()), 16);</script>"
FRAME = """<script>
const wait = ms => new Promise(done => setTimeout(done, ms));
async function probe() { %s }
addEventListener("load", () => probe().catch(error => ({ error: String(error.stack || error) })).then(found => {
  const text = document.createElement("pre");
  text.id = "found"; text.textContent = JSON.stringify(found);
  document.body.append(text);
}));
</script></body>"""


def browser() -> str:
    """Return the path of a Chromium, or skip the test."""
    found = next((path for path in map(shutil.which, NAMES) if path), None)
    if found is None:
        pytest.skip("no Chromium is installed (apt package chromium)")
    return found


def opened(page: Path, script: str, folder: Path, size: tuple[int, int] = (1200, 900)) -> tuple[Any, list[str]]:
    """Return what `script` (the body of an async function) returns in the page, and the console's lines.

    Args:
        page: the HTML file.
        script: JavaScript.
        folder: for a copy of the page and the browser's profile.
        size: of the window [pixels].
    """
    copy = folder / "probed.html"
    text = page.read_text(encoding="utf-8").replace("<head>", CLOCK, 1).replace("</body>", FRAME % script)
    copy.write_text(text, encoding="utf-8")
    command = [
        browser(), "--headless=new", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr",
        f"--user-data-dir={folder / 'profile'}", f"--window-size={size[0]},{size[1]}",
        "--virtual-time-budget=60000", "--dump-dom", copy.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    lines = re.findall(r"CONSOLE[^\n]*", done.stderr)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:] + done.stdout[-500:]
    return json.loads(html.unescape(found[1])), lines
