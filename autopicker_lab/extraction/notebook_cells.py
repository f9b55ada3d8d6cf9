"""Jupyter notebooks (nbformat 3 and 4) as their cells: source and what it put out, pictures by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import AutopickerError, Part, SourceFile
from autopicker_lab.extraction.base64_data import leave_out_base64
from autopicker_lab.extraction.registry import reader_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_MAX_OUTPUT = 20_000  # characters of one output
_MAX_PAGE = 2_000_000  # characters of one output in HTML that are read
_SAYS_NOTHING = re.compile(r"<[\w.]+ object(?: at 0x[0-9a-fA-F]+)?>\s*")  # where only another form of it says more
_OVERWRITTEN = re.compile(r"[^\r\n]*\r(?!\Z)")  # a bar of progress is drawn again on its line


def is_notebook(value: object) -> bool:
    """Whether a JSON value is a notebook."""
    return (
        isinstance(value, dict) and "nbformat" in value and bool(_cells(value) or isinstance(value.get("cells"), list))
    )


def cell_parts(notebook: dict[str, Any]) -> tuple[Part, ...]:
    """One Part a cell: Markdown as it is, code between fences, what it put out below."""
    language = _language(notebook)
    parts = []
    for number, cell in enumerate(_cells(notebook), 1):
        kind = str(cell.get("cell_type", "raw"))
        source = _joined(cell.get("source", cell.get("input", "")))
        blocks = [_fenced(source, language)] if kind == "code" and source else [source] if source else []
        blocks += [_fenced(text) for text in _outputs(cell)]
        level = cell.get("level")
        if kind == "heading" and isinstance(level, int) and 0 < level < 7:
            blocks[:1] = [f"{'#' * level} {source}"]
        if blocks:
            parts.append(Part(f"cell {number}, {kind}", leave_out_base64("\n\n".join(blocks)).text))
    return tuple(parts) or (Part("notebook", ""),)


def _cells(notebook: dict[str, Any]) -> list[dict[str, Any]]:
    cells = notebook.get("cells")
    if not isinstance(cells, list):
        sheets = notebook.get("worksheets")
        sheets = sheets if isinstance(sheets, list) else []
        cells = [cell for sheet in sheets if isinstance(sheet, dict) for cell in sheet.get("cells") or []]
    return [cell for cell in cells if isinstance(cell, dict)]


def _language(notebook: dict[str, Any]) -> str:
    meta = notebook.get("metadata")
    meta = meta if isinstance(meta, dict) else {}
    for key, name in (("kernelspec", "language"), ("language_info", "name")):
        if isinstance(meta.get(key), dict) and isinstance(meta[key].get(name), str):
            return str(meta[key][name])
    return "python"


def _joined(text: object) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else text if isinstance(text, str) else ""


def _outputs(cell: dict[str, Any]) -> Iterator[str]:
    for output in cell.get("outputs") or []:
        if not isinstance(output, dict):
            continue
        bundle = output.get("data")
        data = bundle if isinstance(bundle, dict) else output
        text = _joined(output.get("text")) or _in_words(data)
        if output.get("output_type") in ("error", "pyerr"):
            text = f"{output.get('ename', 'error')}: {output.get('evalue', '')}"
        text = _OVERWRITTEN.sub("", text.replace("\r\n", "\n"))
        kept = text[:_MAX_OUTPUT]
        if kept.strip():
            yield kept.rstrip("\n") + (f"\n[{len(text) - len(kept):,} more characters]" if kept != text else "")
        for kind, content in data.items():
            if kind.startswith(("image/", "application/pdf")) or kind in ("png", "jpeg", "svg"):
                size = f": {len(_joined(content)) * 3 / 4000:,.0f} kB left out" if "svg" not in kind else ""
                yield f"[{kind if '/' in kind else 'image/' + kind}{size}]"


def _in_words(data: dict[str, Any]) -> str:
    """An output in the form that says most in words: its plain text, unless that only names an object."""
    plain = _joined(data.get("text/plain"))
    if plain and not _SAYS_NOTHING.fullmatch(plain):
        return plain
    found = _joined(data.get("text/markdown")) or _joined(data.get("text/latex")) or _of_page(data.get("text/html"))
    return found or plain


def _of_page(html: object) -> str:
    """The words of an output in HTML; those of one that cannot be read are named by their size."""
    page = _joined(html)
    text = ""
    if page.strip() and len(page) <= _MAX_PAGE:
        try:
            text = reader_of("html")(SourceFile("output.html", page.encode("utf-8", "replace"), "html")).text.strip()
        except AutopickerError:
            text = ""
    return text or (f"[text/html: {len(page) / 1000:,.0f} kB left out]" if page.strip() else "")


def _fenced(text: str, language: str = "") -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.rstrip(chr(10))}\n{fence}"
