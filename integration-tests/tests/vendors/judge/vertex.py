"""Vertex AI, by the discovery documents in Google's API client: the methods' paths, and the schemas of what they take
and give.
"""

import json
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from googleapiclient import discovery_cache

DOCUMENTS = Path(discovery_cache.__file__).parent / "documents"

_CHECKS = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
}


def _complaints(schemas, schema, value, at):
    """What in `value` the schema does not allow."""
    if "$ref" in schema:
        schema = schemas[schema["$ref"]]
    kind = schema.get("type", "any")
    if kind == "any":
        return
    if kind == "object":
        if not isinstance(value, dict):
            yield f"{at} is no object: {value!r}"
            return
        properties = schema.get("properties", {})
        others = schema.get("additionalProperties")
        for name, inner in value.items():
            # Both spellings are JSON for the same message; the document has the first.
            camel = re.sub(r"_([a-z])", lambda found: found[1].upper(), name)
            if camel in properties:
                yield from _complaints(schemas, properties[camel], inner, f"{at}.{name}")
            elif others is not None:
                yield from _complaints(schemas, others, inner, f"{at}.{name}")
            else:
                yield f"{at} has no field `{name}`; it has {sorted(properties)}"
    elif kind == "array":
        if not isinstance(value, list):
            yield f"{at} is no list: {value!r}"
            return
        for index, inner in enumerate(value):
            yield from _complaints(schemas, schema["items"], inner, f"{at}[{index}]")
    else:
        # 64-bit numbers travel as text.
        if not _CHECKS[kind](value) and not (kind == "string" and schema.get("format", "").endswith("int64") and _CHECKS["integer"](value)):
            yield f"{at} is no {kind}: {value!r}"
        if "enum" in schema and value not in schema["enum"]:
            yield f"{at} is {value!r}, which is none of {schema['enum']}"


def _methods(resource):
    yield from resource.get("methods", {}).values()
    for inner in resource.get("resources", {}).values():
        yield from _methods(inner)


def vertex(item):
    """Whether the request is the method with the id `method` of the document `document`, and `answer` one to it. With
    `elsewhere` its path does not count: the Gemini API has the same messages at paths of its own.
    """
    request = item["request"]
    document = json.loads((DOCUMENTS / f"{item['document']}.json").read_text(encoding="utf-8"))
    schemas = document["schemas"]
    candidates = [method for method in _methods(document) if method["id"] == item["method"]]
    if not candidates:
        yield f"there is no method {item['method']}"
        return
    method = candidates[0]
    path = urlsplit(request["url"]).path
    # Labels of a flat path hold no slash.
    pattern = "/" + re.sub(r"\\{\w+\\}", "[^/]+", re.escape(method.get("flatPath", method["path"])))
    if item.get("elsewhere"):
        pass
    elif request["method"] != method["httpMethod"] or not re.fullmatch(pattern, unquote(path)):
        yield f"{request['method']} {path} is not {method['httpMethod']} /{method.get('flatPath')}"
    parts = (("request", request["body"], "the body"), ("response", item.get("answer"), "the answer"))
    for part, text, name in parts:
        if text and part in method:
            yield from _complaints(schemas, method[part], json.loads(text), name)
        elif text:
            yield f"{item['method']} takes no {part}"
