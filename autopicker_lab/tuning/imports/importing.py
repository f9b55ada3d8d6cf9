"""Import files of other tools as one outcomes table."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError
from autopicker_lab.tuning.conversations import as_prompt
from autopicker_lab.tuning.imports import evaluations, tables, traces
from autopicker_lab.tuning.imports.documents import read_content
from autopicker_lab.tuning.imports.helm import helm
from autopicker_lab.tuning.imports.pooled import OBSERVATIONS, ODD, SPANS, Pool, unlike
from autopicker_lab.tuning.imports.several_scores import names_of, with_score
from autopicker_lab.tuning.imports.shared_prompts import Leakage, leakage, split_hash
from autopicker_lab.tuning.imports.tables import as_scores, frame_of, named, wide
from autopicker_lab.tuning.outcomes import read_outcomes, tidy, validate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pandas as pd

    from autopicker_lab.tuning.imports.documents import Content

    _Read = tuple[pd.DataFrame, list[str]]

READERS: Mapping[str, Callable[[Content], list[dict[str, Any]]]] = {
    "lm-evaluation-harness": evaluations.lm_eval,
    "inspect_ai": evaluations.inspect_ai,
    "promptfoo": evaluations.promptfoo,
    "HELM": helm,
    "OpenAI evals": evaluations.openai_evals,
    "OpenAI Evals API": evaluations.openai_output_items,
    "LLMRouterBench": evaluations.llmrouterbench,
    "RouterEval": tables.routereval,
    "LiteLLM": traces.litellm,
}
_TOOLS = (*READERS, SPANS, OBSERVATIONS)
ENOUGH = 50  # see matrix.ENOUGH
TABLE, LOG = "table", "decision log"


@dataclass(frozen=True, eq=False)
class Imported:
    """Outcomes of files.

    Attributes:
        table: as read_outcomes gives it. formats: of each file, by its path.
        split: hash of the set of prompts, see shared_prompts.split_hash.
        notes: what was assumed or left out, and what cannot be learned.
        leak: what it shares with the table that it was compared with.
    """

    table: pd.DataFrame
    formats: dict[str, str]
    split: str
    notes: tuple[str, ...] = ()
    leak: Leakage | None = field(default=None)

    def to_dict(self) -> dict[str, Any]:
        """One JSON object: everything but the table, of which sizes."""
        models = self.table.groupby("model", sort=False)["score"].agg(["size", "mean"])
        return {
            "rows": len(self.table),
            "prompts": int(self.table["prompt_id"].nunique()),
            "models": {str(m): {"n": int(r["size"]), "mean": float(r["mean"])} for m, r in models.iterrows()},
            "formats": self.formats,
            "split": self.split,
            "notes": list(self.notes),
            **({"leakage": vars(self.leak) | {"verdict": self.leak.verdict}} if self.leak else {}),
        }


def import_outcomes(
    paths: Sequence[str | Path] | str | Path,
    *,
    models: Sequence[str] = (),
    scale: tuple[float, float] | None = None,
    columns: Mapping[str, str] | None = None,
    against: pd.DataFrame | str | Path | None = None,
) -> Imported:
    """Outcomes of files that other tools wrote, recognised by what is in them; see READERS, and any table.

    Rows of one prompt and model are averaged, with their spread kept; prompts that are messages are read as the service
    reads them.

    Args:
        models: columns that are models, of a table with a column for each.
        scale: lowest and highest grade there can be; None: 0 to 1, pass and fail, or percent where it says so.
        columns: names of a table's columns by ours, `{"score": "rating"}`.
        against: a table whose prompts must not be among these, such as the one that was tuned on.

    Raises:
        InvalidRequestError: names the file and what it lacks, with what to do.
    """
    import pandas

    named_paths = [Path(paths)] if isinstance(paths, str | Path) else [Path(path) for path in paths]
    pool, formats, read = Pool(), {}, []
    for path in named_paths:
        formats[str(path)], found = _one(path.expanduser(), models, scale, columns or {}, pool)
        read += found
    asked = {} if pool.graded_by else columns or {}
    for content, rows, said in pool.answers():
        read.append(_chosen(content, rows, scale, asked, said))
    parts, notes = [part for part, _ in read], list(dict.fromkeys(note for _, said in read for note in said))
    if not parts:
        raise InvalidRequestError("no file to import", "autopicker outcomes import FILE...")
    if not sum(map(len, parts)):
        hint = "grade the answers first (scores, feedback, autopicker collect), and keep prompts"
        raise InvalidRequestError(f"not a row has a grade and a prompt: {'; '.join(notes)}", hint)
    table = validate(pandas.concat([part for part in parts if len(part)], ignore_index=True))
    leak = None
    if against is not None:
        leak = leakage(read_outcomes(against) if isinstance(against, str | Path) else against, table)
    return Imported(table, formats, split_hash(table), (*notes, *_lessons(table)), leak)


def _one(
    path: Path, models: Sequence[str], scale: tuple[float, float] | None, columns: Mapping[str, str], pool: Pool
) -> tuple[str, list[_Read]]:
    """What a file is, its rows, and notes; none of these yet where it is one of those that are read together."""
    if path.suffix.lower() in (".sqlite", ".db"):
        table, notes = _decisions(path)
        return LOG, [(_finished(path, table, None, notes), notes)]
    content, ours = read_content(path), columns.keys() <= {"score"}
    name, rows = _recognised(content) if ours else (TABLE, [])
    if rows and (names_of(rows) or "score" not in columns):  # of rows with one score each, it is a column that is named
        return name, [_chosen(content, rows, scale, columns, list(content.notes))]
    if ours and not rows and (kind := pool.takes(content, columns.get("score", ""), models)):
        return kind, []
    table = named(frame_of(content), columns)
    if not models and not {"prompt", "model"} & set(table):
        raise _unknown(path, table)
    if "model" not in table:
        table = wide(table, models) if models or "score" in table else tidy(table)
        if "model" not in table:
            table = wide(table, models)
    elif models:
        table = table[table["model"].astype(str).isin(models)]
    notes = list(content.notes)
    return TABLE, [(_finished(path, table, scale, notes), notes)]


def _chosen(
    content: Content,
    rows: list[dict[str, Any]],
    scale: tuple[float, float] | None,
    columns: Mapping[str, str],
    notes: list[str],
) -> _Read:
    """The rows of a tool with the grade that is their score."""
    import pandas

    wanted, names = columns.get("score", ""), names_of(rows)
    if wanted and wanted not in names:
        raise InvalidRequestError(
            f"no grade '{wanted}' in '{content.path.name}'", f"there are: {', '.join(names)[:200]}"
        )
    rows, said = with_score(rows, wanted)
    notes += filter(None, (said,))
    return _finished(content.path, pandas.DataFrame(rows), scale, notes), notes


def _unknown(path: Path, table: pd.DataFrame) -> InvalidRequestError:
    """The error for a file that is neither of a tool nor a table of outcomes."""
    held = ", ".join(str(name) for name in list(table)[:8])
    detail = f"'{path.name}' is no file that is known here: it holds {held}"
    hint = f"known are files of {', '.join(_TOOLS)}, decision logs, and tables with prompt, model and score"
    return InvalidRequestError(detail, f"{hint}; or say which columns these are: --column prompt=NAME")


def _recognised(content: Content) -> tuple[str, list[dict[str, Any]]]:
    """The tool that wrote a file, and its rows; none for a table.

    Raises:
        InvalidRequestError: it looks like a file of a tool, and lacks something.
    """
    for name, reader in READERS.items():
        try:
            rows = reader(content)
        except ODD as error:
            raise unlike(content, name, error) from None
        if rows:
            return name, rows
    return TABLE, []


def _finished(path: Path, table: pd.DataFrame, scale: tuple[float, float] | None, notes: list[str]) -> pd.DataFrame:
    """The table with scores from 0 to 1 and an id for each prompt; `notes` gets what was done."""
    import pandas

    for column in ("prompt", "model", "score"):
        if column not in table:
            hint = f"name it: --column {column}=NAME"
            raise InvalidRequestError(f"'{path.name}' has no column for the {column}", hint)
    try:
        scores, note = as_scores(table["score"].tolist(), scale)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"'{path.name}': {error.detail}", error.hint) from None
    prompts = pandas.Series([as_prompt(prompt) for prompt in table["prompt"]], table.index, dtype=object)
    table = table.assign(score=pandas.Series(scores, table.index, dtype=float), prompt=prompts)
    table = _without_impossible(path, table, notes)
    graded = table["score"].notna() & table["prompt"].map(
        lambda prompt: isinstance(prompt, str) and bool(prompt.strip())
    )
    if note:
        notes.append(note)
    if not graded.all():
        notes.append(
            f"{int((~graded).sum()):,} of {len(table):,} rows of {path.name} have no grade or prompt: left out"
        )
    table = table[graded]
    if "prompt_id" not in table:
        table = table.assign(prompt_id="")
    ids = [
        str(i) if str(i) not in ("", "nan", "None") else _digest(p)
        for i, p in zip(table["prompt_id"], table["prompt"], strict=True)
    ]
    return _with_distinct_ids(table.assign(prompt_id=ids))


def _without_impossible(path: Path, table: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    """The table without costs, counts and seconds below 0, which refunds and clocks that differ make."""
    import pandas

    for name in ("cost_usd", "prompt_tokens", "completion_tokens", "latency_s"):
        if name not in table:
            continue
        numbers = pandas.to_numeric(table[name], errors="coerce")
        wrong = (numbers < 0) | (numbers == float("inf"))
        if wrong.any():
            notes.append(f"{name} of {int(wrong.sum()):,} rows of {path.name} is below 0 or infinite: not taken")
            table = table.assign(**{name: table[name].mask(wrong)})
    return table


def _with_distinct_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Ids that tools give to different prompts (of several data sets, say) become those of the prompts."""
    if (table.groupby("prompt_id")["prompt"].nunique() > 1).any():
        return table.assign(prompt_id=[_digest(prompt) for prompt in table["prompt"]])
    return table


