"""See files beside what was read out of them: pages, their Markdown, tables, warnings, and what other engines find."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from html import escape
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.benchmark.engines import ENGINES, installed, read_bytes
from autopicker_lab.core import Document, Part, ReadOptions, SourceFile
from autopicker_lab.core.show import html_diff, html_table
from autopicker_lab.extraction import ExtractionPool
from autopicker_lab.extraction.pool import read_source
from autopicker_lab.widgets.parts import (
    Intake,
    IntakeBox,
    Job,
    JobBar,
    Panel,
    PanelModel,
    Save,
    present,
    sortable,
    to_html,
    told,
)
from autopicker_lab.widgets.parts.job import STOPPED
from autopicker_lab.widgets.parts.pages import Pages, page_pictures

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

T = TypeVar("T")
PICTURE_WIDTH = 520
_FIRST, _DRAWN = 40, 4  # parts of a file that are drawn when it is read, and at a time
_TEXT = 60_000  # characters of a Part that are shown
_READ = ("document", "spreadsheet", "image", "code")


@dataclass
class OpenFile:
    """A file of the panel: its Document, or what went wrong; `pictures` of its parts, as PNG, so far."""

    file: SourceFile
    password: str = field(default="", repr=False)
    document: Document | None = None
    error: str = ""
    pictures: dict[int, bytes] = field(default_factory=dict)

    @property
    def waits(self) -> bool:
        return self.document is None and not self.error

    @property
    def source(self) -> SourceFile:
        """The file with its password."""
        return replace(self.file, options=ReadOptions(self.password or None))


@dataclass
class ExtractionModel(PanelModel):
    """The state of the panel, without widgets. Files are read in a process of their own, which Stop kills.

    Attributes:
        opened: the files so far, and `at` the one looked at; `part` is which of its Parts, from 0.
        compared: the last comparison with another engine, as HTML.
    """

    intake: Intake = field(default_factory=lambda: Intake(categories=_READ, several=True))
    opened: list[OpenFile] = field(default_factory=list)
    at: int = 0
    part: int = 0
    password: str = ""
    compared: str = ""

    def __post_init__(self) -> None:
        self.job = Job(self._went_on)
        self._pool: ExtractionPool | None = None
        self.intake.listeners.append(self._came)

    @property
    def current(self) -> OpenFile | None:
        return self.opened[self.at] if self.at < len(self.opened) else None

    @property
    def document(self) -> Document | None:
        return self.current.document if self.current else None

    @property
    def shown(self) -> Part | None:
        document = self.document
        return document.parts[self.part] if document and document.parts else None

    @property
    def engines(self) -> list[str]:
        """Other engines that are installed and read this kind of file."""
        kind = self.current.file.kind if self.current else ""
        return [name for name in installed() if kind in ENGINES[name].kinds and name != "autopicker"]

    def open(self, source: str | Path | bytes, name: str | None = None) -> None:
        """Take a file; it is read in the background (`job.wait()`)."""
        if isinstance(source, bytes):
            self.intake.drop(name or "file", source)
        else:
            self.intake.name(str(source))

    def look_at(self, part: int, file: int | None = None) -> None:
        """Turn to a Part, of another file."""
        if file is not None and file != self.at:
            self.at, self.compared = min(max(file, 0), max(len(self.opened) - 1, 0)), ""
        last = len(self.document.parts) - 1 if self.document else 0
        self.part = min(max(part, 0), max(last, 0))
        self.tell()
        one = self.current
        if one is not None and one.document is not None and self.part not in one.pictures:
            document, at = one.document, self.part
            self._start(lambda: self._picture(one, document, range(at, at + 1)), "drawing")

    def unlock(self, password: str) -> None:
        """Try a password on the files that could not be read."""
        self.password = password
        for one in self.opened:
            if one.document is None:
                one.password, one.error = password, ""
        self._begin()

    def compare(self, engine: str) -> None:
        """Lay the text of another engine beside ours, into `compared`."""
        one = self.current
        if one is None or one.document is None or engine not in self.engines:
            return
        text = one.document.text

        def work() -> str:
            theirs = self._done(read_bytes, one.file.name, engine, one.file)
            if self.current is one:
                self.compared = html_diff(text, theirs, "autopicker", engine)
            return ""

        self._start(work, f"{engine} reads {one.file.name}")

    def picture(self) -> bytes:
        """The page looked at, a sheet's beginning, or the picture itself, as PNG; b"" for what has none, or not yet."""
        one = self.current
        return one.pictures.get(self.part, b"") if one else b""

    def close(self) -> None:
        """End what runs."""
        self.job.stop()
        self.job.wait()

    def _came(self) -> None:
        known = {id(one.file): one for one in self.opened}
        self.opened = [known.get(id(file)) or OpenFile(file, self.password) for file in self.intake.files]
        self.at = len(self.opened) - 1 if len(self.opened) > len(known) else min(self.at, max(len(self.opened) - 1, 0))
        self.part, self.compared = 0, ""
        if not self.opened and not self.job.running:
            self.job.words = ""
        self._begin()
        self.tell()

    def _begin(self) -> None:
        if any(one.waits for one in self.opened):
            self._start(self._read)

    def _start(self, work: Callable[[], str], words: str = "reading") -> None:
        def in_pool() -> str:
            try:
                return work()
            finally:
                if self._pool is not None:  # a panel that is not looked at any more keeps no process
                    self._pool.close()
                    self._pool = None

        self.job.start(in_pool, words)

    def _went_on(self) -> None:
        self.tell()
        if not self.job.running:
            self._begin()  # a file may have come as the last one was done

    def _read(self) -> str:
        """Read what is not read yet, what comes meanwhile as well."""
        while waiting := [one for one in self.opened if one.waits]:
            one = waiting[0]
            self.job.report((len(self.opened) - len(waiting)) / len(self.opened), f"reading {one.file.name}")
            try:
                one.document = self._done(read_source, one.file.name, one.source)
                self._picture(one, one.document, range(_FIRST))
            except Exception as error:
                one.error = "" if self.job.stopping else told(error)
            if self.job.stopping:
                for left in waiting:
                    left.error = left.error or ("" if left.document else STOPPED)
                return STOPPED
        read = sum(one.document is not None for one in self.opened)
        return f"{read} of {len(self.opened)} files read" if len(self.opened) > 1 else ""

    def _picture(self, one: OpenFile, document: Document, parts: range) -> str:
        """Draw parts, a few at a time."""
        for at in range(parts.start, min(parts.stop, len(document.parts)), _DRAWN):
            some = range(at, min(at + _DRAWN, parts.stop, len(document.parts)))
            found = self._done(page_pictures, one.file.name, one.source, document, some, PICTURE_WIDTH)
            one.pictures = {**one.pictures, **dict(zip(some, found, strict=True))}
            if not self.job.report():
                break
        return ""

    def _done(self, work: Callable[..., T], name: str, *arguments: Any) -> T:
        """What the reading process makes of a file; Stop kills it."""
        if self._pool is None:
            self._pool = ExtractionPool(timeout_s=600, workers=1)
        future = self._pool.run(name, work, *arguments)
        self.job.ended_by(future.cancel)
        return future.result()


