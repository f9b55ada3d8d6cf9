"""The extraction engines that benchmarks/extraction.ipynb compares: each takes a path and returns Markdown or text.

Engines that are no dependencies take part where they are installed:
`uv run --with markitdown[all] --with kreuzberg --with trafilatura autopicker bench extraction`, and docling without its
models `--with docling-slim[convert-core,format-pdf,format-office,format-html,format-markdown]`.
"""

from __future__ import annotations

import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core import SourceFile

PICTURES = ("png", "jpg", "gif", "bmp", "webp")


class Engine(NamedTuple):
    """A way to read files: the package it needs, the kinds it reads, and the function from path to text."""

    package: str
    kinds: tuple[str, ...]
    read: Callable[[str], str]


def autopicker(path: str) -> str:
    """Read a file with this package."""
    from autopicker_lab.extraction import extract

    return extract(path).text


def pypdf(path: str) -> str:
    """Read a PDF with pypdf."""
    from pypdf import PdfReader

    return "\n".join(page.extract_text() for page in PdfReader(path).pages)


def pypdfium2(path: str) -> str:
    """Read a PDF with pypdfium2."""
    import pypdfium2 as pdfium

    document = pdfium.PdfDocument(path)
    return "\n".join(document[i].get_textpage().get_text_bounded() for i in range(len(document)))


def python_docx(path: str) -> str:
    """Read a DOCX file with python-docx: paragraphs and tables in their order."""
    import docx

    blocks = docx.Document(path).iter_inner_content()
    return "\n".join(b.text if hasattr(b, "text") else "\n".join(map(_join_cells, b.rows)) for b in blocks)


def _join_cells(row: object) -> str:
    return " | ".join(cell.text for cell in row.cells)  # type: ignore[attr-defined]  # python-docx ships no types


def openpyxl(path: str) -> str:
    """Read an XLSX file with openpyxl, a line a row."""
    import openpyxl as engine

    book = engine.load_workbook(path, read_only=True, data_only=True)
    return "\n".join(_join_values(row) for sheet in book.worksheets for row in sheet.iter_rows(values_only=True))


def calamine(path: str) -> str:
    """Read an XLSX or XLS file with calamine, a line a row."""
    import python_calamine

    book = python_calamine.CalamineWorkbook.from_path(path)
    return "\n".join(_join_values(row) for name in book.sheet_names for row in book.get_sheet_by_name(name).to_python())


def _join_values(row: object) -> str:
    return " | ".join("" if value is None else str(value) for value in row)  # type: ignore[attr-defined]


def trafilatura(path: str) -> str:
    """Read an HTML file with trafilatura, where it is installed."""
    import trafilatura as engine  # type: ignore[import-not-found]

    text: str | None = engine.extract(Path(path).read_bytes(), output_format="markdown", include_tables=True)
    return text or ""


def markitdown(path: str) -> str:
    """Read a file with MarkItDown, where it is installed."""
    from markitdown import MarkItDown  # type: ignore[import-not-found]  # a peer, not a dependency

    text: str = MarkItDown(enable_plugins=False).convert(path).text_content
    return text


def kreuzberg(path: str) -> str:
    """Read a file with Kreuzberg, where it is installed."""
    import kreuzberg as engine  # type: ignore[import-not-found]

    text: str = engine.extract_file_sync(path, config=engine.ExtractionConfig(output_format="markdown")).content
    return text


def docling(path: str) -> str:
    """Read a file with the pipelines of Docling that need no models, where it is installed.

    Its DocumentConverter would import torch, so the pipelines are asked themselves.
    """
    from docling.backend import (  # type: ignore[import-not-found]
        csv_backend,
        docling_parse_backend,
        html_backend,
        md_backend,
        msexcel_backend,
        msword_backend,
    )
    from docling.datamodel.base_models import InputFormat  # type: ignore[import-not-found]
    from docling.datamodel.document import InputDocument  # type: ignore[import-not-found]
    from docling.datamodel.pipeline_options import (  # type: ignore[import-not-found]
        ConvertPipelineOptions,
        NativePdfPipelineOptions,
    )
    from docling.pipeline.native_pdf_pipeline import NativePdfPipeline  # type: ignore[import-not-found]
    from docling.pipeline.simple_pipeline import SimplePipeline  # type: ignore[import-not-found]

    backends = {
        "pdf": docling_parse_backend.ThreadedDoclingParseDocumentBackend,
        "docx": msword_backend.MsWordDocumentBackend,
        "xlsx": msexcel_backend.MsExcelDocumentBackend,
        "csv": csv_backend.CsvDocumentBackend,
        "html": html_backend.HTMLDocumentBackend,
        "md": md_backend.MarkdownDocumentBackend,
    }
    kind = Path(path).suffix[1:]
    document = InputDocument(
        path_or_stream=Path(path), format=InputFormat(kind), backend=backends[kind], filename=Path(path).name
    )
    if kind == "pdf":
        pipeline = NativePdfPipeline(NativePdfPipelineOptions())
    else:
        pipeline = SimplePipeline(ConvertPipelineOptions())
    text: str = pipeline.execute(document, raises_on_error=True).document.export_to_markdown()
    return text


def read_bytes(name: str, file: SourceFile) -> str:
    """Read a file that is not on the disk with the engine of this name."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"file.{file.kind}")
        path.write_bytes(file.data)
        return ENGINES[name].read(str(path))


OFFICE = ("pdf", "docx", "xlsx", "xls", "csv", "html", "txt", "md", "json")
ENGINES = {
    "autopicker": Engine("autopicker_lab", (*OFFICE, "py", "js", "css", *PICTURES), autopicker),
    "pypdf": Engine("pypdf", ("pdf",), pypdf),
    "pypdfium2": Engine("pypdfium2", ("pdf",), pypdfium2),
    "python-docx": Engine("docx", ("docx",), python_docx),
    "openpyxl": Engine("openpyxl", ("xlsx",), openpyxl),
    "calamine": Engine("python_calamine", ("xlsx", "xls"), calamine),
    "trafilatura": Engine("trafilatura", ("html",), trafilatura),
    "markitdown": Engine("markitdown", OFFICE, markitdown),
    "kreuzberg": Engine("kreuzberg", OFFICE, kreuzberg),
    "docling": Engine("docling", ("pdf", "docx", "xlsx", "csv", "html", "md"), docling),
}


def installed() -> list[str]:
    """Names of the engines that can run here."""
    return [name for name, engine in ENGINES.items() if find_spec(engine.package)]