def _digest(prompt: str) -> str:
    return hashlib.sha256(prompt.encode("utf-8", "replace")).hexdigest()[:16]


def _decisions(path: Path) -> tuple[pd.DataFrame, list[str]]:
    """A service's decision log: answers that were graded, with the probability of each; and what it cannot tell."""
    import pandas

    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as db:
        try:
            table = pandas.read_sql_query("SELECT * FROM decisions ORDER BY created", db)
        except (sqlite3.Error, pandas.errors.DatabaseError) as error:
            raise InvalidRequestError(f"cannot read '{path}': {error}", "name a decision log of the service") from None
    if table.empty or table["prompt"].isna().all() or table["score"].isna().all():
        what = "prompts" if table.empty or table["prompt"].isna().all() else "grades"
        hint = "serve with DECISION_LOG_PROMPTS=true" if what == "prompts" else "give feedback: POST /api/v1/feedback"
        raise InvalidRequestError(f"'{path.name}' keeps no {what}, which tuning learns from", hint)
    notes = []
    if "propensities" in table and table["propensities"].notna().any():
        drawn = [_drawn(p, str(m)) for p, m in zip(table["propensities"], table["model"], strict=True)]
        table = table.assign(propensity=pandas.Series(drawn, dtype=float))
        explored = sum(p is not None and p < 1 for p in drawn)
        notes.append(f"{explored:,} of {len(table):,} requests could have gone to another model: replay tells of these")
    else:
        notes.append("no propensities: serve with EXPLORE_SHARE, so that autopicker replay can tell of another policy")
    return table.drop(columns=["policy", "features"], errors="ignore"), notes


def _drawn(cell: Any, model: str) -> float | None:
    try:
        found = json.loads(cell).get(model)
    except (TypeError, ValueError, AttributeError):
        return None
    return None if found is None else float(found)


def _lessons(table: pd.DataFrame) -> list[str]:
    """What can be learned, and what not."""
    answered = table.groupby("prompt_id")["model"].nunique()
    several, models = int((answered > 1).sum()), int(table["model"].nunique())
    if models < 2:
        return [f"one model alone ({table['model'].iloc[0]}): tune needs a second one on the same prompts"]
    complete = int((answered == models).sum())
    if complete < ENOUGH:
        return [
            f"{complete:,} prompts were answered by all {models} models ({several:,} by more than one): tune needs "
            f"{ENOUGH}. Collect the others (autopicker collect), or log exploration and use autopicker replay"
        ]
    return [f"{complete:,} prompts were answered by all {models} models: tune can learn from these"]
