"""Lines, words and figures that an engine cuts: grown, kept as one, looked for beside others, read smaller."""

from dataclasses import replace
from typing import Any

import pytest
from PIL import Image, ImageDraw, ImageFont

from autopicker_lab.extraction.ocr import rapid, rapid_engine
from autopicker_lab.extraction.ocr.coverage import uncovered
from autopicker_lab.extraction.ocr.ends import grown
from autopicker_lab.extraction.ocr.figures import with_whole_figures, without_columns
from autopicker_lab.extraction.ocr.lines import OcrLine
from autopicker_lab.extraction.ocr.merging import read_doubtful_again, with_spaces

FONT = ImageFont.load_default(24)


def drawn(*words: tuple[str, int, int]) -> tuple[Image.Image, list[OcrLine]]:
    """Words at their left and top, on one picture, and each as a line."""
    image = Image.new("RGB", (500, 200), "white")
    pen = ImageDraw.Draw(image)
    lines = []
    for text, left, top in words:
        pen.text((left, top), text, "black", FONT)
        box = tuple(map(int, pen.textbbox((left, top), text, FONT)))
        lines.append(OcrLine(text, (box[0], box[1], box[2], box[3]), 0.9, box[3], 0.9))
    return image, lines


def cut(line: OcrLine, text: str, left: int = 0, right: int = 0) -> OcrLine:
    """A line whose reading and box lack so many pixels."""
    start, top, end, bottom = line.box
    return replace(line, text=text, box=(start + left, top, end - right, bottom))


def test_a_line_grows_over_the_letters_that_its_box_cuts() -> None:
    image, (word, beside) = drawn(("Invoices", 100, 40), ("due", 400, 40))
    less = cut(word, "Invoic", right=27)
    whole = grown(image, less, [less, beside])
    assert abs(whole.box[2] - word.box[2]) <= 2
    assert whole.box[:2] == word.box[:2]
    both = grown(image, cut(word, "nvoic", left=9, right=27), [])
    assert both.box[0] <= word.box[0] + 2
    assert grown(image, word, [beside]) is word


def test_a_number_grows_over_its_first_digit_which_stands_apart() -> None:
    image, (digit, rest) = drawn(("2", 200, 40), (".45", 223, 40))
    figure = replace(rest, box=(rest.box[0], digit.box[1], rest.box[2], rest.box[3]))
    assert grown(image, figure, [figure]).box[0] <= digit.box[0] + 1
    assert grown(image, figure, [figure, digit]) is figure  # the digit is a line of its own
    assert grown(image, replace(figure, text="45"), [figure]).box == figure.box  # words stand no further apart


def test_what_goes_on_without_end_is_no_letter() -> None:
    image, (word,) = drawn(("Total", 100, 40))
    image.paste("black", (word.box[2] + 2, word.box[1] + 8, 500, word.box[1] + 12))
    assert grown(image, word, [word]) is word


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """RapidOCR, which reads "sure" in every place; the places it was asked for."""
    places: list[str] = []

    def read_places(image: Image.Image, lines: list[OcrLine]) -> list[OcrLine]:
        places.extend(one.text for one in lines)
        return [replace(one, confidence=0.99) for one in lines]

    monkeypatch.setattr(rapid_engine, "has_rapid", lambda: True)
    monkeypatch.setattr(rapid, "read_places", read_places)
    return places


@pytest.mark.parametrize(("step", "places"), [(0, ["atseven"]), (10, ["Opens atseven for"])])
def test_a_doubtful_word_with_a_gap_in_it_is_read_with_its_line(asked: list[str], step: int, places: list[str]) -> None:
    image, letters = drawn(("Opens", 20, 40), ("at", 104, 40), ("seven", 125 + step, 40), ("for", 212, 40))
    opens, at, seven, last = (replace(one, confidence=0.96) for one in letters)
    merged = replace(at, text="atseven", box=(*at.box[:2], *seven.box[2:]), confidence=0.8)
    box = (opens.box[0], opens.box[1], last.box[2], merged.box[3])
    line = OcrLine("Opens atseven for", box, 0.9, 60, 0.8, words=(opens, merged, last))
    others = [OcrLine("sure", (20, top, 80, top + 20), 0.96) for top in (100, 130)]
    assert read_doubtful_again(image, [line, *others], [line]) is not None
    assert asked == places


def test_a_reading_that_stands_takes_the_spaces_of_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def read_places(image: Image.Image, lines: list[OcrLine]) -> list[OcrLine]:
        return [replace(one, text="Milk 1 I", confidence=0.9, gaps=(0, 0.1, 0.1, 0.1, 0.9, 1.1)) for one in lines]

    monkeypatch.setattr(rapid_engine, "has_rapid", lambda: True)
    monkeypatch.setattr(rapid, "read_places", read_places)
    sure = [OcrLine("sure", (20, 20 * top, 80, 20 * top + 20), 0.96) for top in range(3, 14)]
    line = OcrLine("Milk 11", (20, 10, 120, 30), 0.9, 30, 0.8)
    kept = read_doubtful_again(Image.new("RGB", (500, 300)), [line, *sure], [line])
    assert kept is not None
    assert kept[0].text == "Milk 1 1"


