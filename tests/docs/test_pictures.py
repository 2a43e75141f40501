"""Pictures of the docs show what a real network does."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
from pathlib import Path

from tests.docs.site import ROOT

SCRIPT = ROOT / "docs" / "pictures" / "states.py"
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def test_the_picture_of_the_states_is_that_of_a_real_network(tmp_path: Path) -> None:
    drawn = tmp_path / "states.svg"
    subprocess.run([sys.executable, SCRIPT, drawn], check=True, timeout=100)
    kept = ROOT / "docs" / "images" / "states.svg"
    assert drawn.read_text(encoding="utf-8") == kept.read_text(encoding="utf-8"), (
        "the picture is out of date: python docs/pictures/states.py"
    )


def test_its_arrows_are_the_rows_of_the_table_of_states() -> None:
    section = DESIGN.partition("## States\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (nothing|\w+) \| (\w+) \| ", section, re.MULTILINE)[1:]
    table = {("" if before == "nothing" else before, after) for before, after in rows}
    settled = {("", "finished"), ("", "failed")}  # said below the table
    routes = set(runpy.run_path(str(SCRIPT))["ROUTES"])
    assert routes == table | settled
