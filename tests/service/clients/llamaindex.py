"""LlamaIndex's OpenAILike against the service."""

import sys

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai_like import OpenAILike

model = OpenAILike(api_base=sys.argv[1] + "/v1", api_key="none", model="m", is_chat_model=True, max_retries=0)
messages = [ChatMessage(role="user", content="Say hello.")]
answer = model.chat(messages)
assert answer.message.content.startswith("héllo"), answer
assert "".join(piece.delta or "" for piece in model.stream_chat(messages)) == answer.message.content
print("LlamaIndex works")
