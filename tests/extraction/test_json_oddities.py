"""JSON as programs write it: dialects, huge integers, broken characters, several documents."""

import json

import pytest

from autopicker_lab.core import Document
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.json_dialects import JsonParser


def read(data: bytes) -> Document:
    document = extract(data, name="a.json")
    json.dumps(document.to_dict(), ensure_ascii=False).encode()
    return document


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"n": ' + b"7" * 6000 + b', "tail": 1}', "an integer of 6,000 digits"),
        (b'{"url": "http://a.b//c", // why\n "tail": [1, 2,], /* so */}', "comments, commas behind the last item"),
        (b'{"tail": NaN, "b": -Infinity}', "NaN, -Infinity"),
        (b'{"tail": 1, "tail": 2}', "keys stand twice in one object, of which programs keep the last: tail"),
    ],
)
def test_what_differs_from_json_is_said_and_the_shape_is_told(data: bytes, said: str) -> None:
    document = read(data)
    assert "tail" in document.metadata["keys"]
    assert said in document.warnings[-1]
    assert document.text == data.decode()


def test_a_comment_or_a_comma_in_a_string_is_none() -> None:
    document = read(b'{"a": "/* no */, ]", "b": "x // y"}')
    assert document.metadata["valid"]
    assert document.warnings == ()


def test_documents_one_after_another_are_told() -> None:
    document = read(b'{"a": 1}\n{"a": 2}\n\n{"a": 3}\n')
    assert document.metadata["shape"] == [{"a": "int (1)"}, "3 items"]
    assert "3 JSON documents, one after another" in document.warnings[0]


@pytest.mark.parametrize("key", [r"\ud800", r"a\udfffb"])
def test_half_a_character_in_a_key_is_replaced_and_said(key: str) -> None:
    document = read(f'{{"{key}": 1, "ok": 2}}'.encode())
    assert document.metadata["keys"][0] == json.loads(f'"{key}"').encode("utf-16", "surrogatepass").decode(
        "utf-16", "replace"
    )
    assert "lone surrogates" in document.warnings[-1]


def test_a_broken_end_is_placed() -> None:
    assert read(b'{"a": 1}\n{"b": [1').warnings == ("not valid JSON at line 2, column 1: Extra data",)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('# made by hand\n{"tail": 1}', "comments"),
        ('{"tail": "one\ntwo"}', "line ends or tabs within strings, first in line 1"),
        ("answer({'tail': 'it\\'s', n: +0x1F, // so\n});", "JSON5, JSONP"),
        ("var config = {tail: [1, .5], 'u': '\\u00fc'}", "JSON5, JSONP"),
        ('{"tail": [1, 2], "more": {"a": "b", "c": "it is cut', "cut off in line 1"),
    ],
)
def test_what_programs_and_people_make_of_json_still_has_its_keys(text: str, said: str) -> None:
    document = read(text.encode())
    assert "tail" in document.metadata["keys"]
    assert not document.metadata["valid"]
    assert said in " ".join(document.warnings)


@pytest.mark.parametrize("text", ["just words", "f({a: 1}, {b: 2})", "function f() { return [1]; }", '{"a": 1 "b"}'])
def test_other_text_is_no_json_of_any_kind(text: str) -> None:
    document = read(text.encode())
    assert "keys" not in document.metadata
    assert "not valid JSON at line 1" in document.warnings[-1]


@pytest.mark.parametrize(
    "text",
    ['{"a": 1}{"a": 2}\n{"a": 3}', '\x1e{"a": 1}\n\x1e{"a": 2}\n\x1e{"a": 3}\n', '{"a": 1},\n{"a": 2},\n{"a": 3},'],
)
def test_documents_in_a_row_need_no_lines_of_their_own(text: str) -> None:
    assert read(text.encode()).metadata["shape"] == [{"a": "int (1)"}, "3 items"]


def test_damaged_records_are_told_by_their_lines() -> None:
    document = read(b'{"a": 1}\noops\n{"a": 2}\n\n{"a": 3}\n{"a": ')
    assert document.metadata["shape"] == [{"a": "int (1)"}, "3 items"]
    assert document.warnings[0] == "lines 2, 6 are not valid JSON: the other lines were read"


