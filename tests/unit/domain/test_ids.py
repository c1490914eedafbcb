"""Ids: derived without ambiguity, checked at the boundary."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.domain.errors import InvalidIdError, SandboxError
from provider.domain.ids import MAX_NAME_LENGTH, check_name, derive_sandbox_id, parse_sandbox_id

PAIRS = [
    (None, "x"), ("None", "x"), ("null", "x"), ("", "x"), (None, "null"),
    ("a", "b:c"), ("a:b", "c"), ("a:b:c", ""), ("a", "b"), ("b", "a"), ("ab", ""), ("", "ab"),
    ('a","b', "c"), ("a", 'b","c'), ('["a"', "]"), ("a\\", "b"), ("a", "\\b"),
    ("é", "x"), ("e\u0301", "x"), ("\uff21", "x"), ("A", "x"), ("a ", "b"), ("a", " b"),
]  # fmt: skip


def test_no_two_pairs_share_an_id() -> None:
    ids = {derive_sandbox_id(user, thread) for user, thread in PAIRS}
    assert len(ids) == len(PAIRS)


@given(st.tuples(st.none() | st.text(), st.text()), st.tuples(st.none() | st.text(), st.text()))
def test_ids_differ_where_pairs_differ(one: tuple[str | None, str], other: tuple[str | None, str]) -> None:
    assert (derive_sandbox_id(*one) == derive_sandbox_id(*other)) == (one == other)


def test_an_id_is_the_same_for_ever() -> None:
    """Another version that derives other ids would lose every sandbox."""
    assert derive_sandbox_id("alice", "thread-1") == "8ba10d2ff15cc9eb"
    assert derive_sandbox_id(None, "thread-1") == "fdd44be3889d1e69"


@given(st.none() | st.text(), st.text())
def test_a_derived_id_is_accepted(user: str | None, thread: str) -> None:
    derived = derive_sandbox_id(user, thread)
    assert parse_sandbox_id(derived) == derived


@pytest.mark.parametrize(
    "text", ["", "0" * 15, "0" * 17, "G" * 16, "A" * 16, " " * 16, "0" * 15 + "\n", "\u0663" * 16, None, 5]
)
def test_other_ids_are_refused(text: object) -> None:
    with pytest.raises(InvalidIdError):
        parse_sandbox_id(text)


CONTROLS = ["\0", "\t", "\n", "\r", "\x1b", "\x7f", "\x85", "\x9f", "\ud800", "\udfff"]


@pytest.mark.parametrize(
    "name",
    [
        "",
        " ",
        "\u2003",
        "a" * (MAX_NAME_LENGTH + 1),
        *(f"a{character}b" for character in CONTROLS),
        5,
        b"a",
        ["a"],
        True,
    ],
)
def test_names_that_cannot_be_carried_are_refused(name: object) -> None:
    with pytest.raises(InvalidIdError, match=r"^user_id"):
        check_name("user_id", name)


def test_a_refusal_is_short_and_printable() -> None:
    with pytest.raises(SandboxError) as refusal:
        check_name("thread_id", "\x1b[31m" + "x" * 10_000)
    assert str(refusal.value).isprintable()
    assert len(str(refusal.value)) < 200


@pytest.mark.parametrize(
    "name",
    [
        "a",
        "a" * MAX_NAME_LENGTH,
        "Ünïcödé",
        "\u7528\u6237-7",
        "\U0001f469\u200d\U0001f4bb",
        "a b",
        "a/b:c#d",
        "'; --",
        "%s",
    ],
)
def test_printable_names_are_taken_as_they_are(name: str) -> None:
    assert check_name("user_id", name) == name


def test_no_name_is_a_name() -> None:
    assert check_name("user_id", None) is None


def test_every_control_character_is_refused() -> None:
    for code in itertools.chain(range(0x20), range(0x7F, 0xA0)):
        with pytest.raises(InvalidIdError):
            check_name("user_id", f"a{chr(code)}b")
