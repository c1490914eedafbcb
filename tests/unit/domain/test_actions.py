from __future__ import annotations

from typing import Any

import pytest

from provider.domain import actions, errors
from provider.domain import events as ev
from provider.domain.ids import derive_sandbox_id
from provider.domain.state import SandboxState

ID = derive_sandbox_id(None, "thread")


def bulk(**changes: Any) -> actions.BulkOrder:
    order = {"operator": "ann", "action": "restart", "reason": "paged", "query": "status:warm", "count": 42}
    return actions.BulkOrder(**{**order, **changes})


@pytest.mark.parametrize(("query", "target"), [("status:warm", "42 matching status:warm"), ("", "42, of any kind")])
def test_a_bulk_says_what_it_is_about(query: str, target: str) -> None:
    assert actions.decide_request(bulk(query=query)).target == target


def test_a_sweep_of_one_sandbox_is_none() -> None:
    order = actions.Order(operator="ann", action="sweep", reason="why", target=ID)
    with pytest.raises(errors.InvalidActionError, match="is about all sandboxes, not about one"):
        actions.decide_request(order)


def test_a_sweep_is_about_everything() -> None:
    order = actions.Order(operator="ann", action="sweep", reason=" why\tnot ")
    assert actions.decide_request(order) == ev.OperatorActionRequested(
        operator="ann", action="sweep", target="all sandboxes", reason="why not"
    )


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "done"),
        (errors.CapacityExceeded("full"), "refused"),
        (errors.VersionConflict("moved on"), "refused"),
        (errors.CountMismatch("41"), "refused"),
        (errors.BackendUnavailable("away"), "failed"),
        (errors.StoreUnavailable("away"), "failed"),
        (RuntimeError("a bug"), "failed"),
    ],
)
def test_an_outcome_follows_from_the_error(error: Exception | None, outcome: str) -> None:
    assert actions.outcome_of(error) == outcome


def test_a_decision_is_for_one_version_or_for_any() -> None:
    state = SandboxState(sandbox_id=ID, version=7)
    actions.require_version(state, 7)
    actions.require_version(state, None)
    with pytest.raises(errors.VersionConflict, match=f"sandbox {ID}: is at version 7, the decision was made on 6"):
        actions.require_version(state, 6)


@pytest.mark.parametrize(("found", "count", "fits"), [(42, 42, True), (41, 42, False), (43, 42, False), (0, 0, True),
                                                      (500, 500, True), (501, 501, False)])  # fmt: skip
def test_a_bulk_changes_as_many_as_were_expected(found: int, count: int, fits: bool) -> None:
    order = bulk(count=count)
    if fits:
        actions.require_count([ID] * found, order)
    else:
        with pytest.raises(errors.CountMismatch, match="nothing was done"):
            actions.require_count([ID] * found, order)


def test_an_outcome_is_cut_to_what_the_log_takes() -> None:
    requested = actions.decide_request(bulk())
    ended = actions.completed(requested, "failed", "x" * 10_000 + "\0")
    assert (ended.operator, ended.action, ended.target) == ("ann", "restart", requested.target)
    assert len(ended.detail) == actions.MAX_DETAIL_LENGTH
    assert actions.completed(requested, "failed", "a\0b").detail == "a\ufffdb"


@pytest.mark.parametrize("key", ["x", "!" * 255, "4f7f-aa", None])
def test_a_key_is_visible_text(key: str | None) -> None:
    actions.check_key(key)


@pytest.mark.parametrize("key", ["", "a b", "ä", "x" * 256, "orphan:c", "orphan-removed:c", "a\n"])
def test_another_key_is_refused(key: str) -> None:
    with pytest.raises(errors.InvalidActionError, match="idempotency key"):
        actions.check_key(key)
