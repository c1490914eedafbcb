"""For whoever writes a backend: an engine in memory, and the tests that every backend passes (docs/backends.md).

The product never imports this. The contract suite needs pytest, which is imported when `BackendContract` is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from provider.testing.fake_backend import FakeBackend
from provider.testing.fake_engine import FakeContainer, Gate

if TYPE_CHECKING:
    from provider.testing.backend_contract import LEDGER, BackendContract, BackendRig, new_spec

__all__ = ["LEDGER", "BackendContract", "BackendRig", "FakeBackend", "FakeContainer", "Gate", "new_spec"]


def __getattr__(name: str) -> object:
    """Import the contract suite when it is first used, with the failures of its assertions explained."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import pytest

    pytest.register_assert_rewrite("provider.testing.backend_contract")
    from provider.testing import backend_contract

    return getattr(backend_contract, name)
