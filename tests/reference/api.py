"""docs/reference/api.md: every operation of the API and its parameters, from what its routes are made of."""

from __future__ import annotations

from collections.abc import Iterator

from web.api.operations import Operation
from web.api.parameters import Parameter
from web.routes import OPERATIONS

INTRODUCTION = """\
# The operations of the API

<!-- Made from the code by `make reference`: what stands here is changed in web/api/. -->

All stand under `/api/v1`. [The API](../api.md) explains what they have in common; `/api/v1/openapi.json` has every
field of every answer. Lists also take `cursor` and `limit`.
"""


def describe_api() -> str:
    """Write the page from the operations themselves."""
    return "\n".join([INTRODUCTION, *(_describe(one) for one in OPERATIONS)])


def _describe(operation: Operation) -> str:
    path = operation.path.replace("<", "{").replace(">", "}")
    role = " Operators only." if operation.role == "operator" else ""
    rows = "\n".join(_rows(operation))
    table = f"\n| parameter | in | |\n|---|---|---|\n{rows}\n" if rows else ""
    return f"## {operation.method} {path}\n\n{operation.summary}{role}\n{table}"


def _rows(operation: Operation) -> Iterator[str]:
    for one in operation.parameters:
        if one.place != "path" and one.name in ("cursor", "limit"):
            continue
        meaning = " ".join(part for part in (one.meaning, _choices(one)) if part).replace("|", "\\|")
        yield f"| `{one.name}` | {one.place} | {meaning} |"
    for name, schema in (operation.body or {}).get("properties", {}).items():
        yield f"| `{name}` | body | {schema.get('description', '')} |"


def _choices(parameter: Parameter) -> str:
    schema = parameter.schema.get("items", parameter.schema)
    return f"One of {', '.join(f'`{one}`' for one in schema['enum'])}." if "enum" in schema else ""
