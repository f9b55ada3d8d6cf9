"""The composition root: Settings in, a Workbench out. Notebooks, service and command line all hold one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from autopicker_lab.chat import AnswerStream, Attachment, Pipeline, Reader
from autopicker_lab.complexity import score
from autopicker_lab.core import (
    ChatChunk,
    ChatReply,
    ChatRequest,
    Complexity,
    Document,
    InvalidRequestError,
    ModelSpec,
    ReadOptions,
    Route,
    RoutePolicy,
    SourceFile,
    Transcript,
)
from autopicker_lab.core.show import html_table
from autopicker_lab.core.text import estimate_tokens
from autopicker_lab.extraction import ExtractionPool, extract, open_source
from autopicker_lab.loadtest import IN_PROCESS, Closed, LoadPlan, LoadReport, measure, run
from autopicker_lab.loadtest import Progress as LoadProgress
from autopicker_lab.models import Availability, Catalogue, build
from autopicker_lab.models.local import LocalModel
from autopicker_lab.routing import AUTO, default_policy, load_policy
from autopicker_lab.runtime.event_loop import EventLoopThread
from autopicker_lab.runtime.executors import Scheduler, workers
from autopicker_lab.settings import Settings
from autopicker_lab.storage import FileStore
from autopicker_lab.transcription import Progress, WhisperTranscriber

if TYPE_CHECKING:
    import concurrent.futures

    from autopicker_lab.tuning import CollectionResult

T = TypeVar("T")
Source = str | Path | bytes | SourceFile
Prompt = str | Sequence[Mapping[str, Any]] | ChatRequest


class Workbench:
    """Everything the lab can do, made from one Settings.

    The plain methods work in scripts and in notebooks alike; those that begin with `a` are for `await`. `stream` is
    for `for` and `async for`.

    Args:
        settings: None reads the environment.
        policy: a policy or the path of its file; None takes the one that AUTOPICKER_POLICY names, or the default.
        isolate: read files in processes that can be killed, for uploads from strangers.
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
        self.reader = Reader(self._extract, self.transcriber)
        specs = self.settings.catalogue()
        discover_at = None if self.settings.models else self.settings.ollama_host
        self.catalogue = Catalogue([build(spec) for spec in specs], discover_at)
        chosen = policy or self.settings.autopicker_policy or default_policy()
        chosen = load_policy(chosen) if isinstance(chosen, str | Path) else chosen
        self.pipeline = Pipeline(self.catalogue, chosen, score, self.reader)

    @property
    def policy(self) -> RoutePolicy:
        """The policy that requests are routed by."""
        return self.pipeline.policy

    @property
    def files(self) -> FileStore:
        """The uploads."""
        if self._store is None:
            self._store = FileStore(self.settings.uploads_url)
        return self._store

    def __repr__(self) -> str:
        return f"<Workbench: policy {self.policy.id}, {self.catalogue!r}, home {self.settings.autopicker_home}>"

    def _repr_html_(self) -> str:
        return html_table([], [], f"Workbench, policy {self.policy.id}") + self.catalogue._repr_html_()

    # plain calls

    def extract(self, source: Source, name: str | None = None, options: ReadOptions | None = None) -> Document:
        """The Document of a file; a recording's text is what is said in it.

        Args:
            source: a path, bytes, or a SourceFile.
            name: the file's name where `source` does not tell it; its suffix helps to recognise the format.
            options: how to read it; None: the defaults.
        """
        return self._wait(self.aextract(source, name, options))

    def count_tokens(self, text: str, model: str) -> int:
        """Tokens of `text`, by the model's own tokenizer where it runs in this process, else estimated."""
        chat_model = self.catalogue.get(model)
        return chat_model.count_tokens(text) if isinstance(chat_model, LocalModel) else estimate_tokens(text)

    def transcribe(
        self,
        source: Source,
        *,
        language: str | None = None,
        task: str = "transcribe",
        word_timestamps: bool = False,
        progress: Progress | None = None,
    ) -> Transcript:
        """The Transcript of a recording; arguments as of WhisperTranscriber.transcribe."""
        return self._wait(
            self.reader.transcribe(
                open_source(source),
                language=language,
                task=task,
                word_timestamps=word_timestamps,
                progress=progress,
            )
        )

    def score(self, prompt: Prompt, files: Sequence[Source] = ()) -> Complexity:
        """The complexity of a request with its files: 0 to 100, and its factors."""
        return self._wait(self.ascore(prompt, files))

    def route(
        self, prompt: Prompt, files: Sequence[Source] = (), *, model: str = AUTO, policy: RoutePolicy | None = None
    ) -> Route:
        """The model that a request would go to, and why; asks no model.

        Args:
            model: an id or alias of the catalogue; "auto" lets the policy choose.
            policy: in place of the Workbench's own.
        """
        return self._wait(self.aroute(prompt, files, model=model, policy=policy))

    def ask(self, prompt: Prompt, files: Sequence[Source] = (), *, model: str = AUTO, **options: Any) -> ChatReply:
        """The answer to a request.

        Args:
            prompt: a question, a list of OpenAI messages, or a ChatRequest.
            files: the files that it is about.
            model: an id or alias of the catalogue; "auto" lets the policy choose.
            options: OpenAI's fields (temperature, max_tokens ...).

        Raises:
            InvalidRequestError: the prompt is empty, and there is no file.
        """
        return self._wait(self.aask(prompt, files, model=model, **options))

    def stream(
        self, prompt: Prompt, files: Sequence[Source] = (), *, model: str = AUTO, **options: Any
    ) -> AnswerStream:
        """The answer as it is made: `for chunk in lab.stream("...")`, or `async for` in a coroutine; see AnswerStream.

        Arguments as of `ask`. The files are read, and errors of files and models raised, when it is iterated.
        """
        request = _question(ChatRequest.of(prompt, model=model, options=options), files)
        return AnswerStream(self.pipeline.stream(request, lambda: self.attach(files)), self._wait)

    def models(self) -> list[tuple[ModelSpec, Availability]]:
        """The models of the catalogue, each with whether it would answer now."""
        answers = self._wait(self.catalogue.availability(fresh=True))
        return [(spec, answers.get(spec.id, Availability(False, "not asked yet"))) for spec in self.catalogue.specs()]

    def loadtest(
        self,
        plan: LoadPlan | str,
        *,
        users: int = 5,
        requests: int = 50,
        progress: LoadProgress | None = None,
        **fields: Any,
    ) -> LoadReport:
        """Run a load test.

        Args:
            plan: or the address that `users` send `requests` to at once; loadtest.IN_PROCESS asks this Workbench.
            fields: further fields of LoadPlan, where `plan` is an address.
        """
        if isinstance(plan, str):
            plan = LoadPlan(plan, Closed(users), requests=requests, **fields)
        if plan.url == IN_PROCESS:
            return self._wait(run(plan, progress, self.answers))
        return measure(plan, progress)

    def collect(
        self, questions: str | Path, models: Sequence[str], out: str | Path, **options: Any
    ) -> CollectionResult:
        """Ask and grade a labelled prompt set over `models` into the JSONL file `out`; see tuning.collect.

        With a `scheduler` (see runtime.executors.workers) the workers of a cluster ask the models, each with a
        Workbench of these settings; grading, and the file, stay here.
        """
        return self._wait(self.acollect(questions, models, out, **options))

    # awaitable calls

    async def aextract(self, source: Source, name: str | None = None, options: ReadOptions | None = None) -> Document:
        """As `extract`."""
        file = await asyncio.to_thread(open_source, source, name)
        return await self.reader.read(file if options is None else replace(file, options=options))

    async def attach(self, files: Sequence[Source] | Source) -> list[Attachment]:
        """Read the files of a question, one after the other; a single one need not be in a list."""
        if isinstance(files, str | bytes | Path | SourceFile):
            files = [files]
        return [await self.reader.attach(await asyncio.to_thread(open_source, file)) for file in files]

    async def ascore(self, prompt: Prompt, files: Sequence[Source] = ()) -> Complexity:
        """As `score`."""
        return await self.pipeline.score(ChatRequest.of(prompt), await self.attach(files))

    async def aroute(
        self, prompt: Prompt, files: Sequence[Source] = (), *, model: str = AUTO, policy: RoutePolicy | None = None
    ) -> Route:
        """As `route`."""
        return await self.pipeline.route(ChatRequest.of(prompt, model=model), await self.attach(files), policy)

    async def aask(
        self, prompt: Prompt, files: Sequence[Source] = (), *, model: str = AUTO, **options: Any
    ) -> ChatReply:
        """As `ask`."""
        request = _question(ChatRequest.of(prompt, model=model, options=options), files)
        return await self.pipeline.complete(request, await self.attach(files))

    async def acollect(
        self,
        questions: str | Path,
        models: Sequence[str],
        out: str | Path,
        *,
        judge: str = "",
        scheduler: Scheduler = None,
        **options: Any,
    ) -> CollectionResult:
        """As `collect`."""
        from autopicker_lab.tuning import collect, read_questions

        prompts = await asyncio.to_thread(read_questions, questions)
        await self.catalogue.availability()  # it may discover a model that is named
        specs = [self.catalogue.get(name).describe() for name in models]
        grader = self.catalogue.get(judge).describe() if judge else None
        if scheduler is None:
            return await collect(prompts, specs, self.pipeline.complete, out, judge=grader, **options)
        with workers(scheduler) as (pool, at_once):

            async def ask(request: ChatRequest) -> ChatReply:
                return await asyncio.wrap_future(pool.submit(answer_elsewhere, self.settings, request))

            return await collect(prompts, specs, ask, out, judge=grader, **{"parallel": at_once, **options})

    async def answers(self, request: ChatRequest) -> AsyncIterator[ChatChunk]:
        """The stream of a request whose file ids are those of uploads kept here; a load test asks this."""
        files = [await asyncio.to_thread(self.files.open, file_id) for file_id in request.file_ids]
        attachments = [await self.reader.attach(file) for file in files]
        async with aclosing(self.pipeline.stream(request, attachments, keep=False)) as chunks:
            async for chunk in chunks:
                yield chunk

    # closing

    def close(self) -> None:
        """End processes, close connections and unload models; what is used afterwards starts anew."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._loop_thread is not None:
            self._loop_thread.submit(self.catalogue.close()).result()
            self._loop_thread.stop()
            self._loop_thread = None
        self.transcriber.release()

    async def aclose(self) -> None:
        """As `close`, where an event loop runs already."""
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
        if not self._isolate:
            return await asyncio.to_thread(extract, file)
        if self._pool is None:
            self._pool = ExtractionPool(self.settings.extraction_timeout, self.settings.extraction_memory_mb)
        return await self._pool.extract(file)

    def submit(self, work: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Start one of the awaitable calls on the Workbench's own event loop; cancelling the future stops it."""
        with self._loop_lock:
            if self._loop_thread is None:
                self._loop_thread = EventLoopThread()
            return self._loop_thread.submit(work)

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        future = self.submit(work)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise


def _question(request: ChatRequest, files: Sequence[Source] | Source) -> ChatRequest:
    """The request itself; InvalidRequestError where it asks nothing: no text but white space, no picture, no file."""
    if files or request.file_ids or request.image_urls or any(message.text.strip() for message in request.messages):
        return request
    raise InvalidRequestError("the prompt is empty", "write a question, or attach a file", param="messages")


_elsewhere: dict[int, Workbench] = {}  # in a worker: the Workbench that it has made


def answer_elsewhere(settings: Settings, request: ChatRequest) -> ChatReply:
    """What a cluster's worker runs: an answer of its own Workbench, which it keeps."""
    key = hash(settings.model_dump_json())
    if key not in _elsewhere:
        _elsewhere[key] = Workbench(settings)
    lab = _elsewhere[key]
    return lab._wait(lab.pipeline.complete(request))
