"""The extraction panel: files beside what was read from them, and beside what other engines read."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core.text import clip
from autopicker_lab.widgets.extraction_model import ExtractionModel, OpenFile
from autopicker_lab.widgets.parts import IntakeBox, JobBar, Panel, Save, require, sortable, to_html
from autopicker_lab.widgets.parts.pages import PagePicture, Pages

if TYPE_CHECKING:
    from pathlib import Path

    from autopicker_lab.core import Document

_MAX_CHARACTERS = 60_000  # that are shown of a Part


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
        self.image = PagePicture(layout=w.Layout(display="none", align_self="flex-start", width="44%"))
        self.text = w.HTML(layout=w.Layout(width="98%", max_height="44em", overflow="auto"))
        self.passage = w.Dropdown(description="passage", options=[], layout=w.Layout(width="99%"))
        self.where = w.HTML()
        self.tables = w.VBox()
        self.source = w.Textarea(disabled=True, layout=w.Layout(width="100%", height="40em"))
        self.engine = w.Dropdown(description="beside", options=[])
        self.compare = w.Button(description="Compare", tooltip="lay another engine's text beside this one")
        self.diff = w.HTML(layout=w.Layout(max_height="40em", overflow="auto"))
        beside = w.VBox([w.HBox([self.engine, self.compare]), self.diff])
        text = w.VBox([self.passage, self.where, self.text])
        self.tabs = w.Tab([text, self.tables, self.source, beside], titles=("Text", "Tables", "Markdown", "Diff"))
        self.tabs.layout = w.Layout(flex="1", min_width="26em")
        self.save = [
            Save("Copy text", "", lambda: self._document().text),
            Save("Save as Markdown", "text.md", lambda: self._document().text),
            Save("Save as JSON", "document.json", lambda: self._document().to_dict()),
        ]
        self._drawn_part: object = None
        self._listed: object = None
        self._drawn_tables: object = None
        self.on(self.password, model.unlock)
        self.on(self.file, lambda file: model.select(0, file))
        self.on(self.pages, model.select, "chosen")
        self.on(self.passage, model.pick)
        self.tabs.observe(lambda _: model.notify(), "selected_index")
        self.compare.on_click(lambda _: model.compare(self.engine.value))
        model.listeners.append(self._draw)
        head = [self.intake.view, w.HBox([self.bar.view, self.password]), self.file, self.about, w.HBox(self.save)]
        self.view = w.VBox([*head, w.HBox([self.pages, self.image, self.tabs], layout=w.Layout(flex_flow="row wrap"))])
        self.view.add_class("autopicker-panel")  # within it, files are pasted and dropped anywhere
        if str(path):
            model.open(path)
        model.notify()

    def _document(self) -> Document:
        document: Document | None = self.model.document
        return require(document, "there is no text yet", "give a file first")

    def _draw(self) -> None:
        with self.following():
            self._follow()

    def _follow(self) -> None:
        model, one = self.model, self.model.current
        self.bar.draw()
        names = [(file.file.name, i) for i, file in enumerate(model.files)]
        if list(self.file.options) != names:
            self.file.options = names
        if names:
            self.file.value = model.index
        self.file.layout.display = "flex" if len(names) > 1 else "none"
        self.password.layout.display = "flex" if one and one.error and one.locked else "none"
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
        self.diff.value = model.comparison or ("" if model.engines else "no other engine that is installed reads this")

    def _draw_part(self) -> None:
        """Draw the page and what was read from it, where they have changed."""
        model, part = self.model, self.model.shown
        self._list_passages()
        picture = model.picture()
        if picture != bytes(self.image.value):
            self.image.layout.display = "block" if picture else "none"
            self.image.value = picture
            self.image.alt = f"picture of {model.current_part.label}" if model.current_part else ""
        if (part, model.index) != self._drawn_part:
            self._drawn_part = (part, model.index)
            self.where.value = f"<span style='line-height:1.4;opacity:.8'>{escape(part.title) if part else ''}</span>"
            text = part.text if part else ""
            more = len(text) - _MAX_CHARACTERS
            cut = f"\n\n*{more:,} more characters: save them as Markdown*" if more > 0 else ""
            self.text.value = to_html(text[:_MAX_CHARACTERS] + cut)
            self.source.value = text[:_MAX_CHARACTERS]
        whole = model.current_part
        if self.tabs.selected_index == 1 and self._drawn_tables is not whole:
            self._drawn_tables = whole
            tables = [table for table in (whole.tables if whole else ()) if table.rows]
            self.tables.children = [sortable(table.to_frame(), table.label) for table in tables] or [_no_table()]

    def _list_passages(self) -> None:
        """List the passages of the Part, where it is another one."""
        model, part = self.model, self.model.current_part
        if (part, model.index) != self._listed:
            self._listed = (part, model.index)
            passages = model.passages
            names = [(f"{i + 1}. {clip(passage.text, 90)}", i) for i, passage in enumerate(passages)]
            with self.passage.hold_sync():
                self.passage.options = [("all of it", -1), *names]  # a Dropdown shows None as nothing chosen
                self.passage.value = -1
            self.passage.layout.display = "flex" if len(passages) > 1 else "none"
        self.passage.value = -1 if model.passage is None else model.passage

    def _about(self, one: OpenFile | None) -> str:
        if one is None:
            return ""
        if one.document is None:
            return f"<p>⚠ {escape(one.error)}</p>" if one.error else ""
        document = one.document
        counts = f"{document.counts}, about {document.token_count:,} tokens"
        warnings = "".join(f"<li>⚠ {escape(warning)}</li>" for warning in document.warnings)
        listed = f"<ul style='list-style:none;margin:.3em 0;padding:0'>{warnings}</ul>" if warnings else ""
        return f"<div style='line-height:1.4'><b>{escape(f'{document.name}: {counts}')}</b>{listed}</div>"


def _no_table() -> Any:
    import ipywidgets as w

    return w.HTML("no table was found in this part")
