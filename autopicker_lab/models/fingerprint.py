"""Fingerprints of what answers: equal where the same models, with the same settings and weights, would."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from autopicker_lab.core import ModelSpec


def fingerprint(specs: Iterable[ModelSpec], digests: Mapping[str, str]) -> str:
    """Sixteen hexadecimal digits of all that is known of some models: server, name there, options, prices, weights.

    Args:
        digests: of the weights, by model id, as servers tell them. Files of weights are told by size and time.
    """
    rows = [[*_values(spec), digests.get(spec.id, ""), *_file_state(spec)] for spec in specs]
    return hashlib.sha256(json.dumps(rows, default=_plain, sort_keys=True).encode()).hexdigest()[:16]


def _values(spec: ModelSpec) -> list[object]:
    return [getattr(spec, field.name) for field in fields(spec)]


def _file_state(spec: ModelSpec) -> tuple[int, ...]:
    if spec.provider != "local" or not spec.model:
        return ()
    try:
        state = Path(spec.model).expanduser().stat()
    except (OSError, ValueError):
        return ()
    return state.st_size, state.st_mtime_ns


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    return sorted(map(str, value)) if isinstance(value, Iterable) else str(value)
