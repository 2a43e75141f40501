"""What the processes of the chaos run ask for, and what they answer."""

from __future__ import annotations

from rushtyped import Network, Worker, Xs, Ys


class Ticket(Xs):
    """A task that somebody asks for, once."""

    origin: str
    """Unique: who asks for it, and that one's count."""


class Receipt(Ys):
    """A result that somebody sends, once."""

    nonce: str
    """Unique: who sends it, and that one's count."""


ChaosNetwork = Network[Ticket, Receipt]
ChaosWorker = Worker[Ticket, Receipt]
