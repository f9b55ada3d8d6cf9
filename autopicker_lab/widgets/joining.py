"""Models that join a lab from its panel: any server that speaks OpenAI's API, by its address, a name and a key."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.models import build
from autopicker_lab.widgets.parts import Job, PanelModel

if TYPE_CHECKING:
    from collections.abc import Callable

    from autopicker_lab.core import ModelSpec
    from autopicker_lab.workbench import Workbench


@dataclass
class JoiningModel(PanelModel):
    """The state of the box, without widgets.

    Attributes:
        on_joined: called with the name of a model that has joined.
    """

    lab: Workbench
    on_joined: Callable[[str], object] = lambda name: None

    def __post_init__(self) -> None:
        self.job = Job(self.notify)

    def join(self, endpoint: str, name: str, key: str = "") -> None:
        """Ask a server for a model in the background, which joins the lab where it would answer, for this kernel.

        Args:
            endpoint: where its API begins, which mostly ends in /v1.
            name: as the server calls the model; a wrong one brings the names that it has.
            key: that the server wants; "" for none. It is kept in no file.
        """
        self.message = ""

        def work() -> str:
            spec = _spec(endpoint, name, key)
            self.lab.submit(self.lab.catalogue.join(build(spec))).result()
            self.on_joined(spec.id)
            return f"{spec.id} has joined, until this kernel ends"

        if not self.job.running:
            self.job.start(work, "asking its server")


class JoiningBox:
    """The view: a button that shows three fields and another button.

    Args:
        on_joined: as of JoiningModel.
    """

    def __init__(self, lab: Workbench, on_joined: Callable[[str], object]):
        import ipywidgets as w

        self.model = model = JoiningModel(lab, on_joined)
        self.endpoint = _field("address", "http://localhost:8000/v1", w.Text, "22em")
        self.name = _field("model", "as its server calls it", w.Text, "18em")
        self.key = _field("key", "none", w.Password, "14em")
        self._given = "", ""  # an address, and the key for it
        self.add = w.Button(description="Add", layout=w.Layout(width="auto"))
        self.note = w.HTML()
        words = "vLLM, llama.cpp, any server with OpenAI's API"
        self.open = w.Button(description="Add a model", icon="plus", tooltip=words)
        self.open.layout = w.Layout(width="auto", align_self="flex-start")
        row = [self.endpoint, self.name, self.key, self.add, self.note]
        self.fields = w.HBox(row, layout=w.Layout(flex_flow="row wrap", align_items="center", display="none"))
        self.view = w.VBox([self.open, self.fields])  # not ipywidgets' Accordion, which no key opens
        self.open.on_click(lambda _: self._toggle())
        self.add.on_click(lambda _: self._join())
        model.listeners.append(self._draw)

    def _join(self) -> None:
        """Ask for the model, with the key that was given for this address, if any.

        Jupyter may save what fields hold, so a key stands in its own no longer than it must.
        """
        if key := self.key.value:
            self._given, self.key.value, self.key.placeholder = (self.endpoint.value, key), "", "as given before"
        elif self._given[0] != self.endpoint.value:
            self._given, self.key.placeholder = ("", ""), "none"
        self.model.join(self.endpoint.value, self.name.value, self._given[1])

    def _toggle(self) -> None:
        """Show the fields, or hide them."""
        is_hidden = self.fields.layout.display == "none"
        self.fields.layout.display, self.open.icon = ("flex", "minus") if is_hidden else ("none", "plus")

    def _draw(self) -> None:
        job = self.model.job
        self.add.disabled = job.running
        warning = "⚠ " if job.failed else ""
        self.note.value = f"<span role='status'>{warning}{escape(job.words)}</span>"


def _field(description: str, placeholder: str, kind: Any, width: str) -> Any:
    import ipywidgets as w

    style = {"description_width": "initial"}
    return kind(description=description, placeholder=placeholder, style=style, layout=w.Layout(width=width))


def _spec(endpoint: str, name: str, key: str) -> ModelSpec:
    """The entry of a model that somebody typed; InvalidRequestError says what to write instead."""
    from pydantic import ValidationError

    from autopicker_lab.settings import ModelConfig

    if not endpoint.strip() or not name.strip():
        hint = "the name is the server's own: one that it does not know brings the list of those it has"
        raise InvalidRequestError("an address and a name are needed", hint)
    try:
        return ModelConfig(name=name, type="openai", endpoint=endpoint, api_key=key or None).spec()
    except ValidationError as error:
        raise InvalidRequestError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None
