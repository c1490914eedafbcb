"""JSON within bounds: what fits is parsed as ever, what does not is refused before it costs anything."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from provider.sandbox.bounded_json import DEPTH_LIMIT, VALUE_LIMIT, UnfitJson, parse_object

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@settings(max_examples=50)
@given(fields=st.dictionaries(st.text(), JSON_VALUES), ascii_only=st.booleans())
def test_what_fits_is_what_json_says(fields: dict[str, object], ascii_only: bool) -> None:
    body = json.dumps(fields, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert parse_object(body) == json.loads(body)


def nested(levels: int, text: str = "") -> bytes:
    # The text comes after the brackets of one more object than may be open: they are counted one by one.
    return json.dumps({"text": text, "data": json.loads("[" * levels + "]" * levels)}).encode()


@pytest.mark.parametrize("text", ["", "[" * 100, '\\"[' * 100, ']"' * 100])
def test_depth_is_counted_outside_of_strings(text: str) -> None:
    assert parse_object(nested(DEPTH_LIMIT - 1, text))["text"] == text
    with pytest.raises(UnfitJson, match="levels"):
        parse_object(nested(DEPTH_LIMIT, text + "[" * DEPTH_LIMIT))


def test_values_are_counted_outside_of_strings() -> None:
    assert parse_object(json.dumps({"text": "," * 2 * VALUE_LIMIT}).encode())["text"].startswith(",,")
    assert len(parse_object(json.dumps({"list": [0] * (VALUE_LIMIT - 2)}).encode())["list"]) == VALUE_LIMIT - 2
    with pytest.raises(UnfitJson, match="values"):
        parse_object(json.dumps({"list": [0] * (VALUE_LIMIT + 1)}).encode())


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1" + "0" * 5000])
def test_numbers_that_are_none(number: str) -> None:
    with pytest.raises(UnfitJson):
        parse_object(b'{"a": %s}' % number.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":"' + b'\\"' * 4_000_000,
        b'{"a":"' + b'\\",[' * 2_000_000,
        b'""' * 4_000_000,
        b'"a' * 2_000_000,
        b"\\" * 8_000_000,
        b"]" * 8_000_000,
        b" " * 8_000_000 + b"[" * 40,
    ],
)
def test_refusing_costs_little_time(body: bytes) -> None:
    started_at = time.process_time()
    with pytest.raises(UnfitJson):
        parse_object(body)
    assert time.process_time() - started_at < 3  # quadratic, it would be hours
