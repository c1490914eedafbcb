"""A real browser for tests, driven as people use it. Whatever a page complains about fails the test that opened it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response, sync_playwright

from tests.support.requirements import UnavailableError

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
DESKTOP = (1280, 800)
PHONE = (360, 740)
ZOOMED = (320, 256)
"""A window of 1280 by 1024 at 400 %."""
ARGUMENTS = ("--no-sandbox", "--disable-background-networking", "--disable-gpu", "--disable-dev-shm-usage")

Theme = Literal["light", "dark"]


@contextlib.contextmanager
def open_chromium() -> Iterator[Browser]:
    """Start the system's Chromium; while Playwright runs, its thread has an event loop."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        raise UnavailableError("no Chromium is installed (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody with a browser. `problems` is everything that pages complained about."""

    browser: Browser
    problems: list[str] = field(default_factory=list)
    contexts: list[BrowserContext] = field(default_factory=list)

    def enter(
        self,
        base_url: str,
        *,
        theme: Theme = "light",
        size: tuple[int, int] = DESKTOP,
        javascript: bool = True,
        is_failing: bool = False,
    ) -> Page:
        """Open an empty tab of a new browser session; a failing page may answer with an error status."""
        context = self.browser.new_context(
            base_url=base_url,
            viewport={"width": size[0], "height": size[1]},
            color_scheme=theme,
            java_script_enabled=javascript,
            reduced_motion="reduce",
        )
        context.set_default_timeout(10_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self._heard(message, is_failing=is_failing))
        page.on("pageerror", lambda error: self.problems.append(f"{page.url}: {error}"))
        return page

    def close(self) -> None:
        """Close everything that was opened, before its server goes. Idempotent."""
        while self.contexts:
            self.contexts.pop().close()

    def _heard(self, message: ConsoleMessage, *, is_failing: bool) -> None:
        expected = is_failing and "Failed to load resource" in message.text
        if message.type in ("error", "warning") and not expected:
            self.problems.append(f"{message.page.url if message.page else ''}: {message.text}")


def visit(page: Page, path: str, status: int = 200) -> Response:
    """Go to a page and expect its status."""
    answer = page.goto(path)
    assert answer is not None
    assert answer.status == status, f"{path}: {answer.status}\n{answer.text()[:2000]}"
    return answer


def visit_live(page: Page, path: str) -> None:
    """Go to a page, and wait until its scripts are at work."""
    visit(page, path)
    wait_live(page)


def wait_live(page: Page) -> None:
    """Wait until the page's scripts are at work."""
    page.locator("html.has-js").wait_for(state="attached")


def shoot(page: Page, name: str, *, full: bool = False) -> None:
    """Keep a picture in build/screens, to be looked at, where the environment's SCREENS asks for pictures."""
    if not os.environ.get("SCREENS"):
        return
    SCREENS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENS / f"{name}.png", full_page=full)


def find_barriers(page: Page, *rules: str) -> list[str]:
    """List what keeps people out, as axe-core finds it by these rules (all without any)."""
    only = {"runOnly": {"type": "rule", "values": list(rules)}} if rules else {}
    violations = Axe().run(page, options={"resultTypes": ["violations"], **only}).response["violations"]
    return [
        f"{page.url}: {one['id']}: {node['target']} {node['html'][:200]}" for one in violations for node in one["nodes"]
    ]


def overflow(page: Page) -> int:
    """Tell how many pixels the page is wider than its window."""
    found: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found
