"""The comparison of runs: ratios of their figures, and how much of them may be noise."""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.benchmark.runner import RECORD, numbers
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.core.figures import axes
from autopicker_lab.core.optional import require
from autopicker_lab.core.show import BLUE, GREEN, GREY, ORANGE, VERMILION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from matplotlib.axes import Axes

_COLOURS = (BLUE, ORANGE, GREEN, VERMILION)


def compare(folders: Sequence[str | Path]) -> pd.DataFrame:
    """Make a table with a row a figure: its mean in each group of runs, and ratios to the first group.

    Runs of the same commit, parameters and machine are repeats, and make a group; how they differ gives the 95 %
    interval of the ratio (Student's t, of the logarithms). A single run tells nothing of noise, and has no interval.

    Raises:
        InvalidRequestError: fewer than two runs, a folder that holds none, runs of different benchmarks, or without a
            figure that all of them have.
    """
    require("pandas", "scipy")
    import pandas

    records = [_record(Path(folder)) for folder in folders]
    kinds = sorted({record["benchmark"] for record in records})
    if len(records) < 2 or len(kinds) > 1:
        what = f"these are of {' and '.join(kinds)}" if len(kinds) > 1 else "this is one run"
        raise InvalidRequestError(f"{what}: there is nothing to compare", "name two or more runs of one benchmark")
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        groups.setdefault(_group_key(record), []).append(record)
    if len(groups) == 1:  # repeats alone: each is compared with the first
        groups = {str(i + 1): [record] for i, record in enumerate(records)}
    names = _names(list(groups.values()))
    figures = [[dict(numbers(record["figures"])) for record in group] for group in groups.values()]
    rows = []
    for figure in dict.fromkeys(name for runs in figures for run in runs for name in run):
        series = [[run[figure] for run in runs if figure in run] for runs in figures]
        if not all(series):
            continue
        row: dict[str, Any] = {"figure": figure}
        row |= {name: statistics.fmean(values) for name, values in zip(names, series, strict=True)}
        for name, values in zip(names[1:], series[1:], strict=True):
            ratio, low, high = _ratio(series[0], values)
            row |= {f"{name} / {names[0]}": ratio, f"{name}, low": low, f"{name}, high": high}
        rows.append(row)
    if not rows:
        raise InvalidRequestError("these runs have no figure in common", "compare runs of one version of a benchmark")
    return pandas.DataFrame(rows).set_index("figure")


def telling(table: pd.DataFrame, least: float = 0.02) -> pd.DataFrame:
    """The rows of `compare`'s table in which a group differs from the first: by its interval, or else by `least`.

    The widest differences come first. Where a figure is not above 0 there is no ratio, and any difference counts.
    """
    names = [column for column in table.columns if f"{column}, low" in table.columns]
    first = table.columns[0]
    kept = []
    for figure, row in table.iterrows():
        gaps = [_gap(row, first, name, least) for name in names]
        if max(gaps, default=0.0) > 0:
            kept.append((max(gaps), figure))
    kept.sort(key=lambda item: -item[0])
    return table.loc[[figure for _, figure in kept]]


def plot_ratios(table: pd.DataFrame, ax: Axes | None = None, most: int = 30) -> Axes:
    """Draw the ratios of `compare`'s table as dots on a logarithmic scale, with their intervals; 1 is no change.

    Args:
        most: figures that are drawn, from the top of the table.
    """
    names = [column for column in table.columns if f"{column}, low" in table.columns]
    first = table.columns[0]
    shown = table[table[[f"{name} / {first}" for name in names]].notna().any(axis=1)].head(most)
    target = axes(ax, (7.0, 1.2 + 0.3 * max(len(shown), 1)))
    for i, name in enumerate(names):
        ratios = shown[f"{name} / {first}"].astype(float)
        spread = [
            (ratios - shown[f"{name}, low"].astype(float)).fillna(0.0),
            (shown[f"{name}, high"].astype(float) - ratios).fillna(0.0),
        ]
        places = [row + 0.6 * (i + 1) / (len(names) + 1) - 0.3 for row in range(len(shown))]
        target.errorbar(ratios, places, xerr=spread, fmt="o", ms=5, capsize=3, label=name, color=_COLOURS[i % 4])
    target.axvline(1, color=GREY, lw=1)
    target.set_xscale("log")
    target.set_yticks(range(len(shown)), list(shown.index))
    target.set(ylim=(len(shown) - 0.5, -0.5), xlabel=f"times {first}; bars are 95 % intervals where runs were repeated")
    target.xaxis.set_major_formatter("{x:g}")
    target.xaxis.set_minor_formatter("{x:g}" if _is_narrow(target.get_xlim()) else "")
    target.legend(loc="lower left", bbox_to_anchor=(0, 1))
    return target


