"""The site is built once for all tests of it; they share one process (see tests/sharing.py)."""

from __future__ import annotations

import pytest

from tests.docs.site import Site, build_site


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """The site, built as `make docs` does."""
    return build_site(tmp_path_factory.mktemp("site"))
