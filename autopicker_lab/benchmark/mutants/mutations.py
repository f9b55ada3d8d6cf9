"""Mutations of files: bits flipped, stretches cut out, pieces of other files put in; also inside of ZIPs and PDFs."""

from __future__ import annotations

import io
import random
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_INSIDE = 0.6  # share of mutations of a ZIP or PDF that are made in what it packs, which checksums guard else
_LONGEST_CUT = 0.3  # of a file


@dataclass(frozen=True)
class Mutant:
    """A damaged file: the sample that it was made of, its number, and its bytes."""

    number: int
    sample: Path
    data: bytes

    @property
    def name(self) -> str:
        """The name that it is read under, with the suffix of its sample."""
        return f"{self.sample.stem}-{self.number}{self.sample.suffix}"


def make_mutant(samples: Sequence[Path], number: int, seed: int = 0) -> Mutant:
    """The mutant of that number, which the seed and the samples decide alone; each sample has its turn."""
    chance = random.Random(f"{seed}:{number}")
    sample = samples[number % len(samples)]
    other = chance.choice(samples).read_bytes()
    data = sample.read_bytes()
    if chance.random() < _INSIDE:
        if data.startswith(b"PK"):
            return Mutant(number, sample, _inside_zip(data, other, chance))
        if data.startswith(b"%PDF"):
            return Mutant(number, sample, _inside_pdf(data, other, chance))
    return Mutant(number, sample, _mutate(data, other, chance))


def _mutate(data: bytes, other: bytes, chance: random.Random) -> bytes:
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        data = chance.choice(_MUTATIONS)(data, other, chance)
    return data


def _flip(data: bytes, _other: bytes, chance: random.Random) -> bytes:
    """Some bits turned over, or bytes set to values that are limits of something."""
    flipped = bytearray(data)
    for _ in range(chance.choice((1, 2, 8, 64)) if data else 0):
        at = chance.randrange(len(flipped))
        flipped[at] = chance.choice((flipped[at] ^ 1 << chance.randrange(8), 0, 0x7F, 0x80, 0xFF))
    return bytes(flipped)


def _cut(data: bytes, _other: bytes, chance: random.Random) -> bytes:
    """The end missing, or a stretch out of the middle."""
    if chance.random() < 0.4:
        return data[: chance.randrange(len(data) + 1)]
    start = chance.randrange(len(data) + 1)
    return data[:start] + data[start + chance.randrange(int(len(data) * _LONGEST_CUT) + 1) :]


def _splice(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """A piece of the file itself, or of another, put in or laid over."""
    source = other if chance.random() < 0.5 else data
    start = chance.randrange(len(source) + 1)
    piece = source[start : start + chance.choice((8, 64, 1024, 65536))]
    at = chance.randrange(len(data) + 1)
    return data[:at] + piece + data[at + (len(piece) if chance.random() < 0.5 else 0) :]


_MUTATIONS: tuple[Callable[[bytes, bytes, random.Random], bytes], ...] = (_flip, _cut, _splice)


def _inside_zip(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One member mutated, or left out, and all packed again."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        chosen = chance.choice(archive.namelist() or [""])
        leave_out = chance.random() < 0.1
        for name in archive.namelist():
            if name != chosen:
                packed.writestr(_entry(name), archive.read(name))
            elif not leave_out:
                packed.writestr(_entry(name), _mutate(archive.read(name), other, chance))
    return out.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """Without the time, by which the same mutant would be another two seconds later."""
    entry = zipfile.ZipInfo(name)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _inside_pdf(data: bytes, other: bytes, chance: random.Random) -> bytes:
    """One stream mutated under its compression; the table of positions is wrong then, as readers are used to."""
    streams = list(_STREAM.finditer(data))
    if not streams:
        return _mutate(data, other, chance)
    start, stop = chance.choice(streams).span(1)
    try:
        stream = zlib.compress(_mutate(zlib.decompress(data[start:stop]), other, chance))
    except zlib.error:  # of another compression, or none
        stream = _mutate(data[start:stop], other, chance)
    return data[:start] + stream + data[stop:]
