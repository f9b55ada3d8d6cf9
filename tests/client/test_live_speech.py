"""Speech while it is said, by each of the clients; a stand-in reads, a word for each second."""

import json
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import needs
from support.serving import free_port
from support.stenographer import served

from autopicker_lab import assets
from autopicker_lab.client import AsyncAutopickerClient, AutopickerClient, ServiceError, protocol
from autopicker_lab.extraction import open_source
from autopicker_lab.storage import KeyFile
from autopicker_lab.transcription.sound import RATE, Sound

HERE = Path(protocol.__file__).parent
STEP = RATE // 2


@pytest.fixture(scope="module")
def pieces() -> list[bytes]:
    """The announcement as 16-bit samples, half a second at a time."""
    blocks = Sound(open_source(assets.samples() / "announcement.wav")).blocks()
    samples = (np.concatenate([block.channels[0] for block in blocks]) * 32767).astype("<i2")
    return [samples[at : at + STEP].tobytes() for at in range(0, len(samples), STEP)]


@pytest.fixture(scope="module")
def service_with_key(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    home = tmp_path_factory.mktemp("home")
    secret, _ = KeyFile(home / "keys.json").create("app")
    with served(home) as address:
        yield address, secret


async def each(pieces: list[bytes]) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def check(told: list[Any]) -> None:
    settled = "".join(message["text"] for message in told if message["type"] == "settled")
    assert {message["type"] for message in told} == {"settled", "partial", "done"}
    assert told[-1]["type"] == "done"
    assert told[-1]["text"] == settled.strip()
    assert told[-1]["language"] == "de"
    assert settled.startswith(" word1 word2")


async def test_words_come_while_they_are_said(service_with_key: tuple[str, str], pieces: list[bytes]) -> None:
    with AutopickerClient(*service_with_key) as client:
        check(list(client.transcribe_live(pieces, rate=RATE, language="German")))
    async with AsyncAutopickerClient(*service_with_key) as awaited:
        check([message async for message in awaited.transcribe_live(each(pieces), rate=RATE, language="de-AT")])


async def test_what_fails_is_an_error_of_the_client(service_with_key: tuple[str, str], pieces: list[bytes]) -> None:
    address, _ = service_with_key

    def broken() -> Iterator[bytes]:
        yield pieces[0]
        raise FileNotFoundError("the microphone")

    async def broken_async() -> AsyncIterator[bytes]:
        yield pieces[0]
        raise FileNotFoundError("the microphone")

    with AutopickerClient(*service_with_key) as client:
        with pytest.raises(ServiceError, match="unknown format 'mp3'") as caught:
            list(client.transcribe_live(pieces, format="mp3"))
        assert caught.value.status == 400
        with pytest.raises(FileNotFoundError, match="the microphone"):
            list(client.transcribe_live(broken()))
        assert next(client.transcribe_live(pieces))["type"] in ("settled", "partial")  # and it is left
    async with AsyncAutopickerClient(*service_with_key) as awaited:
        with pytest.raises(FileNotFoundError, match="the microphone"):
            _ = [message async for message in awaited.transcribe_live(broken_async())]
        async with aclosing(awaited.transcribe_live(each(pieces))) as told:
            assert (await anext(told))["type"] in ("settled", "partial")
    with AutopickerClient(address) as client, pytest.raises(ServiceError, match="key") as caught:
        list(client.transcribe_live(pieces))
    assert caught.value.status == 401
    nobody = f"http://127.0.0.1:{free_port()}"
    with AutopickerClient(nobody) as client, pytest.raises(ServiceError, match="autopicker serve"):
        list(client.transcribe_live(pieces))
    async with AsyncAutopickerClient(nobody) as awaited:
        with pytest.raises(ServiceError, match="autopicker serve"):
            _ = [message async for message in awaited.transcribe_live(each(pieces))]


SCRIPT = """
import { readFileSync } from 'node:fs';
import { AutopickerClient } from %(module)s;
const client = new AutopickerClient(%(base)s, %(key)s);
const sound = readFileSync(%(sound)s);
function* pieces() { for (let at = 0; at < sound.length; at += 16000) yield sound.subarray(at, at + 16000); }
const told = [];
for await (const message of client.transcribeLive(pieces(), { rate: 16000, language: 'German' })) told.push(message);
const failed = async (options, live = client) => {
  try { for await (const message of live.transcribeLive(pieces(), options)) void message; }
  catch (error) { return [error.name, error.status]; }
};
const failures = [
  await failed({ format: 'mp3' }), await failed({ WebSocket: null }),
  await failed({}, new AutopickerClient(%(base)s)), await failed({}, new AutopickerClient(%(nobody)s)),
];
for await (const message of client.transcribeLive(pieces())) if (message.type !== 'done') break;
console.log(JSON.stringify({ told, failures }));
"""


@needs("node")
def test_words_come_while_they_are_said_in_javascript(
    service_with_key: tuple[str, str], pieces: list[bytes], tmp_path: Path
) -> None:
    address, key = service_with_key
    sound = tmp_path / "sound"
    sound.write_bytes(b"".join(pieces))
    nobody = f"http://127.0.0.1:{free_port()}"
    values = {
        "module": str(HERE / "autopicker.mjs"),
        "base": address,
        "key": key,
        "sound": str(sound),
        "nobody": nobody,
    }
    script = tmp_path / "live.mjs"
    script.write_text(SCRIPT % {name: json.dumps(value) for name, value in values.items()})
    node = ["node", "--experimental-websocket", str(script)]  # of no effect where it is usual
    done = subprocess.run(node, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    check(result["told"])
    assert result["failures"] == [["ServiceError", status] for status in (400, 0, 401, 0)]
