"""Reading answers that may be anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.domain.errors import SandboxError
from provider.sandbox.answers import read_data

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def body(**fields: object) -> bytes:
    return json.dumps(fields).encode()


def failure_of(status: int, content: bytes) -> Exception | None:
    try:
        read_data("5a4d", status, content)
    except (OSError, ValueError, SandboxError) as error:
        return error
    return None


@given(status=st.integers(100, 599), content=st.binary() | JSON_VALUES.map(lambda value: json.dumps(value).encode()))
def test_any_answer_is_data_or_a_named_error(status: int, content: bytes) -> None:
    error = failure_of(status, content)
    assert error is None or "sandbox 5a4d" in str(error)


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("ENOENT", FileNotFoundError),
        ("EACCES", PermissionError),
        ("EPERM", PermissionError),
        ("EISDIR", IsADirectoryError),
        ("ENOTDIR", NotADirectoryError),
        ("ENOSPC", OSError),
    ],
)
def test_the_errno_chooses_the_error(code: str, expected: type[OSError]) -> None:
    with pytest.raises(expected):
        read_data("5a4d", 400, body(success=False, message="m", data={"errno": code}), "file")


@pytest.mark.parametrize(
    ("status", "expected"),
    [(404, FileNotFoundError), (403, PermissionError), (422, ValueError), (500, SandboxError), (200, SandboxError)],
)
def test_a_server_without_errno_is_judged_by_its_status(status: int, expected: type[Exception]) -> None:
    with pytest.raises(expected):
        read_data("5a4d", status, body(success=False, message="m"))


def test_a_field_of_the_wrong_type_is_an_error() -> None:
    data = read_data("5a4d", 200, body(data={"exit_code": True, "output": 1, "files": [1]}))
    with pytest.raises(SandboxError, match="exit_code"):
        data.take("exit_code", int, 0)
    with pytest.raises(SandboxError, match="output"):
        data.take("output", str, "")
    with pytest.raises(SandboxError, match="files"):
        data.list_objects("files", 10)


def test_times_are_aware_or_absent() -> None:
    data = read_data("5a4d", 200, body(data={"a": "2030-01-02T03:04:05", "b": "yesterday"}))
    assert data.find_time("a") == datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert data.find_time("b") is None
    assert data.find_time("c") is None
