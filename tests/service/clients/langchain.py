"""LangChain's ChatOpenAI against the service."""

import sys

from langchain_openai import ChatOpenAI

model = ChatOpenAI(base_url=sys.argv[1] + "/v1", api_key="none", model="m", max_retries=0)
answer = model.invoke("Say hello.")
assert answer.content.startswith("héllo"), answer
assert answer.usage_metadata["total_tokens"] == 8
assert "".join(str(chunk.content) for chunk in model.stream("Say hello.")) == answer.content
try:
    ChatOpenAI(base_url=sys.argv[1] + "/v1", api_key="none", model="gpt-9", max_retries=0).invoke("Hello")
except Exception as error:
    assert "unknown model" in str(error), error
else:
    raise AssertionError
print("LangChain works")
