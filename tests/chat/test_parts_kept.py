"""What of a message stays when files are put before it, or its pictures are read for a model that does not see."""

from pathlib import Path
from typing import Any

import pytest
from support.upstream import upstream

from autopicker_lab import Settings, Workbench, assets
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.settings import ModelConfig

SOUND: Any = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
FILE: Any = {"type": "file", "file": {"file_data": "data:application/pdf;base64,UklGRg==", "filename": "a.pdf"}}


def picture() -> Any:
    import base64

    data = base64.b64encode((assets.samples() / "sign.jpg").read_bytes()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}", "detail": "low"}}


@pytest.mark.parametrize("sees", [False, True])
@pytest.mark.parametrize("with_file", [False, True])
@pytest.mark.fault("sound beside a picture or a file", "it reaches the model as well")
async def test_every_part_reaches_the_model(samples: Path, sees: bool, with_file: bool) -> None:
    capabilities = {"text", "audio", *({"images"} if sees else set())}
    shown = picture()
    with upstream() as up:
        model = ModelConfig(name="m", type="openai", endpoint=up.url, capabilities=capabilities)
        with Workbench(Settings.load(models=(model,))) as lab:
            question = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, shown, SOUND, FILE]}]
            await lab.aask(question, [samples / "notes.txt"] if with_file else [])
            await lab.catalogue.close()
        content = up.bodies[-1]["messages"][-1]["content"]
    kinds = [part["type"] for part in content]
    assert sorted(kinds) == sorted(["text", "input_audio", "file", *(["image_url"] if sees else [])])
    assert SOUND in content
    assert FILE in content
    assert (shown in content) == sees
    text = content[0]["text"]
    assert "What is it?" in text
    assert ("[picture 1]" in text) != sees
    assert ("Fog bell" in text) == with_file


async def test_more_pictures_than_are_read_for_one_request() -> None:
    with upstream() as up:
        model = ModelConfig(name="m", type="openai", endpoint=up.url, capabilities={"text"})
        with Workbench(Settings.load(models=(model,))) as lab:
            with pytest.raises(InvalidRequestError, match="at most 50"):
                await lab.aask([{"role": "user", "content": [picture()] * 51}])
            await lab.catalogue.close()
