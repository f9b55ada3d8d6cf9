"""Equations of Word as LaTeX: what a formula means must still be told by its text."""

import pytest
from support.word_file import paragraph, read


def letters(text: str) -> str:
    return f"<m:r><m:t>{text}</m:t></m:r>"


def e(content: str) -> str:
    return f"<m:e>{content if content.startswith('<') else letters(content)}</m:e>"


def fraction(above: str, below: str, kind: str = "bar") -> str:
    parts = f"<m:num>{letters(above)}</m:num><m:den>{letters(below)}</m:den>"
    return f'<m:f><m:fPr><m:type m:val="{kind}"/></m:fPr>{parts}</m:f>'


def delimited(opening: str, closing: str, *parts: str, separator: str = "") -> str:
    mark = f'<m:sepChr m:val="{separator}"/>' if separator else ""
    properties = f'<m:dPr><m:begChr m:val="{opening}"/>{mark}<m:endChr m:val="{closing}"/></m:dPr>'
    return f"<m:d>{properties}{''.join(map(e, parts))}</m:d>"


def marked(tag: str, sign: str, content: str, *more: str) -> str:
    said = "".join(f'<m:{name} m:val="{value}"/>' for name, value in (pair.split("=") for pair in more))
    return f'<m:{tag}><m:{tag}Pr><m:chr m:val="{sign}"/>{said}</m:{tag}Pr>{e(content)}</m:{tag}>'


def styled(text: str, *said: str) -> str:
    inner = "".join(f'<m:{name} m:val="{value}"/>' for name, value in (pair.split("=") for pair in said))
    return f"<m:r><m:rPr>{inner}</m:rPr><m:t>{text}</m:t></m:r>"


ARRAY = "<m:eqArr><m:e>{}</m:e><m:e>{}</m:e></m:eqArr>"
TABLE = f"<m:m><m:mr>{e('1')}{e('0')}</m:mr><m:mr>{e('0')}{e('1')}</m:mr></m:m>"


@pytest.mark.parametrize(
    ("equation", "expected"),
    [
        (f"<m:sSup>{e(fraction('p', 'q'))}<m:sup>{letters('3')}</m:sup></m:sSup>", r"{\frac{p}{q}}^3"),
        (f"<m:sSup>{e('r+s')}<m:sup>{letters('2')}</m:sup></m:sSup>", "{r+s}^2"),
        (f"<m:sSup>{e('10')}<m:sup>{letters('−6')}</m:sup></m:sSup>", "10^{-6}"),
        (fraction("a", "b", "lin"), "a/b"),
        (fraction("a+c", "b", "lin"), "(a+c)/b"),
        (fraction("a", "b", "skw"), r"\frac{a}{b}"),
        (delimited("(", ")", fraction("n", "2", "noBar")), r"\binom{n}{2}"),
        (fraction("n", "2", "noBar"), r"\substack{n \\ 2}"),
        (delimited("]", "]", "a", "b", separator=","), "]a, b]"),
        (delimited("⟨", "⟩", "u", "v", separator=","), r"\langle u, v\rangle"),
        ("<m:d>" + e("A") + e("B") + "</m:d>", "(A | B)"),
        (delimited("|", "|", "y−1"), "|y-1|"),
        (delimited("∥", "∥", "w"), r"\Vert w\Vert"),
        (delimited("∣", "∣", TABLE), r"\begin{vmatrix} 1 & 0 \\ 0 & 1 \end{vmatrix}"),
        (delimited("⌊", "⌋", "t"), r"\lfloor t\rfloor"),
        (delimited("", "|", fraction("d", "x")), r"\left.\frac{d}{x}\right|"),
        (delimited("(", ")", TABLE), r"\begin{pmatrix} 1 & 0 \\ 0 & 1 \end{pmatrix}"),
        (delimited("|", "|", TABLE), r"\begin{vmatrix} 1 & 0 \\ 0 & 1 \end{vmatrix}"),
        (
            delimited("{", "", ARRAY.format(letters("−x, &amp;x&lt;0"), letters("x, &amp;x≥0"))),
            r"\begin{cases} -x, &x<0 \\ x, &x\ge0 \end{cases}",
        ),
        (ARRAY.format(letters("a&amp;=b"), letters("c&amp;=d")), r"\begin{aligned} a&=b \\ c&=d \end{aligned}"),
        (f"<m:eqArr>{e('E=mc#(7)')}</m:eqArr>", r"E=mc \tag{7}"),
        (f"<m:rad><m:radPr><m:degHide m:val='1'/></m:radPr><m:deg/>{e('x')}</m:rad>", r"\sqrt{x}"),
        (f"<m:rad><m:deg>{letters('3')}</m:deg>{e('x')}</m:rad>", r"\sqrt[3]{x}"),
        (
            f"<m:nary><m:sub>{letters('0')}</m:sub><m:sup>{letters('∞')}</m:sup>{e('f')}</m:nary>",
            r"\int_0^{\infty} f",
        ),
        (
            f"<m:nary><m:naryPr><m:chr m:val='∏'/><m:supHide m:val='on'/></m:naryPr><m:sub>{letters('k∈K')}</m:sub>"
            f"<m:sup/>{e('a+b')}</m:nary>",
            r"\prod_{k\in K} {a+b}",
        ),
        (marked("acc", "̃", "y"), r"\tilde{y}"),
        (f"<m:acc>{e('y')}</m:acc>", r"\hat{y}"),
        (f"<m:bar><m:barPr><m:pos m:val='top'/></m:barPr>{e('AB')}</m:bar>", r"\overline{AB}"),
        (f"<m:bar>{e('z')}</m:bar>", r"\underline{z}"),
        (
            f"<m:limLow>{e(marked('groupChr', '⏟', 'a+b'))}<m:lim>{letters('n')}</m:lim></m:limLow>",
            r"\underbrace{a+b}_n",
        ),
        (
            f"<m:func><m:fName><m:limLow>{e('max')}<m:lim>{letters('k')}</m:lim></m:limLow></m:fName>{e('h')}</m:func>",
            r"\max_k h",
        ),
        (f"<m:func><m:fName>{letters('sin')}</m:fName>{e('θ')}</m:func>", r"\sin \theta"),
        (f"<m:sPre><m:sub>{letters('2')}</m:sub><m:sup>{letters('4')}</m:sup>{e('He')}</m:sPre>", "{}_2^4He"),
        (f"<m:borderBox>{e('x=1')}</m:borderBox>", r"\boxed{x=1}"),
        (styled("R", "scr=double-struck") + letters("≠∅"), r"\mathbb{R}\ne\emptyset"),
        (styled("F", "sty=b"), r"\mathbf{F}"),
        (styled("d", "sty=p") + letters("x"), r"\mathrm{d}x"),
        (styled("if rain", "nor=1"), r"\text{if rain}"),
        (letters("a") + "<w:del><m:r><m:t>gone</m:t></m:r></w:del>" + f"<w:ins>{letters('+b')}</w:ins>", "a+b"),
        (f"<m:phant><m:phantPr><m:show m:val='0'/></m:phantPr>{e('x')}</m:phant>", r"\phantom{x}"),
    ],
)
def test_an_equation_keeps_its_meaning(equation: str, expected: str) -> None:
    assert read(paragraph("so ", f"<m:oMath>{equation}</m:oMath>")).text == f"so ${expected}$"


