"""The commands for what a running service routes by: deploy, promote, rollback, deployments."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from autopicker_lab.cli.common import Json, StrictCommand, print_json
from autopicker_lab.core import InvalidRequestError
from autopicker_lab.live.audit import Step, open_audit
from autopicker_lab.live.canary import CanaryReport, Guardrails, rounded
from autopicker_lab.live.deployments import Deployed, Deployments, canary_report, deployed
from autopicker_lab.live.pairs import SHADOW, agreement, paired
from autopicker_lab.routing import default_policy, load_policy
from autopicker_lab.settings import Settings
from autopicker_lab.storage import open_log

app = typer.Typer()
Who = Annotated[str, typer.Option("--by", help="who does it, for the audit log; none: the user at this machine")]
Why = Annotated[str, typer.Option("--why", help="why, for the audit log")]
_RAILS = Guardrails()


@app.command(cls=StrictCommand)
def deploy(
    policy: Annotated[Path, typer.Argument(help="a policy file from `autopicker tune --out`")],
    canary: Annotated[
        float, typer.Option(min=0, max=0.99, help="share of the conversations it gets beside the stable policy; 0: all")
    ] = 0.0,
    auto: Annotated[bool, typer.Option("--auto", help="promote the canary where it is shown to be better")] = False,
    margin: Annotated[
        float, typer.Option(min=0, max=1, help="mean score that a cheaper canary may lose")
    ] = _RAILS.margin,
    max_error_rise: Annotated[
        float, typer.Option(min=0, max=1, help="share of requests that may fail more often before it is rolled back")
    ] = _RAILS.error_rise,
    max_latency_ratio: Annotated[
        float, typer.Option(min=1, help="times the stable policy's mean seconds before it is rolled back")
    ] = _RAILS.latency_ratio,
    max_cost_ratio: Annotated[
        float, typer.Option(min=1, help="times the stable policy's mean USD before it is rolled back")
    ] = _RAILS.cost_ratio,
    by: Who = "",
    why: Why = "",
    as_json: Json = False,
) -> None:
    """Have running services route by a policy, all of their workers, within two seconds and without a restart.

    A canary that is shown to be worse, or that breaks a guardrail, is rolled back by the service itself.
    """
    rails = Guardrails(margin, max_error_rise, max_latency_ratio, max_cost_ratio, auto=auto)
    _print_step(_deployments().deploy(load_policy(policy), by or _me(), why, canary, rails), as_json)


@app.command(cls=StrictCommand)
def promote(by: Who = "", why: Why = "", as_json: Json = False) -> None:
    """Make the canary the policy of all, and keep with it what was known of it."""
    deployments = _deployments()
    state = deployments.state()
    _print_step(deployments.promote(by or _me(), why, _figures(state), expected=state.number), as_json)


@app.command(cls=StrictCommand)
def rollback(by: Who = "", why: Why = "", as_json: Json = False) -> None:
    """End the canary, or where none runs go back to what was deployed before."""
    deployments = _deployments()
    state = deployments.state()
    _print_step(deployments.roll_back(by or _me(), why, _figures(state), expected=state.number), as_json)


@app.command(cls=StrictCommand)
def deployments(as_json: Json = False) -> None:
    """Show what is deployed, what a canary has shown so far, and every step that led here."""
    steps = _deployments().audit.steps()
    state = deployed(steps)
    report = _report(state)
    if as_json:
        print_json(
            {
                "stable": state.stable or None,
                "canary": state.canary and {"policy": state.canary.policy, "share": state.canary.share},
                "report": report and report.to_dict(),
                "steps": [step._asdict() for step in steps],
            }
        )
        return
    typer.echo(f"stable: {_named(state.stable)}")
    if state.canary is not None:
        typer.echo(f"canary: {state.canary.policy}, {state.canary.share:.0%} of the conversations")
    if report is not None:
        typer.echo(f"  {report.advice}: {report.why}")
        for name, figure in report.figures.items():
            typer.echo(f"  {name:10} {_told(figure)}")
    for step in steps:
        typer.echo(_line(step))


@app.command(cls=StrictCommand)
def shadow(as_json: Json = False) -> None:
    """Compare models on the requests that two were asked (SHADOW_SHARE), and the grader with people's feedback."""
    path = Settings.load().decision_log
    if path is None or not path.exists():
        raise InvalidRequestError("there is no decision log", "set DECISION_LOG as the service has it")
    with closing(open_log(path)) as log:
        rows = log.rows()
    pairs, grader = paired(rows), agreement(rows)
    if as_json:
        print_json(
            {
                "pairs": [pair._asdict() | {"lead": rounded(pair.lead)} for pair in pairs],
                "grader": grader._asdict() | {"bias": rounded(grader.bias), "first_gains": rounded(grader.first_gains)},
            }
        )
        return
    for pair in pairs:
        typer.echo(f"{pair.shadow} minus {pair.served}: {_interval(rounded(pair.lead))}, {pair.n:,} requests")
    if not pairs:
        asked = sum(row.chat_id.startswith(SHADOW) for row in rows)
        typer.echo(
            f"no two answers to one request were graded yet ({asked:,} asked in the shadow): "
            "set SHADOW_SHARE and SHADOW_GRADER, or give feedback on both"
        )
    agreed = "" if grader.same_side is None else f", on the same side of a half in {grader.same_side:.0%}"
    typer.echo(f"grader minus people: {_interval(rounded(grader.bias))}, {grader.n:,} answers{agreed}")
    if grader.settled is not None:
        gains = f"first minus second answer shown: {_interval(rounded(grader.first_gains))}"
        typer.echo(f"{gains}, {grader.swapped:,} pairs, the same in both orders in {grader.settled:.0%}")


def _deployments() -> Deployments:
    return Deployments(open_audit(Settings.load()))


def _report(state: Deployed) -> CanaryReport | None:
    """What the decision log of these settings says of the canary; None where there is none, or no canary."""
    settings = Settings.load()
    if state.canary is None or settings.decision_log is None or not settings.decision_log.exists():
        return None
    configured = load_policy(settings.autopicker_policy) if settings.autopicker_policy else default_policy()
    with closing(open_log(settings.decision_log)) as log:
        return canary_report(state, log.since(state.canary.at), configured)


def _figures(state: Deployed) -> dict[str, Any]:
    report = _report(state)
    return {} if report is None else dict(report.figures)


def _print_step(step: Step, as_json: bool) -> None:
    if as_json:
        print_json(step._asdict())
    else:
        typer.echo(_line(step))


def _line(step: Step) -> str:
    at = datetime.fromtimestamp(step.at, UTC).isoformat(timespec="seconds")
    share = f", {step.share:.0%} of the conversations" if step.share else ""
    why = f": {step.why}" if step.why else ""
    return f"{step.number:4}  {at}  {step.action:8} {_named(step.policy)}{share}, by {step.who}{why}"


def _named(policy: str) -> str:
    return policy or "the configured policy"


def _told(figure: dict[str, Any]) -> str:
    if "mean" not in figure:
        return f"canary {figure['canary']:,}, stable {figure['stable']:,}"
    return f"canary minus stable {_interval(figure)}"


def _interval(figure: Mapping[str, float | None]) -> str:
    mean, low, high = (
        "unknown" if (value := figure[name]) is None else f"{value:+.4g}" for name in ("mean", "low", "high")
    )
    return f"{mean} ({low} to {high})"


def _me() -> str:
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # a container without names
        return "unknown"
