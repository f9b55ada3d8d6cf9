from autopicker_lab.widgets import ChatModel, ChatPanel, ExplorerModel, ExplorerPanel


def test_the_explorer_decides_anew_at_every_change(lab, samples):
    model = ExplorerModel(lab)
    told = []
    model.listeners.append(lambda: told.append(model.route))
    model.set(prompt="Why is the sky blue?")
    plain = model.route.complexity.score
    model.set(file=str(samples / "report.pdf"))
    assert model.route.complexity.score > plain
    assert "quality 0.40" not in model.route.reason or model.threshold <= model.route.complexity.score
    model.set(threshold=0.0)
    assert "quality 0.40" in model.route.reason
    assert len(told) == 3


def test_the_explorer_tells_a_failure_with_its_next_step(lab):
    model = ExplorerModel(lab)
    model.set(prompt="x", file="/no/such.pdf")
    assert model.route is None
    assert "Check the path" in model.message
    model.set(file="", prompt="")
    assert model.message == ""


def test_the_explorer_panel_shows_factors_and_follows_its_controls(lab):
    panel = ExplorerPanel(lab, "Why?")
    assert "reasoning" in panel.result.value
    panel.prompt.value = "x = 1; return f(x)"
    assert "code" in panel.result.value
    panel.file.value = "/no/such.pdf"
    assert "Check the path" in panel.result.value
    assert "application/vnd.jupyter.widget-view+json" in panel._repr_mimebundle_()


async def test_the_chat_streams_and_keeps_the_reply(lab, samples):
    model = ChatModel(lab)
    texts = []
    model.listeners.append(lambda: texts.append(model.text))
    await model.ask("Which boat is driven by electric motors?", str(samples / "report.pdf"))
    assert "kittiwake" in model.text.lower()
    assert model.reply.text == model.text
    assert len(set(texts)) > 5
    assert not model.running


async def test_the_chat_stops_and_keeps_what_came(lab):
    model = ChatModel(lab)
    model.listeners.append(lambda: model.stop() if len(model.text) > 10 else None)
    await model.ask("Tell a very long story.")
    assert 10 < len(model.text) < 400
    assert "stopped" in model.message
    assert not model.running


async def test_the_chat_tells_a_failure_with_its_next_step(lab):
    model = ChatModel(lab)
    await model.ask("x", model="llama3.2-local")
    assert "ollama serve" in model.message


async def test_a_message_is_never_markup(lab):
    panel = ChatPanel(lab, question="x", file="<img src=x onerror=alert(1)>.pdf")
    panel.ask.click()
    await panel.task
    assert "&lt;img" in panel.answer.value
    assert "<img" not in panel.answer.value


async def test_the_chat_panel(lab):
    panel = ChatPanel(lab, question="Say hello.")
    panel.ask.click()
    assert panel.ask.disabled is False or panel.model.running
    await panel.task
    assert panel.model.reply.text in panel.answer.value or panel.model.reply.text[:5] in panel.answer.value
    assert panel.stop.disabled
