"""Many tasks pushed in one call, and what they take on the server."""

from __future__ import annotations

from rushtyped.codec import ModelCodec
from tests.benchmarks.floors import Floor
from tests.benchmarks.measure import FLOOR, OURS, Bar, Measure
from tests.benchmarks.peers.optuna import OptunaStudy
from tests.benchmarks.peers.presence import absences
from tests.benchmarks.peers.rq import RqQueue
from tests.benchmarks.scene import Scene
from tests.benchmarks.tasks import TEN, VALUE, Ten, TenNetwork, TenWorker, Value
from tests.benchmarks.turns import Call, in_turns

N_PUSHED = 10_000
N_WEIGHED = 10_000
N_OF_OPTUNA = 1000
DEFAULT, COMPACT = 64, 1024
"""Bytes of a value up to which a hash is kept as one piece of memory."""


def measure_bulk(scene: Scene) -> list[Measure]:
    """Time a push of many tasks, and weigh finished ones."""
    with scene.on_one_core():
        pushed = _pushed(scene)
        scene.clear()
    weighed = _weighed(scene)
    scene.clear()
    return [pushed, *weighed]


def _pushed(scene: Scene) -> Measure:
    network, floor = TenNetwork("bulk", redis=scene.url), Floor(scene.client, "floor")
    encode = network._packer.codec.xs.encode
    xss = [TEN] * N_PUSHED
    calls: dict[str, Call] = {
        OURS: lambda: network.push_tasks(xss),
        FLOOR: lambda: floor.queue([(floor.new_key(), encode(xs)) for xs in xss]),
    }
    missing = absences(RqQueue)
    if not missing:
        queue = RqQueue(scene.url)
        calls[RqQueue.name] = lambda: queue.enqueue(N_PUSHED)
    figures = in_turns(calls, rounds=scene.effort.bulk_rounds)
    return Measure(
        f"`push_tasks` of {N_PUSHED:,} tasks (RQ: `enqueue_many`)",
        "s",
        figures,
        (Bar(OURS, FLOOR, most=1.3),),
        missing,
    )


def _weighed(scene: Scene) -> list[Measure]:
    figures: dict[str, list[float]] = {}
    for name, longest in (("compact hashes", COMPACT), ("the server's defaults", DEFAULT)):
        scene.client.config_set("hash-max-listpack-value", longest)
        worker = TenWorker("weighed", redis=scene.url)
        worker.push_finished_tasks([TEN] * N_WEIGHED, [VALUE] * N_WEIGHED)
        figures[name] = [_bytes_of_all(scene) / N_WEIGHED]
        worker.set_terminated()
        scene.clear()
    scene.client.config_set("hash-max-listpack-value", COMPACT)
    figures["payload"] = [float(len(ModelCodec(Ten).encode(TEN) + ModelCodec(Value).encode(VALUE)))]
    missing = absences(OptunaStudy)
    if not missing:
        OptunaStudy(scene.url, "weighed").add_finished(N_OF_OPTUNA)
        figures[OptunaStudy.name] = [_bytes_of_all(scene) / N_OF_OPTUNA]
    return [
        Measure(
            "server memory of a finished task of ten floats",
            "bytes",
            figures,
            (Bar("compact hashes", most=500), Bar("the server's defaults", most=900)),
            missing,
            "Compact hashes are those with `hash-max-listpack-value 1024`, which the embedded "
            "server has.",
        )
    ]


def _bytes_of_all(scene: Scene) -> float:
    """Weigh all keys; what connections take is not counted."""
    with scene.client.pipeline(transaction=False) as pipeline:
        for key in scene.client.scan_iter(count=1000):
            pipeline.memory_usage(key, samples=0)
        return float(sum(pipeline.execute()))
