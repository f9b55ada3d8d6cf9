"""The command that collects outcomes: it asks models a labelled prompt set and grades what they say."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autopicker_lab.cli.common import Cluster, Json, StrictCommand, open_workbench, print_json, sparse_notes, stoppable
from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from autopicker_lab.tuning import CollectionResult

app = typer.Typer()
_FAILURES_TOLD = 5
_ESTIMATED_OVER_S = 3600.0  # rich's thirty seconds are less than a slow model takes for two answers


@app.command(cls=StrictCommand)
def collect(
    prompts: Annotated[
        Path,
        typer.Argument(
            help="JSONL: prompt_id, prompt (text or messages), grader, answer, and task, system, temperature, "
            "max_tokens, tolerance, files (paths beside it); grader may be your own, my.py:function, run as it is"
        ),
    ],
    models: Annotated[
        str, typer.Option(help="models of the catalogue, separated by commas; 'qwen*': those like it that answer now")
    ],
    out: Annotated[Path, typer.Option(help="the JSONL file that rows are added to")] = Path("outcomes.jsonl"),
    judge: Annotated[str, typer.Option(help="the model that grades 'judge' questions")] = "",
    max_cost: Annotated[
        float | None, typer.Option(min=0, help="USD that may be spent; a question that could pass it is not begun")
    ] = None,
    parallel: Annotated[int | None, typer.Option(min=1, max=64, help="answers under way at once; none: one")] = None,
    samples: Annotated[int, typer.Option(min=1, max=100, help="answers of each model to each question")] = 1,
    patience: Annotated[
        float, typer.Option(min=0, help="seconds that one answer may be waited for where a model fails or rests")
    ] = 120.0,
    next_count: Annotated[
        int | None,
        typer.Option("--next", min=1, help="ask only so many questions, which tell most about models new to --policy"),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="of --next: a tuned policy that the models are to join (autopicker tune --add)")
    ] = None,
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="run the models' code, too, where this system cannot shut it in")
    ] = False,
    signal: Annotated[
        list[str] | None,
        typer.Option(
            help="also measured on each answer, for cascades; repeatable: agreement:K, judge:MODEL, regex:PATTERN, "
            "schema:@FILE, tests:@FILE (assertions on its code), or my.py:function, called with answer and question"
        ),
    ] = None,
    scheduler: Cluster = None,
    as_json: Json = False,
) -> None:
    """Ask models a labelled prompt set and grade the answers; a run that was stopped goes on where it ended.

    Ctrl-C finishes the question under way and keeps its answers; a second one leaves them.
    """
    names = [name.strip() for name in models.split(",") if name.strip()]
    if not names:
        raise InvalidRequestError("no models are named", "write --models a,b")
    if policy is not None and next_count is None:
        raise InvalidRequestError("--policy is of --next alone", "write --next 50, or leave out --policy")
    with open_workbench() as lab, _collection_bar(out) as show:
        state = lab.collect(
            prompts,
            names,
            out,
            judge=judge,
            max_cost_usd=max_cost,
            samples=samples,
            patience_s=patience,
            trust_code=trust_code,
            signals=signal or (),
            scheduler=scheduler,
            most_telling=next_count,
            policy=policy,
            **({"parallel": parallel} if parallel else {}),
            progress=show,
        )
    if as_json:
        print_json(state.to_dict() | {"out": str(out)})
    else:
        _print_summary(state, out)
    for line in (*state.notes, *_what_is_left(state)):
        typer.echo(f"autopicker: {line}", err=True)
    if state.settled < state.total or state.failed or state.stopped:
        raise typer.Exit(1)


@contextmanager
def _collection_bar(out: Path) -> Iterator[Callable[[CollectionResult], bool]]:
    """Draw how far a collection is, with the time left; Ctrl-C ends it, and a second one says what was kept."""
    from rich.console import Console
    from rich.progress import MofNCompleteColumn, Progress

    latest: list[CollectionResult] = []
    note = sparse_notes()
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    with stoppable() as stopping, Progress(*columns, transient=True, console=Console(stderr=True)) as bar:
        bar.speed_estimate_period = _ESTIMATED_OVER_S
        task = bar.add_task("answers", total=None)

        def show(state: CollectionResult) -> bool:
            latest[:] = [state]
            doing = "stopping after this question" if stopping() else state.resting or f"{state.cost_usd:.4f} USD"
            left, settled = state.total - state.skipped, state.settled - state.skipped
            bar.update(task, description=doing, completed=settled, total=left)
            note(f"{settled:,} of {left:,} answers, {doing}")
            return not stopping()

        try:
            yield show
        except KeyboardInterrupt:
            bar.stop()
            for state in latest:
                _print_summary(state, out, to_errors=True)
                typer.echo("autopicker: stopped; the same command goes on from there", err=True)
            raise


def _print_summary(state: CollectionResult, out: Path, to_errors: bool = False) -> None:
    """What the file has by model, and what was added to it."""
    from rich.console import Console
    from rich.table import Column, Table

    grid = Table(
        Column("model", no_wrap=True), "answers", "score", "USD", "seconds", "tokens in", "tokens out", "failed"
    )
    for row in state.to_frame().to_dict("records"):
        score = "" if row["score"] is None else f"{row['score']:.3f}"
        each = (f"{row[name]:,.1f}" for name in ("seconds", "prompt_tokens", "completion_tokens"))
        grid.add_row(row["model"], f"{row['answers']:,}", score, f"{row['usd']:.4f}", *each, f"{row['failed']:,}")
    console = Console(stderr=to_errors)
    console.print(grid)
    mean = "" if state.mean_score is None else f", mean score {state.mean_score:.2f}"
    added = (
        f"{state.done:,} answers added to {out} ({state.skipped:,} were there){mean}, {state.cost_usd:.4f} USD in all"
    )
    console.print(added, markup=False, soft_wrap=True)


def _what_is_left(state: CollectionResult) -> Iterator[str]:
    """What failed, why it ended early, and how to go on; nothing where all was answered."""
    yield from state.failed[:_FAILURES_TOLD]
    if len(state.failed) > _FAILURES_TOLD:
        yield f"and {len(state.failed) - _FAILURES_TOLD:,} more failed"
    for name, model in state.by_model.items():
        if model.left_out:
            yield f"'{name}' failed too often and was not asked {model.left_out:,} times more"
    if state.stopped:
        yield state.stopped
    if left := state.total - state.skipped - state.done:
        yield f"{left:,} answers are missing; the same command asks for them again"
