"""Prompts that are conversations: a list of messages, or JSON text of one, is read as the service reads a request."""

from __future__ import annotations

import ast
import json
from typing import TYPE_CHECKING, Any

from autopicker_lab.complexity import score
from autopicker_lab.core import AutopickerError, ChatRequest
from autopicker_lab.routing.earlier import earlier_questions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from autopicker_lab.core import Complexity

_BEGINNINGS = ("[", "{")


def as_prompt(cell: object) -> object:
    """A cell of a table's `prompt` as text: messages as JSON, one question alone as it is; all else unchanged.

    Messages are a list of OpenAI's objects, an object that holds them as `messages`, or JSON text of either.
    """
    messages = _messages(cell)
    if messages is None:
        return cell
    request = ChatRequest.of(messages)
    if len(messages) == 1 and request.messages[0].role == "user" and not request.image_urls:
        return request.question
    return json.dumps([message.to_openai() for message in request.messages], ensure_ascii=False)


def is_conversation(prompt: str) -> bool:
    """Whether a prompt of a table holds messages, not one question."""
    return prompt.startswith(_BEGINNINGS) and _messages(prompt) is not None


def request_of(prompt: str) -> ChatRequest:
    """The request that a prompt of a table stands for."""
    return ChatRequest.of(_messages(prompt) or prompt)


def question_of(prompt: str) -> str:
    """The text that estimates are made from: the last question of a conversation."""
    return request_of(prompt).question if prompt.startswith(_BEGINNINGS) else prompt


def with_question(prompt: str, question: str) -> str:
    """The prompt with another question; of a conversation, in place of its last one."""
    if not is_conversation(prompt):
        return question
    messages = [message.to_openai() for message in request_of(prompt).messages]
    asked = [message for message in messages if message["role"] == "user"]
    if asked:
        asked[-1]["content"] = question
    return json.dumps(messages, ensure_ascii=False)


def earlier_of(request: ChatRequest) -> list[tuple[str, Complexity]]:
    """The questions before the last one, each with its complexity, as the router weighs them."""
    return [(part.question, score(part)) for part in earlier_questions(request)]


def text_of(prompt: str) -> str:
    """All that is said in a prompt, without the marks of JSON: what alike prompts have alike."""
    if not prompt.startswith(_BEGINNINGS):
        return prompt
    return "\n\n".join(message.text for message in request_of(prompt).messages)


def _parsed(text: str) -> object:
    """JSON, or Python's own form, which spreadsheets of messages are often written in; None for neither."""
    for parse in (json.loads, ast.literal_eval):
        try:
            found: object = parse(text)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return found
    return None


def _messages(cell: object) -> Sequence[Any] | None:
    """The messages that a cell holds; None where it holds none that could be sent."""
    if isinstance(cell, str):
        if not cell.lstrip().startswith(_BEGINNINGS) or not any(mark in cell for mark in ('"role"', "'role'")):
            return None
        cell = _parsed(cell)
    found = cell.get("messages") if isinstance(cell, dict) else cell
    found = found.tolist() if hasattr(found, "tolist") else found  # Parquet gives arrays of objects
    if not isinstance(found, list | tuple) or not found:
        return None
    if not all(isinstance(message, dict) and "role" in message and "content" in message for message in found):
        return None
    try:
        ChatRequest.of(found)
    except AutopickerError:
        return None
    return found
