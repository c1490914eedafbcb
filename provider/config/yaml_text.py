"""Read YAML text safely: plain data only, no key twice, and no piece of the text in an error."""

from __future__ import annotations

import re
from typing import Any

import yaml

# PyYAML lets these through for scalars such as `2024-13-45` or `!!int ""` and for very deep nesting.
_LEAKED_ERRORS = (ValueError, LookupError, AttributeError, TypeError, ArithmeticError, RecursionError)

# What PyYAML quotes can be a secret: an unquoted password such as `*word` is an unknown alias to it.
_QUOTED_WORD = re.compile(r"""(['"])[\w!].*\1""", re.DOTALL)


class YamlError(ValueError):
    """The text is not valid YAML; the message has the line and shows nothing of the text."""


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        seen: set[tuple[str, str]] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue
            if (key.tag, key.value) in seen:
                raise yaml.MarkedYAMLError(problem="a key is given twice", problem_mark=key.start_mark)
            seen.add((key.tag, key.value))
        return node


def read_yaml(text: str) -> object:
    """Parse one YAML document; an empty one is None."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    except yaml.MarkedYAMLError as error:
        raise YamlError(_describe(error)) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise YamlError(f"line {line}: a character that YAML does not allow") from None
    except _LEAKED_ERRORS as error:
        raise YamlError(f"a value cannot be read ({type(error).__name__})") from None


def _describe(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    problem = _QUOTED_WORD.sub("'...'", error.problem or error.context or "cannot be read")
    return f"line {mark.line + 1}: {problem}" if mark else problem
