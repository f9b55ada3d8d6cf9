"""Tokens are estimated by script and family; the counts beside the texts are those of o200k itself."""

from __future__ import annotations

import statistics

import pytest

from autopicker_lab.core import ChatRequest
from autopicker_lab.core.token_rates import FAMILIES, SCRIPT_BYTES, SCRIPT_RATES, SHAPE_RATES
from autopicker_lab.core.tokens import MOST_TIMES_REFERENCE, REFERENCE, UNKNOWN_MARGIN, estimate_tokens

TEXTS = {
    "en": (
        "The old paper mill stood beside the river for more than two hundred ye"
        "ars. In 1873 it employed 334 people, most of whom lived in the village"
        " across the bridge, and its wheel could be heard at night.",
        45,
    ),
    "de": (
        "Die alte Papiermühle stand mehr als zweihundert Jahre lang am Fluss. I"
        "m Jahr 1873 beschäftigte sie 334 Menschen, von denen die meisten im Do"
        "rf jenseits der Brücke wohnten, und nachts konnte man ihr Rad hören.",
        52,
    ),
    "es": (
        "El viejo molino de papel estuvo junto al río durante más de doscientos"
        " años. En 1873 empleaba a 334 personas, la mayoría de las cuales vivía"
        "n en el pueblo al otro lado del puente, y por la noche se oía su rueda"
        ".",
        54,
    ),
    "el": (
        "Ο παλιός χαρτόμυλος στεκόταν δίπλα στο ποτάμι για περισσότερα από διακ"
        "όσια χρόνια. Το 1873 απασχολούσε 334 ανθρώπους, οι περισσότεροι από το"
        "υς οποίους ζούσαν στο χωριό πέρα από τη γέφυρα.",
        65,
    ),
    "ru": (
        "Старая бумажная мельница стояла у реки более двухсот лет. В 1873 году "
        "на ней работали 334 человека, большинство из которых жили в деревне за"
        " мостом, а ночью было слышно её колесо.",
        52,
    ),
    "tr": (
        "Eski kâğıt değirmeni iki yüz yıldan fazla bir süre nehrin kıyısında du"
        "rdu. 1873 yılında 334 kişi çalıştırıyordu, çoğu köprünün karşısındaki "
        "köyde yaşıyordu ve geceleri çarkının sesi duyulurdu.",
        64,
    ),
    "ar": (
        "ظلت مطحنة الورق القديمة قائمة بجانب النهر أكثر من مئتي عام. في عام 187"
        "3 كان يعمل فيها 334 شخصا، يعيش معظمهم في القرية الواقعة خلف الجسر، وكا"
        "ن صوت عجلتها يسمع في الليل.",
        53,
    ),
    "vi": (
        "Nhà máy giấy cũ đứng bên bờ sông hơn hai trăm năm. Năm 1873 nhà máy có"
        " 334 công nhân, phần lớn sống ở ngôi làng bên kia cầu, và ban đêm ngườ"
        "i ta có thể nghe thấy tiếng bánh xe nước.",
        58,
    ),
    "th": (
        "โรงงานกระดาษเก่าตั้งอยู่ริมแม่น้ำมานานกว่าสองร้อยปี ในปี 1873 มีคนงาน "
        "334 คน ส่วนใหญ่อาศัยอยู่ในหมู่บ้านอีกฝั่งของสะพาน และในเวลากลางคืนจะได"
        "้ยินเสียงกังหันน้ำ",
        70,
    ),
    "hi": (
        "पुरानी कागज़ मिल दो सौ साल से अधिक समय तक नदी के किनारे खड़ी रही। 1873"
        " में वहाँ 334 लोग काम करते थे, जिनमें से अधिकतर पुल के पार गाँव में रह"
        "ते थे, और रात में उसका पहिया सुनाई देता था।",
        57,
    ),
    "ro": (
        "Vechea moară de hârtie a stat lângă râu mai mult de două sute de ani. "
        "În 1873 avea 334 de angajați, dintre care cei mai mulți locuiau în sat"
        "ul de peste pod, iar noaptea i se auzea roata.",
        63,
    ),
    "zh": (
        "这座古老的造纸厂在河边矗立了两百多年。1873年它雇用了334人，其中大多数人住在桥对面的村庄里，夜里还能听到水轮的声音。",
        51,
    ),
    "ja": (
        "古い製紙工場は二百年以上も川のほとりに立っていた。1873年には334人が働いており、その多くは橋の向こうの村に住んでいて、夜には水車の音が"
        "聞こえた。",
        60,
    ),
    "ko": (
        "오래된 제지 공장은 이백 년이 넘도록 강가에 서 있었다. 1873년에는 334명이 일했고, 그들 대부분은 다리 건너 "
        "마을에 살았으며, 밤에는 물레방아 소리가 들렸다.",
        56,
    ),
    "py": (
        "def mean(values: list[float]) -> float:\n"
        '    """The mean of some values, 0.0 of none."""\n'
        "    total = 0.0\n"
        "    for value in values:\n"
        "        total += value\n"
        "    return total / len(values) if values else 0.0\n"
        "\n"
        "\n"
        "class Counter:\n"
        "    def __init__(self, start: int = 0):\n"
        "        self._count = start\n",
        84,
    ),
    "js": (
        "export async function fetchAll(urls, { limit = 4 } = {}) {\n"
        "  const results = [];\n"
        "  for (const url of urls) {\n"
        "    const response = await fetch(url);\n"
        "    if (!response.ok) throw new Error(`status ${response.status}`);\n"
        "    results.push(await response.json());\n"
        "  }\n"
        "  return results;\n"
        "}\n",
        68,
    ),
}


