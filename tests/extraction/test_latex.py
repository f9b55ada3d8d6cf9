"""The LaTeX that formulas of MathML and Word are written in."""

from __future__ import annotations

import pytest

from autopicker_lab.extraction import latex


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("αx ≤ 10%", r"\alpha x \le 10\%"),
        ("𝐱∈ℝ, ℒ", r"\mathbf{x}\in\mathbb{R}, \mathcal{L}"),
        ("𝑥ℎ日", "xh日"),
        ("f\u2061(x)", "f(x)"),
    ],
)
def test_symbols(text: str, expected: str) -> None:
    assert latex.symbols(text) == expected


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (latex.scripts("x", "", "2"), "x^2"),
        (latex.scripts("x_1", "", "2"), "{x_1}^2"),
        (latex.scripts("x", "ij", "10"), "x_{ij}^{10}"),
        (latex.scripts("f", "", "''"), "f''"),
        (latex.scripts("", "6", "14"), "{}_6^{14}"),
        (latex.scripts(r"\sum", "i=1", "n", limits=True), r"\sum\limits_{i=1}^n"),
        (latex.over("x", "¯"), r"\bar{x}"),
        (latex.over("xy", "¯"), r"\overline{xy}"),
        (latex.over("v", "→"), r"\vec{v}"),
        (latex.over("=", "?"), r"\overset{?}{=}"),
        (latex.under(latex.under("x^2+y", "⏟"), "12"), r"\underbrace{x^2+y}_{12}"),
        (latex.over(latex.over("a+b", "⏞") + "+c", "?"), r"\overset{?}{\overbrace{a+b}+c}"),
        (latex.under("ab", "\u23df"), r"\underbrace{ab}"),
        (latex.delimited("[", ")", ["0", "1"]), "[0, 1)"),
        (latex.delimited("|", "|", [latex.fraction("x", "y")]), r"\left|\frac{x}{y}\right|"),
        (latex.delimited("", "|", ["f"]), r"\left.f\right|"),
        (latex.bracketed_matrix("(", ")", [["1", "0"], ["0", "1"]]), r"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}"),
        (latex.bracketed_matrix("{", "", [["x", "a"]]), r"\begin{cases} x & a \end{cases}"),
        (latex.identifier("sin"), r"\sin"),
        (latex.identifier("rank"), r"\operatorname{rank}"),
        (latex.text("if 5% of x_1"), r"\text{if 5\% of x\_1}"),
        (latex.join([r"\alpha", "x", "", "2"]), r"\alpha x2"),
        (latex.inline(" x\n+ 1 "), "$x + 1$"),
        (latex.display(""), ""),
    ],
)
def test_pieces(written: str, expected: str) -> None:
    assert written == expected
