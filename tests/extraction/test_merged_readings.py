"""What becomes of a line that two engines read: letters of the surer one, spaces of the one that sees them."""

import pytest
from PIL import Image

from autopicker_lab.extraction.ocr import rapid
from autopicker_lab.extraction.ocr.lines import OcrLine
from autopicker_lab.extraction.ocr.merging import (
    is_lost,
    is_sure_of,
    is_surer,
    read_doubtful_again,
    with_spaces,
)


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

    def read_places(image: Image.Image, boxes: list[tuple[int, int, int, int]]) -> list[tuple[str, float]]:
        asked.append(len(boxes))
        return [list(READINGS.values())[box[1] // 100] for box in boxes]

    monkeypatch.setattr(rapid, "has_rapid", lambda: True)
    monkeypatch.setattr(rapid, "read_places", read_places)
    return asked


def test_doubtful_lines_alone_are_read_again(again: list[int]) -> None:
    image = Image.new("RGB", (400, 400))
    sure = [line(f"line {i}", top=30 * i) for i in range(10)]
    made = read_doubtful_again(image, [*sure, line("Moming members", 0.85, 0), line("Rye bread", 0.8, 100)])
    assert made is not None
    assert [one.text for one in made[-2:]] == ["Morning members", "Rye bread"]  # the second stays, as both are unsure
    assert again == [2]


def test_a_picture_is_read_as_a_whole_where_much_is_doubtful_or_guessed(again: list[int]) -> None:
    image = Image.new("RGB", (400, 400))
    sure = [line(f"line {i}", top=30 * i) for i in range(10)]
    assert read_doubtful_again(image, [*sure, line("= NN BW", 0.45, 200)]) is None
    assert again == [1]
    assert read_doubtful_again(image, [sure[0], line("Moming members", 0.85), line("Rye bread", 0.8, 100)]) is None
    assert read_doubtful_again(image, [*sure, line("Moming members", 0.85), line(". 20")]) is None
    assert again == [1]  # not even asked
