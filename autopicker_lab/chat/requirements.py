"""What a request asks of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autopicker_lab.routing import Requirements

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from autopicker_lab.chat.reader import Attachment
    from autopicker_lab.core import ChatRequest

_NEEDED_FOR = {"audio": "audio", "video": "video", "files": "files", "addresses": "image_urls"}  # by what messages hold
_NONE = frozenset[str]()
_JSON_SHAPES = ("json_object", "json_schema")


def requirements_of(request: ChatRequest, attachments: Sequence[Attachment]) -> Requirements:
    """The tokens and capabilities that a model must have for a request with these files."""
    options, answer = request.options, request.max_tokens
    least = min(answer or 256, 512)
    if not options and not request.media and not attachments:
        return Requirements(request.token_count, least, _NONE, answer, _NONE, "", request.tokens_by)
    wanted = set()
    if request.image_urls or any(a.category == "image" for a in attachments):
        wanted.add("images")
    needed = {_NEEDED_FOR[medium] for medium in request.media if medium in _NEEDED_FOR} if request.media else set()
    if options.get("tools") and options.get("tool_choice") != "none":
        needed.add("tools")
    if options.get("functions") and options.get("function_call") != "none":
        needed |= {"tools", "functions"}
    shape = options.get("response_format")
    if shape and isinstance(shape, Mapping) and shape.get("type") in _JSON_SHAPES:
        needed.add("json")
    held = _unheld(options, needed)
    return Requirements(
        request.token_count, least, frozenset(wanted), answer, frozenset(needed), held, request.tokens_by
    )


def _unheld(options: Mapping[str, Any], needed: Container[str]) -> str:
    """Why the answer has no signal of its quality: of a call of a tool, servers give no log-probabilities."""
    if "tools" in needed:
        return "an answer that may call tools is not held"
    if (options.get("n") or 1) > 1:
        return "several answers at once are not held"
    return "an answer in sound is not held" if options.get("audio") else ""
