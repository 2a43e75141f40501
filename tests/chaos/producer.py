"""A process that pushes tasks of all kinds, retries failed ones and withdraws some.

python -m tests.chaos.producer PART
"""

from __future__ import annotations

import random
import sys
import time

from tests.chaos.journal import Journal, Verb
from tests.chaos.models import Receipt, Ticket
from tests.chaos.part import Origins, Part, begin, is_open, join, noting_trouble

BATCHES = (1, 1, 2, 5, 20, 50, 100, 300)
MOST_RETRIED = 30
MOST_WITHDRAWN = 3
_PAUSE = 0.02


class Producer:
    """Asks for tasks, and writes down which it was told of."""

    def __init__(self, part: Part, journal: Journal, rng: random.Random) -> None:
        self.network = join(part)
        self._part = part
        self._journal = journal
        self._rng = rng
        self._origins = Origins(part.name)

    def push(self) -> None:
        """Push a batch of queued tasks, now and then with extras."""
        origins = self._origins.take(self._size())
        extras = [{"batch": len(origins)}] if self._rng.random() < 0.1 else None
        number = self._journal.ask(Verb.PUSH, origins)
        self._journal.tell(number, self.network.push_tasks(_tickets(origins), xss_extra=extras))

    def push_finished(self) -> None:
        """Push tasks whose results are known."""
        origins = self._origins.take(self._rng.randint(1, 5))
        nonces = self._origins.take(len(origins))
        number = self._journal.ask(Verb.PUSH_FINISHED, origins, nonces)
        receipts = [Receipt(nonce=nonce) for nonce in nonces]
        self._journal.tell(number, self.network.push_finished_tasks(_tickets(origins), receipts))

    def push_failed(self) -> None:
        """Push tasks that have failed elsewhere."""
        origins = self._origins.take(self._rng.randint(1, 3))
        messages = self._origins.take(len(origins))
        number = self._journal.ask(Verb.PUSH_FAILED, origins, messages)
        keys = self.network.push_failed_tasks(_tickets(origins), conditions=messages)
        self._journal.tell(number, keys)

    def retry(self) -> None:
        """Queue some failed tasks again, of which others may be retried by somebody else, too."""
        failed = self.network.failed_tasks
        chosen = self._rng.sample(failed, min(len(failed), MOST_RETRIED))
        number = self._journal.ask(Verb.RETRY, chosen)
        self._journal.tell(number, self.network.retry_tasks(chosen))

    def withdraw(self) -> None:
        """Fail a few tasks that wait or run, whosever they are."""
        unsettled = [*self.network.queued_tasks[:20], *self.network.running_tasks]
        chosen = self._rng.sample(unsettled, min(len(unsettled), MOST_WITHDRAWN))
        messages = self._origins.take(len(chosen))
        number = self._journal.ask(Verb.WITHDRAW, chosen, messages)
        self._journal.tell(number, self.network.fail_tasks(chosen, messages))

    def step(self) -> None:
        """Do one thing, unless there is enough to do for the workers."""
        if not is_open(self._part.gate) or self.network.n_queued_tasks > self._part.backlog:
            time.sleep(_PAUSE)
            return
        verbs = [self.push, self.retry, self.push_failed, self.withdraw]
        weights = [20.0, 3.0, 1.0, 0.5]
        if self._part.budget is None:  # what is pushed as finished is not held back by a budget
            verbs.append(self.push_finished)
            weights.append(3.0)
        self._rng.choices(verbs, weights)[0]()

    def _size(self) -> int:
        size = self._rng.choice(BATCHES)
        return min(size, max(1, self._part.backlog // 2))


def _tickets(origins: list[str]) -> list[Ticket]:
    return [Ticket(origin=origin) for origin in origins]


def main() -> int:
    """Produce until SIGTERM."""
    part, journal, rng, stop = begin()
    with noting_trouble(journal):
        producer = Producer(part, journal, rng)
        with producer.network:
            while not stop.asked:
                producer.step()
    return 0


if __name__ == "__main__":
    sys.exit(main())
