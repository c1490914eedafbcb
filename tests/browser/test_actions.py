"""What operators do, with the forms that they use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from provider import CrashLoopBackOff, SandboxProvider, open_provider
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.config.settings import Settings
from tests.support.acceptance.engines import ProcessAcceptanceEngine
from tests.support.browser import Visitor, visit
from tests.support.web import WebServer, configuration, serving

REASON = "it ate all memory"


@dataclass
class Operated:
    """A ledger of processes, which a server of another process can act on."""

    provider: SandboxProvider
    server: WebServer
    settings: Settings

    def crash(self, thread: str) -> str:
        """Use the thread's sandbox and kill its process; returns its id when the worker has noticed."""
        sandbox_id = self.provider.acquire(thread, user_id="alice")
        with contextlib.closing(open_store(self.settings)) as store:
            ledger_id = store.ledger_id
        engine = ProcessAcceptanceEngine()
        (running,) = engine.connect(self.settings, ledger_id).list_running()
        engine.kill(running, self.settings, ledger_id)
        assert self.provider.get(sandbox_id) is None
        return sandbox_id


@pytest.fixture
def operated(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Operated]:
    """Give sandboxes that are real processes, and a dashboard over them; two crashes are one too many."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    settings = configuration(database_url)
    settings["sandbox"]["restart_backoff"] = {"free": 1, "initial": 300}
    with open_provider(settings) as provider, serving(tmp_path, settings) as server:
        yield Operated(provider, server, load_settings(settings))
        for thread in ("one", "two"):
            provider.destroy(provider.acquire(thread, user_id="alice"))


def act(page: Page, action: str, reason: str = REASON) -> None:
    """Fill in the form and send it."""
    form = page.locator("form.act")
    form.get_by_label("Action").select_option(action)
    form.get_by_label("Reason, for the audit").fill(reason)
    form.get_by_role("button", name="Do it").click()


def test_a_sandbox_is_released_restarted_and_destroyed(operated: Operated, visitor: Visitor) -> None:
    sandbox_id = operated.provider.acquire("one", user_id="alice")
    page = visitor.enter(operated.server.url)
    visit(page, f"/sandboxes/{sandbox_id}")
    for action, status in (("release", "warm"), ("restart", "warm"), ("destroy", "gone")):
        act(page, action)
        expect(page.locator("[data-region=outcome]")).to_contain_text(
            f"{action} {sandbox_id}: done", use_inner_text=True
        )
        expect(page.locator("[data-region=head]")).to_contain_text(status)
    visit(page, "/audit")
    assert page.locator("tbody tr").count() == 3
    assert REASON in page.locator("tbody tr").first.inner_text()


def test_a_sandbox_that_backs_off_is_let_start_again(operated: Operated, visitor: Visitor) -> None:
    operated.crash("one")
    sandbox_id = operated.crash("one")
    with pytest.raises(CrashLoopBackOff):
        operated.provider.acquire("one", user_id="alice")
    page = visitor.enter(operated.server.url)
    visit(page, f"/sandboxes/{sandbox_id}")
    expect(page.locator("[data-region=head]")).to_contain_text("backing off until")
    act(page, "clear")
    expect(page.locator("[data-region=outcome]")).to_contain_text(f"clear {sandbox_id}: done", use_inner_text=True)
    expect(page.locator("[data-region=head]")).not_to_contain_text("backing off until")
    expect(page.locator("form.act").get_by_label("Action").locator("option[value=clear]")).to_have_count(0)
    assert operated.provider.acquire("one", user_id="alice") == sandbox_id


def test_an_action_without_a_choice_or_a_reason_is_not_sent(operated: Operated, visitor: Visitor) -> None:
    sandbox_id = operated.provider.acquire("one", user_id="alice")
    page = visitor.enter(operated.server.url)
    visit(page, f"/sandboxes/{sandbox_id}")
    page.get_by_role("button", name="Do it").click()
    page.locator("form.act").get_by_label("Action").select_option("destroy")
    page.get_by_role("button", name="Do it").click()
    assert page.url.endswith(f"/sandboxes/{sandbox_id}")
    visit(page, "/audit")
    assert page.locator("tbody tr").count() == 0


def test_a_decision_on_what_is_no_longer_so_is_refused(operated: Operated, visitor: Visitor) -> None:
    sandbox_id = operated.provider.acquire("one", user_id="alice")
    page = visitor.enter(operated.server.url, javascript=False, is_failing=True)
    visit(page, f"/sandboxes/{sandbox_id}")
    operated.provider.release(sandbox_id)
    act(page, "destroy")
    expect(page.locator("main")).to_contain_text("look at it again")
    visit(page, f"/sandboxes/{sandbox_id}")
    assert "warm" in page.locator("[data-region=head]").inner_text()


def test_all_that_match_are_destroyed_after_their_number_was_typed(operated: Operated, visitor: Visitor) -> None:
    for thread in ("one", "two"):
        operated.provider.acquire(thread, user_id="alice")
    page = visitor.enter(operated.server.url, javascript=False)
    visit(page, "/sandboxes?q=user:alice")
    page.locator("details.below summary").click()
    page.get_by_label("Type 2 to mean all of them").fill("2")
    act(page, "destroy")
    expect(page.locator("[data-region=outcome]")).to_contain_text("done", use_inner_text=True)
    visit(page, "/sandboxes?q=user:alice status:gone")
    assert page.locator("tbody tr").count() == 2


def test_a_sweep_is_tried_and_run(operated: Operated, visitor: Visitor) -> None:
    page = visitor.enter(operated.server.url, javascript=False)
    visit(page, "/sweeps")
    for action in ("dry_run", "sweep"):
        act(page, action)
        expect(page.locator("[data-region=outcome]")).to_contain_text("done", use_inner_text=True)
    assert page.locator("tbody tr").count() >= 1
