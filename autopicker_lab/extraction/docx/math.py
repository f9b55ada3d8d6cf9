"""Word's equations (OMML) as LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from autopicker_lab.extraction import latex
from autopicker_lab.extraction.docx.names import ALTERNATE, W, alternative
from autopicker_lab.extraction.docx.symbols import symbol, translated

if TYPE_CHECKING:
    from collections.abc import Callable

M = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_VAL = f"{M}val"
_ALPHABETS = {
    "double-struck": "mathbb",
    "script": "mathcal",
    "fraktur": "mathfrak",
    "sans-serif": "mathsf",
    "monospace": "mathtt",
}
_WEIGHTS = {"b": "mathbf", "bi": "boldsymbol"}
_SKIPPED = {f"{W}{name}" for name in ("del", "moveFrom", "rPr", "delText", "instrText")}
_BARS = {"∣": "|", "│": "|", "∥": "‖"}  # signs of relations that some programs write for brackets
_LETTERS = re.compile(r"[A-Za-z]+|[^A-Za-z]+")
_SIMPLE = re.compile(r"[^\\{}^_]|[\d.,]+|\\[A-Za-z]+(?:\{[^{}]*\})?|\(.*\)|\[.*\]|\\left.*\\right.*", re.DOTALL)
_SUM = re.compile(r"[-+=±<>]|\\(?:pm|mp|le|ge|ne)\b")
_LIMIT_BASES = tuple(
    f"\\{name}"
    for name in (
        *("lim", "max", "min", "sup", "inf", "arg", "det", "gcd", "Pr", "operatorname"),
        *("underbrace", "overbrace", "sum", "prod", "bigcup", "bigcap"),
    )
)
_TAG = re.compile(r"\\#\s*\(?(?:\\text\{)?\(?([^(){}]*)\)?\}?\)?\s*$")


def formula(element: Any) -> str:
    """An `m:oMath` within a line of Markdown, apart from one right before it."""
    before = element.getprevious()
    text = latex.inline(_content(element))
    return f" {text}" if text and before is not None and before.tag == element.tag else text


def formulas(element: Any) -> str:
    """The equations of an `m:oMathPara`, each a paragraph of Markdown on a line of its own."""
    lines = [latex.display(_content(equation)) for equation in element.iter(f"{M}oMath")]
    return "".join(f"\n{line}\n" for line in lines if line)


def _content(element: Any | None) -> str:
    """What stands in an element, piece after piece."""
    return latex.join([] if element is None else [_piece(child) for child in element])


def _piece(element: Any) -> str:
    tag = element.tag
    if not isinstance(tag, str) or tag in _SKIPPED or (tag.startswith(M) and tag.endswith("Pr")):
        return ""
    if tag == f"{ALTERNATE}AlternateContent":
        return _content(alternative(element))
    write = _WRITERS.get(tag.removeprefix(M)) if tag.startswith(M) else _WORD_WRITERS.get(tag)
    return write(element) if write is not None else _content(element)


def _child(element: Any, name: str) -> str:
    text = _content(element.find(f"{M}{name}"))
    return text if text.endswith("\\ ") else text.strip()


def _says(element: Any, name: str, default: str) -> str:
    """The value of a property of an element; `default` where it has no such property."""
    found = next((p.find(f"{M}{name}") for p in element if str(p.tag).endswith("Pr")), None)
    return default if found is None else found.get(_VAL, "")


def _is_on(element: Any, name: str) -> bool:
    return _says(element, name, "off") not in ("off", "0", "false")


def _base(text: str) -> str:
    """What scripts are set to, in braces unless it is one thing."""
    return text if not text or _SIMPLE.fullmatch(text) else latex.group(text)


def _run(element: Any) -> str:
    words = "".join(_characters(child) for child in element)
    properties = element.find(f"{M}rPr")
    if properties is None:
        return _names(words)
    if properties.find(f"{M}nor") is not None and _is_on(element, "nor") | (_says(element, "nor", "") == ""):
        return latex.text(words)
    weight, alphabet = _says(element, "sty", ""), _ALPHABETS.get(_says(element, "scr", ""))
    aligned = "&" if properties.find(f"{M}aln") is not None else ""
    command = alphabet or _WEIGHTS.get(weight)
    if command and any(c.isalnum() for c in words):
        return f"{aligned}\\{command}{{{latex.symbols(words)}}}"
    return aligned + _names(words, upright=weight == "p")


def _characters(child: Any) -> str:
    if child.tag in (f"{M}t", f"{W}t"):
        return translated(child.text or "", None).replace("–", "−")
    if child.tag == f"{W}sym":
        return symbol(child.get(f"{W}font") or "", child.get(f"{W}char") or "")
    return " " if child.tag in (f"{W}tab", f"{W}br") else ""


def _names(words: str, *, upright: bool = False) -> str:
    """Text of a run, with the names of functions as such; of upright letters every word is a name."""
    pieces = []
    for part in _LETTERS.findall(words):
        name = latex.identifier(part) if part[0].isascii() and part[0].isalpha() and len(part) > 1 else ""
        known = name and (upright or not name.startswith("\\operatorname"))
        letters = f"\\mathrm{{{part}}}" if upright and part.isalpha() else "^".join(map(latex.symbols, part.split("^")))
        pieces.append(name if known else letters)
    return latex.join(pieces)


def _fraction(element: Any) -> str:
    above, below, kind = _child(element, "num"), _child(element, "den"), _says(element, "type", "bar")
    if kind == "noBar":
        return latex.stack([above, below])
    if kind == "lin":
        return latex.join([_bracketed(above), "/", _bracketed(below)])
    return latex.fraction(above, below)


def _bracketed(text: str) -> str:
    return text if _SIMPLE.fullmatch(text) or re.fullmatch(r"\w+", text) else latex.delimited("(", ")", [text])


def _scripts(element: Any) -> str:
    return latex.scripts(_base(_child(element, "e")), _child(element, "sub"), _child(element, "sup"))


def _scripts_before(element: Any) -> str:
    return latex.join([latex.scripts("", _child(element, "sub"), _child(element, "sup")), _child(element, "e")])


def _root(element: Any) -> str:
    return latex.root(_child(element, "e"), "" if _is_on(element, "degHide") else _child(element, "deg"))


def _operator(element: Any) -> str:
    sign = _says(element, "chr", "∫") or "∫"
    low = "" if _is_on(element, "subHide") else _child(element, "sub")
    high = "" if _is_on(element, "supHide") else _child(element, "sup")
    stands_by_itself = sign in "∑∏∐⋃⋂⋁⋀⨁⨂"
    limits = _says(element, "limLoc", "") == "undOvr" and not stands_by_itself
    body = _child(element, "e")
    body = latex.group(body) if stands_by_itself and _SUM.search(body) else body
    return f"{latex.scripts(latex.symbols(sign), low, high, limits)} {body}".strip()


def _delimiters(element: Any) -> str:
    opening, closing = (
        _BARS.get(sign, sign) for sign in (_says(element, "begChr", "("), _says(element, "endChr", ")"))
    )
    parts = element.findall(f"{M}e")
    inner = [child for child in parts[0] if not str(child.tag).endswith("Pr")] if len(parts) == 1 else []
    if len(inner) == 1:
        only = inner[0]
        if only.tag == f"{M}f" and _says(only, "type", "") == "noBar" and (opening, closing) == ("(", ")"):
            return latex.binomial(_child(only, "num"), _child(only, "den"))
        if only.tag == f"{M}m":
            return latex.bracketed_matrix(opening, closing, _matrix_rows(only))
        if only.tag == f"{M}eqArr" and (opening, closing) == ("{", ""):
            return latex.matrix(_array_rows(only), "cases")
    separator = _says(element, "sepChr", "|")
    return latex.delimited(opening, closing, [_content(part) for part in parts], separator)


def _matrix_rows(element: Any) -> list[list[str]]:
    return [[_content(cell) for cell in row.iterfind(f"{M}e")] for row in element.iterfind(f"{M}mr")]


def _array_rows(element: Any) -> list[list[str]]:
    """The lines of an array of equations, cut where they are aligned."""
    return [[re.sub(r"\\?&", "&", _content(line))] for line in element.iterfind(f"{M}e")]


def _equations(element: Any) -> str:
    """Equations below each other; Word writes a numbered one as an array of one line that ends in #(1)."""
    rows = _array_rows(element)
    numbered = [[_TAG.sub(r" \\tag{\1}", text) for text in row] for row in rows]
    if len(rows) == 1:
        return numbered[0][0]
    return latex.matrix(numbered, "aligned")


