"""Unicode told by its bytes alone: UTF-16 and UTF-32 without a mark, text in seven bits, UTF-8 encoded twice."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter

from autopicker_lab.extraction.coherence import script_of

_LOOKED_AT = 8192  # bytes
_CONTROLS = bytes({*range(32)} - set(b"\t\n\r\x1b"))
_PRINTABLE = bytes(range(32, 127))
_ISO_2022 = re.compile(rb"\x1b(?:\$[@AB]|\$\([A-DG-Q]|\$\)[ACG])")
_HZ = re.compile(rb"~\{(?:[!-w][!-~])+~\}")
_UTF_7 = re.compile(rb"\+([A-Za-z0-9+/]*)(-?)")
_JAPANESE = ("iso2022_jp", "iso2022_jp_2", "iso2022_jp_ext", "iso2022_jp_2004", "iso2022_jp_3")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_GLANCE = 200  # characters that tell whether more is to be tried
_MIN_MOJIBAKE = 2  # bytes that it takes too many
_WRONGLY_READ_AS = ("cp1252", "cp1251", "mac-roman", "cp437", "cp850", "latin-1")


def unmarked_encoding(data: bytes) -> str | None:
    """The UTF-16 or UTF-32 that bytes are in, which begin with no mark; None where they are in neither."""
    head = data[:_LOOKED_AT].rstrip(b"\x1a")  # the end of a file of DOS
    if not _has_wide_bytes(head):
        return None
    if len(data) % 4 == 0:
        for encoding in ("utf-32-le", "utf-32-be"):
            if _text_share(head, encoding) > 0.9:
                return encoding
    pairs = head[: len(head) // 2 * 2]
    high = {"utf-16-le": pairs[1::2], "utf-16-be": pairs[::2]}  # of few values, while the low bytes are of many
    fitting = [encoding for encoding in high if len(data) > 3 and _text_share(pairs, encoding) > 0.9]
    return min(fitting, key=lambda encoding: len(set(high[encoding])), default=None)


def _has_wide_bytes(head: bytes) -> bool:
    """Whether bytes are such as no text has them: control characters, or the same one in every second place.

    In UTF-16 even Chinese has some: in its blanks, line ends and low bytes.
    """
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if controls * 50 >= max(len(head), 1) and len(head.translate(None, _PRINTABLE)) * 4 > len(head):
        return True
    if not controls and head.isascii():
        return False
    return any(half.count(b"\x30") * 3 > len(half) > 3 for half in (head[::2], head[1::2]))  # kana


def _text_share(data: bytes, encoding: str) -> float:
    """The share of characters that are of text, and of its one script or two."""
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        if error.start < len(data) - 4:
            return 0.0
        text = data[: error.start].decode(encoding)
    counts: Counter[str] = Counter()
    for character in text:
        category = unicodedata.category(character)
        if character in "\r\n\t\f \u3000" or (character.isascii() and character.isprintable()):
            counts["latin" if character.isalpha() else "common"] += 1
        elif category in ("Cc", "Cn", "Co", "Cs"):
            counts["fault"] += 1
        elif category[0] in "LM":
            counts[script_of(character)] += 1
        else:
            counts["sign"] += 1
    scripts = [(n, name) for name, n in counts.items() if name not in ("common", "fault", "sign", "other", "latin")]
    plausible = (
        counts["common"] + counts["latin"] + max(scripts, default=(0, ""))[0] + min(counts["sign"], len(text) // 4)
    )
    return plausible / max(len(text), 1)


def escaped_encoding(data: bytes) -> str | None:
    """The encoding of ASCII bytes that stand for more than ASCII: ISO-2022, HZ, UTF-7; None for plain ASCII."""
    if b"\x1b" in data and (escape := _ISO_2022.search(data)):
        if escape[0][2:] in (b")C", b")A", b")G"):
            return "iso2022_kr" if escape[0].endswith(b"C") else "iso2022_cn"
        return next((name for name in _JAPANESE if _can_be(data, name)), "iso2022_jp_ext")
    if b"~{" in data and _HZ.search(data) and _can_be(data, "hz"):
        return "hz"
    return "utf-7" if b"+" in data and _is_utf_7(data) else None


def eight_bits(data: bytes) -> bytes:
    """ISO-2022-CN as EUC-CN (GB2312): what stands between shift-out and shift-in, with the eighth bit set."""
    pieces = re.split(rb"[\x0e\x0f\n]", _ISO_2022.sub(b"", data))
    ends = [*re.findall(rb"[\x0e\x0f\n]", _ISO_2022.sub(b"", data)), b""]
    out, shifted = [], False
    for piece, end in zip(pieces, ends, strict=True):
        out.append(bytes(byte | 0x80 for byte in piece) if shifted else piece)
        out.append(end if end == b"\n" else b"")
        shifted = end == b"\x0e"
    return b"".join(out)


def _can_be(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_utf_7(data: bytes) -> bool:
    """Whether every plus sign begins letters in base 64, as it does in UTF-7 and by chance nowhere else."""
    letters = short = 0
    for plus in _UTF_7.finditer(data):
        digits = plus[1]
        if not digits:
            if not plus[2]:
                return False
            continue
        if len(digits) * 6 % 16 >= 6:
            return False
        try:
            text = (b"+" + digits + b"-").decode("utf-7")
        except UnicodeDecodeError:
            return False
        if text.isascii() or not all(
            c.isalpha() or unicodedata.category(c) == "Cf" or unicodedata.category(c)[0] in "MPSZN" for c in text
        ):
            return False
        common = all(script_of(c) != "other" for c in text if c.isalpha())
        ideographs = any(script_of(c) in ("han", "hangul") for c in text)
        if not common:
            return False
        letters += len(text)
        short += ideographs and len(text) < 3
    return letters > (5 if short else 0) and _can_be(data, "utf-7")


def mended_mojibake(text: str) -> tuple[str, str] | None:
    """The text that was meant, and how its UTF-8 was read wrongly, where all of it was; None for other text."""
    first = _BEYOND_ASCII.search(text)
    if first is None or text[first.end() : first.end() + 1].isascii():  # it stands alone: it is itself
        return None
    for encoding in _WRONGLY_READ_AS:
        if _reread(text[first.start() : first.start() + _GLANCE], encoding, final=False) is None:
            continue
        meant = _reread(text, encoding, final=True)
        if meant and not meant.isascii() and len(text) - len(meant) >= _MIN_MOJIBAKE:
            return (mended_mojibake(meant) or (meant,))[0], encoding  # it may have happened twice
    return None


def _reread(text: str, encoding: str, final: bool) -> str | None:
    """UTF-8 that was read as `encoding`, whose last character may be cut unless `final`; None for what was not."""
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        if encoding != "cp1252":
            return None
        try:  # bytes that it leaves open became control characters, as in browsers
            data = b"".join(c.encode("latin-1" if "\x80" <= c <= "\x9f" else encoding) for c in text)
        except UnicodeEncodeError:
            return None
    try:
        return codecs.getincrementaldecoder("utf-8")().decode(data, final)
    except UnicodeDecodeError:
        return None
