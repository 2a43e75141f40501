"""The page about testing: its files are a suite that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "how-to-test.md").read_text(encoding="utf-8")
FILES = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_every_example_is_a_file_of_the_suite() -> None:
    assert len(FILES) == PAGE.count("```python")
    assert FILES[0][0] == "climber.py"


@pytest.mark.timeout(300)
def test_the_suite_passes(pytester: pytest.Pytester) -> None:
    for name, source in FILES:
        Path(pytester.path, name).write_text(source)
    n_tests = sum(
        len(re.findall(r"^def test_|^    def test_|\.TestCase$", source, re.MULTILINE))
        for _, source in FILES
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", timeout=280)
    result.assert_outcomes(passed=n_tests)
