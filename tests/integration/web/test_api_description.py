"""What the API says of itself, held against what it does: requests made from the description, valid and not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from schemathesis import BaseSchema, GenerationMode
from schemathesis.config import SchemathesisConfig

from tests.support.signing_in import bearer, token_settings
from tests.support.web import Fleet, configuration, open_app
from web.api.operations import Operation
from web.routes import OPERATIONS

EXAMPLES = 10
# A text can be as described and yet be no query and no cursor: that is told with 422.
ACCEPTED = ["2xx", "304", "401", "403", "404", "406", "409", "412", "422"]
CONFIG = SchemathesisConfig.from_dict({"checks": {"positive_data_acceptance": {"expected-statuses": ACCEPTED}}})

CASES = [(one, GenerationMode.POSITIVE) for one in OPERATIONS]
# Nothing can be wrong with what takes nothing.
CASES += [(one, GenerationMode.NEGATIVE) for one in OPERATIONS if one.parameters or one.body]


@pytest.fixture
def described(fleet: Fleet) -> Iterator[BaseSchema]:
    """Load the description of an API whose ledger has everything in it, and which asks who is there."""
    with open_app(configuration(fleet.url, **token_settings())) as app:
        yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, headers=bearer("alice"), config=CONFIG)


@pytest.mark.parametrize(("operation", "mode"), CASES, ids=lambda one: getattr(one, "name", one))
def test_an_operation_does_what_it_says(described: BaseSchema, operation: Operation, mode: GenerationMode) -> None:
    path = operation.path.replace("<", "{").replace(">", "}")

    @seed(20261124)
    @settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(case=described[path][operation.method].as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(headers=bearer("alice"))

    ask()
