"""JSON as programs write it: dialects, huge integers, broken characters, several documents."""

import json

import pytest

from autopicker_lab.core import Document
from autopicker_lab.extraction import extract


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
