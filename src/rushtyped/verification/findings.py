"""What can be wrong with the stored data of a network."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


class Problem(StrEnum):
    """A promise that is broken."""

    HASH_MISSING = "hash_missing"
    """The hash of a task or worker has gone, as by eviction; mended where no result is lost."""
    WRONG_TYPE = "wrong_type"
    """A key is of another Redis type than what rushtyped keeps there; never mended."""
    STATE_UNKNOWN = "state_unknown"
    """A task is in none of the four states; never mended."""
    FIELDS_MISSING = "fields_missing"
    """A task lacks what its state calls for; never mended."""
    FIELDS_WRONG = "fields_wrong"
    """A task's times or attempts are no numbers, or go back in time; never mended."""
    UNLISTED = "unlisted"
    """An index lacks a task, or a set a worker, that belongs there; mended by adding it."""
    LISTED_TWICE = "listed_twice"
    """An index lists a task twice, or two of them do; mended by keeping the first."""
    WRONG_INDEX = "wrong_index"
    """An index lists a task of another state; mended by the state of the hash."""
    HELD_BACK = "held_back"
    """A worker that does not run holds a queued task; mended by putting it back in front."""
    OWNER_GONE = "owner_gone"
    """A task runs, but its worker does not; mended by failing it."""
    NOT_OWNED = "not_owned"
    """A worker lists a task as its own that it does not run; mended by taking it out."""
    LEASE_OF_ENDED = "lease_of_ended"
    """A worker that has ended has a lease; mended by ending it."""
    RESULT_LOST = "result_lost"
    """This process has read a finished task that the server has no more; never mended."""
    META_INCOMPLETE = "meta_incomplete"
    """What the network's first user has recorded has gone; never mended."""
    TRASH_LEFT = "trash_left"
    """A reset was cut short; mended by sweeping up what it has dropped."""
    STRANGE_KEY = "strange_key"
    """A key begins as those of the network do, and nothing refers to it; never mended."""


class Finding(NamedTuple):
    """One problem, and where it is."""

    problem: Problem
    key: str
    """Key of the task, id of the worker, or name of the Redis key."""
    state: str
    worker_id: str
    where: str
    """The Redis key that is wrong."""
    repaired: bool
