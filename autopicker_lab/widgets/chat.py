"""Ask about a file and watch the answer come; stop it when it is enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from html import escape
from typing import Any

from autopicker_lab.core import AutopickerError, ChatReply
from autopicker_lab.core.show import html_text
from autopicker_lab.workbench import Workbench


@dataclass
class ChatModel:
    """The state of one question and its answer, without widgets."""

    lab: Workbench
    text: str = ""
    message: str = ""
    running: bool = False
    reply: ChatReply | None = None
    listeners: list[Callable[[], None]] = field(default_factory=list)
    _stopped: bool = False

    async def ask(self, question: str, file: str = "", model: str = "auto") -> None:
        """Stream an answer into `text`; a failure becomes `message`, with its next step."""
        self.text, self.message, self.reply, self.running, self._stopped = "", "", None, True, False
        self._tell()
        try:
            stream = await self.lab.stream(question, [file.strip()] if file.strip() else [], model=model)
            async with aclosing(stream):
                async for chunk in stream:
                    self.text += chunk.content
                    self._tell()
                    if self._stopped:
                        self.message = "stopped; what came until then is kept"
                        break
            self.reply = stream.reply
        except AutopickerError as error:
            self.message = str(error)
        finally:
            self.running = False
            self._tell()

    def stop(self) -> None:
        """End the running answer at its next piece."""
        self._stopped = True

    def _tell(self) -> None:
        for listener in self.listeners:
            listener()


class ChatPanel:
    """The chat in a notebook: `ChatPanel(lab)` as the last line of a cell."""

    def __init__(self, lab: Workbench, question: str = "", file: str = ""):
        import ipywidgets as w

        self.model = ChatModel(lab)
        wide = w.Layout(width="100%")
        names = ["auto", *(spec.id for spec in lab.catalogue.specs())]
        self.question = w.Textarea(question, description="question", layout=wide)
        self.file = w.Text(str(file), description="file", placeholder="path of a file, or nothing", layout=wide)
        self.choice = w.Dropdown(options=names, description="model")
        self.ask = w.Button(description="Ask", button_style="primary")
        self.stop = w.Button(description="Stop", disabled=True)
        self.answer = w.HTML()
        self.task: asyncio.Task[None] | None = None
        self.ask.on_click(lambda _: self._begin())
        self.stop.on_click(lambda _: self.model.stop())
        self.model.listeners.append(self._draw)
        buttons = w.HBox([self.choice, self.ask, self.stop])
        self.view = w.VBox([self.question, self.file, buttons, self.answer])

    def _begin(self) -> None:
        if not self.model.running and self.question.value.strip():
            question = self.model.ask(self.question.value, self.file.value, self.choice.value)
            self.task = asyncio.get_event_loop().create_task(question)

    def _draw(self) -> None:
        self.stop.disabled = not self.model.running
        self.ask.disabled = self.model.running
        reply = self.model.reply
        note = f"<p><em>{escape(self.model.message)}</em></p>" if self.model.message else ""
        self.answer.value = (reply._repr_html_() if reply else html_text(self.model.text)) + note

    def _repr_mimebundle_(self, **options: Any) -> Any:
        return self.view._repr_mimebundle_(**options)


async def show_stream(lab: Workbench, question: str, files: list[Any] | None = None, **options: Any) -> ChatReply:
    """Print an answer as it comes, in the output of a cell (`await show_stream(lab, "...", [path])`)."""
    from IPython.display import display

    model = ChatModel(lab)
    handle = display(display_id=True)
    stream = await lab.stream(question, files or [], **options)
    async for chunk in stream:
        model.text += chunk.content
        handle.update(_Html(html_text(model.text)))
    assert stream.reply is not None  # the stream has ended
    handle.update(stream.reply)
    return stream.reply


@dataclass
class _Html:
    text: str

    def _repr_html_(self) -> str:
        return self.text
