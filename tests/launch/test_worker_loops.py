"""What may be a worker loop: whatever can be called with a Worker, from anywhere."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.launch import loops
from tests.models import ParamNetwork, Params, ParamWorker, Scores
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
MAIN = """
import sys
from functools import partial
from rushtyped import Network, Worker, Xs, Ys

SCALE = 3.0

class Params(Xs):
    x: float

class Scores(Ys):
    y: float

def helper(x: float) -> float:
    return SCALE * x

def loop(worker: Worker[Params, Scores], offset: float = 0.0) -> None:
    with worker.running_task(Params(x=2.0)) as task:
        task.finish(Scores(y=helper(task.xs.x) + offset))

if __name__ == "__main__":
    with Network[Params, Scores](sys.argv[1], redis=sys.argv[2]) as network:
        network.start_local_workers(loop, n_workers=1)
        network.wait_until_done(timeout=20)
        network.start_local_workers(partial(loop, offset=1.0), n_workers=1)
        network.wait_until_done(timeout=20)
        print(network.fetch_finished_tasks()["y"].to_list())
"""


def results_of(network: ParamNetwork, loop: Callable[[ParamWorker], object]) -> list[float]:
    """Run a loop in one worker process to its end."""
    network.start_local_workers(loop, n_workers=1)
    network.wait_until_done(timeout=20.0)
    assert network.failed_tasks == []
    results: list[float] = network.fetch_finished_tasks()["y"].to_list()
    return results


def test_a_function_with_defaults(network: ParamNetwork) -> None:
    assert results_of(network, loops.finish_one) == [1.0]


def test_a_function_with_bound_arguments(network: ParamNetwork) -> None:
    assert results_of(network, functools.partial(loops.finish_one, y=2.5)) == [2.5]


def test_a_lambda(network: ParamNetwork) -> None:
    assert results_of(network, lambda worker: loops.finish_one(worker, 3.5)) == [3.5]


def test_a_closure(network: ParamNetwork) -> None:
    offsets = [1.0, 2.0]

    def loop(worker: ParamWorker) -> None:
        for offset in offsets:
            with worker.running_task(Params(x1=offset, x2=0.0)) as task:
                task.finish(Scores(y=10 * offset))

    assert results_of(network, loop) == [10.0, 20.0]


def test_an_object_and_its_method(network: ParamNetwork) -> None:
    assert results_of(network, loops.Sweep([1.0, 2.0])) == [1.0, 2.0]
    assert results_of(network, loops.Sweep([3.0]).run) == [1.0, 2.0, 3.0]


def test_several_loops_work_in_one_network(network: ParamNetwork) -> None:
    network.start_local_workers(functools.partial(loops.finish_one, y=1.0), n_workers=1)
    network.start_local_workers(functools.partial(loops.finish_one, y=2.0), n_workers=1)
    wait_until(lambda: network.n_terminated_workers == 2, description="both have left")
    assert sorted(network.fetch_finished_tasks()["y"]) == [1.0, 2.0]


def test_functions_and_models_of_a_script(redis_url: str, network_id: str, tmp_path: Path) -> None:
    script = tmp_path / "study.py"
    script.write_text(MAIN)
    done = subprocess.run(
        [sys.executable, str(script), network_id, redis_url],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[6.0, 7.0]\n"


def test_modules_beside_the_script_can_be_imported(
    redis_url: str, network_id: str, tmp_path: Path
) -> None:
    (tmp_path / "beside.py").write_text(MAIN)
    script = tmp_path / "study.py"
    script.write_text(
        "import sys\n"
        "from beside import Network, Params, Scores, loop\n"
        "with Network[Params, Scores](sys.argv[1], redis=sys.argv[2]) as network:\n"
        "    network.start_local_workers(loop, n_workers=1)\n"
        "    network.wait_until_done(timeout=20)\n"
        '    print(network.fetch_finished_tasks()["y"].to_list())\n'
    )
    done = subprocess.run(
        [sys.executable, str(script), network_id, redis_url],
        capture_output=True,
        text=True,
        check=False,
        cwd=os.sep,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "[6.0]\n"
