"""The canonical form is the same before and after PostgreSQL's JSONB, which keeps values and not text."""

from __future__ import annotations

import json
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings

from provider.domain.log import canonical_json
from tests.unit.domain.test_log import documents


@pytest.fixture
def jsonb(postgres_url: str) -> Any:
    with psycopg.connect(postgres_url.replace("+psycopg", "", 1), autocommit=True) as connection:
        yield lambda text: connection.execute("SELECT %s::jsonb::text", (text,)).fetchone()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=documents)
def test_jsonb_keeps_the_canonical_form(jsonb: Any, document: dict[str, Any]) -> None:
    text = canonical_json(document)
    (stored,) = jsonb(text)
    assert canonical_json(json.loads(stored)) == text


def test_jsonb_keeps_numbers(jsonb: Any) -> None:
    for number in [0.1, 1e-6, 1e-20, 5e-324, 123456789.123457, -0.5, 2**53 - 1, 4503599627370495.5]:
        text = canonical_json({"a": number})
        (stored,) = jsonb(text)
        assert json.loads(stored)["a"] == number
        assert canonical_json(json.loads(stored)) == text
