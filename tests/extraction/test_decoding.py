"""Text in every encoding that people have, whole and damaged."""

import pytest

from autopicker_lab.extraction import extract
from autopicker_lab.extraction.coherence import coherence
from autopicker_lab.extraction.decoding import decode
from autopicker_lab.extraction.legacy_encodings import _confidence_in_small_letters

GERMAN = "Schöne Grüße aus Köln, der Schlüssel für das Büro liegt bereit.\n"
FRENCH = "Le marché est déjà fermé, la clé reste à l'accueil.\n"
RUSSIAN = "Паром уходит вечером, билеты продают в порту.\n"
JAPANESE = "船は毎朝港を出ます。切符は窓口で買えます。\n"
CHINESE = "渡轮早上从港口出发，请在窗口购票。\n"


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (GERMAN, "cp1252"),
        (GERMAN, "cp850"),
        (GERMAN, "mac-roman"),
        (FRENCH, "cp1252"),
        ("Não há pão; a estação é longe.", "cp1252"),
        ("La città è più bella, però è già tardi.", "cp1252"),
        ("Loď jezdí každý den, přístav je žlutý.", "cp1250"),
        ("Łódź płynie przez środek jeziora, jeśli się uda.", "iso8859-2"),
        ("Anija niset çdo ditë në nëntë për në ishull.", "cp1252"),
        ("It’s the “last” ferry – it costs €9.", "cp1252"),
        ("Vapur her gün kalkıyor, çocuklar için ücretsiz değil.", "cp1254"),
        (RUSSIAN, "cp1251"),
        (RUSSIAN, "koi8-r"),
        (RUSSIAN, "cp866"),
        ("Το πλοίο φεύγει το πρωί από το λιμάνι.", "cp1253"),
        ("המעבורת יוצאת בבוקר מן הנמל.", "cp1255"),
        ("تغادر السفينة الميناء في الصباح.", "cp1256"),
        ("เรือออกจากท่าตอนเช้าทุกวัน", "cp874"),
        (JAPANESE, "cp932"),
        (JAPANESE, "euc-jp"),
        ("ありがとう", "cp932"),
        (JAPANESE, "iso2022_jp"),
        (CHINESE, "gb18030"),
        (CHINESE, "hz"),
        ("渡輪早上從港口出發，請在窗口購票。", "big5"),
        ("배는 아침에 항구를 떠납니다.", "cp949"),
        ("배는 아침에 항구를 떠납니다.", "iso2022_kr"),
        (GERMAN, "utf-7"),
        *((text, f"utf-{width}-{order}") for text in (GERMAN, RUSSIAN, JAPANESE, CHINESE, "ありがとう")
          for width in (16, 32) for order in ("le", "be")),
    ],
)  # fmt: skip
def test_text_is_read_in_its_own_letters(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


def test_a_bad_byte_leaves_the_rest_in_utf_8_and_its_line_is_named() -> None:
    text, encoding, warnings = decode((GERMAN * 2).encode() + b"ab\xffc Zo\xc3\xab\n" + GERMAN.encode())
    assert text == f"{GERMAN * 2}ab\ufffdc Zoë\n{GERMAN}"
    assert encoding == "utf-8"
    assert warnings == ("not all of it is UTF-8: some characters were lost, in line 3",)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_character_cut_at_the_end_is_no_other_encoding(lost: int) -> None:
    text, encoding, warnings = decode("Größe 5 €".encode()[:-lost])
    assert (text, encoding) == ("Größe 5 \ufffd", "utf-8")
    assert "in line 1" in warnings[0]


def test_lines_of_two_encodings_are_each_read_in_their_own() -> None:
    text, _, warnings = decode(GERMAN.encode() + FRENCH.encode("cp1252") + b"plain\n" + FRENCH.encode("cp1252"))
    assert text == f"{GERMAN}{FRENCH}plain\n{FRENCH}"
    assert warnings == ("encodings are mixed: 2 lines are cp1252, not UTF-8 (2, 4)",)


@pytest.mark.parametrize(("text", "wrong"), [(GERMAN, "cp1252"), (FRENCH, "latin-1"), (RUSSIAN, "cp1251")])
def test_utf_8_that_was_read_wrongly_and_saved_is_mended_and_said(text: str, wrong: str) -> None:
    found, _, warnings = decode(text.encode().decode(wrong).encode())
    assert found == text
    assert "saved again" in warnings[0]


def test_a_text_that_shows_such_a_fault_is_left_alone() -> None:
    text = "The characters Ã© are what é becomes."
    assert decode(text.encode()) == (text, "utf-8", ())


@pytest.mark.parametrize(
    "text", ["C++ and 1+1=2, a+b, +49 30 1234", "--- a\n+++ b\n+foo\n-bar\n", "~{no} ~} tilde", "{\x1b[31mred}"]
)
def test_plain_ascii_is_no_seven_bit_encoding(text: str) -> None:
    assert decode(text.encode()) == (text, "utf-8", ())


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("# -*- coding: koi8-r -*-\n# ", "koi8-r"),
        ("Content-Type: text/plain; charset=koi8-r\n\n", "koi8-r"),
        ('<?xml version="1.0" encoding="iso-8859-5"?>', "iso8859-5"),
        ('@charset "windows-1251"; /* ', "cp1251"),
    ],
)
def test_what_a_text_declares_is_believed(head: str, encoding: str) -> None:
    assert decode(f"{head}да".encode(encoding)).text == f"{head}да"


@pytest.mark.parametrize("declared", ["utf-8", "iso-8859-1"])
def test_a_wrong_declaration_is_not_believed(declared: str) -> None:
    text, _, warnings = decode(f"<meta charset={declared}><p>{RUSSIAN * 2}".encode("cp1251"))
    assert RUSSIAN in text
    assert "but its letters are those of cp1251" in warnings[0]


