"""Annotations of a PDF page: form values, links, notes, files, and what is to be read from how they look."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction.pdf.drawing import RulingLine
from autopicker_lab.extraction.pdf.strings import utf16_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdfium2 import PdfDocument, PdfPage

_MAX_ANNOTATIONS = 2000
_HIDDEN, _NO_VIEW = 2, 32
_PASSWORD_FIELD = 1 << 13
_MAX_OPTIONS = 500
_Rect = tuple[float, float, float, float]  # left, bottom, right, top in points


@dataclass
class PageAnnotations:
    """The annotations of a page; rectangles are (left, bottom, right, top) in points.

    Attributes:
        widgets, links: where the value of a form field stands, or the target of a link.
        fields: the values of form fields by name.
        notes, files: comments, and the names of attached files.
        strikes: the lines of what a reader struck through.
        hidden: names of form fields and texts of notes that no viewer shows.
        drawn: whether some, as stamps and signatures do, show a text of their own.
    """

    widgets: list[tuple[_Rect, str]] = field(default_factory=list)
    links: list[tuple[_Rect, str]] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    strikes: list[RulingLine] = field(default_factory=list)
    hidden: list[str] = field(default_factory=list)
    drawn: bool = False
    unread: list[int] = field(default_factory=list)  # those whose look is not read, by index

    def draw(self, pdf: PdfDocument, index: int, page: PdfPage) -> PdfPage:
        """The page with its stamps, signatures and text boxes made part of its content."""
        from pypdfium2 import raw

        for annotation in reversed(self.unread):
            raw.FPDFPage_RemoveAnnot(page, annotation)
        raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
        page.close()
        return pdf[index]


def read_annotations(pdf: PdfDocument, page: PdfPage) -> PageAnnotations:
    """The annotations of a page."""
    from pypdfium2 import raw

    found = PageAnnotations()
    count = raw.FPDFPage_GetAnnotCount(page)
    for index in range(min(count, _MAX_ANNOTATIONS)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            if not _read_annotation(raw, pdf, annotation, found):
                found.unread.append(index)
        finally:
            raw.FPDFPage_CloseAnnot(annotation)
    found.unread.extend(range(_MAX_ANNOTATIONS, count))
    return found


def _read_annotation(raw: Any, pdf: PdfDocument, annotation: Any, found: PageAnnotations) -> bool:
    """Enter an annotation into `found`, and tell whether its look is to be read."""
    kind = raw.FPDFAnnot_GetSubtype(annotation)
    form = pdf.formenv.raw if pdf.formenv else None
    if kind == raw.FPDF_ANNOT_WIDGET:
        return _read_widget(raw, form, annotation, found)
    if raw.FPDFAnnot_GetFlags(annotation) & (_HIDDEN | _NO_VIEW):
        found.hidden += filter(None, [_contents(raw, annotation)])
        return False
    if kind == raw.FPDF_ANNOT_LINK:
        if target := _link_target(raw, pdf, annotation):
            found.links.append((_rect(raw, annotation), target))
        return False
    if kind == raw.FPDF_ANNOT_FILEATTACHMENT:
        attachment = raw.FPDFAnnot_GetFileAttachment(annotation)
        found.files.append(utf16_text(raw.FPDFAttachment_GetName, attachment) if attachment else "without a name")
    if kind != raw.FPDF_ANNOT_POPUP and (text := _contents(raw, annotation)):
        found.notes.append(text)
    if kind == raw.FPDF_ANNOT_STRIKEOUT:
        found.strikes += _strikes(raw, annotation)
    if kind == raw.FPDF_ANNOT_STAMP and not _has_look(raw, annotation):
        name = utf16_text(raw.FPDFAnnot_GetStringValue, annotation, b"Name")
        found.notes += filter(None, [name and f"stamp: {name}"])
    drawn = (raw.FPDF_ANNOT_STAMP, raw.FPDF_ANNOT_FREETEXT, raw.FPDF_ANNOT_WATERMARK, raw.FPDF_ANNOT_LINE)
    return kind in drawn and _is_drawn(raw, annotation, found)


def _read_widget(raw: Any, form: Any, annotation: Any, found: PageAnnotations) -> bool:
    is_hidden = raw.FPDFAnnot_GetFlags(annotation) & (_HIDDEN | _NO_VIEW)
    if form is None:
        return not is_hidden and _is_drawn(raw, annotation, found)
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    name = utf16_text(raw.FPDFAnnot_GetFormFieldName, form, annotation)
    if kind in (raw.FPDF_FORMFIELD_SIGNATURE, raw.FPDF_FORMFIELD_PUSHBUTTON):
        return not is_hidden and _is_drawn(raw, annotation, found)
    value, display = _field_value(raw, form, annotation, kind)
    if is_hidden:
        if value and value != "[ ]":
            found.hidden.append(name or "without a name")
        return False
    if value:
        found.fields[name or f"field {len(found.fields) + 1}"] = value
    if display:
        found.widgets.append((_rect(raw, annotation), display))
    return not display and _is_drawn(raw, annotation, found)


def _is_drawn(raw: Any, annotation: Any, found: PageAnnotations) -> bool:
    """Whether what an annotation looks like is to be read, which is entered into `found`."""
    has_look = _has_look(raw, annotation)
    found.drawn = found.drawn or has_look
    return has_look


def _field_value(raw: Any, form: Any, annotation: Any, kind: int) -> tuple[str, str]:
    """The value of a field, and its text on the page; of radio buttons only the chosen one has a value."""
    if kind == raw.FPDF_FORMFIELD_CHECKBOX:
        symbol = "[x]" if raw.FPDFAnnot_IsChecked(form, annotation) else "[ ]"
        return symbol, symbol
    if kind == raw.FPDF_FORMFIELD_RADIOBUTTON:
        if not raw.FPDFAnnot_IsChecked(form, annotation):
            return "", "( )"
        return utf16_text(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation) or "chosen", "(x)"
    value = " ".join(utf16_text(raw.FPDFAnnot_GetFormFieldValue, form, annotation).split())
    if kind in (raw.FPDF_FORMFIELD_LISTBOX, raw.FPDF_FORMFIELD_COMBOBOX):
        value = ", ".join(_chosen_options(raw, form, annotation)) or value
    if kind == raw.FPDF_FORMFIELD_TEXTFIELD and value:
        is_secret = raw.FPDFAnnot_GetFormFieldFlags(form, annotation) & _PASSWORD_FIELD
        value = "*" * len(value) if is_secret else value
    return value, value


def _chosen_options(raw: Any, form: Any, annotation: Any) -> list[str]:
    """The labels of the chosen options, as they are shown."""
    count = min(raw.FPDFAnnot_GetOptionCount(form, annotation), _MAX_OPTIONS)
    return [
        " ".join(utf16_text(raw.FPDFAnnot_GetOptionLabel, form, annotation, index).split())
        for index in range(count)
        if raw.FPDFAnnot_IsOptionSelected(form, annotation, index)
    ]


def _has_look(raw: Any, annotation: Any) -> bool:
    """Whether an annotation says how it is drawn (an appearance stream)."""
    return bool(raw.FPDFAnnot_HasKey(annotation, b"AP"))


def _contents(raw: Any, annotation: Any) -> str:
    return utf16_text(raw.FPDFAnnot_GetStringValue, annotation, b"Contents").strip()


def _rect(raw: Any, annotation: Any) -> _Rect:
    rect = raw.FS_RECTF()
    raw.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
    return rect.left, rect.bottom, rect.right, rect.top


def _strikes(raw: Any, annotation: Any) -> Iterator[RulingLine]:
    """A line through the middle of each stretch of text that is struck."""
    corners = raw.FS_QUADPOINTSF()
    for index in range(min(raw.FPDFAnnot_CountAttachmentPoints(annotation), _MAX_OPTIONS)):
        if raw.FPDFAnnot_GetAttachmentPoints(annotation, index, ctypes.byref(corners)):
            xs = (corners.x1, corners.x2, corners.x3, corners.x4)
            ys = (corners.y1, corners.y2, corners.y3, corners.y4)
            middle = (min(ys) + max(ys)) / 2
            yield RulingLine(min(xs), middle, max(xs), middle)


def _link_target(raw: Any, pdf: PdfDocument, annotation: Any) -> str:
    link = raw.FPDFAnnot_GetLink(annotation)
    action = raw.FPDFLink_GetAction(link) if link else None
    if not action or raw.FPDFAction_GetType(action) != raw.PDFACTION_URI:
        return ""
    length = raw.FPDFAction_GetURIPath(pdf, action, None, 0)
    buffer = ctypes.create_string_buffer(max(length, 1))
    raw.FPDFAction_GetURIPath(pdf, action, buffer, length)
    return buffer.value.decode("utf-8", "replace")
