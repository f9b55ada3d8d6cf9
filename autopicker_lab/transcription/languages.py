"""Languages as people write them (`de`, `German`, `de-AT`), and as Whisper knows them."""

from __future__ import annotations

from types import MappingProxyType

from autopicker_lab.core import InvalidRequestError

_NAMES = """
af Afrikaans, am Amharic, ar Arabic, as Assamese, az Azerbaijani, ba Bashkir, be Belarusian, bg Bulgarian, bn Bengali,
bo Tibetan, br Breton, bs Bosnian, ca Catalan, cs Czech, cy Welsh, da Danish, de German, el Greek, en English,
es Spanish, et Estonian, eu Basque, fa Persian, fi Finnish, fo Faroese, fr French, gl Galician, gu Gujarati, ha Hausa,
haw Hawaiian, he Hebrew, hi Hindi, hr Croatian, ht Haitian Creole, hu Hungarian, hy Armenian, id Indonesian,
is Icelandic, it Italian, ja Japanese, jw Javanese, ka Georgian, kk Kazakh, km Khmer, kn Kannada, ko Korean, la Latin,
lb Luxembourgish, ln Lingala, lo Lao, lt Lithuanian, lv Latvian, mg Malagasy, mi Maori, mk Macedonian, ml Malayalam,
mn Mongolian, mr Marathi, ms Malay, mt Maltese, my Burmese, ne Nepali, nl Dutch, nn Nynorsk, no Norwegian, oc Occitan,
pa Punjabi, pl Polish, ps Pashto, pt Portuguese, ro Romanian, ru Russian, sa Sanskrit, sd Sindhi, si Sinhala,
sk Slovak, sl Slovenian, sn Shona, so Somali, sq Albanian, sr Serbian, su Sundanese, sv Swedish, sw Swahili, ta Tamil,
te Telugu, tg Tajik, th Thai, tk Turkmen, tl Tagalog, tr Turkish, tt Tatar, uk Ukrainian, ur Urdu, uz Uzbek,
vi Vietnamese, yi Yiddish, yo Yoruba, zh Chinese, yue Cantonese
"""
LANGUAGES = MappingProxyType(dict(entry.split(maxsplit=1) for entry in " ".join(_NAMES.split()).split(", ")))
"""English names by Whisper's codes."""
_OTHERWISE = {
    "mandarin": "zh", "castilian": "es", "valencian": "ca", "flemish": "nl", "farsi": "fa", "filipino": "tl",
    "fil": "tl", "myanmar": "my", "moldavian": "ro", "moldovan": "ro", "panjabi": "pa", "pushto": "ps",
    "sinhalese": "si", "letzeburgesch": "lb", "haitian": "ht", "bokmal": "no", "bokmål": "no", "nb": "no", "jv": "jw",
    "iw": "he", "in": "id", "ji": "yi", "cmn": "zh", "eng": "en", "deu": "de", "ger": "de", "fra": "fr", "fre": "fr",
    "spa": "es", "ita": "it", "por": "pt", "nld": "nl", "dut": "nl", "rus": "ru", "zho": "zh", "chi": "zh",
    "jpn": "ja", "kor": "ko", "pol": "pl", "tur": "tr", "ukr": "uk", "ara": "ar", "hin": "hi",
}  # fmt: skip
_CODES = {name.lower(): code for code, name in LANGUAGES.items()} | _OTHERWISE


def language_code(language: str | None) -> str | None:
    """Whisper's code of a language given by code, English name or locale; None for None, "" and "auto".

    Raises:
        InvalidRequestError: no such language.
    """
    said = " ".join((language or "").split()).lower()
    if said in ("", "auto", "detect"):
        return None
    for tried in (said, said.replace("_", "-").partition("-")[0]):
        if tried in LANGUAGES:
            return tried
        if tried in _CODES:
            return _CODES[tried]
    hint = "give an ISO 639-1 code such as en, a name such as German, or none"
    raise InvalidRequestError(f"unknown language '{language}'", hint, param="language")
