"""What is said of a state: expected is no failure, unknown is neither."""

from __future__ import annotations

import pytest

from provider.domain.wording import count_of
from provider.reading.insights import STATUSES
from web.presentation.words import say_end, say_exit, say_outcome, say_status, show_count


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_has_a_word(status: str) -> None:
    assert say_status(status).text == status
    assert say_status(status).kind != "unknown"


@pytest.mark.parametrize("status", [None, "resurrected"])
def test_a_status_nobody_knows_looks_like_nothing_else(status: str | None) -> None:
    assert say_status(status).kind == "unknown"


@pytest.mark.parametrize(
    ("reason", "expected", "text", "kind"),
    [
        ("oom", False, "oom", "bad"),
        ("idle", True, "idle", "expected"),
        ("crashed", None, "crashed", "unknown"),
        (None, None, "unknown", "unknown"),
        (None, False, "start failed", "bad"),
    ],
)
def test_an_end_is_a_failure_only_when_it_was_not_expected(
    reason: str | None, expected: bool | None, text: str, kind: str
) -> None:
    said = say_end(reason, expected)
    assert (said.text, said.kind) == (text, kind)


@pytest.mark.parametrize(
    ("code", "oom", "text", "kind"),
    [
        (0, False, "0", "plain"),
        (137, False, "137", "plain"),
        (137, True, "137 OOM", "plain"),
        (None, True, "OOM", "plain"),
        (None, None, "unknown", "unknown"),
    ],
)
def test_exit_codes(code: int | None, oom: bool | None, text: str, kind: str) -> None:
    said = say_exit(code, oom)
    assert (said.text, said.kind) == (text, kind)


def test_an_action_without_an_outcome_is_under_way() -> None:
    assert say_outcome(None).kind == "under-way"
    assert say_outcome("found_nothing").text == "found nothing"
    assert say_outcome("brand_new").kind == "unknown"


def test_counts() -> None:
    assert count_of(1, "end") == "1 end"
    assert count_of(12_345, "end") == "12,345 ends"
    assert count_of(2, "bus", "buses") == "2 buses"
    assert show_count(10_001, 10_000) == ">10,000"
    assert show_count(10_000, 10_000) == "10,000"
    assert show_count(None) == "?"
