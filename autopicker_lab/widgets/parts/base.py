"""A panel's model without widgets, and the panel around it."""

from __future__ import annotations

import errno
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.core import AutopickerError, InvalidRequestError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)
T = TypeVar("T")
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR)


@dataclass(kw_only=True)
class PanelModel:
    """State that tells its listeners when it has changed.

    Attributes:
        message: what went wrong, with the next step, or how things stand; "" for nothing to say.
        listeners: called after each change, one at a time, from whichever thread made it.
    """

    message: str = ""
    listeners: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def tell(self) -> None:
        with self._lock:
            for listener in self.listeners:
                listener()

    def assign(self, changes: Mapping[str, Any]) -> None:
        """Set fields; AttributeError for one there is not."""
        for name, value in changes.items():
            if name not in type(self).__dataclass_fields__:
                raise AttributeError(f"{type(self).__name__} has no field '{name}'")
            setattr(self, name, value)

    def act(self, work: Callable[[], object], done: str = "") -> None:
        """Do something short; what fails becomes `message`, with its next step."""
        try:
            work()
        except Exception as error:  # a panel shows words, never a traceback
            self.message = told(error)
        else:
            self.message = done
        self.tell()


class Panel:
    """What the last line of a cell shows: `view`, an ipywidget, beside a `model`."""

    model: Any
    view: Any

    def on(self, control: Any, act: Callable[[Any], object], name: str = "value") -> None:
        """Let a control act when somebody changes it, but not when it only follows the model."""
        control.observe(lambda change: None if threading.get_ident() in self._drawers else act(change["new"]), name)

    @contextmanager
    def following(self) -> Iterator[None]:
        """While the controls are put where the model is."""
        thread = threading.get_ident()
        if thread in self._drawers:
            yield
            return
        self._drawers.add(thread)
        try:
            yield
        finally:
            self._drawers.discard(thread)

    @cached_property
    def _drawers(self) -> set[int]:
        return set()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)


def present(value: T | None, missing: str, hint: str) -> T:
    """A result; InvalidRequestError while there is none."""
    if value is None:
        raise InvalidRequestError(missing, hint)
    return value


def told(error: Exception) -> str:
    """An error in words for people, with the next step."""
    if isinstance(error, AutopickerError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return str(StorageError.of(error, error.filename or "a file"))
    log.info("a panel failed", exc_info=error)
    return f"This should not have happened ({type(error).__name__}: {error}). Try again; if it stays, please report it"
