// A recording above its text: what is said lights up, a click on it seeks, doubtful words are shaded, text can be edited.
const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;
const shade = (element, sure) => {
  element.style.background = `rgba(230, 159, 0, ${Math.max(0, Math.min(0.7, 0.9 - sure)).toFixed(2)})`;
  element.title = `confidence ${sure.toFixed(2)}`;
};
const light = (element, on) => {
  element.style.outline = on ? "2px solid #0072B2" : "";
  element.style.borderRadius = "3px";
};

export default {
  render({ model, el }) {
    const audio = document.createElement("audio");
    const bytes = model.get("audio");
    const segments = model.get("segments");
    const address = URL.createObjectURL(new Blob([bytes], { type: model.get("media") }));
    audio.controls = true;
    audio.style.width = "100%";
    if (bytes.byteLength) el.append(audio);
    audio.src = address;

    const spans = []; // [start, end, element] of each word, or segment without words
    const seek = (seconds) => {
      audio.currentTime = seconds + 0.01;
      audio.play().catch(() => {});
    };
    segments.forEach((segment, index) => {
      const row = document.createElement("div");
      const time = document.createElement("button");
      const text = document.createElement("span");
      row.style.cssText = "display:flex;gap:.8em;align-items:baseline;margin:.3em 0";
      time.textContent = clock(segment.start);
      time.title = "play from here";
      time.style.cssText = "background:none;border:0;color:inherit;cursor:pointer;font-variant-numeric:tabular-nums";
      time.addEventListener("click", () => seek(segment.start));
      text.contentEditable = "true";
      text.setAttribute("role", "textbox");
      text.setAttribute("aria-label", `text from ${clock(segment.start)}`);
      text.spellcheck = true;
      text.style.flex = "1";
      const words = segment.words.length ? segment.words : [{ ...segment, probability: segment.confidence }];
      for (const word of words) {
        const span = document.createElement("span");
        span.textContent = segment.words.length ? word.text : segment.text;
        shade(span, word.probability);
        span.addEventListener("click", () => seek(word.start));
        spans.push([word.start, word.end, span]);
        text.append(span);
      }
      let before = text.textContent.trim();
      text.addEventListener("blur", () => {
        const now = text.textContent.trim();
        if (now !== before) model.send({ edit: index, text: now });
        before = now;
      });
      // keys are for the text, not for the notebook around it
      text.addEventListener("keydown", (event) => {
        event.stopPropagation();
        if (event.key === "Escape") text.textContent = before;
        if (event.key === "Enter" || event.key === "Escape") {
          event.preventDefault();
          text.blur();
        }
      });
      row.append(time, text);
      el.append(row);
    });

    let lit = [];
    const follow = () => {
      const now = audio.currentTime;
      const said = audio.paused ? [] : spans.filter(([start, end]) => start <= now && now < end);
      lit.filter((word) => !said.includes(word)).forEach(([, , span]) => light(span, false));
      said.filter((word) => !lit.includes(word)).forEach(([, , span]) => light(span, true));
      lit = said;
    };
    const timer = setInterval(follow, 60);
    return () => {
      clearInterval(timer);
      URL.revokeObjectURL(address);
    };
  },
};
