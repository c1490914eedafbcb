"""Signing in with a token, as people do, and coming from a link elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.support.browser import Theme, Visitor, find_barriers, shoot, visit
from tests.support.signing_in import TOKENS, token_settings
from tests.support.web import Fleet, WebServer, configuration, serving


@pytest.fixture
def guarded(fleet: Fleet, tmp_path: Path) -> Iterator[WebServer]:
    """A server where people sign in."""
    with serving(tmp_path, configuration(fleet.url, **token_settings())) as server:
        yield server


def test_the_keyboard_alone_signs_in_and_back_to_where_one_was_going(guarded: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(guarded.url, javascript=False, is_failing=True)
    visit(page, "/evictions?q=reason:oom")
    page.locator("[name=name]:focus").wait_for()
    page.keyboard.type("alice")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong\n")
    page.get_by_role("alert").wait_for()
    shoot(page, "login-refused")
    assert page.get_by_label("Name").input_value() == "alice"
    page.locator("[name=token]:focus").wait_for()
    page.keyboard.type(f"{TOKENS['alice']}\n")
    page.get_by_role("button", name="Sign out").wait_for()
    assert page.url == f"{guarded.url}/evictions?q=reason:oom"
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(f"{guarded.url}/login")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_form_keeps_nobody_out(guarded: WebServer, visitor: Visitor, theme: Theme) -> None:
    page = visitor.enter(guarded.url, theme=theme)
    visit(page, "/login")
    assert find_barriers(page) == []


def test_a_link_on_another_site_leads_to_the_page_and_not_to_the_form(guarded: WebServer, visitor: Visitor) -> None:
    page = visitor.enter(guarded.url)
    visit(page, "/login")
    page.get_by_label("Name").fill("victor")
    page.get_by_label("Token").fill(TOKENS["victor"])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    page.route("http://elsewhere.test/", lambda route: route.fulfill(body=f"<a href='{guarded.url}/workers'>x</a>"))
    page.goto("http://elsewhere.test/")
    page.get_by_role("link").click()
    page.get_by_role("button", name="Sign out").wait_for()
    assert page.url == f"{guarded.url}/workers"
