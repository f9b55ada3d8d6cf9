"""Pictures that stand askew are turned level, and what is read is found where it stands in them."""

import pytest
from PIL import Image, ImageDraw, ImageFont

from autopicker_lab.extraction.ocr.tilt import size_level, tilt_of, tilted_back, turned_level


def rows(width: int = 700, height: int = 400, colour: str = "black") -> Image.Image:
    picture = Image.new("RGB", (width, height), "white" if colour == "black" else "black")
    font = ImageFont.load_default(22)
    for top in range(40, height - 60, 45):
        ImageDraw.Draw(picture).text((60, top), "Rye bread     3.20     4 pieces", font=font, fill=colour)
    return picture


@pytest.mark.parametrize("degrees", [-15, -6, -2, 2, 6, 15])
@pytest.mark.parametrize("colour", ["black", "white"])
def test_the_tilt_is_found(degrees: int, colour: str) -> None:
    askew = turned_level(rows(colour=colour), -degrees)
    assert tilt_of(askew) == pytest.approx(degrees, abs=0.5)


def test_what_stands_level_stays() -> None:
    assert tilt_of(rows()) == 0
    assert tilt_of(rows().rotate(90, expand=True)) == 0
    assert tilt_of(Image.new("RGB", (300, 200), "white")) == 0
    assert tilt_of(Image.effect_noise((300, 200), 80).convert("RGB")) == 0
    level = rows()
    assert turned_level(level, 0) is level


@pytest.mark.parametrize("degrees", [-11.0, 7.0])
def test_a_box_is_turned_back(degrees: float) -> None:
    picture = Image.new("RGB", (640, 400), "white")
    picture.paste("black", (100, 80, 130, 100))
    turned = turned_level(picture, degrees)
    seen = turned.point(lambda level: 255 - level).getbbox()
    assert seen is not None
    left, top, right, bottom = seen
    width, height = size_level(picture.size, degrees)
    box = tilted_back((left / width, top / height, right / width, bottom / height), picture.size, degrees)
    assert box == pytest.approx((100 / 640, 80 / 400, 130 / 640, 100 / 400), abs=0.03)
    assert tilted_back(box, picture.size, 0) is box
