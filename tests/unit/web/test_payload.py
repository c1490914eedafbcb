"""Payloads and their differences."""

from __future__ import annotations

from web.presentation.payload import FieldChange, compare, show_payload


def test_only_what_differs_is_listed() -> None:
    before = {"image": "a", "generation": 1, "limits": {"memory": 1}, "gone": "x"}
    after = {"image": "b", "generation": 1, "limits": {"memory": 2}, "new": None}
    assert compare(before, after) == (
        FieldChange("gone", "x", None),
        FieldChange("image", "a", "b"),
        FieldChange("limits", '{"memory": 1}', '{"memory": 2}'),
        FieldChange("new", None, "null"),
    )


def test_payloads_keep_what_is_written_in_them() -> None:
    assert show_payload({"b": "<é>", "a": 1}) == '{\n  "a": 1,\n  "b": "<é>"\n}'
