"""Light and dark: the system's choice, and one's own, without scripts."""

from __future__ import annotations

from tests.browser.conftest import Standing
from tests.support.browser import Visitor, visit

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_a_theme_is_chosen_without_scripts_and_stays(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url, theme="light", javascript=False)
    visit(page, "/events?type=SandboxDied")
    page.get_by_role("button", name="dark").click()
    assert page.url.endswith("/events?type=SandboxDied")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    visit(page, "/")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_role("button", name="auto").click()
    assert page.locator("html").get_attribute("data-theme") is None


def test_the_choice_wins_over_the_system(standing: Standing, visitor: Visitor) -> None:
    dark, light = visitor.enter(standing.url, theme="dark"), visitor.enter(standing.url, theme="light")
    visit(dark, "/")
    visit(light, "/")
    assert dark.evaluate(BACKGROUND) != light.evaluate(BACKGROUND)
    dark.get_by_role("button", name="light").click()
    assert dark.evaluate(BACKGROUND) == light.evaluate(BACKGROUND)


def test_the_way_back_never_leaves_the_dashboard(standing: Standing, visitor: Visitor) -> None:
    page = visitor.enter(standing.url, javascript=True)
    visit(page, "/workers")
    page.locator("input[name=next]").first.evaluate("(field) => { field.value = '//example.com/'; }")
    page.get_by_role("button", name="dark").click()
    assert page.url == f"{standing.url}/"
