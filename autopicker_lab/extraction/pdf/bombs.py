"""PDF streams that inflate without end: pdfium unpacks a page's content without a bound, so look first."""

from __future__ import annotations

import re
import zlib

from autopicker_lab.core import CorruptFileError, SourceFile

INFLATED_LIMIT = 64 * 2**20
_LAYERS = 4
_STEP = 2**20
_PIECE = 65536
_LEAST = INFLATED_LIMIT // 1040  # bytes: deflate packs at most about 1,032 to 1
_STREAM = re.compile(rb"stream\r?\n")


def refuse_bombs(file: SourceFile) -> None:
    """CorruptFileError where a deflated stream grows past 64 MiB, packed once or several times over."""
    data = memoryview(file.data)
    for start in _STREAM.finditer(file.data):
        packed = data[start.end() :]
        if not _is_deflated(bytes(packed[:2])):
            continue
        end = file.data.find(b"endstream", start.end())
        packed = packed[: end - start.end()] if end > 0 else packed
        if len(packed) < _LEAST and not _is_deflated(_first(packed)):
            continue
        layer = _Layer()
        if any(layer.feed(bytes(packed[i : i + _PIECE])) > INFLATED_LIMIT for i in range(0, len(packed), _PIECE)):
            raise CorruptFileError(f"'{file.name}' unpacks to over 64 MiB in one stream", "save it again")


def _is_deflated(head: bytes) -> bool:
    """Whether bytes begin as zlib's do (RFC 1950): method 8, and a check on the first two."""
    return len(head) >= 2 and head[0] & 15 == 8 and (head[0] << 8 | head[1]) % 31 == 0


def _first(packed: memoryview) -> bytes:
    try:
        return zlib.decompressobj().decompress(bytes(packed[:256]), 2)
    except zlib.error:
        return b""


class _Layer:
    """A deflated stream, fed piece by piece, and the one that may be packed within it."""

    def __init__(self, depth: int = 1):
        self._engine = zlib.decompressobj()
        self._depth, self._total = depth, 0
        self._inner: _Layer | None = None

    def feed(self, data: bytes) -> int:
        """The most bytes that this layer or one below it has grown to."""
        deepest = 0
        try:
            while data and not self._engine.eof:
                out = self._engine.decompress(data, _STEP)
                data = self._engine.unconsumed_tail
                if self._total == 0 and self._depth < _LAYERS and _is_deflated(out[:2]):
                    self._inner = _Layer(self._depth + 1)
                self._total += len(out)
                deepest = max(deepest, self._total, self._inner.feed(out) if self._inner else 0)
                if deepest > INFLATED_LIMIT:
                    break
        except zlib.error:
            pass
        return deepest
