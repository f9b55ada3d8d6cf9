"""The language of a question, by its script and its commonest words: the same in fitting and serving, in microseconds.

Of other than Latin letters the script is told (an ideograph beside kana is Japanese), of Latin ones the language with
most different words that bind others, each for every language that has it; nothing is told of formulas, code, a word or
two. py3langid, which reports go by, tells more of short texts, at 100 us each.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from autopicker_lab.core.text import script_in_name
from autopicker_lab.routing.normal_form import folded

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENOUGH = 0.25  # of the characters: a script that is no mere name or sign
_LOOKED_AT = 16  # characters from all over a text, twice as many at most
_WORDS = {  # but for accents of two letters or more: one is a variable, or numbers an option
    "en": "the of and to in is are was were what which who whose when where why how that this these for with by from "
    "on at as an be been it its his her their not or if than then does did do has have had would can could should "
    "many much following between about into over under other one all any there they you your",
    "de": "der die das dem den des ein eine einen einem einer eines und oder ist sind war waren wird werden wurde "
    "wurden hat haben hatte nicht mit von vom zu zum zur für auf aus bei nach über unter wie was wer wo wann warum "
    "welche welcher welches welchen welchem wessen wieviel viele im am es sich auch als durch zwischen wenn dass er",
    "nl": "het een van de en is zijn was waren werd wordt worden niet met voor op aan uit bij naar over wat wie waar "
    "wanneer waarom welke welk hoe hoeveel dat deze dit die door tussen heeft hebben had ook als of er hij zij",
    "fr": "le la les un une des du de et ou est sont était ont été qui que quoi quel quelle quels quelles quand où "
    "pourquoi comment combien dans sur pour par avec sans entre il elle ils elles ce cette ces son sa ses au aux en ne "
    "à pas plus se selon",
    "es": "el la los las un una unos de del es son era fue fueron ha han qué que quién quiénes cuál cuáles cuándo "
    "dónde cómo cuánto cuántos cuántas por para con sin entre en al su sus se no más lo como este esta según",
    "it": "il lo la gli le un una uno di del della dei delle dello degli sono era fu stato ha hanno che chi "
    "quale quali quando dove come perché quanto quanti quante per con senza tra fra in nel nella al alla si non più è",
    "pt": "os as um uma de do da dos das ou são era foi foram tem que quem qual quais quando onde como quanto é "
    "quantos quantas por para com sem entre em no na nos nas ao se não mais seu sua este esta segundo",
    "sv": "och eller är var som vad vem vilken vilket vilka när hur många av det den de ett en på för med från till "
    "inte har hade blev mellan om att under",
    "da": "og eller er var som hvad hvem hvilken hvilket hvilke hvornår hvor mange af det den de et en på for med fra "
    "til ikke har havde blev mellem om at under",
    "pl": "lub jest są był była było były co kto który która które jaki jaka jakie kiedy gdzie dlaczego jak ile we "
    "na do ze od przez dla po nie się że oraz między jego jej",
    "cs": "nebo je jsou byl byla bylo byly co kdo který která které jaký jaká jaké kdy kde proč jak kolik ve na do "
    "ze od pro po není se že mezi jeho její podle",
    "ro": "și sau este sunt era fost au ce cine care când unde cum cât câți câte de la în din pe pentru cu fără "
    "între un nu se mai lui ei",
    "hu": "az egy és vagy van volt voltak mi mit ki melyik milyen mikor hol hogyan hány miért nem hogy meg is után "
    "között ban ben",
    "fi": "ja tai on ovat oli olivat mikä mitä mitkä kuka ketkä milloin missä miksi miten kuinka monta ei että se joka "
    "jossa mukaan välillä kun",
    "tr": "ve veya bir bu şu ne kim hangi hangisi nasıl nerede zaman neden kaç ile için olan olarak nedir "
    "değil da de kadar arasında en",
    "id": "dan atau yang di ke dari untuk dengan adalah apa siapa mana kapan mengapa bagaimana berapa ini itu pada "
    "dalam oleh tidak antara sebuah",
    "vi": "và hoặc là của các những một có được trong cho với gì nào ai khi đâu bao nhiêu tại sao không từ đã giữa "
    "người",
}


def _languages_by_word() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, words in _WORDS.items():
        for word in dict.fromkeys(folded(words).split()):
            found.setdefault(word, []).append(name)
    return found


_LANGUAGES: Mapping[str, list[str]] = _languages_by_word()


@lru_cache(16)  # an estimate, whether it is to be trusted, and its reason each ask
def written_language(excerpt: str) -> str:
    """The ISO 639-1 code of a language of Latin letters, or the name of another script in small letters; "" for none.

    Args:
        excerpt: words as an estimate reads them, in one case and with single blanks between them.
    """
    if not excerpt.isascii() and (script := _other_script(excerpt)):
        return script
    found: dict[str, int] = {}
    for names in map(_LANGUAGES.get, set(excerpt.split())):
        for name in names or ():
            found[name] = found.get(name, 0) + 1
    most = max(found.values(), default=0)
    best = [name for name, count in found.items() if count == most]
    return best[0] if len(best) == 1 else ""


def _other_script(excerpt: str) -> str:
    """The commonest script that is not Latin, where enough of the text is in such; "" for none."""
    counts: dict[str, int] = {}
    looked_at = excerpt[:: max(len(excerpt) // _LOOKED_AT, 1)]
    for sign in looked_at:
        if sign > "\x7f" and (script := _script(sign)):
            counts[script] = counts.get(script, 0) + 1
    if sum(counts.values()) < _ENOUGH * (len(looked_at) - looked_at.count(" ")):
        return ""
    if counts.keys() & {"hiragana", "katakana"}:
        return "japanese"
    return max(sorted(counts), key=lambda name: counts[name], default="")


@lru_cache(8_192)
def _script(sign: str) -> str:
    """The script of a letter that is not Latin, by the first word of its name; "" for other signs."""
    if not sign.isalpha():
        return ""
    script = script_in_name(sign).lower()
    if script in ("latin", "mathematical", "modifier", "double", "planck"):
        return ""
    return "chinese" if script == "cjk" else script
