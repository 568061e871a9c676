"""Turns one description of an operation into a blocking and an awaitable method, each fully typed."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from aiop.client.calls import Calls
from aiop.client.drivers import AsyncDriver, SyncDriver
from aiop.client.effects import Flow, Stream

__all__ = ["D", "Resource", "operation", "stream"]

P = ParamSpec("P")
T = TypeVar("T")
D = TypeVar("D", bound=SyncDriver | AsyncDriver)


class Resource(Generic[D]):
    """A group of operations; the driver's type decides whether they block or are awaited."""

    def __init__(self, driver: D, calls: Calls) -> None:
        self._driver = driver
        self._calls = calls


class operation(Generic[P, T]):  # noqa: N801 - a decorator
    """Describes a method by a flow: it returns the flow's result, or an awaitable of it."""

    def __init__(self, describe: Callable[Concatenate[Any, P], Flow[T]]) -> None:
        self.flow = describe
        functools.update_wrapper(self, describe)  # type: ignore[arg-type]

    @overload
    def __get__(self, resource: None, owner: type) -> operation[P, T]: ...
    @overload
    def __get__(self, resource: Resource[SyncDriver], owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(self, resource: Resource[AsyncDriver], owner: type) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, resource: Resource[Any] | None, owner: type) -> Any:
        """Bind to the resource's driver; the class gives the description itself."""
        if resource is None:
            return self

        @functools.wraps(self.flow)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return resource._driver.run(self.flow(resource, *args, **kwargs))  # noqa: SLF001 - of this module

        return call


class stream(Generic[P, T]):  # noqa: N801 - a decorator
    """Describes a method by a stream: it returns a blocking iterator of the items, or one to be awaited.

    Nothing happens before the first item is asked for. Closing the iterator closes the connection.
    """

    def __init__(self, describe: Callable[Concatenate[Any, P], Stream[T]]) -> None:
        self.flow = describe
        functools.update_wrapper(self, describe)  # type: ignore[arg-type]

    @overload
    def __get__(self, resource: None, owner: type) -> stream[P, T]: ...
    @overload
    def __get__(self, resource: Resource[SyncDriver], owner: type) -> Callable[P, Generator[T, None, None]]: ...
    @overload
    def __get__(self, resource: Resource[AsyncDriver], owner: type) -> Callable[P, AsyncGenerator[T, None]]: ...
    def __get__(self, resource: Resource[Any] | None, owner: type) -> Any:
        """Bind to the resource's driver; the class gives the description itself."""
        if resource is None:
            return self

        @functools.wraps(self.flow)
        def call(*args: P.args, **kwargs: P.kwargs) -> Any:
            return resource._driver.iterate(self.flow(resource, *args, **kwargs))  # noqa: SLF001 - of this module

        return call
