"""Light and dark: the system's choice, and one's own, without scripts."""

from __future__ import annotations

from tests.support.browser import Visitor, visit
from tests.support.web import WebServer

BACKGROUND = "getComputedStyle(document.body).backgroundColor"


def test_a_theme_is_chosen_without_scripts_and_stays(web_server: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(web_server.url, theme="light", javascript=False)
    visit(page, "/events?type=SandboxDied")
    page.get_by_role("button", name="dark").click()
    assert page.url.endswith("/events?type=SandboxDied")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    visit(page, "/")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.get_by_role("button", name="auto").click()
    assert page.locator("html").get_attribute("data-theme") is None


def test_the_choice_wins_over_the_system(web_server: WebServer, visitor: Visitor) -> None:
    dark, light = visitor.enter(web_server.url, theme="dark"), visitor.enter(web_server.url, theme="light")
    visit(dark, "/")
    visit(light, "/")
    assert dark.evaluate(BACKGROUND) != light.evaluate(BACKGROUND)
    dark.get_by_role("button", name="light").click()
    assert dark.evaluate(BACKGROUND) == light.evaluate(BACKGROUND)


def test_the_way_back_never_leaves_the_dashboard(web_server: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(web_server.url, javascript=True)
    visit(page, "/workers")
    page.locator("input[name=next]").first.evaluate("(field) => { field.value = '//example.com/'; }")
    page.get_by_role("button", name="dark").click()
    assert page.url == f"{web_server.url}/"
