"""What models can do, and what becomes of a request that no model can do justice to."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from autopicker_lab.core import MissingCapabilityError, ModelSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

_OF_PROVIDERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "openai": frozenset({"files", "video", "functions"}),  # its server says itself what it makes of them
        "ollama": frozenset({"json"}),  # held to by a grammar, whatever the model
        "local": frozenset({"json"}),
    }
)
_FIELDS = {"tools": "tools", "functions": "functions", "json": "response_format"}  # where it is asked for
_CURES = {
    "image_urls": "send pictures as data URLs, or set image_urls in the model's entry",
    "files": "upload the file and name it in file_ids",
    "functions": "send tools in their place",
}


def abilities(spec: ModelSpec) -> frozenset[str]:
    """Its capabilities, and what follows from its provider and its configuration."""
    own = spec.capabilities | _OF_PROVIDERS.get(spec.provider, frozenset())
    return own | {"image_urls"} if spec.image_urls and "images" in own else own


def attainable(wanted: frozenset[str], specs: Iterable[ModelSpec]) -> tuple[frozenset[str], tuple[str, ...]]:
    """The wanted capabilities that some model has, and a warning for each that none has."""
    if not wanted:
        return wanted, ()
    available = frozenset().union(*(spec.capabilities for spec in specs))
    missing = sorted(wanted - available)
    return wanted & available, tuple(f"no available model can do '{name}': served without" for name in missing)


def missing_capability(specs: Sequence[ModelSpec], needed: frozenset[str]) -> MissingCapabilityError:
    """The error where no model has what a request needs; of several things the first that all models lack."""
    lacking = [name for name in sorted(needed) if not any(name in abilities(s) | s.unconfirmed for s in specs)]
    name = lacking[0] if lacking else min(needed)
    who = f"'{specs[0].id}' cannot" if len(specs) == 1 else "no model here can"
    what = f"'{name}'" if len(lacking) == 1 else ", ".join(f"'{n}'" for n in lacking or sorted(needed))
    hint = _CURES.get(name, f"ask a model that can, or name {what} in its capabilities")
    return MissingCapabilityError(f"{who} do {what}", hint, param=_FIELDS.get(name, "messages"))
