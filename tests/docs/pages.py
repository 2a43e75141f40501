"""The pages whose blocks run one below the other, and how they are run."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.docs.blocks import ROOT, all_pages, blocks_of, script_of

OWNED = {
    "README.md": "tests/docs/test_readme.py",
    "docs/example-median-stopping.md": "tests/docs/test_examples.py",
    "docs/example-successive-halving.md": "tests/docs/test_examples.py",
    "docs/how-to-cluster.md": "tests/docs/test_how_to.py",
    "docs/how-to-production.md": "tests/servers/test_production_page.py",
    "docs/how-to-test.md": "tests/docs/test_how_to_test.py",
    "docs/scaling.md": "tests/docs/test_scaling.py",
    "docs/typing.md": "tests/docs/test_typing_page.py",
    "docs/wire-format.md": "tests/launch/test_foreign_client.py",
}
"""Pages that tests of their own run, piece by piece, with more said of what comes out."""
PAGES = {page: blocks_of(page) for page in all_pages()}
SCRIPTS = [
    page
    for page, blocks in PAGES.items()
    if page not in OWNED and any(block.is_run for block in blocks)
]


def run_page(
    page: str,
    directory: Path,
    *,
    python: str | Path = sys.executable,
    variables: Mapping[str, str] = os.environ,
) -> None:
    """Run the blocks of a page as one script in a directory; fail where it fails."""
    blocks = PAGES[page]
    for block in blocks:
        if block.file and block.is_run:
            (directory / block.file).write_text(block.text)
    script = directory / f"{Path(page).stem}.md.py"
    script.write_text(script_of(blocks))
    done = subprocess.run(
        [python, script],
        cwd=directory,
        env={
            **variables,
            "PYTHONPATH": f"{directory}{os.pathsep}{ROOT}",
            "RUSHTYPED_EMBEDDED_DIR": str(directory / "server"),
            "POLARS_TABLE_WIDTH": "200",
            "BROWSER": "true",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-5000:]}\n{done.stderr[-5000:]}"
