"""Compressed answers, of servers that compress though nobody asked them to."""

from __future__ import annotations

import zlib

from autopicker_lab.http_client.connection import ConnectionBrokenError

_MOST = 2**20  # bytes that one call gives, so that a small answer cannot fill the memory
_GZIP, _ZLIB, _RAW_DEFLATE = 31, 15, -15  # window bits, by which zlib knows them
_CODINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": _ZLIB}
_GZIP_MAGIC = b"\x1f\x8b"


class DecodingError(ConnectionBrokenError):
    """An answer is compressed in a way that is not known here, or damaged. An OSError as its base is."""


class Decoder:
    """Unpacks the body of one answer, piece by piece; what is plain in spite of its header stays as it is.

    Raises:
        DecodingError: the coding is none of gzip and deflate.
    """

    def __init__(self, coding: str):
        if coding not in _CODINGS:
            raise DecodingError(f"the answer is compressed as {coding[:40]!r}, which was not asked for")
        self._window = _CODINGS[coding]
        self._unpacker: zlib._Decompress | None = None
        self._is_plain = False
        self._rest = b""

    @property
    def pending(self) -> bool:
        """Whether `decode` has more to give without more data."""
        return self._unpacker is not None and bool(self._rest)

    def decode(self, data: bytes) -> bytes:
        """What the data unpacks to, at most a megabyte at once; DecodingError where it is damaged."""
        if self._is_plain:
            return data
        data, self._rest = self._rest + data, b""
        if self._unpacker is None and not self._begin(data):
            return data if self._is_plain else b""
        return self._unpack(data)

    def end(self) -> bytes:
        """What is left at the end; DecodingError where the data ended too early."""
        if self._unpacker is not None and not self._unpacker.eof:
            raise DecodingError("the compressed answer was cut")
        rest, self._rest = self._rest, b""
        return rest

    def _begin(self, data: bytes) -> bool:
        """Whether unpacking begins: not before two bytes are there, nor where they are those of plain text."""
        if len(data) < 2:
            self._rest = data
            return False
        window = self._window_of(data)
        self._is_plain = window is None
        self._unpacker = None if window is None else zlib.decompressobj(window)
        return window is not None

    def _window_of(self, data: bytes) -> int | None:
        """How data that begins so is compressed; None: not at all, whatever its header says."""
        if self._window == _GZIP:
            return _GZIP if data.startswith(_GZIP_MAGIC) else None
        if data[0] & 15 == 8 and int.from_bytes(data[:2]) % 31 == 0:
            return _ZLIB
        try:
            zlib.decompressobj(_RAW_DEFLATE).decompress(data, _MOST)
        except zlib.error:
            return None
        return _RAW_DEFLATE

    def _unpack(self, data: bytes) -> bytes:
        assert self._unpacker is not None
        if self._unpacker.eof:
            if not data.startswith(_GZIP_MAGIC):
                return b""  # padding after the end
            self._unpacker = zlib.decompressobj(self._window)  # gzip may go on with another member
        try:
            made = self._unpacker.decompress(data, _MOST)
        except zlib.error as error:
            raise DecodingError(f"the compressed answer is damaged: {error}") from None
        self._rest = self._unpacker.unconsumed_tail or self._unpacker.unused_data
        return made
