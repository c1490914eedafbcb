"""A page that stays open: what happens shows up by itself, and what is not current never looks current."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import ON_BOTH
from tests.support.browser import Visitor, visit_live
from tests.support.postgres import PostgresServer
from tests.support.web import Fleet, WebServer, configuration, open_fleet, serving

FRESH = "[data-fresh]"


def live(page: Page, path: str) -> None:
    """Open a page and wait until its stream is there."""
    visit_live(page, path)
    expect(page.locator(FRESH)).to_have_text("Live")


@ON_BOTH
def test_a_crash_shows_up_without_a_reload(fleet: Fleet, web_server: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(web_server.url)
    live(page, "/")
    page.evaluate("window.stayed = true")
    before = page.locator("[data-region=latest] tbody tr").count()
    fleet.crash(fleet.ids["warm"], exit_code=139)
    expect(page.locator("[data-region=latest] tbody tr")).to_have_count(before + 1)
    expect(page.locator("[data-region=latest] tbody tr").first).to_contain_text(fleet.ids["warm"])
    assert page.evaluate("window.stayed")


def test_a_sandbox_dies_while_it_is_looked_at(fleet: Fleet, web_server: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(web_server.url)
    live(page, f"/sandboxes/{fleet.ids['active']}")
    expect(page.locator("[data-region=head]")).to_contain_text("active")
    fleet.crash(fleet.ids["active"], oom=True)
    expect(page.locator("[data-region=head]")).to_contain_text("dead")
    expect(page.locator("[data-region=evidence]")).to_contain_text("137 OOM")


def test_focus_folds_and_begun_forms_stay_as_they_are(fleet: Fleet, web_server: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(web_server.url)
    live(page, f"/sandboxes/{fleet.ids['active']}")
    events = page.locator("[data-region=events] tbody tr[id]")
    before = events.count()
    page.locator("[data-region=act] input[name=reason]").fill("looking into it")
    fold = page.locator("[data-region=events] details[data-fold^=event]").last
    name = fold.get_attribute("data-fold")
    fold.locator("summary").click()
    fleet.provider.release(fleet.ids["active"])
    expect(events).to_have_count(before + 1)
    assert page.locator(f"details[data-fold={name}]").get_attribute("open") is not None
    assert page.evaluate("document.activeElement.closest('details')?.dataset.fold") == name
    assert page.locator("[data-region=act] input[name=reason]").input_value() == "looking into it"


def test_a_paused_page_stays_as_it_is(fleet: Fleet, web_server: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(web_server.url)
    live(page, "/events")
    page.get_by_role("link", name="Pause").click()
    page.wait_for_url("**until=**")
    before = page.locator("tbody tr").count()
    fleet.crash(fleet.ids["warm"])
    assert page.locator("body").get_attribute("data-live") is None
    page.reload()
    assert page.locator("tbody tr").count() == before
    page.get_by_role("link", name="Resume").click()
    expect(page.locator("tbody tr")).not_to_have_count(before)


def test_a_server_that_is_gone_leaves_what_is_shown_and_says_since_when(
    fleet: Fleet, web_server: WebServer, visitor: Visitor
) -> None:
    page = visitor.enter(web_server.url, is_failing=True)
    live(page, "/")
    sentence = page.locator("[data-region=verdict] p").first.inner_text()
    web_server.stop()
    expect(page.locator(FRESH)).to_contain_text("Stale since", timeout=20_000)
    assert "stale" in (page.locator("html").get_attribute("class") or "")
    assert page.locator("[data-region=verdict] p").first.inner_text() == sentence


def test_a_database_that_goes_and_comes_back(
    own_postgres_server: PostgresServer, tmp_path: Path, visitor: Visitor
) -> None:
    url = own_postgres_server.create_database()
    with open_fleet(url) as fleet:
        fleet.acquire("one", "alice")
    with serving(tmp_path, configuration(url)) as server:
        page = visitor.enter(server.url, is_failing=True)
        live(page, "/sandboxes")
        own_postgres_server.shut_down()
        expect(page.locator(FRESH)).to_contain_text("Stale since", timeout=30_000)
        assert page.locator("tbody tr").count() == 1
        page.reload()
        expect(page.locator(".verdict.unknown")).to_be_visible()
        own_postgres_server.launch()
        expect(page.locator("tbody tr")).to_have_count(1, timeout=30_000)


def test_without_a_stream_the_page_asks_by_itself(fleet: Fleet, web_server: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(web_server.url, is_failing=True)
    page.route("**/live?*", lambda route: route.fulfill(status=503, headers={"Retry-After": "30"}))
    visit_live(page, "/")
    expect(page.locator(FRESH)).to_contain_text("asked every", timeout=20_000)
    before = page.locator("[data-region=latest] tbody tr").count()
    fleet.crash(fleet.ids["warm"])
    expect(page.locator("[data-region=latest] tbody tr")).to_have_count(before + 1, timeout=20_000)
