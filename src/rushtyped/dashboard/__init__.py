"""The live page: networks of a server in a browser, as they are now."""

from rushtyped.dashboard.app import make_app
from rushtyped.dashboard.server import serve

__all__ = ["make_app", "serve"]
