"""What becomes of a line that two engines read: letters of the surer one, spaces of the one that sees them."""

from dataclasses import replace
from typing import Any

import numpy
import pytest
from PIL import Image, ImageDraw, ImageFont

from autopicker_lab.extraction.ocr import OcrResult, rapid, rapid_engine, read_text, tesseract
from autopicker_lab.extraction.ocr.coverage import uncovered
from autopicker_lab.extraction.ocr.lines import OcrLine, without_twins
from autopicker_lab.extraction.ocr.merging import (
    doubtful_lines,
    is_lost,
    is_sure_of,
    is_surer,
    read_doubtful_again,
    read_passed_over,
    with_spaces,
)
from autopicker_lab.extraction.ocr.rejoining import rejoined
from autopicker_lab.extraction.ocr.spacing import gap_shares, spaces_of


def line(text: str, weakest: float = 0.96, top: int = 0, confidence: float = 0.96) -> OcrLine:
    return OcrLine(text, (0, top, 12 * len(text), top + 20), confidence, top + 16, weakest)


@pytest.mark.parametrize(
    ("rapids", "tesseracts", "sure", "merged"),
    [
        ("Until youland dogs", "Until you land dogs", 0.96, "Until you land dogs"),
        ("Without pa ying repair", "Without paying repair", 0.95, "Without paying repair"),
        ("return round (result, 2)", "return round(result, 2)", 0.95, "return round(result, 2)"),
        ("You land dogs", "Youland dogs", 0.82, "You land dogs"),  # a doubtful reading takes no space away
        ("16.13", "16. 13", 0.97, "16.13"),  # no space within a number
        ("1 250.00", "1 250.00", 0.97, "1 250.00"),
        ("Größere Beträge", "GroRere Betrage", 0.6, "Größere Beträge"),
        ("Größere Beträgeüberweisen", "Grossere Betrage uberweisen", 0.6, "Größere Beträgeüberweisen"),
        ("geöffneter Gläser", "geo ffneter Glaser", 0.2, "geöffneter Gläser"),  # a guess is not asked
        ("Lastboat leaves aftersunset", "Last boat leaves after sunset", 0.9, "Last boat leaves after sunset"),
        ("Total", "", 0.9, "Total"),
    ],
)
def test_spaces(rapids: str, tesseracts: str, sure: float, merged: str) -> None:
    assert with_spaces(line(rapids), tesseracts, sure).text == merged


@pytest.mark.parametrize(
    ("rapids", "tesseracts", "gap", "merged"),
    [
        ("members meet in", "members meetin", 1.0, "members meet in"),
        ("members mee tin", "members meetin", 0.1, "members meetin"),
        ("total_price", "total _price", 0.1, "total_price"),
        ("Lastboat", "Last boat", 1.0, "Last boat"),
    ],
)
def test_gaps_in_the_picture_decide_between_two_readings(rapids: str, tesseracts: str, gap: float, merged: str) -> None:
    letters = len("".join(rapids.split()))
    assert with_spaces(replace(line(rapids), gaps=(gap,) * letters), tesseracts, 0.96).text == merged


@pytest.mark.parametrize(
    ("rapids", "wide", "merged"),
    [
        ("Last boatleaves", {4: 1.0, 8: 1.0}, "Last boat leaves"),
        ("Lastboatleaves", {8: 1.0}, "Lastboatleaves"),  # how wide a space is here is not known
        ("La stboatleaves", {2: 0.1, 3: 1.0}, "La stboatleaves"),  # one gap, counted to the next letter
        ("Milk 1l", {4: 1.0, 5: 1.0}, "Milk 1 l"),
        ("Price 1 250.00", {5: 1.0, 6: 1.0, 9: 1.0, 10: 1.0}, "Price 1 250.00"),  # no space before the point
        ("def total_price", {3: 1.0, 8: 1.1, 9: 1.1}, "def total_price"),  # thin strokes are no ink
        ("Reference: HAFEN-77", {10: 1.0, 15: 1.1, 16: 1.1}, "Reference: HAFEN-77"),
        ("if __name__==", {2: 1.0, 10: 3.1}, "if __name__ =="),
    ],
)
@pytest.mark.parametrize("sure", [0.0, 0.3, 0.7])
def test_a_gap_as_wide_as_the_spaces_is_one(rapids: str, wide: dict[int, float], merged: str, sure: float) -> None:
    letters = "".join(rapids.split())
    gaps = tuple(wide.get(at, 0.2) for at in range(len(letters)))
    assert with_spaces(replace(line(rapids), gaps=gaps), letters if sure else "", sure).text == merged


