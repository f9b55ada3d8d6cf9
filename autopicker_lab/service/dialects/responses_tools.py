"""The tools of OpenAI's Responses as those of its chats, and the way back from a call to the tool that was meant.

Agents send every tool that they know. Those that a function can stand for become functions: freeform (`custom`) tools,
and the tools of a `namespace`. What only OpenAI's own servers can run (web search, a code interpreter ...) is left out
and told in the answer's `ignored_tools`; where the request insists on such a tool, it is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autopicker_lab.service.dialects.fields import mapping, picked, sequence, string, wrong

_FREEFORM = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "the whole input of the tool, as it is"}},
    "required": ["input"],
}


class Meant(NamedTuple):
    """The tool behind a function: "function" or "custom", its name, and the namespace that it belongs to."""

    kind: str
    name: str
    namespace: str | None = None


@dataclass
class ToolBox:
    """The functions that a model is told of.

    Attributes:
        functions: as chats have them.
        meant: by the function's name, where that is not all there is to it.
        ignored: types of the tools that were left out.
    """

    functions: list[dict[str, Any]] = field(default_factory=list)
    meant: dict[str, Meant] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, raw: object) -> ToolBox:
        """The tools of a request."""
        box = cls()
        for i, tool in enumerate(sequence(raw, "tools")):
            box._add(mapping(tool, f"tools[{i}]"), f"tools[{i}]", None)
        return box

    def _add(self, tool: dict[str, Any], place: str, namespace: str | None) -> None:
        kind = string(tool.get("type"), f"{place}.type")
        if kind == "namespace" and namespace is None:
            name = string(tool.get("name"), f"{place}.name")
            for i, inner in enumerate(sequence(tool.get("tools"), f"{place}.tools")):
                self._add(mapping(inner, f"{place}.tools[{i}]"), f"{place}.tools[{i}]", name)
        elif kind in ("function", "custom"):
            inner = tool.get("function")
            about = inner if kind == "function" and isinstance(inner, dict) else tool  # some send the chats' form
            name = string(about.get("name"), f"{place}.name")
            known_as = self.known_as(name, namespace)
            function = {"name": known_as, **picked(about, ("description", "strict"))}
            parameters = about.get("parameters")
            if kind == "custom":
                function["parameters"] = _FREEFORM
            elif parameters is not None:
                function["parameters"] = mapping(parameters, f"{place}.parameters")
            self.functions.append({"type": "function", "function": function})
            if kind == "custom" or namespace:
                self.meant[known_as] = Meant(kind, name, namespace)
        elif kind not in self.ignored:
            self.ignored.append(kind)

    @staticmethod
    def known_as(name: str, namespace: str | None) -> str:
        """The name that a model knows a tool by."""
        if not namespace:
            return name
        return f"{namespace}{name}" if namespace.endswith("_") else f"{namespace}__{name}"

    def choice(self, raw: object) -> Any:
        """The `tool_choice` of a chat; None where there is none to make."""
        if raw is None or isinstance(raw, str):
            return self._plain_choice(raw or "auto")
        choice = mapping(raw, "tool_choice")
        kind = choice.get("type")
        if kind == "allowed_tools":
            allowed = sequence(choice.get("tools"), "tool_choice.tools")
            names = {tool.get("name") for tool in allowed if isinstance(tool, dict)}
            self.functions = [f for f in self.functions if self._name_of(f) in names]
            return self._plain_choice(choice.get("mode") or "auto")
        if kind not in ("function", "custom"):
            raise wrong(
                "tool_choice", f"asks for {str(kind)[:40]!r}, which no model here has", "offer it as a function"
            )
        inner = choice.get("function")
        name = string((inner if isinstance(inner, dict) else choice).get("name"), "tool_choice.name")
        for function in self.functions:
            if name in (self._name_of(function), function["function"]["name"]):
                return {"type": "function", "function": {"name": function["function"]["name"]}}
        raise wrong("tool_choice", f"names {name[:80]!r}, which is none of the tools", "add it to tools")

    def _plain_choice(self, choice: object) -> Any:
        if choice not in ("auto", "none", "required"):
            raise wrong("tool_choice", "must be auto, none, required or an object")
        if choice == "required" and not self.functions:
            raise wrong(
                "tool_choice", "is required, and there is no tool that a model here could call", "add a function"
            )
        return choice if self.functions else None

    def _name_of(self, function: dict[str, Any]) -> str:
        name: str = function["function"]["name"]
        return self.meant[name].name if name in self.meant else name

    def meant_by(self, name: str) -> Meant:
        """The tool that a call of a function means."""
        return self.meant.get(name) or Meant("function", name)
