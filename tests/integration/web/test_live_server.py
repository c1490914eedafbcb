"""Streams on a real server: what reaches a browser, how many may be open, and how they end."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.waiting import wait_until
from tests.support.web import Fleet, WebServer, configuration, serving

Lines = Iterator[str]


@contextmanager
def stream(server: WebServer, path: str = "/live", **headers: str) -> Iterator[tuple[httpx.Response, Lines]]:
    with httpx.stream("GET", f"{server.url}{path}", headers=headers, timeout=30) as answer:
        yield answer, answer.iter_lines()


def read(lines: Lines, event: str) -> dict[str, Any]:
    """Read on to the next event of a kind."""
    for line in lines:
        if line == f"event: {event}":
            position, data = next(lines), next(lines)
            document: dict[str, Any] = json.loads(data.removeprefix("data: "))
            assert position == f"id: {document['position']}"
            return document
    raise AssertionError(f"the stream ended before a {event}")


@pytest.fixture
def small_server(empty_fleet: Fleet, tmp_path: Path) -> Iterator[WebServer]:
    """A server with room for two streams."""
    with serving(tmp_path, configuration(empty_fleet.url, threads=4)) as server:
        yield server


def test_a_crash_is_told_while_the_page_is_open(web_server: WebServer, fleet: Fleet) -> None:
    with stream(web_server) as (answer, lines):
        assert answer.headers["Content-Type"] == "text/event-stream; charset=utf-8"
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Server"] == "sandbox-ledger"
        begun = read(lines, "heartbeat")
        fleet.crash(fleet.ids["active"])
        while not (told := read(lines, "change"))["sandbox_ids"]:
            assert told["topics"] == ["all"], "the head poller has only begun"
        assert told["position"] > begun["position"]
        assert told["sandbox_ids"] == [fleet.ids["active"]]
        assert told["topics"] == ["sandbox"]


def test_after_a_break_what_was_missed_is_told(web_server: WebServer, fleet: Fleet) -> None:
    with stream(web_server) as (_, lines):
        seen = read(lines, "heartbeat")["position"]
    fleet.crash(fleet.ids["active"])
    for path, headers in (("/live", {"Last-Event-ID": str(seen)}), (f"/live?after={seen}", {})):
        with stream(web_server, path, **headers) as (_, lines):
            assert read(lines, "change")["sandbox_ids"] == [fleet.ids["active"]]


def test_streams_take_half_the_threads_and_pages_are_still_answered(small_server: WebServer) -> None:
    with ExitStack() as stack:
        # Kept: a stream whose lines nobody can read any more is closed.
        opened = [stack.enter_context(stream(small_server)) for _ in range(2)]
        for _, lines in opened:
            read(lines, "heartbeat")
        refused, _ = stack.enter_context(stream(small_server))
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "30")
        assert httpx.get(f"{small_server.url}/").status_code == 200
        assert httpx.get(f"{small_server.url}/livez").text == "ok\n"


def test_a_page_that_was_closed_gives_its_place_back_at_once(small_server: WebServer) -> None:
    for _ in range(6):
        with stream(small_server) as (answer, lines):
            assert answer.status_code == 200
            read(lines, "heartbeat")

        def is_free() -> bool:
            with stream(small_server) as (first, _), stream(small_server) as (second, _):
                return first.status_code == second.status_code == 200

        wait_until(is_free, what="a free place", timeout_seconds=5)


def test_the_server_ends_at_once_although_streams_are_open(small_server: WebServer) -> None:
    with stream(small_server) as (_, lines):
        read(lines, "heartbeat")
        began = time.monotonic()
        small_server.process.terminate()
        for _ in lines:
            pass
        assert time.monotonic() - began < 8, "the server waits 10 s for requests that do not end"
        assert small_server.wait() == 0


def test_what_a_trusted_proxy_forwards_arrives_and_what_a_client_disguises_does_not(
    empty_fleet: Fleet, tmp_path: Path
) -> None:
    proxy = {"trusted_addresses": ["127.0.0.1"], "roles": {"alice": "operator"}}
    with serving(tmp_path, configuration(empty_fleet.url, auth="proxy", proxy=proxy)) as server:
        assert "<b>alice</b> (operator)" in httpx.get(server.url, headers={"X-Forwarded-User": "alice"}).text
        assert httpx.get(server.url, headers={"X_Forwarded_User": "alice"}).status_code == 403
        twice = [("X-Forwarded-User", "mallory"), ("X-Forwarded-User", "alice")]
        assert httpx.get(server.url, headers=twice).status_code == 403
