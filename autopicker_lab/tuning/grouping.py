"""Which prompts count as alike, and so as one piece of evidence, and what that assumes of the requests to come.

Prompts of one template differ in numbers, names and quoted words alone. Where requests will bring new templates, all
prompts of a template are one observation of what a template is like. Where they will be of these same templates, each
prompt is one, and what is learned within a template counts: only copies say the same thing twice.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.optional import require

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

AUTO, TEMPLATE, OFF = "auto", "template", "off"
GROUPS = (AUTO, TEMPLATE, OFF)
REQUESTS = {TEMPLATE: "new templates", OFF: "these templates"}  # what each assumes will be met
ENOUGH_TEMPLATES = 50  # of fewer, little can be said about new ones
_SAME = 0.9  # of the prompts that differ, templates: from here on both ways are as good as one
_ALIKE = 0.8  # Jaccard similarity from which prompts are near-duplicates
_ENOUGH_PAIRS = 4  # fewer say nothing about similarity
_NUMERAL = re.compile(r"\d[\d.,:/]*")
_QUOTED = re.compile(r"(?<!\w)(?:'[^'\n]{1,60}'|\"[^\"\n]{1,60}\"|`[^`\n]{1,60}`|“[^”\n]{1,60}”)")
_NAME = re.compile(r"(?<=[a-zà-ÿ,;] )[A-ZÀ-Þ][\wà-ÿ-]+")
_WORDS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|[^\W_]+|@")  # a CJK character is a word


class Grouping(NamedTuple):
    """Group numbers of prompts, by what is assumed of the requests to come.

    Attributes:
        groups: shape (n,), by what is `assumed`: TEMPLATE or OFF. others: by the other way; None where it was not
            asked for, or comes to nearly the same.
        note: what was assumed, and why, in words; "" where the person said it, or where nothing hangs on it.
    """

    groups: Array
    assumed: str
    others: Array | None = None
    note: str = ""


def group_prompts(texts: Sequence[str], how: str = AUTO) -> Grouping:
    """Groups of alike prompts: TEMPLATE by `near_duplicates`, OFF by `copies`; AUTO says which it took.

    AUTO takes prompts of fewer than 50 templates for requests of these, as fixed prompts of a program are, since so few
    say little about new ones; more of them for requests that bring new ones, which is the more cautious.

    Raises:
        InvalidRequestError: another `how`.
    """
    if how not in GROUPS:
        raise InvalidRequestError(f"no groups '{how}'", f"known: {', '.join(GROUPS)}")
    by_copy = copies(texts)
    if how == OFF:
        return Grouping(by_copy, OFF)
    by_template = near_duplicates(texts)
    if how == TEMPLATE:
        return Grouping(by_template, TEMPLATE)
    templates, different = count(by_template), count(by_copy)
    if templates >= _SAME * different:
        return Grouping(by_template, TEMPLATE) if templates >= ENOUGH_TEMPLATES else Grouping(by_copy, OFF)
    found = f"{different:,} different prompts are of {templates:,} template{'s'[: templates != 1]}"
    if templates < ENOUGH_TEMPLATES:
        note = f"{found}: taken for requests of these. Will you meet new templates, or these? Say it by --groups"
        return Grouping(by_copy, OFF, by_template, f"{note} template|off")
    note = f"{found}: requests are taken to bring new ones. Will you meet new templates, or these? Say it by --groups"
    return Grouping(by_template, TEMPLATE, by_copy, f"{note} template|off")


def count(groups: Array) -> int:
    """How many groups there are."""
    return len(set(groups.tolist()))


def copies(texts: Iterable[str]) -> Array:
    """A group number for each text: one for those that differ in case, space and closing marks alone."""
    import numpy as np

    first: dict[str, int] = {}
    return np.array([first.setdefault(_plain(text), len(first)) for text in texts], int)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split()).rstrip(" .!?…。！？") or text


def near_duplicates(texts: Sequence[str]) -> Array:
    """A group number for each text. Texts that differ in numbers, quoted words or names alone share one.

    So do those whose pairs of words overlap by 80 %, by MinHash with locality-sensitive hashing (Broder, 1997,
    https://doi.org/10.1109/SEQUEN.1997.666900); pairs that a tenth of all texts share (a preamble) do not count.
    """
    require("datasketch", "scipy", "sklearn")
    import numpy as np
    from datasketch import MinHashLSH
    from datasketch.minhash import MinHash
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    first: dict[str, int] = {}
    edges: list[tuple[int, int]] = []
    pairs: dict[int, set[str]] = {}
    for i, text in enumerate(texts):
        words = _skeleton(text)
        first_alike = first.setdefault(" ".join(words) or text, i)
        edges.append((i, first_alike))
        if first_alike == i:
            pairs[i] = {f"{a} {b}" for a, b in pairwise(words)}
    spread = Counter(pair for some in pairs.values() for pair in some)
    common = {pair for pair, count in spread.items() if count > max(20, len(texts) // 10)}
    index = MinHashLSH(threshold=_ALIKE, num_perm=64)
    distinctive = {i: rare for i, some in pairs.items() if len(rare := some - common) >= _ENOUGH_PAIRS}
    sketches = MinHash.generator(
        [[pair.encode() for pair in sorted(some)] for some in distinctive.values()], num_perm=64
    )
    for i, sketch in zip(distinctive, sketches, strict=True):
        edges += [(i, j) for j in index.query(sketch)]
        index.insert(i, sketch)
    ends = np.array(edges)
    graph = coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(len(texts), len(texts)))
    groups: Array = connected_components(graph, directed=False)[1]
    return groups


def _skeleton(text: str) -> list[str]:
    """The words of a text in lower case, its numbers, quoted words and names within sentences as one mark each."""
    plain = _NAME.sub("@", _QUOTED.sub("@", _NUMERAL.sub("0", text)))
    return _WORDS.findall(plain.lower())
