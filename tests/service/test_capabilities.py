"""A request goes to a model that can do what it asks for; where there is none the caller is told."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from support.gateway import gateway, model
from support.upstream import FaultyUpstream, upstream

from autopicker_lab.core import ChatRequest, InvalidRequestError, Message
from autopicker_lab.core.parts import whole_data_url
from autopicker_lab.settings import ModelConfig

PATH = "/v1/chat/completions"
HELLO: Any = [{"role": "user", "content": "Say hello."}]
TOOL: Any = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
SCHEMA: Any = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}
SOUND: Any = {"type": "input_audio", "input_audio": {"data": "UklGRg==", "format": "wav"}}
VIDEO: Any = {"type": "video_url", "video_url": {"url": "data:video/mp4;base64,UklGRg=="}}
FILE: Any = {"type": "file", "file": {"file_data": "data:application/pdf;base64,UklGRg==", "filename": "a.pdf"}}
PIXEL = "data:image/png;base64,iVBORw0KGgo="


def named(name: str, url: str, **fields: Any) -> ModelConfig:
    return ModelConfig(name=name, type="openai", endpoint=url, **fields)


def with_parts(*parts: Any) -> Any:
    return [{"role": "user", "content": [{"type": "text", "text": "?"}, *parts]}]


def picture(url: Any) -> Any:
    return {"type": "image_url", "image_url": {"url": url}}


NEEDS = {
    "tools": {"messages": HELLO, "tools": [TOOL]},
    "json": {"messages": HELLO, "response_format": SCHEMA},
    "audio": {"messages": with_parts(SOUND)},
}


@pytest.fixture(scope="module")
def faulty() -> Iterator[FaultyUpstream]:
    with upstream() as running:
        yield running


@pytest.fixture(scope="module")
def base(faulty: FaultyUpstream) -> Iterator[str]:
    """Models at one upstream: one can do all but fetch, one reads only, of one nothing is said, one may fetch."""
    able = named("able", faulty.url, capabilities={"text", "images", "tools", "json", "audio"}, price_out=50.0)
    plain = named("plain", faulty.url, capabilities={"text"}, quality=0.9)
    silent = named("silent", faulty.url, quality=0.1)
    fetching = named("fetching", faulty.url, capabilities={"multimodal"}, image_urls=True, price_out=90.0)
    with gateway(able, plain, silent, fetching) as address:
        yield address


def ask(base: str, **body: Any) -> httpx.Response:
    return httpx.post(base + PATH, json=body, timeout=30)


@pytest.mark.parametrize("what", NEEDS)
def test_auto_chooses_a_model_that_can(base: str, what: str) -> None:
    answer = ask(base, **NEEDS[what]).json()
    assert answer["routing"]["selected_model"] == "able"
    assert "warnings" not in answer["routing"]


@pytest.mark.parametrize("what", NEEDS)
@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.fault("a model is named that cannot do what is asked (tools, json, audio)", "400 names what it cannot do")
def test_a_named_model_that_cannot_is_a_400(base: str, what: str, stream: bool) -> None:
    answer = ask(base, model="plain", stream=stream, **NEEDS[what])
    assert answer.status_code == 400
    assert f"'plain' cannot do '{what}'" in answer.json()["error"]["message"]
    assert answer.json()["error"]["code"] == "unsupported_capability"


@pytest.mark.parametrize("what", NEEDS)
def test_auto_without_any_model_that_can_is_a_400(faulty: FaultyUpstream, what: str) -> None:
    with gateway(model(faulty.url, capabilities={"text"})) as base:
        assert f"'{what}'" in ask(base, **NEEDS[what]).json()["error"]["message"]


@pytest.mark.parametrize("what", NEEDS)
def test_a_model_of_which_nothing_is_said_is_asked_and_the_analysis_says_so(faulty: FaultyUpstream, what: str) -> None:
    with gateway(model(faulty.url)) as base:
        answer = ask(base, **NEEDS[what])
        assert answer.status_code == 200
        assert f"'{what}'" in answer.json()["routing"]["warnings"][0]


def test_the_embedded_model_has_no_tools(service: str) -> None:
    answer = ask(service, model="smollm2-135m", **NEEDS["tools"])
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "tools")


@pytest.mark.parametrize("extra", [{"tools": []}, {"tools": None}, {"tools": [TOOL], "tool_choice": "none"}])
def test_tools_that_may_not_be_used_need_no_model_that_has_them(base: str, extra: Any) -> None:
    assert ask(base, messages=HELLO, model="plain", **extra).status_code == 200


@pytest.mark.parametrize("part", [VIDEO, FILE], ids=["video", "file"])
def test_what_only_some_servers_take_is_passed_on_to_these_alone(base: str, service: str, part: Any) -> None:
    assert ask(base, model="plain", messages=with_parts(part)).status_code == 200
    assert ask(service, model="smollm2-135m", messages=with_parts(part)).status_code == 400


ADDRESSES = [
    "http://169.254.169.254/latest/meta-data",
    "https://example.org/a.png",
    " HTTP://127.0.0.1:8001/health",
    "https://user:pass@10.0.0.1/",
]
NOT_ADDRESSES = [
    "file:///etc/passwd",
    "ftp://10.0.0.1/a.png",
    "FILE:/etc/passwd",
    "gopher://x",
    "//10.0.0.1/a.png",
    "/etc/passwd",
    "javascript:1",
    "",
    "data:,plain",
    "data:image/png;base64,",
    "data:image/png;base64,***",
    "data:image/png;base64,AAAAA",
    "http://a b/",
    "http://x/\n",
    None,
    7,
    {"a": 1},
]


def linked(kind: str, url: Any, bare: bool = False) -> Any:
    return {"type": kind, kind: url if bare else {"url": url}}


@pytest.mark.parametrize("url", ADDRESSES)
@pytest.mark.parametrize("kind", ["image_url", "video_url", "audio_url"])
@pytest.mark.parametrize("name", ["auto", "able", "plain", "silent"])
@pytest.mark.fault("a picture's address in a request (http)", "400, unless its model's entry says image_urls")
def test_no_address_reaches_an_upstream_that_may_not_fetch(
    base: str, faulty: FaultyUpstream, url: str, kind: str, name: str
) -> None:
    if name == "auto" and kind != "audio_url":
        assert ask(base, messages=with_parts(linked(kind, url))).json()["routing"]["selected_model"] == "fetching"
        return
    before = len(faulty.bodies)
    answer = ask(base, model=name, messages=with_parts(linked(kind, url)))
    assert (answer.status_code, len(faulty.bodies)) == (400, before)


@pytest.mark.parametrize("url", NOT_ADDRESSES, ids=str)
@pytest.mark.parametrize("kind", ["image_url", "video_url", "audio_url"])
@pytest.mark.parametrize("bare", [False, True])
@pytest.mark.fault("a picture that is a file, ftp or other address, or no base64", "400 for every model")
def test_nothing_else_is_taken_for_a_picture(base: str, url: Any, kind: str, bare: bool) -> None:
    if url == "http://x/\n":  # white space around it is not part of it
        return
    for name in ("fetching", "able"):
        assert ask(base, model=name, messages=with_parts(linked(kind, url, bare))).status_code == 400


OTHER_DOORS = [
    {"type": "input_image", "image_url": "http://10.0.0.1/a.png"},
    {"type": "input_file", "file_url": "http://10.0.0.1/a.pdf"},
    {"type": "file", "file": {"file_data": "http://10.0.0.1/a.pdf"}},
    {"type": "file", "file": {"file_url": "http://10.0.0.1/a.pdf"}},
    {"type": "file", "file": {}},
    {"type": "input_audio", "input_audio": {"data": "http://10.0.0.1/a.wav", "format": "wav"}},
    {"type": "input_audio", "input_audio": {}},
    {"type": "image", "source": {"type": "url", "url": "http://10.0.0.1/a.png"}},
    {"type": "document", "source": {"type": "url", "url": "file:///etc/passwd"}},
    {"type": "made_up", "url": "file:///etc/passwd"},
    {"image_url": {"url": "file:///etc/passwd"}},
]


@pytest.mark.parametrize("part", OTHER_DOORS, ids=str)
def test_no_other_part_is_a_way_around(base: str, part: Any) -> None:
    assert ask(base, model="able", messages=with_parts(part)).status_code == 400


def test_an_address_reaches_a_model_that_may_fetch(base: str, faulty: FaultyUpstream) -> None:
    assert ask(base, model="fetching", messages=with_parts(picture(ADDRESSES[1]))).status_code == 200
    assert faulty.bodies[-1]["messages"][0]["content"][1]["image_url"]["url"] == ADDRESSES[1]


DATA = bytes(range(256)) * 10
PLAIN = base64.b64encode(DATA).decode()
WRITTEN = {
    "wrapped": "\r\n".join(PLAIN[i : i + 76] for i in range(0, len(PLAIN), 76)) + "\n",
    "unpadded": base64.b64encode(DATA[:-1]).decode().rstrip("="),
    "for addresses": base64.urlsafe_b64encode(DATA).decode(),
    "escaped": PLAIN.replace("+", "%2B").replace("/", "%2F"),
    "plain": PLAIN,
}


@pytest.mark.parametrize("how", WRITTEN)
def test_base64_as_other_programs_write_it(base: str, faulty: FaultyUpstream, how: str) -> None:
    sent = with_parts(picture(f"data:image/png;base64,{WRITTEN[how]}"))
    sent[0]["content"].append({"type": "input_audio", "input_audio": {"data": WRITTEN[how], "format": "wav"}})
    assert ask(base, model="able", messages=sent).status_code == 200
    _, image, sound = faulty.bodies[-1]["messages"][0]["content"]
    head, _, data = image["image_url"]["url"].partition(",")
    assert head == "data:image/png;base64"
    for text in (data, sound["input_audio"]["data"]):
        assert base64.b64decode(text, validate=True) == (DATA[:-1] if how == "unpadded" else DATA)


def test_heads_of_data_urls_in_any_case_and_with_parameters() -> None:
    assert whole_data_url("DATA:image/PNG;charset=utf-8;BASE64,eA==").endswith(",eA==")
    with pytest.raises(ValueError, match="must be a data URL"):
        whole_data_url("data:image/png;base64" + "x" * 300 + ",eA==")


def test_parts_of_other_dialects_become_openais() -> None:
    content = [{"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": PIXEL, "detail": "low"}]
    message = Message.parse({"role": "user", "content": content})
    assert message.text == "a"
    assert message.content[1] == {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}
    assert ChatRequest((message,)).media == {"images"}
    with pytest.raises(InvalidRequestError, match=r"content\[0\].type"):
        Message.parse({"role": "user", "content": [{"type": "telepathy"}]})


def test_tools_and_calls_count_into_the_window(faulty: FaultyUpstream) -> None:
    small = named("small", faulty.url, capabilities={"text", "tools"}, context_window=2_000)
    large = named("large", faulty.url, capabilities={"text", "tools"}, context_window=50_000, price_out=50.0)
    many = [
        {"type": "function", "function": {"name": f"f{i}", "description": "It does this. " * 20}} for i in range(40)
    ]
    call = {
        "id": "c",
        "type": "function",
        "function": {"name": "f", "arguments": '{"text": "' + "word " * 2_000 + '"}'},
    }
    done = [{"role": "assistant", "tool_calls": [call]}, {"role": "tool", "tool_call_id": "c", "content": "yes"}]
    with gateway(small, large) as base:
        assert ask(base, messages=HELLO, tools=[TOOL]).json()["routing"]["selected_model"] == "small"
        assert ask(base, messages=HELLO, tools=many).json()["routing"]["selected_model"] == "large"
        assert ask(base, messages=[*HELLO, *done]).json()["routing"]["selected_model"] == "large"
        assert ask(base, messages=HELLO, tools=many, model="small").json()["error"]["code"] == "context_length_exceeded"


def test_a_model_that_may_fetch_pictures_sees(faulty: FaultyUpstream) -> None:
    with gateway(named("m", faulty.url, image_urls=True)) as base:
        assert ask(base, messages=with_parts(picture(ADDRESSES[1]))).status_code == 200
