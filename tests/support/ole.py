"""Compound files (OLE), as old office programs write them."""

import struct

_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def ole(*streams: str, content: bytes = b"") -> bytes:
    """A compound file with streams at its root; the first of them holds the content, up to 60 kB."""
    size = max(len(content), 4096)  # shorter ones would stand in a mini stream
    sectors = -(-size // 512)
    entries = [_entry(name, i, len(streams), size) for i, name in enumerate(("Root Entry", *streams))]
    entries += [bytes(68) + b"\xff" * 12 + bytes(48)] * (-len(entries) % 4)
    directory = b"".join(entries)
    blocks = len(directory) // 512
    chain = [*range(1, sectors), _END, *range(sectors + 1, sectors + blocks), _END, _FAT]
    table = struct.pack("<128I", *chain, *[_FREE] * (128 - len(chain)))
    numbers = (1, sectors, 0, 4096, _END, 0, _END, 0)
    head = struct.pack("<8s16sHHHHHHII8I", _SIGNATURE, b"", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, *numbers)
    head += struct.pack("<109I", sectors + blocks, *[_FREE] * 108)
    return head + content.ljust(sectors * 512, b"\x00") + directory + table


def _entry(name: str, number: int, streams: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\x00\x00"
    right = number + 1 if 0 < number < streams else _FREE
    child = 1 if number == 0 and streams else _FREE
    start, length = (0, size) if number == 1 else (_END, 0)
    links = (_FREE, right, child)
    kind = 2 if number else 5
    return text.ljust(64, b"\x00") + struct.pack(
        "<HBB3I16sIQQIII", len(text), kind, 1, *links, b"", 0, 0, 0, start, length, 0
    )
