"""What of the pictures of a request reaches the server of a model that sees, bytes decoded and looked at."""

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image
from support.upstream import upstream

from autopicker_lab import Settings, Workbench
from autopicker_lab.core import InvalidRequestError, UnsupportedFileError
from autopicker_lab.extraction import open_source
from autopicker_lab.settings import ModelConfig

SECRET = b"somebody's camera"


def saved(picture: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, form, **options)
    return out.getvalue()


def photograph() -> bytes:
    """Large, stored lying, with a place, an owner and XMP; its upper half is red when it is upright."""
    picture = Image.new("RGB", (2400, 1600), "white")
    picture.paste("red", (0, 0, 1200, 1600))
    exif = Image.Exif()
    exif[0x0112], exif[0xA430], exif[0x8825] = 6, SECRET.decode(), {1: "N", 2: (53.0, 33.0, 0.0)}
    return saved(picture, "JPEG", exif=exif, xmp=SECRET)


def image(data: bytes, media_type: str = "image/jpeg", **fields: Any) -> Any:
    url = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    return {"type": "image_url", "image_url": {"url": url, **fields}}


def asked(*parts: Any) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]}]


class Server:
    """A lab with one model that sees, and what its server was sent."""

    def __init__(self, lab: Workbench, bodies: list[dict[str, Any]]):
        self.lab, self.bodies = lab, bodies

    async def ask(self, messages: Any, files: Any = ()) -> Any:
        reply = await self.lab.aask(messages, files)
        await self.lab.catalogue.close()
        return reply

    @property
    def sent(self) -> list[bytes]:
        """The pictures of the last request."""
        found = []
        for message in self.bodies[-1]["messages"]:
            found += [base64.b64decode(data) for data in message.get("images", ())]
            for part in message["content"] if isinstance(message["content"], list) else ():
                if part["type"] == "image_url":
                    head, _, data = part["image_url"]["url"].partition(";base64,")
                    found.append(base64.b64decode(data))
                    form = Image.open(io.BytesIO(found[-1])).format
                    assert head == f"data:image/{str(form).lower()}"
        return found


@contextmanager
def serving(kind: str, fake_ollama: Any, **fields: Any) -> Iterator[Server]:
    fake, address = fake_ollama
    with upstream() as up:
        url = address if kind == "ollama" else up.url
        model = ModelConfig(
            name="eye", type=kind, endpoint=url, model="llama3.2", capabilities={"text", "images"}, **fields
        )
        with Workbench(Settings.load(models=(model,))) as lab:
            yield Server(lab, fake.requests if kind == "ollama" else up.bodies)


@pytest.mark.parametrize("kind", ["openai", "ollama"])
@pytest.mark.parametrize("way", ["upload", "data URL"])
async def test_one_way_for_uploads_and_data_urls(fake_ollama: Any, kind: Any, way: str) -> None:
    with serving(kind, fake_ollama) as server:
        if way == "upload":
            reply = await server.ask("What is it?", [open_source(photograph(), "a.jpg")])
        else:
            reply = await server.ask(asked(image(photograph())))
        (data,) = server.sent
    picture = Image.open(io.BytesIO(data))
    assert picture.size == (1045, 1568)
    assert picture.convert("RGB").getpixel((500, 100))[1] < 50  # upright
    assert not picture.getexif()
    assert SECRET not in data
    (warning,) = reply.context.warnings
    assert warning.startswith("a.jpg: " if way == "upload" else "picture 1: ")
    for change in ("turned upright", "metadata removed", "scaled down to 1045 x 1568"):
        assert change in warning


@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_what_needs_nothing_goes_out_byte_for_byte(fake_ollama: Any, kind: Any) -> None:
    data = saved(Image.new("RGB", (300, 200), "teal"), "PNG")
    with serving(kind, fake_ollama) as server:
        reply = await server.ask(asked(image(data, "image/png", detail="high")))
        assert server.sent == [data]
        if kind == "openai":
            assert server.bodies[-1]["messages"][0]["content"][1] == image(data, "image/png", detail="high")
    assert reply.context.warnings == ()


