"""A server of a test's own, under the name by which the tests of the store know it."""

from tests.servers.process import ServerProcess as OwnServer

__all__ = ["OwnServer"]
