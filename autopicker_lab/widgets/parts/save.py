"""A button that gives a result to the browser: as a file, or to its clipboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.widgets.parts.base import told

if TYPE_CHECKING:
    from collections.abc import Callable

_STATIC = Path(__file__).parent / "static"


class Save(anywidget.AnyWidget):
    """Makes its content when it is asked for it.

    Args:
        label: of the button.
        name: of the file; "" copies to the clipboard.
        content: makes the text, the bytes, or a value that is written as JSON.
    """

    _esm = _STATIC / "save.js"
    label = traitlets.Unicode().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    disabled = traitlets.Bool(False).tag(sync=True)

    def __init__(self, label: str, name: str, content: Callable[[], Any], **options: Any):
        super().__init__(label=label, name=name, **options)
        self._content = content
        self.on_msg(self._asked)

    def made(self) -> bytes:
        """What the button gives."""
        content = self._content()
        if isinstance(content, bytes):
            return content
        if not isinstance(content, str):
            content = json.dumps(content, ensure_ascii=False, indent=2, default=str)
        return content.encode()

    def _asked(self, widget: object, message: Any, buffers: object) -> None:
        try:
            self.send({"name": self.name}, [self.made()])
        except Exception as error:  # there is nothing to save yet, say
            self.send({"error": told(error)})
