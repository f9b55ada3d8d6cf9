"""What of a request reaches llama.cpp, and what is refused before it."""

import asyncio
import threading
import time
from typing import Any

import pytest

from autopicker_lab.core import ChatRequest, ContextLengthError, InvalidRequestError, ModelSpec
from autopicker_lab.models.local import LocalModel
from autopicker_lab.models.local_admission import Admission
from autopicker_lab.models.local_options import llama_options


@pytest.fixture(scope="module")
def local() -> Any:
    return LocalModel(ModelSpec("small", "local"))


OTHERS: list[dict[str, Any]] = [
    {"grammar": "root ::= " + "(" * 25_000 + '"a"' + ")" * 25_000},
    {"n_cmpl": 2},
    {"n_predict": 500},
    {"id_slot": 3, "cache_prompt": True, "n_keep": 5, "t_max_predict_ms": 1},
    {"samplers": ["temperature"] * 5000, "sampler_seq": "k" * 5000},
    {"lora": [{"id": 0, "scale": 9}], "json_schema": {"type": "integer"}},
    {"chat_template_kwargs": {"a": 1}, "return_tokens": True, "post_sampling_probs": True, "n_probs": 1000},
    {"dry_multiplier": 1.0, "dry_sequence_breakers": [], "xtc_probability": 1, "mirostat": 2, "ignore_eos": True},
    {"response_fields": ["x"], "timings_per_token": True, "speculative.n_max": 9, "add_generation_prompt": False},
]


@pytest.mark.parametrize("options", OTHERS)
def test_other_fields_of_llama_cpp_do_not_reach_it(options: Any) -> None:
    assert llama_options(options) == {}


@pytest.mark.slow
@pytest.mark.fault("llama.cpp's own fields in a request (grammar, n_cmpl, n_predict ...)", "they do not reach it")
async def test_other_fields_of_llama_cpp_change_nothing(local: Any) -> None:
    options = {name: value for others in OTHERS for name, value in others.items()}
    plain = await local.complete(ChatRequest.of("Say hello.", options={"max_tokens": 6}))
    with_options = await local.complete(ChatRequest.of("Say hello.", options={"max_tokens": 6, **options}))
    assert with_options.text == plain.text
    assert with_options.usage.completion_tokens == plain.usage.completion_tokens == 6


@pytest.mark.parametrize(
    ("given", "reaches"),
    [
        ({"seed": -1}, {"seed": 2**32 - 1}),
        ({"seed": 2**63 + 5, "top_k": 4.0}, {"seed": (2**63 + 5) % (2**32 - 1), "top_k": 4}),
        ({"stop": "END"}, {"stop": ["END"]}),
        ({"stop": ["", "END"]}, {"stop": ["END"]}),
        ({"repetition_penalty": 1.2}, {"repeat_penalty": 1.2}),
        ({"logit_bias": {"11": -100}}, {"logit_bias": {"11": -100.0}}),
        ({"response_format": {"type": "json_object", "grammar": "x"}}, {"response_format": {"type": "json_object"}}),
        ({"tool_choice": "required", "parallel_tool_calls": True}, {}),
        ({"temperature": None, "stop": None}, {}),
    ],
)
def test_documented_options_reach_it_by_its_names(given: Any, reaches: Any) -> None:
    assert llama_options(given) == reaches


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("temperature", "hot"),
        ("temperature", float("nan")),
        ("temperature", float("inf")),
        ("temperature", True),
        ("top_p", 1.5),
        ("min_p", -1),
        ("top_k", 2**40),
        ("top_k", 1.5),
        ("seed", "x"),
        ("seed", 2**70),
        ("presence_penalty", 1e300),
        ("repeat_penalty", 0),
        ("stop", [1]),
        ("stop", {"a": 1}),
        ("stop", ["x"] * 1000),
        ("stop", "x" * 10_000),
        ("logit_bias", [[1, 2]]),
        ("logit_bias", {"hello": 1}),
        ("logit_bias", {"1": "x"}),
        ("logit_bias", {"-1": 1}),
        ("logit_bias", {str(i): 1 for i in range(5000)}),
        ("logprobs", 5),
        ("top_logprobs", 10_000),
        ("response_format", "json"),
        ("response_format", {"type": "xml"}),
        ("tool_choice", 3),
        ("parallel_tool_calls", "yes"),
    ],
)
def test_options_of_a_wrong_type_are_named(name: str, value: Any) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    with pytest.raises(InvalidRequestError, match=name) as refused:
        llama_options({"tools": [tool], name: value})
    assert refused.value.param
    assert refused.value.param.startswith(name)


async def test_token_ids_that_do_not_exist_do_no_harm(local: Any) -> None:
    request = ChatRequest.of("Say hello.", options={"max_tokens": 4, "logit_bias": {"9999999": 100, "1": -100}})
    assert (await local.complete(request)).text


