"""Annotations of a PDF page: form values, links, notes."""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pypdfium2 import PdfDocument, PdfPage


def page_annotations(
    pdf: PdfDocument, page: PdfPage, fields: dict[str, str]
) -> Iterator[tuple[str, tuple[float, float, float, float], str]]:
    """The annotations of a page as ("widget", "link" or "note"; rectangle; text).

    The values of form fields are entered into `fields` by name. Rectangles are (left, bottom, right, top) in points.
    """
    from pypdfium2 import raw

    form = pdf.formenv.raw if pdf.formenv else None
    rect = raw.FS_RECTF()
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), 2000)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            raw.FPDFAnnot_GetRect(annotation, ctypes.byref(rect))
            place = (rect.left, rect.bottom, rect.right, rect.top)
            if kind == raw.FPDF_ANNOT_WIDGET and form is not None:
                value, display = _field_value(raw, form, annotation)
                if value:
                    name = _utf16_text(raw.FPDFAnnot_GetFormFieldName, form, annotation)
                    fields[name or f"field {len(fields) + 1}"] = value
                if display:
                    yield "widget", place, display
            elif kind == raw.FPDF_ANNOT_LINK and (target := _link_target(raw, pdf, annotation)):
                yield "link", place, target
            elif kind not in (raw.FPDF_ANNOT_LINK, raw.FPDF_ANNOT_POPUP, raw.FPDF_ANNOT_WIDGET):
                text = _utf16_text(raw.FPDFAnnot_GetStringValue, annotation, b"Contents").strip()
                if text:
                    yield "note", place, text
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _field_value(raw: Any, form: Any, annotation: Any) -> tuple[str, str]:
    """The value of a field, and its text on the page; of radio buttons only the chosen one has a value."""
    kind = raw.FPDFAnnot_GetFormFieldType(form, annotation)
    if kind == raw.FPDF_FORMFIELD_CHECKBOX:
        symbol = "[x]" if raw.FPDFAnnot_IsChecked(form, annotation) else "[ ]"
        return symbol, symbol
    if kind == raw.FPDF_FORMFIELD_RADIOBUTTON:
        if not raw.FPDFAnnot_IsChecked(form, annotation):
            return "", "( )"
        return _utf16_text(raw.FPDFAnnot_GetFormFieldExportValue, form, annotation) or "chosen", "(x)"
    value = " ".join(_utf16_text(raw.FPDFAnnot_GetFormFieldValue, form, annotation).split())
    return value, value


def _utf16_text(call: Any, *args: Any) -> str:
    """A UTF-16 string from a pdfium function, which is called for its length first."""
    from pypdfium2 import raw

    length = call(*args, None, 0)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    call(*args, ctypes.cast(buffer, ctypes.POINTER(raw.FPDF_WCHAR)), length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")


def _link_target(raw: Any, pdf: PdfDocument, annotation: Any) -> str:
    link = raw.FPDFAnnot_GetLink(annotation)
    action = raw.FPDFLink_GetAction(link) if link else None
    if not action or raw.FPDFAction_GetType(action) != raw.PDFACTION_URI:
        return ""
    length = raw.FPDFAction_GetURIPath(pdf, action, None, 0)
    buffer = ctypes.create_string_buffer(max(length, 1))
    raw.FPDFAction_GetURIPath(pdf, action, buffer, length)
    return buffer.value.decode("utf-8", "replace")
