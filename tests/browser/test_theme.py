"""Light and dark: the system's choice, and one's own, without scripts."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import Standing
from tests.support.browser import Visitor, visit

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_a_theme_is_chosen_without_scripts_and_stays(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url, theme="light", javascript=False)
    visit(page, "/events?type=SandboxDied")
    page.get_by_role("button", name="dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.url.endswith("/events?type=SandboxDied")
    visit(page, "/")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="auto").click()
    expect(page.locator("html:not([data-theme])")).to_be_attached()


def test_the_choice_wins_over_the_system(standing: Standing, visitor: Visitor) -> None:
    dark, light = visitor.enter(standing.url, theme="dark"), visitor.enter(standing.url, theme="light")
    visit(dark, "/")
    visit(light, "/")
    assert dark.evaluate(BACKGROUND) != light.evaluate(BACKGROUND)
    dark.get_by_role("button", name="light").click()
    expect(dark.locator("html")).to_have_attribute("data-theme", "light")
    assert dark.evaluate(BACKGROUND) == light.evaluate(BACKGROUND)


def test_the_way_back_never_leaves_the_dashboard(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url, javascript=True)
    visit(page, "/workers")
    page.locator("input[name=next]").first.evaluate("(field) => { field.value = '//example.com/'; }")
    page.get_by_role("button", name="dark").click()
    expect(page).to_have_url(f"{standing.url}/")
