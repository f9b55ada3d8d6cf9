"""Detection of PDF streams that inflate too far, before pdfium unpacks them without a bound."""

from __future__ import annotations

import base64
import re
import zlib
from collections import Counter

from autopicker_lab.core import CorruptFileError, SourceFile

INFLATED_LIMIT = 64 * 2**20
_LAYERS = 4
_STEP = 2**20
_PIECE = 65536
_MIN_PACKED = INFLATED_LIMIT // 1040  # bytes: deflate packs at most about 1,032 to 1
_STREAM = re.compile(rb"\bstream\r?\n")
_FILTER = re.compile(rb"/Filter\s*\[?\s*/(\w+)")
_CONTENTS = re.compile(rb"/Contents\s*\[([^\]]{1,20000})\]")
_REPEATS = 4


def refuse_bombs(file: SourceFile) -> None:
    """Refuse a PDF whose streams would fill the memory.

    Raises:
        CorruptFileError: a deflated stream grows past 64 MiB, packed once or several times over, or a page shows one
            stream again and again.
    """
    if any(max(Counter(array[1].split(b"R")).values()) > _REPEATS for array in _CONTENTS.finditer(file.data)):
        raise CorruptFileError(f"'{file.name}' shows one stream again and again", "save it again")
    data = memoryview(file.data)
    start = _STREAM.search(file.data)
    while start is not None:
        end = file.data.find(b"endstream", start.end())
        end = end if end > 0 else len(data)
        packed = _decode_ascii(file.data[max(start.start() - 300, 0) : start.start()], data[start.end() : end])
        if _is_deflated(bytes(packed[:2])) and (len(packed) >= _MIN_PACKED or _is_deflated(_first_bytes(packed))):
            layer = _Layer()
            if any(layer.feed(bytes(packed[i : i + _PIECE])) > INFLATED_LIMIT for i in range(0, len(packed), _PIECE)):
                raise CorruptFileError(f"'{file.name}' unpacks to over 64 MiB in one stream", "save it again")
        start = _STREAM.search(file.data, end)


def _decode_ascii(dictionary: bytes, packed: memoryview) -> memoryview:
    """The bytes of a stream, decoded from hexadecimal or base-85 digits where it is written in these."""
    filters = _FILTER.findall(dictionary)
    if not filters or (not filters[-1].startswith(b"ASCII") and filters[-1] not in (b"AHx", b"A85")):
        return packed
    digits = bytes(packed).translate(None, b" \t\r\n\x00\f")
    try:
        if b"85" in filters[-1]:
            return memoryview(base64.a85decode(digits.removesuffix(b"~>")))
        return memoryview(bytes.fromhex(digits.split(b">")[0].decode("ascii")))
    except (ValueError, UnicodeDecodeError):
        return packed


def _is_deflated(head: bytes) -> bool:
    """Whether bytes begin like a zlib stream (RFC 1950): method 8, and a check sum over the first two."""
    return len(head) >= 2 and head[0] & 15 == 8 and (head[0] << 8 | head[1]) % 31 == 0


def _first_bytes(packed: memoryview) -> bytes:
    try:
        return zlib.decompressobj().decompress(bytes(packed[:256]), 2)
    except zlib.error:
        return b""


class _Layer:
    """A deflated stream, fed piece by piece, and the one that may be packed within it."""

    def __init__(self, depth: int = 1):
        self._engine = zlib.decompressobj()
        self._depth, self._total = depth, 0
        self._broken = False
        self._inner: _Layer | None = None

    def feed(self, data: bytes) -> int:
        """Inflate more data, and give the largest size, in bytes, of this layer or one below it."""
        deepest = 0
        try:
            while data and not self._engine.eof and not self._broken:
                out = self._engine.decompress(data, _STEP)
                data = self._engine.unconsumed_tail
                if self._total == 0 and self._depth < _LAYERS and _is_deflated(out[:2]):
                    self._inner = _Layer(self._depth + 1)
                self._total += len(out)
                deepest = max(deepest, self._total, self._inner.feed(out) if self._inner else 0)
                if deepest > INFLATED_LIMIT:
                    break
        except zlib.error:
            self._broken = True
        return deepest
