"""What every test shares."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("default", deadline=None, print_blob=True)
settings.load_profile("default")

# A server or a secret that this shell is set up for must neither be written to nor decide a test.
for name in [name for name in os.environ if name == "REDIS_URL" or name.startswith("RUSHTYPED_")]:
    del os.environ[name]