@pytest.mark.parametrize(
    ("rapids", "tesseracts", "gap", "sure", "merged"),
    [
        ("paying repair", "paying re pair", 0.45, 0.78, "paying repair"),
        ("paying repair", "paying re pair", 0.65, 0.78, "paying re pair"),
        ("print(total_price)", "print(total _price)", 0.7, 0.6, "print(total_price)"),  # a thin stroke is no ink
        ("Your ticket until", "Your ticket until", 0.8, 0.6, "Your ticket until"),
        ("Your ticket until", "Yaurtickl", 0.8, 0.3, "You r ticket until"),
    ],
)
def test_less_is_believed_of_a_doubtful_reading(
    rapids: str, tesseracts: str, gap: float, sure: float, merged: str
) -> None:
    at = {"paying repair": 8, "print(total_price)": 11, "Your ticket until": 3}[rapids]
    letters = "".join(rapids.split())
    gaps = [1.0 if i in spaces_of(rapids) else 0.2 for i in range(len(letters))]
    gaps[at] = gap
    assert with_spaces(replace(line(rapids), gaps=tuple(gaps)), tesseracts, sure).text == merged


def test_what_was_found_a_second_time_within_a_word_is_left_out() -> None:
    word, part = OcrLine("Taxi", (90, 240, 1150, 660), 0.99), OcrLine("T", (160, 230, 660, 430), 0.96)
    beside, other = OcrLine("T", (1200, 240, 1400, 660), 0.9), OcrLine("No. 5", (160, 300, 660, 430), 0.9)
    assert without_twins([part, word, beside, other]) == [word, beside, other]
    less = OcrLine("Taxii", (100, 250, 1150, 650), 0.8)
    assert without_twins([less, word]) == [word]
    below = [OcrLine("x", (0, 20 * i, 90, 20 * i + 12), 0.9) for i in range(30_000)]  # 450 million pairs
    assert without_twins(below) == below


def test_gaps_are_measured_between_the_letters() -> None:
    pixels = numpy.full((30, 200, 3), 240, numpy.uint8)
    for left in (10, 24, 60, 74, 110):  # two words of two letters, and one of one
        pixels[5:25, left : left + 10] = 20
    gaps = gap_shares("ab cd e", pixels, [15, 29, 65, 79, 115])
    assert gaps == pytest.approx((0, 4 / 26, 1, 4 / 26, 1))
    assert gap_shares("abcde", 255 - pixels, [15, 29, 65, 79, 115])[2] > 1
    assert gap_shares("ab cd e", pixels, [15, 29]) == ()


def test_a_line_that_hides_a_space_is_doubtful_however_sure_it_is() -> None:
    image = Image.new("RGB", (400, 30), "white")
    left = 5
    for letter in "abc de fgh ij kl":
        if letter != " ":
            image.paste("black", (left, 5, left + 10, 25))
        left += 13
    read = {text: OcrLine(text, (0, 0, 400, 30), 0.96, 25, 0.96) for text in ("abc de fgh ij kl", "abc de fgh ijkl")}
    assert doubtful_lines(image, list(read.values())) == [read["abc de fgh ijkl"]]


def test_places_that_tesseract_passed_over_are_read_alone(again: list[int]) -> None:
    image = Image.new("RGB", (400, 400))
    places = [(200, 4, 290, 22), (200, 104, 290, 122)]
    assert [one.text for one in read_passed_over(image, places)] == ["Morning members"]
    assert again == [2]  # the second is read without being sure
    assert read_passed_over(image, []) == []


