"""What ``pipeline_definition`` may be, and from a text to a value that ``check_pipeline`` takes."""

from __future__ import annotations

import json

from aiop.errors import InvalidRequest
from aiop.model.definition import JsonValue
from aiop.spec.paths import BODY
from aiop.spec.strict_json import parse_json
from aiop.yaml12 import YamlError, load

__all__ = ["names_a_file", "parse_pipeline"]


def names_a_file(definition: JsonValue) -> bool:
    """Tell the name of a file in the source from a document, which is an object, or text of several lines or of JSON.

    Raises ``ValueError`` for what is neither.
    """
    if isinstance(definition, dict):
        return False
    text = definition if isinstance(definition, str) else ""
    if "\n" in text or text.lstrip().startswith("{"):
        return False
    if "\0" in text or not text.lower().endswith((".yaml", ".yml", ".json")):
        raise ValueError("Must be the name of a .yaml, .yml or .json file in the source, or the document itself")
    return True


def parse_pipeline(text: str, *, as_json: bool = False) -> JsonValue:
    """Read YAML 1.2, or JSON; raises ``InvalidRequest`` naming the line for what is neither."""
    if as_json:
        return parse_json(text.encode("utf-8", "surrogatepass"))
    try:
        plain = json.dumps(load(text), allow_nan=False)
    except YamlError as error:
        where = f" in line {error.line}" if error.line else ""
        raise InvalidRequest.at(BODY, f"Not valid YAML{where}: {error}") from None
    except (TypeError, ValueError) as error:
        raise InvalidRequest.at(BODY, f"Holds a value that JSON has no form for: {error}") from None
    # Once more through the strict reader: what it refuses (a key twice under two types, say) must not come in here.
    return parse_json(plain.encode())
