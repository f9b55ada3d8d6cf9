"""Pages as they come: saved archives, XHTML, frames, encodings, broken and deep markup."""

from __future__ import annotations

import base64

import pytest

from autopicker_lab import extract
from autopicker_lab.core import CorruptFileError


def archive(*parts: str) -> bytes:
    head = (
        'From: <Saved by a browser>\r\nSubject: T\r\nMIME-Version: 1.0\r\nContent-Type: multipart/related; boundary="b"'
    )
    body = "".join(f"--b\r\n{part}\r\n" for part in parts)
    return f"{head}\r\n\r\n{body}--b--\r\n".encode()


def part(content: bytes, headers: str = "", charset: str = "utf-8") -> str:
    coded = base64.encodebytes(content).decode()
    return f"Content-Type: text/html; charset={charset}\r\n{headers}Content-Transfer-Encoding: base64\r\n\r\n{coded}"


class TestArchives:
    @pytest.mark.parametrize("name", ["a.mht", "a.mhtml", "a.html"])
    def test_the_page_of_an_archive_is_read(self, name: str) -> None:
        quoted = "Content-Type: text/html; charset=windows-1251\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
        quoted += "<h1>=CF=F0=E8=E2=E5=F2</h1><p>a line that is br=\r\noken</p>"
        document = extract(archive(quoted, "Content-Type: image/png\r\n\r\nx"), name=name)
        assert document.text == "# Привет\n\na line that is broken"
        assert document.metadata["encoding"] == "cp1251"

    def test_frames_that_came_along_stand_in_their_place(self) -> None:
        main = part(b"<p>before</p><iframe src='cid:f1@x'></iframe><iframe src='https://x.example/map'></iframe>")
        document = extract(archive(main, part(b"<p>inside</p>", "Content-ID: <f1@x>\r\n")), name="a.mht")
        assert document.text.startswith("before\n\ninside")
        assert document.warnings == ("frames are named, not read: https://x.example/map",)

    def test_a_frame_that_holds_itself_ends(self) -> None:
        main = part(b"<p>a</p><iframe src='https://x.example/'></iframe>", "Content-Location: https://x.example/\r\n")
        again = part(
            b"<p>b</p><iframe src='cid:f'></iframe>", "Content-ID: <f>\r\nContent-Location: https://x.example/\r\n"
        )
        assert extract(archive(main, again), name="a.mht").text.startswith("a\n\nb")

    def test_an_archive_without_a_page_is_refused(self) -> None:
        with pytest.raises(CorruptFileError):
            extract(archive("Content-Type: image/png\r\n\r\nx"), name="a.mht")


class TestXhtml:
    def test_well_formed_xhtml_is_read_as_xml(self) -> None:
        page = """<?xml version="1.0" encoding="UTF-8"?><!DOCTYPE html>
        <h:html xmlns:h="http://www.w3.org/1999/xhtml"><h:head><h:title/></h:head><h:body><h:script/><h:div/>
        <h:p>caf&eacute; <![CDATA[a < b]]></h:p><m:math xmlns:m="http://www.w3.org/1998/Math/MathML"><m:mi>x</m:mi>
        </m:math></h:body></h:html>"""
        assert extract(page.encode(), name="a.xhtml").text == "café a < b\n\n$x$"

    def test_xhtml_that_is_not_well_formed_is_read_as_html(self) -> None:
        page = '<html xmlns="http://www.w3.org/1999/xhtml"><body><p>one<br>two & three</body></html>'
        assert extract(page.encode(), name="a.xhtml").text == "one\ntwo & three"

    def test_entities_that_name_files_stay_closed(self) -> None:
        page = """<?xml version="1.0"?><!DOCTYPE html [<!ENTITY f SYSTEM "file:///etc/hostname">]>
        <html xmlns="http://www.w3.org/1999/xhtml"><body><p>a&f;b</p></body></html>"""
        assert extract(page.encode(), name="a.xhtml").text in ("ab", "a&f;b")


class TestEncodings:
    def test_the_declared_encoding_is_taken(self) -> None:
        page = "<html><head><meta charset='windows-1250'></head><body>Příliš</body></html>".encode("cp1250")
        assert extract(page, name="a.html").text == "Příliš"
        page = "<html><head><meta charset='iso-2022-jp'></head><body>日本語</body></html>".encode("iso2022_jp")
        assert extract(page, name="a.html").text == "日本語"

    def test_a_declaration_that_is_wrong_is_not(self) -> None:
        page = "<html><head><meta charset='iso-8859-1'></head><body>Příliš</body></html>".encode()
        assert extract(page, name="a.html").text == "Příliš"


class TestStructure:
    def test_frames_are_named_and_those_within_the_page_read(self) -> None:
        page = '<frameset><frame name="menu" src="m.htm"></frameset>'
        assert extract(page.encode(), name="a.html").text == "[frame: menu](m.htm)"
        page = """<p>a</p><iframe srcdoc="&lt;p&gt;b &amp;amp; c&lt;/p&gt;"></iframe>"""
        assert extract(page.encode(), name="a.html").text == "a\n\nb & c"

    def test_a_declared_shadow_tree_shows_with_its_slots(self) -> None:
        page = "<x-card><template shadowrootmode='open'><h2>Card</h2><slot></slot></template><p>light</p></x-card>"
        assert extract(page.encode(), name="a.html").text == "## Card\n\nlight"

    def test_a_page_of_data_alone_is_read_from_it(self) -> None:
        data = '{"@type": "NewsArticle", "headline": "Flood", "articleBody": "The dam held."}'
        page = f"<html><body><div id='app'></div><script type='application/ld+json'>{data}</script></body></html>"
        document = extract(page.encode(), name="a.html")
        assert document.text == "# Flood\n\nThe dam held."
        assert document.warnings == ("the page shows no text without scripts: read from its data",)

    @pytest.mark.parametrize("tags", ["<span>", "<div>", "<ul><li>", "<x-y>", "<table><tr><td>", "<b><i>"])
    def test_depth_loses_structure_and_no_words(self, tags: str) -> None:
        page = f"<p>before</p>{tags * 30_000}deep"
        text = extract(page.encode(), name="a.html").text
        assert "before" in text
        assert "deep" in text

    def test_formatting_that_is_never_closed_loses_nothing(self) -> None:
        rows = "".join(f"<p><font size=2>line {i}</p>" for i in range(400))
        text = extract(f"{rows}<table><tr><th>a<th>b<tr><td>1<td>2</table>".encode(), name="a.html").text
        assert "line 399" in text
        assert "| 1 | 2 |" in text

    @pytest.mark.parametrize(
        ("page", "expected"),
        [
            ("<x:y'>a</x:y'><sup:>b</sup:>", "ab"),
            ("<x-a>p&#22;q<template shadowrootmode=open>a&#1;<slot></slot></template></x-a>", "apq"),
            ("<p>a</p><nav>n</nav>&#2;and a tail that is long enough to be read as text", "and a tail"),
            ("<base href='http://[x'><a href='http://[y'>z</a>", "z"),
            ("<table><tr><td rowspan=0 colspan=x>a<td>b</table>", "| a | b |"),
            ("<ol start=x reversed><li value=y>a</ol>", "1. a"),
        ],
    )
    def test_a_broken_detail_leaves_the_rest(self, page: str, expected: str) -> None:
        assert expected in extract(page.encode(), name="a.html").text
