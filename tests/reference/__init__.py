"""The pages in docs/reference, made from the code: `make reference` writes them, and a test finds a stale one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from tests.reference.api import describe_api
from tests.reference.command_line import describe_command_line
from tests.reference.configuration import describe_configuration

ROOT = Path(__file__).parents[2]

PAGES: Mapping[Path, Callable[[], str]] = {
    ROOT / "docs" / "reference" / "configuration.md": lambda: describe_configuration(
        (ROOT / "config.yaml").read_text(encoding="utf-8")
    ),
    ROOT / "docs" / "reference" / "cli.md": describe_command_line,
    ROOT / "docs" / "reference" / "api.md": describe_api,
}
