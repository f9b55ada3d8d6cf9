"""Unicode's own characters for raised and lowered digits and signs, by those on the line."""

_ON_THE_LINE = "0123456789+-−=()"
RAISED: dict[int, str | int] = dict(zip(map(ord, _ON_THE_LINE), "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾", strict=True))
LOWERED: dict[int, str | int] = dict(zip(map(ord, _ON_THE_LINE), "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎", strict=True))
