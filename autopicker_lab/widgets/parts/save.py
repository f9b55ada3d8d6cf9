"""A button that saves a result in the browser, as a file or in its clipboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.widgets.parts.base import describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

_STATIC = Path(__file__).parent / "static"


class Save(anywidget.AnyWidget):
    """A button that saves or copies; it makes the content when it is clicked.

    Args:
        label: the text on the button.
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
        self.on_msg(self._on_click)

    def encode(self) -> bytes:
        """Make the content, as bytes."""
        content = self._content()
        if isinstance(content, bytes):
            return content
        if not isinstance(content, str):
            content = json.dumps(content, ensure_ascii=False, indent=2, default=str)
        return content.encode()

    def _on_click(self, widget: object, message: Any, buffers: object) -> None:
        try:
            self.send({"name": self.name}, [self.encode()])
        except Exception as error:  # there is nothing to save yet, say
            self.send({"error": describe_error(error)})
