"""The address of a page as a value: the state of every page lives in its URL. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode


@dataclass(frozen=True, slots=True)
class Address:
    """A path and its arguments, in order; arguments without a value are left out."""

    path: str
    arguments: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, path: str, arguments: Iterable[tuple[str, str]] | Mapping[str, str] = ()) -> Address:
        """Return an address; a later argument replaces an earlier one of the same name."""
        pairs = arguments.items() if isinstance(arguments, Mapping) else arguments
        return cls(path, tuple((name, value) for name, value in dict(pairs).items() if value != ""))

    def get(self, name: str, default: str = "") -> str:
        """Read one argument."""
        return dict(self.arguments).get(name, default)

    def put(self, **changes: object) -> Address:
        """Change arguments; None takes one out. Where one stands does not change."""
        merged: dict[str, object] = {**dict(self.arguments), **changes}
        return Address(
            self.path, tuple((name, str(value)) for name, value in merged.items() if value not in (None, ""))
        )

    def drop(self, *names: str) -> Address:
        """Take arguments out."""
        return Address(self.path, tuple(pair for pair in self.arguments if pair[0] not in names))

    def at(self, path: str) -> Address:
        """Take the same arguments to another path."""
        return Address(path, self.arguments)

    def __str__(self) -> str:
        """Write it as a link wants it."""
        # Colons and commas stay readable: people read, edit and send these addresses.
        query = urlencode(self.arguments, quote_via=quote, safe=":,*")
        return f"{self.path}?{query}" if query else self.path
