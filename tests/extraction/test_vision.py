"""Pictures as models that see are sent them."""

import io
from typing import Any

import numpy
import pytest
from PIL import Image, ImageCms, ImageDraw

from autopicker_lab.core import CorruptFileError, SourceFile, UnsupportedFileError, Vision
from autopicker_lab.extraction.vision import NOT_A_PICTURE, VisionPictures, prepare

VISION = Vision(formats=("jpg", "png", "webp"))
SECRET = b"GPS at home"
PHOTO = Image.fromarray(numpy.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype="uint8")).resize((600, 400))


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def opened(made: VisionPictures) -> list[Any]:
    """The pictures as they are sent, each checked: JPEG, PNG or WEBP, upright, eight bits, nothing but pixels."""
    pictures = [Image.open(io.BytesIO(file.data)) for file in made.files]
    for picture, file in zip(pictures, made.files, strict=True):
        assert file.kind == {"JPEG": "jpg", "PNG": "png", "WEBP": "webp"}[picture.format or ""]
        assert picture.mode in ("RGB", "RGBA", "L")
        assert not picture.getexif()
        assert not {"exif", "xmp", "icc_profile", "comment", "XML:com.adobe.xmp"} & set(picture.info)
        assert SECRET not in file.data
        assert max(picture.size) <= VISION.side
        picture.load()
    return pictures


def exif(orientation: int = 1) -> Image.Exif:
    made = Image.Exif()
    made[0x0112] = orientation
    made[0x8825] = {1: "N", 2: (53.0, 33.0, 0.0)}
    made[0x013B] = SECRET.decode()
    return made


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_a_picture_that_needs_nothing_goes_out_byte_for_byte(form: str) -> None:
    data = saved(PHOTO, form)
    made = prepare(data, "a", VISION, 20)
    assert [file.data for file in made.files] == [data]
    assert not made.changes
    assert prepare(saved(PHOTO, "JPEG", progressive=True), "a", VISION).changes == ()


def jpeg(**options: Any) -> bytes:
    return saved(PHOTO, "JPEG", **options)


PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
METADATA = {
    "EXIF in a JPEG": jpeg(exif=exif()),
    "EXIF in a PNG": saved(PHOTO, "PNG", exif=exif()),
    "EXIF in a WEBP": saved(PHOTO, "WEBP", exif=exif()),
    "XMP in a JPEG": jpeg(xmp=b"<x:xmpmeta>" + SECRET),
    "XMP in a WEBP": saved(PHOTO, "WEBP", xmp=b"<x:xmpmeta>" + SECRET),
    "a comment": jpeg(comment=SECRET),
    "a profile": saved(PHOTO, "PNG", icc_profile=PROFILE),
    "a damaged profile": saved(PHOTO, "PNG", icc_profile=SECRET * 9),
    "behind a JPEG": jpeg() + SECRET,
    "behind a PNG": saved(PHOTO, "PNG") + SECRET,
    "behind a WEBP": saved(PHOTO, "WEBP") + SECRET,
    "a second picture": jpeg() + jpeg(comment=SECRET),
}


@pytest.mark.parametrize("where", METADATA)
def test_metadata_never_go_out(where: str) -> None:
    made = prepare(METADATA[where], "a", VISION, 20)
    (picture,) = opened(made)
    assert picture.size == PHOTO.size
    assert "metadata removed" in made.changes
    assert numpy.abs(numpy.asarray(picture, float) - numpy.asarray(PHOTO, float)).mean() < 6


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_pictures_are_turned_upright(form: str) -> None:
    picture = Image.new("RGB", (300, 200), "white")
    picture.paste("red", (0, 0, 150, 200))
    (made,) = opened(prepare(saved(picture, form, exif=exif(6)), "a", VISION))
    assert made.size == (200, 300)
    assert made.getpixel((100, 20))[1] < 80  # what was left is above
    assert made.getpixel((100, 280))[1] > 200


def test_colours_are_made_srgb() -> None:
    wide = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    grey = Image.new("RGB", (50, 50), (200, 100, 50))
    assert opened(prepare(saved(grey, "PNG", icc_profile=wide.tobytes()), "a", VISION))  # of another kind of picture
    cmyk = Image.new("CMYK", (50, 50), (0, 255, 255, 0))
    (made,) = opened(prepare(saved(cmyk, "JPEG"), "a", VISION))
    assert made.getpixel((20, 20))[0] > 200
    deep = Image.fromarray(numpy.linspace(0, 65535, 10_000).astype("uint16").reshape(100, 100))
    (made,) = opened(prepare(saved(deep, "PNG"), "a", VISION))
    assert numpy.asarray(made.convert("L"))[-1, -1] > 250


@pytest.mark.parametrize("form", ["BMP", "TIFF", "GIF", "AVIF", "WEBP"])
def test_formats_that_a_server_may_not_take(form: str) -> None:
    made = prepare(saved(PHOTO, form), "a", Vision(formats=("jpg", "png")))
    assert made.files[0].kind == "png"
    assert opened(made)
    assert made.changes == (f"{form} made PNG",)


def test_a_large_picture_is_scaled_down_and_kept_within_the_bytes() -> None:
    (made,) = opened(prepare(saved(PHOTO.resize((3000, 2000)), "JPEG"), "a", VISION, 20))
    assert made.size == (1568, 1045)
    (made,) = opened(prepare(jpeg(), "a", Vision(side=100, formats=("jpg",))))
    assert made.size == (100, 67)
    grain = Image.fromarray(numpy.random.default_rng(0).integers(0, 255, (700, 700, 3), dtype="uint8"))
    made = prepare(saved(grain, "PNG"), "a", Vision(max_bytes=60_000, formats=("jpg", "png")))
    assert made.size <= 60_000
    assert opened(made)


