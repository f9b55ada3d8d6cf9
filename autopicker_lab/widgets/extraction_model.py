"""The state of the extraction panel: files, what was read from them, and what other engines read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.benchmark.engines import ENGINES, installed, read_bytes
from autopicker_lab.core import Document, EncryptedFileError, Part, ReadOptions, SourceFile
from autopicker_lab.core.show import html_diff
from autopicker_lab.extraction import ExtractionPool
from autopicker_lab.extraction.pool import read_source
from autopicker_lab.widgets.parts import Intake, Job, PanelModel, describe_error
from autopicker_lab.widgets.parts.job import STOPPED
from autopicker_lab.widgets.parts.pages import mark_picture, page_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
PICTURE_WIDTH = 1000  # pixels: sharp enough to be enlarged
_DRAWN_FIRST, _DRAWN_AT_ONCE = 40, 4  # parts of a file that are drawn when it is read, and in one call
_LISTED = 500  # passages of a Part
_CATEGORIES = ("document", "spreadsheet", "image", "code")


@dataclass
class OpenFile:
    """A file of the panel.

    Attributes:
        document: what was read from it; None before, and after an error.
        error: why it could not be read, with the next step; `locked` where that is for want of a password.
        pictures: of its parts so far, PNG by index.
    """

    file: SourceFile
    password: str = field(default="", repr=False)
    document: Document | None = None
    error: str = ""
    locked: bool = False
    pictures: dict[int, bytes] = field(default_factory=dict)

    @property
    def pending(self) -> bool:
        """Whether it has still to be read."""
        return self.document is None and not self.error

    @property
    def source(self) -> SourceFile:
        """The file with its password."""
        return replace(self.file, options=ReadOptions(self.password or None))


@dataclass
class ExtractionModel(PanelModel):
    """The state of the panel, without widgets. Files are read in a process of their own, which Stop kills.

    Attributes:
        files: the files so far.
        index: of the selected file, from 0.
        part: index of its selected Part, from 0.
        passage: index of the selected passage of that Part, from 0; None for the whole Part.
        password: for files that come later.
        comparison: the last comparison with another engine, as HTML.
    """

    intake: Intake = field(default_factory=lambda: Intake(categories=_CATEGORIES, several=True))
    files: list[OpenFile] = field(default_factory=list)
    index: int = 0
    part: int = 0
    passage: int | None = None
    password: str = ""
    comparison: str = ""

    def __post_init__(self) -> None:
        self.job = Job(self._on_job)
        self._pool: ExtractionPool | None = None
        self._cut: tuple[Part | None, list[Part]] = None, []  # a Part, and its passages
        self.intake.listeners.append(self._on_intake)

    @property
    def current(self) -> OpenFile | None:
        """The selected file; None without files."""
        return self.files[self.index] if self.index < len(self.files) else None

    @property
    def document(self) -> Document | None:
        """The Document of the selected file; None until it is read."""
        return self.current.document if self.current else None

    @property
    def current_part(self) -> Part | None:
        """The selected Part; None until the file is read."""
        document = self.document
        return document.parts[self.part] if document and document.parts else None

    @property
    def passages(self) -> list[Part]:
        """The first passages of the selected Part, as a question would find them."""
        part = self.current_part
        if part is not self._cut[0]:
            self._cut = part, list(islice(part.passages(), _LISTED)) if part else []
        return self._cut[1]

    @property
    def shown(self) -> Part | None:
        """The selected passage, or the whole Part."""
        return self.current_part if self.passage is None else self.passages[self.passage]

    @property
    def engines(self) -> list[str]:
        """Other engines that are installed and read this kind of file."""
        kind = self.current.file.kind if self.current else ""
        return [name for name in installed() if kind in ENGINES[name].kinds and name != "autopicker"]

    def open(self, source: str | Path | bytes, name: str | None = None) -> None:
        """Take a file; it is read in the background (`job.wait()`)."""
        if isinstance(source, bytes):
            self.intake.add_upload(name or "file", source)
        else:
            self.intake.add_path(str(source))

    def select(self, part: int, file: int | None = None) -> None:
        """Select a Part by its index, of another file where `file` is its index."""
        if file is not None and file != self.index:
            self.index, self.comparison = min(max(file, 0), max(len(self.files) - 1, 0)), ""
        last = len(self.document.parts) - 1 if self.document else 0
        self.part, self.passage = min(max(part, 0), max(last, 0)), None
        self.notify()
        one = self.current
        if one is not None and one.document is not None and self.part not in one.pictures:
            document, first = one.document, self.part
            self._start(lambda: self._draw_parts(one, document, range(first, first + 1)), "drawing")

    def pick(self, passage: int | None) -> None:
        """Select a passage of the selected Part, which is marked on its picture; None, or -1, for the whole Part."""
        self.passage = passage if passage is not None and 0 <= passage < len(self.passages) else None
        self.notify()

    def unlock(self, password: str) -> None:
        """Read the files that could not be read again, with a password."""
        self.password = password
        for one in self.files:
            if one.document is None:
                one.password, one.error = password, ""
        self._start_reading()

    def compare(self, engine: str) -> None:
        """Compare the text of another engine with ours, into `comparison`."""
        one = self.current
        if one is None or one.document is None or engine not in self.engines:
            return
        text = one.document.text

        def work() -> str:
            theirs = self._run_in_pool(read_bytes, one.file.name, engine, one.file)
            if self.current is one:
                self.comparison = html_diff(text, theirs, "autopicker", engine)
            return ""

        self._start(work, f"{engine} reads {one.file.name}")

    def picture(self) -> bytes:
        """The picture of the selected Part as PNG, the picked passage marked; b"" where there is none, or none yet."""
        one = self.current
        picture = one.pictures.get(self.part, b"") if one else b""
        boxes = [p.box for p in self.shown.places if p.box] if self.shown and self.passage is not None else []
        return mark_picture(picture, boxes) if picture and boxes else picture

    def close(self) -> None:
        """End the work in progress."""
        self.job.stop()
        self.job.wait()

    def _on_intake(self) -> None:
        known = {id(one.file): one for one in self.files}
        self.files = [known.get(id(file)) or OpenFile(file, self.password) for file in self.intake.files]
        self.index = (
            len(self.files) - 1 if len(self.files) > len(known) else min(self.index, max(len(self.files) - 1, 0))
        )
        self.part, self.passage, self.comparison = 0, None, ""
        if not self.files and not self.job.running:
            self.job.words = ""
        self._start_reading()
        self.notify()

    def _start_reading(self) -> None:
        if any(one.pending for one in self.files):
            self._start(self._read)

    def _start(self, work: Callable[[], str], words: str = "reading") -> None:
        def in_pool() -> str:
            try:
                return work()
            finally:
                if self._pool is not None:  # a panel that nobody uses keeps no process
                    self._pool.close()
                    self._pool = None

        self.job.start(in_pool, words)

    def _on_job(self) -> None:
        self.notify()
        if not self.job.running:
            self._start_reading()  # a file may have come while the last one was finished

    def _read(self) -> str:
        """Read all files that are pending, also those that come meanwhile."""
        while waiting := [one for one in self.files if one.pending]:
            one = waiting[0]
            self.job.report((len(self.files) - len(waiting)) / len(self.files), f"reading {one.file.name}")
            try:
                one.document = self._run_in_pool(read_source, one.file.name, one.source)
                self._draw_parts(one, one.document, range(_DRAWN_FIRST))
            except Exception as error:
                one.error = "" if self.job.stopping else describe_error(error)
                one.locked = isinstance(error, EncryptedFileError)
            if self.job.stopping:
                for unread in waiting:
                    unread.error = unread.error or ("" if unread.document else STOPPED)
                return STOPPED
        read = sum(one.document is not None for one in self.files)
        return f"{read} of {len(self.files)} files read" if len(self.files) > 1 else ""

    def _draw_parts(self, one: OpenFile, document: Document, parts: range) -> str:
        """Draw the pictures of parts, a few at a time."""
        stop = min(parts.stop, len(document.parts))
        for first in range(parts.start, stop, _DRAWN_AT_ONCE):
            batch = range(first, min(first + _DRAWN_AT_ONCE, stop))
            pictures = self._run_in_pool(page_pictures, one.file.name, one.source, document, batch, PICTURE_WIDTH)
            one.pictures = {**one.pictures, **dict(zip(batch, pictures, strict=True))}
            if not self.job.report():
                break
        return ""

    def _run_in_pool(self, work: Callable[..., T], name: str, *arguments: Any) -> T:
        """Call a function in the process that reads; Stop kills it."""
        if self._pool is None:
            self._pool = ExtractionPool(timeout_s=600, workers=1)
        future = self._pool.run(name, work, *arguments)
        self.job.cancel_with(future.cancel)
        return future.result()
