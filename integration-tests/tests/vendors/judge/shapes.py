"""Whether JSON fits a type that a package declares with `typing`, no field unknown and none missing.

Pydantic would do, but that it takes unknown fields of nested types and reads lists only when they are used.
"""

import collections.abc
import types
import typing

from typing_extensions import NotRequired, Required, is_typeddict

_LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)
_MAPPINGS = (dict, collections.abc.Mapping)


def _fields(kind):
    """A TypedDict's fields: name to type, and those that have to be there."""
    hints = typing.get_type_hints(kind, include_extras=True)
    total = getattr(kind, "__total__", True)
    fields, needed = {}, set()
    for name, hint in hints.items():
        if typing.get_origin(hint) is typing.Annotated:
            hint = typing.get_args(hint)[0]
        origin = typing.get_origin(hint)
        if origin in (Required, NotRequired):
            (hint,) = typing.get_args(hint)
        if origin is Required or (origin is not NotRequired and total and name in kind.__annotations__):
            needed.add(name)
        fields[name] = hint
    return fields, needed


def misfits(kind, value, at="the body"):
    """What does not fit, as sentences."""
    origin, inner = typing.get_origin(kind), typing.get_args(kind)
    if kind in (typing.Any, object):
        return []
    if hasattr(kind, "__value__"):
        return misfits(kind.__value__, value, at)
    if origin is typing.Annotated:
        return misfits(inner[0], value, at)
    if origin in (typing.Union, types.UnionType):
        return min((misfits(option, value, at) for option in inner), key=len)
    if origin is typing.Literal:
        return [] if value in inner else [f"{at} is {value!r}, which is none of {inner}"]
    if is_typeddict(kind):
        if not isinstance(value, dict):
            return [f"{at} is no object: {value!r}"]
        fields, needed = _fields(kind)
        found = [f"{at} has no `{name}`" for name in sorted(needed - set(value))]
        for name, part in value.items():
            if name in fields:
                found += misfits(fields[name], part, f"{at}.{name}")
            else:
                found.append(f"{at}: {kind.__name__} has no field `{name}`")
        return found
    if origin in _LISTS:
        if not isinstance(value, list):
            return [f"{at} is no list: {value!r}"]
        return [found for index, part in enumerate(value) for found in misfits(inner[0], part, f"{at}[{index}]")]
    if origin in _MAPPINGS:
        if not isinstance(value, dict):
            return [f"{at} is no object: {value!r}"]
        return [found for name, part in value.items() for found in misfits(inner[1], part, f"{at}.{name}")]
    if isinstance(value, bool) and kind is not bool:
        return [f"{at} is {value!r}, not {kind}"]
    wanted = (int, float) if kind is float else origin or kind
    return [] if isinstance(value, wanted) else [f"{at} is {value!r}, not {kind}"]
