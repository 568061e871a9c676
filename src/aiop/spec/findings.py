"""The faults found so far in one document, each once, and no more than a person could read."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aiop.errors import Fault, InvalidRequest
from aiop.spec.paths import BODY, dotted

__all__ = ["MAX_FAULTS", "Findings", "Place"]

MAX_FAULTS = 1000
"""So many faults are named; a last one says that there are more. A few bytes of a document can be a fault, and a
large document must not cost thousands of times its size."""

Place = tuple[str | int, ...]


@dataclass(slots=True)
class Findings:
    """Collects faults in the order in which they are found."""

    _faults: dict[Fault, None] = field(default_factory=dict)
    _more: bool = False

    @property
    def full(self) -> bool:
        """Whether looking further is of no use."""
        return self._more

    def add(self, place: Place, message: str | Callable[..., str], *arguments: object) -> None:
        """Add a fault; a message that is costly is given as a function, and made only if it will be shown."""
        if len(self._faults) >= MAX_FAULTS:
            self._more = True
        else:
            self._faults[Fault(dotted(place), message if isinstance(message, str) else message(*arguments))] = None

    def extend(self, faults: Iterable[Fault]) -> None:
        """Add faults that were made elsewhere."""
        for fault in faults:
            if len(self._faults) >= MAX_FAULTS:
                self._more = True
                return
            self._faults[fault] = None

    def raise_if_any(self) -> None:
        """Raise ``InvalidRequest`` with all of them."""
        if self._more:
            raise InvalidRequest([*self._faults, Fault(BODY, f"There are more than these {MAX_FAULTS} faults")])
        if self._faults:
            raise InvalidRequest([*self._faults])
