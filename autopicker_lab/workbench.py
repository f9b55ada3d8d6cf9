"""The composition root: Settings in, a Workbench out. Notebooks, service and command line all hold one."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.chat import AnswerStream, Attachment, Context, Embedder, Pipeline, Reader
from autopicker_lab.complexity import score
from autopicker_lab.core import (
    AutopickerError,
    ChatChunk,
    ChatReply,
    ChatRequest,
    Complexity,
    Document,
    FileReading,
    InvalidRequestError,
    ModelSpec,
    ReadingPlan,
    ReadOptions,
    Route,
    RoutePolicy,
    SourceFile,
    SpeechOptions,
    Transcript,
)
from autopicker_lab.core.show import html_table
from autopicker_lab.extraction import ExtractionPool, open_source
from autopicker_lab.extraction.pool import read_source
from autopicker_lab.extraction.registry import installed_format
from autopicker_lab.grading.checks import CheckRunner
from autopicker_lab.loadtest import IN_PROCESS, Closed, LiveProgress, LoadPlan, LoadReport, measure, run
from autopicker_lab.models import Availability, Catalogue, build
from autopicker_lab.models.token_count import count_tokens
from autopicker_lab.retrieval import AskedEncoder, Encoder, FolderEncoder, bundled
from autopicker_lab.routing import AUTO, as_policy, default_policy
from autopicker_lab.routing.signals import judge_of
from autopicker_lab.runtime.event_loop import EventLoopThread
from autopicker_lab.runtime.executors import Scheduler, worker_pool
from autopicker_lab.settings import Settings
from autopicker_lab.storage import FileStore
from autopicker_lab.transcription import WhisperTranscriber
from autopicker_lab.transcription.recordings import Recording, open_recording

if TYPE_CHECKING:
    import concurrent.futures

    from autopicker_lab.runtime.progress import Progress
    from autopicker_lab.tuning import CollectionResult

_READERS = max(2, os.cpu_count() or 2)  # uploads that are read at once
_WHOLE = FileReading(whole=True)
T = TypeVar("T")
Source = str | Path | bytes | SourceFile
Prompt = str | Sequence[Mapping[str, Any]] | ChatRequest


class Workbench:
    """Everything the lab can do, wired from one Settings.

    The plain methods work in scripts and in notebooks alike; those that begin with `a` are for `await`. `stream` is for
    `for` in a script and for `async for` in a coroutine or a notebook.

    Args:
        settings: None reads the environment.
        policy: or the path of its file; None takes the one that AUTOPICKER_POLICY names, or the default.
        isolate: read files in processes that can be killed, for uploads nobody vouches for.
    """

    def __init__(
        self, settings: Settings | None = None, *, policy: RoutePolicy | str | Path | None = None, isolate: bool = False
    ):
        if settings is not None and not isinstance(settings, Settings):
            what = f"a Workbench takes Settings, not {type(settings).__name__}"
            raise InvalidRequestError(what, "models in a YAML file: Workbench(Settings.load(autopicker_config='FILE'))")
        self.settings = settings or Settings.load()
        self._pool: ExtractionPool | None = None
        self._isolate = isolate
        self._store: FileStore | None = None
        self._loop_thread: EventLoopThread | None = None
        self._loop_lock = threading.Lock()
        self.transcriber = WhisperTranscriber(self.settings.whisper_model, self.settings.autopicker_home)
        self.reader = Reader(self._extract, self.transcriber, _READERS, self._work)
        specs = self.settings.catalogue()
        discover_at = None if self.settings.models or self.settings.autopicker_demo else self.settings.ollama_host
        self.catalogue = Catalogue([build(spec) for spec in specs], discover_at)
        chosen = as_policy(policy or self.settings.autopicker_policy or default_policy())
        checks = CheckRunner(self.settings.autopicker_checks)
        if chosen.cascade is not None:
            checks.refuse_what_cannot_run(chosen.cascade.signal)
        self.pipeline = Pipeline(
            self.catalogue, chosen, score, self.reader, checks, self._encoder(), self.settings.retrieval_rewriter
        )
        self.embedder = Embedder(self.pipeline)

    def __repr__(self) -> str:
        models = ", ".join(spec.id for spec in self.catalogue.specs())
        return f"Workbench(models: {models}; policy: {self.policy.id}; home: {self.settings.autopicker_home})"

    @property
    def policy(self) -> RoutePolicy:
        """What decides between the models."""
        return self.pipeline.policy

    @property
    def files(self) -> FileStore:
        """The uploads."""
        if self._store is None:
            self._store = FileStore(self.settings.uploads_url, installed_format, ttl_s=self.settings.upload_ttl)
        return self._store

    def _repr_html_(self) -> str:
        return html_table([], [], f"Workbench, policy {self.policy.id}") + self.catalogue._repr_html_()

    # plain calls

    def extract(self, source: Source, name: str | None = None, options: ReadOptions | None = None) -> Document:
        """Read a file; of a recording, what is said in it."""
        return self.wait(self.aextract(source, name, options))

    def count_tokens(self, text: str, model: str) -> int:
        """Tokens of `text` by a model's tokenizer: its own where that is in reach, else estimated by its family.

        In reach are those of models in a process of this machine, of a file that the entry's `tokenizer` names, and of
        servers of one's own that count (llama.cpp, vLLM, SGLang).
        """
        return self.wait(count_tokens(self.catalogue.get(model), text)).tokens

    def transcribe(
        self,
        source: Recording,
        *,
        rate: int | None = None,
        language: str | None = None,
        task: str = "transcribe",
        words: bool = False,
        vad: bool | None = None,
        beam: int | None = None,
        prompt: str | None = None,
        hotwords: str | None = None,
        progress: Progress | None = None,
    ) -> Transcript:
        """What is said in a recording: a path, bytes, an opened file, or samples with their `rate` in Hz.

        The options are those of SpeechOptions; `progress` is that of WhisperTranscriber.transcribe.
        """
        options = SpeechOptions(language, task, words, vad, beam, prompt, hotwords)
        return self.wait(self.reader.transcribe(open_recording(source, rate), options, progress=progress))

    def score(self, prompt: Prompt, files: Sequence[Source] = ()) -> Complexity:
        """How hard a request looks, with its files."""
        return self.wait(self.ascore(prompt, files))

    def route(
        self, prompt: Prompt, files: Sequence[Source] = (), *, model: str = AUTO, policy: RoutePolicy | None = None
    ) -> Route:
        """Which model a request would go to, and why; `policy` tries another one than the Workbench's own."""
        return self.wait(self.aroute(prompt, files, model=model, policy=policy))

    def context(
        self,
        prompt: Prompt,
        files: Sequence[Source] | Source,
        *,
        budget: int | None = None,
        model: str = AUTO,
        progress: Progress | None = None,
    ) -> Context:
        """What of the files a model would be given for a question, or a conversation, and why; asks no model.

        Args:
            budget: tokens that it may have at most, as `model` counts them; where none is named, as they are estimated.
                None: as many as the model gets that is named, or that the question would go to.
            progress: told of passages that have vectors, where the question waits for them; False: go on without.
        """
        return self.wait(self.acontext(prompt, files, budget=budget, model=model, progress=progress))

    def plan(
        self,
        prompt: Prompt,
        files: Sequence[Source] | Source,
        *,
        model: str = AUTO,
        reading: FileReading = _WHOLE,
        **options: Any,
    ) -> ReadingPlan:
        """What it would take at most to read files from end to end for a question; asks no model.

        Args:
            reading: its bounds of calls and USD. options: as of `ask`.
        """
        return self.wait(self.aplan(prompt, files, model=model, reading=reading, **options))

    def ask(
        self,
        prompt: Prompt,
        files: Sequence[Source] = (),
        *,
        model: str = AUTO,
        reading: FileReading | None = None,
        **options: Any,
    ) -> ChatReply:
        """The answer to a request; `options` are OpenAI's (temperature, max_tokens ...).

        Args:
            reading: how the files are read: FileReading(whole=True, max_calls=20, max_usd=0.05) has a model read them
                from end to end in steps, within these bounds (see `plan`); None: the passages that the question needs.
        """
        return self.wait(self.aask(prompt, files, model=model, reading=reading, **options))

    def models(self) -> list[tuple[ModelSpec, Availability]]:
        """The catalogue, and which of it would answer now."""
        answers = self.wait(self.catalogue.availability(fresh=True))
        return [(spec, answers.get(spec.id, Availability(False, "not asked yet"))) for spec in self.catalogue.specs()]

    def loadtest(
        self,
        plan: LoadPlan | str,
        *,
        users: int = 5,
        requests: int = 50,
        progress: LiveProgress | None = None,
        **fields: Any,
    ) -> LoadReport:
        """Run a load test: a plan, or `users` who send `requests` to an address; further fields are LoadPlan's.

        A plan whose url is loadtest.IN_PROCESS asks this Workbench.
        """
        if isinstance(plan, str):
            plan = LoadPlan(plan, Closed(users), requests=requests, **fields)
        if plan.url == IN_PROCESS:
            return self.wait(run(plan, progress, self.answers))
        return measure(plan, progress)

    def collect(
        self, questions: str | Path, models: Sequence[str], out: str | Path, **options: Any
    ) -> CollectionResult:
        """Ask and grade a labelled prompt set over `models` into the JSONL file `out`; see tuning.collect.

        A name of `models` may have wildcards ("qwen*"): these stand for the models that answer now. With
        `most_telling`, only so many questions are asked: those that would tell most about models that are new to
        `policy` (or its file; see tuning.add_model), and that `out` does not have.

        With a `scheduler` (see runtime.executors.worker_pool) the models are asked by the workers of a cluster, each
        with a Workbench of these settings; grading, and the file, stay here.
        """
        return self.wait(self.acollect(questions, models, out, **options))

    # awaitable calls

    async def aextract(self, source: Source, name: str | None = None, options: ReadOptions | None = None) -> Document:
        """As `extract`."""
        file = await asyncio.to_thread(open_source, source, name)
        return await self.reader.read(file if options is None else replace(file, options=options))

    async def attach(self, files: Sequence[Source] | Source) -> list[Attachment]:
        """Read the files of a question, one after the other; a single one may come without a list."""
        if isinstance(files, str | bytes | Path | SourceFile):
            files = [files]
        return [await self.reader.attach(await asyncio.to_thread(open_source, file)) for file in files]

    async def aexpect(self, files: Sequence[SourceFile]) -> None:
        """Read the files that questions will be about, and have them made ready to be found by meaning meanwhile.

        Without an encoder, and of recordings, nothing is done; of a file that cannot be read, a question will tell.
        """
        if not self.pipeline.file_context.has_encoder:
            return
        for file in files:
            if file.category != "audio":
                with suppress(AutopickerError):
                    self.pipeline.file_context.expect(await self.reader.read(file))

    async def ascore(self, prompt: Prompt, files: Sequence[Source] = ()) -> Complexity:
        """As `score`."""
        return await self.pipeline.score(ChatRequest.of(prompt), await self.attach(files))

    async def aroute(
        self, prompt: Prompt, files: Sequence[Source] = (), *, model: str = AUTO, policy: RoutePolicy | None = None
    ) -> Route:
        """As `route`."""
        return await self.pipeline.route(ChatRequest.of(prompt, model=model), await self.attach(files), policy)

    async def acontext(
        self,
        prompt: Prompt,
        files: Sequence[Source] | Source,
        *,
        budget: int | None = None,
        model: str = AUTO,
        progress: Progress | None = None,
    ) -> Context:
        """As `context`."""
        reading = FileReading(progress=progress) if progress else None
        request = ChatRequest.of(prompt, model=model or AUTO, reading=reading)
        return await self.pipeline.context(request, await self.attach(files), budget)

    async def aplan(
        self,
        prompt: Prompt,
        files: Sequence[Source] | Source,
        *,
        model: str = AUTO,
        reading: FileReading = _WHOLE,
        **options: Any,
    ) -> ReadingPlan:
        """As `plan`."""
        request = self._question(prompt, files, model, options, reading)
        attachments = await self.attach(files)
        route = await self.pipeline.route(request, attachments)
        return await self.pipeline.reading.plan(route.model, request, attachments)

    async def aask(
        self,
        prompt: Prompt,
        files: Sequence[Source] = (),
        *,
        model: str = AUTO,
        reading: FileReading | None = None,
        **options: Any,
    ) -> ChatReply:
        """As `ask`."""
        request = self._question(prompt, files, model, options, reading)
        return await self.pipeline.complete(request, await self.attach(files))

    def _question(
        self,
        prompt: Prompt,
        files: Sequence[Source] | Source,
        model: str,
        options: Mapping[str, Any],
        reading: FileReading | None = None,
    ) -> ChatRequest:
        """The request of a prompt; InvalidRequestError for one in which nothing is asked."""
        request = ChatRequest.of(prompt, model=model, options=options, reading=reading)
        if not (files or request.file_ids or request.image_urls or any(m.text.strip() for m in request.messages)):
            raise InvalidRequestError("the prompt is empty", "write a question, or give a file")
        return request

    async def acollect(
        self,
        questions: str | Path,
        models: Sequence[str],
        out: str | Path,
        *,
        judge: str = "",
        scheduler: Scheduler = None,
        most_telling: int | None = None,
        policy: RoutePolicy | str | Path | None = None,
        signals: Sequence[str] = (),
        **options: Any,
    ) -> CollectionResult:
        """As `collect`."""
        from autopicker_lab.tuning import collect, read_questions
        from autopicker_lab.tuning.new_model import next_questions

        prompts = await asyncio.to_thread(read_questions, questions)
        await self.catalogue.availability()  # it may discover a model that is named
        specs = [model.describe() for name in models for model in await self.catalogue.matching(name)]
        grader = self.catalogue.get(judge).describe() if judge else None
        judges = {name: self.catalogue.get(name).describe() for name in map(judge_of, signals) if name}
        checks = CheckRunner(self.settings.autopicker_checks or Path())
        options |= {"judge": grader, "signals": signals, "judges": judges, "checks": checks}
        if most_telling is not None:
            names = [spec.id for spec in specs]
            known = self.policy if policy is None else policy
            prompts = await asyncio.to_thread(next_questions, known, prompts, most_telling, out, names)
        if scheduler is None:

            async def ask_here(request: ChatRequest, files: Sequence[Path] = ()) -> ChatReply:
                return await self.pipeline.complete(request, await self.attach(files))

            return await collect(prompts, specs, ask_here, out, **options)
        with worker_pool(scheduler) as (pool, at_once):

            async def ask(request: ChatRequest, files: Sequence[Path] = ()) -> ChatReply:
                sources = [await asyncio.to_thread(open_source, file) for file in files]
                return await asyncio.wrap_future(pool.submit(answer_elsewhere, self.settings, request, sources))

            return await collect(prompts, specs, ask, out, **{"parallel": at_once, **options})

    def stream(
        self,
        prompt: Prompt,
        files: Sequence[Source] = (),
        *,
        model: str = AUTO,
        reading: FileReading | None = None,
        **options: Any,
    ) -> AnswerStream:
        """The answer as it is made; nothing is read or asked before the first piece is wanted.

        `for chunk in lab.stream("...")` in a script, `async for chunk in lab.stream("...")` in a coroutine or a
        notebook; each chunk has its `content`. Leaving the loop, or closing the stream, ends the model's work.

        Raises:
            InvalidRequestError: the prompt is empty.
        """
        request = self._question(prompt, files, model, options, reading)
        return AnswerStream(self.pipeline.stream(request, lambda: self.attach(files)), self.wait)

    async def answers(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        """What a load test asks: the stream of a request, its file ids being those of uploads kept here."""
        kept = [await asyncio.to_thread(self.files.get, file_id) for file_id in request.file_ids]
        attachments = [await self.reader.attach_upload(record, self.files.load) for record in kept]
        async with aclosing(self.pipeline.stream(request, attachments, keep=False)) as chunks:
            async for chunk in chunks:
                yield chunk

    # life

    def close(self) -> None:
        """Give back processes, connections and models."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        self.pipeline.checks.close()
        if self._loop_thread is not None:
            self._loop_thread.run(self.catalogue.close())
            self._loop_thread.stop()
            self._loop_thread = None
        self.transcriber.release()

    async def aclose(self) -> None:
        """The same, where an event loop runs already."""
        await self.catalogue.close()
        await asyncio.to_thread(self.close)

    async def __aenter__(self) -> Workbench:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def __enter__(self) -> Workbench:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _extract(self, file: SourceFile) -> Document:
        return await self._work(file.name, read_source, file)

    async def _work(self, name: str, work: Callable[..., T], *arguments: Any) -> T:
        """The result of `work(*arguments)`, of the file of this name, off the event loop."""
        if not self._isolate:
            return await asyncio.to_thread(work, *arguments)
        if self._pool is None:
            limits = self.settings.extraction_timeout, self.settings.extraction_memory_mb
            self._pool = ExtractionPool(*limits, workers=_READERS)
        return await asyncio.wrap_future(self._pool.run(name, work, *arguments))

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Begin one of the awaitable calls on the Workbench's own event loop; cancelling the future ends it."""
        with self._loop_lock:
            return self._event_loop().submit(work)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """The result of one of the awaitable calls, from plain code; an interrupt cancels it."""
        with self._loop_lock:
            loop_thread = self._event_loop()
        return loop_thread.run(work)

    def _encoder(self) -> Encoder | None:
        """What finds passages by meaning, as the setting says."""
        name = self.settings.retrieval_encoder
        if name in ("auto", "off"):
            return bundled() if name == "auto" else None
        if name not in {spec.id for spec in self.catalogue.specs()} and Path(name).expanduser().is_dir():
            return FolderEncoder(name)

        def embed(texts: Sequence[str]) -> Any:
            return self.wait(self.embedder.embed(self.embedder.spec(name), list(texts))).vectors

        return AskedEncoder(name, embed)

    def _event_loop(self) -> EventLoopThread:
        """The Workbench's own event loop, which its first use starts; under the lock."""
        if self._loop_thread is None:
            self._loop_thread = EventLoopThread()
        return self._loop_thread


_worker_labs: dict[str, Workbench] = {}  # in a worker of a cluster: those that it has made, by their settings
_worker_lock = threading.Lock()


def worker_lab(settings: Settings) -> Workbench:
    """The Workbench of these settings in a cluster's worker, which keeps it for the next request."""
    key = settings.fingerprint()
    with _worker_lock:  # a worker may have several threads
        if key not in _worker_labs:
            _worker_labs[key] = Workbench(settings)
        return _worker_labs[key]


def answer_elsewhere(settings: Settings, request: ChatRequest, files: Sequence[SourceFile] = ()) -> ChatReply:
    """The answer of a cluster's worker to a request with its files, by a Workbench of its own."""
    lab = worker_lab(settings)

    async def answer() -> ChatReply:
        return await lab.pipeline.complete(request, await lab.attach(files))

    return lab.wait(answer())