def _accent(element: Any) -> str:
    return latex.over(_child(element, "e"), _says(element, "chr", "\u0302") or "\u0302")


def _bar(element: Any) -> str:
    text = _child(element, "e")
    return latex.over(text, "¯") if _says(element, "pos", "bot") == "top" else latex.under(text, "_")


def _group_sign(element: Any) -> str:
    place = latex.over if _says(element, "pos", "bot") == "top" else latex.under
    return place(_child(element, "e"), _says(element, "chr", "⏟") or "⏟")


def _limit_below(element: Any) -> str:
    base, limit = _named(element.find(f"{M}e")), _child(element, "lim")
    return latex.scripts(base, low=limit) if base.startswith(_LIMIT_BASES) else latex.under(base, limit)


def _limit_above(element: Any) -> str:
    base, limit = _named(element.find(f"{M}e")), _child(element, "lim")
    return latex.scripts(base, high=limit) if base.startswith(_LIMIT_BASES) else latex.over(base, limit)


def _named(element: Any | None) -> str:
    """The name of a function, whatever its letters look like."""
    runs = [] if element is None else [child for child in element if not str(child.tag).endswith("Pr")]
    if all(child.tag == f"{M}r" for child in runs):
        words = "".join(t.text or "" for run in runs for t in run.iter(f"{M}t")).strip()
        if words.isascii() and words.isalpha():
            return latex.identifier(words)
    return _content(element)


def _function(element: Any) -> str:
    body = _child(element, "e")
    body = latex.group(body) if _SUM.search(body) and not _SIMPLE.fullmatch(body) else body
    return f"{_named(element.find(f'{M}fName'))} {body}".strip()


def _phantom(element: Any) -> str:
    text = _child(element, "e")
    return f"\\phantom{{{text}}}" if _says(element, "show", "1") in ("0", "off", "false") else text


_WRITERS: dict[str, Callable[[Any], str]] = {
    "r": _run,
    "f": _fraction,
    "sSup": _scripts,
    "sSub": _scripts,
    "sSubSup": _scripts,
    "sPre": _scripts_before,
    "rad": _root,
    "nary": _operator,
    "d": _delimiters,
    "m": lambda element: latex.matrix(_matrix_rows(element)),
    "eqArr": _equations,
    "acc": _accent,
    "bar": _bar,
    "groupChr": _group_sign,
    "limLow": _limit_below,
    "limUpp": _limit_above,
    "func": _function,
    "borderBox": lambda element: f"\\boxed{{{_child(element, 'e')}}}",
    "phant": _phantom,
    "t": lambda element: latex.symbols(element.text or ""),
}
_WORD_WRITERS: dict[str, Callable[[Any], str]] = {
    f"{W}r": lambda element: latex.text("".join(_characters(child) for child in element)),
}
