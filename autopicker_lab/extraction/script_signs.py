"""Raised and lowered text: Unicode's own characters for digits and signs, and how others are marked."""

from __future__ import annotations

_ON_THE_LINE = "0123456789+-−=()"
RAISED: dict[int, str | int] = dict(zip(map(ord, _ON_THE_LINE), "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾", strict=True))
LOWERED: dict[int, str | int] = dict(zip(map(ord, _ON_THE_LINE), "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))


def marked(sign: str, text: str) -> str:
    """Text after ^ or _, in braces where it is longer than a character, as TeX has it: x^{n+1}."""
    return f"{sign}{text}" if len(text) == 1 else f"{sign}{{{text}}}"