async def test_the_type_is_named_as_it_is(fake_ollama: Any) -> None:
    data = saved(Image.new("RGB", (300, 200), "teal"), "PNG")
    with serving("openai", fake_ollama) as server:
        await server.ask(asked(image(data, "image/jpeg", detail="low")))
        assert server.sent == [data]
        assert server.bodies[-1]["messages"][0]["content"][1]["image_url"]["detail"] == "low"


@pytest.mark.parametrize("kind", ["openai", "ollama"])
async def test_vision_raw_passes_all_as_it_came(fake_ollama: Any, kind: Any) -> None:
    data = saved(Image.new("RGB", (300, 200), "teal"), "JPEG", comment=SECRET)
    with serving(kind, fake_ollama, vision="raw") as server:
        reply = await server.ask(asked(image(data)), [open_source(data, "a.jpg")])
        assert server.sent == [data, data]
    assert not reply.context.warnings


async def test_tiles_and_frames_stay_within_the_models_limit(fake_ollama: Any) -> None:
    tall = image(saved(Image.new("RGB", (900, 10_000), "white"), "PNG"), "image/png", detail="auto")
    low = image(saved(Image.new("RGB", (900, 10_000), "white"), "PNG"), "image/png", detail="low")
    frames = [Image.new("RGB", (90, 60), colour) for colour in ("red", "green", "blue", "white")]
    moving = image(saved(frames[0], "GIF", save_all=True, append_images=frames[1:]), "image/gif")
    with serving("openai", fake_ollama, vision={"pictures": 6}) as server:
        reply = await server.ask(asked(tall, moving))
        assert len(server.sent) == 6
        assert "cut into 3 pictures" in reply.context.warnings[0]
        assert "3 of 4 frames" in reply.context.warnings[1]
        parts = server.bodies[-1]["messages"][0]["content"]
        assert [part["image_url"].get("detail") for part in parts[1:]] == ["auto"] * 3 + [None] * 3
        await server.ask(asked(low))
        assert len(server.sent) == 1


async def test_the_earliest_pictures_give_way(fake_ollama: Any) -> None:
    shades = [saved(Image.new("RGB", (30, 20), (i, i, i)), "PNG") for i in range(4)]
    with serving("openai", fake_ollama, vision={"pictures": 2}) as server:
        reply = await server.ask(asked(*[image(data, "image/png") for data in shades]))
        assert server.sent == shades[2:]
        assert {"type": "text", "text": "[picture 1 left out]"} in server.bodies[-1]["messages"][0]["content"]
    assert reply.context.warnings == ("the first 2 pictures left out: the model takes 2",)


async def test_bounds_of_the_catalogue(fake_ollama: Any) -> None:
    data = saved(Image.effect_noise((900, 600), 200).convert("RGB"), "WEBP")
    bounds = {"side": 400, "max_bytes": 20_000, "formats": ["jpg"]}
    with serving("openai", fake_ollama, vision=bounds) as server:
        await server.ask(asked(image(data, "image/webp")))
        (sent,) = server.sent
    assert Image.open(io.BytesIO(sent)).format == "JPEG"
    assert len(sent) <= 20_000
    assert max(Image.open(io.BytesIO(sent)).size) <= 400


async def test_a_picture_is_made_once_for_a_conversation(fake_ollama: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving("openai", fake_ollama) as server:
        await server.lab.aask(asked(image(photograph())))
        first = server.sent
        monkeypatch.setattr(server.lab.reader, "_work", None)  # would fail if it were called
        await server.ask([*asked(image(photograph())), {"role": "assistant", "content": "Red."}, *asked()])
        assert server.sent == first


async def test_what_is_no_picture_is_told_by_what_it_is(fake_ollama: Any) -> None:
    with serving("openai", fake_ollama) as server:
        with pytest.raises(UnsupportedFileError, match="'picture 2' is no picture but PDF"):
            await server.lab.aask(asked(image(photograph()), image(b"%PDF-1.4\n1 0 obj\n", "application/pdf")))
        bomb = saved(Image.new("1", (20_000, 20_000)), "PNG")
        with pytest.raises(InvalidRequestError, match="megapixels"):
            await server.ask(asked(image(bomb, "image/png")))
        assert not server.bodies


def test_settings_refuse_what_no_photograph_could_be_made_as() -> None:
    with pytest.raises(ValueError, match="jpg"):
        ModelConfig(name="m", type="ollama", vision={"formats": ["png"]})
