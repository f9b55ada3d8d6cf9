// A recording as a picture with its words below, and its text in rows: heard by a click or by keys, corrected in place.
const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const AROUND_S = 0.6; // heard before and after a doubtful word

const clock = (seconds) => {
  const hours = Math.floor(seconds / 3600);
  const rest = `${Math.floor(seconds / 60) % 60}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
  return hours ? `${hours}:${rest.padStart(7, "0")}` : rest;
};

class Editor {
  constructor(model, el) {
    this.model = model;
    this.segments = [...model.get("segments")];
    this.rows = [];
    this.here = 0;
    this.follows = true; // whether the line is chosen that is heard
    this.until = null; // where playing stops by itself
    this.visited = -1; // place among the doubtful words
    this.root = make("div", { className: "autopicker-editor", tabIndex: 0 });
    this.root.dataset.lmSuppressShortcuts = "true"; // JupyterLab's own keys
    this.root.setAttribute("role", "group");
    this.root.setAttribute("aria-label", "editor of the transcript");
    this.audio = make("audio", { preload: "auto" });
    this.url = "";
    this.load(model.get("audio"), model.get("media"));
    this.wave = new Waveform(model, () => this.segments, (at) => this.play(at));
    this.root.append(this.audio, this.bar(), this.wave.element, (this.doubts = make("div", { className: "doubts" })));
    this.list = make("div", { className: "rows" });
    this.root.append(this.list, helpOnKeys());
    el.append(this.root);
    this.replace(0, 0, this.segments, true);
    this.root.addEventListener("keydown", (event) => keyPressed(this, event));
    this.listen();
    this.showDoubts();
  }

  listen() {
    this.onMessage = (message, buffers) => this.take(message, buffers);
    this.onDoubts = () => this.showDoubts();
    this.model.on("msg:custom", this.onMessage);
    this.model.on("change:doubtful", this.onDoubts);
    for (const name of ["play", "pause", "seeked", "ended"]) this.audio.addEventListener(name, () => this.tick());
    this.audio.addEventListener("error", () => this.url && this.model.send({ act: "unplayable" }));
  }

  close() {
    this.audio.pause();
    cancelAnimationFrame(this.frame);
    this.model.off("msg:custom", this.onMessage);
    this.model.off("change:doubtful", this.onDoubts);
    this.wave.close();
    URL.revokeObjectURL(this.url);
  }

  load(bytes, type) {
    URL.revokeObjectURL(this.url);
    this.url = "";
    if (!bytes.byteLength) return this.model.send({ act: "unplayable" });
    this.url = URL.createObjectURL(new Blob([bytes], { type }));
    this.audio.src = this.url;
  }

  bar() {
    const button = (text, title, act) => {
      const made = make("button", { type: "button", textContent: text, title });
      made.addEventListener("click", act);
      return made;
    };
    const speed = make("select", { title: "speed" }, ...SPEEDS.map((x) => new Option(`${x} ×`, x, x === 1, x === 1)));
    speed.setAttribute("aria-label", "speed");
    speed.addEventListener("change", () => (this.audio.playbackRate = Number(speed.value)));
    this.playing = button("▶ Play", "Space", () => this.toggle());
    this.time = make("span", { className: "clock" });
    return make(
      "div", { className: "bar" }, this.playing, this.time, speed,
      button("−", "less of the sound at once: wider", () => this.wave.zoom(1)),
      button("+", "more of the sound at once: narrower", () => this.wave.zoom(-1)),
      button("Split", "at the cursor: Ctrl+Enter", () => this.split()),
      button("Merge", "with the next line: M", () => this.act("merge")),
      button("Right", "this line is right: C", () => this.confirm()),
      button("Undo", "Z", () => this.send({ act: "undo" })),
      button("Redo", "Y", () => this.send({ act: "redo" })),
    );
  }

  // ---- sound

  toggle() {
    this.until = null;
    this.follows = true;
    if (this.audio.paused) this.audio.play().catch(() => {});
    else this.audio.pause();
  }

  play(from, until = null) {
    this.follows = until === null;
    this.audio.currentTime = Math.max(0, from + 0.005);
    this.until = until;
    this.audio.play().catch(() => {});
  }

  tick() {
    cancelAnimationFrame(this.frame);
    const now = this.audio.currentTime;
    const paused = this.audio.paused;
    if (!paused && this.until !== null && now >= this.until) return this.audio.pause();
    this.playing.textContent = paused ? "▶ Play" : "❚❚ Stop";
    this.time.textContent = `${clock(now)} / ${clock(this.wave.seconds)}`;
    this.wave.move(now, !paused);
    if (!paused) this.follow(now);
    this.light(paused ? -1 : now);
    if (!paused) this.frame = requestAnimationFrame(() => this.tick());
  }

  follow(now) {
    const said = this.segments.findIndex((one) => one.start <= now && now < one.end);
    if (said >= 0 && this.follows && !this.list.contains(document.activeElement)) this.select(said);
  }

  light(now) {
    const row = this.rows.find((_, i) => this.segments[i].start <= now && now < this.segments[i].end);
    const word = row?.spans.find(([start, end]) => start <= now && now < end)?.[2];
    if (word === this.lit) return;
    this.lit?.classList.remove("lit");
    word?.classList.add("lit");
    this.lit = word;
  }

  // ---- text

  take(message, buffers) {
    if ("sound" in message && buffers.length && buffers[0].byteLength) this.load(buffers[0], "video/webm");
    if ("rows" in message) this.replace(message.first, message.removed, message.rows);
  }

  replace(first, removed, segments, isNew = false) {
    const focused = this.list.contains(document.activeElement);
    if (!isNew) this.segments.splice(first, removed, ...segments);
    const made = segments.map((segment) => this.row(segment));
    this.rows.splice(first, removed, ...made).forEach((row) => row.element.remove());
    const before = this.rows[first + made.length]?.element ?? null;
    made.forEach((row) => this.list.insertBefore(row.element, before));
    if (isNew) return;
    this.select(Math.min(made.length ? first + made.length - 1 : first, this.rows.length - 1));
    if (focused && !this.list.contains(document.activeElement)) this.root.focus({ preventScroll: true });
    this.wave.draw();
  }

  row(segment) {
    const time = make("button", { type: "button", textContent: clock(segment.start), title: "play from here" });
    const text = make("span", { className: "text", contentEditable: "true", spellcheck: true });
    const row = { text, spans: [], element: make("div", { className: "row" }, time, text) };
    text.setAttribute("role", "textbox");
    text.setAttribute("aria-label", `text from ${clock(segment.start)}`);
    wordsOf(segment).forEach(([start, end, said, sure], i) => {
      if (i && /^\s/.test(said)) text.append(" ");
      const span = make("span", { textContent: said.trim(), className: sure < DOUBTED ? "doubt" : "" });
      span.title = `${clock(start)}, probability ${sure.toFixed(2)}`;
      span.addEventListener("click", () => this.play(start));
      row.spans.push([start, end, span]);
      text.append(span);
    });
    if (segment.speaker) row.element.insertBefore(make("small", { textContent: segment.speaker }), text);
    if (segment.doubt) row.element.append(make("span", { className: "why", textContent: `⚠ ${segment.doubt}` }));
    time.addEventListener("click", () => this.play(segment.start));
    text.addEventListener("focus", () => this.select(this.rows.indexOf(row)));
    text.addEventListener("blur", () => this.commit(row));
    return row;
  }

  select(index) {
    this.rows[this.here]?.element.classList.remove("here");
    this.here = Math.max(0, index);
    const row = this.rows[this.here];
    row?.element.classList.add("here");
    row?.element.scrollIntoView({ block: "nearest" });
  }

  step(by) {
    this.follows = false; // until it is played anew
    this.select(Math.min(Math.max(this.here + by, 0), this.rows.length - 1));
  }

  commit(row) {
    const index = this.rows.indexOf(row);
    const text = row.text.textContent.trim();
    if (index >= 0 && text !== this.segments[index].text && text !== row.sent) this.send({ act: "correct", index, text });
    row.sent = text;
  }

  split() {
    const row = this.rows[this.here];
    const chosen = document.getSelection();
    if (!row || !row.text.contains(chosen.focusNode)) return this.edit(); // where, it asks
    const range = document.createRange();
    range.setStart(row.text, 0);
    range.setEnd(chosen.focusNode, chosen.focusOffset);
    const at = range.toString().trimStart().length;
    this.commit(row);
    this.send({ act: "split", index: this.here, at });
  }

  edit(word = -1) {
    const row = this.rows[this.here];
    if (!row) return;
    row.text.focus();
    const target = row.spans[word]?.[2];
    if (target) document.getSelection().selectAllChildren(target);
  }

  act(name, more = {}) {
    if (this.rows[this.here]) this.send({ act: name, index: this.here, ...more });
  }

  confirm() {
    this.act("confirm");
    this.visited = -1;
  }

  send(message) {
    this.model.send(message);
  }

  // ---- what is doubtful

  showDoubts() {
    const { count = 0, words = [] } = this.model.get("doubtful");
    const chips = words.map(([, , text, sure], place) => {
      const chip = make("button", { type: "button", textContent: text, title: `probability ${sure.toFixed(2)}` });
      chip.addEventListener("click", () => this.visit(place));
      return chip;
    });
    const more = count > words.length ? ` and ${count - words.length} more` : "";
    this.doubts.replaceChildren(count ? `${count} doubtful, the least sure first: ` : "nothing is doubtful", ...chips, more);
    this.visited = Math.min(this.visited, words.length - 1);
  }

  visit(place) {
    const { words = [] } = this.model.get("doubtful");
    if (!words.length) return;
    this.visited = place % words.length;
    const [index, word] = words[this.visited];
    const segment = this.segments[index];
    if (!segment) return;
    this.select(index);
    this.edit(word);
    const [start, end] = segment.words[word] ?? [segment.start, segment.end];
    this.play(start - AROUND_S, end + AROUND_S);
  }
}

export default {
  render({ model, el }) {
    const editor = new Editor(model, el);
    return () => editor.close();
  },
};
