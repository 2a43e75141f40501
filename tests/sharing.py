"""Which tests share one process of a parallel run, since they share what takes long to make."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

GROUPS = {
    "tests/typing/test_typing.py": "type checkers",
    "tests/typing/test_completeness.py": "type checkers",
    "tests/docs/test_typing_page.py": "type checkers",
    "tests/docs/test_site.py": "site",
    "tests/docs/test_reference.py": "site",
    "tests/docs/test_examples.py": "examples",
    "tests/docs/test_fresh_environment.py": "fresh environment",
    "tests/dashboard/test_pages.py": "pages",
    "tests/dashboard/test_live_pages.py": "live pages",
    "tests/launch/test_demo.py": "demo",
}
"""Groups by file; all other tests go wherever there is room."""


class SharingScheduling(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps the tests of a group together. The marker of xdist does not, with pytest 9.2."""

    def _split_scope(self, nodeid: str) -> str:
        return GROUPS.get(nodeid.partition("::")[0], nodeid)
