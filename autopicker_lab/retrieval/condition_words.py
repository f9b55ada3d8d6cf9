"""The words of `conditions.tsv`: comparisons, exceptions, groups and months, a line for each language."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files

from autopicker_lab.retrieval.ngrams import fold


@lru_cache(1)
def _columns() -> dict[str, list[str]]:
    header, *lines = files(__package__).joinpath("conditions.tsv").read_text("utf-8").splitlines()
    names = header.split("\t")
    found: dict[str, list[str]] = {name: [] for name in names}
    for line in lines:
        for name, cell in zip(names, line.split("\t"), strict=True):
            found[name].append(cell)
    return found


@lru_cache(32)
def folded_column(name: str) -> list[str]:
    """The words of a column in all languages, folded, the longest first."""
    words = {fold(word) for cell in _columns()[name] for word in cell.split("|")} - {"-", ""}
    return sorted(words, key=lambda word: (-len(word), word))


@lru_cache(1)
def months() -> dict[str, int]:
    """The number of each month's name, folded, or of its beginning; what is two months in two languages is left out."""
    found: dict[str, set[int]] = {}
    for cell in _columns()["months"]:
        if cell != "-":
            for number, names in enumerate(cell.split(), 1):
                for name in names.split("|"):
                    found.setdefault(fold(name), set()).add(number)
    return {name: numbers.pop() for name, numbers in found.items() if len(numbers) == 1}