def piece(text: str, left: int, right: int, top: int = 0, weakest: float = 0.96) -> OcrLine:
    return OcrLine(text, (left, top, right, top + 20), 0.96, top + 16, weakest)


def test_a_line_is_joined_with_what_was_left_out_of_it() -> None:
    lines = [piece("Rye bread", 0, 90), piece(".79", 310, 350), piece("Butter", 0, 60, 40), piece("10", 300, 320, 40)]
    found = rejoined(lines, [(295, 2, 352, 22), (300, 41, 362, 60), (500, 200, 560, 220)])
    assert found is not None
    whole, alone = found
    assert [(one.text, one.box) for one in whole] == [
        ("Rye bread", (0, 0, 90, 20)),
        (".79", (295, 0, 352, 22)),
        ("Butter", (0, 40, 60, 60)),
        ("10", (300, 40, 362, 60)),
    ]
    assert [is_sure_of(one) for one in whole] == [True, False, True, False]
    assert alone == [(500, 200, 560, 220)]


def test_pieces_as_close_as_words_are_one_line() -> None:
    found = rejoined([piece("18.", 300, 330), piece("Ferry", 0, 50), piece("13", 336, 360, weakest=0.5)], [])
    assert found is not None
    assert [(one.text, one.weakest) for one in found[0]] == [("18. 13", 0.5), ("Ferry", 0.96)]
    assert rejoined([piece("18.", 300, 330), piece("Ferry", 0, 50)], []) is None  # the rest stands nowhere
    assert rejoined([piece(". 20", 300, 330)], []) is None


def words_of(*words: tuple[str, int, int]) -> OcrLine:
    """A line of words, each with its left and its right edge."""
    read = tuple(piece(*word) for word in words)
    text = " ".join(word.text for word in read)
    return replace(piece(text, read[0].box[0], read[-1].box[2]), words=read)


@pytest.mark.parametrize(("gap", "sure"), [(7, True), (10, True), (3, False), (15, False)])
def test_a_row_taken_for_columns_is_as_sure_as_its_words(gap: int, sure: bool) -> None:
    head = words_of(("Message", 0, 70), ("1:", 78, 90))
    rest = words_of(("the", 90 + gap, 120 + gap), ("barge", 128 + gap, 170 + gap))
    found = rejoined([head, rest], [])
    assert found is not None
    assert [one.text for one in found[0]] == ["Message 1: the barge"]
    assert [is_sure_of(one) for one in found[0]] == [sure]
    assert len(found[0][0].words) == (4 if sure else 0)


def test_a_place_higher_than_a_line_tells_nothing() -> None:
    assert rejoined([piece("Rye bread", 0, 90)], [(80, 0, 200, 38)]) is None


def test_a_few_doubtful_words_are_read_by_themselves(again: list[int]) -> None:
    words = tuple(piece(text, 90 * i, 90 * i + 80) for i, text in enumerate(["All", "the", "crew", "will"]))
    sure = piece("All the crew will", 0, 350)
    alike = replace(sure, weakest=0.8, words=(*words[:3], replace(words[3], text="Morning members", confidence=0.8)))
    other = replace(sure, weakest=0.8, words=(*words[:3], replace(words[3], text="Moming members", confidence=0.8)))
    image = Image.new("RGB", (400, 400))
    kept = read_doubtful_again(image, [sure, alike], [alike])
    assert kept is not None
    assert kept[1].text == "All the crew will"
    assert kept[1].confidence > alike.confidence - 0.01
    assert again == [1, 0]
    changed = read_doubtful_again(image, [sure, other], [other])
    assert changed is not None
    assert changed[1].text == "Morning members"  # the whole line was read again
    assert again == [1, 0, 1, 1]


