"""Letters of Symbol, Wingdings and Webdings as the Unicode characters that they look like.

In these fonts a letter is a picture: "a" of Symbol is α, "þ" of Wingdings a ticked box. Where Unicode has both a common
and a rare character for a picture, the common one stands, since models know it.
"""

from __future__ import annotations

import re

UNKNOWN = "\ufffd"
TICKED, EMPTY = "☑", "☐"
BOXES = frozenset("☑☐☒✓✔✗✘❑❒□")
_PRIVATE = re.compile("[\uf020-\uf0ff]")
_OLD_FORM = 0xF000  # symbol fonts stand at U+F020 to U+F0FF


def _table(rows: dict[int, str]) -> dict[int, str]:
    """Code -> character, from runs of characters by their first code; blanks stand for pictures without a character."""
    return {first + i: c for first, row in rows.items() for i, c in enumerate(row) if c != " "} | {0x20: " "}


_SYMBOL = _table(
    {
        0x21: "!∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_",
        0x60: "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",
        0xA0: "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓",
        0xE0: "◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪ ⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
    }
)
_WINGDINGS = _table(
    {
        0x21: "✏✂✁👓🔔📖🕯☎✆✉✉📪📫📬📭📁📂📄🗏🗐🗄⌛⌨🖱🖲💻🖴💾🖬✇✍✍✌👌👍👎☜☞☝☟✋☺😐☹💣☠⚐🏱✈☼💧❄✞✞✠✠✡☪☯ॐ☸♈♉",
        0x60: "♊♋♌♍♎♏♐♑♒♓&&●❍■□□❑❒⬧⧫◆❖⬥⌧⍓⌘❀✿❝❞▯⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿❧☙☙❧❧☙☙❧·•",
        0xA0: "▪○○○◉◎○▪☐▲✦★✶✴✹✵⌖⌖⟡⌑⌑✪✰🕐🕑🕒🕓🕔🕕🕖🕗🕘🕙🕚🕛↲↳↰↱↴↵↤↦❦❦❦❦❦❦❦❦❦❦⌫⌦◁➢△▽↶➲↷↻←→↑↓↖↗↙↘",
        0xE7: "⬅➔⬆⬇⬉⬈⬋⬊⇦⇨⇧⇩⇔⇳⬁⬀⬃⬂▭▫✗✔☒☑⊞",
    }
)
_WINGDINGS_2 = _table(
    {
        0x21: "🖊🖋🖌🖍✄✀☎☎📄📄📄",
        0x42: "👈👉☜☞☜☞☜☞👆👇☝☟✋✗✓☒☑☒☒⊗⊗🚫⊘&&&&‽",
        0x69: "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿ ☉○☽☾⸿✝✝",
        0x95: "·••●○○○◉⊙◉▪▪▪■☐□□□□▣▣▣▣▣⬩⬥◇◇◈◈◈◇◈⬪⬧◊◊◖◗",
        0xC6: "✕✚✚✚✚✚✚✕✕✖✖✖✖✖✖✱✱✱✱✱✱✱✱✱✱✱✱✱✱✱★★★★★✶✶✶✹✹✹✹✹★★✯✶✹✚✚※⁂",
    }
)
_WINGDINGS_3 = _table(
    {
        0x21: "←→↑↓↖↗↙↘⇤⇥⤒⤓⇤⇥⤒⤓↔↕⇆⇄⇅⇵",
        0x37: "↴↲↳↰↱↵↵↵↵↰↱↴↵⇇⇉⇈⇊⇆⇄⇅⇵⟲⟳⟲⟳↻↺",
        0x66: "←→↑↓↖↗↘↙↔↕▲▼△▽◀▶◁▷◣◢◤◥◀▶▲ ▼▲▼◀▶❮❯︿﹀←→↑↓↖↗↙↘←→↑↓",
        0x94: "←→↑↓↖↗↙↘←→↑↓",
        0xD1: "←→↑↓↖↗↙↘←→↑↓↖↗↙↘←→↑↓↖↗↙↘",
    }
)
_WEBDINGS = _table(
    {
        0x21: "🕷🕸🕲🕶🏆🏅📎💬🗩🗨💬🌶🎗🙾🙼🗕🗖🗗◀▶▲▼⏪⏩⏮⏭⏸⏹⏺🗚🗳🛠🏗🏘🏙🏚🏜🏭🏛🏠🏖🏝🛣🔍🏔👁👂🏞🏕🛤🏟🚢🔊🔈🔇🔈♥❤",
        0x60: "↩✔🚲☐🛡📦🚒■🚑ℹ✈🛰●🕴●⛵🚔🔄✗❓🚆🚇🚍⛳🚫⊖🚭💬|💬⚡",
        0x80: "🚹🚺🚶🚼🚼👽🏋⛷🏂🏌🏊🏄🏍🏎🚘📈🛢💰🏷💳👪🗡👄🗣✯✉✉✉✉📄",
        0xA5: "📋🗓📖📚📰📰🗃🗂🖼🎭🎵🎘🎙🎧💿🎞📷🎟🎬📽📹📺📻🎚🎛📺💻🖥",
        0xCF: "🔒🔓🔑📥📤🕳☀🌤🌥🌦☁🌨🌧🌩🌪🌬🌫🌜🌡🛋🛏🍽🍸🛎🛍Ⓟ♿",
    }
)
_FONTS = {
    "symbol": _SYMBOL,
    "symbol mt": _SYMBOL,
    "standardsymbolsps": _SYMBOL,
    "wingdings": _WINGDINGS,
    "wingdings 2": _WINGDINGS_2,
    "wingdings 3": _WINGDINGS_3,
    "webdings": _WEBDINGS,
}


def is_symbol_font(font: str | None) -> bool:
    """Whether the letters of a font are pictures that this module knows."""
    return font is not None and font.lower() in _FONTS


def translated(text: str, font: str | None) -> str:
    """The text with the pictures of a symbol font as characters.

    In another font only characters from U+F020 to U+F0FF are pictures, and taken for those of Symbol.
    A picture without a character becomes UNKNOWN.
    """
    table = _FONTS.get((font or "").lower())
    if table is None:
        return _PRIVATE.sub(lambda match: _of(match[0], _SYMBOL), text) if _PRIVATE.search(text) else text
    return "".join(_of(c, table) if ord(c) < 0x100 or _PRIVATE.match(c) else c for c in text)


def _of(character: str, table: dict[int, str]) -> str:
    code = ord(character)
    code -= _OLD_FORM if code >= _OLD_FORM else 0
    return table.get(code, UNKNOWN) if code >= 0x20 else character


def symbol(font: str, code: str) -> str:
    """The character of `<w:sym w:font="Wingdings" w:char="F0FE"/>`; UNKNOWN where the font or the code is."""
    try:
        number = int(code, 16)
    except ValueError:
        return UNKNOWN
    if not 0x20 <= number <= 0x10FFFF or 0xD800 <= number < 0xE000:
        return UNKNOWN
    if is_symbol_font(font):
        return translated(chr(number), font)
    return UNKNOWN if _OLD_FORM <= number < _OLD_FORM + 0x100 else chr(number)
