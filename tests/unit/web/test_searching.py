"""Links that narrow a search, and what cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime

from web.pages.searching import SANDBOX_KEYS, ask
from web.presentation.address import Address

NOW = datetime(2026, 3, 28, 14, 0, tzinfo=UTC)


def here(query: str) -> Address:
    return Address.of("/sandboxes", {"q": query, "sort": "user_id", "cursor": "abc"})


def test_a_chip_sets_its_term_and_starts_from_the_beginning() -> None:
    chips = {chip.text: chip for chip in ask(here("user:alice status:warm"), NOW).chips("status", ("warm", "dead"))}
    assert chips["dead"].url == "/sandboxes?q=status:dead%20user:alice&sort=user_id"
    assert not chips["dead"].is_current


def test_the_current_chip_takes_its_term_out() -> None:
    chips = {chip.text: chip for chip in ask(here("status:warm"), NOW).chips("status", ("warm",))}
    assert chips["warm"].is_current
    assert chips["warm"].url == "/sandboxes?sort=user_id"


def test_a_time_range_replaces_the_one_before() -> None:
    chips = {chip.text: chip for chip in ask(here("since:1h until:5m"), NOW).since_chips()}
    assert chips["1h"].is_current
    assert chips["24h"].url == "/sandboxes?q=since:24h&sort=user_id"


def test_flags_have_names_of_their_own() -> None:
    yes, no = ask(here("expected:no"), NOW).flag_chips("expected", ("expected", "unexpected"))
    assert (yes.is_current, no.is_current) == (False, True)
    assert yes.url == "/sandboxes?q=expected:yes&sort=user_id"


def test_what_cannot_be_read_is_said_and_finds_nothing() -> None:
    question = ask(here("colour:red"), NOW, SANDBOX_KEYS)
    assert question.error is not None
    assert "colour" in question.error
    assert question.text == "colour:red"
