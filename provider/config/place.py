"""Where one configuration value stands, and how an error message speaks about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from provider.domain.errors import ConfigError

_SECRET_KEYS = ("database.url", "sandbox.environment", "audit.seal_key", "web.session_key", "web.tokens")
_KINDS: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (type(None), "empty (null)"),
    (bool, "a boolean"),
    ((int, float), "a number"),
    (str, "text"),
    (Mapping, "a mapping"),
    ((list, tuple), "a list"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPlace:
    """One key of one source.

    `variables` says which environment variable set which key; `hidden` keeps the value out of every message.
    """

    source: str
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    variables: Mapping[str, str] = field(default_factory=dict)
    key: str = ""
    hidden: bool = False

    def at(self, key: str) -> KeyPlace:
        """Go down to a dotted key."""
        return replace(self, key=f"{self.key}.{key}" if self.key else key)

    def item(self, index: int) -> KeyPlace:
        """Go down to one element of a list."""
        return replace(self, key=f"{self.key}[{index}]")

    def hide(self) -> KeyPlace:
        """Keep the value out of every message from here on."""
        return replace(self, hidden=True)

    def error(self, text: str) -> ConfigError:
        """Build the error, one line whatever the source holds."""
        message = ": ".join(part for part in (self._origin(), self.key, text) if part)
        return ConfigError("".join(char if char.isprintable() else " " for char in message))

    def unknown(self, key: str, allowed: Iterable[str]) -> ConfigError:
        """Build the error for a key that does not exist, with the nearest one that does."""
        name = key[:60]
        names = sorted(allowed)
        import difflib  # only for mistakes

        near = difflib.get_close_matches(name.lower(), names, n=1)
        hint = f"did you mean {near[0]}? " if near else ""
        return self.at(name).error(f"unknown key; {hint}allowed here: {', '.join(names) or 'no key'}")

    def wrong(self, raw: object, wanted: str, *, show: bool = True) -> ConfigError:
        """Build the error for a value of the wrong type or outside the choices."""
        kind = next((words for types, words in _KINDS if isinstance(raw, types)), f"a {type(raw).__name__}")
        shown = f" ({_brief(raw)})" if show and isinstance(raw, (str, int, float)) and not self._is_secret() else ""
        return self.error(f"is {kind}{shown}, must be {wanted}")

    def _is_secret(self) -> bool:
        return self.hidden or any(_is_below(self.key, secret) for secret in _SECRET_KEYS)

    def _origin(self) -> str:
        setters = [key for key in self.variables if _is_below(self.key, key)]
        return f"environment variable {self.variables[max(setters, key=len)]}" if setters else self.source


def _is_below(key: str, ancestor: str) -> bool:
    return key == ancestor or key.startswith((f"{ancestor}.", f"{ancestor}["))


def _brief(raw: object) -> str:
    try:
        text = repr(raw)
    except ValueError:  # Python refuses to print integers of more than some thousand digits
        return "too long to show"
    return text if len(text) <= 60 else f"{text[:57]}..."
