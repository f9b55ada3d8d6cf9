"""openai-python against the service: the current line or, where its bounds are changed, the 1.x one."""

import sys

import openai

base, kind = sys.argv[1:3]
assert openai.__version__.startswith("1.") == kind.endswith("<2"), openai.__version__
hello = [{"role": "user", "content": "Say hello."}]
tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
shape = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object"}}}

for path in ("/v1", "/api/v1"):
    client = openai.OpenAI(base_url=base + path, api_key="none", max_retries=0)
    whole = client.chat.completions.create(model="auto", messages=hello)
    assert whole.choices[0].message.content.startswith("héllo"), whole
    assert whole.usage.total_tokens == 8
    stream = client.chat.completions.create(
        model="m", messages=hello, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices) == whole.choices[0].message.content
    assert chunks[-1].usage.completion_tokens == 5
    client.chat.completions.create(model="m", messages=hello, tools=[tool], response_format=shape)
    answer = client.responses.create(model="m", input="Say hello.")
    with client.responses.stream(model="m", input="And again.", previous_response_id=answer.id) as events:
        kinds = [event.type for event in events]
        assert (kinds[0], kinds[-1]) == ("response.created", "response.completed")
        assert events.get_final_response().output_text == answer.output_text == whole.choices[0].message.content
    assert client.completions.create(model="m", prompt="Say hello.").choices[0].text == answer.output_text
    assert {"auto", "m"} <= {model.id for model in client.models.list()}
    with open(sys.argv[3], "rb") as sound:
        assert client.audio.transcriptions.create(model="whisper-1", file=sound).text
    for wrong, error in (
        ({"model": "gpt-9", "messages": hello}, openai.NotFoundError),
        ({"model": "m", "messages": []}, openai.BadRequestError),
        ({"model": "m", "messages": [{"role": "robot", "content": "x"}]}, openai.BadRequestError),
    ):
        try:
            client.chat.completions.create(**wrong)
        except error as raised:
            assert raised.body["message"], raised
        else:
            raise AssertionError(wrong)
print(f"{kind}: openai {openai.__version__} works")
