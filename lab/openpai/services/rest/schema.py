"""JSON Schema, as much of it as the job protocol needs, with the errors that Ajv 6 reports for it."""

from __future__ import annotations

import re
import urllib.parse
from typing import Any

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}


def errors(schema: dict[str, Any], value: Any, where: str = "", at: str = "#") -> list[dict[str, Any]]:
    """All that is wrong with `value`, each as Ajv says it: keyword, dataPath, schemaPath, params, message."""

    def error(keyword: str, params: dict[str, Any], message: str) -> dict[str, Any]:
        path = f"{at}/{keyword}"
        return {"keyword": keyword, "dataPath": where, "schemaPath": path, "params": params, "message": message}

    kinds = schema.get("type")
    if kinds and not _is(kinds, value):
        wanted = ",".join(kinds) if isinstance(kinds, list) else kinds
        return [error("type", {"type": wanted}, f"should be {wanted}")]
    found = []
    if "enum" in schema and value not in schema["enum"]:
        message = "should be equal to one of the allowed values"
        found.append(error("enum", {"allowedValues": schema["enum"]}, message))
    if isinstance(value, str):
        if len(value) > schema.get("maxLength", len(value)):
            limit = schema["maxLength"]
            found.append(error("maxLength", {"limit": limit}, f"should NOT be longer than {limit} characters"))
        pattern = schema.get("pattern")
        if pattern and not re.search(pattern, value):
            found.append(error("pattern", {"pattern": pattern}, f'should match pattern "{pattern}"'))
    if isinstance(value, int) and value < schema.get("minimum", value):
        limit = schema["minimum"]
        params = {"comparison": ">=", "limit": limit, "exclusive": False}
        found.append(error("minimum", params, f"should be >= {limit}"))
    if isinstance(value, list):
        found += _items(schema, value, where, at, error)
    if isinstance(value, dict):
        found += _properties(schema, value, where, at, error)
    return found


def _items(schema: dict[str, Any], value: list[Any], where: str, at: str, error: Any) -> list[dict[str, Any]]:
    found = []
    if len(value) < schema.get("minItems", 0):
        limit = schema["minItems"]
        found.append(error("minItems", {"limit": limit}, f"should NOT have fewer than {limit} items"))
    for index, item in enumerate(value if "items" in schema else []):
        found += errors(schema["items"], item, f"{where}[{index}]", f"{at}/items")
    return found


def _properties(schema: dict[str, Any], value: dict[str, Any], where: str, at: str, error: Any) -> list[dict[str, Any]]:
    found = []
    if len(value) < schema.get("minProperties", 0):
        limit = schema["minProperties"]
        found.append(error("minProperties", {"limit": limit}, f"should NOT have fewer than {limit} properties"))
    for key in schema.get("required", []):
        if key not in value:
            found.append(error("required", {"missingProperty": key}, f"should have required property '{key}'"))
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    if schema.get("additionalProperties") is False:
        message = "should NOT have additional properties"
        extra = [key for key in value if key not in known and not any(re.search(one, str(key)) for one in patterns)]
        found += [error("additionalProperties", {"additionalProperty": key}, message) for key in extra]
    for key in known:
        if key in value:
            found += errors(known[key], value[key], f"{where}.{key}", f"{at}/properties/{key}")
    for pattern, rule in patterns.items():
        for key in (key for key in value if re.search(pattern, str(key))):
            path = f"{at}/patternProperties/{urllib.parse.quote(pattern, safe='*')}"
            found += errors(rule, value[key], f"{where}['{key}']", path)
    return found


def _is(kinds: str | list[str], value: Any) -> bool:
    if isinstance(value, bool):  # which Python counts as an integer
        return False
    return isinstance(value, tuple(t for kind in ([kinds] if isinstance(kinds, str) else kinds) for t in KINDS[kind]))
