"""ZIP archives whose directory is damaged or cut off: their entries, found by the heads that stand before them."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

_PIECE = 1024  # bytes that are unpacked at once, so that little is lost before a damaged one
_HEAD = b"PK\x03\x04"
_STORED, _DEFLATED = 0, 8
_STREAMED = 8  # the flag of an entry whose size stands behind it
_PASSES = 4  # times the file's size that may be looked through for entries that begin within each other


def is_broken(data: bytes) -> bool:
    """Whether the directory of an archive is damaged or missing, or does not lead to its entries."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                archive.open(entry).close()
            first = min((entry.header_offset for entry in archive.infolist()), default=-1)
            return first != data.find(_HEAD)  # the directory of another archive, packed into this one
    except (zipfile.BadZipFile, ValueError, EOFError, OSError, struct.error):
        return True
    except (RuntimeError, NotImplementedError):  # encrypted, or of another compression
        return False


def mended_archive(data: bytes, most: int) -> bytes | None:
    """An archive of the entries that can still be unpacked, each as far as it goes; None where there is none.

    Args:
        most: bytes that they may unpack to in all; what goes beyond is left out.
    """
    out = io.BytesIO()
    found = False
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        at, left = data.find(_HEAD), _PASSES * len(data)
        while 0 <= at <= len(data) - 30 and left > 0:
            name, content, end, read_to = _entry(data, at, most)
            most -= len(content)
            left -= max(read_to - at, 0)
            if name and content and name not in archive.NameToInfo:
                archive.writestr(name, content)
                found = True
            at = data.find(_HEAD, end)
    return out.getvalue() if found else None


def _entry(data: bytes, at: int, most: int) -> tuple[str, bytes, int, int]:
    """Name and content of the entry whose head stands at `at`, where to look for the next, and how far this goes."""
    flags, method, size, name_size, extra_size = struct.unpack_from("<2xHH8xI4xHH", data, at + 4)
    start = at + 30 + name_size + extra_size
    name = data[at + 30 : at + 30 + name_size].decode("utf-8" if flags & 0x800 else "cp437", "replace")
    if method == _STORED and not flags & _STREAMED:
        return name, data[start : start + min(size, most)], start + size, start
    if method != _DEFLATED or most <= 0:
        return "", b"", at + 4, at
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces: list[bytes] = []
    room, position = most, start
    try:
        while room > 0 and position < len(data) and not inflater.eof:
            pieces.append(inflater.decompress(data[position : position + _PIECE], room))
            room -= len(pieces[-1])
            position = min(position + _PIECE, len(data))
            while inflater.unconsumed_tail and room > 0:
                pieces.append(inflater.decompress(inflater.unconsumed_tail, room))
                room -= len(pieces[-1])
    except zlib.error:
        return name, b"".join(pieces), at + 4, position
    end = position - len(inflater.unused_data) if inflater.eof else at + 4
    return name, b"".join(pieces), end, position
