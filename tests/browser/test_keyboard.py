"""The keyboard alone: keys, the order of focus, and the way back."""

from __future__ import annotations

from playwright.sync_api import Page

from tests.browser.conftest import Standing
from tests.browser.places import full_places
from tests.support.browser import Visitor, visit_live, wait_live

FOCUSED = "document.activeElement"


def test_keys_go_to_every_page(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    visit_live(page, "/")
    keys = page.locator(".nav a[data-key]").evaluate_all("all => all.map(one => [one.dataset.key, one.href])")
    assert len(keys) == len({key for key, _ in keys}) == 10
    for key, url in keys:
        with page.expect_navigation(url=url):
            page.keyboard.press("g")
            page.keyboard.press(key)
        wait_live(page)


def test_slash_searches_and_an_id_jumps(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    visit_live(page, "/workers")
    page.keyboard.press("/")
    page.keyboard.type(standing.ids["warm"])
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/sandboxes/{standing.ids['warm']}")


def test_keys_are_letters_while_one_types(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    visit_live(page, "/sandboxes")
    page.keyboard.press("/")
    page.keyboard.type("gs?j/")
    assert page.locator("#search").input_value() == "gs?j/"
    assert page.locator("#keys").is_hidden()


def test_help_opens_closes_and_turns_keys_off(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    visit_live(page, "/")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert page.locator("#keys").is_hidden()
    page.keyboard.press("?")
    page.get_by_label("Keys are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    assert page.locator("#keys").is_hidden()
    visit_live(page, "/")
    page.keyboard.press("?")
    assert page.locator("#keys").is_hidden()
    page.get_by_role("button", name="Keys").click()
    assert not page.get_by_label("Keys are on").is_checked()


def test_a_key_works_before_the_next_frame_takes_the_focus_from_the_closed_help(
    standing: Standing, visitor: Visitor
) -> None:
    page = visitor.enter(standing.url)
    visit_live(page, "/")
    key = "new KeyboardEvent('keydown', { key: '?', bubbles: true })"
    page.evaluate(f"document.getElementById('keys-on').dispatchEvent({key})")
    assert page.locator("#keys").is_visible()


def test_rows_are_walked_and_opened(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    visit_live(page, "/sandboxes")
    ids = page.locator("tbody a.id").all_inner_texts()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert page.evaluate(f"{FOCUSED}.textContent") == ids[1]
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/sandboxes/{ids[0]}")


def test_the_first_tab_skips_to_the_content(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    visit_live(page, "/events")
    page.keyboard.press("Tab")
    assert page.evaluate(f"{FOCUSED}.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate(f"{FOCUSED}.id") == "main"


WATCH = """
window.walked = [];
document.addEventListener('focusin', ({ target }) => {
    walked.push([target.outerHTML.slice(0, 100), getComputedStyle(target).outlineStyle]);
});
document.addEventListener('focusout', ({ relatedTarget }) => relatedTarget || walked.push(null));
"""
"""Notes what gets the focus and how it looks then, and null when the focus has left the page behind its end."""
AT_A_TIME = 20


def walk(page: Page) -> list[tuple[str, str] | None]:
    """Press Tab until the end of the page, or until no page is that long."""
    page.evaluate(WATCH)
    walked: list[tuple[str, str] | None] = []
    for _ in range(400 // AT_A_TIME):
        for _ in range(AT_A_TIME):
            page.keyboard.press("Tab")
        walked = page.evaluate("walked")
        if None in walked:
            break
    return walked


def test_focus_is_always_seen_and_never_caught(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url)
    for path in full_places(standing.ids["oom"]).values():
        visit_live(page, path)
        walked = walk(page)
        assert None in walked, f"{path}: focus is caught at {walked[-1:]}"
        unseen = [html for html, outline in filter(None, walked) if outline == "none"]
        assert unseen == [], f"{path}: no visible focus"
        assert len(walked) > 15
