"""Every block of code of every page runs, here or in a test of its own, or says why it cannot."""

from __future__ import annotations

import ast
import json
import os
import shlex
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from mkdocs.utils.yaml import yaml_load

from tests.docs.blocks import (
    DATA,
    ROOT,
    SHELL,
    Block,
    commands_of,
    read_blocks,
    script_of,
    targets,
)
from tests.docs.pages import OWNED, PAGES, SCRIPTS, run_page
from tests.docs.shell import check_extras, commands

CHECKED = "docs/typing.md"
"""Its blocks of `py` are mistakes, which checkers report in the words of the page."""
NOT_RUN = Counter(
    {
        "the example runs in a test of its own": 2,
        "needs Optuna": 6,
        "needs RQ": 5,
        "needs Celery": 3,
        "needs a cluster": 1,
        "needs submitit": 1,
        "needs MPI": 1,
        "needs Ray": 1,
        "needs Slurm": 1,
    }
)
"""Why blocks do not run, and how many of each: one more is a decision."""

BLOCKS = [block for blocks in PAGES.values() for block in blocks]


@pytest.mark.parametrize("page", SCRIPTS)
def test_the_blocks_of_a_page_run_one_below_the_other(page: str, tmp_path: Path) -> None:
    run_page(page, tmp_path)
    if page == "docs/quickstart.md":
        drawn = (tmp_path / "quickstart.svg").read_text(encoding="utf-8")
        assert drawn.startswith("<svg")
        if os.environ.get("PICTURES") == "1":
            (ROOT / "docs/images/quickstart.svg").write_text(drawn, encoding="utf-8")


@pytest.mark.parametrize("page", OWNED)
def test_a_page_with_a_test_of_its_own_is_read_there(page: str) -> None:
    assert any(block.is_run for block in PAGES[page])
    assert Path(page).name in (ROOT / OWNED[page]).read_text(encoding="utf-8")


@pytest.mark.parametrize("page", OWNED)
def test_what_such_a_page_installs_and_makes_is_there(page: str) -> None:
    shell = [block for block in PAGES[page] if block.language in SHELL and block.is_run]
    for command in [command for block in shell for command in commands(commands_of(block))]:
        words = shlex.split(command, comments=True)
        if words[:2] == ["pip", "install"]:
            check_extras(words[2:])
        elif words[:1] == ["make"]:
            assert words[1] in targets()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.place)
def test_a_block_runs_or_is_data_or_says_why_it_does_not_run(block: Block) -> None:
    match block.language:
        case "python" | "sh" | "bash" | "console":
            pass
        case "py":
            assert block.not_run or block.page == CHECKED, "a block of `py` needs a reason"
        case _:
            assert block.language in DATA
            assert not block.not_run, "only what could run needs a reason"


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language in ("python", "py")],
    ids=lambda block: block.place,
)
def test_python_that_does_not_run_can_be_read(block: Block) -> None:
    ast.parse(block.text, feature_version=(3, 11))


@pytest.mark.parametrize(
    "block",
    [block for block in BLOCKS if block.language in ("json", "toml", "yaml")],
    ids=lambda block: block.place,
)
def test_data_can_be_read(block: Block) -> None:
    readers: dict[str, Callable[[str], object]] = {
        "json": json.loads,
        "toml": tomllib.loads,
        "yaml": yaml_load,
    }
    assert readers[block.language](block.text)


def test_the_blocks_that_do_not_run_are_known_with_their_reasons() -> None:
    reasons = {block.place: block.not_run for block in BLOCKS if block.not_run}
    listing = "\n".join(f"{place}: {reason}" for place, reason in reasons.items())
    assert Counter(reasons.values()) == NOT_RUN, listing


def test_most_blocks_run_as_scripts() -> None:
    kinds = Counter(block.language for block in BLOCKS if block.is_run)
    assert kinds["python"] > 30
    assert "docs/quickstart.md" in SCRIPTS


PAGE = """\
# A page

```python
x = 1
```

<!-- not run: needs a cluster -->

```py
import cluster
```

- in a list:

    ```sh
    echo "$X"
    ```

```console
$ echo a \\
>   b
a b
$ true
```

```python
# study.py
y = 2
```

````text
```python
````
"""


def test_blocks_are_read_with_their_lines_and_marks() -> None:
    blocks = read_blocks("page.md", PAGE)
    found = [(block.line, block.language, block.not_run, block.file) for block in blocks]
    assert found == [
        (3, "python", None, None),
        (9, "py", "needs a cluster", None),
        (15, "sh", None, None),
        (19, "console", None, None),
        (26, "python", None, "study.py"),
        (31, "text", None, None),
    ]
    assert blocks[2].text == 'echo "$X"\n'


def test_lines_of_the_script_are_those_of_the_page() -> None:
    script = script_of(read_blocks("page.md", PAGE)).splitlines()
    assert script[3] == "x = 1"
    assert script[15] == "run_shell('echo \"$X\"\\n')"
    assert script[19] == "run_shell('echo a \\\\\\n  b\\ntrue')"
    assert [line for line in script if line] == [script[0], script[3], script[15], script[19]]


def test_a_script_stops_at_the_first_command_that_fails(tmp_path: Path) -> None:
    blocks = read_blocks("page.md", "```sh\ntrue\nfalse | true\n```\n```python\nprint('on')\n```\n")
    done = subprocess.run(
        [sys.executable, "-c", script_of(blocks)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "line 2, in <module>" in done.stderr
    assert "on" not in done.stdout


def test_commands_may_take_several_lines() -> None:
    assert commands("a \\\n  b\n\nif c; then\n  d\nfi\necho 'e\nf'\n") == [
        "a \\\n  b",
        "",
        "if c; then\n  d\nfi",
        "echo 'e\nf'",
    ]


def test_only_extras_that_there_are_can_be_installed() -> None:
    check_extras([".", "rushtyped", "rushtyped[testing,numpy]"])
    for wrong in ("rushtyped[tests]", "redis"):
        with pytest.raises(AssertionError):
            check_extras([wrong])
