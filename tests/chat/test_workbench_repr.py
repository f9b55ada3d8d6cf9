"""What a Workbench and its parts say of themselves."""

from autopicker_lab import Settings, Workbench
from autopicker_lab.storage import FileStore


def test_a_workbench_and_its_parts_say_what_they_hold(lab):
    models = f"<Catalogue: {', '.join(spec.id for spec in lab.catalogue.specs())}>"
    assert "smollm2-135m" in models
    assert repr(lab.catalogue) == models
    assert repr(lab.pipeline) == f"<Pipeline: policy {lab.policy.id}, {models}>"
    assert repr(lab) == f"<Workbench: policy {lab.policy.id}, {models}, home {lab.settings.autopicker_home}>"
    assert repr(lab.reader) == f"<Reader: recordings by {lab.transcriber.model}, 0 of them in the queue>"


def test_a_stream_says_how_far_it_is(lab):
    stream = lab.stream("Why?", max_tokens=2)
    assert repr(stream) == "<ChatStream of no model yet: not begun, 0 characters>"
    text = "".join([chunk.content for chunk in stream])
    assert repr(stream) == f"<ChatStream of smollm2-135m: at its end, {len(text)} characters>"


def test_a_file_store_names_its_folder(tmp_path):
    settings = Settings.load(storage_url=f"file://{tmp_path}")
    with Workbench(settings) as lab:
        assert repr(lab.files) == f"<FileStore: file://{tmp_path}>"
    assert repr(FileStore("memory://uploads")) == "<FileStore: memory:///uploads>"
