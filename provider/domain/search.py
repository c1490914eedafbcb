r"""The filter language of the lists: `status:warm user:alice image:"my image" since:1h`, and free words.

A value is bare or in double quotes (`\"` and `\\` inside them); `*` at its end stands for anything that follows. A
key given twice, or values divided by commas (`status:warm,active`), mean any of them. Times are ages (`30s`, `15m`,
`1h`, `7d`, `2w`) or moments in ISO 8601; without a zone they are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, get_args

from provider.domain.errors import InvalidSearchError
from provider.domain.events import END_REASONS
from provider.domain.state import Status
from provider.domain.times import parse_moment

KEYS = ("status", "user", "thread", "image", "host", "worker", "backend", "reason", "expected", "since", "until")
"""All there are; a list may understand fewer of them."""
MAX_LENGTH = 1000

_TERM = re.compile(r'(?:(?P<key>[A-Za-z_]+):)?(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"]*))(?=\s|$)')
_CLOSED = {"status": get_args(Status), "reason": END_REASONS}
_FLAGS = {"yes": True, "no": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is looked for. Several values of one field mean any of them, several fields all of them.

    Texts may end in `*`; `words` match an id's beginning, or part of a thread or user (a whole sandbox id: only that
    sandbox). `since` is included, `until` not; `since_text` and `until_text` are how they were written.
    """

    status: tuple[str, ...] = ()
    user: tuple[str, ...] = ()
    thread: tuple[str, ...] = ()
    image: tuple[str, ...] = ()
    host: tuple[str, ...] = ()
    worker: tuple[str, ...] = ()
    backend: tuple[str, ...] = ()
    reason: tuple[str, ...] = ()
    expected: bool | None = None
    since: datetime | None = None
    until: datetime | None = None
    since_text: str | None = None
    until_text: str | None = None
    words: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether everything matches."""
        return self == Search()

    def __str__(self) -> str:
        return format_search(self)


def parse_search(text: str, now: datetime, *, keys: tuple[str, ...] = KEYS) -> Search:
    """Read a search; raise `InvalidSearchError`, which names the key and what is allowed.

    `now` is what ages are counted back from; `keys` are those that the list understands.
    """
    if len(text) > MAX_LENGTH:
        raise InvalidSearchError(f"search: longer than {MAX_LENGTH} characters; leave something out")
    given: dict[str, list[str]] = {}
    for key, values in _terms(text, keys):
        given.setdefault(key, []).extend(values)
    fields: dict[str, Any] = {key: tuple(dict.fromkeys(values)) for key, values in given.items()}
    for key in ("since", "until"):
        if key in given:
            fields[f"{key}_text"] = _single(key, given[key])
            fields[key] = _parse_time(key, fields[f"{key}_text"], now)
    if "expected" in given:
        fields["expected"] = _parse_flag("expected", _single("expected", given["expected"]))
    found = Search(**fields)
    if found.since and found.until and found.since >= found.until:
        raise InvalidSearchError(f"since:{found.since_text} until:{found.until_text}: nothing lies between them")
    return found


def format_search(search: Search) -> str:
    """Write a search so that `parse_search` reads it back (ages are kept as ages)."""
    return " ".join(_written(search))


def _written(search: Search) -> Iterator[str]:
    for key in KEYS:
        value = getattr(search, key)
        if key in ("since", "until"):
            text = getattr(search, f"{key}_text") or (value.isoformat() if value else None)
            if text:
                yield f"{key}:{_quote(text)}"
        elif key == "expected":
            if value is not None:
                yield f"expected:{'yes' if value else 'no'}"
        elif value:
            yield from (f"{key}:{_quote(one)}" for one in value)
    yield from (_quote(word, is_word=True) for word in search.words)


def _quote(value: str, *, is_word: bool = False) -> str:
    plain = re.fullmatch(r'[^\s",]+', value) and not (is_word and ":" in value)
    if plain:
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _terms(text: str, keys: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Cut a text into keys and their values; free words have the key `words`."""
    at = 0
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        found = _TERM.match(text, at)
        if found is None:
            raise InvalidSearchError(
                f"search: cannot read {text[at : at + 40]!r}; text with blanks or quotes goes in quotes; close them"
            )
        at = found.end()
        yield _term(found, keys)


def _term(found: re.Match[str], keys: tuple[str, ...]) -> tuple[str, list[str]]:
    key, quoted, bare = found["key"], found["quoted"], found["bare"]
    if key is None:
        word = re.sub(r"\\(.)", r"\1", quoted) if quoted is not None else bare
        if ":" in word and quoted is None:
            raise _unknown(word.partition(":")[0], keys)
        return "words", [word] if word else []
    key = key.lower()
    if key not in keys:
        raise _unknown(key, keys)
    values = [re.sub(r"\\(.)", r"\1", quoted)] if quoted is not None else [one for one in bare.split(",") if one]
    if not values:
        raise InvalidSearchError(f'{key}: has no value; write {key}:VALUE, or {key}:"A VALUE" with blanks')
    if key in _CLOSED:
        _check_closed(key, values)
    return key, values


def _check_closed(key: str, values: list[str]) -> None:
    for value in values:
        if value not in _CLOSED[key]:
            raise InvalidSearchError(f"{key}:{value}: no such {key}; there are {', '.join(_CLOSED[key])}")


def _unknown(key: str, keys: tuple[str, ...]) -> InvalidSearchError:
    known = ", ".join(keys)
    return InvalidSearchError(
        f'{key}: no such key; there are {known} (a word with a colon is written in quotes: "{key}:...")'
    )


def _single(key: str, values: list[str]) -> str:
    if len(values) > 1:
        raise InvalidSearchError(f"{key}: has {len(values)} values; give one")
    return values[0]


def _parse_flag(key: str, value: str) -> bool:
    if value not in _FLAGS:
        raise InvalidSearchError(f"{key}:{value}: neither yes nor no")
    return _FLAGS[value]


def _parse_time(key: str, value: str, now: datetime) -> datetime:
    try:
        return parse_moment(value, now)
    except ValueError as error:
        raise InvalidSearchError(
            f"{key}:{value}: no time; write an age (30s, 15m, 1h, 7d, 2w) or a moment like 2026-11-24T14:02Z"
        ) from error