def test_keys_are_told_where_some_items_are_none_or_numbers() -> None:
    shape = read(b'[{"a": {"b": 1}, "l": [1]}, {"a": null, "l": 2}, 5]').metadata["shape"]
    assert shape[0]["a"] == {"b": "int", "(or)": "null, in 1 of 2"}
    assert shape[0]["l"] == ["int", "1 items", "or int"]
    assert shape[0]["(or)"] == "int, in 1 of 3"


def test_a_bar_of_progress_in_a_notebook_is_its_last_state() -> None:
    output = {"output_type": "stream", "text": "\r10 %\r50 %\r100 %\ndone\r\n"}
    cell = {"cell_type": "code", "source": "go()", "outputs": [output]}
    document = extract(json.dumps({"nbformat": 4, "cells": [cell]}).encode(), name="a.ipynb")
    assert "```\n100 %\ndone\n```" in document.text


def test_what_python_prints_keeps_its_kinds() -> None:
    document = read(b"{'name': 'Ada', 'ok': True, 'none': None, 'pair': (1, 2)}")
    assert document.metadata["shape"] == {"name": "str", "ok": "bool", "none": "null", "pair": ["int", "2 items"]}
    assert document.warnings == ("unusual for JSON: it is written as Python writes it",)


@pytest.mark.parametrize("guard", [")]}',\n", "for(;;);", "while(1);"])
def test_a_guard_before_json_is_passed_over_and_said(guard: str) -> None:
    document = read(f'{guard}{{"a": 1}}'.encode())
    assert document.metadata["keys"] == ["a"]
    assert document.warnings == ("unusual for JSON: a guard against being run as a script before it",)


@pytest.mark.parametrize("text", ['```json\n{"a": 1}\n```\n', '\n~~~~\n{"a": 1,}\n~~~~'])
def test_json_in_a_fence_is_read_and_the_fence_is_said(text: str) -> None:
    document = read(text.encode())
    assert document.metadata["shape"] == {"a": "int"}
    assert not document.metadata["valid"]
    assert "a fence of Markdown around it" in document.warnings[0]
    assert document.text == text


@pytest.mark.parametrize(
    "text", [r'{"path": "C:\users\me", "n": 1}', r'{"path": "\u12", "n": 1}', '["\\u\u0661\u0662\u0663\u0664"]']
)
def test_backslashes_that_escape_nothing_leave_the_rest_as_it_is(text: str) -> None:
    document = read(text.encode())
    assert document.text == text
    assert document.warnings == ("unusual for JSON: backslashes that escape nothing",)
    assert document.metadata["type"] == type(json.loads(text.replace("\\", "/"))).__name__


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        ({"text/html": ["<p>a <b>b</b></p>"], "text/plain": ["<IPython.core.display.HTML object>"]}, "a **b**"),
        ({"text/markdown": "# a", "text/plain": "<IPython.core.display.Markdown object>"}, "# a"),
        ({"text/html": "<table><tr><td>1</td></tr></table>", "text/plain": "   x\n0  1"}, "   x\n0  1"),
        ({"text/html": "<script>f()</script>", "text/plain": "<x.Chart object at 0x7f>"}, "[text/html: 0 kB left out]"),
        ({"text/plain": "<x.Chart at 0x7f>"}, "<x.Chart at 0x7f>"),
    ],
)
def test_an_output_of_a_notebook_is_shown_in_the_form_that_says_most(data: dict[str, object], shown: str) -> None:
    cell = {"cell_type": "code", "source": [], "outputs": [{"output_type": "display_data", "data": data}]}
    document = extract(json.dumps({"nbformat": 4, "cells": [cell]}).encode(), name="a.ipynb")
    assert document.text == f"```\n{shown}\n```"


def test_a_whole_backslash_before_a_single_one_stays_whole() -> None:
    document = read(rb'{"a":"C:\\users","b":"C:\users"}')
    assert document.metadata["shape"] == {"a": "str", "b": "str"}


@pytest.mark.parametrize("run", ["\\", "\\n"])
def test_a_long_run_of_backslashes_costs_its_length(run: str) -> None:
    with pytest.raises(json.JSONDecodeError):  # where each were compared with all behind it, this took minutes
        JsonParser().parse('{"a" "' + run * 100_000 + '"}')
