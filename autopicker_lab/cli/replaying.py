"""The commands of the routing lab that compare policies or read what was logged: diff, replay, outcomes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autopicker_lab.cli.common import Json, StrictCommand, open_workbench, print_json
from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from autopicker_lab.tuning.replay import ReplayReport

app = typer.Typer()
Log = Annotated[
    Path,
    typer.Argument(
        help='a decision log (.sqlite), or rows as JSONL, CSV or Parquet: {"request_id", "prompt", "model", "score", '
        '"cost_usd", "propensities": {"MODEL": p}}'
    ),
]


@app.command(cls=StrictCommand)
def replay(
    log: Log,
    policy: Annotated[str, typer.Option(help="a policy file, or 'default'")],
    against: Annotated[str | None, typer.Option(help="a policy that it is compared with, request by request")] = None,
    groups: Annotated[
        str, typer.Option(help='which requests are alike: of one template ("template"), copies ("off"), or "auto"')
    ] = "auto",
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="of every random draw")] = 0,
    as_json: Json = False,
) -> None:
    """Estimate what a policy would have got on logged traffic, and say what the log cannot tell."""
    from autopicker_lab.tuning.replay import replay as run

    report = run(log, policy, against, groups=groups, seed=seed)
    if as_json:
        print_json(report.to_dict())
    else:
        _print(report)


@app.command(cls=StrictCommand)
def diff(
    old: Annotated[str, typer.Argument(help="the policy that serves: a file, or 'default'")],
    new: Annotated[str, typer.Argument(help="the policy that is to take its place")],
    table: Annotated[
        Path | None,
        typer.Option(
            "--outcomes",
            help="measured outcomes of their models, for quality and cost with intervals; none: examples alone",
        ),
    ] = None,
    examples: Annotated[int, typer.Option(min=0, help="prompts that change sides to show")] = 8,
    as_json: Json = False,
) -> None:
    """Show what changes from one policy to another: keys, prompts that change sides, quality and cost."""
    from autopicker_lab import assets
    from autopicker_lab.tuning import read_outcomes
    from autopicker_lab.tuning.policy_diff import diff as compare

    prompts = [] if table else read_outcomes(assets.outcomes() / "outcomes.jsonl")["prompt"].unique().tolist()
    found = compare(old, new, table, prompts=prompts)
    if as_json:
        print_json(found.to_dict())
    else:
        typer.echo(found.to_text(examples))


@app.command(cls=StrictCommand)
def outcomes(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="[import] FILE...",
            help="a service's decision log, a table, or files of lm-evaluation-harness, inspect_ai, promptfoo, "
            "HELM, OpenAI evals, LLMRouter, LLMRouterBench, EmbedLLM, RouterBench, RouterEval, RouteLLM, LiteLLM, "
            "Langfuse or OpenTelemetry",
        ),
    ],
    out: Annotated[
        Path | None, typer.Option(help="where to write the table: .jsonl, .csv, or .parquet with what columns mean")
    ] = None,
    models: Annotated[
        str, typer.Option(help="columns that are models, with commas between; else: models to keep")
    ] = "",
    score_scale: Annotated[
        str, typer.Option(help="lowest and highest grade, as 1:5; none: 0:1, pass and fail, or percent")
    ] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="what a column is, as score=RATING or prompt=QUESTION, or which grade is the score; repeatable"
        ),
    ] = None,
    against: Annotated[
        Path | None, typer.Option(help="a table that was tuned on: say whether prompts of it are among these")
    ] = None,
    as_json: Json = False,
) -> None:
    """Read outcomes from a decision log or from files of other tools, and say what can be learned from them."""
    from autopicker_lab.tuning.exports import write_outcomes
    from autopicker_lab.tuning.imports import import_outcomes

    paths = files[1:] if str(files[0]) == "import" and not files[0].exists() else files
    named = [name.strip() for name in models.split(",") if name.strip()]
    scale, columns = _scale(score_scale), _columns(column or [])
    found = import_outcomes(paths, models=named, scale=scale, columns=columns, against=against)
    if out is not None:
        write_outcomes(found.table, out.expanduser())
    if as_json:
        print_json(found.to_dict())
        return
    told = found.to_dict()
    typer.echo(f"{told['rows']:,} outcomes of {told['prompts']:,} prompts (split {found.split})")
    for path, name in found.formats.items():
        typer.echo(f"  {path}: {name}")
    for model, figures in told["models"].items():
        typer.echo(f"  {model}: {figures['n']:,}, mean score {figures['mean']:.3f}")
    for note in found.notes:
        typer.echo(f"note: {note}")
    if found.leak is not None:
        typer.echo(f"leakage: {found.leak.verdict}")


def _scale(text: str) -> tuple[float, float] | None:
    if not text:
        return None
    try:
        low, high = (float(part) for part in text.split(":"))
    except ValueError:
        raise InvalidRequestError(f"'{text}' is no scale", "--score-scale 1:5") from None
    if not low < high:
        raise InvalidRequestError(f"'{text}' is no scale: the lowest grade comes first", "--score-scale 1:5")
    return low, high


def _columns(pairs: list[str]) -> dict[str, str]:
    for pair in pairs:
        if "=" not in pair:
            raise InvalidRequestError(f"'{pair}' names no column", "--column score=RATING")
    return {ours: theirs for ours, _, theirs in (pair.partition("=") for pair in pairs)}


def _print(report: ReplayReport) -> None:
    typer.echo(report.verdict)
    for note in report.notes:
        typer.echo(f"note: {note}")
    if report.value:
        typer.echo(report.to_frame().to_string(index=False, float_format="%.4g"))
    rows = [
        f"  {o.kind}: {o.n:,} requests, {100 * o.told:.0f} % could be logged, {100 * o.matched:.0f} % were, "
        f"effectively {o.ess:,.0f}"
        for o in report.overlap
    ]
    typer.echo("\n".join(["what the log tells, by kind of request:", *rows]))


@app.command("router-arena", cls=StrictCommand)
def router_arena(
    dataset: Annotated[Path, typer.Argument(help="RouterArena's dataset/router_data.json, or router_data_10.json")],
    policy: Annotated[str, typer.Option(help="a policy file, or 'default'")],
    name: Annotated[str, typer.Option(help="of the router")] = "autopicker",
    out: Annotated[Path, typer.Option(help="a folder, which gets predictions/NAME.json and config/NAME.json")] = Path(),
) -> None:
    """Write the submission of a policy to RouterArena, whose own scripts ask the models and grade."""
    from autopicker_lab.tuning.router_arena import write_submission

    with open_workbench() as lab:
        written = write_submission(dataset, policy, lab.catalogue.specs(), out, name)
    for path in written:
        typer.echo(f"wrote {path}")
