"""Which of the encodings before Unicode a text is in: chardet's candidates, ranked by what is common and what results.

chardet compares the bytes with models of languages. That alone takes "déjà" for Cyrillic: what the bytes become must
be words, too, of one script, with capitals at their beginning, in the letters of one language.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.extraction.coherence import MOST_COHERENT, Coherence, coherence, is_half_width_japanese

if TYPE_CHECKING:
    from collections.abc import Iterator

_SAMPLE = 65_536  # bytes that an encoding must decode
_DETECTED = 2048  # bytes of it that the detector sees
_LOOKED_AT = 512  # bytes of it that are judged by what they become
_CANDIDATES = 24
_DOUBT = 0.7  # an alternative that scores this share of the best is named
_MAX_NAMED = 3
_MAX_LOST = 0.01  # of the characters, in the encoding that a text declares
_BELIEVED = 0.9  # coherence from which on it is asked no further
_DECLARED = 1.5  # its prior
_FEW = 1  # letters
_MANY = 24  # bytes beyond ASCII from which on few of the words must be known
_SOME_KNOWN, _MORE_KNOWN = 0.05, 0.2
_SURE = 0.9  # confidence of the detector
_GLANCE = 256  # characters that tell capitals
_NO_WORDS = 0.3  # coherence below which it is chance
_CONTROLS = bytes({*range(32)} - set(b"\t\n\r\x1b"))  # a detector takes them for a sign of no text
_DECLARATION = re.compile(rb"charset|encoding|coding", re.IGNORECASE)
_NON_ASCII = re.compile(rb"[\x80-\xff]")
_AROUND = 256  # bytes of ASCII in a row that a sample keeps of a line
_LINE_END = re.compile(rb"[\r\n]|(?<=[\x80-\xff])[\x00-\x7f]{%d}" % _AROUND)
_HIGH = bytes(range(128, 256))
_NO_CANDIDATES = (  # Unicode and EBCDIC were tried before
    *("utf-7", "utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-16-le", "utf-32", "utf-32-be", "utf-32-le"),
    *("cp037", "cp273", "cp424", "cp500", "cp875", "cp1006", "cp1026", "cp1125", "cp1140"),
)
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
_OF_TWO_BYTES = frozenset(("cp932", "euc_jp", "euc_jis_2004", "gb18030", "big5hkscs", "cp949"))
_PRIORS = {name: prior for prior, names in _COMMONNESS.items() for name in names.split()}
_RARE = 0.55
_FIRST = (  # what the detector is asked for first, by its names: what is common, and all that has two bytes
    *("cp1250", "cp1251", "cp1252", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "cp1258", "cp874", "tis-620"),
    *("iso8859-1", "iso8859-2", "iso8859-5", "iso8859-6", "iso8859-7", "iso8859-8", "iso8859-9", "iso8859-15"),
    *("iso8859-3", "iso8859-4", "iso8859-13", "mac-cyrillic"),  # few of their letters differ from those of others
    *(
        "koi8-r",
        "koi8-u",
        "cp932",
        "shift_jis_2004",
        "euc_jis_2004",
        "gb18030",
        "big5hkscs",
        "cp949",
        "euc_kr",
        "johab",
    ),
)
_LATER = (*_FIRST, *_NO_CANDIDATES)  # what is not asked for again
_MARKS_IN_PLACE = re.compile(
    r"(?<=[A-Za-z])\u2019(?=(?:s|t|ll|re|ve|d|m)\b)"  # in "it is", cut short
    r"|(?<![A-Za-z])[\u201c\u2018](?=\w[^\u201c]*[\u201d\u2019])|(?<=[\w.,!?])[\u201d\u2019](?![A-Za-z])"  # in pairs
    r"|(?<![A-Za-z])[\u2013\u2014\u2022\u20ac\xa3\xa5\xa7\xa9\xae\xb0\xb1\xb5\xb7\xbc-\xbe\xd7\xa0](?![A-Za-z])"
    r"|(?<=\d)\xb0(?=[CF]\b)"
)
_CAPITAL = re.compile("[A-Z\u0386-\u03ab\u0400-\u042f]")  # Latin, Greek, Cyrillic
_SMALL = re.compile("[a-z\u03ac-\u03ce\u0430-\u045f]")
_KANA = re.compile("[\u3041-\u30fc]")


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
        elif coherence(text).score >= _BELIEVED:
            return Guess(declared)
    elif _is_marks_alone(_decoded(sample, "cp1252")):
        return Guess("cp1252")
    readings = _Readings(sample, declared)
    for name, confidence in _first_candidates(sample):
        readings.weigh(name, confidence)
    if not readings.is_certain():
        for name, confidence in _later_candidates(sample):
            readings.weigh(name, confidence)
        readings.weigh_declared()
        readings.weigh_small_letters()
    return readings.guess() if readings.scores else None


class _Readings:
    """What a sample becomes in several encodings, and how good that is."""

    def __init__(self, sample: bytes, declared: str) -> None:
        self.scores: dict[str, tuple[float, str]] = {}  # of an encoding: its score, and the text that results
        self._sample, self._declared = sample, declared
        self._confidence: dict[str, float] = {}  # the detector's, of all that it named
        self._coherence: dict[str, Coherence] = {}  # of texts: many encodings give the same one
        self._best = 0.0
        self._high = count_high(sample)
        self._trust = 1.0 + _FEW / (1 + self._high)  # the fewer letters, the more what is common tells

    def weigh(self, name: str, confidence: float) -> None:
        """Score an encoding by the detector's name and confidence, unless it does not fit or cannot be the best."""
        codec = _CODECS.get(name, name)
        self._confidence.setdefault(codec, confidence)
        if codec in self.scores or self._weight(codec, confidence) * MOST_COHERENT < self._best:
            return
        if not _decodes(self._sample, codec):
            if codec == name or not _decodes(self._sample, name):
                return
            codec = name
        self._score(codec, confidence)

    def is_certain(self) -> bool:
        """Whether the best one is so good that none of the rarer encodings can be meant."""
        if not self.scores:
            return False
        best = max(self.scores, key=self.scores.__getitem__)
        judged = self._judged(self.scores[best][1])
        is_sure = best in _OF_TWO_BYTES and self._confidence.get(best, 0.0) >= _SURE
        needed = _SOME_KNOWN if self._high >= _MANY else _MORE_KNOWN
        return judged.is_faultless and (is_sure or judged.known >= needed)

    def weigh_declared(self) -> None:
        """Score what the text declares, where the detector has not named it."""
        if self._declared and self._confidence:
            self.weigh(self._declared, max(self._confidence.values()) * 0.3)

    def weigh_small_letters(self) -> None:
        """Score texts in capitals, of which there are no models, by how well they fit in small letters.

        A reading in which fewer words are known than in the best one is not looked at: in KOI8-R small letters are
        what capitals are in others.
        """
        best = max(self.scores.values(), default=(0.0, ""))[1]
        for codec in _OF_CAPITALS & self._confidence.keys():
            text = _decoded(self._sample, codec)
            if _is_in_capitals(text) and self._judged(text).score >= self._judged(best).score:
                self._score(codec, _confidence_in_small_letters(text, codec))

    def _weight(self, codec: str, confidence: float) -> float:
        prior = _DECLARED if codec == self._declared else _PRIORS.get(codec, _RARE)
        return float(confidence * prior**self._trust)

    def _score(self, codec: str, confidence: float) -> None:
        text = _decoded(self._sample, codec)
        score = self._weight(codec, confidence) * self._judged(text).score
        self.scores[codec] = max((score, text), self.scores.get(codec, (0.0, text)))
        self._best = max(self._best, score)

    def _judged(self, text: str) -> Coherence:
        if text not in self._coherence:
            self._coherence[text] = coherence(text)
        return self._coherence[text]

    def guess(self) -> Guess:
        """The best encoding, with those that are nearly as good and give another text."""
        best, *others = sorted(self.scores, key=lambda name: -self.scores[name][0])
        texts, near = {self.scores[best][1]}, []
        for name in others:
            score, text = self.scores[name]
            if score > _DOUBT * self._best and text not in texts:
                near.append(name)
                texts.add(text)
        return Guess(best, tuple(near[:_MAX_NAMED]), self._judged(self.scores[best][1]).score >= _NO_WORDS)