def test_equations_of_their_own_paragraph_are_displayed() -> None:
    two = "".join(f"<m:oMath>{letters(text)}</m:oMath>" for text in ("x=1", "y=2"))
    assert read(paragraph(f"<m:oMathPara>{two}</m:oMathPara>")).text == "$$x=1$$\n\n$$y=2$$"


def test_an_equation_of_an_old_editor_is_named() -> None:
    body = paragraph(
        "by ", '<w:r><w:object><o:OLEObject ProgID="Equation.DSMT4" r:id="rId1"/></w:object></w:r>', " we see"
    )
    document = read(body, (("oleObject", "embeddings/oleObject1.bin"),))
    assert document.text == "by [equation of Equation.DSMT4, not read] we see"
    assert "embedded objects that were not read: Equation.DSMT4" in document.warnings


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (r"\f(1;2)", r"$\frac{1}{2}$"),
        (r"x\s\up6(2)\s\do4(k)", "$x^{2}_{k}$"),
        (r"\r(3,\f(a,b))", r"$\sqrt[3]{\frac{a}{b}}$"),
        (r"\i\su(k=1,n,k)", r"$\sum_{k=1}^n k$"),
        (r"\b\bc\[(\a\al\co2(1,0,0,1))", r"$\left[\begin{matrix} 1 & 0 \\ 0 & 1 \end{matrix}\right]$"),
        (r"\b\lc\{(x)", r"$\left\{x\right.$"),
        (r'\* jc2 \* "Font:MS Mincho" \* hps10 \o\ad(\s\up 9(かな),仮名)', "仮名(かな)"),
        (r"\o\ac(○,7)", "⑦"),
        (r"\f(1", r"$\frac{1}{}$"),
    ],
)
def test_equations_of_old_fields(code: str, expected: str) -> None:
    begin, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "end"))
    field = f"{begin}<w:r><w:instrText>EQ {code}</w:instrText></w:r>{end}"
    assert read(paragraph("so ", field)).text == f"so {expected}"


def test_equations_beside_each_other_stay_apart() -> None:
    two = "".join(f"<m:oMath>{letters(text)}</m:oMath>" for text in ("a=b", "c^2–d"))
    assert read(paragraph(two)).text == "$a=b$ $c^2-d$"


def test_blanks_behind_a_letter_are_none_of_the_formula() -> None:
    power = f"<m:sSup><m:e>{letters('x   ')}</m:e><m:sup>{letters('2 ')}</m:sup></m:sSup>"
    assert read(paragraph(f"<m:oMath>{power}</m:oMath>")).text == "$x^2$"
