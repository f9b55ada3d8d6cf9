"""The commands that read files: extract and transcribe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from autopicker_lab.cli.common import Cluster, Json, open_workbench, print_json, sparse_notes, stoppable
from autopicker_lab.core import AutopickerError, InvalidRequestError, ReadOptions
from autopicker_lab.transcription.formats import Format

app = typer.Typer()


@app.command()
def extract(
    files: Annotated[list[Path], typer.Argument(help="files to read, and folders with all that is below them")],
    as_json: Json = False,
    text: Annotated[bool, typer.Option("--text", help="print the Markdown alone")] = False,
    out: Annotated[Path | None, typer.Option(help="write a row a file here: .parquet or .jsonl")] = None,
    jobs: Annotated[int | None, typer.Option(min=1, max=256, help="processes for a folder; none: one a core")] = None,
    scheduler: Cluster = None,
    password: Annotated[str | None, typer.Option(help="that opens encrypted files")] = None,
    language: Annotated[list[str] | None, typer.Option(help="of scans, as in Tesseract (deu); repeatable")] = None,
    structure: Annotated[bool, typer.Option("--structure", help="of HTML also an outline of its elements")] = False,
    place: Annotated[bool, typer.Option("--place", help="keep the GPS position of pictures")] = False,
) -> None:
    """Read files: text, tables, metadata. Recordings in a folder are described, not transcribed."""
    options = ReadOptions(password, tuple(language or ()), place=place, structure=structure)
    if out is not None or jobs is not None or scheduler is not None or any(path.is_dir() for path in files):
        _extract_many(files, out, {"jobs": jobs, "scheduler": scheduler, "options": options}, as_json, text)
    else:
        with open_workbench() as lab:
            rows = _rows(files, lambda path: lab.extract(path, options=options).to_dict(), _EMPTY_DOCUMENT)
        _print_documents(rows, as_json, text)
        _finish(rows)


@app.command()
def context(
    question: Annotated[str, typer.Argument(help="what the files are asked")],
    file: Annotated[list[Path], typer.Option("--file", "-f", help="a file to read; repeatable")],
    budget: Annotated[int | None, typer.Option(min=64, help="tokens at most; none: as many as the model gets")] = None,
    model: Annotated[str, typer.Option("--model", "-m", help="whose tokens and window count")] = "auto",
    as_json: Json = False,
) -> None:
    """Show what of some files a model would be given for a question, and why; no model is asked."""
    with open_workbench() as lab:
        note = sparse_notes(as_json)

        def waiting(done: int, total: int) -> None:
            note(f"in another language: {done:,} of {total:,} passages can be compared by meaning")

        found = lab.context(question, file, budget=budget, model=model, progress=waiting)
    if as_json:
        print_json(found.to_dict())
        return
    typer.echo(found.text)
    for passage in found.report.passages:
        score = f", {passage.score:.2f}" if passage.score else ""
        typer.echo(f"[{passage.number}: {passage.file}, {passage.part} ({passage.why}{score})]", err=True)
    for line in (*found.report.left_out, *found.report.warnings):
        typer.echo(f"[{line}]", err=True)


def _extract_many(files: list[Path], out: Path | None, how: dict[str, Any], as_json: bool, text: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress

    from autopicker_lab.extraction import ExtractionResult, extract_many, formats
    from autopicker_lab.extraction.many import write_table

    failed: list[dict[str, Any]] = []
    note = sparse_notes(as_json)
    done = total = 0
    with Progress(transient=True, console=Console(stderr=True)) as bar, stoppable() as stopped:
        task = bar.add_task("files", total=None)

        def on_progress(files_done: int, files_total: int) -> bool:
            nonlocal done, total
            done, total = files_done, files_total
            bar.update(task, completed=files_done, total=files_total)
            note(f"{files_done:,} of {files_total:,} files")
            return not stopped()

        def results() -> Iterator[ExtractionResult]:
            for result in extract_many(files, progress=on_progress, **how):
                if stopped() and result.error:
                    continue  # the signal reached a worker as well
                if result.error:
                    failed.append({"name": str(result.path), "error": result.error.to_dict()})
                yield result

        if out is not None:
            count = write_table(results(), out)
            typer.echo(f"{count} files, {len(failed)} of them not read: {out}")
        else:
            ordered = sorted(results(), key=lambda result: result.path)
            _print_documents([_row(result) for result in ordered], as_json, text)
        interrupted = stopped()
    if not total and not interrupted:
        raise InvalidRequestError("there is no file to read", f"supported: {', '.join(formats())}")
    _finish(failed, f"{done} of {total} files were read, and are kept" if interrupted else "")


def _row(result: Any) -> dict[str, Any]:
    if result.error:
        return {"name": str(result.path), **_EMPTY_DOCUMENT, "error": result.error.to_dict()}
    return {**result.document.to_dict(), "name": str(result.path), "error": None}


def _print_documents(rows: list[dict[str, Any]], as_json: bool, text: bool) -> None:
    if as_json:
        print_json(rows)
    elif text:
        typer.echo("\n\n".join(row["text"] for row in rows if not row["error"]))
    else:
        for row in rows:
            _print_document(row)


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="recordings, and folders with all that is below them")],
    as_json: Json = False,
    jobs: Annotated[int | None, typer.Option(min=1, max=64, help="processes, each with a model of its own")] = None,
    scheduler: Cluster = None,
    language: Annotated[str | None, typer.Option(help="code, name or locale; none: detected")] = None,
    translate: Annotated[bool, typer.Option("--translate", help="into English")] = False,
    out: Annotated[Path | None, typer.Option(help="a folder for a file each; what is there already is kept")] = None,
    form: Annotated[Format, typer.Option("--format", help="of these files")] = "srt",
    words: Annotated[bool, typer.Option("--words", help="with the times of words (JSON, vtt)")] = False,
) -> None:
    """Write down what is said in recordings."""
    options: dict[str, Any] = {"language": language, "task": "translate" if translate else "transcribe", "words": words}
    if out is not None:
        _finish(_save_transcripts(files, out, form, {"jobs": jobs, "scheduler": scheduler}, options))
        return
    if jobs is not None or scheduler is not None or any(path.is_dir() for path in files):
        results = _transcribe_many(files, {"jobs": jobs, "scheduler": scheduler, **options})
        _print_transcripts([_transcript_row(result) for result in results], as_json)
        return
    with open_workbench() as lab:
        rows = _rows(files, lambda path: lab.transcribe(path, **options).to_dict(), _EMPTY_TRANSCRIPT)
    _print_transcripts(rows, as_json)


def _transcribe_many(files: Sequence[Path], how: dict[str, Any]) -> Iterator[Any]:
    """The results, each as it is ready; a line for it on a terminal."""
    from autopicker_lab.settings import Settings
    from autopicker_lab.transcription.many import transcribe_many

    note = sparse_notes()
    done = total = 0
    with stoppable() as stopped:

        def on_progress(files_done: int, files_total: int) -> bool:
            nonlocal done, total
            done, total = files_done, files_total
            note(f"{files_done:,} of {files_total:,} recordings")
            return not stopped()

        model = Settings.load().whisper_model
        for result in transcribe_many(files, model=model, progress=on_progress, **how):
            yield result
            if sys.stderr.isatty():
                typer.echo(f"{done} of {total}: {result.path}", err=True)


def _transcript_row(result: Any) -> dict[str, Any]:
    transcript = result.transcript.to_dict() if result.transcript else _EMPTY_TRANSCRIPT
    return {**transcript, "name": str(result.path), "error": result.error.to_dict() if result.error else None}


def _save_transcripts(
    files: Sequence[Path], out: Path, form: Format, how: dict[str, Any], options: dict[str, Any]
) -> list[dict[str, Any]]:
    """Write a transcript for each recording that has none in the folder; the rows of those that failed."""
    from autopicker_lab.core.files import find_files
    from autopicker_lab.settings import Settings
    from autopicker_lab.transcription.saved import SavedTranscripts

    saved = SavedTranscripts(out, form, {"model": Settings.load().whisper_model, **options})
    found = find_files(files, "audio")
    missing = [path for path in found if not saved.has(path)]
    failed = []
    count = 0
    for result in _transcribe_many(missing, {**how, **options}) if missing or not found else ():
        if result.transcript is None:
            failed.append(_transcript_row(result))
        else:
            saved.save(result.path, result.transcript, words=options["words"], task=options["task"])
            count += 1
    kept = f", there already: {len(found) - len(missing)}" if len(found) > len(missing) else ""
    typer.echo(f"transcripts written: {count}, recordings not read: {len(failed)}{kept}, in {out}")
    return failed


def _print_transcripts(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json(rows)
    else:
        for row in rows:
            if not row["error"]:
                typer.echo(f"{row['name']} ({row['language']}, {row['duration']:.1f} s)\n{row['text']}\n")
    _finish(rows)


_EMPTY_TRANSCRIPT: dict[str, Any] = {"text": "", "language": None, "duration": None, "segments": [], "warnings": []}
_EMPTY_DOCUMENT: dict[str, Any] = {"kind": None, "text": "", "parts": [], "tables": [], "metadata": {}, "warnings": []}


def _rows(paths: Sequence[Path], work: Callable[[Path], dict[str, Any]], empty: dict[str, Any]) -> list[dict[str, Any]]:
    """Make a row for each file; a file that cannot be read has its error in its row, and does not stop the rest."""
    rows = []
    for path in paths:
        try:
            rows.append({**work(path), "error": None})
        except AutopickerError as error:
            rows.append({"name": path.name, **empty, "error": error.to_dict()})
    return rows


def _finish(rows: Sequence[dict[str, Any]], stopped: str = "") -> None:
    """Print a line for each failure (with the path where folders were read); exit 1 then, or 130 after `stopped`."""
    for row in rows:
        if row["error"]:
            error = InvalidRequestError(row["error"]["detail"], row["error"]["hint"])
            folder = f"{row['name']}: " if "/" in row["name"] else ""
            typer.echo(f"autopicker: {folder}{error}", err=True)
    if stopped:
        typer.echo(f"stopped: {stopped}", err=True)
        sys.exit(130)
    if any(row["error"] for row in rows):
        sys.exit(1)


def _print_document(row: dict[str, Any]) -> None:
    if row["error"]:
        return
    counts = f"parts: {len(row['parts'])}, tables: {len(row['tables'])}, characters: {len(row['text']):,}"
    typer.echo(f"# {row['name']} ({row['kind']}; {counts})")
    for warning in row["warnings"]:
        typer.echo(f"! {warning}")
    typer.echo(row["text"] + "\n")
