# ruff: noqa: E501
"""Outlines of Python, JavaScript and CSS as people have them: old, new, wrong, typed, wrapped, nested."""

import ast
from typing import Any

import pytest

from autopicker_lab.extraction import extract
from autopicker_lab.extraction.code import grammar


def outline(text: str, name: str) -> dict[str, dict[str, Any]]:
    return {symbol["name"]: symbol for symbol in extract(text.encode(), name=name).metadata["symbols"]}


class TestPython:
    def test_lines_are_those_of_ast_also_in_decorated_nested_and_conditional_code(self) -> None:
        text = (
            "try:\n    import json\nexcept ImportError:\n    json = None\n\n@a\n@b(1)\n# why\ndef f(x, *,\n      y=1):\n"
            "    '''Does f.\n\n    At length.'''\n    async def inner():\n        pass\n    # tail\n\n"
            "if f:\n    class K(B):\n        if 1:\n            def m(self): pass\n# end\n"
        )
        found = {(row["first"], row["last"]) for row in outline(text, "a.py").values()}
        nodes = [
            n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        assert found == {(min([n.lineno, *(d.lineno for d in n.decorator_list)]), n.end_lineno) for n in nodes}
        symbols = outline(text, "a.py")
        assert symbols["f"]["signature"] == "def f(x, *, y=1)"
        assert symbols["f"]["doc"] == "Does f."
        assert (symbols["K.m"]["kind"], symbols["K.m"]["parent"]) == ("method", "K")
        assert symbols["f.inner"]["kind"] == "function"

    def test_what_this_python_cannot_read_is_outlined_and_told(self) -> None:
        old = extract(b"class A:\n    def f(self):\n        print 'x'\n\ndef g(): pass\n", name="a.py")
        assert [row["name"] for row in old.metadata["symbols"]] == ["A", "A.f", "g"]
        assert "line 3 is Python 2" in old.warnings[0]
        broken = extract(
            b"class A(:\n    def f(self):\n        return (1\n\n    def g(self): pass\n\ndef h(): pass\n", name="a.py"
        )
        rows = {row["name"]: (row["first"], row["last"]) for row in broken.metadata["symbols"]}
        assert rows == {"A": (1, 5), "A.f": (2, 3), "A.g": (5, 5), "h": (7, 7)}
        assert "syntax error at line 1" in broken.warnings[0]
        layout = extract(b"def f():\n    x\n  y\ndef g(): pass\n", name="a.py")
        assert "syntax error at line 3: unindent" in layout.warnings[0]
        assert len(layout.metadata["symbols"]) == 2

    def test_right_code_that_the_grammar_stumbles_over_is_outlined_by_ast(self) -> None:
        text = "class A:\n    def f(self):\n        assert (bar.\n            baz(\n            ).qux).a\n\n    def g(self):\n        pass\n"
        text += "    async def h(self):\n        async with (yield): print\n"
        rows = outline(text, "a.py")
        assert [(name, row["last"]) for name, row in rows.items()] == [("A", 10), ("A.f", 5), ("A.g", 8), ("A.h", 10)]

    def test_imports_have_names(self) -> None:
        text = "import a.b as c, d\nfrom . import (e as f,\n  g)\nfrom .h import i\nfrom .. import *\nfrom __future__ import annotations\n"
        assert extract(text.encode(), name="a.py").metadata["imports"] == [
            "..",
            ".e",
            ".g",
            ".h",
            "__future__",
            "a.b",
            "d",
        ]

    def test_a_comment_stays_with_what_it_is_about(self) -> None:
        text = "import os\n\n# Adds\n# two.\ndef add(): pass\n# Takes away.\n@cache\ndef take(): pass\n\n# alone\n\ndef rest(): pass\n"
        document = extract(text.encode(), name="a.py")
        assert [part.text.split("\n")[0] for part in document.parts] == [
            "import os",
            "# Adds",
            "# Takes away.",
            "def rest(): pass",
        ]
        assert [row.get("doc", "") for row in document.metadata["symbols"]] == ["Adds two.", "Takes away.", ""]
        assert "\n".join(part.text for part in document.parts) == text


class TestJavaScript:
    @pytest.mark.parametrize(
        ("text", "symbols"),
        [
            ("exports.a = () => 1;\nmodule.exports = { b() {}, c: function () {}, d };", ["function a", "function b", "function c"]),
            ("class K { static #p = 1; on = () => {}; #q() {} get r() {} 's t'() {} }", "class K,method K.on,method K.#q,method K.r,method K.s t"),
            ("export default (x) => x;", ["function default"]),
            ("export default class { m() {} }", ["class default", "method default.m"]),
            ("module.exports = function () {};", ["function module.exports"]),
            ("function Q() { this.n = function () {} }\nQ.prototype.add = function add() {};\nQ.prototype = { cut() {} };",
             ["function Q", "function Q.n", "method Q.add", "method Q.cut"]),
            ("(function () { function a() {} })();\ndefine(['x'], function () { class B { c() {} } });",
             ["function a", "class B", "method B.c"]),
            ("const ns = { deep: { f() {} } }, g = async (x) => x;", ["variable ns", "method ns.deep.f", "function g"]),
            ("const K = class { m() {} };\nnew (class Z { z() {} })();", ["class K", "method K.m", "class Z", "method Z.z"]),
            ("const El = () => <a href={x}>{y}</a>;\nconst s = 'function no() {}';", ["function El", "variable s"]),
        ],
    )  # fmt: skip
    def test_functions_in_whatever_form(self, text: str, symbols: list[str] | str) -> None:
        expected = symbols.split(",") if isinstance(symbols, str) else symbols
        assert [f"{row['kind']} {name}" for name, row in outline(text, "a.js").items()] == expected

    def test_imports_of_every_form(self) -> None:
        text = (
            "import a from 'a';\nimport './b.css';\nexport * from './c';\nexport { d } from \"d\";\nconst e = require('e').f;\n"
            "const { g } = require(`g`);\nimport('./h').then(x);\ndefine(['i', './j'], () => {});\nimportScripts('k.js');\n"
            "import(`./l/${x}`);\nlog('no');\n"
        )
        document = extract(text.encode(), name="a.js")
        assert document.metadata["imports"] == ["./b.css", "./c", "./h", "./j", "a", "d", "e", "g", "i", "k.js"]
        assert document.metadata["symbols"] == []

    def test_types_are_told_and_outlined(self) -> None:
        text = (
            "let a = 1;\ninterface P { a: string }\nabstract class R<T> implements S {\n  go = (): void => {};\n  z(x?: T): x is T { }\n}\n"
            "function over(a: string): void;\nfunction over(a: any) { return a as string }\n"
        )
        document = extract(text.encode(), name="a.js")
        assert [row["name"] for row in document.metadata["symbols"]] == ["a", "P", "R", "R.go", "R.z", "over"]
        assert document.warnings == ("not plain JavaScript: types as of TypeScript, first in line 2",)

    def test_members_of_types_and_namespaces_are_told(self) -> None:
        text = "interface P {\n  area(x: number): number;\n}\nnamespace Geo {\n  function far(a: P) {}\n}\n"
        symbols = extract((text + "abstract class A { abstract run(): void }\n").encode(), name="a.js").metadata[
            "symbols"
        ]
        assert [row["name"] for row in symbols] == ["P", "P.area", "Geo.far", "A", "A.run"]
        assert symbols[1]["signature"] == "area(x: number): number"

    def test_an_error_is_told_and_the_rest_is_there(self) -> None:
        document = extract(b"function a() {\n  x = = 1;\n}\nclass B { c() {} }\n", name="a.js")
        assert [row["name"] for row in document.metadata["symbols"]] == ["a", "B", "B.c"]
        assert "line 2" in document.warnings[0]

    def test_jsdoc_stays_with_its_function_and_says_what_it_does(self) -> None:
        text = "let a = 1;\n\n/**\n * Sums.\n * @param x what\n */\nexport async function sum(x) {\n}\n"
        document = extract(text.encode(), name="a.js")
        assert document.parts[-1].label == "function sum, lines 3-9"
        assert document.metadata["symbols"][-1] == {
            "kind": "function", "name": "sum", "first": 7, "last": 8, "signature": "async function sum(x)", "doc": "Sums.",
        }  # fmt: skip


class TestCss:
    def test_selectors_at_any_depth(self) -> None:
        text = (
            "@layer base {\n  @media print {\n    .a, .b { color: red; &:hover { x: y } > .c { x: y } .d & { x: y } }\n  }\n}\n"
            "@container side (min-width: 3em) { a:hover { x: y } }\n@keyframes k { from { x: y } 50% { x: y } }\n"
            ".e { @media print { display: none; .f { x: y } } }\n"
        )
        rows = outline(text, "a.css")
        assert list(rows) == [
            "@layer base", "@media print", ".a, .b", ":is(.a, .b):hover", ":is(.a, .b) > .c", ".d :is(.a, .b)",
            "@container side (min-width: 3em)", "a:hover", "@keyframes k", ".e", ".e .f",
        ]  # fmt: skip
        assert (rows["@layer base"]["first"], rows["@layer base"]["last"]) == (1, 5)
        assert rows[".a, .b"]["last"] == 3

    @pytest.mark.parametrize(
        ("text", "warning"),
        [
            (".a {\n  b: c;\n\n.d { e: f }\n", "line 1: a brace that is never closed"),
            ("@media x {\n .a { b: c }\n\n.d { e: f }", "line 1: a brace that is never closed"),
            (".a { b: c }\n}\n.d { e: f }", "line 2: a brace that closes nothing"),
            (".a {\n  b: c;\n  d e;\n}\n.d { e: f }", "line 3: a declaration without a colon"),
            (".a {\n  b: 'c;\n}\n.d { e: f }", "line 2: a string that does not end in its line"),
        ],
    )
    def test_faults_are_told_by_line_and_lose_nothing(self, text: str, warning: str) -> None:
        document = extract(text.encode(), name="a.css")
        assert f"syntax error at {warning}" in document.warnings
        assert ".d" in " ".join(row["name"] for row in document.metadata["symbols"])

    def test_sound_sheets_have_no_faults(self) -> None:
        text = (
            "@charset 'utf-8';\n@import url(x.css) screen;\n@import \"y.css\" layer(a);\n:root { --gap: {a: b}; --main: #fff }\n"
            ".a { *zoom: 1; filter: progid:DX.M(startColorstr='#8', endColorstr='#8'); _height: 1px }\n/* } */ .b::after { content: '}' }\n"
        )
        document = extract(text.encode(), name="a.css")
        assert document.warnings == ()
        assert document.metadata["imports"] == ["x.css", "y.css"]
        assert document.metadata["custom_properties"] == ["--gap", "--main"]


@pytest.mark.parametrize("name", ["a.py", "a.js", "a.css"])
@pytest.mark.parametrize("unit", ["(", "[,", "{", "a={b:", ".a{", "def f(:\n", "/*", "`${", "<a>", "class A{"])
def test_what_is_never_closed_costs_no_more_than_its_size(name: str, unit: str) -> None:
    document = extract((unit * (12_000 // len(unit))).encode(), name=name)
    assert "".join(part.text for part in document.parts).replace("\n", "") == (unit * (12_000 // len(unit))).replace(
        "\n", ""
    )
    assert len(str(document.metadata)) < 4_000_000


@pytest.mark.parametrize("name", ["a.py", "a.js"])
def test_a_text_that_no_parser_comes_to_an_end_with_is_read_as_it_is(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grammar, "_SECONDS", -1.0)
    text = "def f(x:\n  y = = (1]\n" * 300
    document = extract(text.encode(), name=name)
    assert "\n".join(part.text for part in document.parts) == text
    assert any("was not parsed" in warning for warning in document.warnings)


def test_a_head_ends_where_it_ends_whatever_comes_before_its_body() -> None:
    python = outline("class K:\n    # about p\n    @property\n    def p(self, d={1: ':'}): pass\n", "a.py")
    assert python["K"]["signature"] == "class K"
    assert python["K.p"]["signature"] == "def p(self, d={1: ':'})"
    broken = outline('class K(B):  # so\n    """Never closed\n    def m(self):\n        pass\n', "a.py")
    assert broken["K"]["signature"] == "class K(B)"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (".a { b: c }\n/* on and on\n.d { e: f }\n", "line 2: a comment that is never closed"),
        (".a {\n  color: red\n  width: 1px;\n}\n", "line 2: a declaration without a semicolon"),
        (".a { b: c; // so\n  .d { e: f } }\n", "line 1: // begins no comment in CSS"),
    ],
)
def test_slips_in_css_are_told_by_what_they_are(text: str, said: str) -> None:
    assert extract(text.encode(), name="a.css").warnings == (f"syntax error at {said}",)


def test_addresses_and_texts_with_slashes_in_css_are_no_comments() -> None:
    text = (
        '@import "//a.b/c.css";\n.a { d: url( //e.f/g.png ); content: "/*"; h: progid:X.Y(a=1)\n }\n/**/ .z { y: x }\n'
    )
    assert extract(text.encode(), name="a.css").warnings == ()
    assert ".z" in outline(text, "a.css")


def test_fields_with_accessors_of_their_own_are_no_faults() -> None:
    text = (
        "class Ferry {\n  @logged accessor berth = 4;\n  static accessor #fare = (age) => age * 2;\n  board() {}\n}\n"
    )
    found = extract(text.encode(), name="a.js")
    assert not found.warnings
    assert found.text.strip() == text.strip()
    assert [symbol["name"] for symbol in found.metadata["symbols"]] == ["Ferry", "Ferry.#fare", "Ferry.board"]
    assert found.metadata["symbols"][1]["signature"] == "static accessor #fare = (age)"


def test_functions_of_an_object_and_keys_are_named_by_what_they_are() -> None:
    source = 'jobs = {\n  run: () => {},\n  stop() {}\n};\nclass User {\n  static get ["json-schema"]() {}\n  [key]() {}\n}\n'
    names = [symbol["name"] for symbol in extract(source.encode(), name="a.js").metadata["symbols"]]
    assert names == ["jobs.run", "jobs.stop", "User", "User.json-schema", "User.[key]"]
    long = "emscripten_bind_" + "Attribute" * 8
    assert extract(f"{long} = function () {{}};".encode(), name="a.js").metadata["symbols"][0]["name"] == long