class ExtractionPanel(Panel):
    """The panel in a notebook: `ExtractionPanel("report.pdf")` as the last line of a cell; also a folder."""

    def __init__(self, path: str | Path = ""):
        import ipywidgets as w

        self.model = model = ExtractionModel()
        wide = w.Layout(width="99%")
        self.intake = IntakeBox(model.intake, path)
        self.bar = JobBar(model.job)
        self.file = w.Dropdown(description="file", options=[], layout=wide)
        self.password = w.Password(placeholder="password of a locked PDF", continuous_update=False)
        self.about = w.HTML()
        self.pages = Pages()
        framed = w.Layout(display="none", border="1px solid #999", align_self="flex-start", width="40%")
        self.image = w.Image(format="png", layout=framed)
        self.text = w.HTML(layout=w.Layout(width="98%", max_height="44em", overflow="auto"))
        self.tables = w.VBox()
        self.source = w.Textarea(disabled=True, layout=w.Layout(width="100%", height="40em"))
        self.engine = w.Dropdown(description="beside", options=[])
        self.compare = w.Button(description="Compare", tooltip="lay another engine's text beside this one")
        self.diff = w.HTML(layout=w.Layout(max_height="40em", overflow="auto"))
        beside = w.VBox([w.HBox([self.engine, self.compare]), self.diff])
        self.tabs = w.Tab([self.text, self.tables, self.source, beside], titles=("Text", "Tables", "Markdown", "Diff"))
        self.tabs.layout = w.Layout(flex="1", min_width="26em")
        self.save = [
            Save("Copy text", "", lambda: self._document().text),
            Save("Save as Markdown", "text.md", lambda: self._document().text),
            Save("Save as JSON", "document.json", lambda: self._document().to_dict()),
        ]
        self._shown: object = None
        self._tabled: object = None
        self.on(self.password, model.unlock)
        self.on(self.file, lambda file: model.look_at(0, file))
        self.on(self.pages, model.look_at, "chosen")
        self.tabs.observe(lambda _: model.tell(), "selected_index")
        self.compare.on_click(lambda _: model.compare(self.engine.value))
        model.listeners.append(self._draw)
        head = [self.intake.view, w.HBox([self.bar.view, self.password]), self.file, self.about, w.HBox(self.save)]
        self.view = w.VBox([*head, w.HBox([self.pages, self.image, self.tabs], layout=w.Layout(flex_flow="row wrap"))])
        if str(path):
            model.open(path)
        model.tell()

    def _document(self) -> Document:
        document: Document | None = self.model.document
        return present(document, "there is no text yet", "give a file first")

    def _draw(self) -> None:
        with self.following():
            self._follow()

    def _follow(self) -> None:
        model, one = self.model, self.model.current
        self.bar.draw()
        names = [(opened.file.name, i) for i, opened in enumerate(model.opened)]
        if list(self.file.options) != names:
            self.file.options = names
        if names:
            self.file.value = model.at
        self.file.layout.display = "flex" if len(names) > 1 else "none"
        self.password.layout.display = "flex" if one and "password" in one.error else "none"
        self.about.value = self._about(one)
        document = model.document
        self.pages.show([part.label for part in document.parts] if document else [], one.pictures if one else {})
        self.pages.chosen = model.part
        for button in self.save:
            button.disabled = document is None
        self._draw_part()
        self.compare.disabled = model.job.running or document is None or not model.engines
        if list(self.engine.options) != model.engines:
            with self.engine.hold_sync():
                self.engine.options = model.engines
                self.engine.value = next(iter(model.engines), None)
        self.diff.value = model.compared or ("" if model.engines else "no other engine that is installed reads this")

    def _draw_part(self) -> None:
        """The page, and what was read from it, where they are others than before."""
        model, shown = self.model, self.model.shown
        picture = model.picture()
        if picture != bytes(self.image.value):
            self.image.layout.display = "block" if picture else "none"
            self.image.value = picture
        if (shown, model.at) != self._shown:
            self._shown = (shown, model.at)
            text = shown.text if shown else ""
            more = len(text) - _TEXT
            cut = f"\n\n*{more:,} more characters: save them as Markdown*" if more > 0 else ""
            self.text.value = to_html(text[:_TEXT] + cut)
            self.source.value = text[:_TEXT]
        if self.tabs.selected_index == 1 and self._tabled is not shown:
            self._tabled = shown
            found = [table for table in (shown.tables if shown else ()) if table.rows]
            self.tables.children = [sortable(table.to_frame(), table.label) for table in found] or [_none()]

    def _about(self, one: OpenFile | None) -> str:
        if one is None:
            return ""
        if one.document is None:
            return f"<p>⚠ {escape(one.error)}</p>" if one.error else ""
        document = one.document
        counts = f"{document.counts}, about {document.token_count:,} tokens"
        return html_table([], [("⚠", warning) for warning in document.warnings], f"{document.name}: {counts}")


def _none() -> Any:
    import ipywidgets as w

    return w.HTML("no table was found in this part")
