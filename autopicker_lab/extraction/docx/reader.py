"""From the bytes of a DOCX to a Document: its body, then headers and footers, notes and comments once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import CorruptFileError, Document, Part, SourceFile
from autopicker_lab.extraction.docx.chunks import one_deeper
from autopicker_lab.extraction.docx.names import R, W, is_on
from autopicker_lab.extraction.docx.notes import comments, notes
from autopicker_lab.extraction.docx.walk import Walk
from autopicker_lab.extraction.encrypted import is_locked_package, read_locked
from autopicker_lab.extraction.flat_package import is_flat, packed
from autopicker_lab.extraction.ooxml import refuse_bombs
from autopicker_lab.extraction.opc import Package
from autopicker_lab.extraction.plain import markdown_tables, sections

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_DC, _TERMS = "{http://purl.org/dc/elements/1.1/}", "{http://purl.org/dc/terms/}"


def read_docx(file: SourceFile) -> Document:
    """The sections of a DOCX, then its headers and footers, notes and comments; pictures and form as metadata.

    Raises:
        EncryptedFileError: it needs a password, or another one.
        CorruptFileError: it holds no document, or unpacks too far.
    """
    if is_locked_package(file.data):
        return read_locked(file)
    if is_flat(file.data):
        document = read_docx(replace(file, data=packed(file)))
        return replace(document, warnings=("the document is one file of XML: read as that", *document.warnings))
    package = Package(file.data)
    refuse_bombs(file, package.archive)
    with one_deeper():
        return _read(file, package)


def _read(file: SourceFile, package: Package) -> Document:
    main = package.main or "word/document.xml"
    root = package.root(main)
    body = None if root is None else root.find(f"{W}body")
    if root is None or body is None:
        raise CorruptFileError(f"'{file.name}' holds no document", "check that it opens elsewhere, and save it again")
    walk = Walk(package, main)
    walk.controls.settle(body)
    parts = tuple(sections(walk.markdown(body)))
    headings = [part.label for part in parts if part.label != "beginning"]
    for label, blocks in (
        ("headers and footers", dict.fromkeys(_margins(body, walk))),
        ("footnotes", list(notes(walk, main))),
        ("comments", list(comments(walk, main, body))),
    ):
        if text := "\n\n".join(blocks):
            parts += (Part(label, text, tuple(markdown_tables(text.split("\n")))),)
    if package.related(main, "vbaProject") or "macroenabled" in package.content_type(main).lower():
        walk.found.remark("the document brings macros: they were not run")
    meta = {**_properties(package), "images": walk.found.images, "headings": headings}
    if walk.found.running_heads:
        meta["running_heads"] = walk.found.running_heads
    if walk.controls.form:
        meta["form"] = walk.controls.form
    if walk.controls.choices:
        meta["form_choices"] = walk.controls.choices
    return Document(file.name, file.kind, parts, meta, tuple(walk.found.warnings(package.damaged)))


def _properties(package: Package) -> dict[str, Any]:
    """Title, author and time of creation, None where the document does not tell them."""
    part = package.related("", "core-properties")
    root = package.root(part) if part else None

    def text(name: str) -> str | None:
        return (root.findtext(name) or "").strip() or None if root is not None else None

    created = text(f"{_TERMS}created")
    try:
        created = datetime.fromisoformat(created).isoformat() if created else None
    except ValueError:
        created = None
    return {"title": text(f"{_DC}title"), "author": text(f"{_DC}creator"), "created": created}


def _margins(body: Any, walk: Walk) -> Iterator[str]:
    """The paragraphs and tables of the headers and footers that sections show and name themselves.

    Those of first and even pages that a section takes over from the one before it stand in the metadata.
    """
    even = None if walk.settings is None else walk.settings.find(f"{W}evenAndOddHeaders")
    known: dict[tuple[str, str], str] = {}  # header or footer, type -> part
    own: dict[str, None] = {}
    taken_over: dict[str, None] = {}
    for section in body.iter(f"{W}sectPr"):
        named = _references(section, walk.package.relations(walk.part))
        known |= named
        title = section.find(f"{W}titlePg")
        is_shown = {
            "default": True,
            "first": title is not None and is_on(title),
            "even": even is not None and is_on(even),
        }
        for key, part in known.items():
            if is_shown.get(key[1]):
                (own if named.get(key) == part else taken_over).setdefault(part)
    for part in own:
        yield from _margin(part, walk)
    walk.found.running_heads = [block for part in taken_over if part not in own for block in _margin(part, walk)]


def _references(section: Any, relations: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    found: dict[tuple[str, str], str] = {}
    for kind in ("default", "first", "even"):
        for margin in ("header", "footer"):
            for reference in section.iterfind(f"{W}{margin}Reference[@{W}type='{kind}']"):
                relation = relations.get(reference.get(f"{R}id") or "")
                if relation is not None and not relation.is_external:
                    found[margin, kind] = relation.target
    return found


def _margin(part: str, walk: Walk) -> Iterator[str]:
    root = walk.package.root(part)
    if root is not None:
        walk.controls.settle(root)
        with walk.inside(part, margin=True):
            yield from (block for block in walk.markdown(root).split("\n\n") if block.strip())
