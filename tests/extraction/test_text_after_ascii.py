"""Text in an encoding before Unicode of which the first bytes are ASCII, and what looking for the others costs."""

import pytest

from autopicker_lab.core import SourceFile
from autopicker_lab.extraction import extract
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.legacy_encodings import _telling

HEAD = "The harbour office publishes this list each week for the crews of all the boats.\n" * 12
LETTERS = "Паром отходит от пристани каждое утро.".encode("cp1251")
TEXTS = {
    "cp932": "渡し船は毎朝八時に港を出ます。切符は船の中で買えます。\n雨の日も休みません。\n",
    "euc_jp": "渡し船は毎朝八時に港を出ます。切符は船の中で買えます。\n雨の日も休みません。\n",
    "cp1251": "Паром отходит от пристани каждое утро в восемь часов.\nБилеты продаются на борту.\n",
    "cp1253": "Το πλοίο φεύγει κάθε πρωί στις οκτώ από το λιμάνι.\nΤα εισιτήρια πωλούνται εδώ.\n",
    "gb18030": "渡船每天早上八点离开港口。船上可以买票。\n下雨天也照常开船。\n",
}


@pytest.mark.parametrize("encoding", TEXTS)
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n"])
def test_the_encoding_is_told_by_the_lines_that_are_not_ascii(encoding: str, end: str) -> None:
    text = HEAD + TEXTS[encoding]
    decoded = decode(text.replace("\n", end).encode(encoding))
    assert decoded.text == text


def test_blank_lines_before_a_page_do_not_hide_its_letters() -> None:
    page = "<!DOCTYPE html>" + "\n" * 2000 + f"<p>{TEXTS['euc_jp']}</p>"
    document = extract(SourceFile("ferry.html", page.encode("euc_jp"), "html"))
    assert "渡し船は毎朝八時に" in document.parts[0].text


def test_a_long_line_gives_what_stands_around_its_letters() -> None:
    data = b"a, " * 300_000 + LETTERS + b", b" * 300_000
    assert decode(data).encoding == "cp1251"
    sample = _telling(data, 65_536)
    assert LETTERS in sample
    assert len(sample) < 1000


def test_lines_without_letters_beyond_ascii_are_left_out_of_a_sample() -> None:
    data = b"plain\n" * 200 + b"caf\xe9 one\r" + b"plain\r" * 200 + b"caf\xe9 two\n" + b"plain\n" * 200
    assert _telling(data, 100) == b"caf\xe9 one\rcaf\xe9 two\n"
