"""The file intake of panels: files are dropped, chosen, or named by their path."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from autopicker_lab.core import FORMATS, AutopickerError, InvalidRequestError, SourceFile, UnsupportedFileError
from autopicker_lab.core.files import expand_path, find_files
from autopicker_lab.extraction import check_size, open_source
from autopicker_lab.widgets.parts.base import PanelModel, describe_error

if TYPE_CHECKING:
    from collections.abc import Callable

LIMIT = 10 * 2**20  # bytes, as MAX_FILE_SIZE of the service
_PIECE = 2**20  # bytes of an upload: far below what a Jupyter server lets through in one message
_MAX_UPLOADS = 8  # in progress at once
_MAX_FILES, _MAX_ENTRIES = 200, 20_000  # of a folder: files that are taken, and entries that are looked through
_MAX_NAMED = 5  # files named among those left out
_STATIC = Path(__file__).parent / "static"


@dataclass
class Intake(PanelModel):
    """The files that a panel was given, without widgets.

    Attributes:
        categories: kinds of files that are taken (document, spreadsheet, image, audio, code); empty: all.
        limit: largest upload in bytes; None: any. A path may name a file of any size.
        several: whether more than one file is kept; else the last one is.
        files: the files so far, in the order they came.
    """

    categories: tuple[str, ...] = ()
    limit: int | None = LIMIT
    several: bool = False
    files: list[SourceFile] = field(default_factory=list)
    _uploads: dict[str, bytearray] = field(default_factory=dict, repr=False)

    def add_path(self, text: str) -> None:
        """Take the file at a path, or all below a folder."""
        self._take(lambda: self._open(text.strip()) if text.strip() else ([], ""))

    def add_file(self, file: SourceFile) -> None:
        """Take a file that is open already."""
        self._take(lambda: ([file], ""))

    def add_upload(self, name: str, content: bytes) -> None:
        """Take an upload that is complete."""

        def open_upload() -> tuple[list[SourceFile], str]:
            check_size(name, len(content), self.limit)
            return [open_source(content, name)], ""

        self._take(open_upload)

    def add_piece(self, key: str, name: str, size: int, content: bytes) -> None:
        """Take the next piece of an upload of `size` bytes; the last one completes it."""
        if self.limit is not None and size > self.limit:
            self._take(lambda: self._refuse(name, size))
            return
        data = self._uploads.setdefault(key, bytearray())
        data += content
        for abandoned in list(self._uploads)[:-_MAX_UPLOADS]:
            del self._uploads[abandoned]
        if len(data) >= size:
            del self._uploads[key]
            self.add_upload(name, bytes(data))

    def clear(self) -> None:
        """Forget all files and uploads."""
        self.files, self.message = [], ""
        self._uploads.clear()
        self.notify()

    @property
    def accepts(self) -> str:
        """Suffixes that are taken, separated by commas, for the browser's file dialog."""
        formats = [one for one in FORMATS.values() if not self.categories or one.category in self.categories]
        return ",".join(suffix for one in formats for suffix in one.suffixes)

    def _refuse(self, name: str, size: int) -> tuple[list[SourceFile], str]:
        check_size(name, size, self.limit)
        return [], ""

    def _open(self, text: str) -> tuple[list[SourceFile], str]:
        """Open the file at a path, or those below a folder that can be read; the text says what was left out."""
        place = expand_path(text)
        below = list(islice(place.rglob("*"), _MAX_ENTRIES))
        if len(below) == _MAX_ENTRIES:
            raise InvalidRequestError(f"there is too much below '{text}' to look through", "name a folder inside it")
        paths = find_files([text], *self.categories)
        if not paths:
            raise InvalidRequestError(f"there is no file to read in '{text}'", "name a file, or another folder")
        if not below or not self.several:
            return [open_source(paths[0])], ""
        files: list[SourceFile] = []
        others = {path.name for path in set(below) - set(paths) if path.is_file() and not _hidden(path, place)}
        omitted = [f"'{name}' is not of a kind that is read here" for name in sorted(others)]
        omitted += [f"{len(paths) - _MAX_FILES} more files"] if len(paths) > _MAX_FILES else []
        for path in paths[:_MAX_FILES]:
            try:
                files.append(open_source(path))
            except AutopickerError as error:
                omitted.append(error.detail)
        more = f"; and {len(omitted) - _MAX_NAMED} more" if len(omitted) > _MAX_NAMED else ""
        return files, f"left out: {'; '.join(omitted[:_MAX_NAMED])}{more}" if omitted else ""

    def _take(self, open_files: Callable[[], tuple[list[SourceFile], str]]) -> None:
        """Keep the opened files, and the text on those left out as message; calls at once are served in turn."""
        try:
            files, omitted = open_files()
            for file in files:
                if self.categories and file.category not in self.categories:
                    hint = f"give {self.accepts.replace(',', ', ')}"
                    raise UnsupportedFileError(f"'{file.name}' is no {' or '.join(self.categories)} file", hint)
        except Exception as error:  # a panel shows words, never a traceback
            self.message = describe_error(error)
        else:
            with self._lock:
                known = {(file.name, file.sha256) for file in self.files}
                new = [file for file in files if (file.name, file.sha256) not in known]
                self.files = [*self.files, *new] if self.several else files[-1:]
                self.message = omitted
        self.notify()


def _hidden(path: Path, place: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(place).parts)


class _Drop(anywidget.AnyWidget):
    """The area where files are dropped or chosen; it sends them in pieces below any limit of a Jupyter server."""

    _esm = _STATIC / "intake.js"
    label = traitlets.Unicode().tag(sync=True)
    accept = traitlets.Unicode().tag(sync=True)
    several = traitlets.Bool(False).tag(sync=True)
    limit = traitlets.Int(0).tag(sync=True)
    piece = traitlets.Int(_PIECE).tag(sync=True)


class IntakeBox:
    """The view of an intake: an area to drop files or choose them, and a box for a path."""

    def __init__(self, intake: Intake, path: str | Path = "", noun: str = ""):
        import ipywidgets as w

        self._intake = intake
        noun = noun or ("files" if intake.several else "a file")
        self.drop = _Drop(
            label=f"drop {noun} here, or click to choose",
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
        self.drop.on_msg(self._on_piece)
        self.path.observe(lambda change: intake.add_path(change["new"]), "value")
        self.read.on_click(lambda _: intake.add_path(self.path.value))
        self.clear.on_click(lambda _: self._clear())
        intake.listeners.append(self._draw)
        row = [self.drop, self.path, self.read] + ([self.clear] if intake.several else [])
        self.view = w.VBox([w.HBox(row, layout=w.Layout(align_items="center")), self.note])
        self._draw()

    def _on_piece(self, widget: object, message: dict[str, Any], buffers: list[Any]) -> None:
        content = bytes(buffers[0]) if buffers else b""
        self._intake.add_piece(message["key"], message["name"], message["size"], content)

    def _clear(self) -> None:
        self.path.value = ""
        self._intake.clear()

    def _draw(self) -> None:
        intake = self._intake
        names = ", ".join(file.name for file in intake.files) if intake.several else ""
        warning = f"⚠ {intake.message}" if intake.message else ""
        self.note.value = f"<span role='status'>{escape('. '.join(filter(None, (names, warning))))}</span>"
