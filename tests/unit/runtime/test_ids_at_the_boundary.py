"""What is no text is refused as an id by every method of the public API, with one error."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from provider import SandboxProvider, open_provider
from provider.domain.errors import InvalidIdError
from tests.support.file_engine import FileBackend

NO_TEXT = [[], ["a"], {}, {"a": 1}, set(), (1,), 5, 1.5, b"0123456789abcdef", object()]
KNOWN = "0123456789abcdef"
CALLS: dict[str, Callable[[SandboxProvider, object], object]] = {
    "get": lambda provider, value: provider.get(value),  # type: ignore[arg-type]
    "release": lambda provider, value: provider.release(value),  # type: ignore[arg-type]
    "destroy": lambda provider, value: provider.destroy(value),  # type: ignore[arg-type]
    "destroy, actor": lambda provider, value: provider.destroy(KNOWN, actor=value),  # type: ignore[arg-type]
    "restart": lambda provider, value: provider.restart(value),  # type: ignore[arg-type]
    "clear_backoff": lambda provider, value: provider.clear_backoff(value),  # type: ignore[arg-type]
    "acquire": lambda provider, value: provider.acquire(value),  # type: ignore[arg-type]
    "acquire, user": lambda provider, value: provider.acquire("t", user_id=value),  # type: ignore[arg-type]
    "ensure": lambda provider, value: provider.ensure(value),  # type: ignore[arg-type]
    "ensure, user": lambda provider, value: provider.ensure("t", user_id=value),  # type: ignore[arg-type]
}


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProvider]:
    """Open a worker."""
    directory: Path = tmp_path_factory.mktemp("ids")
    settings = {"database": {"url": f"sqlite:///{directory}/ledger.db"}}
    with open_provider(settings, backend=FileBackend(directory)) as opened:
        yield opened


@pytest.mark.parametrize("call", CALLS)
def test_what_is_no_text_is_no_id(provider: SandboxProvider, call: str) -> None:
    for value in NO_TEXT:
        with pytest.raises(InvalidIdError, match="expected text, got"):
            CALLS[call](provider, value)
