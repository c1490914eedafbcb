"""Once the oldest events are in an archive: page, API and command line tell the same of the same moment, and say so."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from provider.domain.log import RecordedEvent
from tests.contract.archive_support import archive
from tests.integration.cli.ledger import Ledger
from tests.support.command_line import CommandLine
from tests.support.web import configuration, open_app


class House:
    """A ledger whose first five events (four of one sandbox, one of another) are in an archive, and its three doors."""

    def __init__(self, url: str, client: FlaskClient, cli: CommandLine, log: list[RecordedEvent], bundle: str) -> None:
        self.url, self.client, self.cli, self.log, self.bundle = url, client, cli, log, bundle

    def ask(self, path: str) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(self.client.get(path).text)
        return answer

    def page_facts(self, path: str) -> dict[str, str]:
        text = self.client.get(path).text
        notice = text[text.index('id="as-of-title"') : text.index("</section>", text.index('id="as-of-title"'))]
        return dict(re.findall(r"<dt>([^<]*)</dt><dd class=\"mono\">([^<]*)</dd>", html.unescape(notice)))


@pytest.fixture
def house(database_url: str, tmp_path: Path) -> Iterator[House]:
    ledger = Ledger(database_url)
    first, second = ledger.start("first", "alice"), ledger.start("second", "bob")
    ledger.crash(first)
    ledger.crash(second)
    log = list(ledger.store.read_all())
    assert [one.stream.endswith(first) for one in log[:5]] == [True, True, True, True, False]
    report = archive(ledger.store, 5, tmp_path)
    ledger.close()
    cli = CommandLine(tmp_path, {"database": {"url": database_url}})
    with open_app(configuration(database_url)) as app:
        yield House(database_url, app.test_client(), cli, log, report.bundles[0])


def test_the_three_doors_agree_at_every_moment_since(house: House) -> None:
    for last in house.log[5:]:
        sandbox_id = last.stream.removeprefix("sandbox:")
        for asked in (str(last.position), _written(last.recorded_at)):
            name = "position" if asked.isdecimal() else "at"
            told = house.ask(f"/api/v1/sandboxes/{sandbox_id}/as-of?{name}={asked}")
            facts = house.page_facts(f"/sandboxes/{sandbox_id}?at={asked}")
            assert facts["status"] == told["sandbox"]["status"]
            assert facts["generation"] == str(told["sandbox"]["generation"]) == "1"
            assert facts["user_id"] == told["sandbox"]["user_id"]
            assert facts["container_id"] == told["generations"][0]["container_id"] == "c1"


def test_the_command_line_tells_what_the_api_tells(house: House) -> None:
    position = house.log[5].position
    for row in house.cli.read("ps", "--all", "--as-of", str(position)):
        told = house.ask(f"/api/v1/sandboxes/{row['sandbox_id']}/as-of?position={position}")
        assert (row["status"], row["generation"]) == (told["sandbox"]["status"], told["sandbox"]["generation"])
        assert {**row, "crashes": None} == {**told["sandbox"], "crashes": None}


def test_before_the_cut_all_three_say_where_to_ask(house: House) -> None:
    sandbox_id = house.log[0].stream.removeprefix("sandbox:")
    said = f"begins behind event 5, those before are in {house.bundle}"
    assert said in house.client.get(f"/sandboxes/{sandbox_id}?at=2").text
    assert said in house.client.get("/past?at=2").text
    assert said in house.client.get(f"/api/v1/sandboxes/{sandbox_id}/as-of?position=2").text
    assert said in house.cli.run("history", sandbox_id, "--as-of", "2").error


def test_an_event_changes_only_what_it_changed(house: House) -> None:
    died = next(one for one in house.log[5:] if one.event.type == "SandboxDied")
    text = house.client.get(f"/sandboxes/{died.stream.removeprefix('sandbox:')}").text
    row = text[text.index(f'id="event-{died.position}"') :].partition('<tr id="event-')[0]
    changed = re.findall(r'<th scope="row">([^<]*)</th><td>(?:<del>([^<]*)</del>)?', row)
    assert changed == [("g1.detected_by", ""), ("g1.died_at", ""), ("holders", "w1"), ("status", "active")]


def test_the_pages_say_how_much_is_in_an_archive_and_where(house: House) -> None:
    first, second = house.log[0].stream.removeprefix("sandbox:"), house.log[4].stream.removeprefix("sandbox:")
    assert f"4 earlier events are in archive {house.bundle}." in house.client.get(f"/sandboxes/{first}").text
    assert f"1 earlier event is in archive {house.bundle}." in house.client.get(f"/sandboxes/{second}").text
    assert f"events up to 5 are in archive {house.bundle}." in house.client.get("/events").text


def _written(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
