"""Office files that are locked by a password: opened by msoffcrypto, and read as what they then are."""

from __future__ import annotations

import io
from dataclasses import replace

from autopicker_lab.core import CorruptFileError, Document, EncryptedFileError, SourceFile
from autopicker_lab.extraction.containers import OLE
from autopicker_lab.extraction.registry import reader_of
from autopicker_lab.extraction.sniff import open_source

_MAX_SPINS = 1_000_000  # rounds that turn a password into a key; Office takes 100,000
_DEFAULT_PASSWORD = "VelvetSweatshop"  # Excel's own, for books that are locked against changes only


def is_locked_package(data: bytes) -> bool:
    """Whether these are the bytes of an encrypted DOCX or XLSX, which stands in an OLE container."""
    return data.startswith(OLE) and "EncryptedPackage".encode("utf-16-le") in data


def read_locked(file: SourceFile) -> Document:
    """Open an encrypted DOCX or XLSX, and read what it holds.

    Raises:
        EncryptedFileError: it needs a password, or another one.
    """
    opened = open_source(decrypted(file), file.name)
    document = reader_of(opened.kind)(replace(opened, options=file.options))
    return replace(document, warnings=(*opened.warnings, *document.warnings))


def decrypted(file: SourceFile) -> bytes:
    """The bytes of an encrypted DOCX, XLSX or XLS without its lock.

    Raises:
        EncryptedFileError: it needs a password, or another one; or it is locked in a way that cannot be opened here.
        CorruptFileError: it is no encrypted office file.
    """
    import msoffcrypto
    import msoffcrypto.exceptions as causes

    try:
        office = msoffcrypto.OfficeFile(io.BytesIO(file.data))
    except Exception as error:  # the library lets what its parsers raise through
        raise CorruptFileError(f"'{file.name}' is a damaged encrypted file: {error}", "save it again") from error
    out = io.BytesIO()
    try:
        if (getattr(office, "info", None) or {}).get("spinValue", 0) > _MAX_SPINS:
            raise causes.DecryptionError
        office.load_key(password=file.options.password or _DEFAULT_PASSWORD)
        office.decrypt(out)
    except causes.InvalidKeyError:
        raise _refusal(file) from None
    except Exception as error:  # a lock of a kind that the library does not know
        if not file.options.password:
            raise _refusal(file) from None
        problem = f"'{file.name}' is locked in a way that cannot be opened here"
        raise EncryptedFileError(problem, "save it without a password") from error
    return out.getvalue()


def _refusal(file: SourceFile) -> EncryptedFileError:
    if file.options.password:
        return EncryptedFileError(f"'{file.name}' has another password", "check its spelling")
    return EncryptedFileError(
        f"'{file.name}' is encrypted", "give its password (ReadOptions.password), or save it without one"
    )
