"""Everything that users can name is documented, and what is made from the code is as the code is now."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from provider.config.settings import Settings
from tests.reference import PAGES, ROOT
from tests.reference.command_line import list_commands
from tests.reference.configuration import list_keys
from tests.reference.meanings import read_meanings
from web.routes import OPERATIONS

SHIPPED = (ROOT / "config.yaml").read_text(encoding="utf-8")
KEYS = [key for key, _, _ in list_keys(Settings)]


@pytest.mark.parametrize(("path", "describe"), PAGES.items(), ids=[path.name for path in PAGES])
def test_a_page_made_from_the_code_is_as_the_code_is(path: Path, describe: Callable[[], str]) -> None:
    assert path.read_text(encoding="utf-8") == describe(), "stale; run `make reference`"


@pytest.mark.parametrize("key", KEYS)
def test_every_key_has_its_meaning_in_the_shipped_configuration(key: str) -> None:
    assert read_meanings(SHIPPED).get(key.replace("[]", ""), "")


def test_every_key_that_the_shipped_configuration_explains_exists() -> None:
    sections = {key[: match.start()] for key in KEYS for match in re.finditer(r"\.", key.replace("[]", ""))}
    examples = {"sandbox.environment.API_KEY"}
    assert set(read_meanings(SHIPPED)) <= {key.replace("[]", "") for key in KEYS} | sections | examples


@pytest.mark.parametrize("path", [path for path, _ in list_commands()], ids=" ".join)
def test_every_verb_and_every_option_says_what_it_is_for(path: tuple[str, ...]) -> None:
    command = dict(list_commands())[path]
    assert command.help
    options = [one for one in command.params if isinstance(one, click.Option) and not one.hidden]
    assert [one.name for one in options if not one.help] == []


def test_every_operation_of_the_api_is_in_its_reference() -> None:
    page = (ROOT / "docs" / "reference" / "api.md").read_text(encoding="utf-8")
    headings = re.findall(r"^## (\w+) (\S+)$", page, re.MULTILINE)
    assert headings == [(one.method, re.sub(r"<(\w+)>", r"{\1}", one.path)) for one in OPERATIONS]


def test_a_comment_belongs_to_the_key_before_it() -> None:
    text = (
        "web:            # the dashboard\n  port: 1       # where\n                # it is\n\n  # not this\n"
        "  tokens:       # who\n  # - name: a   # of whom\n  #   role: b   # which\n"
    )
    assert read_meanings(text) == {
        "web": "the dashboard",
        "web.port": "where it is",
        "web.tokens": "who",
        "web.tokens.name": "of whom",
        "web.tokens.role": "which",
    }
