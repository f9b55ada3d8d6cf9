"""litellm, as a client, against the service."""

import sys

import litellm

options = {"model": "openai/m", "api_base": sys.argv[1] + "/v1", "api_key": "none"}
hello = [{"role": "user", "content": "Say hello."}]
answer = litellm.completion(messages=hello, **options)
assert answer.choices[0].message.content.startswith("héllo"), answer
pieces = litellm.completion(messages=hello, stream=True, **options)
assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == answer.choices[0].message.content
print("litellm works")
