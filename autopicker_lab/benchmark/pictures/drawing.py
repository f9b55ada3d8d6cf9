"""Pictures of twelve kinds, drawn with their text: what people photograph, and what they cut out of their screens."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from PIL.Image import Image
    from PIL.ImageFont import FreeTypeFont

    from autopicker_lab.benchmark.pictures.fonts import Fonts

_WORDS = " ".join(
    (
        "harbour office opens at seven bring the blue form and two photographs parking is free on Sundays last boat",
        "leaves after sunset please keep your ticket until you land dogs travel on deck only luggage belongs into the",
        "racks water level rises quickly in spring ask the crew for a chair children under six sail without paying",
        "repair of pier four begins next Monday morning members meet in the old boathouse every second Thursday",
    )
).split()
_GERMAN = (
    "Öffnungszeiten der Bücherei",
    "Straßenschäden bitte früh melden",
    "Übergröße nur gegen Aufpreis",
    "Schlüssel beim Pförtner abholen",
    "Müllgebühren für das Gebäude",
    "Rücknahme geöffneter Gläser ausgeschlossen",
    "Heute frische Brötchen und Käse",
    "Größere Beträge überweisen",
)
_CHINESE = (
    "紧急出口",
    "火灾时请勿使用电梯",
    "请保持安静",
    "禁止吸烟",
    "欢迎光临",
    "出口在左边",
    "小心地滑",
    "请排队等候",
)
_GOODS = ("Rye bread", "Apple tart", "Coffee large", "Oat biscuits", "Green tea", "Milk 1 l", "Butter", "Plum jam")
_NAMES = ("North", "South", "East", "West", "Harbour", "Old town", "Airport", "Station")
_HUGE = ("SALE", "OPEN", "Parking", "STOP", "Welcome", "Exit", "Closed", "Taxi")
_MENU = ("Overview", "Invoices", "Customers", "Settings", "Reports", "Archive", "Messages", "Sign out")
_CODE = (
    "def total_price(items, tax=0.19):",
    "    result = 0.0",
    "    for item in items:",
    '        result += item["price"] * (1 + tax)',
    "    return round(result, 2)",
    "if __name__ == '__main__':",
    "    print(total_price(load(path)[:10]))",
    "# rounds half to even",
)


@dataclass
class Drawn:
    """A picture and the text in it, line by line, as it is to be read."""

    image: Image
    lines: list[str] = field(default_factory=list)
    ink: Any = (20, 20, 24)

    def write(self, at: tuple[float, float], text: str, font: FreeTypeFont, ink: Any = None) -> None:
        """Draw a text whose line is noted elsewhere."""
        from PIL import ImageDraw

        ImageDraw.Draw(self.image).text(at, text, font=font, fill=ink or self.ink)

    def line(self, at: tuple[float, float], text: str, font: FreeTypeFont, ink: Any = None) -> None:
        """Draw a line, and note it."""
        self.write(at, text, font, ink)
        self.lines.append(text.strip())


def _blank(width: int, height: int, paper: Any = (250, 249, 246)) -> Drawn:
    from PIL import Image as Pictures

    return Drawn(Pictures.new("RGB", (width, height), paper))


def _phrase(chance: random.Random, count: int) -> str:
    start = chance.randrange(len(_WORDS) - count)
    return " ".join(_WORDS[start : start + count]).capitalize()


def _amount(chance: random.Random, most: int = 2000) -> str:
    return f"{chance.randint(100, most) / 100:,.2f}"


def receipt(fonts: Fonts, chance: random.Random) -> Drawn:
    """Articles left, prices far to the right."""
    size = chance.randint(20, 30)
    font = fonts.pick(chance.choice(["mono", "sans"]), size, chance)
    goods = chance.sample(_GOODS, chance.randint(4, 7))
    drawn = _blank(chance.randint(24, 34) * size, (len(goods) + 6) * size * 7 // 5)
    top = float(size)
    drawn.line((size, top), "Corner bakery " + str(chance.randint(2, 98)), font)
    for name in (*goods, "TOTAL", "Cash", "Change"):
        top += size * 1.4
        price = _amount(chance)
        drawn.write((size, top), name, font)
        drawn.write((drawn.image.width - size - font.getlength(price), top), price, font)
        drawn.lines.append(f"{name} {price}")
    return drawn


def form(fonts: Fonts, chance: random.Random) -> Drawn:
    """Labels with their values beside them."""
    size = chance.randint(18, 28)
    label, value = fonts.pick("bold", size, chance), fonts.pick("sans", size, chance)
    fields = {
        "Invoice no.": f"{chance.randint(2019, 2025)}-{chance.randint(100, 9999):04}",
        "Date": f"{chance.randint(1, 28)} May {chance.randint(2019, 2025)}",
        "Customer": chance.choice(("Miller and Sons", "Harbour Ltd", "Anna Berg")),
        "Net amount": _amount(chance, 400_000),
        "Total": _amount(chance, 500_000),
        "Reference": f"HAFEN-{chance.randint(10, 99)}",
    }
    drawn = _blank(36 * size, (len(fields) + 2) * size * 2)
    for i, (name, text) in enumerate(fields.items()):
        drawn.write((size, size * (1 + 2 * i)), name, label)
        drawn.write((chance.choice((16, 17)) * size, size * (1 + 2 * i)), text, value)
        drawn.lines.append(f"{name} {text}")
    return drawn


def table(fonts: Fonts, chance: random.Random) -> Drawn:
    """Names and figures in columns, without rules."""
    size = chance.randint(18, 28)
    font = fonts.pick(chance.choice(["sans", "serif"]), size, chance)
    heads = ("Place", "2022", "2023", "2024")
    rows = [heads, *((name, *(str(chance.randint(50, 999)) for _ in range(3))) for name in chance.sample(_NAMES, 5))]
    drawn = _blank(34 * size, (len(rows) + 2) * size * 2)
    for i, row in enumerate(rows):
        for j, cell in enumerate(row):
            left = size if j == 0 else (9 + 7 * j) * size - font.getlength(cell)
            drawn.write((left, size * (1 + 2 * i)), cell, font)
        drawn.lines.append(" ".join(row))
    return drawn


def interface(fonts: Fonts, chance: random.Random) -> Drawn:
    """Text ten to thirteen pixels high, as on a screen without scaling."""
    size = chance.randint(10, 13)
    font = fonts.pick("sans", size, chance)
    drawn = _blank(chance.randint(260, 420), 14 * size + 20, (255, 255, 255))
    for i in range(6):
        drawn.line((10, 10 + i * size * 2), _phrase(chance, chance.randint(3, 6)), font)
    return drawn


def huge(fonts: Fonts, chance: random.Random) -> Drawn:
    """One word as large as the picture."""
    word = chance.choice(_HUGE)
    size = chance.randint(180, 420)
    font = fonts.pick(chance.choice(["bold", "serif"]), size, chance)
    paper, ink = chance.choice((((250, 250, 250), (200, 20, 30)), ((30, 60, 140), (255, 255, 255))))
    drawn = _blank(int(font.getlength(word)) + size, size * 2, paper)
    drawn.line((size / 2, size / 2), word, font, ink)
    return drawn


def menu(fonts: Fonts, chance: random.Random) -> Drawn:
    """A dark menu beside a light page."""
    from PIL import ImageDraw

    size = chance.randint(15, 22)
    font = fonts.pick("sans", size, chance)
    drawn = _blank(50 * size, 22 * size, (255, 255, 255))
    ImageDraw.Draw(drawn.image).rectangle((0, 0, 12 * size, 22 * size), fill=(32, 38, 54))
    for i, item in enumerate(chance.sample(_MENU, 5)):
        drawn.line((size, size * (2 + 3 * i)), item, font, (222, 226, 235))
    for i in range(5):
        text = f"Amount due: {_amount(chance, 300_000)} EUR" if i == 2 else _phrase(chance, chance.randint(4, 7))
        drawn.line((15 * size, size * (2 + 3 * i)), text, font)
    return drawn


def umlauts(fonts: Fonts, chance: random.Random) -> Drawn:
    """German, whose letters English lacks."""
    size = chance.randint(22, 34)
    font = fonts.pick(chance.choice(["sans", "serif"]), size, chance)
    drawn = _blank(30 * size, 11 * size)
    for i, text in enumerate(chance.sample(_GERMAN, 4)):
        drawn.line((size, size * (1 + 2.4 * i)), text, font)
    return drawn


def scripts(fonts: Fonts, chance: random.Random) -> Drawn:
    """English and Chinese, line by line."""
    size = chance.randint(28, 44)
    font = fonts.pick("chinese", size, chance)
    drawn = _blank(22 * size, 12 * size)
    for i, text in enumerate(chance.sample(_CHINESE, 3)):
        drawn.line((size, size * (1 + 3.4 * i)), _phrase(chance, 4), font)
        drawn.line((size, size * (2.6 + 3.4 * i)), text, font)
    return drawn


def columns(fonts: Fonts, chance: random.Random) -> Drawn:
    """Two columns of running text, the left one first."""
    size = chance.randint(18, 24)
    font = fonts.pick("serif", size, chance)
    drawn = _blank(56 * size, 18 * size)
    for left in (size, 29 * size):
        for i in range(10):
            words = _phrase(chance, 8).split()
            while font.getlength(" ".join(words)) > 25 * size:
                words.pop()
            drawn.line((left, size * (1 + 1.6 * i)), " ".join(words), font)
    return drawn


def chat(fonts: Fonts, chance: random.Random) -> Drawn:
    """Messages of two people, in bubbles left and right."""
    from PIL import ImageDraw

    size = chance.randint(20, 30)
    font = fonts.pick("sans", size, chance)
    drawn = _blank(26 * size, 26 * size, (236, 229, 221))
    for i in range(6):
        text = _phrase(chance, chance.randint(3, 5))
        right = i % 2 == 1
        width = font.getlength(text) + size
        left = drawn.image.width - width - size if right else size
        box = (left, size * (1 + 4 * i), left + width, size * (3.4 + 4 * i))
        ImageDraw.Draw(drawn.image).rounded_rectangle(box, size / 2, fill=(217, 253, 211) if right else (255, 255, 255))
        drawn.line((left + size / 2, size * (1.6 + 4 * i)), text, font)
    return drawn


def code(fonts: Fonts, chance: random.Random) -> Drawn:
    """A dark or light editor."""
    size = chance.randint(16, 24)
    font = fonts.pick("mono", size, chance)
    paper, ink = chance.choice((((30, 30, 30), (212, 212, 212)), ((255, 255, 255), (30, 30, 60))))
    drawn = _blank(30 * size, 14 * size, paper)
    for i, text in enumerate(_CODE):
        drawn.line((size, size * (1 + 1.5 * i)), text, font, ink)
    return drawn


def handwriting(fonts: Fonts, chance: random.Random) -> Drawn:
    """A note in a font that looks written."""
    size = chance.randint(32, 48)
    font = fonts.pick("hand", size, chance)
    drawn = _blank(24 * size, 10 * size, (252, 248, 225))
    for i in range(4):
        drawn.line((size, size * (1 + 2 * i)), _phrase(chance, chance.randint(3, 5)), font, (30, 40, 110))
    return drawn


KINDS: dict[str, Callable[[Fonts, random.Random], Drawn]] = {
    "receipt": receipt,
    "form": form,
    "table without rules": table,
    "interface text": interface,
    "one huge word": huge,
    "menu beside page": menu,
    "umlauts": umlauts,
    "two scripts": scripts,
    "columns": columns,
    "chat": chat,
    "code": code,
    "handwriting": handwriting,
}
NEEDED = {"two scripts": "chinese", "handwriting": "hand"}  # fonts that matplotlib does not bring
