"""LaTeX of formulas, from pieces that are LaTeX already: symbols, scripts, fractions, roots, accents, matrices.

Readers of MathML and of Word's equations walk their own trees and build with these; `inline` and `display` put the
result into Markdown.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_PAIRS = """
α alpha β beta γ gamma δ delta ε varepsilon ϵ epsilon ζ zeta η eta θ theta ϑ vartheta ι iota κ kappa λ lambda μ mu ν nu
ξ xi π pi ϖ varpi ρ rho ϱ varrho σ sigma ς varsigma τ tau υ upsilon φ varphi ϕ phi χ chi ψ psi ω omega Γ Gamma Δ Delta
Θ Theta Λ Lambda Ξ Xi Π Pi Σ Sigma Υ Upsilon Φ Phi Ψ Psi Ω Omega ∂ partial ∇ nabla ∞ infty ℏ hbar ℓ ell ℜ Re ℑ Im
ℵ aleph ∅ emptyset ∀ forall ∃ exists ∄ nexists ¬ neg ∑ sum ∏ prod ∐ coprod ∫ int ∬ iint ∭ iiint ∮ oint ⋃ bigcup
⋂ bigcap ⨁ bigoplus ⨂ bigotimes ⋁ bigvee ⋀ bigwedge × times ÷ div ± pm ∓ mp · cdot ⋅ cdot ∗ ast ⋆ star ∘ circ
• bullet ⊕ oplus ⊗ otimes ⊖ ominus ⊙ odot ∧ wedge ∨ vee ∩ cap ∪ cup ∖ setminus † dagger ‡ ddagger ≤ le ⩽ le ≥ ge ⩾ ge
≠ ne ≈ approx ≡ equiv ∼ sim ≃ simeq ≅ cong ∝ propto ≪ ll ≫ gg ≺ prec ≻ succ ∈ in ∉ notin ∋ ni ⊂ subset ⊃ supset
⊆ subseteq ⊇ supseteq ⊄ nsubset ⊥ perp ∥ parallel ∣ mid ⊢ vdash ⊨ models → to ← leftarrow ↔ leftrightarrow
⇒ Rightarrow ⇐ Leftarrow ⇔ Leftrightarrow ↦ mapsto ↑ uparrow ↓ downarrow ⟶ longrightarrow ⟵ longleftarrow
⟹ implies ⟺ iff ⇌ rightleftharpoons ∴ therefore ∵ because … ldots ⋯ cdots ⋮ vdots ⋱ ddots ∠ angle △ triangle
□ square ◦ circ ⟨ langle ⟩ rangle 〈 langle 〉 rangle ⌊ lfloor ⌋ rfloor ⌈ lceil ⌉ rceil ‖ Vert ∓ mp ℘ wp √ surd ∆ Delta
"""
_words = _PAIRS.split()
_COMMANDS = {sign: f"\\{name}" for sign, name in zip(_words[::2], _words[1::2], strict=True)}
_LITERALS = {
    **{sign: f"\\{sign}" for sign in "#$%&_{}"},
    "\\": "\\backslash",
    "~": "\\sim",
    "^": "\\hat{}",
    "−": "-",
    "′": "'",
    "″": "''",
    "‴": "'''",
    "\xa0": "\\ ",
    **dict.fromkeys("\u2061\u2062\u2063\u2064\u200b\u200c\u200d\u2060\ufeff\u00ad", ""),  # operators without a sign
    "\u2009": "\\,",
    "\u200a": "\\,",
    "\u2003": "\\quad",
}
_SIGNS = {**_COMMANDS, **_LITERALS}
_ALPHABETS = (  # the first that begins the character's name
    ("MATHEMATICAL BOLD SCRIPT", "mathcal"),
    ("MATHEMATICAL BOLD FRAKTUR", "mathfrak"),
    ("MATHEMATICAL BOLD ITALIC", "boldsymbol"),
    ("MATHEMATICAL BOLD", "mathbf"),
    ("MATHEMATICAL SCRIPT", "mathcal"),
    ("SCRIPT ", "mathcal"),
    ("MATHEMATICAL FRAKTUR", "mathfrak"),
    ("BLACK-LETTER", "mathfrak"),
    ("MATHEMATICAL DOUBLE-STRUCK", "mathbb"),
    ("DOUBLE-STRUCK", "mathbb"),
    ("MATHEMATICAL SANS-SERIF", "mathsf"),
    ("MATHEMATICAL MONOSPACE", "mathtt"),
)
_FUNCTION_NAMES = """sin cos tan cot sec csc arcsin arccos arctan sinh cosh tanh coth log ln lg exp lim limsup liminf
max min sup inf det dim ker deg gcd arg hom Pr"""
_FUNCTIONS = frozenset(_FUNCTION_NAMES.split())
_ACCENTS = {
    **dict.fromkeys("^\u0302\u02c6", "hat"),
    **dict.fromkeys("~\u0303\u02dc\u223c", "tilde"),
    **dict.fromkeys("\u00af\u0304\u0305\u203e_\u2015\u02c9-\u2013", "bar"),
    **dict.fromkeys("\u2192\u20d7\u27f6\u21c0", "vec"),
    **dict.fromkeys(".\u02d9\u0307\u22c5\u00b7", "dot"),
    **dict.fromkeys("\u00a8\u0308", "ddot"),
    **dict.fromkeys("\u02c7\u030c", "check"),
    **dict.fromkeys("\u02d8\u0306", "breve"),
    **dict.fromkeys("\u00b4\u0301", "acute"),
    **dict.fromkeys("`\u0300", "grave"),
    "\u20db": "dddot",
    "\u20d6": "overleftarrow",
    "\u2190": "overleftarrow",
    "\u2194": "overleftrightarrow",
    "\u23de": "overbrace",
    "\ufe37": "overbrace",
}
_WIDE = {"bar": "overline", "hat": "widehat", "tilde": "widetilde", "vec": "overrightarrow"}
_UNDER = {
    **dict.fromkeys("_\u0332\u0331\u00af\u203e\u2015\u02c9", "underline"),
    **dict.fromkeys("\u23df\ufe38", "underbrace"),
    "\u2192": "underrightarrow",
    "\u2190": "underleftarrow",
}
_TALL = re.compile(r"\\(?:[dt]?frac|binom|begin|sqrt|sum|prod|int|iint|iiint|oint|big[a-z]+|over|under|substack)\b")
_COMMAND_AT_END = re.compile(r"\\[A-Za-z]+$")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_ONE_TOKEN = re.compile(r"(?:[^\\\s{}^_]|\\[A-Za-z]+|\\[^A-Za-z])")


def join(pieces: Iterable[str]) -> str:
    """Pieces in a row, with a space where a command would run into a letter."""
    result: list[str] = []
    for piece in pieces:
        if piece and result and piece[0].isalpha() and _COMMAND_AT_END.search(result[-1]):
            result.append(" ")
        if piece:
            result.append(piece)
    return "".join(result)


def symbols(text: str) -> str:
    """Characters of a formula as LaTeX; unknown ones stay as they are."""
    return join(map(_symbol, text))


def _symbol(char: str) -> str:
    known = _SIGNS.get(char)
    if known is not None or char.isascii():
        return char if known is None else known
    plain = unicodedata.normalize("NFKC", char)
    if plain == char or len(plain) != 1:
        return char
    name = unicodedata.name(char, "")
    alphabet = next((command for start, command in _ALPHABETS if name.startswith(start)), "")
    letter = _SIGNS.get(plain, plain)
    return f"\\{alphabet}{{{letter}}}" if alphabet else letter


def identifier(name: str) -> str:
    """A name in a formula: \\sin of a known function, \\operatorname of another name, else its symbols."""
    if name in _FUNCTIONS:
        return f"\\{name}"
    if len(name) > 1 and name.isascii() and name.isalpha():
        return f"\\operatorname{{{name}}}"
    return symbols(name)


def text(words: str) -> str:
    """Words within a formula, "" for none."""
    escaped = re.sub(r"([#$%&_{}])", r"\\\1", re.sub(r"[\s\\]+", " ", words))
    return f"\\text{{{escaped}}}" if escaped else ""


def group(latex: str) -> str:
    """The piece in braces."""
    return f"{{{latex}}}"


def fraction(above: str, below: str) -> str:
    """A fraction."""
    return f"\\frac{{{above}}}{{{below}}}"


def binomial(above: str, below: str) -> str:
    """A binomial coefficient, with its brackets."""
    return f"\\binom{{{above}}}{{{below}}}"


def stack(lines: Sequence[str]) -> str:
    """Lines over each other without a bar and without brackets."""
    body = " \\\\ ".join(lines)
    return f"\\substack{{{body}}}"


def root(base: str, degree: str = "") -> str:
    """The square root, or the root of a degree."""
    return f"\\sqrt[{degree}]{{{base}}}" if degree else f"\\sqrt{{{base}}}"


def scripts(base: str, low: str = "", high: str = "", limits: bool = False) -> str:
    """A base with what is lowered and what is raised; `limits` sets them under and over an operator."""
    is_whole = not base or base[-1] in ")]|" or is_group(base) or _is_braced(base)
    if (low or high) and ("^" in base or "_" in base) and not is_whole:
        base = group(base)
    base = base or "{}"
    primes = high if high and not high.strip("'") else ""
    raised = primes or (f"^{_argument(high)}" if high else "")
    lowered = f"_{_argument(low)}" if low else ""
    return f"{base}{chr(92) + 'limits' if limits and (low or high) else ''}{lowered}{raised}"


def _is_braced(base: str) -> bool:
    """Whether a base is under or over a brace: what is said of it are scripts."""
    return base.startswith(("\\overbrace{", "\\underbrace{")) and is_group(base[base.index("{") :])


def is_group(latex: str) -> bool:
    """Whether a piece is one pair of braces and what they hold."""
    depth = 0
    for match in _BRACE.finditer(latex):
        depth += {"{": 1, "}": -1}.get(match[0], 0)
        if depth == 0:
            return latex[0] == "{" and match.end() == len(latex)
    return False


def _argument(latex: str) -> str:
    return latex if len(latex) == 1 and latex.isalnum() else group(latex)


def over(base: str, mark: str) -> str:
    """A base under a mark: an accent where `mark` is the sign of one (a character), else LaTeX set above it."""
    accent = _ACCENTS.get(mark.strip())
    if accent is None:
        return scripts(base, high=mark) if _is_braced(base) else f"\\overset{{{_mark(mark)}}}{{{base}}}"
    is_wide = accent in _WIDE and not _ONE_TOKEN.fullmatch(base)
    return f"\\{_WIDE[accent] if is_wide else accent}{{{base}}}"


def _mark(mark: str) -> str:
    return symbols(mark) if len(mark) == 1 else mark


def under(base: str, mark: str) -> str:
    """A base over a mark: a line or brace below it where it is the sign of one, else LaTeX set below it."""
    command = _UNDER.get(mark.strip())
    if command:
        return f"\\{command}{{{base}}}"
    return scripts(base, low=mark) if _is_braced(base) else f"\\underset{{{_mark(mark)}}}{{{base}}}"


def delimited(opening: str, closing: str, parts: Sequence[str], separator: str = ",") -> str:
    """Parts within brackets, given as characters ("" for none); brackets grow with what is tall in them."""
    inside = f" {symbols(separator)} ".join(parts) if separator != "," else ", ".join(parts)
    if not opening and not closing:
        return inside
    is_tall = bool(_TALL.search(inside)) or not (opening and closing)
    left, right = symbols(opening) or ".", symbols(closing) or "."
    return join((f"\\left{left}", inside, f"\\right{right}")) if is_tall else join((left, inside, right))


def matrix(rows: Iterable[Iterable[str]], environment: str = "matrix") -> str:
    """Rows of cells in an environment: matrix, pmatrix, bmatrix, vmatrix, cases, aligned."""
    body = " \\\\ ".join(" & ".join(row) for row in rows)
    return f"\\begin{{{environment}}} {body} \\end{{{environment}}}"


_BRACKETED = {"()": "pmatrix", "[]": "bmatrix", "{}": "Bmatrix", "||": "vmatrix", "‖‖": "Vmatrix", "{": "cases"}


def bracketed_matrix(opening: str, closing: str, rows: Sequence[Sequence[str]]) -> str:
    """Rows within brackets, as the environment that has them; a single left brace makes cases."""
    environment = _BRACKETED.get(opening + closing)
    return matrix(rows, environment) if environment else delimited(opening, closing, [matrix(rows)])


def inline(latex: str) -> str:
    """The formula within a line of Markdown, "" for none."""
    latex = " ".join(latex.split())
    return f"${latex}$" if latex else ""


def display(latex: str) -> str:
    """The formula as a paragraph of Markdown, "" for none."""
    latex = " ".join(latex.split())
    return f"$${latex}$$" if latex else ""
