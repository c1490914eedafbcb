"""Every page, light and dark, full and empty and failing, on a desk and on a phone, with scripts and without."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Standing
from tests.browser.places import EMPTY_PLACES, full_places
from tests.support.browser import PHONE, ZOOMED, Visitor, find_barriers, overflow, shoot, visit
from tests.support.web import Fleet, configuration, serving


def in_both_themes(page: Page, name: str) -> list[str]:
    """Look at a page in the light and in the dark; only the contrast depends on that."""
    page.emulate_media(color_scheme="light")
    shoot(page, f"{name}-light")
    barriers = find_barriers(page)
    page.emulate_media(color_scheme="dark")
    shoot(page, f"{name}-dark")
    return [*barriers, *(f"dark: {found}" for found in find_barriers(page, "color-contrast"))]


def test_every_page_is_open_to_everybody(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    barriers: list[str] = []
    for name, path in full_places(standing.ids["restarted"]).items():
        visit(page, path)
        assert page.locator("h1").count() == 1
        barriers += in_both_themes(page, f"{name}-full")
    assert barriers == []


def test_an_empty_ledger_says_what_to_do_next(empty_fleet: Fleet, tmp_path: Path, visitor: Visitor) -> None:
    barriers: list[str] = []
    with serving(tmp_path, empty_fleet.configuration) as server:
        page = visitor.enter(server.url)
        for name, path in EMPTY_PLACES.items():
            visit(page, path)
            barriers += in_both_themes(page, f"{name}-empty")
        visit(page, "/sandboxes")
        assert "sandbox-ledger acquire" in page.locator(".empty").inner_text()
        visitor.close()
    assert barriers == []


@pytest.mark.parametrize("url", ["postgresql+psycopg://nobody@127.0.0.1:1/nothing", "sqlite:////proc/no/ledger.db"])
def test_a_ledger_that_does_not_answer_never_looks_healthy(url: str, tmp_path: Path, visitor: Visitor) -> None:
    with serving(tmp_path, configuration(url)) as server:
        page = visitor.enter(server.url, is_failing=True)
        for name, path in EMPTY_PLACES.items():
            visit(page, path, 503)
            expect(page.locator("[data-fresh]")).to_contain_text("the ledger does not answer")
            assert page.locator(".word.good, .verdict.good").count() == 0
            assert page.locator(".verdict.unknown, .notice.unknown").count() == 1
            if name == "now":
                assert in_both_themes(page, f"{name}-failing") == []


def test_what_is_not_there_says_where_to_go(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url, is_failing=True)
    for path in ("/nowhere", "/sandboxes/0123456789abcdef"):
        visit(page, path, 404)
        assert in_both_themes(page, "missing-full") == []
        assert page.get_by_role("link", name="Sandboxes").count() >= 1


def test_no_page_is_wider_than_a_small_window(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    too_wide = {}
    for place, path in full_places(standing.ids["restarted"]).items():
        visit(page, path)
        for name, (width, height) in {"phone": PHONE, "zoomed": ZOOMED}.items():
            page.set_viewport_size({"width": width, "height": height})
            shoot(page, f"{place}-{name}-light", full=True)
            if overflow(page) > 0:
                too_wide[f"{place} on a {name} screen"] = overflow(page)
    assert too_wide == {}


def test_every_page_works_without_scripts(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url, javascript=False)
    for path in full_places(standing.ids["oom"]).values():
        visit(page, path)
        assert page.locator("#keys-open").is_hidden()
    page.goto("/")
    page.get_by_role("link", name="Evictions", exact=True).first.click()
    page.get_by_label("Search", exact=True).fill("reason:oom")
    page.get_by_role("button", name="Find").click()
    expect(page).to_have_url(f"{standing.url}/evictions?q=reason%3Aoom")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").first.click()
    expect(page.locator("h1")).to_contain_text(standing.ids["oom"])


def test_now_fits_a_small_screen_without_scrolling(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    visit(page, "/")
    assert page.evaluate("document.documentElement.scrollHeight") <= 800
