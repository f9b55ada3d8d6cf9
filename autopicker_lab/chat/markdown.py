"""Markdown with formulas, such as a model's answer or a file's text, as HTML that is safe to show."""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import cache
from html import escape, unescape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.rules_inline import StateInline

_MAX_FORMULA = 2000  # characters; a longer one is shown as it was written
_MATHML = re.compile(
    r"math|mfrac|mi|mmultiscripts|mn|mo|mover|mpadded|mphantom|mprescripts|mroot|mrow|ms|mspace|msqrt|mstyle|msub|"
    r"msubsup|msup|mtable|mtd|mtext|mtr|munder|munderover|none"
)
_MATHML_ATTRIBUTES = re.compile(
    r"accent|accentunder|columnalign|columnlines|columnspacing|depth|display|displaystyle|fence|form|height|"
    r"linethickness|lspace|mathvariant|maxsize|minsize|movablelimits|rowlines|rowspacing|rspace|scriptlevel|separator|"
    r"stretchy|symmetric|voffset|width|xmlns"
)
_BRACKETS = {"\\(": ("\\)", "math_inline"), "\\[": ("\\]", "math_inline_double")}
_VALUE = re.compile(r"[\w\s.%+:/-]*")
_OPEN, _CLOSE = "\ue000", "\ue001"  # around the number of a mark, until its text is typeset
_MARK = re.compile(f"{_OPEN}(\\d+){_CLOSE}")
_IN_TAG = re.compile(rf"{_MARK.pattern}|%EE%80%80\d+%EE%80%81")
_TITLE = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\((?:[^()\\\n]|\\.)*\))"""
_DEFINITION = re.compile(  # [label]: address "title", each on the line of the one before, or on the next
    r"^ {0,3}\[(?:[^\[\]\\\n]|\\.){1,999}\]:[ \t]*(?:\n[ \t]*)?[^\s\[\]]\S*"
    rf"(?:(?:[ \t]+|[ \t]*\n[ \t]*){_TITLE})?[ \t]*$",
    re.MULTILINE,
)
_TAG = re.compile(r"<[^>]*>")


def markdown_html(text: str, stops: Sequence[int] = ()) -> str:
    """Convert CommonMark with tables and LaTeX's formulas to HTML that runs nothing and fetches nothing.

    Tags in the text are shown as text, pictures by their words. Formulas stand between `$`, `$$`, `\\(` and `\\)`, or
    `\\[` and `\\]`, and become MathML, which browsers draw themselves; one that is not understood stays LaTeX.

    Args:
        stops: where sentences end that are cited, in characters of the text. There an empty `<span data-cite="0">`
            stands, with its place among them; within the cell or the heading that ends there, and behind code and
            formulas. None stands for one that ends within the address or the title of a link.
    """
    html: str = _parser().render(_marked(text, stops) if stops else text)
    if not stops:
        return html
    return _MARK.sub(r'<span data-cite="\1"></span>', _TAG.sub(lambda tag: _IN_TAG.sub("", tag[0]), html))


def _in_definition(text: str) -> Callable[[int], bool]:
    """Whether a place lies in what defines a link's address, which is shown nowhere, and is none with a mark in it."""
    spans = [match.span() for match in _DEFINITION.finditer(text)]
    starts = [start for start, _ in spans]

    def lies(place: int) -> bool:
        at = bisect_left(starts, place) - 1
        return at >= 0 and place <= spans[at][1]

    return lies


def _marked(text: str, stops: Sequence[int]) -> str:
    """A text with its marks; characters that make them are replaced, where it has some of its own."""
    text = text.replace(_OPEN, "\ufffd").replace(_CLOSE, "\ufffd")
    pieces, at = [], 0
    defines = _in_definition(text)
    places = ((_place_of_mark(text, stop), number) for number, stop in enumerate(stops) if not defines(stop))
    for place, number in sorted(places):
        pieces += [text[at:place], f"{_OPEN}{number}{_CLOSE}"]
        at = place
    return "".join([*pieces, text[at:]])


