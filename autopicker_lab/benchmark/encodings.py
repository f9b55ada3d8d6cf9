"""The encodings set: sentences of 40 languages in the encodings that they were kept in before Unicode, and in Unicode.

Each text is read as a file without a word about its encoding. It counts where every character comes out.
"""

from __future__ import annotations

import json
import time
import unicodedata
from typing import TYPE_CHECKING, NamedTuple

from autopicker_lab import assets
from autopicker_lab.core.optional import require
from autopicker_lab.extraction.decoding import decode

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

_WESTERN = "cp1252 iso8859-1 iso8859-15 mac-roman cp850 cp437"
_CENTRAL = "cp1250 iso8859-2 cp852 mac-latin2"
_CYRILLIC = "cp1251 iso8859-5 cp855 mac-cyrillic"
_ENCODINGS = {
    **dict.fromkeys(
        ["german", "french", "spanish", "portuguese", "italian", "dutch", "danish", "norwegian", "swedish"], _WESTERN
    ),
    **dict.fromkeys(("finnish", "icelandic", "catalan", "english"), _WESTERN),
    **dict.fromkeys(["polish", "czech", "slovak", "hungarian", "romanian", "croatian", "slovene"], _CENTRAL),
    "albanian": "cp1252 cp1250 cp852",
    "lithuanian": "cp1257 iso8859-13 iso8859-4 cp775",
    "latvian": "cp1257 iso8859-13 iso8859-4 cp775",
    "estonian": "cp1257 iso8859-13 iso8859-15 cp775 cp1252",
    "turkish": "cp1254 iso8859-9 cp857 mac-turkish",
    "russian": "cp1251 koi8-r iso8859-5 cp866 mac-cyrillic",
    "bulgarian": "cp1251 koi8-r iso8859-5 cp866 mac-cyrillic",
    "ukrainian": "cp1251 koi8-u iso8859-5 cp1125 mac-cyrillic",
    "belarusian": "cp1251 iso8859-5 cp866",
    "serbian": _CYRILLIC,
    "macedonian": _CYRILLIC,
    "greek": "cp1253 iso8859-7 cp737 mac-greek cp869",
    "hebrew": "cp1255 iso8859-8 cp862",
    "arabic": "cp1256 iso8859-6 cp720",
    "persian": "cp1256",
    "vietnamese": "cp1258",
    "thai": "cp874",
    "japanese": "cp932 euc-jp iso2022_jp",
    "korean": "cp949 iso2022_kr johab",
    "chinese": "gb18030 hz",
    "taiwanese": "big5",
}
_UNICODE = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-7")
_LENGTHS = ("words", "clause", "sentence", "two sentences", "paragraph")
_TONES = "\u0300\u0301\u0303\u0309\u0323"  # which cp1258 writes behind their letter


class EncodedText(NamedTuple):
    """A text, the bytes that it is kept in, and what they are."""

    language: str
    encoding: str
    length: str
    text: str
    data: bytes


def encoded_texts() -> Iterator[EncodedText]:
    """The texts of the set, as far as an encoding can hold them and differs from one that came before."""
    sentences = json.loads((assets.encodings() / "sentences.json").read_text("utf-8"))
    for language, texts in sentences.items():
        seen: set[bytes] = set()
        for length, text in zip(_LENGTHS, [*texts, " ".join(texts)], strict=True):
            for encoding in (*_UNICODE, *_ENCODINGS[language].split()):
                try:
                    data = _encode(text, encoding)
                except UnicodeEncodeError:
                    continue
                if data not in seen:
                    seen.add(data)
                    yield EncodedText(language, encoding, length, text, data)


def _encode(text: str, encoding: str) -> bytes:
    if encoding != "cp1258":
        return text.encode(encoding)
    pieces = []
    for character in text:
        letters = unicodedata.normalize("NFD", character)
        tones = "".join(c for c in letters if c in _TONES)
        pieces.append(unicodedata.normalize("NFC", "".join(c for c in letters if c not in _TONES)) + tones)
    return "".join(pieces).encode(encoding)


def measure_encodings() -> pd.DataFrame:
    """Read the whole set: a row a text.

    Returns:
        Columns language, encoding, length, ok (every character came out), read_as, said (a warning names a doubt or
        a loss), and ms.
    """
    require("pandas")
    import pandas

    rows = []
    for language, encoding, length, text, data in encoded_texts():
        started_at = time.perf_counter()
        found, read_as, warnings = decode(data)
        rows.append(
            {
                "language": language,
                "encoding": encoding,
                "length": length,
                "ok": unicodedata.normalize("NFC", found) == text,
                "read_as": read_as,
                "said": bool(warnings),
                "ms": 1000 * (time.perf_counter() - started_at),
            }
        )
    return pandas.DataFrame(rows)


def encoding_failures(results: pd.DataFrame) -> pd.DataFrame:
    """Make a table of what was read wrongly, by encoding: how many of how many, how many unsaid, and read as what."""
    grouped = results.groupby("encoding")
    wrong = results[~results["ok"]].groupby("encoding")
    table = grouped.size().to_frame("texts")
    table["wrong"] = grouped["ok"].apply(lambda ok: int((~ok).sum()))
    table["unsaid"] = wrong["said"].apply(lambda said: int((~said).sum()))
    table["read_as"] = wrong["read_as"].apply(lambda names: ", ".join(sorted(set(names))))
    table["languages"] = wrong["language"].apply(lambda names: ", ".join(sorted(set(names))))
    return table[table["wrong"] > 0].sort_values("wrong", ascending=False).fillna({"unsaid": 0})
