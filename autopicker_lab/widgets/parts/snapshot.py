"""The last state of a panel as HTML that needs no kernel: for a notebook that was reopened, exported, or previewed.

A panel is followed in its cell by nothing but this: what its widgets show, as text. While the panel lives it is hidden;
where the kernel is gone, it stands in place of an error.
"""

from __future__ import annotations

import base64
import threading
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.addresses import HIDDEN, public_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LIVE, STATIC = "ap-live", "ap-static"  # classes of a panel that runs, and of its last state
_EVERY_S = 2.0  # between two states that are kept
_MOST = 400_000  # characters of a state
_ROWS = 20  # of a table
_SECRET = 4  # characters from which a key is one: a shorter one would stand in many words
_RUNS = f".{LIVE}:not(.jupyter-widgets-disconnected)"
_DEAD = f".jp-OutputArea:has(.{STATIC}):not(:has({_RUNS}))"
_STYLE = (
    f"<style>.jp-OutputArea:has({_RUNS}) .jp-OutputArea-child:has(.{STATIC}){{display:none}}"
    f"{_DEAD} .jp-OutputArea-child:not(:has(.{STATIC})):has(.jupyter-widgets){{display:none}}</style>"
)
_NOTE = "<p><em>This is how the panel was last. Run this cell to go on.</em></p>"


def static_html(view: Any) -> str:
    """What a widget and those inside it show, as HTML, with a word on how to go on.

    Keys, and the passwords and keys of addresses that were typed in, are left out, wherever they are shown.
    """
    shown, length = [], 0
    for part in _parts(view):
        length += len(part)
        if length > _MOST:
            shown.append("<p>…</p>")
            break
        shown.append(part)
    html = "".join(shown)
    for secret, told in _secrets(view):
        html = html.replace(escape(secret), escape(told))
    return f"<div class='{STATIC}'>{_STYLE}{_NOTE}{html}</div>"


class Snapshots:
    """Keeps the last state of a panel in its cell's output, some seconds after each change."""

    def __init__(self, view: Any):
        from IPython.display import HTML, display

        self._view, self._waiting, self._lock = view, False, threading.Lock()
        view.add_class(LIVE)
        handle = display(HTML(static_html(view)), display_id=True)
        self._update: Callable[[str], object] = lambda html: None if handle is None else handle.update(HTML(html))

    def note(self) -> None:
        """Keep the state soon: something has changed."""
        with self._lock:
            if self._waiting:
                return
            self._waiting = True
        timer = threading.Timer(_EVERY_S, self._keep)
        timer.daemon = True
        timer.start()

    def _keep(self) -> None:
        with self._lock:
            self._waiting = False
        self._update(static_html(self._view))


def _parts(widget: Any) -> Iterator[str]:
    """What a widget shows, piece by piece."""
    import ipywidgets as w

    if widget.layout.display == "none" or isinstance(widget, w.Button | w.Password):
        return
    if isinstance(widget, w.Box):
        titles = [*getattr(widget, "titles", ()), *("" for _ in widget.children)]
        for child, title in zip(widget.children, titles, strict=False):
            yield f"<h4>{escape(title)}</h4>" if title else ""
            yield from _parts(child)
    elif isinstance(widget, w.HTML | w.HTMLMath):
        yield f"<div>{widget.value}</div>"
    elif isinstance(widget, w.Image) and widget.value:
        yield f"<img alt='' src='data:image/{widget.format};base64,{base64.b64encode(widget.value).decode()}'>"
    elif hasattr(widget, "df"):
        yield widget.df.head(_ROWS).to_html(index=False, border=0)
    elif not hasattr(widget, "_esm"):  # a button or a player of our own shows nothing without its script
        yield from _control(widget)


def _secrets(widget: Any) -> Iterator[tuple[str, str]]:
    """What was typed in that no copy may hold, and what stands in its place."""
    import ipywidgets as w

    if isinstance(widget, w.Box):
        for child in widget.children:
            yield from _secrets(child)
    elif isinstance(widget, w.Password) and len(widget.value) >= _SECRET:
        yield widget.value, HIDDEN
    elif isinstance(widget, w.Text) and "://" in widget.value:
        yield widget.value, public_address(widget.value)


def _control(widget: Any) -> Iterator[str]:
    """The name and the value of a control."""
    name, value = getattr(widget, "description", ""), getattr(widget, "label", getattr(widget, "value", None))
    if isinstance(value, bool):
        value = "yes" if value else "no"
    elif isinstance(value, tuple):
        value = " to ".join(map(str, value))
    if isinstance(value, str | int | float) and str(value) and (name or isinstance(value, str)):
        yield f"<div>{escape(str(name))}{': ' if name else ''}{escape(str(value))}</div>"
