"""Text on one line: emphasis, links, code, formulas, raised and lowered signs, ruby, controls."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction import latex, script_signs
from autopicker_lab.extraction.web import forms, mathml
from autopicker_lab.extraction.web.context import name_of
from autopicker_lab.extraction.web.dom import BLOCKS, PERMALINKS, SKIPPED, is_hidden, local, names, strings, words
from autopicker_lab.extraction.web.media import MEDIA, medium

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from autopicker_lab.extraction.web.context import PageContext

_SPACE = re.compile(r"[ \t\r\n\f\xa0]+")
_AROUND_BREAK = re.compile(r" *\n[ \n]*")
_NOTHING = str.maketrans("", "", "\u00ad\u200b\ufeff\u2060")
_ORDINALS = frozenset(("st", "nd", "rd", "th", "er", "re", "e", "ère", "ème", "me", "o", "a", "os", "as", "d"))
_MARKS = frozenset(("tm", "sm", "®", "™", "°", "*", "**", "†", "‡", "§", "¶"))
_EMPHASIS = {"b": "**", "strong": "**", "i": "*", "em": "*", "cite": "*", "dfn": "*", "del": "~~", "s": "~~"}
_EMPHASIS["strike"] = "~~"
_NO_TEXT = frozenset(("MathJax_Preview", "linenos", "lineno", "line-number", "mw-editsection"))
_CODE = frozenset(("code", "kbd", "samp", "tt"))
_MATH = frozenset(("katex", "mwe-math-element", "MathJax", "MathJax_Display", "MathJax_SVG", "MathJax_CHTML"))
_RAISED = re.compile(r"vertical-align\s*:\s*(super|sub)\b", re.I)
_AMOUNT = re.compile(r"[$€£¥]\s?(?!10$)\d{1,3}(?:[,.]\d{3})*$")
_CURRENCY = re.compile(r"\s?(?:[$€£¥₹]|EUR\b|USD\b|CHF\b|euros?\b)")
_FOOTNOTE = re.compile(r"\[\w{1,4}\]")


class InlineWriter:
    """Writes the inline content of a page; `emphasis=False` leaves bold and italics out, as in headings."""

    def __init__(self, context: PageContext, emphasis: bool = True) -> None:
        self.context = context
        self.emphasis = emphasis

    def line(self, nodes: Iterable[Any]) -> str:
        """Texts and elements in a row as Markdown; line breaks stay."""
        return tidy("".join(node if isinstance(node, str) else self.write(node) for node in nodes))

    def inside(self, element: Any) -> str:
        """The content of an element on lines of Markdown."""
        return tidy(self.content(element))

    def content(self, element: Any) -> str:
        """The content of an element, its spaces as they stand."""
        pieces = [_SPACE.sub(" ", element.text)] if element.text else []
        for child in element:
            pieces.append(self.write(child))
            if child.tail:
                pieces.append(_SPACE.sub(" ", child.tail))
        return "".join(pieces)

    def write(self, element: Any) -> str:
        """An element within a line."""
        tag = local(element)
        if tag == "script":
            return _script_formula(element)
        if not tag or tag in SKIPPED or (tag == "input" and element.get("type") == "hidden"):
            return ""
        if is_hidden(element):
            self.context.note("hidden text was left out", words(element))
            return ""
        write = _WRITERS.get(tag)
        if write is not None:
            return write(self, element)
        if tag in BLOCKS:
            return f" {self.content(element)} "
        return self._marked(element)

    def _marked(self, element: Any) -> str:
        """An element that only its class or role makes a formula, a line number or a tick."""
        if element.attrib or element.tag == "mjx-container":
            found = set(names(element))
            if found & _MATH or element.tag == "mjx-container":
                return self._page_formula(element)
            if found & _NO_TEXT:
                return ""
            mark = forms.tick(element)
            if mark:
                return f" {mark} {self.content(element)}"
            style = element.get("style") or ""
            if "display" in style and "block" in style:
                return f"\n{self.content(element)}\n"
            if raised := _RAISED.search(style):
                return _WRITERS["sup" if raised[1].lower() == "super" else "sub"](self, element)
        return self.content(element)

    def _page_formula(self, element: Any) -> str:
        """A formula that a script set: once, by the source that stands beside what is shown."""
        frame = next((e.get("id") for e in element.iter() if (e.get("id") or "").endswith("-Frame")), None)
        if frame and frame.removesuffix("-Frame") in self.context.by_id:
            return ""
        math = next(element.iter("math"), None)
        if math is not None:
            return _math(self, math)
        for holder in element.iter():
            if holder.get("data-latex"):
                return latex.inline(mathml.clean_source(holder.get("data-latex")))
            if holder.get("data-mathml"):
                source = _parsed_source(holder.get("data-mathml"))
                if source is not None:
                    return "".join(_math(self, math) for math in source.iter("math"))
        return self.content(element)

    def emphasised(self, element: Any) -> str:
        """Bold, italics and struck text, the marks close to the words."""
        text = self.content(element)
        mark = _EMPHASIS[element.tag]
        inner = text.strip()
        if not inner or (not self.emphasis and mark != "~~") or "\n" in inner or inner.startswith(mark):
            return text
        start = text[: len(text) - len(text.lstrip())]
        return f"{start}{mark}{inner}{mark}{text[len(text.rstrip()) :]}"

    def link(self, element: Any) -> str:
        """A link with its address, unless that says nothing more."""
        text = self.content(element)
        address = self.context.address(element.get("href")) if element.get("href") else ""
        if (element.get("href") or "").startswith("#") and text.strip() in PERMALINKS:
            return ""
        inner = text.strip() or " ".join(name_of(element).split())
        if not inner or not address or address.startswith(("#", "data:")) or "\n" in inner:
            return text if text.strip() else inner
        if address.removeprefix("mailto:").removeprefix("tel:") == inner:
            return text
        start, end = " " * text.startswith(" "), " " * text.endswith(" ")
        return f"{start}[{inner}]({address.replace(' ', '%20').replace(')', '%29')}){end}"

    def label(self, element: Any) -> str:
        """A label, its tick before it; the next control stands on a line of its own."""
        mark = forms.tick_before(element, self.context)
        text = self.content(element)
        return f" {mark} {text}{_end(element)}" if mark else f"{text}{_end(element)}"

    def control(self, element: Any) -> str:
        """What a control shows."""
        shown = forms.control(element, self.context)
        return f" {shown}{_end(element)}" if shown else ""


def tidy(text: str) -> str:
    """Spaces and breaks as a browser shows them."""
    if text.isascii() and "  " not in text and "\n" not in text:
        return text.strip()
    return _AROUND_BREAK.sub("\n", re.sub(" {2,}", " ", text.translate(_NOTHING))).strip()


def _end(element: Any) -> str:
    """What follows a control or a label with one in it: a new line, but a space where text goes on."""
    is_only_words = element.tag == "label" and next(element.iter(*forms.CONTROLS), None) is None
    return " " if (element.tail or "").strip() or is_only_words or forms.tick(element) else "\n"


def _math(writer: InlineWriter, element: Any) -> str:
    tex = mathml.formula(element)
    return latex.display(tex) if mathml.is_display(element) else latex.inline(tex)


def _parsed_source(source: str) -> Any:
    """The tree of a formula that an attribute holds, None where it holds none."""
    import lxml.etree

    try:
        return lxml.etree.fromstring(source, lxml.etree.HTMLParser())
    except lxml.etree.LxmlError:
        return None


def _script_formula(element: Any) -> str:
    kind = element.get("type") or ""
    if not kind.startswith("math/tex"):
        return ""
    tex = mathml.clean_source(element.text or "")
    return latex.display(tex) if "display" in kind else latex.inline(tex)


def _script_sign(table: dict[int, str | int], mark: str) -> Callable[[InlineWriter, Any], str]:
    """Raised or lowered text: in signs of its own where Unicode has them, else after ^ or _."""

    def write(writer: InlineWriter, element: Any) -> str:
        text = writer.content(element)
        inner = text.strip()
        if not inner or "](" in inner or _FOOTNOTE.fullmatch(inner) or _is_ordinal(element, inner.lower()):
            return text
        if mark == "^" and len(inner) == 2 and inner.isdigit() and _is_price(element):
            return f".{inner}"
        if all(ord(char) in table for char in inner):
            return text.translate(table)
        return script_signs.marked(mark, inner)

    return write


def _is_price(element: Any) -> bool:
    """Whether two raised digits are the cents of an amount: after a sign of a currency, or before one."""
    before = _preceding(element)
    return bool(_AMOUNT.search(before) or (before[-1:].isdigit() and _CURRENCY.match(element.tail or "")))


def _is_ordinal(element: Any, text: str) -> bool:
    """Whether raised text ends a number word (1st) or is a mark of its own."""
    return text in _MARKS or (text in _ORDINALS and _preceding(element)[-1:].isdigit())


def _preceding(element: Any) -> str:
    """The text right before an element."""
    before = element.getprevious()
    return (element.getparent().text if before is None else before.tail) or ""


def _code(writer: InlineWriter, element: Any) -> str:
    text = _SPACE.sub(" ", "".join(strings(element)))
    inner = text.strip()
    if not inner or next(element.iter("img", "math"), None) is not None:
        return writer.content(element)
    fence = "``" if "`" in inner else "`"
    space = " " if "`" in inner else ""
    return f"{' ' * text.startswith(' ')}{fence}{space}{inner}{space}{fence}{' ' * text.endswith(' ')}"


def _abbreviation(writer: InlineWriter, element: Any) -> str:
    """An abbreviation, with what it stands for the first time."""
    text, title = writer.content(element), " ".join((element.get("title") or "").split())
    if not title or title in writer.context.explained or title.lower() == text.strip().lower():
        return text
    writer.context.explained.add(title)
    return f"{text.rstrip()} ({title}){' ' * text.endswith(' ')}"


def _time(writer: InlineWriter, element: Any) -> str:
    """A time, with its date where the words tell none."""
    text, date = writer.content(element), (element.get("datetime") or "").strip()
    if not date or any(char.isdigit() for char in text):
        return text
    return f"{text.rstrip()} ({date})" if text.strip() else date


def _ruby(writer: InlineWriter, element: Any) -> str:
    """Signs with their reading in brackets."""
    base, reading = "", ""
    if element.text:
        base += element.text
    for child in element:
        if local(child) in ("rt", "rtc"):
            reading += writer.content(child)
        elif local(child) != "rp":
            base += writer.write(child)
        base += child.tail or ""
    base, reading = "".join(base.split()), reading.strip()
    return f"{base}({reading})" if reading else base


_WRITERS: dict[str, Callable[[InlineWriter, Any], str]] = {
    **dict.fromkeys(_EMPHASIS, InlineWriter.emphasised),
    **dict.fromkeys(_CODE, _code),
    **dict.fromkeys(forms.CONTROLS, InlineWriter.control),
    **dict.fromkeys(MEDIA, lambda writer, element: medium(element, writer.context)),
    "a": InlineWriter.link,
    "area": lambda writer, element: writer.link(element) + " " if element.get("alt") else "",
    "label": InlineWriter.label,
    "br": lambda writer, element: "\n",
    "wbr": InlineWriter.content,  # the parser does not know that it is empty
    "math": _math,
    "sup": _script_sign(script_signs.RAISED, "^"),
    "sub": _script_sign(script_signs.LOWERED, "_"),
    "q": lambda writer, element: f"“{writer.content(element)}”",
    "abbr": _abbreviation,
    "acronym": _abbreviation,
    "time": _time,
    "ruby": _ruby,
}
