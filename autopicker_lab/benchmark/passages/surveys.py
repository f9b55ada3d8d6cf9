"""Made surveys of invented places, in languages of several scripts: a paragraph each, and a question in other words."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import NamedTuple


class _Wording(NamedTuple):
    """One subject in one language: a paragraph that tells of it, and the question that it answers."""

    text: str
    question: str


# {place} is a name, {year} and {count} are numbers; the question has other words than the paragraph.
_WORDINGS: dict[str, tuple[_Wording, ...]] = {
    "en": (
        _Wording(
            "The mill of {place} was put up in {year}. The owners had timber brought down the river for it.",
            "When was the mill in {place} built?",
        ),
        _Wording(
            "At {place} the fishermen keep {count} boats through the winter, most of them under canvas.",
            "How many vessels lie in the harbour of {place} in the cold months?",
        ),
        _Wording(
            "Lessons at {place} are given to {count} children, who come on foot from the farms.",
            "How many pupils attend the school of {place}?",
        ),
    ),
    "de": (
        _Wording(
            "Die Mühle von {place} wurde {year} errichtet. Die Besitzer ließen dafür Holz den Fluss hinab bringen.",
            "Wann hat man die Mühle in {place} gebaut?",
        ),
        _Wording(
            "In {place} lassen die Fischer den Winter über {count} Boote liegen, die meisten unter Planen.",
            "Wie viele Schiffe liegen in der kalten Jahreszeit im Hafen von {place}?",
        ),
        _Wording(
            "Unterrichtet werden in {place} {count} Kinder, die zu Fuß von den Höfen kommen.",
            "Wie viele Schüler besuchen die Schule von {place}?",
        ),
    ),
    "es": (
        _Wording(
            "El molino de {place} se levantó en {year}. Los dueños hicieron bajar la madera por el río.",
            "¿Cuándo fue construido el molino de {place}?",
        ),
        _Wording(
            "En {place} los pescadores guardan {count} barcas durante el invierno, casi todas bajo lonas.",
            "¿Cuántas embarcaciones hay en el puerto de {place} en los meses fríos?",
        ),
        _Wording(
            "En {place} se da clase a {count} niños, que llegan a pie desde las granjas.",
            "¿Cuántos alumnos tiene la escuela de {place}?",
        ),
    ),
    "ru": (
        _Wording(
            "Мельницу в {place} поставили в {year} году. Владельцы сплавили для неё лес по реке.",
            "Когда была построена мельница {place}?",
        ),
        _Wording(
            "В {place} рыбаки держат зимой {count} лодок, почти все под парусиной.",
            "Сколько судов стоит в гавани {place} в холодные месяцы?",
        ),
        _Wording(
            "На занятия в {place} приходят {count} детей, пешком с хуторов.",
            "Сколько учеников в школе {place}?",
        ),
    ),
    "zh": (
        _Wording(
            "{place}的磨坊落成于{year}年。业主让人把木材顺河运下来。",
            "{place}的磨坊是哪一年建造的？",
        ),
        _Wording(
            "{place}的渔民冬天停放{count}条船，大多盖着帆布。",
            "天冷的时候{place}的港口有多少船只？",
        ),
        _Wording(
            "{place}有{count}个孩子上课，他们从农场走路来。",
            "{place}的学校有多少名学生？",
        ),
    ),
    "ar": (
        _Wording(
            "أقيمت طاحونة {place} عام {year}. وجلب أصحابها الخشب عبر النهر.",
            "متى بُنيت الطاحونة في {place}؟",
        ),
        _Wording(
            "يحتفظ الصيادون في {place} خلال الشتاء بنحو {count} قاربا، معظمها تحت الأغطية.",
            "كم سفينة ترسو في ميناء {place} في الأشهر الباردة؟",
        ),
        _Wording(
            "يتلقى الدروس في {place} {count} طفلا يأتون سيرا من المزارع.",
            "كم تلميذا في مدرسة {place}؟",
        ),
    ),
}
# Paragraphs that name a place, and answer nothing.
_ASIDES: dict[str, tuple[str, ...]] = {
    "en": (
        "The road from {place} to {other} is metalled. From {place} on it is kept by the parish of {other}.",
        "A market is held at {place} on the second Monday. Those of {other} come to {place} by cart.",
        "{place} lies on the left bank, and {other} above it on the hill. Floods reach the lower lanes of {place}.",
    ),
    "de": (
        "Die Straße von {place} nach {other} ist befestigt. Ab {place} unterhält sie die Gemeinde {other}.",
        "Am zweiten Montag ist Markt in {place}. Aus {other} fährt man mit dem Karren nach {place}.",
        "{place} liegt am linken Ufer, {other} über {place} am Hang. Hochwasser steht in den Gassen von {place}.",
    ),
    "es": (
        "El camino de {place} a {other} está empedrado. Desde {place} lo cuida el municipio de {other}.",
        "El segundo lunes hay mercado en {place}. Los de {other} vienen a {place} en carro.",
        "{place} queda en la orilla izquierda, y {other} sobre {place}, en la colina. El agua llega a {place}.",
    ),
    "ru": (
        "Дорога из {place} в {other} мощёная. От {place} за ней следит община {other}.",
        "Во второй понедельник в {place} базар. Из {other} в {place} едут на телегах.",
        "{place} лежит на левом берегу, {other} выше {place}, на холме. Вода доходит до улиц {place}.",
    ),
    "zh": (
        "从{place}到{other}的路铺了石子。{place}以远由{other}养护。",
        "每月第二个星期一{place}有集市。{other}的人赶车到{place}来。",
        "{place}在左岸，{other}在{place}上方的山坡。洪水会淹到{place}的小巷。",
    ),
    "ar": (
        "الطريق من {place} إلى {other} مرصوف. ومن {place} تعتني به بلدة {other}.",
        "يقام السوق في {place} يوم الاثنين الثاني. ويأتي أهل {other} إلى {place} بالعربات.",
        "تقع {place} على الضفة اليسرى، وتقع {other} فوق {place} على التل. وتبلغ المياه أزقة {place}.",
    ),
}
LANGUAGES = tuple(_WORDINGS)
_SYLLABLES = ("ba", "dor", "el", "fen", "ga", "hal", "im", "kor", "lu", "mer", "nos", "ol", "pra", "rin", "sul", "tav")
_YEARS, _COUNTS = (1650, 1950), (11, 990)
_FEW = 1_000  # places whose names are short
_ASIDES_EACH = 1  # of each wording


@dataclass(frozen=True)
class Fact:
    """A paragraph of a survey.

    Attributes:
        answer: the number that its question asks for; "" for one that answers none.
        subject: which of the language's subjects it tells of.
    """

    text: str
    answer: str
    place: str
    subject: int

    def asked_in(self, language: str) -> str:
        """The question that it answers."""
        return _WORDINGS[language][self.subject].question.format(place=self.place)


def survey(language: str, places: int, seed: int = 0) -> list[Fact]:
    """Paragraphs of so many places in one language: one of each with an answer, among more that name it."""
    draw = random.Random(f"{language} {seed}")
    drawn: dict[str, None] = {}
    syllables = 3 if places <= _FEW else 4
    while len(drawn) < places:
        drawn["".join(draw.choices(_SYLLABLES, k=syllables)).capitalize()] = None
    names = list(drawn)
    facts = []
    for number, place in enumerate(names):
        facts.append(_fact(language, place, number % len(_WORDINGS[language]), draw))
        for wording in _ASIDES_EACH * _ASIDES[language]:
            text = wording.format(place=place, other=draw.choice(names))
            facts.append(Fact(text, "", place, 0))
    draw.shuffle(facts)
    return facts


def _fact(language: str, place: str, subject: int, draw: random.Random) -> Fact:
    wording = _WORDINGS[language][subject]
    year, count = draw.randint(*_YEARS), draw.randint(*_COUNTS)
    text = wording.text.format(place=place, year=year, count=count)
    return Fact(text, str(year if "{year}" in wording.text else count), place, subject)
