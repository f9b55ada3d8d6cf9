"""Which of the encodings before Unicode a text is in: chardet's candidates, ranked by what is common and what results.

chardet compares the bytes with models of languages. That alone takes "déjà" for Cyrillic: what the bytes become must
be words, too, of one script, with capitals at their beginning, in the letters of one language.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab.extraction.language_letters import ALPHABETS, WORDS

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAMPLE = 65_536  # bytes that the detector sees
_LOOKED_AT = 512  # bytes of it that are decoded by every candidate
_CANDIDATES = 24
_DOUBT = 0.7  # an alternative that scores this share of the best is named
_MAX_NAMED = 3
_MAX_LOST = 0.01  # of the characters, in the encoding that a text declares
_BELIEVED = 0.9  # coherence from which on it is asked no further
_DECLARED = 1.5  # its prior
_FEW = 1  # letters
_GLANCE = 256  # bytes that tell capitals
_NO_WORDS = 0.3  # coherence below which it is chance
_CONTROLS = bytes({*range(32)} - set(b"\t\n\r\x1b"))  # a detector takes them for a sign of no text
_DECLARATION = re.compile(rb"charset|encoding|coding", re.IGNORECASE)
_NON_ASCII = re.compile(rb"[\x80-\xff]")
_AROUND = 256  # bytes of ASCII in a row that a sample keeps of a line
_LINE_END = re.compile(rb"[\r\n]|(?<=[\x80-\xff])[\x00-\x7f]{%d}" % _AROUND)
_CODECS = {  # what the world calls by the first name, it writes in the second, which holds all of the first
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "shift_jis": "cp932",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "big5": "big5hkscs",
    "cp950": "big5hkscs",
}
_COMMONNESS = {
    1.15: "cp1252",
    1.0: "cp1251 cp1250 cp932 gb18030 big5hkscs cp949 euc_jp cp1253 cp1255 cp1256 cp1258 cp874",
    0.9: "cp1254 cp1257 koi8-r koi8-u iso8859-2 iso8859-5 iso8859-7 iso8859-15 iso8859-8 iso8859-6",
    0.85: "cp850 cp437 cp852 cp866 mac-roman",
    0.75: "cp855 cp857 cp737 cp775 cp862 cp865 mac-cyrillic mac-latin2 mac-greek iso8859-4 iso8859-13 iso8859-3",
    0.3: "hp-roman8 cp1006 cp864 mac-iceland ptcp154 kz1048 johab",
}
_OF_CAPITALS = frozenset(("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic", "cp1253", "iso8859-7"))
_PRIORS = {name: prior for prior, names in _COMMONNESS.items() for name in names.split()}
_RARE = 0.55
_QUIET = frozenset(
    "“”‘’‚„«»‹›–—…€£¥§°·•©®™¿¡´`\u00a0\u00ad‐‑′″№º\u060c\u061b\u061f\u3001\u3002「」『』、。，！？：；（）\u200c\u200d"
)
_MARKS_IN_PLACE = re.compile(
    r"(?<=[A-Za-z])\u2019(?=(?:s|t|ll|re|ve|d|m)\b)"  # in "it is", cut short
    r"|(?<![A-Za-z])[\u201c\u2018](?=\w[^\u201c]*[\u201d\u2019])|(?<=[\w.,!?])[\u201d\u2019](?![A-Za-z])"  # in pairs
    r"|(?<![A-Za-z])[\u2013\u2014\u2022\u20ac\xa3\xa5\xa7\xa9\xae\xb0\xb1\xb5\xb7\xbc-\xbe\xd7\xa0](?![A-Za-z])"
)
_IN_WORDS = frozenset("’·\u00ad‐‑\u200c\u200d")
_TWO_LETTERS = re.compile(r"[^\W\d_\x00-\x7f]{2}")
_WORD = re.compile(r"[^\W\d_]+")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
_ALPHABETIC = frozenset({"greek", "cyrillic", "hebrew", "arabic"})
_STRAY = 0.15  # of the letters
_FAULT = 3.0
_FOREIGN = 0.6  # of a score, where the letters are not those of one language
_KNOWN = 2.0  # added to its factor, where all words are common ones
_BOOST = 2.0  # more than that words hardly raise a score
_LATIN, _OTHER = "latin", "other"
_SCRIPTS = (
    (0x0250, _LATIN),
    (0x0370, _OTHER),
    (0x0400, "greek"),
    (0x0530, "cyrillic"),
    (0x0590, _OTHER),
    (0x0600, "hebrew"),
    (0x0780, "arabic"),
    (0x0E00, _OTHER),
    (0x0E80, "thai"),
    (0x1E00, _OTHER),
    (0x1F00, _LATIN),
    (0x2000, "greek"),
    (0x2E80, _OTHER),
    (0xAC00, "han"),
    (0xD7B0, "hangul"),
    (0xF900, _OTHER),
    (0xFB00, "han"),
)


class Guess(NamedTuple):
    """An encoding, others that fit nearly as well and give another text, best first, and whether it gives words."""

    encoding: str
    alternatives: tuple[str, ...] = ()
    gives_words: bool = True


def guess_encoding(data: bytes, declared: str = "") -> Guess | None:
    """The encoding of bytes that are not UTF-8; None where no encoding of text fits.

    What the text declares is believed unless its letters make far better words in another encoding.
    """
    sample = (_telling(data, _SAMPLE) if len(data) > _LOOKED_AT else data).translate(None, _CONTROLS)
    if declared:
        text = _decoded(sample, declared)
        if text.count("\ufffd") > _MAX_LOST * len(text):
            declared = ""
        elif _coherence(text) >= _BELIEVED:
            return Guess(declared)
    elif _is_marks_alone(_decoded(sample, "cp1252")):
        return Guess("cp1252")
    scores: dict[str, tuple[float, str]] = {}
    coherence: dict[str, float] = {}  # of texts: many encodings give the same one
    best_score = 0.0
    trust = 1.0 + _FEW / (1 + sum(byte > 127 for byte in sample))  # the fewer letters, the more what is common tells
    for encoding, confidence in _candidates(sample, declared):
        prior = confidence * (_DECLARED if encoding == declared else _PRIORS.get(encoding, _RARE)) ** trust
        if encoding in scores or prior * _BOOST < best_score:
            continue
        text = _decoded(sample, encoding)
        if text not in coherence:
            coherence[text] = _coherence(text)
        scores[encoding] = (prior * coherence[text], text)
        best_score = max(best_score, scores[encoding][0])
    if not scores:
        return None
    best, *others = sorted(scores, key=lambda name: -scores[name][0])
    texts, near = {scores[best][1]}, []
    for name in others:
        score, text = scores[name]
        if score > _DOUBT * best_score and text not in texts:
            near.append(name)
            texts.add(text)
    return Guess(best, tuple(near[:_MAX_NAMED]), coherence[scores[best][1]] >= _NO_WORDS)


def _is_marks_alone(text: str) -> bool:
    """Whether nothing but quotes, dashes, currencies and the like stands beyond ASCII, none where a letter would."""
    rest = _MARKS_IN_PLACE.sub(" ", text)
    return rest.isascii()


def _telling(data: bytes, size: int) -> bytes:
    """The lines that tell something, as far as `size` bytes: those with bytes beyond ASCII."""
    found: list[bytes] = []
    at = length = 0
    while length < size and (first := _NON_ASCII.search(data, at)):
        start = first.start()
        begin = 1 + max(data.rfind(b"\n", at, start), data.rfind(b"\r", at, start), at - 1, start - _AROUND - 1)
        end = _LINE_END.search(data, start, start + size)
        at = end.end() if end else min(start + size, len(data))
        found.append(data[begin:at])
        length += at - begin
    return b"".join(found)[:size]


def _candidates(sample: bytes, declared: str) -> Iterator[tuple[str, float]]:
    """Encodings that fit, and how well the language that results fits its model, 0 to 1."""
    import chardet

    undeclared = _DECLARATION.sub(b"", sample)  # it would believe what it reads there
    found = chardet.detect_all(undeclared, ignore_threshold=True, compat_names=False)
    for result in found[:_CANDIDATES]:
        name = result["encoding"]
        if name is None or name.startswith(("utf", "cp500", "cp037", "cp10", "cp11")):
            continue  # Unicode was tried before; EBCDIC is no text that people have
        codec = _CODECS.get(name, name) if _decodes(sample, _CODECS.get(name, name)) else name
        yield codec, max(result["confidence"], _confidence_in_small_letters(sample, codec))
        if name == "cp866":  # chardet has no model of its Ukrainian sister
            yield "cp1125", result["confidence"]
    if declared:  # last, so that a model's own number goes before it
        yield declared, found[0]["confidence"] * 0.3
    for codec in ("cp932", "euc_jp"):  # a few kana are no model's, but in no other encoding is anything kana
        text = _decoded(sample, codec) if _decodes(sample, codec) else ""
        if sum("\u3041" <= c <= "\u30fc" for c in text) > 0.3 * len(text):
            yield codec, 0.5


def _confidence_in_small_letters(sample: bytes, codec: str) -> float:
    """How well a text in capitals, of which there are no models, would fit in small letters; 0 for other text."""
    if codec not in _OF_CAPITALS:
        return 0.0
    import chardet

    text = _decoded(sample[:_GLANCE], codec)
    capitals = sum(c.isupper() for c in text)
    if 10 * capitals <= 7 * sum(map(str.isalpha, text)):
        return 0.0
    lowered = text.lower().encode(codec, "ignore")
    results = chardet.detect_all(lowered, ignore_threshold=True, compat_names=False)
    return max(
        (r["confidence"] for r in results if _CODECS.get(r["encoding"] or "", r["encoding"]) == codec), default=0.0
    )


def _decodes(sample: bytes, codec: str) -> bool:
    try:
        sample[:-4].decode(codec)  # the last character may be cut
    except UnicodeDecodeError as error:
        return error.start > len(sample) - 8
    return True


def _decoded(sample: bytes, codec: str) -> str:
    return sample[:_LOOKED_AT].decode(codec, "replace").rstrip("\ufffd")


@cache
def script_of(character: str) -> str:
    """The script of a letter, roughly: latin, greek, cyrillic, hebrew, arabic, thai, han (with kana), hangul, other."""
    code = ord(character)
    return next((script for end, script in _SCRIPTS if code < end), _OTHER)


def _coherence(text: str) -> float:
    """How far a text is words and not chance, 0 to 1."""
    text = unicodedata.normalize("NFC", text)
    beyond = len(_BEYOND_ASCII.findall(text))
    if not beyond:
        return 1.0
    padded = f" {text} "
    faults = sum(_fault(padded[at.start() : at.start() + 3]) for at in _BEYOND_ASCII.finditer(text))
    faults += abs(text.count("„") - sum(map(text.count, "”“‟"))) if "„" in text else 0
    letters = Counter(c for c in text.lower() if c.isalpha())
    special = {c for c in letters if not c.isascii()}
    scripts = {script_of(letter) for letter in special}
    foreign = scripts and scripts <= {_LATIN, "cyrillic"} and not any(special <= known for known in ALPHABETS)
    few = sum(map(letters.__getitem__, special)) < _STRAY * letters.total()
    if few and scripts and scripts <= _ALPHABETIC and not _TWO_LETTERS.search(text):
        faults += beyond  # a letter or two of another script among Latin words
    words = [word for word in _WORD.findall(text.lower()) if not word.isascii()]
    known = sum(word in WORDS for word in words) / len(words) if words else 0.0
    return max(1.0 - _FAULT * faults / beyond, 0.05) * (_FOREIGN if foreign else 1.0) * (1.0 + _KNOWN * known)


def _fault(around: str) -> float:
    """What speaks against the middle one of three characters, 0 to 3."""
    before, character, after = tuple(around)
    category = unicodedata.category(character)
    if category in ("Cc", "Cn", "Co", "Cs") or character == "\ufffd":
        return 3.0
    if "\u2500" <= character <= "\u259f":  # lines and blocks, which stand together
        return 0.0 if "\u2500" <= before <= "\u259f" or "\u2500" <= after <= "\u259f" else 0.5
    if category[0] not in "LM":
        inside = before.isalpha() and after.isalpha() and character not in _IN_WORDS
        return 1.0 if inside else 0.0 if character in _QUIET else 0.5
    script = script_of(character)
    if script == _OTHER or "\uff61" <= character <= "\uff9f" or (category == "Mn" and not before.isalpha()):
        return 1.0
    if any(c.isalpha() and script_of(c) != script for c in (before, after)):
        return 1.0
    if script == "han" and before == " " and after != " " and character < "\uac00":
        return 0.5  # what is written in them has no blanks
    if character.isupper() and before.islower():
        return 1.0
    return 0.5 if character.islower() and before.isupper() and after.isupper() else 0.0