def test_grain_beside_a_line_is_no_part_of_it() -> None:
    grain = numpy.random.default_rng(5).normal(0, 16, (120, 640, 1))
    image = Image.new("RGB", (640, 120), "white")
    ImageDraw.Draw(image).text((60, 40), "Every crate carries a paper tag", "black", ImageFont.load_default(28))
    noisy = Image.fromarray((numpy.asarray(image) + grain).clip(0, 255).astype(numpy.uint8))
    box = ImageDraw.Draw(image).textbbox((60, 40), "Every crate carries a paper tag", ImageFont.load_default(28))
    left, top, right, bottom = map(int, box)
    whole = OcrLine("Every crate carries a paper tag", (left, top, right, bottom), 0.96)
    near = [place for place in uncovered(noisy, [whole]) if place[1] < bottom and place[3] > top]
    assert near == []
    assert uncovered(noisy, [replace(whole, box=(left, top, right - 120, bottom))])


def test_a_line_is_as_sure_as_its_weakest_word() -> None:
    assert is_sure_of(line("Morning members meet"))
    assert not is_sure_of(line("Moming members meet", 0.88))
    assert not is_sure_of(line("Öffnungszeiten"))  # English knows few of these letters


def test_lines_that_one_engine_is_surer_of_or_has_lost() -> None:
    assert is_surer(line("if __name__:"), line("if __name_:", confidence=0.9))
    assert not is_surer(line("if __name__:", 0.5), line("if __name_:", confidence=0.9))
    assert not is_surer(line("ount due"), line("Amount due: 431.04 EUR", confidence=0.9))
    pieces = [line("Settings", top=40)]
    assert is_lost(line("Reports"), pieces)
    assert not is_lost(line("Settings", top=42), pieces)
    assert not is_lost(line("~~~~", 0.2), pieces)


READINGS = {"Moming members": ("Morning members", 0.99), "Rye bread": ("Rye brcad", 0.8), "= NN BW": ("1", 0.4)}