@pytest.mark.parametrize(
    ("rapids", "gaps", "tesseracts", "merged"),
    [
        ("Ask for a chair", {3: 1.0, 5: 1.6, 6: 1.0, 7: 1.0}, {"Ask for": 0.96, "a chair": 0.8}, "Ask for a chair"),
        ("belongs into the", {7: 1.0, 8: 1.6, 11: 1.0}, {"belongs into the": 0.8}, "belongs into the"),  # both agree
        ("Offi ce opens", {4: 0.75, 6: 1.0}, {"Office": 0.94, "opens": 0.97}, "Office opens"),
        ("Offi ce opens", {4: 0.75, 6: 1.0}, {"Office": 0.9, "opens": 0.97}, "Offi ce opens"),
        ("old boa thouse", {3: 1.0, 6: 0.5}, {"old": 0.8, "boathouse": 0.95}, "old boathouse"),
        ("old boa thouse", {3: 1.0, 6: 0.5}, {"old": 0.8, "boathouse": 0.8}, "old boa thouse"),
    ],
)  # fmt: skip
def test_each_word_is_as_sure_as_it_is_by_itself(
    rapids: str, gaps: dict[int, float], tesseracts: dict[str, float], merged: str
) -> None:
    letters = "".join(rapids.split())
    line = OcrLine(rapids, (0, 0, 200, 20), 0.96, gaps=tuple(gaps.get(at, 0.1) for at in range(len(letters))))
    words = [OcrLine(word, (0, 0, 20, 20), sure) for text, sure in tesseracts.items() for word in text.split()]
    assert with_spaces(line, " ".join(tesseracts), min(tesseracts.values()), words).text == merged


@pytest.mark.parametrize(
    ("rapids", "other", "gaps", "merged"),
    [
        ("print(total(path))", "print (total(path))", {5: 1.1, 11: 1.1}, "print(total(path))"),  # no wider than others
        ("Lastboat", "Last boat", {4: 0.9}, "Last boat"),
        ("round(result,2)", "round(result, 2)", {13: 1.2}, "round(result, 2)"),  # no number goes on there
        ("Total 1,250", "Total 1, 250", {5: 1.0, 7: 1.2}, "Total 1,250"),
        ("Ticket until you", "Ticket until you", {6: 1.3, 10: 1.3, 11: 0.7}, "Ticket until you"),  # one gap
    ],
)  # fmt: skip
def test_gaps_that_are_no_space(rapids: str, other: str, gaps: dict[int, float], merged: str) -> None:
    letters = "".join(rapids.split())
    line = OcrLine(rapids, (0, 0, 200, 20), 0.96, gaps=tuple(gaps.get(at, 0.3) for at in range(len(letters))))
    assert with_spaces(line, other, 0.7).text == merged


def test_a_figure_of_two_digits_is_looked_for_on_the_row_of_a_line() -> None:
    image, (word, figure) = drawn(("Harbour", 20, 40), ("58", 300, 40))
    found = uncovered(image, [word])
    assert len(found) == 1
    assert found[0][0] <= figure.box[0] + 2 < figure.box[2] - 2 <= found[0][2]
    image, (word, figure) = drawn(("Harbour", 20, 40), ("58", 300, 120))
    assert uncovered(image, [word]) == []  # a sign, maybe
    image, (word, figure) = drawn(("Harbour", 20, 40), ("58", 300, 40))
    assert uncovered(image, [word, figure]) == []


def test_a_huge_word_that_was_cut_apart_is_read_again_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = [OcrLine("PEN", (330, 180, 960, 630), 1.0), OcrLine("N", (800, 270, 1090, 570), 1.0)]
    beside = [OcrLine("PEN", (330, 180, 800, 630), 1.0), OcrLine("N", (810, 270, 1090, 570), 1.0)]
    whole = [OcrLine("OPEN", (170, 140, 1130, 460), 0.97)]
    first: list[OcrLine] = apart

    def read_at(image: Image.Image, scale: float) -> list[Any]:
        return first if scale > 0.5 else whole

    monkeypatch.setattr(rapid, "_read_at", read_at)
    assert rapid.read_with_rapidocr(Image.new("RGB", (1200, 800))) == whole
    first = beside
    assert rapid.read_with_rapidocr(Image.new("RGB", (1200, 800))) == beside


def at(text: str, left: int, top: int, width: int = 40, height: int = 18) -> OcrLine:
    return OcrLine(text, (left, top, left + width, top + height), 0.9, top + height, 0.9)


def test_the_first_digits_of_rows_are_no_line_that_runs_down_the_picture() -> None:
    rows = [at(".15", 586, 30 * row) for row in range(3)]
    down = at("NON", 567, 0, 11, 78)
    assert without_columns([down, *rows]) == rows
    label = at("Height", 520, 0, 14, 78)  # of an axis
    assert without_columns([label, *rows]) == [label, *rows]
    assert without_columns([at("1", 567, 0, 11, 78), *rows])[0].text == "1"
    assert without_columns([]) == []


def test_a_number_whose_rest_stands_beside_its_point_is_one() -> None:
    read = with_whole_figures([at("17.", 581, 100, 33, 26), at("15", 617, 104, 22, 13), at("15", 617, 200)])
    assert [(line.text, line.box) for line in read] == [("17.15", (581, 100, 639, 126)), ("15", (617, 200, 657, 218))]
    apart = [at("3.", 20, 100), at("15", 120, 100)]  # a list's number, and something else
    assert with_whole_figures(apart) == apart


@pytest.mark.parametrize(
    ("text", "left", "top", "shown"),
    [
        ("IIO", 100, 80, "110"),
        ("II4", 100, 80, "114"),
        ("IIO", 300, 80, "IIO"),  # in no column of figures
        ("IIO", 100, 400, "IIO"),
        ("Old", 100, 80, "Old"),
        ("II", 100, 80, "II"),  # not of as many signs
    ],
)
def test_letters_that_look_like_digits_in_a_column_of_figures(text: str, left: int, top: int, shown: str) -> None:
    assert [line.text for line in with_whole_figures([at("807", 100, 40), at(text, left, top)])] == ["807", shown]
