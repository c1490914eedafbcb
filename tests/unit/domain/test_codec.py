"""Every event survives its way through JSON; what cannot be read is one error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from provider.domain import events as ev
from provider.domain.codec import UPCASTERS, UnreadableEventError, from_payload, to_payload
from provider.domain.containers import Limits
from provider.domain.log import canonical_json
from tests.unit.domain.strategies import objects_of

EVIDENCE = ev.EvidenceCollected(
    generation=1, found=True, exit_code=137, oom_killed=True, engine_error="", finished_at=None,
    limits=Limits(memory_bytes=1024, cpus=0.5),
)  # fmt: skip


@pytest.mark.parametrize("name", sorted(ev.REGISTRY))
@given(data=st.data())
def test_every_event_is_read_back_as_it_was(name: str, data: st.DataObject) -> None:
    event = data.draw(objects_of(ev.REGISTRY[name]))
    payload = json.loads(canonical_json(to_payload(event)))
    assert from_payload(name, event.schema_version, payload) == event


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e15, max_value=1e15))
def test_seconds_are_kept_to_a_millionth(startup_seconds: float) -> None:
    event = ev.SandboxReady(generation=1, startup_seconds=startup_seconds)
    read = from_payload("SandboxReady", 1, json.loads(canonical_json(to_payload(event))))
    assert isinstance(read, ev.SandboxReady)
    assert read.startup_seconds == round(startup_seconds, 6)


def test_a_time_without_zone_is_refused() -> None:
    event = ev.SandboxDied(generation=1, detected_by="get", detected_at=datetime(2026, 1, 1))  # noqa: DTZ001
    with pytest.raises(ValueError, match="no time zone"):
        to_payload(event)


def test_the_first_year_keeps_its_zeros() -> None:
    zero = datetime(1, 1, 1, tzinfo=UTC)
    event = ev.SandboxDied(generation=1, detected_by="get", detected_at=zero)
    assert to_payload(event)["detected_at"] == "0001-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("type_", "version", "data", "says"),
    [
        ("SandboxExploded", 1, {"generation": 1}, "unknown event type 'SandboxExploded'"),
        ("SandboxDestroyed", 2, {"generation": 1}, "version 2 is newer than 1"),
        ("SandboxDestroyed", 0, {"generation": 1}, "no upcaster from version 0"),
        ("SandboxDestroyed", 1, {}, "missing fields"),
        ("SandboxDestroyed", 1, {"generation": 1, "colour": "red"}, "colour"),
        ("SandboxDestroyed", 1, {"generation": "1"}, "expected int"),
        ("SandboxDestroyed", 1, {"generation": True}, "expected int"),
        ("SandboxDestroyed", 1, {"generation": None}, "expected int"),
        ("SandboxDestroyed", 1, ["generation"], "expected an object"),
        ("SandboxDestroyed", 1, "generation", "expected an object"),
        ("SandboxEvicted", 1, {"generation": 1, "reason": "mood"}, "'mood' is none of"),
        ("SandboxReady", 1, {"generation": 1, "startup_seconds": "fast"}, "expected a number"),
        ("SandboxReady", 1, {"generation": 1, "startup_seconds": True}, "expected a number"),
        ("SandboxDied", 1, {"generation": 1, "detected_by": "get", "detected_at": 5}, "fromisoformat"),
        ("SandboxDied", 1, {"generation": 1, "detected_by": "get", "detected_at": "2026-01-01"}, "no time zone"),
        ("EvidenceCollected", 1, {**to_payload(EVIDENCE), "limits": 3}, "expected an object"),
        ("EvidenceCollected", 1, {**to_payload(EVIDENCE), "limits": {}}, "missing fields"),
    ],
)
def test_what_cannot_be_read_is_one_error(type_: str, version: int, data: Any, says: str) -> None:
    with pytest.raises(UnreadableEventError, match=says):
        from_payload(type_, version, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class CargoLoaded(ev.Event):
    """An event in its third version: `crates` was `boxes` once, `crane` is new."""

    schema_version: ClassVar[int] = 3

    crates: int
    crane: str | None


@pytest.fixture
def upcasters() -> Iterator[None]:
    ev.event(CargoLoaded)
    UPCASTERS["CargoLoaded", 1] = lambda payload: {"crates": payload.pop("boxes")}
    UPCASTERS["CargoLoaded", 2] = lambda payload: {**payload, "crane": None}
    yield
    del ev.REGISTRY["CargoLoaded"], UPCASTERS["CargoLoaded", 1], UPCASTERS["CargoLoaded", 2]


@pytest.mark.usefixtures("upcasters")
@pytest.mark.parametrize(
    ("version", "data"), [(1, {"boxes": 4}), (2, {"crates": 4}), (3, {"crates": 4, "crane": None})]
)
def test_old_payloads_are_lifted_and_left_as_they_were(version: int, data: dict[str, Any]) -> None:
    kept = dict(data)
    assert from_payload("CargoLoaded", version, data) == CargoLoaded(crates=4, crane=None)
    assert data == kept


@pytest.mark.usefixtures("upcasters")
def test_a_payload_that_its_upcaster_cannot_lift_is_unreadable() -> None:
    with pytest.raises(UnreadableEventError, match="CargoLoaded version 1"):
        from_payload("CargoLoaded", 1, {"barrels": 4})