@pytest.mark.parametrize("language", TEXTS)
def test_a_text_has_about_the_tokens_that_are_counted(language: str) -> None:
    text, counted = TEXTS[language]
    assert estimate_tokens(text) == pytest.approx(counted, rel=0.3)  # of two sentences; long texts are nearer
    assert estimate_tokens(text, "") >= counted


def test_the_estimates_of_many_languages_are_right_in_the_mean() -> None:
    ratios = [estimate_tokens(text) / counted for text, counted in TEXTS.values()]
    assert statistics.mean(ratios) == pytest.approx(1.0, abs=0.1)
    assert statistics.stdev(ratios) < 0.15


def test_a_language_that_a_tokenizer_hardly_knows_has_more_tokens() -> None:
    thai, english = TEXTS["th"][0], TEXTS["en"][0]
    assert estimate_tokens(thai, "cl100k") > 2 * estimate_tokens(thai)  # 1.9 and 0.43 a character, as counted
    assert estimate_tokens(thai, "smollm") > 4 * estimate_tokens(thai)
    assert estimate_tokens(english, "cl100k") == pytest.approx(estimate_tokens(english), rel=0.1)


@pytest.mark.parametrize(
    "text", [*(text for text, _ in TEXTS.values()), "😀" * 50, "\u1c90 \U00010330", "a", "1 2 3 4", "\ud800"]
)
def test_no_family_finds_more_than_one_that_nobody_knows(text: str) -> None:
    most = max(estimate_tokens(text, family) for family in FAMILIES)
    assert most <= estimate_tokens(text, "unknown") <= UNKNOWN_MARGIN * (most + 1) + 1
    assert estimate_tokens(text, "unknown") <= MOST_TIMES_REFERENCE * (estimate_tokens(text) + 1)


def test_each_rate_is_one_of_each_family() -> None:
    rates = [*SHAPE_RATES.values(), *SCRIPT_RATES.values()]
    assert {len(row) for row in rates} == {len(FAMILIES)}
    assert SCRIPT_BYTES.keys() == SCRIPT_RATES.keys() - {"other"}


def test_long_texts_count_as_the_sum_of_their_parts() -> None:
    text = " ".join(text for text, _ in TEXTS.values())
    many = 200
    assert estimate_tokens((text + "\n") * many) == pytest.approx(many * estimate_tokens(text + "\n"), rel=0.05)
    assert estimate_tokens("") == 0


def test_a_request_counts_by_the_tokenizer_that_reads_it() -> None:
    request = ChatRequest.of(TEXTS["hi"][0], options={"tools": [{"type": "function", "function": {"name": "f"}}]})
    assert request.tokens_by(REFERENCE) == request.token_count
    assert request.tokens_by("cl100k") > 2 * request.token_count
