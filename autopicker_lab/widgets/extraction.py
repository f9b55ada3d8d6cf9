"""See a file beside what was read out of it: the page's picture, its Markdown, its tables, the warnings."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from autopicker_lab.core import AutopickerError, Document, Part, ReadOptions, SourceFile
from autopicker_lab.core.show import html_table, html_text
from autopicker_lab.extraction import extract, open_source

PICTURE_WIDTH = 520


@dataclass
class ExtractionModel:
    """The state of the panel, without widgets.

    Attributes:
        file: what was opened; None before, and where it could not be.
        part: which Part is looked at, from 0.
        message: why there is no document, with the next step.
    """

    file: SourceFile | None = None
    document: Document | None = None
    part: int = 0
    message: str = "name a file, or drop one"
    listeners: list[Callable[[], None]] = field(default_factory=list)

    def open(self, source: str | Path | bytes, name: str | None = None, password: str = "") -> None:
        """Read a file; a failure becomes `message`."""
        self.file, self.document, self.part, self.message = None, None, 0, ""
        try:
            self.file = replace(open_source(source, name), options=ReadOptions(password or None))
            self.document = extract(self.file)
        except AutopickerError as error:
            self.message = str(error)
        self._tell()

    def look_at(self, part: int) -> None:
        last = len(self.document.parts) - 1 if self.document else 0
        self.part = min(max(part, 0), max(last, 0))
        self._tell()

    @property
    def shown(self) -> Part | None:
        return self.document.parts[self.part] if self.document and self.document.parts else None

    def picture(self) -> bytes:
        """The page as PNG, or the picture itself, for those that have one; else nothing."""
        if self.file is None or self.document is None:
            return b""
        try:
            if self.file.kind == "pdf":
                from autopicker_lab.extraction.pdf import page_image

                image = page_image(self.file, self.part, PICTURE_WIDTH)
            elif self.file.category == "image":
                from autopicker_lab.extraction.image import open_image, to_rgb

                image = to_rgb(open_image(self.file))
                image.thumbnail((PICTURE_WIDTH, 4 * PICTURE_WIDTH))
            else:
                return b""
        except (AutopickerError, RuntimeError, IndexError):  # a damaged page has text, perhaps, but no picture
            return b""
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue()

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()


class ExtractionPanel:
    """The panel in a notebook: `ExtractionPanel("report.pdf")` as the last line of a cell."""

    def __init__(self, path: str | Path = ""):
        import ipywidgets as w

        self.model = ExtractionModel()
        wide = w.Layout(width="100%")
        self.path = w.Text(str(path), description="file", placeholder="path of a file", layout=wide)
        self.path.continuous_update = False
        self.upload = w.FileUpload(description="or drop one here", multiple=False)
        self.password = w.Password(description="password", placeholder="of an encrypted PDF", continuous_update=False)
        self.parts = w.Dropdown(description="part", options=[], layout=wide)
        self.image = w.Image(format="png", layout=w.Layout(display="none", border="1px solid #999"))
        self.text = w.HTML(layout=w.Layout(width="100%", max_height="42em", overflow="auto"))
        self.about = w.HTML()
        for control in (self.path, self.password):
            control.observe(lambda change: self._open(), "value")
        self.upload.observe(lambda change: self._dropped(change["new"]), "value")
        self.parts.observe(lambda change: self._turn(change["new"]), "value")
        self.model.listeners.append(self._draw)
        head = [w.HBox([self.path, self.upload]), self.password, self.about, self.parts]
        self.view = w.VBox([*head, w.HBox([self.image, self.text])])
        self._open()

    def _open(self) -> None:
        if self.path.value.strip():
            self.model.open(self.path.value.strip(), password=self.password.value)
        else:
            self._draw()

    def _dropped(self, files: Any) -> None:
        for file in files:
            self.model.open(bytes(file["content"]), file["name"], self.password.value)

    def _turn(self, part: int | None) -> None:
        if part is not None and part != self.model.part:
            self.model.look_at(part)

    def _draw(self) -> None:
        document, shown = self.model.document, self.model.shown
        labels = [(part.label, i) for i, part in enumerate(document.parts)] if document else []
        if list(self.parts.options) != labels:
            self.parts.options = labels
        if labels:
            self.parts.value = self.model.part
        picture = self.model.picture()
        self.image.layout.display = "block" if picture else "none"
        self.image.value = picture
        if document is None or shown is None:
            self.about.value, self.text.value = html_table(["", ""], [("", self.model.message)]), ""
            return
        rows = [("file", f"{document.name} ({document.kind})"), ("tokens", f"about {document.token_count:,}")]
        self.about.value = html_table(["", ""], rows + [("warning", warning) for warning in document.warnings])
        tables = "".join(table._repr_html_() for table in shown.tables[:20] if table.rows)
        self.text.value = html_text(shown.text) + tables

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)
