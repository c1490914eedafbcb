"""S108: who can write the database and has not the key cannot make the next honest seal vouch for a forged log."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.events import LedgerSealed
from provider.domain.ids import sandbox_stream
from provider.domain.log import GENESIS_HASH
from provider.store.log.event_store import SqlEventStore
from provider.store.projections.rebuild import rebuild
from tests.acceptance.test_verify import KEY, Site
from tests.contract.store_support import console, link, unguarded
from tests.support.web import open_app


@pytest.fixture
def site(tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A ledger of two users, whose seal this host has made."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    found = Site(tmp_path, database_url, seal_key=KEY)
    found.live(user="bob")
    assert found.command_line.run("seal").code == 0
    return found


def erase(site: Site, user: str) -> None:
    """Erase a user and all seals, chain what is left anew, and rebuild the tables, as this code lets anybody do."""
    store = open_store(load_settings(site.settings))
    log = list(store.read_all())
    gone = {
        sandbox_stream(row["sandbox_id"]) for row in site.command_line.read("ps", "--all") if row["user_id"] == user
    }
    kept = [one for one in log if one.stream not in gone and not isinstance(one.event, LedgerSealed)]
    assert len(kept) < len(log) - 1
    forge(store, [one.position for one in log if one not in kept])
    rebuild(store.database)
    store.close()


def forge(store: SqlEventStore, erased: list[int]) -> None:
    statements = [f"DELETE FROM events WHERE position IN ({', '.join(map(str, erased))})"]
    previous, versions, position = GENESIS_HASH, dict[str, int](), 0
    for recorded in store.read_all():
        if recorded.position in erased:
            continue
        position += 1
        version = versions[recorded.stream] = versions.get(recorded.stream, 0) + 1
        previous = link(previous, dataclasses.replace(recorded, position=position, version=version))
        values = f"position = {position}, version = {version}, hash = '{previous}'"
        statements.append(f"UPDATE events SET {values} WHERE position = {recorded.position}")
    statements.append(f"UPDATE ledger_head SET position = {position}, hash = '{previous}'")
    with console(store.database) as connection, unguarded(connection):
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_an_erased_user_is_found_before_and_after_the_next_seal_was_tried(site: Site) -> None:
    run = site.command_line.run
    assert run("verify", "--tables").code == 0
    erase(site, "alice")
    for _ in range(2):
        report = run("-o", "json", "verify", "--tables")
        assert report.code == 1
        assert {one["rule"] for one in report.document["problems"]} <= {"truncated", "rewritten"}
        refused = run("seal")
        assert (refused.code, refused.stdout) == (1, "")
        assert "does not go on from the last seal made on this host" in refused.error
        assert "--accept" in refused.error
    assert "LedgerSealed" not in site.command_line.run("events").stdout


def test_it_is_found_too_when_as_many_events_were_put_in_its_place(site: Site) -> None:
    erase(site, "alice")
    for _ in range(3):
        site.live(user="mallory")
    (problem,) = site.command_line.run("-o", "json", "verify").document["problems"]
    assert problem["rule"] == "rewritten"
    assert site.command_line.run("seal").code == 1


def test_doctor_and_the_first_page_say_so(site: Site) -> None:
    erase(site, "alice")
    told = site.command_line.run("doctor")
    assert told.code == 1
    assert "last seal made on this host" in told.stdout
    with open_app(site.settings) as app:
        assert "last seal made on this host" in app.test_client().get("/").text


def test_a_log_that_was_put_back_on_purpose_is_accepted_by_an_operator(site: Site, tmp_path: Path) -> None:
    erase(site, "alice")
    accepted = site.command_line.run("seal", "--accept")
    assert accepted.code == 0
    assert site.command_line.run("verify").code == 0
    kept = sorted((tmp_path / "state" / "sandbox-ledger" / "seals").iterdir())
    assert [one.suffix.partition("-")[0] for one in kept] == [".txt", ".until"]
    assert json.loads(kept[0].read_text()) == json.loads(accepted.stdout)
    assert {one.stat().st_mode & 0o777 for one in kept} == {0o600}
