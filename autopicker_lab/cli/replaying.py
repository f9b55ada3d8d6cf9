"""The command of the routing lab that reads logged traffic: what another policy would have got on it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autopicker_lab.cli.common import Json, StrictCommand, print_json

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
