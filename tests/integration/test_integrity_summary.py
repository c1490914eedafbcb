"""How far the log is sealed, as the pages show it."""

from __future__ import annotations

from contextlib import closing

import pytest

from provider.bootstrap import open_administration, open_reports
from provider.bootstrap.stores import open_store
from provider.config.loading import load_settings
from provider.domain.errors import CorruptLogError
from provider.domain.seals import SealKey
from tests.contract.store_support import append, born, tamper

KEY = "a secret of this test: 0123456789abcdef"


def test_the_newest_seal_is_told_and_what_came_since(database_url: str) -> None:
    settings = load_settings({"database": {"url": database_url}, "audit": {"seal_key": KEY}})
    store = open_store(settings)
    reports = open_reports(settings)
    append(store, *born())
    bare = reports.integrity.summary()
    assert (bare.is_sealed, bare.is_keyed, bare.sealed_at, bare.events_since) == (False, False, None, 4)
    with closing(open_administration(settings)) as ledger:
        ledger.seal("operator:alice")
    sealed = reports.integrity.summary()
    assert (sealed.sealed_position, sealed.sealed_by, sealed.events_since) == (4, "operator:alice", 0)
    assert sealed.key_id == SealKey.from_text(KEY).key_id
    assert sealed.sealed_at is not None
    append(store, *born(sandbox_id="f" * 16))
    assert reports.integrity.summary().events_since == 4
    tamper(store, "UPDATE events SET data = '{}' WHERE position = 5")
    with pytest.raises(CorruptLogError, match="event 5"):
        reports.integrity.summary()
    reports.close()
    store.close()