def _is_marks_alone(text: str) -> bool:
    """Whether nothing but quotes, dashes, currencies and the like stands beyond ASCII, none where a letter would."""
    rest = _MARKS_IN_PLACE.sub(" ", text)
    return (rest.replace("\u2026", " ") if rest != text else rest).isascii()


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


def _first_candidates(sample: bytes) -> Iterator[tuple[str, float]]:
    """Common encodings that fit, and how well the language that results fits its model, 0 to 1."""
    for codec in ("cp932", "euc_jp"):  # a few kana are no model's, but in no other encoding is anything kana
        text = _decoded(sample, codec)
        if len(_KANA.findall(text)) > 0.3 * len(text) or (codec == "cp932" and is_half_width_japanese(text)):
            yield codec, 0.5
    yield from _detected(sample, include_encodings=_FIRST)


def _later_candidates(sample: bytes) -> Iterator[tuple[str, float]]:
    for name, confidence in _detected(sample, exclude_encodings=_LATER, no_match_encoding="cp850"):
        yield name, confidence
        if name == "cp866":  # chardet has no model of its Ukrainian sister
            yield "cp1125", confidence


def _detected(sample: bytes, **among: Any) -> list[tuple[str, float]]:
    import chardet

    undeclared = _DECLARATION.sub(b"", sample[:_DETECTED])  # it would believe what it reads there
    results = chardet.detect_all(undeclared, ignore_threshold=True, compat_names=False, **among)
    return [(r["encoding"], r["confidence"]) for r in results[:_CANDIDATES] if r["encoding"]]


def _is_in_capitals(text: str) -> bool:
    glance = text[:_GLANCE]
    return 3 * len(_CAPITAL.findall(glance)) > 7 * len(_SMALL.findall(glance))


def _confidence_in_small_letters(text: str, codec: str) -> float:
    """How well a text in capitals fits its language in small letters, 0 to 1."""
    small = text[:_GLANCE].lower().encode(codec, "ignore")
    among = (*_OF_CAPITALS, "cp1252")  # the latter is what it says where none fits
    found = _detected(small, include_encodings=among)
    return max((confidence for name, confidence in found if _CODECS.get(name, name) == codec), default=0.0)


def count_high(data: bytes) -> int:
    """How many bytes are beyond ASCII."""
    return len(data) - len(data.translate(None, _HIGH))


def _decodes(sample: bytes, codec: str) -> bool:
    try:
        sample[:-4].decode(codec)  # the last character may be cut
    except UnicodeDecodeError as error:
        return error.start > len(sample) - 8
    return True


def _decoded(sample: bytes, codec: str) -> str:
    return sample[:_LOOKED_AT].decode(codec, "replace").rstrip("\ufffd")
