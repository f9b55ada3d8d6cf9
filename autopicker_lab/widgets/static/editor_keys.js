// The keys of the editor: while a line is corrected those of a text box, else those of a player.
const KEYS = [
  ["Space", "play, stop"], ["← →", "two seconds back, on"], ["↑ ↓", "line before, next line"], ["P", "hear this line"],
  ["N", "next doubtful word"], ["C", "this line is right"], ["Enter", "correct the line; Enter again: done, Esc: as it was"],
  ["Ctrl+Enter", "split at the cursor"], ["M", "merge with the next line"], ["[ ]", "begins, ends at the playhead"],
  ["Delete", "leave the line out"], ["Z, Y", "undo, redo"], ["Ctrl+Space", "play, stop while correcting"],
];

function helpOnKeys() {
  const keys = KEYS.flatMap(([key, what]) => [make("kbd", { textContent: key }), ` ${what}   `]);
  return make("details", { className: "keys" }, make("summary", { textContent: "Keys" }), ...keys);
}

function keyPressed(editor, event) {
  event.stopPropagation(); // they are not for the notebook around it
  const row = editor.rows.find(({ text }) => text === event.target);
  const control = event.ctrlKey || event.metaKey;
  if (row ? textKey(editor, event, row, control) : !control && !event.altKey && listKey(editor, event)) event.preventDefault();
}

function textKey(editor, event, row, control) {
  const { key } = event;
  if (key === " " && control) editor.toggle();
  else if (key === "Enter" && control) editor.split();
  else if (key === "Escape") {
    const index = editor.rows.indexOf(row);
    editor.replace(index, 1, [editor.segments[index]]); // as it was
    editor.root.focus();
  } else if (key === "Enter") editor.root.focus();
  else return false;
  return true;
}

function listKey(editor, event) {
  const { key, target } = event;
  if (target.closest("button, select, summary") && [" ", "Enter", "ArrowUp", "ArrowDown"].includes(key)) return false;
  const [segment, now] = [editor.segments[editor.here], editor.audio.currentTime];
  const acts = {
    " ": () => editor.toggle(),
    ArrowLeft: () => (editor.audio.currentTime = Math.max(0, now - 2)),
    ArrowRight: () => (editor.audio.currentTime = now + 2),
    ArrowUp: () => editor.step(-1),
    ArrowDown: () => editor.step(1),
    Enter: () => editor.edit(),
    Delete: () => editor.act("remove"),
    p: () => segment && editor.play(segment.start, segment.end),
    n: () => editor.visit(editor.visited + 1),
    c: () => editor.confirm(),
    m: () => editor.act("merge"),
    z: () => editor.send({ act: "undo" }),
    y: () => editor.send({ act: "redo" }),
    "[": () => editor.act("retime", { start: now }),
    "]": () => editor.act("retime", { end: now }),
  };
  const act = acts[key.length === 1 ? key.toLowerCase() : key];
  act?.();
  return Boolean(act);
}