def test_a_doubt_is_a_warning_with_the_alternatives() -> None:
    assert any("it may be" in warning for warning in decode("שלום".encode("cp1255")).warnings)


def test_marks_of_files_joined_and_ends_of_dos_are_no_text() -> None:
    assert decode("a;b\r\n\ufeffc;d\r".encode()).text == "a;b\nc;d\n"
    assert decode(FRENCH.encode("cp1252") + b"\x1a").text == FRENCH
    assert decode(b"a\x00b") == ("ab", "utf-8", ("NUL characters were dropped",))


def test_colours_of_a_terminal_are_dropped_from_text() -> None:
    document = extract(b"\x1b[1;31merror\x1b[0m: no port\n", name="log.txt")
    assert document.text == "error: no port\n"
    assert "terminal" in document.warnings[0]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("КЛЮЧ ОТ СКЛАДА У ДЕЖУРНОГО", "cp1251"),
        ("КЛЮЧ ОТ СКЛАДА У ДЕЖУРНОГО", "koi8-r"),
        ("ΚΑΛΗΜΕΡΑ ΣΑΣ", "cp1253"),
        ("don’t", "cp1252"),
        ("Total: £250, ½ price", "cp1252"),
        ("┌────┐\n│ ab │\n└────┘\n", "cp437"),
    ],
)
def test_capitals_marks_and_boxes_are_told(text: str, encoding: str) -> None:
    assert decode(text.encode(encoding)).text == text


def test_front_matter_is_no_heading() -> None:
    document = extract(b"---\ntitle: A\ntags: [x]\n---\n# Ports\ntext\n", name="a.md")
    assert document.metadata["headings"] == ["Ports"]
    assert document.parts[0].text == "---\ntitle: A\ntags: [x]\n---"


@pytest.mark.parametrize("encoding", ["koi8-r", "cp1251", "iso8859-5"])
def test_russian_in_capitals_is_told_from_small_letters_of_its_sister(encoding: str) -> None:
    text = "И К ВЕЧЕРУ ВОЗВРАЩАЕТСЯ, ЕСЛИ ПОГОДА ХОРОШАЯ"
    assert decode(text.encode(encoding)).text == text


def test_a_comma_of_japanese_is_no_fault() -> None:
    assert coherence("鍵は、窓のそば、机の上、扉の前にあります。").faults < 0.05
    assert coherence("m\u00b3ller").faults == 1


@pytest.mark.parametrize(
    "text", ["Für Größe und Übersicht können wir sorgen. " * 200, "Это наш паром, и он на реке. " * 200]
)
def test_the_detector_sees_a_bounded_sample_and_is_asked_once_for_common_text(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import chardet

    asked: list[int] = []
    detect_all = chardet.detect_all

    def counted(sample: bytes, **options: object) -> object:
        asked.append(len(sample))
        return detect_all(sample, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(chardet, "detect_all", counted)
    encoding = "cp1252" if "ß" in text else "cp1251"
    assert decode(text.encode(encoding)).text == text
    assert len(asked) == 1
    assert asked[0] <= 2048


def test_the_detector_has_nothing_to_warn_of_where_capitals_fit_no_language() -> None:
    for data in (b"\xc7O", b"B\xce", b"\xcf\xd0 \xd0\xcf"):  # tests take warnings for errors
        assert _confidence_in_small_letters(data.decode("cp1251"), "cp1251") <= 0.2


@pytest.mark.parametrize("text", ["It costs £5 – at 20°C ± 3", "line one… line two — “x”"])
def test_signs_among_plain_letters_are_western(text: str) -> None:
    assert decode(text.encode("cp1252")).text == text


def test_more_letters_of_utf_8_than_bad_bytes_make_it_utf_8() -> None:
    text, encoding, warnings = decode("Grüße aus Köln".encode() + " und Zürichs Straße".encode("latin-1"))
    assert (text, encoding) == ("Grüße aus Köln und Z\ufffdrichs Stra\ufffde", "utf-8")
    assert len(warnings) == 1


@pytest.mark.parametrize(
    ("text", "page"),
    [("THE BOAT [PETREL] LEAVES AT 9!\n", "cp037"), ("The boat [Petrel] left!\n", "cp500"), (GERMAN, "cp273")],
)
def test_text_of_mainframes_is_read_and_said(text: str, page: str) -> None:
    assert decode(text.encode(page)) == (text, page, (f"text of a mainframe (EBCDIC): read as {page}",))


def test_lines_of_mainframes_end_in_a_control_character() -> None:
    assert (
        decode(b"\xc1\xc4\xc1\x40\xe2\xe3\xd6\xd5\xc5\x15\xc2\xd6\xc2\x40\xc8\xc5\xd9\xd6\xd5").text
        == "ADA STONE\nBOB HERON"
    )


def test_halves_of_characters_that_were_encoded_apart_are_joined() -> None:
    apart = "\ud83d\ude80 für".encode("utf-8", "surrogatepass")
    assert decode(apart) == ("🚀 für", "utf-8", ())


@pytest.mark.parametrize("text", ["氏名,ﾌﾘｶﾞﾅ,住所\n山田太郎,ﾔﾏﾀﾞﾀﾛｳ,東京都\n", "ﾃｽﾄ 倉庫の鍵"])
def test_katakana_of_half_the_width_are_japanese(text: str) -> None:
    assert decode(text.encode("cp932")).text == text


def test_overstruck_letters_are_read_once() -> None:
    assert extract(b"N\x08NA\x08A\n_\x08f_\x08o\n", name="a.txt").text == "NA\nfo\n"
