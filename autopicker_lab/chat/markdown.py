"""Markdown with formulas, such as a model's answer or a file's text, as HTML that is safe to show."""

from __future__ import annotations

import re
from functools import cache
from html import escape, unescape
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

if TYPE_CHECKING:
    from collections.abc import MutableMapping

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


def markdown_html(text: str) -> str:
    """Convert CommonMark with tables and LaTeX's formulas to HTML that runs nothing and fetches nothing.

    Tags in the text are shown as text, pictures by their words. Formulas stand between `$`, `$$`, `\\(` and `\\)`, or
    `\\[` and `\\]`, and become MathML, which browsers draw themselves; one that is not understood stays LaTeX.
    """
    html: str = _parser().render(text)
    return html


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


def _formula_of(renderer: Any, tokens: Any, index: int, options: Any, env: MutableMapping[str, Any]) -> str:
    token = tokens[index]
    return _formula(token.content.strip(), "inline" if token.type == "math_inline" else "block")


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
