"""Tables of outcomes by other names of columns: LLMRouter's routing data, EmbedLLM, and any that options tell of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from autopicker_lab.tuning.imports.documents import Content

# the names by which other tables call the columns of an outcome; the first that is there counts
NAMES: Mapping[str, tuple[str, ...]] = {
    "prompt_id": ("prompt_id", "sample_id", "question_id", "id"),
    "prompt": ("prompt", "query", "question", "input", "instruction", "messages"),
    "model": ("model", "model_name", "llm", "model_id"),
    "score": ("score", "performance", "label", "correct", "passed", "pass", "is_correct", "grade", "result", "reward"),
    "task": ("task", "task_name", "dataset", "category", "eval_name", "benchmark"),
    "cost_usd": ("cost_usd", "cost", "total_cost", "usd"),
    "prompt_tokens": ("prompt_tokens", "input_tokens", "input_token_num"),
    "completion_tokens": ("completion_tokens", "output_tokens", "output_token_num"),
    "latency_s": ("latency_s", "latency", "response_time"),
}
_PARTS = ("train", "val", "test")  # of RouterEval
_PASSED = {"pass": 1.0, "passed": 1.0, "true": 1.0, "yes": 1.0, "correct": 1.0, "right": 1.0, "ok": 1.0, "success": 1.0}
_FAILED = dict.fromkeys(("fail", "failed", "false", "no", "incorrect", "wrong", "error", "failure"), 0.0)
_WORDS = _PASSED | _FAILED


def routereval(content: Content) -> list[dict[str, Any]]:
    """RouterEval's routing data as JSON: models, prompts by part, and of each part a matrix, prompts by models."""
    head = content.first
    prompts, scores, models = head.get("prompt"), head.get("data"), head.get("model")
    if not (isinstance(prompts, dict) and isinstance(scores, dict) and isinstance(models, list)):
        return []
    return [
        {"prompt_id": "", "prompt": prompt, "model": model, "score": score}
        for part in _PARTS
        for prompt, row in zip(prompts.get(f"{part}_prompt", ()), scores.get(f"{part}_score", ()), strict=True)
        for model, score in zip(models, row, strict=True)
    ]


def frame_of(content: Content) -> pd.DataFrame:
    """A file's records or table; InvalidRequestError where it has none."""
    import pandas

    if content.table is not None:
        return content.table
    if not content.records:
        detail = f"'{content.path.name}' holds no outcomes that are known here"
        raise InvalidRequestError(detail, "a table with prompt, model and score, or a file of a tool (see the README)")
    return pandas.DataFrame(list(content.records))


def named(table: pd.DataFrame, columns: Mapping[str, str]) -> pd.DataFrame:
    """The table with its columns named as those of `Outcome`, by what was told and by the names that are known.

    Raises:
        InvalidRequestError: a column that was told is not there, or is no column of outcomes.
    """
    there = {str(name).lower(): str(name) for name in table}
    renamed: dict[str, str] = {}
    for ours, theirs in columns.items():
        if ours not in NAMES:
            raise InvalidRequestError(f"no column '{ours}' of outcomes", f"known: {', '.join(NAMES)}")
        if theirs not in table:
            raise InvalidRequestError(f"no column '{theirs}'", f"there are: {', '.join(map(str, table))[:200]}")
        renamed[theirs] = ours
    for ours, names in NAMES.items():
        found = next((there[name] for name in names if name in there), None)
        if found is not None and ours not in renamed.values() and found not in renamed:
            renamed[found] = ours
    taken = {ours for theirs, ours in renamed.items() if theirs != ours}
    return table.drop(columns=[name for name in map(str, table) if name in taken and renamed.get(name) != name]).rename(
        columns=renamed
    )


def wide(table: pd.DataFrame, models: Sequence[str]) -> pd.DataFrame:
    """One row a prompt and model of a table with a column for each model.

    Raises:
        InvalidRequestError: columns of 0 and 1 may be models or flags, and nobody said which; or no such column.
    """
    if not models:
        ask = [str(name) for name in table if name not in NAMES and _is_truth(table[name])]
        hint = f"say which are models: --models {','.join(ask[:4]) or 'A,B'}"
        detail = "the table has no column for the model" + (
            f": {', '.join(ask)} may be models, or flags" if ask else ""
        )
        raise InvalidRequestError(detail, hint if ask else "name it: --column model=NAME, or --models COLUMN,COLUMN")
    for model in models:
        if model not in table:
            raise InvalidRequestError(f"no column '{model}'", f"there are: {', '.join(map(str, table))[:200]}")
    keys = [name for name in ("prompt_id", "prompt", "task") if name in table]
    long = table[[*keys, *models]].melt(id_vars=keys, var_name="model", value_name="score")
    return long[long["score"].astype(str).str.strip() != ""]


def _is_truth(column: pd.Series[Any]) -> bool:
    words = set(column.dropna().astype(str).str.strip().str.lower().str.removesuffix(".0"))
    return bool(words) and words <= {*_WORDS, "0", "1", ""}


def as_scores(values: Iterable[Any], scale: tuple[float, float] | None) -> tuple[list[float | None], str]:
    """Grades of any form as scores from 0 to 1, and what was assumed: pass and fail, percent, a scale that was told.

    Raises:
        InvalidRequestError: a grade that is none, or beyond the scale; or numbers beyond 1 whose scale nobody told.
    """
    raw = [_number(value) for value in values]
    known = [number for number, _ in raw if number is not None]
    percent = any(sign for _, sign in raw)
    if not known:
        return [None for _ in raw], ""
    low, high = scale or ((0.0, 100.0) if percent else (0.0, 1.0))
    if min(known) < low or max(known) > high:
        beyond = max(known) if max(known) > high else min(known)
        detail = f"a grade of {beyond:g} is not from {low:g} to {high:g}"
        raise InvalidRequestError(detail, "say what the grades are: --score-scale 1:5, or 0:100")
    note = f"grades from {low:g} to {high:g} became scores from 0 to 1" if (low, high) != (0.0, 1.0) else ""
    return [None if number is None else (number - low) / (high - low) for number, _ in raw], note


def is_grade(value: Any) -> bool:
    """Whether a value can be read as a grade."""
    try:
        return _number(value)[0] is not None
    except InvalidRequestError:
        return False


def _number(value: Any) -> tuple[float | None, bool]:
    """A grade as a number, and whether it was written in percent; None for no grade."""
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124  # NaN
        return None, False
    if isinstance(value, bool | int | float):
        return float(value), False
    word = str(value).strip()
    if word.lower() in ("", "nan", "none", "null", "n/a"):
        return None, False
    if word.lower() in _WORDS:
        return _WORDS[word.lower()], False
    try:
        return float(word.removesuffix("%").strip().replace(",", ".")), word.endswith("%")
    except ValueError:
        raise InvalidRequestError(f"'{word[:40]}' is no grade", "pass or fail, a number, or a percentage") from None
