// The loudness of a recording over time, and its words below, of which only those are drawn that are seen.
const HIGH = 64; // pixels of the picture
const LANES = 2; // of words: each has room until the next but one begins
const WIDTHS = [20, 40, 80, 160, 320]; // pixels a second
const DOUBTED = 0.6; // probability of a word below which it is marked

const make = (tag, props = {}, ...children) => {
  const element = Object.assign(document.createElement(tag), props);
  element.append(...children);
  return element;
};
const wordsOf = (segment) =>
  segment.words.length ? segment.words : [[segment.start, segment.end, segment.text, segment.sure]];

class Waveform {
  // `segments` gives those of the transcript, `play` plays from a second on.
  constructor(model, segments, play) {
    this.model = model;
    this.segments = segments;
    this.wide = 2;
    this.now = 0;
    this.canvas = make("canvas");
    this.canvas.setAttribute("aria-hidden", "true");
    this.head = make("div", { className: "head" });
    this.said = make("div");
    this.said.setAttribute("aria-hidden", "true"); // the rows have the same words
    this.inner = make("div", { className: "inner" }, this.canvas, this.said, this.head);
    this.element = make("div", { className: "sound", tabIndex: 0, role: "region", ariaLabel: "the sound along its time" }, this.inner);
    this.element.addEventListener("scroll", () => this.draw());
    this.inner.addEventListener("click", (event) => {
      const word = event.target.closest(".word");
      const at = (event.clientX - this.inner.getBoundingClientRect().left) / WIDTHS[this.wide];
      play(word ? Number(word.dataset.start) : at);
    });
    this.sizes = new ResizeObserver(() => this.draw());
    this.sizes.observe(this.element);
    this.themes = new MutationObserver(() => this.draw());
    this.themes.observe(document.body, { attributes: true });
  }

  close() {
    this.sizes.disconnect();
    this.themes.disconnect();
  }

  get seconds() {
    return this.model.get("peaks").byteLength / this.model.get("rate");
  }

  zoom(step) {
    this.wide = Math.min(Math.max(this.wide + step, 0), WIDTHS.length - 1);
    this.draw();
    this.element.scrollLeft = this.now * WIDTHS[this.wide] - this.element.clientWidth / 2;
  }

  // Show where it is heard; `follows` keeps that in sight.
  move(seconds, follows) {
    this.now = seconds;
    const x = seconds * WIDTHS[this.wide];
    const { scrollLeft, clientWidth } = this.element;
    this.head.style.left = `${x}px`;
    if (follows && (x < scrollLeft || x > scrollLeft + clientWidth - 40)) this.element.scrollLeft = x - 60;
  }

  draw() {
    const wide = WIDTHS[this.wide];
    const width = this.element.clientWidth;
    const left = this.element.scrollLeft;
    const ratio = window.devicePixelRatio || 1;
    this.inner.style.width = `${Math.max(1, this.seconds * wide)}px`;
    Object.assign(this.canvas, { width: width * ratio, height: HIGH * ratio });
    Object.assign(this.canvas.style, { width: `${width}px`, height: `${HIGH}px` });
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    pen.fillStyle = getComputedStyle(this.element).color;
    for (let x = 0; x < width; x += 1) {
      const high = Math.max(1, this.peak((left + x) / wide, (left + x + 1) / wide) * HIGH);
      pen.fillRect(x, (HIGH - high) / 2, 1, high);
    }
    this.drawWords(left / wide, (left + width) / wide, wide);
    this.move(this.now, false);
  }

  peak(from, to) {
    const [peaks, rate] = [this.model.get("peaks"), this.model.get("rate")];
    const behind = Math.min(Math.max(Math.floor(from * rate) + 1, Math.floor(to * rate)), peaks.byteLength);
    let peak = 0;
    for (let i = Math.floor(from * rate); i < behind; i += 1) peak = Math.max(peak, peaks.getUint8(i));
    return peak / 255;
  }

  drawWords(from, to, wide) {
    const shown = this.segments()
      .filter((one) => one.end >= from && one.start <= to)
      .flatMap(wordsOf);
    const words = shown.map(([start, end, text, sure], i) => {
      const word = make("span", { textContent: text.trim(), title: text.trim() });
      const behind = Math.max(shown[i + LANES]?.[0] ?? end + 1, end);
      word.className = `word lane${i % LANES}${sure < DOUBTED ? " doubt" : ""}`;
      word.dataset.start = start;
      Object.assign(word.style, { left: `${start * wide}px`, maxWidth: `${Math.max((behind - start) * wide - 4, 4)}px` });
      return word;
    });
    this.said.replaceChildren(...words);
  }
}