@pytest.fixture
def again(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """RapidOCR, which reads by the places' tops what READINGS has in this order; the numbers of places asked for."""
    asked: list[int] = []

    def read_places(image: Image.Image, lines: list[OcrLine]) -> list[OcrLine]:
        asked.append(len(lines))
        read = [list(READINGS.values())[one.box[1] // 100] for one in lines]
        return [replace(one, text=text, confidence=sure) for one, (text, sure) in zip(lines, read, strict=True)]

    monkeypatch.setattr(rapid_engine, "has_rapid", lambda: True)
    monkeypatch.setattr(rapid, "read_places", read_places)
    return asked


def again_of(image: Image.Image, lines: list[OcrLine]) -> list[OcrLine] | None:
    return read_doubtful_again(image, lines, doubtful_lines(image, lines))


def test_doubtful_lines_alone_are_read_again(again: list[int]) -> None:
    image = Image.new("RGB", (400, 400))
    sure = [line(f"line {i}", top=30 * i) for i in range(10)]
    made = again_of(image, [*sure, line("Moming members", 0.85, 0), line("Rye bread", 0.8, 100)])
    assert made is not None
    assert [one.text for one in made[-2:]] == ["Morning members", "Rye bread"]  # the second stays, as both are unsure
    assert again == [0, 2]


def test_a_picture_is_read_as_a_whole_where_much_is_doubtful_or_guessed(again: list[int]) -> None:
    image = Image.new("RGB", (400, 400))
    sure = [line(f"line {i}", top=30 * i) for i in range(10)]
    assert again_of(image, [*sure, line("= NN BW", 0.45, 200)]) is None
    assert again == [0, 1]
    assert again_of(image, [sure[0], line("Moming members", 0.85), line("Rye bread", 0.8, 100)]) is None
    assert again == [0, 1]  # not even asked


def blind(monkeypatch: pytest.MonkeyPatch, pieces: list[OcrLine], found: tesseract.Orientation) -> OcrResult:
    """The reading of a picture in which Tesseract sees no text, and detects something all the same."""
    monkeypatch.setattr(tesseract, "read_with_tesseract", lambda image, languages: [])
    monkeypatch.setattr(tesseract, "orientation", lambda image: found)
    monkeypatch.setattr(rapid, "read_with_rapidocr", lambda image, text_height=0: pieces)
    image = Image.new("RGB", (400, 300), "white")
    image.paste("black", (20, 20, 60, 40))
    return read_text(image)


@pytest.mark.parametrize("degrees", [90, 270])
def test_a_picture_is_not_turned_where_its_lines_read_level(monkeypatch: pytest.MonkeyPatch, degrees: int) -> None:
    level = [line("Morning members", top=20), line("meet at nine", top=60)]
    result = blind(monkeypatch, level, tesseract.Orientation(degrees, 1.4))
    assert (result.rotation, result.text) == (0, "Morning members\nmeet at nine")
    on_end = [replace(one, box=(one.box[1], 0, one.box[3], 190)) for one in level]
    assert blind(monkeypatch, on_end, tesseract.Orientation(degrees, 1.4)).rotation == degrees


def test_a_picture_that_reads_as_it_stands_is_not_turned_upside_down_for_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    level = [line("INVOICE", top=20), line("60141", top=40)]
    noise = [line("ONNNHD3AY", top=20, confidence=0.3)]
    image = Image.new("RGB", (400, 300), "white")
    image.paste("black", (20, 20, 60, 40))
    readings = iter([[], noise])
    blind(monkeypatch, level, tesseract.Orientation())
    monkeypatch.setattr(tesseract, "orientation", lambda image: tesseract.Orientation(180, 0.01, "Cyrillic"))
    monkeypatch.setattr(tesseract, "read_with_tesseract", lambda image, languages: next(readings))
    result = read_text(image)
    assert (result.rotation, result.text) == (0, "INVOICE\n60141")


def test_a_script_is_not_foreign_where_its_letters_are_read_surely(monkeypatch: pytest.MonkeyPatch) -> None:
    sure = [line("Morning members", top=20), line("meet at nine", top=60)]
    less = line("in the old house", top=100, confidence=0.92)
    arabic = tesseract.Orientation(0, 0.3, "Arabic")
    assert blind(monkeypatch, [*sure, less], arabic).lines[-1] == less
    unsure = [replace(one, confidence=0.88) for one in sure]
    assert "Arabic" in blind(monkeypatch, [*unsure, less], arabic).doubts[0]


@pytest.mark.parametrize(
    ("first", "again", "kept"),
    [
        ([("Pari", 300, 0.8), ("King", 350, 0.8)], [("Parking", 300, 0.99)], "Parking"),
        ([("Park", 300, 0.97)], [("Parking", 300, 0.99)], "Park"),  # sure: no other size is tried
        ([("Morning members meet", 300, 0.8)], [("M", 300, 0.99)], "Morning members meet"),
        ([("Morning", 24, 0.8)], [("Moming", 24, 0.9)], "Morning"),  # it was read at about that size
        ([], [("Exit", 400, 0.9)], "Exit"),
    ],
)
def test_huge_letters_are_read_again_smaller(
    monkeypatch: pytest.MonkeyPatch, first: list[Any], again: list[Any], kept: str
) -> None:
    def read_at(image: Image.Image, scale: float) -> list[OcrLine]:
        found = first if scale > 0.5 else again
        return [OcrLine(text, (0, 0, height * len(text) // 2, height), sure) for text, height, sure in found]

    monkeypatch.setattr(rapid, "_read_at", read_at)
    assert rapid.read_with_rapidocr(Image.new("RGB", (1800, 1000)))[0].text == kept


@pytest.mark.parametrize(
    ("text", "sure", "plain"),
    [
        ("I55 1I6 O07", 0.8, "155 116 007"),
        ("I55", 0.99, "I55"),
        ("10l Io IO O2 I5", 0.8, "10l Io IO O2 I5"),  # a unit, words, codes
        ("HAFEN-I55", 0.8, "HAFEN-I55"),
    ],
)
def test_letters_among_digits_that_look_like_one(text: str, sure: float, plain: str) -> None:
    assert rapid._plain_text(rapid._Read(text, sure)) == plain
