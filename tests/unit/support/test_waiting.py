"""Waiting ends with the answer, or with an error that says what was waited for."""

from __future__ import annotations

import pytest

from tests.support.waiting import wait_until


def test_it_returns_the_first_answer_that_counts() -> None:
    answers = iter([None, 0, "ready"])
    assert wait_until(lambda: next(answers), what="an answer") == "ready"


def test_it_says_what_it_waited_for() -> None:
    with pytest.raises(TimeoutError, match=r"waited 0\.02 s for the moon; last answer: \[\]"):
        wait_until(list[str], what="the moon", timeout_seconds=0.02)


def test_it_looks_once_more_after_the_deadline() -> None:
    assert wait_until(lambda: "there", what="an answer", timeout_seconds=0) == "there"
