"""What the calls of a sandbox return."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar, overload

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How a command ended; `str()` of it is the output.

    `output` holds stdout and stderr in the order they came, invalid UTF-8 and NUL replaced; when `truncated`, a line in
    its middle says how much is missing. `exit_code` is 128 + n after signal n, and 124 when `timed_out`.
    """

    output: str
    exit_code: int
    truncated: bool
    timed_out: bool
    duration_seconds: float

    def __str__(self) -> str:
        return self.output


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file or directory in a sandbox; a symbolic link is described itself, not its target."""

    path: str
    is_directory: bool
    size: int | None
    modified_at: datetime | None

    def __str__(self) -> str:
        return self.path


@dataclass(frozen=True, slots=True)
class GrepMatch:
    """One line that matches; `line_number` counts from 1."""

    path: str
    line_number: int
    line: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line_number}:{self.line}"


@dataclass(frozen=True, slots=True)
class Found(Sequence[T]):
    """What a search found, in order; `truncated` says that there is more."""

    items: tuple[T, ...]
    truncated: bool = False

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self.items[index]

    def __len__(self) -> int:
        return len(self.items)