def test_a_tool_choice_that_names_a_function_leaves_the_others_out() -> None:
    tools = [{"type": "function", "function": {"name": name, "parameters": {"type": "object"}}} for name in "ab"]
    made = llama_options({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "b"}}})
    assert made == {"tools": tools[1:], "tool_choice": "required"}
    with pytest.raises(InvalidRequestError, match="tool_choice"):
        llama_options({"tools": tools, "tool_choice": {"type": "function", "function": {"name": "c"}}})
    assert llama_options({"tools": [], "tool_choice": "required"}) == {}


@pytest.mark.fault("tools for a local model whose template has no place for them", "400")
async def test_tools_that_the_template_would_leave_out_are_refused(local: Any) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
    with pytest.raises(InvalidRequestError, match="no place for tools"):
        await local.complete(ChatRequest.of("hi", options={"tools": [tool]}))


@pytest.mark.parametrize("calls", [[None], "x", {"x": 1}, 5, [{"type": "function"}]])
async def test_malformed_calls_of_a_conversation_are_refused(local: Any, calls: Any) -> None:
    said = {"role": "assistant", "content": None, "tool_calls": calls}
    with pytest.raises(InvalidRequestError):
        await local.complete(ChatRequest.of([{"role": "user", "content": "hi"}, said], options={"max_tokens": 4}))


@pytest.mark.parametrize("kind", ["image_url", "input_audio", "file", "video_url"])
async def test_parts_other_than_text_are_refused(local: Any, kind: str) -> None:
    parts = [{"type": "text", "text": "look"}, {"type": kind, kind: {"url": "http://127.0.0.1:1/x", "data": ""}}]
    with pytest.raises(InvalidRequestError, match=kind):
        await local.complete(ChatRequest.of([{"role": "user", "content": parts}]))


@pytest.mark.parametrize(("asked", "reserved"), [(None, 1024), (-1, 8192), (0, 1024), (10**12, 8192), (7, 7)])
def test_an_answer_reserves_no_more_than_the_window(local: Any, asked: int | None, reserved: int) -> None:
    options = {} if asked is None else {"max_tokens": asked}
    assert local.body(ChatRequest.of("hi", options=options))["max_tokens"] == reserved


def test_a_prompt_far_beyond_the_window_is_not_even_counted(local: Any) -> None:
    with pytest.raises(ContextLengthError):
        local.body(ChatRequest.of("word " * 1_000_000))


@pytest.mark.slow
@pytest.mark.fault("four prompts for a local model that fit alone but not together", "each is answered")
async def test_prompts_that_fit_alone_but_not_together_are_all_answered() -> None:
    local = LocalModel(ModelSpec("small", "local", context_window=256))
    asked = [ChatRequest.of(f"{i} " + "word " * 120, options={"max_tokens": 6}) for i in range(4)]
    grown = ChatRequest.of("Count to one hundred.", options={"max_tokens": 150})
    replies = await asyncio.gather(*(local.complete(request) for request in (*asked, grown)))
    assert all(reply.usage.completion_tokens for reply in replies)
    await local.close()


def wait_in_thread(admission: Admission, tokens: int, admitted: list[int]) -> Any:
    ticket = admission.queue()

    def wait() -> None:
        if admission.wait(ticket, tokens):
            admitted.append(tokens)

    threading.Thread(target=wait, daemon=True).start()
    return ticket


def seen(admitted: list[int], wanted: list[int]) -> bool:
    for _ in range(200):
        if admitted == wanted:
            return True
        time.sleep(0.01)
    return False


def test_admission_keeps_the_order_the_tokens_and_the_places() -> None:
    admission, admitted = Admission(100, 3), list[int]()
    first = wait_in_thread(admission, 60, admitted)
    assert seen(admitted, [60])
    wait_in_thread(admission, 50, admitted)  # has to wait for the first
    small = wait_in_thread(admission, 10, admitted)  # would fit, but came later
    time.sleep(0.05)
    assert admitted == [60]
    admission.leave(first)
    assert seen(admitted, [60, 50, 10])
    wait_in_thread(admission, 10, admitted)
    assert seen(admitted, [60, 50, 10, 10])
    wait_in_thread(admission, 1, admitted)  # no place
    time.sleep(0.05)
    assert admitted == [60, 50, 10, 10]
    admission.leave(small)
    assert seen(admitted, [60, 50, 10, 10, 1])


def test_who_is_cancelled_leaves_the_queue_and_holds_until_it_has_stopped() -> None:
    admission, admitted = Admission(100, 4), list[int]()
    running = wait_in_thread(admission, 5000, admitted)  # more than there is: all of it
    assert seen(admitted, [5000])
    waiting = wait_in_thread(admission, 90, admitted)
    wait_in_thread(admission, 20, admitted)
    admission.cancel(waiting)
    admission.leave(waiting)
    admission.cancel(running)
    time.sleep(0.05)
    assert admitted == [5000]  # llama.cpp has not stopped it yet
    admission.leave(running)
    assert seen(admitted, [5000, 20])
