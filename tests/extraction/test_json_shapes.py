# ruff: noqa: E501
"""JSON as data: shapes over all items, letters for their numbers, notebooks as cells; base64 named in every text."""

import base64
import json
import random
import textwrap
from typing import Any

import pytest

from autopicker_lab.extraction import extract

PICTURE = base64.b64encode(b"\x89PNG" + random.Random(1).randbytes(3000)).decode()


def shape(value: Any) -> Any:
    return extract(json.dumps(value).encode(), name="a.json").metadata["shape"]


class TestShapes:
    def test_a_list_has_the_keys_of_all_its_items(self) -> None:
        orders = [{"id": i, "note": "late"} if i % 3 == 0 else {"id": i, "lines": [{"sku": "x"}] * i} for i in range(9)]
        assert shape(orders) == [
            {"id": "int (0)", "note": "str ('late'), in 3 of 9", "lines": [{"sku": "str ('x')"}, "1 to 8 items, in 6 of 9"]},
            "9 items",
        ]  # fmt: skip
        assert shape([1, None, "a"]) == ["int or null or str", "3 items"]
        assert shape({"a": {"b": [[], []]}}) == {"a": {"b": [[], "2 items"]}}
        assert shape({"a": "what nobody needs as an example"}) == {"a": "str"}

    @pytest.mark.parametrize("depth", [30, 700])
    def test_a_shape_is_no_deeper_than_a_sketch_and_no_wider(self, depth: int) -> None:
        assert str(shape(json.loads("[" * depth + "]" * depth))).count("[") < 8
        assert str(shape(json.loads('{"a":' * 80 + "1" + "}" * 80))).count("{") < 8
        wide = shape([{f"k{i}": i for i in range(300)}])
        assert len(wide[0]) == 51
        assert wide[0]["..."] == "250 more keys"


def test_letters_stand_for_their_numbers_where_they_need_none() -> None:
    text = r'{"a": "Gr\u00fc\u00dfe \ud83d\ude00 \u6e29", "b": "\\u00fc \n \u0000 \u0022 \ud83d"}'
    document = extract(text.encode(), name="a.json")
    assert document.text == r'{"a": "Grüße 😀 温", "b": "\\u00fc \n \u0000 \u0022 \ud83d"}'
    assert json.loads(document.text) == json.loads(text)


class TestNotebooks:
    @pytest.mark.parametrize("name", ["a.ipynb", "a.json"])
    def test_a_notebook_is_its_cells(self, name: str) -> None:
        cells = [
            {"cell_type": "markdown", "source": ["# Rain\n", "by month"], "metadata": {}},
            {"cell_type": "code", "source": "plot(a)\n", "metadata": {}, "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["one\n", "two\n"]},
                {"output_type": "display_data", "data": {"image/png": PICTURE, "text/plain": ["<Figure>"]}},
                {"output_type": "error", "ename": "KeyError", "evalue": "'mm'", "traceback": ["\x1b[0;31m"]},
            ]},
        ]  # fmt: skip
        book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {"language_info": {"name": "julia"}}, "cells": cells}
        document = extract(json.dumps(book).encode(), name=name)
        assert [part.label for part in document.parts] == ["cell 1, markdown", "cell 2, code"]
        assert document.parts[0].text == "# Rain\nby month"
        assert document.parts[1].text == (
            "```julia\nplot(a)\n```\n\n```\none\ntwo\n```\n\n```\n<Figure>\n```\n\n```\n[image/png: 3 kB left out]\n```\n\n```\nKeyError: 'mm'\n```"
        )

    def test_an_old_one_and_a_damaged_one_are_read(self) -> None:
        old = {"nbformat": 3, "worksheets": [{"cells": [
            {"cell_type": "heading", "level": 2, "source": "Sea"},
            {"cell_type": "code", "input": ["x"], "outputs": [{"output_type": "pyout", "text": ["4"], "png": PICTURE}]},
        ]}]}  # fmt: skip
        text = extract(json.dumps(old).encode(), name="a.ipynb").text
        assert "## Sea" in text
        assert "```python\nx\n```" in text
        assert "[image/png: 3 kB left out]" in text
        odd = {"nbformat": 4, "cells": [None, 3, {"cell_type": 7}, {"source": {"a": 1}, "outputs": [1, {"data": []}]}]}
        assert extract(json.dumps(odd).encode(), name="a.ipynb").metadata["cells"] == 1


class TestBase64:
    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("a.css", ".a { background: url(data:image/png;base64,%s) }\n.b { color: red }"),
            ("a.js", "f();\n//# sourceMappingURL=data:application/json;charset=utf-8;base64,%s\n"),
            ("a.py", "ICON = '%s'\nred = 1\n"),
            ("a.json", '{"image/png": "%s", "red": 1}'),
            ("a.md", "![red](data:image/png;base64,%s)\nend\n"),
            ("a.txt", "red\n\nContent-Transfer-Encoding: base64\n\n%s\nend\n"),
        ],
    )
    @pytest.mark.parametrize("wrapped", [False, True])
    def test_it_is_named_and_left_out(self, name: str, text: str, wrapped: bool) -> None:
        lines = "\n".join(textwrap.wrap(PICTURE, 76)) if wrapped and name in ("a.txt", "a.md") else PICTURE
        document = extract((text % lines).encode(), name=name)
        assert "kB left out]" in document.text
        assert PICTURE[200:300] not in document.text
        assert any("base64 was left out" in warning for warning in document.warnings)
        shown = "\n".join(part.text for part in document.parts)
        assert f"{shown}\n".count("\n") >= (text % lines).count("\n")

    @pytest.mark.parametrize(
        "text",
        ["ACGT" * 1000, "0123456789abcdef" * 200, "/usr/local/Share3/" * 200, "aVeryLongIdentifier1" * 100, "data:image/gif;base64,R0lGODlhAQABAAAAACw="],
    )  # fmt: skip
    def test_what_only_looks_alike_stays(self, text: str) -> None:
        document = extract(text.encode(), name="a.txt")
        assert document.text == text
        assert document.warnings == ()
