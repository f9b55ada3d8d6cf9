"""The commands of the routing lab that read outcomes: tune a policy on them, evaluate one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autopicker_lab.cli.common import Json, StrictCommand, print_json, sparse_notes
from autopicker_lab.cli.report_text import print_report
from autopicker_lab.core import InvalidRequestError

if TYPE_CHECKING:
    from autopicker_lab.tuning import TuningReport

app = typer.Typer()
_SHUT = 3  # exit code of a gate that stays shut; 1 is a failure
Table = Annotated[Path, typer.Argument(help="an outcomes table: CSV, CSV.GZ, JSONL or Parquet")]
Strong = Annotated[str | None, typer.Option(help="the better model of a pair; none: the best by mean score")]
Weak = Annotated[str | None, typer.Option(help="the other one; none: the cheapest, or the worst where cost is unknown")]
Seed = Annotated[int, typer.Option(min=0, max=2**32 - 1, help="of every random draw")]
Prices = Annotated[
    Path | None,
    typer.Option(
        help='prices for missing costs: the YAML file of the catalogue, or JSON of USD per million tokens, {"model": '
        '{"price_in": 1, "price_out": 2}}'
    ),
]
Latency = Annotated[
    float | None, typer.Option(min=0, help="USD that a second of waiting costs, on top of what a call costs")
]
Groups = Annotated[
    str,
    typer.Option(
        help='will requests bring new templates ("template"), or be of these ("off")? "auto" takes one, and says which'
    ),
]
Scores = Annotated[Path | None, typer.Option(help="also write prompt_id and score of each prompt here, as CSV")]


@app.command(cls=StrictCommand)
def tune(
    outcomes: Annotated[
        Path | None, typer.Argument(help="an outcomes table: CSV, CSV.GZ, JSONL or Parquet; none with --add")
    ] = None,
    strong: Strong = None,
    weak: Weak = None,
    folds: Annotated[int, typer.Option(min=2, max=20, help="of the cross-validation")] = 5,
    seed: Seed = 0,
    within: Annotated[
        float | None, typer.Option(min=0, max=1, help="mean score that may be lost to save cost; none: 0.01")
    ] = None,
    strong_share: Annotated[
        float | None, typer.Option(min=0, max=1, help="share of requests to send to the strong model: 0.5 is half")
    ] = None,
    spend: Annotated[
        float | None, typer.Option(min=0, help="USD per 1,000 requests that may be spent, for the best quality")
    ] = None,
    promise: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="share of the requests kept from the best model that may lose by it, at most"),
    ] = None,
    confidence: Annotated[float, typer.Option(min=0, max=1, help="with which --promise is to hold")] = 0.9,
    incumbent: Annotated[
        str | None, typer.Option(help="the model that serves now, and that routing is held against; none: the best one")
    ] = None,
    guard: Annotated[
        float | None,
        typer.Option(min=0, help="standard errors by which a lead over the incumbent must clear zero; none: no guard"),
    ] = None,
    repeats: Annotated[
        int | None,
        typer.Option(min=1, max=50, help="how often the folds are drawn; none: 2 to 10 times, by the table's size"),
    ] = None,
    on_drift: Annotated[
        str, typer.Option(help='what a service does once requests have drifted: "keep" routing, or ask the "incumbent"')
    ] = "keep",
    unfamiliar: Annotated[
        str,
        typer.Option(
            help='who decides on a question unlike all of the table, such as one in another language: the "incumbent", '
            'the "default" tiers, or the "estimate" all the same'
        ),
    ] = "incumbent",
    groups: Groups = "auto",
    cascade: Annotated[
        str,
        typer.Option(
            help='ask a cheap model first and go up on a signal of its answer: "auto" where that is shown to beat '
            'routing at equal cost, "only", or "off"'
        ),
    ] = "auto",
    per_task: Annotated[
        bool,
        typer.Option(
            "--per-task",
            help="estimates differ by the column task, for requests that tell theirs (metadata.task)",
        ),
    ] = False,
    hash_vocabulary: Annotated[
        bool,
        typer.Option(
            "--hash-vocabulary",
            help="hash the words that the file knows by the setting VOCABULARY_KEY, which its readers then need",
        ),
    ] = False,
    prices: Prices = None,
    latency_weight: Latency = None,
    out: Annotated[Path | None, typer.Option(help="where to save the policy")] = None,
    anyway: Annotated[
        bool, typer.Option("--anyway", help="save a policy whose allowance or promise is missed")
    ] = False,
    scores: Scores = None,
    local_only: Annotated[
        bool, typer.Option("--local-only", help="the policy never sends a request elsewhere")
    ] = False,
    add: Annotated[
        Path | None,
        typer.Option(help="20 to 100 outcomes of a new model, which joins --policy; nothing else is fitted"),
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="of --add: the tuned policy that a model joins")] = None,
    as_json: Json = False,
) -> None:
    """Fit a routing policy on measured outcomes, out of fold, and say whether routing pays."""
    if (outcomes is None) == (add is None) or (add is None) != (policy is None):
        hint = "tune OUTCOMES --out policy.json, or tune --add NEW.jsonl --policy policy.json --out new.json"
        raise InvalidRequestError("a table, or --add with --policy, is needed", hint)
    if outcomes is None:
        assert add is not None
        assert policy is not None
        _add_models(add, policy, prices, out, as_json)
        return
    from rich.console import Console
    from rich.progress import Progress

    from autopicker_lab.routing import save_policy
    from autopicker_lab.routing.policies import vocabulary_key
    from autopicker_lab.tuning import WITHIN, Terms, read_outcomes
    from autopicker_lab.tuning import tune as run

    if within is not None and (strong_share is not None or spend is not None):
        raise InvalidRequestError("one thing decides the cost weight", "give --within, --strong-share or --spend")
    _check_folders(out, scores)
    secret = vocabulary_key() if hash_vocabulary else ""
    if hash_vocabulary and not secret:
        raise InvalidRequestError("no key to hash the vocabulary with", "set VOCABULARY_KEY to 16 characters or more")
    table = read_outcomes(outcomes, prices)
    note = sparse_notes(as_json)
    with Progress(transient=True, console=Console(stderr=True)) as bar:
        task = bar.add_task("folds", total=None)

        def show(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)
            note(f"{done} of {total} folds")

        report = run(
            table,
            strong=strong,
            weak=weak,
            folds=folds,
            seed=seed,
            within=WITHIN if within is None else within,
            strong_share=strong_share,
            spend=spend,
            promise=None if promise is None else Terms(promise, confidence, within),
            incumbent=incumbent,
            guard=guard,
            repeats=repeats,
            on_drift=on_drift,
            unfamiliar=unfamiliar,
            groups=groups,
            cascade=cascade,
            per_task=per_task,
            vocabulary_key=secret,
            latency_weight=latency_weight or 0.0,
            local_only=local_only,
            source=outcomes,
            progress=show,
        )
    _print_report(report, scores, as_json)
    if out is None:
        return
    missed = report.missed
    if missed and not anyway:
        enough = report.losses.enough if report.losses else None
        more = "allow more" if enough is None else f"allow more (--within {enough:g})"
        typer.echo(f"autopicker: not saved: {missed}. Collect more, {more}, or save it --anyway", err=True)
        raise typer.Exit(_SHUT)
    save_policy(report.policy, out)
    doubt = "" if report.verdict.pays else ", though routing is not shown to pay"
    typer.echo(f"saved{doubt}: set AUTOPICKER_POLICY={out} to use it", err=True)


def _add_models(rows: Path, policy: Path, prices: Path | None, out: Path | None, as_json: bool) -> None:
    """Let the new models of a table join a policy, one after the other."""
    from autopicker_lab.routing import load_policy, save_policy
    from autopicker_lab.tuning import add_model, read_outcomes

    _check_folders(out)
    table, joined = read_outcomes(rows, prices), load_policy(policy)
    names = [str(name) for name in table["model"].unique() if name not in joined.qualities]
    if not names:
        raise InvalidRequestError(f"the policy knows all models of '{rows}'", "collect outcomes of a new one")
    for name in names:
        joined = add_model(joined, table, model=name)
    guard = joined.guard
    assert guard is not None  # of every policy that a model has joined
    told = {name: {"quality": joined.qualities[name], "error": guard.errors[name]} for name in names}
    if as_json:
        print_json({"added": told, "incumbent": guard.incumbent, "z": guard.z, "policy": joined.id})
    else:
        for name, figures in told.items():
            lead = f"is asked in place of {guard.incumbent} where it leads by {guard.margin(name):.3f} or more"
            typer.echo(f"{name}: quality {figures['quality']:.3f} by estimate; {lead}")
    if out is not None:
        save_policy(joined, out)
        typer.echo(f"saved: set AUTOPICKER_POLICY={out} to use it", err=True)


@app.command(cls=StrictCommand)
def evaluate(
    outcomes: Table,
    policy: Annotated[str, typer.Option(help="a policy file, or 'default'")] = "default",
    strong: Strong = None,
    weak: Weak = None,
    seed: Seed = 0,
    groups: Groups = "auto",
    prices: Prices = None,
    latency_weight: Latency = None,
    scores: Scores = None,
    choices: Annotated[
        Path | None, typer.Option(help="also write prompt_id and the model chosen for each prompt here, as CSV")
    ] = None,
    rewordings: Annotated[
        bool, typer.Option("--rewordings", help="also reword 200 prompts, and say how often the choice stays the same")
    ] = False,
    against: Annotated[
        str, typer.Option(help="the policy that serves: exit 3 unless --policy may take its place")
    ] = "",
    as_json: Json = False,
) -> None:
    """Measure a policy on outcomes, without fitting anything."""
    from autopicker_lab.routing import load_policy
    from autopicker_lab.tuning import OutcomeMatrix, gate, read_outcomes
    from autopicker_lab.tuning import evaluate as run

    if against and (scores is not None or choices is not None or rewordings):
        hint = "leave out --scores, --choices and --rewordings: the gate rewords on its own"
        raise InvalidRequestError("--against gives a verdict alone", hint)
    _check_folders(scores, choices)
    table = read_outcomes(outcomes, prices)
    if against:
        matrix = OutcomeMatrix.from_table(
            table, strong=strong, weak=weak, seed=seed, groups=groups, latency_weight=latency_weight or 0.0
        )
        result = gate(matrix, load_policy(against), load_policy(policy), seed=seed)
        if as_json:
            print_json(result.to_dict())
        else:
            typer.echo(result.verdict)
        raise typer.Exit(0 if result.passed else _SHUT)
    report = run(
        table,
        load_policy(policy),
        strong=strong,
        weak=weak,
        seed=seed,
        groups=groups,
        latency_weight=latency_weight,
        source=outcomes,
        rewordings=rewordings,
    )
    if choices is not None:
        report.choices_frame().to_csv(choices.expanduser(), index=False)
    _print_report(report, scores, as_json)


def _check_folders(*targets: Path | None) -> None:
    """Refuse a file that cannot be written because of its folder, or because it is one, before anything is done."""
    for target in targets:
        if target is not None and target.expanduser().is_dir():
            raise InvalidRequestError(f"'{target}' is a folder", f"name a file, such as {target / 'FILE'}")
        if target is not None and not target.expanduser().parent.is_dir():
            raise InvalidRequestError(f"there is no folder '{target.parent}'", "make it first, or choose another")


def _print_report(report: TuningReport, scores: Path | None, as_json: bool) -> None:
    if scores is not None:
        report.scores_frame().to_csv(scores.expanduser(), index=False)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), ensure_ascii=False, allow_nan=False))
        return
    print_report(report)
