"""The dashboard's page in a real browser: what it shows, and to whom."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.dashboard.browser import (
    PACED,
    TABS,
    Visit,
    address,
    chromium,
    figure,
    open_tab,
    visit,
    window,
)
from tests.dashboard.serving import Served
from tests.dashboard.study import MARKUP, N_FAILED, N_FINISHED, N_QUEUED, N_RUNNING, StudyNetwork
from tests.dashboard.tuning import Settings, TuningNetwork

__all__ = ["chromium", "visit", "window"]

PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.fixture
def page(visit: Visit, dashboard: Served, studied: StudyNetwork) -> Page:
    """The page of a network with something of everything."""
    return visit(address(dashboard.entry, studied.network_id))


@pytest.fixture
def plain(visit: Visit, dashboard: Served, studied: StudyNetwork) -> Page:
    """The same page where it has no chart."""
    return visit(address(dashboard.entry, studied.network_id, "schema"))


def test_the_list_names_each_network_and_leads_to_it(
    visit: Visit, dashboard: Served, studied: StudyNetwork
) -> None:
    page = visit(dashboard.entry)
    page.get_by_role("link", name=studied.network_id).click(timeout=PACED)
    expect(page.get_by_role("heading", name=studied.network_id)).to_be_visible()


def test_the_overview_shows_counts_charts_best_results_and_errors(page: Page) -> None:
    counts = {"queued": N_QUEUED, "running": N_RUNNING, "finished": N_FINISHED, "failed": N_FAILED}
    for state, count in counts.items():
        expect(figure(page, state)).to_have_text(str(count))
    expect(page.locator("#panel-overview svg")).to_have_count(3)
    best = page.get_by_role("region", name="Best results")
    expect(best.locator("tbody tr")).to_have_count(5)
    expect(best.locator("tbody tr").first.locator("td").nth(1)).to_have_text("1")
    expect(page.get_by_role("region", name="Newest errors")).to_contain_text(MARKUP[:40])
    expect(page.locator("#link")).to_have_text("live")


def test_each_other_tab_shows_what_the_network_holds(page: Page) -> None:
    open_tab(page, "timeline")
    expect(page.locator("#panel-timeline canvas")).to_have_count(1)
    open_tab(page, "results")
    expect(page.locator("#panel-results canvas")).to_have_count(3)
    open_tab(page, "tasks")
    total = N_QUEUED + N_RUNNING + N_FINISHED + N_FAILED
    expect(page.locator("#filter-note")).to_have_text(f"{total} tasks")
    open_tab(page, "workers")
    expect(page.locator("#panel-workers")).to_contain_text("worker-1")
    open_tab(page, "log")
    expect(page.locator("#panel-log")).to_contain_text("A warning with")
    open_tab(page, "schema")
    expect(page.locator("#panel-schema tbody tr").first).to_contain_text("xFloat64yes")


def test_choices_draw_the_charts_of_results_anew(page: Page) -> None:
    open_tab(page, "results")
    charts = page.locator("#panel-results figure")
    expect(charts.locator("canvas")).to_have_count(3)
    for chart, choice, value, sent in (
        (0, 1, "1", "maximise=1"),
        (1, 0, "finished_at", "x=finished_at"),
        (1, 2, "kernel", "colour=kernel"),
        (2, 0, "accuracy", "colour=accuracy"),
    ):
        select = charts.nth(chart).locator("select").nth(choice)
        with page.expect_response(re.compile(sent)) as reply:
            select.select_option(value)
        assert reply.value.status == 200
    expect(charts.locator("canvas")).to_have_count(3)


def test_markup_of_users_is_text(plain: Page) -> None:
    open_tab(plain, "tasks")
    plain.get_by_label("State", exact=True).select_option("failed")
    expect(plain.locator("#filter-note")).to_have_text(f"{N_FAILED} tasks")
    plain.get_by_role("row").filter(has_text="ValueError").click()
    dialog = plain.get_by_role("dialog")
    expect(dialog.locator(".error")).to_contain_text(f"ValueError: {MARKUP}")
    expect(dialog.locator("pre")).to_contain_text("fail_loudly")
    expect(dialog.locator("dl.values").first).to_contain_text(f"100 {MARKUP}")
    plain.keyboard.press("Escape")
    open_tab(plain, "log")
    expect(plain.locator(".record").first).to_contain_text(MARKUP)


def test_tasks_are_sorted_and_filtered(
    visit: Visit, dashboard: Served, studied: StudyNetwork
) -> None:
    page = visit(address(dashboard.entry, studied.network_id, "tasks"), allowed="400 (Bad Request)")
    note = page.locator("#filter-note")
    filter_box = page.get_by_label("Filter", exact=True)
    filter_box.fill("accuracy>=0.975")
    expect(note).to_have_text("2 tasks")
    accuracy = page.get_by_role("button", name="accuracy")
    accuracy.click()
    expect(page.get_by_role("columnheader", name="accuracy")).to_have_attribute(
        "aria-sort", "ascending"
    )
    expect(page.locator(".grid tbody tr").first).to_contain_text("0.975")
    page.get_by_role("button", name="accuracy").click()
    expect(page.get_by_role("columnheader", name="accuracy")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(page.locator(".grid tbody tr").last).to_contain_text("0.975")
    filter_box.fill("accuracy>much")
    expect(note).to_contain_text("'much'")
    expect(filter_box).to_have_attribute("aria-invalid", "true")
    filter_box.fill("")
    page.get_by_label("State", exact=True).select_option("queued")
    expect(note).to_have_text(f"{N_QUEUED} tasks")


def test_a_number_at_the_top_leads_to_its_tasks(plain: Page) -> None:
    figure(plain, "failed").click()
    expect(plain.locator("#filter-note")).to_have_text(f"{N_FAILED} tasks")


def focused(page: Page) -> str:
    """Say which element has the focus: its role, or its name, and its text."""
    found: str = page.evaluate(
        "(e => `${e.getAttribute('role') ?? e.localName} ${e.textContent}`)(document.activeElement)"
    )
    return found


def test_the_keyboard_is_enough(page: Page) -> None:
    page.get_by_role("tab", name="Overview").focus()
    for name in ("Timeline", "Results", "Tasks"):
        page.keyboard.press("ArrowRight")
        assert focused(page) == f"tab {name}"
    page.keyboard.press("End")
    assert focused(page) == "tab Schema"
    page.keyboard.press("ArrowRight")
    assert focused(page) == "tab Overview"
    for _ in range(3):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".grid tbody .state").first).to_be_visible()
    page.get_by_label("Filter", exact=True).focus()
    for _ in range(40):  # past the heads of the columns
        if focused(page).startswith("tr "):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.evaluate("document.activeElement.dataset.index")
    assert chosen == "2"
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog")
    expect(dialog).to_be_visible()
    for _ in range(6):
        page.keyboard.press("Tab")
        inside = (
            "(e => e === document.body || e.closest('dialog') !== null)(document.activeElement)"
        )
        assert page.evaluate(inside)
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    assert page.evaluate("document.activeElement.dataset.index") == chosen


def test_what_has_the_focus_can_be_seen(plain: Page) -> None:
    plain.get_by_role("tab", name="Overview").focus()
    plain.keyboard.press("ArrowRight")
    outline = "(s => [s.outlineStyle, s.outlineWidth])(getComputedStyle(document.activeElement))"
    assert plain.evaluate(outline) == ["solid", "2px"]


CONTRAST = """
(names) => {
  const context = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const channels = (name) => {
    context.fillStyle = getComputedStyle(Object.assign(document.body.appendChild(
      document.createElement("i")), {style: `color: var(${name})`})).color;
    context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (name) => channels(name)
    .map((c) => c / 255).map((c) => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const [dim, bright] = names.map(light).sort((a, b) => a - b);
  return (bright + 0.05) / (dim + 0.05);
}
"""


def test_text_stands_out_from_its_ground(plain: Page) -> None:
    for scheme in ("light", "dark"):
        plain.emulate_media(color_scheme=scheme)
        for text in ("--text", "--dim", "--accent", "--error"):
            for ground in ("--ground", "--card", "--raised"):
                assert plain.evaluate(CONTRAST, [text, ground]) >= 4.5, (scheme, text, ground)


def test_nothing_moves_for_who_wants_no_motion(plain: Page) -> None:
    plain.emulate_media(reduced_motion="reduce")
    expect(plain.locator(".meter .finished")).to_have_css("transition-property", "none")


def test_the_scheme_is_the_systems_until_it_is_switched(
    visit: Visit, dashboard: Served, studied: StudyNetwork
) -> None:
    page = visit(address(dashboard.entry, studied.network_id), color_scheme="dark")
    label = page.locator("#panel-overview svg text").first
    expect(page.locator("body")).to_have_css("background-color", "rgb(17, 19, 23)")
    expect(label).to_have_attribute("fill", "rgb(154, 162, 173)")
    switch = page.get_by_role("button", name="Colour scheme")
    switch.click()
    expect(page.locator("body")).to_have_css("background-color", "rgb(245, 246, 247)")
    expect(label).to_have_attribute("fill", "rgb(90, 97, 107)")
    page.reload()
    expect(page.locator("body")).to_have_css("background-color", "rgb(245, 246, 247)")


def test_a_phone_shows_all_tabs_without_sideways_scrolling(
    visit: Visit, dashboard: Served, studied: StudyNetwork
) -> None:
    page = visit(address(dashboard.entry, studied.network_id), **PHONE)
    expect(figure(page, "finished")).to_have_text(str(N_FINISHED))
    for tab in TABS:
        open_tab(page, tab)
        page.locator(f"#panel-{tab} :is(svg, canvas, tbody tr, .record)").first.wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, tab
    page.goto(dashboard.entry)
    expect(page.get_by_role("link", name=studied.network_id)).to_be_visible(timeout=PACED)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.fixture
def long_network(redis_url: str, network_id: str) -> TuningNetwork:
    """20,000 queued tasks."""
    network = TuningNetwork(network_id, redis=redis_url)
    network.push_tasks(
        [Settings(learning_rate=0.1, max_depth=4, subsample=0.5)] * 20_000,
        xss_extra=[{"origin": "design"}],
    )
    return network


def test_of_many_tasks_only_those_in_sight_are_elements(
    visit: Visit, dashboard: Served, long_network: TuningNetwork
) -> None:
    page = visit(address(dashboard.entry, long_network.network_id, "tasks"))
    rows = page.locator(".grid tbody tr")
    expect(page.locator("#filter-note")).to_have_text("20,000 tasks")
    assert 5 < rows.count() < 100
    page.evaluate(
        "(grid => { grid.scrollTop = grid.scrollHeight })(document.querySelector('.grid'))"
    )
    last = long_network.tasks[-1]
    expect(rows.last).to_have_attribute("aria-rowindex", "20001")
    expect(rows.last.locator("td").first).to_have_text(last)
    rows.last.focus()
    page.keyboard.press("Home")
    expect(rows.first.locator("td").first).to_have_text(long_network.tasks[0])
    page.keyboard.press("End")
    expect(rows.last.locator("td").first).to_have_text(last)
    assert rows.count() < 100
    assert page.locator("*").count() < 2500


MILLION = """
async () => {
  const { Grid } = await import("/static/grid.js");
  const calls = { label: "", show: (row) => row[0], onOpen() {}, onSort() {}, onSight() {} };
  const grid = new Grid(calls);
  grid.rowAt = (index) => [String(index)];
  grid.total = 1_000_000;
  grid.node.id = "million";
  grid.node.style.cssText = "flex: none; height: 300px";
  document.querySelector("main").replaceChildren(grid.node);
  grid.setColumns([{ name: "row", numeric: false, width: 100 }], "", false);
  grid.render();
}
"""


def test_a_million_rows_can_be_reached_one_by_one(plain: Page) -> None:
    plain.evaluate(MILLION)
    rows = plain.locator("#million tbody tr")
    plain.evaluate("(grid => { grid.scrollTop = 1e9 })(document.querySelector('#million'))")
    expect(rows.last).to_have_text("999999")
    rows.last.click()
    plain.keyboard.press("ArrowUp")
    assert focused(plain) == "tr 999998"
    plain.keyboard.press("Home")
    assert focused(plain) == "tr 0"
    for _ in range(20):
        plain.keyboard.press("ArrowDown")
    assert focused(plain) == "tr 20"
    plain.keyboard.press("End")
    assert focused(plain) == "tr 999999"
    assert rows.count() < 20
