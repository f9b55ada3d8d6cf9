"""Pictures in formats and states that their names do not tell: disguised, damaged beside their pixels, in frames."""

import io
import random
import struct
import warnings
import zlib
from base64 import b64encode
from collections.abc import Sequence
from contextlib import suppress

import pytest
from PIL import Image, ImageDraw, TiffImagePlugin

from autopicker_lab.core import CorruptFileError, SourceFile, Vision
from autopicker_lab.extraction import extract, image
from autopicker_lab.extraction.frames import distinct_frames, frames_at
from autopicker_lab.extraction.marking import page_of
from autopicker_lab.extraction.ocr import OcrLine, OcrResult
from autopicker_lab.extraction.picture_repair import repaired
from autopicker_lab.extraction.raster import DAMAGED, open_image, stored_size
from autopicker_lab.extraction.seen import to_rgb
from autopicker_lab.extraction.sniff import open_source
from autopicker_lab.extraction.vision import prepare


def bar(number: int, size: tuple[int, int] = (60, 30)) -> Image.Image:
    """A picture with a bar of its own."""
    picture = Image.new("RGB", size, "white")
    ImageDraw.Draw(picture).rectangle((4 * number, 5, 4 * number + 3, 20), "black")
    return picture


def saved(picture: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


@pytest.fixture
def told_by_bars(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reads of a picture where its bar stands, without an engine."""

    def read(picture: Image.Image, languages: Sequence[str] = ()) -> OcrResult:
        row = [picture.getpixel((x, 10)) for x in range(picture.width)]
        left = next((x for x, pixel in enumerate(row) if sum(pixel) < 200), None)  # type: ignore[arg-type]
        return OcrResult(() if left is None else (OcrLine(f"bar at {left}", (left, 5, left + 4, 20), 0.99),))

    monkeypatch.setattr("autopicker_lab.extraction.ocr.read_text", read)


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.gif", "a.pdf", "a.txt", "a.dat"])
@pytest.mark.parametrize("form", ["TIFF", "AVIF"])
@pytest.mark.usefixtures("told_by_bars")
def test_tiff_and_avif_are_read_under_any_name(form: str, name: str) -> None:
    document = extract(saved(bar(3), form), name=name)
    assert document.metadata["format"] == form
    assert document.text == "bar at 12"
    assert [form in warning for warning in document.warnings] == ([] if name == "a.dat" else [True])


@pytest.mark.parametrize(("form", "name"), [("TIFF", "a.tif"), ("TIFF", "a.tiff"), ("AVIF", "a.avif")])
def test_their_own_names_need_no_warning(form: str, name: str) -> None:
    assert open_source(saved(bar(3), form), name).warnings == ()


def test_what_a_server_sent_in_place_of_a_picture_is_read_as_what_it_is() -> None:
    for data, kind in ((b'{"error": "the link has expired"}', "json"), (b"Not found\n", "txt")):
        document = extract(data, name="a.jpg")
        assert document.kind == kind
        assert "named .jpg" in document.warnings[0]
    with pytest.raises(CorruptFileError, match="PNG"):
        extract(b"\x02\xd0\x02\xa0" + b"\xff" * 500, name="a.png")  # pixels, not text


def test_pages_of_a_tiff_are_read_as_of_a_scan(told_by_bars: None) -> None:
    data = saved(bar(1), "TIFF", save_all=True, append_images=[bar(n) for n in range(2, 11)])
    document = extract(data, name="fax.tif")
    assert [part.label for part in document.parts[:2]] == ["text in the picture", "text in page 2"]
    assert [part.text for part in document.parts] == [f"bar at {4 * n}" for n in range(1, 11)]


def test_a_turned_tiff_is_told_by_its_size_as_it_is_seen(told_by_bars: None) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x112] = 6
    document = extract(saved(bar(3).rotate(90, expand=True), "TIFF", tiffinfo=tags), name="a.tif")
    assert (document.metadata["width"], document.metadata["height"], document.text) == (60, 30, "bar at 12")


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_all_frames_that_differ_are_read(form: str, told_by_bars: None) -> None:
    frames = [bar(n) for n in (1, 2, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)]
    options = {"save_all": True, "append_images": frames[1:], "duration": 300}
    document = extract(saved(frames[0], form, **options), name="a.gif")
    assert [part.text for part in document.parts] == [f"bar at {4 * n}" for n in range(1, 13)]


def test_what_was_not_read_of_an_animation_is_told(told_by_bars: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image, "_MAX_FRAMES", 2)
    data = saved(bar(1), "WEBP", save_all=True, append_images=[bar(n) for n in range(2, 6)])
    assert extract(data, name="a.webp").warnings == ("5 frames, of which 5 differ: read 1, 5",)


def test_frames_that_are_too_many_are_chosen_to_the_last() -> None:
    frames = [bar(n, (400, 30)) for n in range(1, 61)]
    picture = Image.open(io.BytesIO(saved(frames[0], "GIF", save_all=True, append_images=frames[1:])))
    chosen = distinct_frames(picture, to_rgb(picture), 4)
    assert chosen.numbers == [1, 21, 40, 60]
    assert chosen.differ == 60
    assert [number for number, _ in frames_at(picture, frames[0], chosen.numbers)] == [1, 21, 40, 60]


def test_a_small_change_is_new_and_what_blinks_is_not() -> None:
    plain, cursor, word = bar(1, (1600, 900)), bar(1, (1600, 900)), bar(1, (1600, 900))
    ImageDraw.Draw(cursor).rectangle((500, 500, 501, 515), "black")
    ImageDraw.Draw(word).text((900, 500), "8", "black")
    frames = [cursor, plain, cursor, plain, word, plain, cursor]
    picture = Image.open(io.BytesIO(saved(plain, "PNG", save_all=True, append_images=frames)))
    assert distinct_frames(picture, to_rgb(picture), 24).numbers == [1, 2, 6]


def noise(seed: int, size: tuple[int, int]) -> Image.Image:
    """A picture that no format makes small."""
    return Image.frombytes("RGB", size, random.Random(seed).randbytes(3 * size[0] * size[1]))


@pytest.mark.parametrize("share", [0.4, 0.67, 0.9])
@pytest.mark.parametrize(("form", "kind"), [("GIF", "gif"), ("PNG", "png"), ("WEBP", "webp")])
def test_an_animation_that_is_cut_off_is_read_to_its_last_whole_frame(
    form: str, kind: str, share: float, told_by_bars: None
) -> None:
    light = noise(0, (60, 30)).point(lambda level: 128 + level // 2)
    frames = [Image.composite(light, bar(n), Image.new("L", (60, 30), 60)) for n in range(1, 9)]
    data = saved(frames[0], form, save_all=True, append_images=frames[1:], duration=300)
    document = extract(data[: int(len(data) * share)], name=f"a.{kind}")
    assert document.parts[0].text == "bar at 4"
    assert 1 <= len(document.parts) < 8
    assert document.warnings.count(DAMAGED) == 1


@pytest.mark.parametrize(
    ("form", "frames"),
    [("GIF", 1), ("GIF", 3), ("PNG", 1), ("PNG", 3), ("WEBP", 1), ("WEBP", 3), ("JPEG", 1), ("BMP", 1)],
)
def test_what_is_cut_off_anywhere_is_refused_or_told(form: str, frames: int) -> None:
    first, *others = (noise(n, (8, 7)) for n in range(frames))
    data = saved(first, form, **({"save_all": True, "append_images": others} if others else {}))
    assert open_image(SourceFile("a", data, "png"))[1] == ()
    for cut in range(1, len(data)):
        with suppress(CorruptFileError):
            assert open_image(SourceFile("a", data[:cut], "png"))[1] == (DAMAGED,), cut


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP", "JPEG"])
def test_what_stands_behind_the_end_of_a_picture_does_not_make_it_damaged(form: str) -> None:
    thumbnail = saved(noise(1, (8, 8)), "JPEG")[:-2]
    exif = {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0" + thumbnail} if form == "JPEG" else {}
    data = saved(noise(0, (20, 20)), form, **exif)
    assert open_image(SourceFile("a", data + b"\0" * 50, "png"))[1] == ()


def test_an_animation_with_fewer_frames_than_it_counts_is_told() -> None:
    data = saved(bar(1), "PNG", save_all=True, append_images=[bar(2), bar(3)])
    cut = data.rindex(b"fcTL") - 4
    assert open_image(SourceFile("a.png", data[:cut] + data[-12:], "png"))[1] == (DAMAGED,)


def png_with(kind: bytes, body: bytes, checksum_error: int) -> bytes:
    data = saved(bar(3), "PNG")
    end = 8 + 12 + 13
    chunk = struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body) ^ checksum_error)
    return data[:end] + chunk + data[end:]


@pytest.mark.parametrize(
    ("kind", "body", "checksum_error"),
    [
        (b"tEXt", b"Comment\0by hand", 1),
        (b"eXIf", b"II*\0\x08\0\0\0\0\0", 1),
        (b"eXIf", b"II", 0),
        (b"gAMA", b"\0\0\xb1\x8f", 1),
        (b"gAMA", b"\0", 0),
        (b"iCCP", b"x\0\0nonsense", 0),
        (b"zTXt", b"Comment\0\0" + zlib.compress(bytes(3_000_000)), 0),
    ],
)
@pytest.mark.usefixtures("told_by_bars")
def test_chunks_beside_the_pixels_refuse_no_picture(kind: bytes, body: bytes, checksum_error: int) -> None:
    data = png_with(kind, body, checksum_error)
    document = extract(data, name="a.png")
    assert (document.text, document.warnings) == ("bar at 12", ())
    assert stored_size(SourceFile("a.png", data, "png")) == (60, 30)
    sent = prepare(data, "a.png", Vision(formats=("png",)))
    assert sent.files[0].data == saved(Image.open(io.BytesIO(sent.files[0].data)), "PNG")


def test_of_a_webp_cut_off_what_is_there_is_read() -> None:
    picture = bar(3, (400, 400))
    ImageDraw.Draw(picture).ellipse((50, 200, 350, 390), "navy")
    data = saved(picture, "WEBP", quality=80)
    opened, warned = open_image(SourceFile("a.webp", data[: len(data) * 6 // 10], "webp"))
    assert opened.size == (400, 400)
    assert warned == (DAMAGED,)
    assert to_rgb(opened).getpixel((13, 10)) < (80, 80, 80)
    assert repaired(data) == (data, False)


def test_damaged_exif_is_left_out_without_a_word() -> None:
    data = saved(bar(3), "JPEG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff" + b"\xff" * 40)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        picture, _ = open_image(SourceFile("a.jpg", data, "jpg"))
        assert to_rgb(picture).size == (60, 30)
        assert image._exif(picture, place=True) == {}


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_is_made_upright(orientation: int) -> None:
    exif = Image.Exif()
    exif[0x112] = orientation
    stored = Image.effect_noise((20, 12), 90).convert("RGB")
    picture = Image.open(io.BytesIO(saved(stored, "PNG", exif=exif)))
    from PIL import ImageOps

    assert to_rgb(picture).tobytes() == ImageOps.exif_transpose(picture).tobytes()


@pytest.mark.usefixtures("told_by_bars")
@pytest.mark.parametrize("before", [b"\r\n", b"\xef\xbb\xbf\n", b"letters", b"data:image/png;base64,"])
def test_a_picture_that_a_careless_server_wrapped_is_unwrapped(before: bytes) -> None:
    sound = saved(bar(3), "PNG")
    wrapped = before.removeprefix(b"letters") + (sound if before.isspace() or before[0] > 127 else b64encode(sound))
    file = open_source(wrapped, "a.png")
    assert (file.kind, file.data) == ("png", wrapped)  # what was sent is kept
    document = extract(file)
    assert (document.metadata["width"], len(document.warnings)) == (60, 1 + len(extract(sound, name="a.png").warnings))
    assert any("picture" in warning for warning in document.warnings)
    sent = prepare(wrapped, "a.png", Vision())
    assert sent.changes[0] == document.warnings[0]
    assert [stored_size(one) for one in sent.files] == [(60, 30)]
    shown = page_of(file, 1, 50)
    assert shown is not None
    assert shown.size == (50, 25)


def test_letters_under_the_name_of_a_picture_are_no_picture() -> None:
    for text in (b"c29tZSB0ZXh0IHRoYXQgaXMgbm8gcGljdHVyZQ==", b"Not found", b"data:image/png;base64,AAAA"):
        assert open_source(text, "a.png").kind == "txt"


@pytest.mark.fault("millions of blanks under a picture's name", "read as text at once")
def test_blanks_under_the_name_of_a_picture_cost_no_more_than_they_are() -> None:
    for letters in (b"A" + b" " * 4_000_000 + b"!", b"A " * 2_000_000 + b"'" + b" " * 1_000_000 + b"!"):
        assert open_source(letters, "a.png").kind == "txt"
