"""Files from whoever uses a panel: dropped, chosen, or named by their path."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.core import FORMATS, AutopickerError, InvalidRequestError, SourceFile, UnsupportedFileError
from autopicker_lab.core.files import expanded, find_files
from autopicker_lab.extraction import check_size, open_source
from autopicker_lab.widgets.parts.base import PanelModel, told

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 10 * 2**20  # bytes, as MAX_FILE_SIZE of the service
_PIECE = 2**20  # of an upload: far below what a Jupyter server lets through in one message
_COMING = 8  # uploads that may be under way
_MOST, _LOOKED_AT = 200, 20_000  # files that are taken of a folder, and entries that are looked at
_TOLD = 5  # files that are named among those left out
_STATIC = Path(__file__).parent / "static"


@dataclass
class Intake(PanelModel):
    """Files that were given, without widgets.

    Attributes:
        categories: of files that are taken (document, spreadsheet, image, audio, code); empty: all.
        limit: bytes an upload may have; None: any. A path may name a file of any size.
        several: whether more than one is kept; else the last one is.
        files: what is here, in the order it came.
    """

    categories: tuple[str, ...] = ()
    limit: int | None = LIMIT
    several: bool = False
    files: list[SourceFile] = field(default_factory=list)
    _coming: dict[str, bytearray] = field(default_factory=dict, repr=False)

    def name(self, text: str) -> None:
        """Take the file at a path, or all below a folder."""
        self._take(lambda: self._opened(text.strip()) if text.strip() else ([], ""))

    def drop(self, name: str, content: bytes) -> None:
        """Take an upload."""

        def opened() -> tuple[list[SourceFile], str]:
            check_size(name, len(content), self.limit)
            return [open_source(content, name)], ""

        self._take(opened)

    def piece(self, key: str, name: str, size: int, content: bytes) -> None:
        """Take the next piece of an upload of so many bytes; the last one completes it."""
        if self.limit is not None and size > self.limit:
            self._take(lambda: self._refuse(name, size))
            return
        held = self._coming.setdefault(key, bytearray())
        held += content
        for old in list(self._coming)[:-_COMING]:  # uploads that were given up
            del self._coming[old]
        if len(held) >= size:
            del self._coming[key]
            self.drop(name, bytes(held))

    def clear(self) -> None:
        self.files, self.message = [], ""
        self._coming.clear()
        self.tell()

    @property
    def accepts(self) -> str:
        """Suffixes that are taken, for the browser's file dialog."""
        forms = [form for form in FORMATS.values() if not self.categories or form.category in self.categories]
        return ",".join(suffix for form in forms for suffix in form.suffixes)

    def _refuse(self, name: str, size: int) -> tuple[list[SourceFile], str]:
        check_size(name, size, self.limit)
        return [], ""

    def _opened(self, text: str) -> tuple[list[SourceFile], str]:
        """The file at a path; of a folder those that can be opened, and a word on the others."""
        place = expanded(text)
        below = list(islice(place.rglob("*"), _LOOKED_AT))
        if len(below) == _LOOKED_AT:
            raise InvalidRequestError(f"there is too much below '{text}' to look through", "name a folder inside it")
        paths = find_files([text], *self.categories)
        if not paths:
            raise InvalidRequestError(f"there is no file to read in '{text}'", "name a file, or another folder")
        if not below or not self.several:
            return [open_source(paths[0])], ""
        found: list[SourceFile] = []
        others = {path.name for path in set(below) - set(paths) if path.is_file() and not _hidden(path, place)}
        left = [f"'{name}' is not of a kind that is read here" for name in sorted(others)]
        left += [f"{len(paths) - _MOST} more files"] if len(paths) > _MOST else []
        for path in paths[:_MOST]:
            try:
                found.append(open_source(path))
            except AutopickerError as error:
                left.append(error.detail)
        more = f"; and {len(left) - _TOLD} more" if len(left) > _TOLD else ""
        return found, f"left out: {'; '.join(left[:_TOLD])}{more}" if left else ""

    def _take(self, opened: Callable[[], tuple[list[SourceFile], str]]) -> None:
        """Files and a word on what was left out; two that come at once are taken one after the other."""
        try:
            found, left = opened()
            for file in found:
                if self.categories and file.category not in self.categories:
                    wanted = f"give {self.accepts.replace(',', ', ')}"
                    raise UnsupportedFileError(f"'{file.name}' is no {' or '.join(self.categories)} file", wanted)
        except Exception as error:  # a panel shows words, never a traceback
            self.message = told(error)
        else:
            with self._lock:
                known = {(file.name, file.sha256) for file in self.files}
                new = [file for file in found if (file.name, file.sha256) not in known]
                self.files = [*self.files, *new] if self.several else found[-1:]
                self.message = left
        self.tell()


def _hidden(path: Path, place: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(place).parts)


class _Drop(anywidget.AnyWidget):
    """Where files are dropped or chosen: sends them in pieces, so that no limit of a Jupyter server is met."""

    _esm = _STATIC / "intake.js"
    label = traitlets.Unicode().tag(sync=True)
    accept = traitlets.Unicode().tag(sync=True)
    several = traitlets.Bool(False).tag(sync=True)
    limit = traitlets.Int(0).tag(sync=True)
    piece = traitlets.Int(_PIECE).tag(sync=True)


class IntakeBox:
    """A place to drop files, a button to choose them, and a box for a path."""

    def __init__(self, intake: Intake, path: str | Path = ""):
        import ipywidgets as w

        self._intake = intake
        what = "files" if intake.several else "a file"
        self.drop = _Drop(
            label=f"drop {what} here, or click to choose",
            accept=intake.accepts,
            several=intake.several,
            limit=intake.limit or 0,
        )
        self.path = w.Text(str(path), placeholder="or type a path, and press Enter", continuous_update=False)
        self.path.layout = w.Layout(width="auto", flex="1")
        self.read = w.Button(
            description="Read", tooltip="the file at this path, once more", layout=w.Layout(width="5em")
        )
        self.clear = w.Button(description="Clear", layout=w.Layout(width="6em"))
        self.note = w.HTML()
        self.drop.on_msg(self._sent)
        self.path.observe(lambda change: intake.name(change["new"]), "value")
        self.read.on_click(lambda _: intake.name(self.path.value))
        self.clear.on_click(lambda _: self._cleared())
        intake.listeners.append(self._draw)
        row = [self.drop, self.path, self.read] + ([self.clear] if intake.several else [])
        self.view = w.VBox([w.HBox(row, layout=w.Layout(align_items="center")), self.note])
        self._draw()

    def _sent(self, widget: object, message: dict[str, Any], buffers: list[Any]) -> None:
        content = bytes(buffers[0]) if buffers else b""
        self._intake.piece(message["key"], message["name"], message["size"], content)

    def _cleared(self) -> None:
        self.path.value = ""
        self._intake.clear()

    def _draw(self) -> None:
        intake = self._intake
        have = ", ".join(file.name for file in intake.files) if intake.several else ""
        bad = f"⚠ {intake.message}" if intake.message else ""
        self.note.value = f"<span role='status'>{escape('. '.join(filter(None, (have, bad))))}</span>"
