"""The methods that a client may call: an allow-list, nothing else is reachable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any, NamedTuple

from glip_worker.call import Call
from glip_worker.protocol.messages import METHODS, MethodTypes

#: Takes the parameters (the generated struct, or a dict when none is declared), gives the result or a dict of it.
Function = Callable[[Call, Any], Any]

#: Takes several calls with their parameters, gives the outcome of each: as `Function`, or the exception that ends it.
Together = Callable[[Sequence[tuple[Call, Any]]], Sequence[Any]]

_MARK = "__glip_method__"


class Method(NamedTuple):
    function: Function
    #: None: a method of the user's own, whose values are not checked.
    types: MethodTypes | None
    #: For requests that wait one after the other, of this method and of others that have the same; None: one by one.
    together: Together | None = None
    #: As many at once at most.
    most: int = 1


def method(name: str) -> Callable[[Function], Function]:
    """Marks a function of a module for `Registry.add_module`."""

    def mark(function: Function) -> Function:
        setattr(function, _MARK, name)
        return function

    return mark


class Registry:
    """Filled at the start by the diagnostics, the engine and the plugins, in this order."""

    def __init__(self) -> None:
        self._methods: dict[str, Method] = {}

    @property
    def names(self) -> list[str]:
        return sorted(self._methods)

    def get(self, name: str) -> Method | None:
        return self._methods.get(name)

    def add(self, name: str, function: Function) -> None:
        """ValueError for a name that is taken."""
        self._add(name, Method(function, METHODS.get(name)))

    def add_together(self, name: str, together: Together, most: int) -> None:
        """A method that computes waiting requests together, `most` at once. ValueError for a name that is taken."""

        def alone(call: Call, params: Any) -> Any:
            outcome = together([(call, params)])[0]
            if isinstance(outcome, BaseException):
                raise outcome
            return outcome

        self._add(name, Method(alone, METHODS.get(name), together, most))

    def _add(self, name: str, method: Method) -> None:
        if name in self._methods:
            raise ValueError(f"there is a method {name} already")
        self._methods[name] = method

    def method(self, name: str) -> Callable[[Function], Function]:
        """Decorator for plugins: `@registry.method("mine.shout")`."""

        def add(function: Function) -> Function:
            self.add(name, function)
            return function

        return add

    def add_module(self, module: ModuleType) -> None:
        """Every function of `module` that `@method` marks."""
        for value in vars(module).values():
            name = getattr(value, _MARK, None)
            if isinstance(name, str):
                self.add(name, value)
