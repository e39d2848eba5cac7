"""Dataclasses as plain dicts, lists, numbers and strings, such as JSON has, and back with every value checked."""

from __future__ import annotations

import dataclasses
import functools
import operator
import types
import typing
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from glipv2.errors import InputError

T = TypeVar("T")

#: How to read a type that is none of this module's, from its plain value and its path.
Readers = Mapping[Any, Callable[[Any, str], Any]]


def plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(one) for one in value]
    return str(value) if isinstance(value, Path) else value


def read_plain(kind: type[T], content: object, path: str, readers: Readers | None = None) -> T:
    """The dataclass `kind` from what `plain` made of one; what is not said has its default.

    ValueError with the path, such as `config.head.blocks`: an unknown or missing key, a wrong type (InputError), or
    what the dataclass itself refuses.
    """
    return _dataclass(kind, content, path, readers or {})


def _dataclass(kind: type[T], content: object, path: str, readers: Readers) -> T:
    if not isinstance(content, Mapping):
        raise InputError(path or "options", "an object", repr(content))
    kinds = typing.get_type_hints(kind)
    unknown = [str(key) for key in content if key not in kinds]
    if unknown:
        raise ValueError(f"{path or 'options'}: unknown {', '.join(unknown)}; there are {', '.join(kinds)}")
    for one in dataclasses.fields(typing.cast("Any", kind)):
        if one.default is one.default_factory is dataclasses.MISSING and one.name not in content:
            raise InputError(_below(path, one.name), "a value", "nothing")
    values = {key: _value(kinds[key], one, _below(path, str(key)), readers) for key, one in content.items()}
    try:
        return kind(**values)
    except InputError:
        raise
    except ValueError as error:
        raise ValueError(f"{path}: {error}" if path else str(error)) from error


def _below(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key


def _value(kind: Any, value: object, path: str, readers: Readers) -> Any:
    if kind in readers:
        return readers[kind](value, path)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if value is None and types.NoneType in arguments:
            return None
        others = [one for one in arguments if one is not types.NoneType]
        return _value(functools.reduce(operator.or_, others), value, path, readers)
    if dataclasses.is_dataclass(kind):
        return _dataclass(typing.cast("type[Any]", kind), value, path, readers)
    if origin is tuple:
        return _tuple(arguments, value, path, readers)
    if origin is Literal:
        if value not in arguments:
            raise InputError(path, f"one of {', '.join(map(str, arguments))}", repr(value))
        return value
    if kind is Path:
        if not isinstance(value, str) or not value:
            raise InputError(path, "a path", repr(value))
        return Path(value)
    # JSON has one kind of number, and Python takes a bool for one.
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise InputError(path, kind.__name__, repr(value))
    return value


def _tuple(kinds: tuple[Any, ...], value: object, path: str, readers: Readers) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise InputError(path, "a list", repr(value))
    each = [kinds[0]] * len(value) if kinds[-1] is ... else list(kinds)
    if len(each) != len(value):
        raise InputError(path, f"{len(each)} values", str(len(value)))
    return tuple(
        _value(kind, one, f"{path}[{at}]", readers) for at, (kind, one) in enumerate(zip(each, value, strict=True))
    )
