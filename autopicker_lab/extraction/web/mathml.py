"""MathML as LaTeX: by the source that a page keeps of its formulas, else from their elements."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction import latex
from autopicker_lab.extraction.web.dom import local, words

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OPENING = frozenset("([{|‖⟨〈⌊⌈")
_CLOSING = frozenset(")]}|‖⟩〉⌋⌉")
_LARGE = frozenset("∑∏∐∫∬∭∮⋃⋂⨁⨂⋁⋀")
_LIMITS = frozenset(("lim", "max", "min", "sup", "inf", "limsup", "liminf", "lim sup", "lim inf", "det", "gcd", "Pr"))
_MARKS = re.compile(r"[\\^_{}]")
_DISPLAY_STYLE = re.compile(r"^\{?\s*\\(?:displaystyle|textstyle)\b\s*")
_VARIANTS = {
    "bold": "mathbf",
    "bold-italic": "boldsymbol",
    "double-struck": "mathbb",
    "script": "mathcal",
    "bold-script": "mathcal",
    "fraktur": "mathfrak",
    "sans-serif": "mathsf",
    "monospace": "mathtt",
}


def formula(math: Any) -> str:
    """The LaTeX of a math element, "" where it is empty."""
    return _source(math) or _row(list(math))


def is_display(math: Any) -> bool:
    """Whether the formula stands on lines of its own."""
    return bool(math.get("display") == "block" or math.get("mode") == "display")


def clean_source(tex: str) -> str:
    """TeX that a page keeps, without what only sets its size."""
    tex = " ".join(tex.split())
    for opening, closing in (("$$", "$$"), ("\\(", "\\)"), ("\\[", "\\]"), ("$", "$")):
        if len(tex) > 2 * len(opening) and tex.startswith(opening) and tex.endswith(closing):
            tex = tex[len(opening) : -len(closing)].strip()
    styled = _DISPLAY_STYLE.match(tex)
    if not styled:
        return tex
    if tex[0] != "{":
        return tex[styled.end() :].strip()
    return tex[styled.end() : -1].strip() if latex.is_group(tex) else tex


def _source(math: Any) -> str:
    """The TeX that stands beside the elements: an annotation, or the alternative text where that is TeX."""
    for note in math.iter():
        if local(note) == "annotation" and "tex" in (note.get("encoding") or "").lower():
            return clean_source("".join(note.itertext()))
    alternative = math.get("alttext") or ""
    return clean_source(alternative) if _MARKS.search(alternative) else ""


def _row(elements: Sequence[Any]) -> str:
    """Elements in a row; brackets with what they hold, matrices and cases with their brackets."""
    shown = [e for e in elements if local(e)]
    pieces: list[str] = []
    position = 0
    while position < len(shown):
        taken, piece = _bracketed(shown[position : position + 3])
        pieces.append(piece)
        position += taken
    return latex.join(pieces)


def _bracketed(elements: Sequence[Any]) -> tuple[int, str]:
    """How many elements the first piece takes, and the piece: a matrix in brackets, or one element."""
    opening = _operator(elements[0])
    if len(elements) > 1 and opening in _OPENING:
        closing = _operator(elements[2]) if len(elements) > 2 else ""
        inside = _only(elements[1])
        if local(inside) == "mtable" and (opening == "{" or closing in _CLOSING):
            closes = closing in _CLOSING and closing != ""
            return 2 + closes, latex.bracketed_matrix(opening, closing if closes else "", _cells(inside))
        if closing == ")" and opening == "(" and _is_stack(inside):
            return 3, latex.binomial(*_parts(inside, 2))
    return 1, _write(elements[0])


def _operator(element: Any) -> str:
    return words(element) if local(element) == "mo" else ""


def _only(element: Any) -> Any:
    """What wrapping elements hold, where it is one element."""
    while local(element) in ("mrow", "mstyle", "mpadded") and len(element) == 1:
        element = element[0]
    return element


def _is_stack(element: Any) -> bool:
    return (
        local(element) == "mfrac" and re.fullmatch(r"0(?:\.0+)?[a-z]*", element.get("linethickness") or "") is not None
    )


def _cells(table: Any) -> list[list[str]]:
    rows = [row for row in table if local(row) in ("mtr", "mlabeledtr")]
    return [[_row(list(cell)) for cell in row if local(cell) == "mtd"] for row in rows]


def _is_aligned(table: Any) -> bool:
    """Whether the columns of a table meet at their signs, as equations under each other do."""
    return (table.get("columnalign") or "").startswith("right left")


def _write(element: Any) -> str:
    tag = local(element)
    write = _WRITERS.get(tag)
    if write is not None:
        return write(element)
    return _row(list(element)) if len(element) else latex.symbols(words(element))


def _parts(element: Any, count: int) -> list[str]:
    children = [_write(child) for child in element if local(child)]
    return (children + [""] * count)[:count]


def _identifier(element: Any) -> str:
    name = words(element)
    command = _VARIANTS.get(element.get("mathvariant") or "")
    return f"\\{command}{{{latex.symbols(name)}}}" if command and name.isalnum() else latex.identifier(name)


def _sign(element: Any) -> str:
    sign = words(element)
    return latex.identifier(sign) if sign.isalpha() and len(sign) > 1 else latex.symbols(sign)


def _fraction(element: Any) -> str:
    above, below = _parts(element, 2)
    return latex.stack([above, below]) if _is_stack(element) else latex.fraction(above, below)


def _scripts(order: str) -> Callable[[Any], str]:
    """A writer of scripts, whose `order` says which child is low and which high: "_", "^", "_^"."""

    def write(element: Any) -> str:
        base, *marks = _parts(element, 1 + len(order))
        found = dict(zip(order, marks, strict=True))
        return latex.scripts(base, found.get("_", ""), found.get("^", ""))

    return write


def _over_under(order: str) -> Callable[[Any], str]:
    def write(element: Any) -> str:
        children = [child for child in element if local(child)]
        base, *marks = _parts(element, 1 + len(order))
        raw = [words(child) for child in children[1:]] + ["", ""]
        found = dict(zip(order, zip(marks, raw, strict=False), strict=True))
        if children and words(children[0]) in _LARGE | _LIMITS:
            return latex.scripts(base, found.get("_", ("", ""))[0], found.get("^", ("", ""))[0])
        for place, (mark, sign) in found.items():
            if mark:
                base = (latex.under if place == "_" else latex.over)(base, sign if len(sign) == 1 else mark)
        return base

    return write


def _multiscripts(element: Any) -> str:
    """Scripts on both sides of a base, as of isotopes."""
    children = [child for child in element if local(child)]
    if not children:
        return ""
    at = next((i for i, child in enumerate(children) if local(child) == "mprescripts"), len(children))
    after, before = ([_write(child) for child in some] for some in (children[1:at], children[at + 1 :]))
    base = _write(children[0])
    if any(after):
        base = latex.scripts(base, latex.join(after[::2]), latex.join(after[1::2]))
    if any(before):
        return latex.join((latex.scripts("", latex.join(before[::2]), latex.join(before[1::2])), base))
    return base


def _fenced(element: Any) -> str:
    parts = [_write(child) for child in element if local(child)]
    separator = (element.get("separators") or ",").strip()[:1] if element.get("separators") != "" else ""
    return latex.delimited(element.get("open", "("), element.get("close", ")"), parts, separator)


def _enclosed(element: Any) -> str:
    notation, inside = element.get("notation") or "longdiv", _row(list(element))
    if "radical" in notation:
        return latex.root(inside)
    if "strike" in notation:
        return f"\\cancel{{{inside}}}"
    if "box" in notation or "circle" in notation:
        return f"\\boxed{{{inside}}}"
    sides = notation.split()
    inside = latex.over(inside, "\u00af") if "top" in sides else inside
    inside = latex.under(inside, "_") if "bottom" in sides else inside
    left, right = ("|" if side in sides else "" for side in ("left", "right"))
    return f"{left}{inside}{right}"


def _nothing(element: Any) -> str:
    return ""


def _first(element: Any) -> str:
    return next((_write(child) for child in element if local(child)), "")


_WRITERS: dict[str, Callable[[Any], str]] = {
    "mi": _identifier,
    "mo": _sign,
    "mn": lambda e: latex.symbols(words(e)),
    "mtext": lambda e: latex.text("".join(e.itertext())),
    "ms": lambda e: latex.text(f'"{words(e)}"'),
    "mspace": lambda e: "\\ " if re.match(r"0\.[2-9]|[1-9]", e.get("width") or "") else "",
    "mfrac": _fraction,
    "msqrt": lambda e: latex.root(_row(list(e))),
    "mroot": lambda e: latex.root(*_parts(e, 2)),
    "msub": _scripts("_"),
    "msup": _scripts("^"),
    "msubsup": _scripts("_^"),
    "munder": _over_under("_"),
    "mover": _over_under("^"),
    "munderover": _over_under("_^"),
    "mmultiscripts": _multiscripts,
    "mtable": lambda e: latex.matrix(_cells(e), "aligned" if _is_aligned(e) else "matrix"),
    "mfenced": _fenced,
    "menclose": _enclosed,
    "semantics": _first,
    "maction": _first,
    **dict.fromkeys(("mphantom", "annotation", "annotation-xml", "none", "mprescripts"), _nothing),
}
