from __future__ import annotations

from datetime import UTC, datetime

import pytest

from web.api.parameters import EARLIEST, LATEST, Parameter, read_moment


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-24T14:02:00Z", datetime(2026, 11, 24, 14, 2, tzinfo=UTC)),
        ("2026-11-24t14:02:00.25z", datetime(2026, 11, 24, 14, 2, 0, 250_000, tzinfo=UTC)),
        ("2026-11-24 16:02:00+02:00", datetime(2026, 11, 24, 14, 2, tzinfo=UTC)),
        ("2016-12-31T23:59:60Z", datetime(2016, 12, 31, 23, 59, 59, tzinfo=UTC)),
        ("0001-01-01T00:00:00+23:59", EARLIEST),
        ("9999-12-31T23:59:59-23:59", LATEST),
    ],
)
def test_a_time_is_what_rfc_3339_writes(text: str, moment: datetime) -> None:
    assert read_moment(text) == moment
    assert read_moment(text).utcoffset() == UTC.utcoffset(None)


@pytest.mark.parametrize(
    "text", ["", "now", "2026-11-24", "2026-11-24T14:02:00", "2026-02-30T00:00:00Z", "٢٠٢٦-11-24T14:02:00Z"]
)
def test_another_text_is_no_time(text: str) -> None:
    with pytest.raises(ValueError, match="no time"):
        read_moment(text)


def test_a_list_takes_several_values_and_a_single_one_does_not() -> None:
    letters = {"type": "string", "enum": ["a", "b"]}
    many = Parameter(name="x", meaning="", schema={"type": "array", "items": letters})
    assert many.read(["a", "b"]) == ("a", "b")
    with pytest.raises(ValueError, match="given 2 times"):
        Parameter(name="x", meaning="", schema=letters).read(["a", "b"])


@pytest.mark.parametrize("text", ["", "a\nb", "x\n", "\x7f", "x" * 1001])
def test_a_text_has_no_control_characters_and_an_end(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not match|characters"):
        Parameter(name="x", meaning="").read([text])
