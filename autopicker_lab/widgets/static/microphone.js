// A microphone: what is recorded goes to the kernel in pieces, and what was said comes back.
const PIECE_MS = 250;
// What browsers record, the best first; Safari has long known MP4 alone.
const FORMS = { webm: "audio/webm;codecs=opus", ogg: "audio/ogg;codecs=opus", mp4: "audio/mp4" };

const refusals = {
  NotAllowedError: "The browser may not use the microphone: allow it beside the address, then record again.",
  NotFoundError: "There is no microphone: connect one, or give a recording.",
  NotReadableError: "Another program uses the microphone: end it, then record again.",
};

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

    let recorder = null;
    const release = () => recorder?.stream.getTracks().forEach((track) => track.stop());
    const fail = (error) => model.send({ act: "failed", why: refusals[error.name] ?? `The microphone failed: ${error.message}` });

    const start = async () => {
      if (!navigator.mediaDevices) return fail(new Error("it needs https, or this machine itself"));
      const form = Object.keys(FORMS).find((name) => window.MediaRecorder?.isTypeSupported(FORMS[name]));
      if (!form) return fail(new Error("this browser records neither WebM, Ogg nor MP4"));
      button.disabled = true; // until it may be used
      try {
        const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
        recorder = new MediaRecorder(stream, { mimeType: FORMS[form] });
      } catch (error) {
        return fail(error);
      } finally {
        button.disabled = false;
      }
      let last = Promise.resolve();
      recorder.ondataavailable = ({ data }) => {
        last = last.then(async () => model.send({ act: "sound" }, undefined, [await data.arrayBuffer()]));
      };
      recorder.onstop = () => last.then(() => model.send({ act: "end" }));
      recorder.onerror = ({ error }) => fail(error);
      model.send({ act: "begin", form });
      recorder.start(PIECE_MS);
      draw();
    };
    const stop = () => {
      if (recorder?.state === "recording") recorder.stop();
      release();
      recorder = null;
      draw();
    };
    const draw = () => {
      button.textContent = recorder ? "■ Stop" : "● Record";
      button.title = recorder ? "end the recording, and transcribe it" : "speak: it is written while you do";
      button.setAttribute("aria-pressed", String(Boolean(recorder)));
      said.textContent = model.get("settled");
      tail.textContent = model.get("tail") || (recorder && !model.get("settled") ? "speak now" : "");
      note.textContent = model.get("message") ? `⚠ ${model.get("message")}` : "";
    };
    const follow = () => {
      if (recorder && !model.get("listening") && model.get("message")) stop(); // the kernel takes no more
      draw();
    };
    button.addEventListener("click", () => (recorder ? stop() : start()));
    model.on("change", follow);
    draw();
    return () => {
      model.off("change", follow);
      stop();
    };
  },
};
