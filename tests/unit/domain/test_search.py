"""The filter language: what it reads, what it refuses, and that it reads back what it writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.domain.errors import InvalidSearchError
from provider.domain.events import END_REASONS
from provider.domain.search import Search, format_search, parse_search

NOW = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)


def parse(text: str) -> Search:
    return parse_search(text, NOW)


def test_every_key() -> None:
    text = "status:warm user:x image:y host:h worker:w backend:docker thread:t reason:oom expected:no since:1h until:5m"
    assert parse(text) == Search(
        status=("warm",), user=("x",), image=("y",), host=("h",), worker=("w",), backend=("docker",), thread=("t",),
        reason=("oom",), expected=False, since=NOW - timedelta(hours=1), until=NOW - timedelta(minutes=5),
        since_text="1h", until_text="5m",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Search()),
        ("  \t ", Search()),
        ("0123abcd", Search(words=("0123abcd",))),
        ("one two", Search(words=("one", "two"))),
        ("status:warm,active", Search(status=("warm", "active"))),
        ("status:warm status:active status:warm", Search(status=("warm", "active"))),
        ("STATUS:warm", Search(status=("warm",))),
        ("image:python:3.12", Search(image=("python:3.12",))),
        ('image:"my image, mine"', Search(image=("my image, mine",))),
        (r'user:"a \"b\" \\"', Search(user=('a "b" \\',))),
        ('"user:x"', Search(words=("user:x",))),
        ("user:ali*", Search(user=("ali*",))),
        ("expected:yes", Search(expected=True)),
        ("since:2026-11-24T12:00", Search(since=NOW.replace(hour=12, minute=0), since_text="2026-11-24T12:00")),
        ("since:2026-11-24T13:00+01:00",
         Search(since=NOW.replace(hour=12, minute=0), since_text="2026-11-24T13:00+01:00")),
    ],
)  # fmt: skip
def test_reads(text: str, expected: Search) -> None:
    assert parse(text) == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour:red", "colour: no such key; there are status, user, thread"),
        ("12:30", "12: no such key"),
        ("status:hot", "status:hot: no such status; there are absent, creating, active"),
        ("reason:bad", "reason:bad: no such reason; there are crashed, oom"),
        ("expected:maybe", "expected:maybe: neither yes nor no"),
        ("user:", "user: has no value"),
        ("since:soon", "since:soon: no time; write an age"),
        ("since:999999w", "since:999999w: no time"),
        ("since:1h since:2h", "since: has 2 values"),
        ("since:1h until:2h", "nothing lies between"),
        ("since:1h until:1h", "nothing lies between"),
        ('user:"x', "close them"),
        ('us"er', "close them"),
        ("x" * 1001, "longer than 1000"),
    ],
)
def test_refuses(text: str, said: str) -> None:
    with pytest.raises(InvalidSearchError) as caught:
        parse(text)
    assert said in str(caught.value)


def test_a_list_that_understands_fewer_keys() -> None:
    with pytest.raises(InvalidSearchError, match="status: no such key; there are user, since "):
        parse_search("status:warm", NOW, keys=("user", "since"))


TEXTS = st.text(min_size=1, max_size=12)
SEARCHES = st.builds(
    Search,
    status=st.lists(st.sampled_from(["warm", "active", "gone"]), unique=True).map(tuple),
    user=st.lists(TEXTS, unique=True, max_size=3).map(tuple),
    image=st.lists(TEXTS, unique=True, max_size=2).map(tuple),
    reason=st.lists(st.sampled_from(END_REASONS), unique=True).map(tuple),
    expected=st.none() | st.booleans(),
    words=st.lists(TEXTS, unique=True, max_size=3).map(tuple),
)


@given(SEARCHES)
def test_what_is_written_is_read_back(search: Search) -> None:
    assert parse(format_search(search)) == search


def test_ages_are_kept_as_ages() -> None:
    later = NOW + timedelta(days=1)
    assert parse_search(str(parse("since:1h")), later).since == later - timedelta(hours=1)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse(text)
    except InvalidSearchError:
        return
    assert parse(format_search(found)) == found
