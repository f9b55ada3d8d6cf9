"""The bases of all panels: a model without widgets, and the panel that shows it."""

from __future__ import annotations

import errno
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.core import AutopickerError, InvalidRequestError, StorageError
from autopicker_lab.widgets.parts.slider_names import SliderNames
from autopicker_lab.widgets.parts.snapshot import Snapshots

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

log = logging.getLogger(__name__)
T = TypeVar("T")
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT, errno.ENOTDIR)


@dataclass(kw_only=True)
class PanelModel:
    """The state of a panel, which notifies its listeners when it has changed.

    Attributes:
        message: what went wrong, with the next step, or what was done; "" where there is nothing to say.
        listeners: called after each change, one at a time, from whichever thread made it.
    """

    message: str = ""
    listeners: list[Callable[[], None]] = field(default_factory=list)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False, compare=False)

    def notify(self) -> None:
        """Call all listeners."""
        with self._lock:
            for listener in self.listeners:
                listener()

    def assign(self, changes: Mapping[str, Any]) -> None:
        """Set fields by name; AttributeError for a name that is no field."""
        for name, value in changes.items():
            if name not in type(self).__dataclass_fields__:
                raise AttributeError(f"{type(self).__name__} has no field '{name}'")
            setattr(self, name, value)

    def act(self, work: Callable[[], object], done: str = "") -> None:
        """Do something short; `message` is then `done`, or the error with its next step."""
        try:
            work()
        except Exception as error:  # a panel shows words, never a traceback
            self.message = describe_error(error)
        else:
            self.message = done
        self.notify()


class Panel:
    """A panel, which shows itself as the last line of a cell.

    Attributes:
        model: its state, without widgets.
        view: the ipywidget that is shown.
    """

    model: Any
    view: Any
    _snapshots: Snapshots | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}: a panel, which the last line of a notebook cell shows; .model holds its state"

    def on(self, control: Any, act: Callable[[Any], object], name: str = "value") -> None:
        """Call `act` with a control's new value when somebody changes it, but not when it only follows the model."""
        control.observe(
            lambda change: None if threading.get_ident() in self._following_threads else act(change["new"]), name
        )

    @contextmanager
    def following(self) -> Iterator[None]:
        """Mark the time in which this thread sets the controls to what the model says."""
        thread = threading.get_ident()
        if thread in self._following_threads:
            yield
            return
        self._following_threads.add(thread)
        try:
            yield
        finally:
            self._following_threads.discard(thread)

    @cached_property
    def _following_threads(self) -> set[int]:
        return set()

    def watch(self, model: PanelModel) -> None:
        """Keep the panel's last state in its cell whenever this model changes."""
        if self._note_change not in model.listeners:
            model.listeners.append(self._note_change)

    def _note_change(self) -> None:
        if self._snapshots is not None:
            self._snapshots.note()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)

    def _ipython_display_(self, **options: Any) -> None:
        """Show the panel, and below it its last state, which it hides while it lives.

        A name that both have, such as that of the passage a citation opens, is of the first: of what lives.
        """
        from IPython.display import display

        if self._snapshots is None:
            self.view.children = (*self.view.children, SliderNames())
            if self.model is not None:
                self.watch(self.model)
        bundle = self._repr_mimebundle_(**options)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        display(data, metadata=metadata, raw=True)
        self._snapshots = Snapshots(self.view)


def require(value: T | None, missing: str, hint: str) -> T:
    """Return a value; InvalidRequestError where there is none yet."""
    if value is None:
        raise InvalidRequestError(missing, hint)
    return value


def describe_error(error: Exception) -> str:
    """Describe an error for people, with the next step."""
    if isinstance(error, AutopickerError):
        return str(error)
    if isinstance(error, OSError) and error.errno in _UNWRITABLE:
        return str(StorageError.of(error, error.filename or "a file"))
    log.info("a panel failed", exc_info=error)
    return f"This should not have happened ({type(error).__name__}: {error}). Try again; if it stays, please report it"
