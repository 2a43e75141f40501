"""The dashboard's page while something happens: tasks run, workers are stopped, servers go away."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread

import pytest
from playwright.sync_api import Page, Request, expect

from rushtyped.dashboard import make_app
from rushtyped.dashboard.server import listen, new_server
from tests.dashboard.browser import (
    PACED,
    Pictures,
    Visit,
    address,
    chromium,
    figure,
    pictures,
    visit,
    window,
)
from tests.dashboard.serving import Served, served
from tests.dashboard.study import N_FAILED, N_FINISHED, StudyNetwork
from tests.dashboard.tuning import Cost, Origin, Quality, Settings, TuningNetwork, start_study
from tests.servers.ports import free_port
from tests.servers.process import ServerProcess
from tests.waiting import wait_until

__all__ = ["chromium", "pictures", "visit", "window"]

PLAIN = Settings(learning_rate=0.1, max_depth=4, subsample=0.5)
DESIGN = Origin(origin="design")


@pytest.fixture
def network(redis_url: str, network_id: str) -> Iterator[TuningNetwork]:
    """A network of the study; its workers do not outlive the test."""
    with TuningNetwork(network_id, redis=redis_url, max_tasks=100_000) as network:
        yield network
        network.stop_workers("kill")


def test_counts_and_charts_change_while_workers_run(
    visit: Visit, dashboard: Served, network: TuningNetwork
) -> None:
    start_study(network, n_workers=2, seconds=0.02)
    page = visit(address(dashboard.entry, network.network_id))
    finished = figure(page, "finished")
    expect(finished).to_have_text(re.compile("[0-9]+"))
    drawn = page.locator("#panel-overview figure").first.locator(".mark-area path").first
    before = finished.inner_text(), drawn.get_attribute("d")
    assert before[1]
    expect(finished).not_to_have_text(before[0])
    changes = "before => document.querySelector('.mark-area path').getAttribute('d') !== before"
    page.wait_for_function(changes, arg=before[1], timeout=PACED)
    expect(figure(page, "workers")).to_have_text("2")
    expect(page).to_have_title(re.compile(rf"^\d+ % · {network.network_id} · rushtyped$"))


def test_what_has_the_focus_keeps_it_while_a_table_changes(
    visit: Visit, dashboard: Served, network: TuningNetwork
) -> None:
    [first] = finish(network, loss=1.0)
    page = visit(address(dashboard.entry, network.network_id))
    rows = page.get_by_role("region", name="Best results").locator("tbody tr")
    rows.get_by_role("button").focus()
    finish(network, loss=0.5)
    expect(rows).to_have_count(2)
    expect(rows.last.get_by_role("button")).to_be_focused()
    expect(rows.last.get_by_role("button")).to_have_attribute("title", first)


def finish(network: TuningNetwork, *, loss: float) -> list[str]:
    return network.push_finished_tasks(
        [PLAIN],
        [Quality(loss=loss, accuracy=0.5)],
        xss_extra=[DESIGN],
        yss_extra=[Cost(seconds=1.0)],
    )


def test_nothing_is_fetched_while_the_page_is_hidden(
    visit: Visit, dashboard: Served, network: TuningNetwork
) -> None:
    page = visit(address(dashboard.entry, network.network_id))
    expect(figure(page, "finished")).to_have_text("0")
    expect(page.locator(".chart-message")).to_have_text(["Nothing to draw yet."] * 3)
    _hide(page, hidden=True)
    asked: list[str] = []

    def note(request: Request) -> None:
        asked.append(request.url)

    page.on("request", note)
    for n in (1, 2, 3):
        finish(network, loss=1.0)
        expect(figure(page, "finished")).to_have_text(str(n))
    assert asked == []
    with page.expect_request(lambda request: "/charts/states.json" in request.url):
        _hide(page, hidden=False)


def _hide(page: Page, *, hidden: bool) -> None:
    page.evaluate(
        """hidden => {
          Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
          document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def test_the_log_follows_its_end_unless_it_was_scrolled_up(
    visit: Visit, dashboard: Served, network: TuningNetwork
) -> None:
    start_study(network, n_workers=2, seconds=0.002)
    small = {"width": 800, "height": 560}
    page = visit(address(dashboard.entry, network.network_id, "log"), viewport=small)
    records = page.locator(".records")
    wait_until(
        lambda: records.evaluate("e => e.scrollHeight > 2 * e.clientHeight"),
        description="the log is long",
    )
    assert records.evaluate("e => e.scrollHeight - e.scrollTop - e.clientHeight") < 2
    records.evaluate("e => { e.scrollTop = 0 }")
    follow = page.get_by_role("button", name="Follow the end")
    expect(follow).to_be_visible()
    follow.click()
    expect(follow).to_be_hidden()


def test_who_may_only_look_finds_no_button_to_change_anything(
    visit: Visit, dashboard: Served, studied: StudyNetwork
) -> None:
    page = visit(address(dashboard.entry, studied.network_id, "tasks"))
    page.get_by_label("State", exact=True).select_option("failed")
    expect(page.locator("#filter-note")).to_have_text(f"{N_FAILED} tasks")
    page.get_by_role("row").filter(has_text="failed").first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert page.get_by_role("button", name="Stop").count() == 0
    assert page.get_by_role("button", name="Retry").count() == 0


def test_workers_are_stopped_after_a_question(
    visit: Visit, controlling: Served, network: TuningNetwork
) -> None:
    start_study(network, n_workers=1, seconds=0.02)
    page = visit(controlling.entry)
    page.goto(address(f"{controlling.url}/", network.network_id, "workers"))
    expect(page.locator("#panel-workers")).to_contain_text("running")
    stop = page.get_by_role("button", name="Stop workers …")
    stop.click()
    page.get_by_role("button", name="Cancel").click()
    assert network.n_running_workers == 1
    stop.click()
    page.get_by_role("button", name="Stop workers", exact=True).click()
    expect(figure(page, "workers")).to_have_text("0")
    expect(page.locator("#panel-workers")).to_contain_text("terminated")


def test_failed_tasks_are_retried_one_or_all(
    visit: Visit, controlling: Served, network: TuningNetwork
) -> None:
    keys = network.push_failed_tasks([PLAIN] * 3, xss_extra=[DESIGN])
    page = visit(controlling.entry)
    page.goto(address(f"{controlling.url}/", network.network_id, "tasks"))
    page.get_by_role("row").filter(has_text=keys[1]).click()
    page.get_by_role("button", name="Retry", exact=True).click()
    page.get_by_role("button", name="Retry", exact=True).last.click()
    expect(figure(page, "queued")).to_have_text("1")
    assert network.queued_tasks == [keys[1]]
    page.get_by_role("button", name="Retry failed …").click()
    page.get_by_role("button", name="Retry", exact=True).click()
    expect(figure(page, "failed")).to_have_text("0")
    assert network.n_queued_tasks == 3


def test_a_network_that_is_not_there_yet_is_shown_once_it_is(
    visit: Visit, dashboard: Served, redis_url: str, network_id: str
) -> None:
    page = visit(address(dashboard.entry, network_id), allowed="404 (Not Found)")
    expect(page.locator("#notice")).to_contain_text("does not exist")
    TuningNetwork(network_id, redis=redis_url).push_tasks([PLAIN], xss_extra=[DESIGN])
    expect(figure(page, "queued")).to_have_text("1")
    expect(page.locator("#notice")).to_be_hidden()
    expect(page.locator("#panel-overview svg").first).to_be_visible()


def test_the_page_says_that_redis_is_away_and_goes_on_when_it_is_back(
    visit: Visit, own_server: ServerProcess
) -> None:
    with served(own_server.url) as dashboard:
        network = TuningNetwork("away", redis=own_server.url)
        network.push_tasks([PLAIN], xss_extra=[DESIGN])
        page = visit(address(dashboard.entry, "away"), allowed="503 (Service Unavailable)")
        expect(figure(page, "queued")).to_have_text("1")
        own_server.stop()
        expect(page.locator("#notice")).to_contain_text("Redis server cannot be reached")
        expect(figure(page, "queued")).to_have_text("1")
        own_server.start()
        own_server.wait()
        network.push_tasks([PLAIN], xss_extra=[DESIGN])
        expect(figure(page, "queued")).to_have_text("2")
        expect(page.locator("#notice")).to_be_hidden()
        page.goto("about:blank")  # before the dashboard ends


def test_the_page_says_that_its_server_is_lost_and_goes_on_when_it_is_back(
    visit: Visit, redis_url: str, studied: StudyNetwork
) -> None:
    port = free_port()
    with _served_on(port, redis_url):
        page = visit(
            address(f"http://127.0.0.1:{port}/", studied.network_id), allowed="Failed to load"
        )
        expect(page.locator("#link")).to_have_text("live")
        expect(page.locator("#panel-overview svg")).to_have_count(3)
    expect(page.locator("#notice")).to_contain_text("Connection lost")
    with _served_on(port, redis_url):
        expect(page.locator("#link")).to_have_text("live")
        expect(page.locator("#notice")).to_be_hidden()
        expect(figure(page, "finished")).to_have_text(str(N_FINISHED))


@contextmanager
def _served_on(port: int, redis_url: str) -> Iterator[None]:
    """Serve on a certain port as long as the block lasts."""
    server = new_server(make_app(redis=redis_url))
    with listen("127.0.0.1", port) as listening:
        thread = Thread(target=server.run, kwargs={"sockets": [listening]})
        thread.start()
        try:
            yield
        finally:
            server.should_exit = True
            thread.join(30.0)


def test_pictures_show_a_study_that_runs(
    visit: Visit, dashboard: Served, redis_url: str, pictures: Pictures
) -> None:
    network_id, n_tasks = pictures.network_id, pictures.n_tasks
    with TuningNetwork(network_id, redis=redis_url, max_tasks=n_tasks) as network:
        start_study(network, n_workers=pictures.n_workers, seconds=pictures.seconds)
        wait_until(
            lambda: network.n_finished_tasks > 0.5 * n_tasks,
            description="much has finished",
        )
        page = visit(address(dashboard.entry, network_id))
        for tab in pictures.tabs:
            page.goto(address(dashboard.entry, network.network_id, tab))
            page.locator(f"#panel-{tab} :is(svg, canvas, tbody tr)").first.wait_for()
            expect(page.locator(".chart-message:visible")).to_have_count(0)
            page.screenshot(path=pictures.directory / f"live-{tab}.png")
        network.stop_workers("kill")
    sizes = [path.stat().st_size for path in pictures.directory.glob("live-*.png")]
    assert len(sizes) == len(pictures.tabs)
    assert min(sizes) > 10_000
