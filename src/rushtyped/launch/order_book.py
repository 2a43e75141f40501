"""Orders for the workers of one network: the loop is checked, signed and stored first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rushtyped.connect import Endpoint
from rushtyped.errors import InvalidTypeError
from rushtyped.keys import new_worker_id
from rushtyped.launch.options import WorkerOptions
from rushtyped.launch.order import Order
from rushtyped.loops import Loop, check_loop, pack_loop
from rushtyped.membership import Membership
from rushtyped.packer import Packer
from rushtyped.plan import Settings
from rushtyped.store import Store


@dataclass(frozen=True, slots=True)
class OrderBook:
    """What all orders of one manager have in common."""

    network_id: str
    endpoint: Endpoint
    retry_timeout: float
    store: Store
    membership: Membership
    packer: Packer[Any, Any, Any, Any]

    def orders(
        self,
        worker_loop: Loop,
        found: Settings,
        options: WorkerOptions,
        n: int,
        *,
        secret: str,
        supervise: bool = False,
    ) -> list[Order]:
        """Store the loop, and make an order for each of n workers that are to run it.

        Raises InvalidTypeError for a loop that is not for this network's models, or where these
        are not declared.
        """
        if not self.membership.declares:
            raise InvalidTypeError(
                f"network {self.network_id!r} was opened without models, which workers need: "
                "join it with Network[Params, Scores](...)"
            )
        models = self.packer.codec.schema.models
        check_loop(worker_loop, models)
        loop = pack_loop(
            worker_loop,
            models,
            secret.encode(),
            max_object_size=found.max_object_size,
            large_objects_path=found.large_objects_path,
        )
        self.membership.join()
        self.store.store_loop(*loop)
        order = Order(
            network_id=self.network_id,
            worker_id="",
            endpoint=self.endpoint,
            retry_timeout=self.retry_timeout,
            digest=loop.digest,
            secret=secret,
            options=options,
            supervise=supervise,
        )
        return [replace(order, worker_id=new_worker_id()) for _ in range(n)]
