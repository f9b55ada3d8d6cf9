"""What DOCX and XLSX share: they are archives of XML, and an archive can lie about its size."""

from __future__ import annotations

import io
import zipfile

from autopicker_lab.core import CorruptFileError, SourceFile

MAX_INFLATED = 200 * 2**20


def refuse_bombs(file: SourceFile) -> None:
    """CorruptFileError for an archive that inflates past 200 MiB, or XML that declares a document type.

    Office programs never write a DOCTYPE; entity bombs and external entities need one.
    """
    with zipfile.ZipFile(io.BytesIO(file.data)) as archive:
        entries = archive.infolist()
        if sum(entry.file_size for entry in entries) > MAX_INFLATED:
            raise CorruptFileError(f"'{file.name}' unpacks to over 200 MiB", "split it, or save it without pictures")
        for entry in entries:
            if entry.filename.lower().endswith((".xml", ".rels")):
                with archive.open(entry) as stream:
                    if b"<!DOCTYPE" in stream.read(65536).upper():
                        raise CorruptFileError(
                            f"'{file.name}' declares its own XML entities", "save it again from an office program"
                        )
