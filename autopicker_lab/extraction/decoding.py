"""The one way from bytes to text: Unicode first, with a bad byte or without a mark, then the encodings before it."""

from __future__ import annotations

import codecs
import re
import unicodedata
from typing import NamedTuple

from autopicker_lab.extraction.ebcdic import ebcdic_encoding
from autopicker_lab.extraction.encoding_labels import declared_encoding
from autopicker_lab.extraction.legacy_encodings import count_high, guess_encoding
from autopicker_lab.extraction.unicode_forms import eight_bits, escaped_encoding, mended_mojibake, unmarked_encoding

BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_BEGINS_BOM = frozenset(bom[:1] for bom, _ in BOMS)
_HALF = re.compile(rb"\xed[\xa0-\xbf][\x80-\xbf]")  # of a pair of surrogates, which is no UTF-8
_PAIR = re.compile(rb"\xed[\xa0-\xaf][\x80-\xbf]\xed[\xb0-\xbf][\x80-\xbf]")  # two halves: CESU-8
_SEQUENCE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_MIN_GUESSED = 24  # bytes beyond ASCII, under which a guess is said to be one
_MAX_NAMED = 5


class Decoded(NamedTuple):
    """Text with \\n as its line ends, the name of its encoding, and what was lost or guessed."""

    text: str
    encoding: str
    warnings: tuple[str, ...]


def decode(data: bytes, declared: str = "") -> Decoded:
    """Decode bytes of unknown encoding; `declared` is the one that came with them, where it did not come in them."""
    text, encoding, warnings = _decode(data, declared)
    if "\x00" in text:
        text, warnings = text.replace("\x00", ""), (*warnings, "NUL characters were dropped")
    if "\ufeff" in text:  # where files were joined
        text = text.replace("\ufeff", "")
    if text.endswith("\x1a"):  # the end of a file of DOS
        text = text.rstrip("\x1a")
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    return Decoded(text, encoding, warnings)


def _decode(data: bytes, declared: str) -> Decoded:
    for bom, encoding in BOMS if data[:1] in _BEGINS_BOM else ():
        if data.startswith(bom):
            return _decode_as(data, encoding)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return _not_utf_8(data, declared or declared_encoding(data))
    if unmarked := unmarked_encoding(data):
        return _decode_as(data, unmarked)
    if text.isascii():
        escaped = escaped_encoding(data)
        if escaped == "iso2022_cn":  # Python has no such codec
            return _decode_as(eight_bits(data), "gb2312")._replace(encoding=escaped)
        return _decode_as(data, escaped) if escaped else Decoded(text, "utf-8", ())
    mended = mended_mojibake(text)
    if mended:
        return Decoded(mended[0], "utf-8", (f"it was UTF-8 read as {mended[1]} and saved again: that was undone",))
    return Decoded(text, "utf-8", ())


def _decode_as(data: bytes, encoding: str) -> Decoded:
    """Decode bytes that should be in `encoding`, with a warning that tells the lines where some are not."""
    try:
        text, warnings = data.decode(encoding), ()  # type: str, tuple[str, ...]
    except UnicodeDecodeError:
        text = data.decode(encoding, "replace")
        lines = [str(i) for i, line in enumerate(text.split("\n"), 1) if "\ufffd" in line]
        named = f"{', '.join(lines[:_MAX_NAMED])}{' ...' if len(lines) > _MAX_NAMED else ''}"
        said = f"some characters were lost, in line{'s' * (len(lines) > 1)} {named}"
        warnings = (f"not all of it is {encoding.upper()}: {said}",)
    if encoding == "cp1258":  # it writes accents apart from their letters
        text = unicodedata.normalize("NFC", text)
    return Decoded(text.lstrip("\ufeff"), encoding, warnings)


def _not_utf_8(data: bytes, declared: str) -> Decoded:
    if unmarked := unmarked_encoding(data):
        return _decode_as(data, unmarked)
    if page := ebcdic_encoding(data):
        decoded = _decode_as(data, page)
        said = f"text of a mainframe (EBCDIC): read as {page}"
        return decoded._replace(text=decoded.text.replace("\x85", "\n"), warnings=(said, *decoded.warnings))
    if _PAIR.search(data):
        return _decode(_PAIR.sub(_whole, data), declared)
    sequences, bad = _count_sequences(data)
    if sequences:
        if sequences > bad or _is_cut(data):
            return _mixed_lines(data, bad) or _decode_as(data, "utf-8")
        if not declared and (mixed := _mixed_lines(data, bad)):
            return mixed
    guess = guess_encoding(data, declared if declared != "utf-8" else "")
    if guess is None:
        return _decode_as(data, declared or "utf-8")
    decoded = _decode_as(data, guess.encoding)
    if not guess.gives_words:
        said = f"no encoding makes words of it: read as {guess.encoding}"
    elif declared and declared != guess.encoding:
        said = f"it declares {declared}, but its letters are those of {guess.encoding}"
    elif guess.alternatives and count_high(data[:4096]) < _MIN_GUESSED:
        said = f"the encoding is a guess: {guess.encoding}; it may be {' or '.join(guess.alternatives)}"
    else:
        return decoded
    return decoded._replace(warnings=(said, *decoded.warnings))


def _whole(pair: re.Match[bytes]) -> bytes:
    """The character of two halves, in UTF-8."""
    return pair[0].decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16").encode()


def _count_sequences(data: bytes) -> tuple[int, int]:
    """How many characters of UTF-8 beyond ASCII stand in bytes, and how many bytes beyond ASCII are of none."""
    text = data.decode("utf-8", "ignore")
    high = count_high(data)
    halves = len(_HALF.findall(data))
    of_ascii = len(data) - high
    return len(text) - of_ascii + halves, high - (len(text.encode()) - of_ascii) - 3 * halves


def _is_cut(data: bytes) -> bool:
    """Whether the only fault is that the last character is not whole."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data, final=False)
    except UnicodeDecodeError:
        return False
    return True


def _mixed_lines(data: bytes, bad: int) -> Decoded | None:
    """Text of which whole lines are in another encoding than UTF-8, as of logs and exports that were joined.

    None where bad bytes stand in lines of UTF-8, or are too few to tell an encoding.
    """
    lines = data.split(b"\n")
    other = {i: line for i, line in enumerate(lines, 1) if not _is_utf_8(line)}
    if bad < 2 or any(_SEQUENCE.search(line) for line in other.values()):
        return None
    guess = guess_encoding(b"\n".join(other.values()))
    if guess is None:
        return None
    texts = [line.decode(guess.encoding, "replace") if i in other else line.decode() for i, line in enumerate(lines, 1)]
    named = f"{', '.join(map(str, list(other)[:_MAX_NAMED]))}{' ...' if len(other) > _MAX_NAMED else ''}"
    said = f"encodings are mixed: {len(other)} lines are {guess.encoding}, not UTF-8 ({named})"
    return Decoded("\n".join(texts), "utf-8", (said,))


def _is_utf_8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
