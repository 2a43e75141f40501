"""Whether each reader was told of every finished task once, in the order of finishing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.chaos.journal import Call, Verb
from tests.chaos.stored import Stored
from tests.chaos.violation import Law, Violation


def check_readers(stored: Stored, calls: Iterable[Call]) -> Iterator[Violation]:
    """Compare what each object read in all its calls with the beginning of `finished`."""
    read: dict[str, list[tuple[str, str]]] = {}
    for call in calls:
        if call.verb is Verb.FETCH:
            read.setdefault(call.who, []).extend(zip(call.told or (), call.told_notes, strict=True))
    expected = [
        (key, stored.tasks[key].nonce if key in stored.tasks else "")
        for key in stored.places.finished
    ]
    for who, seen in read.items():
        if seen != expected[: len(seen)]:
            yield _difference(who, seen, expected)


def _difference(
    who: str, seen: list[tuple[str, str]], expected: list[tuple[str, str]]
) -> Violation:
    position = next(
        (n for n, (one, other) in enumerate(zip(seen, expected, strict=False)) if one != other),
        len(expected),
    )
    key, nonce = seen[position]
    earlier = [n for n, (each, _) in enumerate(seen[:position]) if each == key]
    again = f", which was number {earlier[0]}, too" if earlier else ""
    right = expected[position] if position < len(expected) else "nothing"
    what = f"read {key} with {nonce} as finished task {position}{again}; there is {right}"
    return Violation(Law.READERS, who, what)
