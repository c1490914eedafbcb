"""What templates may call, by name: the words, times and numbers of the other modules here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from provider.reading.wording import count_of, format_size
from web.presentation import moments, words

FILTERS: Mapping[str, Callable[..., Any]] = {
    "ago": moments.say_ago,
    "clock": moments.show_clock,
    "exact": moments.show_exact,
    "machine": moments.show_machine,
    "seconds": moments.say_seconds,
    "size": format_size,
    "status_word": words.say_status,
    "outcome_word": words.say_outcome,
    "cause_word": words.say_cause,
    "noticed": words.say_noticed,
    "count": words.show_count,
    "count_of": count_of,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "end_word": words.say_end,
    "exit_word": words.say_exit,
}
