"""What whoever wrote a catalogue should know of it: names that clash, variables that are missing, figures not given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from autopicker_lab.core import ModelSpec


@dataclass(frozen=True)
class Note:
    """A remark on the catalogue.

    Attributes:
        is_fault: whether something does not work as it is written.
    """

    text: str
    is_fault: bool = False


def notes(specs: Sequence[ModelSpec]) -> list[Note]:
    """Remarks on the entries of a catalogue, faults first."""
    found = [*_clashes(specs), *(note for spec in specs for note in _of_one(spec))]
    return sorted(dict.fromkeys(found), key=lambda note: not note.is_fault)


def _clashes(specs: Sequence[ModelSpec]) -> Iterator[Note]:
    owners: dict[str, ModelSpec] = {}
    seen: list[ModelSpec] = []
    for spec in specs:
        if spec in seen:
            yield Note(f"'{spec.id}' is listed twice with the same server: one entry would do", is_fault=True)
        seen.append(spec)
        owners.setdefault(spec.id, spec)
        if spec.id.lower() == "auto":
            yield Note(f"'{spec.id}' cannot be asked by name: that name stands for routing", is_fault=True)
    for spec in specs:
        for alias in spec.aliases:
            owner = owners.setdefault(alias, spec)
            if owner.id != spec.id:
                text = f"the alias '{alias}' of '{spec.id}' is never reached: it stands for '{owner.id}'"
                yield Note(text, is_fault=True)


def _of_one(spec: ModelSpec) -> Iterator[Note]:
    for name in spec.unset:
        yield Note(f"'{spec.id}': ${{{name}}} is not set", is_fault=True)
    if spec.api_key and spec.api_key.startswith("$") and not spec.unset:
        yield Note(f"'{spec.id}': its api_key is sent as it stands: a variable is written ${{NAME}}", is_fault=True)
    if spec.sources.get("quality") == "assumed":
        yield Note(f"'{spec.id}': quality {spec.quality:g} is assumed: set 'quality', or tune a policy")
    for source, names in _by_source(spec):
        yield Note(f"'{spec.id}': {names} by {source}")


def _by_source(spec: ModelSpec) -> Iterable[tuple[str, str]]:
    sources: dict[str, list[str]] = {}
    for name, source in spec.sources.items():
        if source != "assumed":
            sources.setdefault(source, []).append(f"{name} {_shown(getattr(spec, name))}")
    named = {"known": "what is measured of it", "size in its name": "the size in its name"}
    return [(named.get(source, source), ", ".join(names)) for source, names in sources.items()]


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:.3g}"
