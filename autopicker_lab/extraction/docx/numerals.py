"""The number formats of Word (ST_NumberFormat): 3 as "c", "iii", "三", "③", "ג" ... as a list or a note shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from autopicker_lab.extraction.roman import roman

if TYPE_CHECKING:
    from collections.abc import Callable

_MAX_REPEATS = 12  # of a letter: "AAA" is 53 in Word
_ONES = "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
_CARDINALS = [*_ONES.split(), "seventeen", "eighteen", "nineteen"]
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"}
_ORDINALS |= {"nine": "ninth", "twelve": "twelfth"}
_AIUEO = "アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲン"
_IROHA = "イロハニホヘトチリヌルヲワカヨタレソツネナラムウヰノオクヤマケフコエテアサキユメミシヱヒモセス"
_HALF_AIUEO = "ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝ"
_HALF_IROHA = "ｲﾛﾊﾆﾎﾍﾄﾁﾘﾇﾙｦﾜｶﾖﾀﾚｿﾂﾈﾅﾗﾑｳヰﾉｵｸﾔﾏｹﾌｺｴﾃｱｻｷﾕﾒﾐｼヱﾋﾓｾｽ"
_STEMS, _BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_HEBREW = ((400, "ת"), (300, "ש"), (200, "ר"), (100, "ק"), (90, "צ"), (80, "פ"), (70, "ע"), (60, "ס"), (50, "נ"))
_HEBREW_SMALL = ((40, "מ"), (30, "ל"), (20, "כ"), (16, "טז"), (15, "טו"), (10, "י"))
_KOREAN_TENS = ("", "열", "스물", "서른", "마흔", "쉰", "예순", "일흔", "여든", "아흔")
_KOREAN_ONES = ("", "하나", "둘", "셋", "넷", "다섯", "여섯", "일곱", "여덟", "아홉")
_THAI_WORDS = ("ศูนย์", "หนึ่ง", "สอง", "สาม", "สี่", "ห้า", "หก", "เจ็ด", "แปด", "เก้า")
_VIETNAMESE = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")


def numeral(count: int, form: str) -> str:
    """The number as a format shows it; in decimal where the format is unknown or ends before it."""
    if form == "none":
        return ""
    if "," in form:  # a custom one: "001, 002, 003, ..."
        return f"{count:0{min(len(form.split(',', maxsplit=1)[0].strip()), 9)}d}"
    writer = _FORMS.get(form)
    return (writer(count) if writer is not None and count > 0 else "") or str(count)


def _roman(count: int) -> str:
    return roman(count) if count <= 32767 else ""


def _letters(alphabet: str, *, repeat: bool = True) -> Callable[[int], str]:
    """Letters in their order; after the last they are doubled, or they end."""
    size = len(alphabet)

    def write(count: int) -> str:
        repeats = (count - 1) // size + 1
        return alphabet[(count - 1) % size] * repeats if repeats <= (_MAX_REPEATS if repeat else 1) else ""

    return write


def _cycle(alphabet: str) -> Callable[[int], str]:
    return lambda count: alphabet[(count - 1) % len(alphabet)]


def _digits(digits: str) -> Callable[[int], str]:
    """Decimal places in other digits."""
    return lambda count: "".join(digits[int(digit)] for digit in str(count))


def _counted(
    digits: str, units: str, *, one: bool = True, zero: bool = True, limit: int = 10**8
) -> Callable[[int], str]:
    """Digits with units between them, as Chinese counts; from `limit` on the digits alone.

    Args:
        digits: for 0 to 9.
        units: for 10, 100, 1,000 and 10,000.
        one: whether a unit is preceded by its 1 (一百, not 百); for a leading 10 only with formal digits.
        zero: whether places that are left out are marked (一百零一).
        limit: from here on the digits stand alone.
    """
    formal = digits[1] in "壹壱"

    def below_ten_thousand(count: int, leading: bool) -> str:
        text, gap = "", False
        for place in (3, 2, 1, 0):
            digit = count // 10**place % 10
            if not digit:
                gap = bool(text) or (not leading and gap) or not leading
                continue
            text += digits[0] if gap and zero and (text or not leading) else ""
            gap = False
            bare = digit == 1 and place > 0 and not formal and (not one or (place == 1 and not text and leading))
            text += ("" if bare else digits[digit]) + (units[place - 1] if place else "")
        return text

    def write(count: int) -> str:
        if count >= limit:
            return _digits(digits)(count)
        high, low = divmod(count, 10_000)
        text = below_ten_thousand(high, True) + units[3] if high else ""
        return text + (below_ten_thousand(low, not high) if low else "")

    return write


def _hebrew(count: int) -> str:
    if count > 999:
        return ""
    text = ""
    for amount, letter in _HEBREW + _HEBREW_SMALL:
        while count >= amount and (amount not in (15, 16) or count == amount):
            text += letter
            count -= amount
    return text + ("אבגדהוזחט"[count - 1] if count else "")


def _english(count: int) -> str:
    if count < 20:
        return _CARDINALS[count]
    if count < 100:
        return _TENS[count // 10] + (f"-{_CARDINALS[count % 10]}" if count % 10 else "")
    if count < 1000:
        return f"{_CARDINALS[count // 100]} hundred" + (f" {_english(count % 100)}" if count % 100 else "")
    return ""


def _english_ordinal(count: int) -> str:
    head, mark, last = _english(count).rpartition("-" if count % 100 > 20 else " ")
    last = _ORDINALS.get(last) or (f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th" if last else "")
    return f"{head}{mark}{last}".capitalize()


def _ordinal(count: int) -> str:
    suffix = "th" if count % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(count % 10, "th")
    return f"{count}{suffix}"


def _thai(count: int) -> str:
    tens, ones = divmod(count, 10)
    if count > 99 or not tens:
        return "" if tens else _THAI_WORDS[ones]
    ten = {1: "", 2: "ยี่"}.get(tens, _THAI_WORDS[tens]) + "สิบ"
    return ten + ("" if not ones else "เอ็ด" if ones == 1 else _THAI_WORDS[ones])


def _vietnamese(count: int) -> str:
    tens, ones = divmod(count, 10)
    if count > 99 or not tens:
        return "" if tens else _VIETNAMESE[ones]
    ten = "mười" if tens == 1 else f"{_VIETNAMESE[tens]} mươi"
    word = {0: "", 1: "một" if tens == 1 else "mốt", 5: "lăm"}.get(ones, _VIETNAMESE[ones])
    return f"{ten} {word}".strip()


def _enclosed(first: int, last: int) -> Callable[[int], str]:
    """Numbers that are characters of their own, from the code of 1 to that of the last."""
    return lambda count: chr(first + count - 1) if first + count - 1 <= last else ""


def _circled(count: int) -> str:
    return (
        chr((0x2460 - 1 if count <= 20 else 0x3251 - 21 if count <= 35 else 0x32B1 - 36) + count) if count <= 50 else ""
    )


_LATIN = "abcdefghijklmnopqrstuvwxyz"
_RUSSIAN = "абвгдежзиклмнопрстуфхцчшщыэюя"
_FORMS: dict[str, Callable[[int], str]] = {
    "decimalZero": lambda count: f"{count:02d}",
    "lowerLetter": _letters(_LATIN),
    "upperLetter": _letters(_LATIN.upper()),
    "lowerRoman": _roman,
    "upperRoman": lambda count: _roman(count).upper(),
    "ordinal": _ordinal,
    "cardinalText": lambda count: _english(count).capitalize(),
    "ordinalText": _english_ordinal,
    "hex": lambda count: f"{count:X}",
    "chicago": _letters("*†‡§"),
    "numberInDash": lambda count: f"- {count} -",
    "ideographDigital": _digits("〇一二三四五六七八九"),
    "japaneseDigitalTenThousand": _digits("〇一二三四五六七八九"),
    "japaneseCounting": _counted("〇一二三四五六七八九", "十百千万", one=False, zero=False),
    "japaneseLegal": _counted("零壱弐参四伍六七八九", "拾百阡萬", zero=False),
    "chineseCounting": _counted("〇一二三四五六七八九", "十百千万", limit=100),
    "chineseCountingThousand": _counted("零一二三四五六七八九", "十百千万"),
    "chineseLegalSimplified": _counted("零壹贰叁肆伍陆柒捌玖", "拾佰仟萬"),
    "taiwaneseCounting": _counted("○一二三四五六七八九", "十百千萬", limit=100),
    "taiwaneseCountingThousand": _counted("零一二三四五六七八九", "十百千萬"),
    "taiwaneseDigital": _digits("○一二三四五六七八九"),
    "ideographLegalTraditional": _counted("零壹貳參肆伍陸柒捌玖", "拾佰仟萬"),
    "ideographTraditional": _letters(_STEMS, repeat=False),
    "ideographZodiac": _letters(_BRANCHES, repeat=False),
    "ideographZodiacTraditional": lambda count: _cycle(_STEMS)(count) + _cycle(_BRANCHES)(count),
    "ideographEnclosedCircle": _enclosed(0x3280, 0x3289),
    "koreanDigital": _digits("영일이삼사오육칠팔구"),
    "koreanDigital2": _digits("零一二三四五六七八九"),
    "koreanCounting": _counted("영일이삼사오육칠팔구", "십백천만", one=False, zero=False),
    "koreanLegal": lambda count: _KOREAN_TENS[count // 10] + _KOREAN_ONES[count % 10] if count < 100 else "",
    "ganada": _cycle("가나다라마바사아자차카타파하"),
    "chosung": _cycle("ㄱㄴㄷㄹㅁㅂㅅㅇㅈㅊㅋㅌㅍㅎ"),
    "aiueo": _cycle(_HALF_AIUEO),
    "aiueoFullWidth": _cycle(_AIUEO),
    "iroha": _cycle(_HALF_IROHA),
    "irohaFullWidth": _cycle(_IROHA),
    "decimalFullWidth": _digits("０１２３４５６７８９"),
    "decimalFullWidth2": _digits("０１２３４５６７８９"),
    "decimalEnclosedCircle": _circled,
    "decimalEnclosedCircleChinese": _circled,
    "decimalEnclosedFullstop": _enclosed(0x2488, 0x249B),
    "decimalEnclosedParen": _enclosed(0x2474, 0x2487),
    "hebrew1": _hebrew,
    "hebrew2": _letters("אבגדהוזחטיכלמנסעפצקרשת"),
    "arabicAlpha": _letters("أبتثجحخدذرزسشصضطظعغفقكلمنهوي"),
    "arabicAbjad": _letters("أبجدهوزحطيكلمنسعفصقرشتثخذضظغ"),
    "russianLower": _letters(_RUSSIAN),
    "russianUpper": _letters(_RUSSIAN.upper()),
    "hindiVowels": _letters("अआइईउऊऋऌऍऎएऐऑऒओऔ"),
    "hindiConsonants": _letters("कखगघङचछजझञटठडढणतथदधनऩपफबभमयरऱलळऴवशषसह"),
    "hindiNumbers": _digits("०१२३४५६७८९"),
    "thaiLetters": _letters("กขคงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ"),
    "thaiNumbers": _digits("๐๑๒๓๔๕๖๗๘๙"),
    "thaiCounting": _thai,
    "vietnameseCounting": _vietnamese,
}