def _is_narrow(limits: tuple[float, float]) -> bool:
    """Whether a logarithmic axis spans so little that its powers of ten alone would say nothing."""
    return limits[1] < 10 * limits[0]


def known_runs(folder: str | Path) -> dict[str, Path]:
    """The runs below a folder, the newest first, by what they are called: benchmark, name, and when they ran."""
    found: dict[str, Path] = {}
    for path in sorted(Path(folder).glob(f"*/{RECORD}"), key=lambda one: one.stat().st_mtime, reverse=True):
        try:
            record = _record(path.parent)
        except InvalidRequestError:
            continue
        when = str(record["stamp"].get("utc") or "")[:16].replace("T", " ")
        called = ", ".join(filter(None, (str(record["benchmark"]), str(record["name"]), when)))
        found[called if called not in found else f"{called} ({path.parent.name})"] = path.parent
    return found


def _gap(row: Any, first: str, name: str, least: float) -> float:
    """How far a group's figure is from the first group's, as a logarithm; 0 where that may be noise."""
    ratio, low, high = (row[column] for column in (f"{name} / {first}", f"{name}, low", f"{name}, high"))
    if ratio is None or math.isnan(ratio):
        return float(row[name] != row[first])
    if low is not None and not math.isnan(low):
        return 0.0 if low <= 1 <= high else abs(math.log(ratio))
    return abs(math.log(ratio)) if abs(ratio - 1) > least else 0.0


def _names(groups: Sequence[Sequence[Mapping[str, Any]]]) -> list[str]:
    """Name groups by their own name or a letter, the parameters in which they differ, and their number of runs."""
    parameters = [group[0]["parameters"] for group in groups]
    first = parameters[0]
    differing = [name for name in first if any(other.get(name) != first[name] for other in parameters)]
    return [
        " ".join(
            [
                group[0].get("name") or chr(65 + i),
                *(f"{name}={group[0]['parameters'].get(name)}" for name in differing),
                f"({len(group)})",
            ]
        )
        for i, group in enumerate(groups)
    ]


def _ratio(base: Sequence[float], values: Sequence[float]) -> tuple[float | None, float | None, float | None]:
    """Ratio of the geometric means with its interval; None for figures that are not above 0, and unknown noise."""
    if min(*base, *values) <= 0:
        return None, None, None
    logs = [[math.log(value) for value in series] for series in (base, values)]
    ratio = math.exp(statistics.fmean(logs[1]) - statistics.fmean(logs[0]))
    if min(len(base), len(values)) < 2:
        return ratio, None, None
    from scipy.stats import t

    spread = math.sqrt(sum(statistics.variance(series) / len(series) for series in logs))
    half = float(t.ppf(0.975, min(len(base), len(values)) - 1)) * spread
    return ratio, ratio * math.exp(-half), ratio * math.exp(half)


def _record(folder: Path) -> Mapping[str, Any]:
    try:
        record: Mapping[str, Any] = json.loads((folder / RECORD).read_text("utf-8"))
        needed = {key: record[key] for key in ("benchmark", "parameters", "figures", "stamp")}
        return {**needed, "name": record.get("name", "")}
    except (OSError, ValueError, KeyError, TypeError):
        raise InvalidRequestError(f"'{folder}' is no run", "name a folder that `autopicker bench` made") from None


def _group_key(record: Mapping[str, Any]) -> str:
    stamp = record["stamp"]
    parts = [record["name"], record["parameters"], *(stamp.get(name) for name in ("commit", "dirty", "machine"))]
    return json.dumps(parts, sort_keys=True)