def _place_of_mark(text: str, stop: int) -> int:
    """Before what closes a row of a table, or a heading: behind it a mark would be one more cell, and no table left."""
    line = text[text.rfind("\n", 0, stop) + 1 : stop]
    said = line.rstrip(" \t|")
    if line.lstrip().startswith("#") and said.rstrip("#").endswith((" ", "\t")):
        said = said.rstrip("#").rstrip()
    if said.endswith("\\"):
        said = line[: len(said) + 1]  # with the bar that it escapes
    return min(stop, len(text)) - (len(line) - len(said))


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.dollarmath import dollarmath_plugin

    parser = MarkdownIt("commonmark", {"html": False, "breaks": True}).enable(["table", "strikethrough"])
    parser.disable("image")
    parser.use(dollarmath_plugin, allow_space=False, allow_digits=False, double_inline=True, allow_labels=False)
    parser.inline.ruler.before("escape", "math_brackets", _bracketed)
    for rule in ("math_inline", "math_inline_double", "math_block"):
        parser.add_render_rule(rule, _formula_of)
    for rule in ("th_open", "td_open"):
        parser.add_render_rule(rule, _cell_of)
    parser.add_render_rule("link_open", _link_of)
    for rule, frame in (("fence", "<p>{}</p>\n"), ("code_block", "<p>{}</p>\n"), ("code_inline", "{}")):
        parser.add_render_rule(rule, _marks_behind(parser.renderer.rules[rule], frame))  # type: ignore[attr-defined]
    return parser


def _bracketed(state: StateInline, silent: bool) -> bool:
    """Take a formula between `\\(` and `\\)`, or `\\[` and `\\]`; a mark that is closed nowhere is looked for once."""
    opening = state.src[state.pos : state.pos + 2]
    if opening not in _BRACKETS:
        return False
    closing, kind = _BRACKETS[opening]
    start = state.pos + 2
    end = -1 if state.env.get(closing) == state.src else state.src.find(closing, start, state.posMax)
    if end < 0:
        state.env[closing] = state.src
        return False
    if not silent:
        state.push(kind, "math", 0).content = state.src[start:end]
    state.pos = end + 2
    return True


def _cell_of(renderer: Any, tokens: Any, index: int, options: Any, env: MutableMapping[str, Any]) -> str:
    """A cell that says how it is aligned by its attribute: pages whose policy forbids styles drop them."""
    token = tokens[index]
    style = str(token.attrs.pop("style", ""))
    if style:
        token.attrs["align"] = style.removeprefix("text-align:")
    html: str = renderer.renderToken(tokens, index, options, env)
    return html


def _link_of(renderer: Any, tokens: Any, index: int, options: Any, env: MutableMapping[str, Any]) -> str:
    """A link that opens beside the page, which holds a conversation, and tells the other side nothing of it."""
    tokens[index].attrs |= {"target": "_blank", "rel": "noopener noreferrer"}
    html: str = renderer.renderToken(tokens, index, options, env)
    return html


def _marks_behind(rule: Callable[..., str], frame: str) -> Callable[..., str]:
    """Code as a rule makes it, with its marks in a frame behind it: who copies it wants none."""

    def drawn(renderer: Any, tokens: Any, index: int, options: Any, env: MutableMapping[str, Any]) -> str:
        token = tokens[index]
        token.content, marks = _apart(token.content)
        token.info, more = _apart(token.info)
        html = rule(tokens, index, options, env)
        return html + frame.format(more + marks) if more or marks else html

    return drawn


def _apart(text: str) -> tuple[str, str]:
    """A text without its marks, and these."""
    return (_MARK.sub("", text), "".join(mark[0] for mark in _MARK.finditer(text))) if _OPEN in text else (text, "")


def _formula_of(renderer: Any, tokens: Any, index: int, options: Any, env: MutableMapping[str, Any]) -> str:
    token = tokens[index]
    latex, marks = _apart(token.content)
    return _formula(latex.strip(), "inline" if token.type == "math_inline" else "block") + marks


def _formula(latex: str, display: str) -> str:
    """MathML of a formula: known elements and attributes alone, since LaTeX can name links, styles and classes."""
    from latex2mathml.converter import convert_to_element

    as_written = f"<code>{escape(latex)}</code>"
    if len(latex) > _MAX_FORMULA:
        return as_written
    try:
        root = convert_to_element(latex, display=display)
    except Exception:  # the library raises what its parser happens to meet
        return as_written
    for element in root.iter():
        if not _MATHML.fullmatch(element.tag):
            return as_written
        element.text = unescape(element.text or "")
        for name, value in list(element.attrib.items()):
            if not _MATHML_ATTRIBUTES.fullmatch(name) or not _VALUE.fullmatch(value):
                del element.attrib[name]
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)
