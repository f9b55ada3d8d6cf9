"""Labelled questions: a JSONL file of what models are asked, and what is right."""

from __future__ import annotations

import difflib
import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import ChatRequest, InvalidRequestError
from autopicker_lab.grading import grade

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NEEDED = ("prompt_id", "prompt", "grader", "answer")
_KEYS = (*_NEEDED, "messages", "system", "task", "max_tokens", "temperature", "files", "tolerance")
_SLIP, _NEAR = 0.8, 0.6  # how alike two keys are where one is a slip of the other, and where it may be meant


@dataclass(frozen=True)
class Question:
    """A line of a labelled prompt set (JSONL).

    Attributes:
        prompt: the text that is asked; of a conversation, or with a system prompt, its messages as JSON.
        grader: one of grade.GRADERS, "judge", or a person's own ("my.py:function").
        answer: what the grader compares with: a text or a list of them, a number (with its tolerance), a letter, a
            pattern, a JSON schema, Python assertions, or a reference answer.
        max_tokens: the longest reply; None leaves it to the model.
        temperature: None leaves it to the model.
        messages: of a conversation, as OpenAI's objects; empty where `prompt` is all that is asked.
        files: what is read for the question, as paths.
        folder: where its file is, at which the paths of graders begin; None: here.
        unread: keys of its line that nothing reads.
    """

    prompt_id: str
    prompt: str
    grader: str
    answer: Any
    task: str = ""
    max_tokens: int | None = None
    temperature: float | None = None
    messages: tuple[Mapping[str, Any], ...] = ()
    files: tuple[Path, ...] = ()
    folder: Path | None = None
    unread: tuple[str, ...] = ()

    def request(self, model: str) -> ChatRequest:
        """What is asked of a model, without the files."""
        return ChatRequest.of(self.messages or self.prompt, model=model, options=self.options)

    @property
    def options(self) -> dict[str, Any]:
        """The settings that a model is asked with."""
        settings = {"max_tokens": self.max_tokens, "temperature": self.temperature}
        return {name: value for name, value in settings.items() if value is not None}

    @property
    def settings(self) -> dict[str, Any]:
        """What else decides how it is answered and graded, as a row of outcomes keeps it."""
        files = {"files": [path.name for path in self.files]} if self.files else {}
        return {"grader": self.grader, "answer": self.answer, **self.options, **files}


def read_questions(path: str | Path) -> list[Question]:
    """The questions of a JSONL file; InvalidRequestError names the line and what is wrong with it."""
    source = Path(path).expanduser()
    try:
        lines = source.read_text("utf-8-sig").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidRequestError(f"cannot read '{source}': {error}", "check the path") from None
    questions: dict[str, Question] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{source.name}, line {number}"
        try:
            question = _question(line, source.parent)
        except InvalidRequestError as error:
            raise InvalidRequestError(f"{where}: {error.detail}", error.hint) from None
        if question.prompt_id in questions:
            detail = f"{where}: prompt_id '{question.prompt_id}' came before"
            raise InvalidRequestError(detail, "give each question an id of its own")
        questions[question.prompt_id] = question
    if not questions:
        raise InvalidRequestError(f"'{source.name}' has no questions", "write one JSON object a line")
    return list(questions.values())


def unread_keys(questions: Sequence[Question]) -> str:
    """Which keys nothing reads, in words; "" where there are none."""
    told = []
    for name, count in Counter(name for question in questions for name in question.unread).most_common():
        near = difflib.get_close_matches(name, _KEYS, 1, _NEAR)
        told.append(f"'{name}' of {count:,} questions" + (f" (did you mean '{near[0]}'?)" if near else ""))
    return f"nothing reads {', '.join(told)}" if told else ""


def _question(line: str, folder: Path) -> Question:
    try:
        raw = json.loads(line)
    except ValueError as error:
        raise InvalidRequestError(f"not JSON: {error}", "write one JSON object a line") from None
    except RecursionError:
        raise InvalidRequestError("JSON within JSON, too deep", "write one flat JSON object a line") from None
    raw = raw if isinstance(raw, dict) else {}
    unread = _unread(raw)
    has = {**raw, "prompt": raw.get("prompt") or raw.get("messages")}
    if missing := [name for name in _NEEDED if not str(has.get(name, "")).strip() or has[name] in (None, [])]:
        raise InvalidRequestError(f"'{missing[0]}' is missing", f"needed: {', '.join(_NEEDED)}")
    prompt, messages = _asked(raw)
    answer = _answer(raw)
    grade.check_answer(str(raw["grader"]), answer, folder)
    return Question(
        prompt_id=str(raw["prompt_id"]),
        prompt=prompt,
        grader=str(raw["grader"]),
        answer=answer,
        task=str(raw.get("task") or ""),
        max_tokens=_max_tokens(raw.get("max_tokens")),
        temperature=_temperature(raw.get("temperature")),
        messages=messages,
        files=_files(raw.get("files"), folder),
        folder=folder,
        unread=unread,
    )


def _unread(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Keys that nothing reads; InvalidRequestError for one that looks like a slip of a key that is not there."""
    unread = [name for name in raw if name not in _KEYS]
    absent = [name for name in _KEYS if raw.get(name) in (None, "")]
    for name in unread:
        if near := difflib.get_close_matches(name, absent, 1, _SLIP):
            raise InvalidRequestError(f"unknown key '{name}'", f"did you mean '{near[0]}'?")
    return tuple(unread)


def _asked(raw: Mapping[str, Any]) -> tuple[str, tuple[Mapping[str, Any], ...]]:
    """The text of what is asked, and its messages where it is more than a text."""
    if raw.get("prompt") and raw.get("messages"):
        raise InvalidRequestError("it has both 'prompt' and 'messages'", "keep one of them")
    asked, system = raw.get("messages") or raw.get("prompt"), raw.get("system")
    if not isinstance(asked, list):
        asked = str(asked)
        if not system:
            return asked, ()
        asked = [{"role": "user", "content": asked}]
    if system:
        asked = [{"role": "system", "content": system}, *asked]
    ChatRequest.of(asked)  # refuses what is no message
    return json.dumps(asked, ensure_ascii=False), tuple(asked)


def _answer(raw: Mapping[str, Any]) -> Any:
    """What the grader compares with; a tolerance is a part of it."""
    if raw.get("tolerance") is None:
        return raw["answer"]
    if raw["grader"] != "numeric":
        raise InvalidRequestError("a 'tolerance' is for numbers", "use the grader 'numeric', or leave it out")
    several = raw["answer"] if isinstance(raw["answer"], list) else [raw["answer"]]
    return [{"value": value, "tolerance": raw["tolerance"]} for value in several]


def _max_tokens(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and value >= 1):
        return value
    raise InvalidRequestError("'max_tokens' must be a positive whole number", "correct it")


def _temperature(value: object) -> float | None:
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 2):
        return value
    raise InvalidRequestError("'temperature' must be a number from 0 to 2", "correct it")


def _files(value: object, folder: Path) -> tuple[Path, ...]:
    """Paths, relative to the folder of the questions."""
    names = [value] if isinstance(value, str) else value or []
    if not isinstance(names, list) or not all(isinstance(name, str) and name for name in names):
        raise InvalidRequestError("'files' must be a list of paths", "write 'files': ['report.pdf']")
    paths = tuple(folder / Path(name).expanduser() for name in names)
    for path in paths:
        if not path.is_file():
            raise InvalidRequestError(f"no file at '{path}'", f"paths of 'files' begin at '{folder}'")
    return paths
