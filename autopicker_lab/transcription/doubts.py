"""What a recogniser makes up: phrases that Whisper writes where nobody speaks, and words said over and over."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_PHANTOMS = """
thanks for watching | thank you for watching | thank you very much for watching | please subscribe | like and subscribe
subtitles by | subtitled by | captions by | transcription by | amara.org | www.mooji.org | see you in the next video
untertitel | untertitelung | vielen dank fürs zuschauen | danke fürs zuschauen | bis zum nächsten mal | copyright wdr
sous-titres | sous-titrage | merci d'avoir regardé cette vidéo | abonnez-vous | subtítulos | gracias por ver el video
suscríbete | sottotitoli | grazie per la visione | iscriviti al canale | legendas | legenda adriana zanotto
obrigado por assistir | inscreva-se | ondertiteling | ondertitels | bedankt voor het kijken | napisy stworzone
dziękuję za oglądanie | napisy | tekstning av | undertekster av | textning | tack för att ni tittade | altyazı
izlediğiniz için teşekkürler | abone olmayı | редактор субтитров | субтитры | продолжение следует | спасибо за просмотр
подписывайтесь на канал | дякую за перегляд | субтитрувальниця | titulky vytvořil | děkuji za pozornost
ご視聴ありがとうございました | チャンネル登録 | 最後までご視聴 | 字幕by | 字幕由 | 请不吝点赞 | 請不吝點贊
谢谢观看 | 謝謝觀看 | 谢谢大家
시청해주셔서 감사합니다 | 구독과 좋아요 | 한글자막 | اشتركوا في القناة
ترجمة نانسي قنقر | شكرا للمشاهدة | תודה על הצפייה
सब्सक्राइब | terima kasih kerana menonton | terima kasih telah menonton | cảm ơn các bạn đã theo dõi | hãy subscribe
"""
_LEADING = 1.6  # times as long as a phrase a text may be that is it
_REPEATED = re.compile(r"(.{2,80}?)(?:\s*\1){4,}")
_TIMES, _UNIT = 4, 8  # that words come one after another, and how many of them, to be a loop
_LONG_WORD = 15  # letters of a word from which it may be a loop of letters
_FAST = {True: 15.0, False: 32.0}  # letters a second that nobody says: of Chinese, Japanese and Korean, of all others


def plain(text: str) -> str:
    """Letters and digits alone, in small letters, a blank between words."""
    text = unicodedata.normalize("NFKC", text).casefold()
    return " ".join("".join(c if unicodedata.category(c)[0] in "LNM" else " " for c in text).split())


_PHRASES = tuple(plain(phrase) for line in _PHANTOMS.strip().split("\n") for phrase in line.split(" | "))


def is_phantom(text: str) -> bool:
    """Whether a text is little more than a phrase that Whisper is known to make up: closings, credits of subtitles."""
    said = plain(text)
    return any(phrase in said and len(said) <= max(_LEADING * len(phrase), len(phrase) + 24) for phrase in _PHRASES)


def is_loop(text: str, voiced_s: float) -> bool:
    """Whether words come five times and more one after another, faster than in the `voiced_s` seconds anybody could."""
    said = plain(text)
    return _REPEATED.search(f"{said} ") is not None and too_fast(text, voiced_s, 0.6)


def too_fast(text: str, voiced_s: float, share: float = 1.0) -> bool:
    """Whether a text has more letters than anybody says in `voiced_s` seconds; `share` of that bound."""
    said = plain(text).replace(" ", "")
    dense = sum("\u2e80" <= c <= "\u9fff" or "\uac00" <= c <= "\ud7af" for c in said) > len(said) / 2
    return len(said) > 8 and len(said) > share * _FAST[dense] * max(voiced_s, 0.3)


def loop_in(words: Sequence[str]) -> tuple[int, int, int] | None:
    """Where words come over and over: the first, the one behind the last, and how many make one round; the longest."""
    said = [plain(word) for word in words]
    found = None
    for unit in range(1, min(_UNIT, len(said) // _TIMES) + 1):
        start = 0
        for at in range(unit, len(said) + 1):
            if at < len(said) and said[at] == said[at - unit]:
                continue
            if at - start >= _TIMES * unit and (found is None or at - start > found[1] - found[0]):
                found = start, at, unit
            start = at - unit + 1
    return found


def is_letter_loop(word: str) -> bool:
    """Whether a word is letters over and over, more than anybody writes."""
    said = plain(word).replace(" ", "")
    return len(said) > _LONG_WORD and _REPEATED.search(said) is not None
