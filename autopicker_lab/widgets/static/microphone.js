// A microphone: what is recorded goes to the kernel in pieces, and what was said comes back.

export default {
  render({ model, el }) {
    const box = document.createElement("div");
    const button = document.createElement("button");
    const said = document.createElement("span");
    const tail = document.createElement("em");
    const note = document.createElement("span");
    box.style.cssText = "display:flex;gap:.8em;align-items:baseline;margin:.3em 2px";
    box.dataset.lmSuppressShortcuts = "true";
    button.type = "button";
    button.className = "jupyter-button";
    button.style.cssText = "flex:none;padding:0 .8em;width:auto";
    said.setAttribute("aria-live", "polite");
    note.setAttribute("role", "alert");
    const words = document.createElement("span");
    words.append(said, " ", tail);
    box.append(button, words, note);
    el.append(box);

    let recording = null;
    let isGone = false; // this view, while the browser asks for leave
    const fail = (error) => model.send({ act: "failed", why: describeRefusal(error) });

    const start = async () => {
      button.disabled = true; // until it may be used
      try {
        recording = await openMicrophone();
      } catch (error) {
        return fail(error);
      } finally {
        button.disabled = false;
      }
      if (isGone) return stop();
      model.send({ act: "begin", form: recording.form });
      recording.start((data) => model.send({ act: "sound" }, undefined, [data]), () => model.send({ act: "end" }), fail);
      draw();
    };
    const stop = () => {
      recording?.stop();
      recording = null;
      draw();
    };
    const draw = () => {
      button.textContent = recording ? "■ Stop" : "● Record";
      button.title = recording ? "end the recording, and transcribe it" : "speak: it is written while you do";
      button.setAttribute("aria-pressed", String(Boolean(recording)));
      said.textContent = model.get("settled");
      tail.textContent = model.get("tail") || (recording && !model.get("settled") ? "speak now" : "");
      note.textContent = model.get("message") ? `⚠ ${model.get("message")}` : "";
    };
    const follow = () => {
      if (recording && !model.get("listening") && model.get("message")) stop(); // the kernel takes no more
      draw();
    };
    button.addEventListener("click", () => (recording ? stop() : start()));
    model.on("change", follow);
    draw();
    return () => {
      isGone = true;
      model.off("change", follow);
      stop();
    };
  },
};
