from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import pytest

from provider.domain.state import Generation
from provider.domain.sweeps import Counts, SweepRow
from provider.reading.documents import document
from web.api.schemas import RowOf, Schemas


@dataclass(frozen=True)
class Leaf:
    """One leaf. More about it."""

    at: datetime | None
    kind: Literal["oak", "elm"]


@dataclass(frozen=True)
class Tree:
    """A tree."""

    leaves: tuple[Leaf, ...]
    counts: Mapping[str | None, int]


def test_a_record_is_described_as_it_is_written() -> None:
    schemas = Schemas()
    assert schemas.of(Tree) == {"$ref": "#/components/schemas/Tree"}
    assert schemas.components["Leaf"]["properties"] == {
        "at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
        "kind": {"type": "string", "enum": ["oak", "elm"]},
    }
    moment = datetime(2026, 11, 24, 14, 2, tzinfo=UTC)
    written = document(Tree((Leaf(moment, "oak"), Leaf(None, "elm")), {None: 1, "fell": 2}))
    assert written == {
        "leaves": [{"at": "2026-11-24T14:02:00.000000Z", "kind": "oak"}, {"at": None, "kind": "elm"}],
        "counts": {"unexamined": 1, "fell": 2},
    }
    assert set(written) == set(schemas.components["Tree"]["required"])


def test_columns_have_their_names_in_both() -> None:
    schemas = Schemas()
    schemas.of(SweepRow)
    row = SweepRow(
        sweep_id="s", started_at=datetime.now(UTC), finished_at=None, leader="w", token=1,
        counts=Counts(dead=3), error=None,
    )  # fmt: skip
    assert list(document(row)) == schemas.components["SweepRow"]["required"]
    assert document(row)["dead"] == 3
    schemas.of(RowOf("Row", Generation, ("sandbox_id",)))
    assert schemas.components["Row"]["required"][:2] == ["sandbox_id", "generation"]


def test_what_has_no_schema_is_not_guessed() -> None:
    with pytest.raises(TypeError, match="has no schema"):
        Schemas().of(complex)
