"""Reading files into Documents: `extract(path)` reads any of the 22 formats, in this process.

Untrusted uploads go through `ExtractionPool`, which runs the same function in a worker process that can be killed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from autopicker_lab.core import AutopickerError, CorruptFileError, Document, ReadOptions, SourceFile
from autopicker_lab.extraction.encodable import replace_surrogates
from autopicker_lab.extraction.many import ExtractionResult, extract_many
from autopicker_lab.extraction.marking import MarkedPassage, mark
from autopicker_lab.extraction.pool import ExtractionPool
from autopicker_lab.extraction.registry import FormatReader, formats, reader_of
from autopicker_lab.extraction.sniff import check_size, open_source

if TYPE_CHECKING:
    from pathlib import Path

__all__ = [
    "ExtractionPool",
    "ExtractionResult",
    "FormatReader",
    "MarkedPassage",
    "check_size",
    "extract",
    "extract_many",
    "formats",
    "mark",
    "open_source",
]

NO_TEXT = "no text was found in this file"


def extract(
    source: str | Path | bytes | SourceFile, *, name: str | None = None, options: ReadOptions | None = None
) -> Document:
    """Read a file into a Document.

    Args:
        source: a path, the bytes themselves (then give a `name`), or an opened SourceFile.
        name: the file's name, where `source` does not tell it.
        options: a password, the languages of scans, and the like.

    Returns:
        Its text, tables and metadata; `warnings` names whatever was lost.

    Raises:
        UnsupportedFileError: the format is not one that can be read here.
        EmptyFileError, CorruptFileError, EncryptedFileError: the file has no bytes, is damaged, or is locked.
    """
    file = open_source(source, name)
    if options is not None:
        file = replace(file, options=options)
    document = _read(file)
    warnings = file.warnings + document.warnings
    if not document.text.strip() and NO_TEXT not in warnings:
        warnings += (NO_TEXT,)
    return replace_surrogates(replace(document, warnings=warnings, sha256=file.sha256))


def _read(file: SourceFile) -> Document:
    """What the reader of the file makes of it; of an archive with a broken directory, what its entries still hold."""
    try:
        return _read_in_our_words(file)
    except CorruptFileError:
        from autopicker_lab.extraction.archives import is_broken, mended_archive
        from autopicker_lab.extraction.ooxml import MAX_INFLATED

        if not file.data.startswith(b"PK") or not is_broken(file.data):
            raise
        mended = mended_archive(file.data, MAX_INFLATED)
        if mended is None:
            raise
        try:
            document = _read_in_our_words(replace(file, data=mended))
        except CorruptFileError:
            mended = None
        if mended is None:
            raise
        return replace(document, warnings=(_MENDED, *document.warnings))


def _read_in_our_words(file: SourceFile) -> Document:
    try:
        return reader_of(file.kind)(file)
    except AutopickerError:
        raise
    except (MemoryError, RecursionError) as error:
        raise CorruptFileError(f"'{file.name}' is nested or packed too deeply to read", _HINT) from error
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # the readers' libraries raise dozens of kinds on damaged files; Rust's panics, too
        if file.format is not None:
            raise CorruptFileError(
                f"'{file.name}': the installed reader of {file.kind} failed: {type(error).__name__}: {_brief(error)}",
                "tell those who made it, or uninstall it",
            ) from error
        raise CorruptFileError(
            f"'{file.name}' cannot be read as {file.kind.upper()}: {_brief(error)}", _HINT
        ) from error


_MENDED = "the file is cut off or damaged: what could still be unpacked was read"
_HINT = "check that it opens elsewhere, and save it again"


def _brief(error: BaseException) -> str:
    message = " ".join(str(error).split()) or type(error).__name__
    return message[:160]
