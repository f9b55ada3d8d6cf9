"""How often a term stands in the texts of documents, and where, counted for a question that asks it."""

from __future__ import annotations

import re
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from autopicker_lab.core import Part
from autopicker_lab.core.places import PlaceIndex
from autopicker_lab.retrieval.passages import Passage
from autopicker_lab.retrieval.word_table import UNSPACED

if TYPE_CHECKING:
    from autopicker_lab.core import Document

_OFTEN = (
    "how often|how many times|how frequently|number of times|wie oft|wie häufig|wie viele male|"
    "combien de fois|à quelle fréquence|cuántas veces|con qué frecuencia|quantas vezes|quante volte|hoe vaak|"
    "hoeveel keer|hur ofta|hur många gånger|hvor ofte|hvor mange gange|hvor mange ganger|kuinka monta kertaa|"
    "kuinka usein|ile razy|jak często|kolikrát|koľkokrát|сколько раз|как часто|скільки разів|как часто|"
    "kaç kez|kaç defa|kaç kere|πόσες φορές|πόσο συχνά|hányszor|de câte ori|كم مرة|چند بار|כמה פעמים|"
    "कितनी बार|কতবার|bao nhiêu lần|berapa kali|กี่ครั้ง|多少次|几次|幾次|何回|何度|몇 번"
)
_SAID = (  # beginnings of what is said of a term that is counted
    "mention|appear|occur|named|written|used|stand|erwähn|vorkomm|genannt|steht|kommt|mentionn|apparaî|"
    "apparai|cité|nommé|mencion|aparec|citad|menzion|compar|citat|nominat|genoemd|voorkom|komt|nämn|förekom|"
    "nævn|forekom|nevn|mainit|esiint|wymieni|wspomn|pojawia|zmíněn|zmienen|objev|упомин|упомян|встреча|згад|"
    "трапля|geç|bahsed|αναφέρ|εμφαν|említ|szerepel|mențion|menţion|apar|ذكر|يظهر|ورد|وردت|ذکر|آمده|מוזכר|"
    "מופיע|नाम|उल्लेख|आता|आया|উল্লেখ|এসেছে|nhắc|xuất hiện|disebut|muncul|กล่าวถึง|ปรากฏ|提到|出现|出現|提及|登場|出て|言及|"
    "使われ|언급|나오|나와|등장"
)
_QUOTED = re.compile(r"[\"“„«「『‘]([^\"“”„«»「」『』’]{1,60})[\"”“»」』’]|(?<!\w)'([^']{1,60})'(?!\w)")
_AROUND = """the a an is are was were be been does do did has have it word words term name in of on at to this that here
file text document report wird werden wurde wurden kommt kommen ist das der die den dem des wort begriff name im in vor
le la les l est a été il elle t y mot terme dans el los las se la palabra en o os as é foi palavra lo gli i si è parola
nel het wordt woord er de ordet ord sana слово в на ли est-il est-elle bị được chữ từ kata yang się słowo slovo a szó"""
_EMPTY = frozenset(_AROUND.split())  # words that stand around a term
_PARTICLES = re.compile(
    r"^(?:的|了|は|が|を|に|で|も|という|이|가|은|는|을|를|에)+|(?:的|了|は|が|を|に|で|も|という|이|가|은|는|을|를|에)+$"
)
_WORD = re.compile(r"[^\s.,;:!?¿¡؟？。、，()\"“”„«»]+")
_MOST_PLACES = 12


def term_counted(question: str) -> str:
    """The term of which a question asks how often it stands in the files; "" where it asks for none."""
    often = _often().search(question)
    said = _said().search(question) if often else None
    if often is None or said is None:
        return ""
    if quoted := _QUOTED.search(question):
        return (quoted[1] or quoted[2]).strip()
    first, last = sorted((often, said), key=re.Match.start)
    for piece in (question[first.end() : last.start()], question[: first.start()], question[last.end() :]):
        if term := _term(piece):
            return term
    return ""


def mentions_of(term: str, document: Document, number: int = 0) -> Passage | None:
    """A passage that says how often a term stands in a document, in any case of its letters, and on which pages.

    Args:
        number: which of the documents it is.
    """
    bare = UNSPACED.search(term) is not None
    pattern = re.compile(re.escape(term) if bare else rf"(?<!\w){re.escape(term)}(?!\w)", re.IGNORECASE)
    found: Counter[str] = Counter()
    for part in document.parts:
        places = PlaceIndex(part.text, part.places)
        for match in pattern.finditer(part.text):
            page = next((at.page for at in places.within(match.start(), match.end()) if at.page is not None), None)
            found[part.label if page is None else f"page {page}"] += 1
    if not found:
        return None
    where = ", ".join(f"{label} ({count})" for label, count in found.most_common(_MOST_PLACES))
    more = f", and {len(found) - _MOST_PLACES} more" if len(found) > _MOST_PLACES else ""
    count = sum(found.values())
    text = (
        f"Counted in the text itself: {term!r} stands there {count:,} time{'s' if count != 1 else ''}: {where}{more}."
    )
    return Passage(number, 0, Part("counted", text))


def _term(piece: str) -> str:
    """What is left of the words between, without those that are no part of a term."""
    words = _WORD.findall(piece)
    while words and words[0].casefold() in _EMPTY:
        words.pop(0)
    while words and words[-1].casefold().removesuffix("'s") in _EMPTY:
        words.pop()
    return _PARTICLES.sub("", " ".join(words[:6])).strip()


@lru_cache(1)
def _often() -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, _OFTEN.split("|"))), re.IGNORECASE)


@lru_cache(1)
def _said() -> re.Pattern[str]:
    spaced = "|".join(re.escape(word) for word in _SAID.split("|") if not UNSPACED.search(word))
    others = "|".join(re.escape(word) for word in _SAID.split("|") if UNSPACED.search(word))
    return re.compile(rf"(?<!\w)(?:{spaced})\w*|(?:{others})", re.IGNORECASE)