def lined(width: int, height: int) -> Image.Image:
    picture = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(picture)
    for top in range(10, height - 20, 40):
        pen.rectangle((10, top, width - 10, top + 20), fill="black")
    return picture


def test_a_tall_screenshot_is_cut_between_its_lines() -> None:
    made = prepare(saved(lined(900, 10_000), "PNG"), "a", VISION, 20)
    tiles = opened(made)
    assert len(tiles) > 6
    assert {tile.width for tile in tiles} == {900}
    assert sum(tile.height for tile in tiles) >= 10_000
    edges = [tile.convert("L").crop((0, 0, 900, 1)).getextrema() for tile in tiles]
    assert "cut into" in made.changes[0]
    assert all(tile.height <= 1568 for tile in tiles)
    assert edges[0] == (255, 255)
    few = opened(prepare(saved(lined(900, 10_000), "PNG"), "a", VISION, 3))
    assert len(few) == 3
    assert sum(tile.height for tile in few) > 2.5 * 1300
    (whole,) = opened(prepare(saved(lined(900, 10_000), "PNG"), "a", VISION, 1))
    assert whole.size == (141, 1568)
    wide = opened(prepare(saved(lined(900, 5_000).rotate(90, expand=True), "PNG"), "a", VISION, 20))
    assert {tile.height for tile in wide} == {900}
    left = Image.new("RGB", (5_000, 900), "white")
    left.paste("black", (0, 0, 500, 900))
    sent = opened(prepare(saved(left, "PNG"), "a", VISION, 20))
    assert [tile.convert("L").getpixel((9, 9)) for tile in sent] == [0, *[255] * (len(sent) - 1)]  # from left to right


def animation(form: str, colours: list[str]) -> bytes:
    first, *others = [Image.new("RGB", (120, 80), colour) for colour in colours]
    return saved(first, form, save_all=True, append_images=others)


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "TIFF"])
def test_frames_that_differ_are_several_pictures(form: str) -> None:
    data = animation(form, ["red", "green", "blue", "white", "white"])
    shown = [picture.convert("RGB").getpixel((60, 40)) for picture in opened(prepare(data, "a", VISION, 20))]
    assert [max(range(3), key=colour.__getitem__) for colour in shown[:3]] == [0, 1, 2]
    assert len(shown) == 4
    assert len(opened(prepare(data, "a", VISION, 2))) == 2


def test_transparency() -> None:
    def written(ink: str) -> bytes:
        picture = Image.new("RGBA", (300, 200), (0, 0, 0, 0))
        ImageDraw.Draw(picture).rectangle((20, 20, 200, 100), fill=ink)
        return saved(picture, "PNG")

    assert prepare(written("black"), "a", VISION).files[0].data == written("black")
    (made,) = opened(prepare(written("white"), "a", VISION))
    assert made.getpixel((50, 50)) == (255, 255, 255)
    assert made.getpixel((5, 5)) == (0, 0, 0)


def test_what_is_cut_off_and_what_is_no_picture() -> None:
    made = prepare(jpeg()[:-3000], "a", VISION)
    assert opened(made)
    assert "cut off" in made.changes[0]
    for junk in (b"\x89PNG\r\n\x1a\n", bytes(range(256)), b"x"):
        assert prepare(junk, "a", VISION).changes == (NOT_A_PICTURE,)
        assert prepare(junk, "a", VISION).files[0].data == junk
    others = {
        b"<html><body>no</body></html>": "HTML",
        b"%PDF-1.4\n1 0 obj\n": "PDF",
        b"\0\0\0\x18ftypheic" + b"\0" * 99: "HEIC",
        b'<svg xmlns="http://www.w3.org/2000/svg"></svg>': "drawing",
    }
    for data, name in others.items():
        with pytest.raises(UnsupportedFileError, match=name):
            prepare(data, "a", VISION)
    with pytest.raises(CorruptFileError, match="megapixels"):
        prepare(saved(Image.new("1", (20_000, 20_000)), "PNG"), "a", VISION)


@pytest.mark.parametrize(("form", "mode"), [("PNG", "RGBA"), ("PNG", "RGB"), ("JPEG", "RGB"), ("WEBP", "RGBA")])
def test_a_large_picture_is_opened_smaller_and_looks_alike(form: str, mode: str) -> None:
    from autopicker_lab.extraction.raster import open_header, open_image
    from autopicker_lab.extraction.seen import seen_size

    picture = Image.linear_gradient("L").resize((5001, 3502)).convert(mode)
    exif = Image.Exif()
    exif[0x0112] = 6
    out = io.BytesIO()
    picture.save(out, form, exif=exif, **({"lossless": True, "method": 0} if form == "WEBP" else {}))
    file = SourceFile("x", out.getvalue(), "png")
    small, warnings = open_image(file, 2)
    assert (small.size, small.format, warnings) == ((2501, 1751), form, ())
    assert small.getexif()[0x0112] == 6
    assert seen_size(open_header(file).size, small) == (3502, 5001)
    middle = small.convert("RGB").getpixel((1250, 875))
    assert middle == pytest.approx(picture.convert("RGB").getpixel((2500, 1750)), abs=2)
    assert open_image(SourceFile("y", _saved_small(), "png"), 2)[0].size == (40, 30)


def _saved_small() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 30)).save(out, "PNG")
    return out.getvalue()
