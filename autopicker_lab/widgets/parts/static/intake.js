// Files that are dropped or chosen, sent to the kernel in pieces; too large ones are refused before they are sent.
const inMiB = (bytes) => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export default {
  render({ model, el }) {
    const zone = document.createElement("label");
    const chosen = document.createElement("input");
    const words = document.createElement("span");
    const note = document.createElement("small");
    chosen.type = "file";
    chosen.accept = model.get("accept");
    chosen.multiple = model.get("several");
    // out of sight, but still reached by the keyboard
    chosen.style.cssText = "position:absolute;width:1px;height:1px;opacity:0";
    zone.style.cssText =
      "display:flex;flex-direction:column;padding:.5em 1em;border:1px dashed #767676;border-radius:4px;cursor:pointer";
    note.setAttribute("role", "status");
    words.textContent = model.get("label");
    const limit = model.get("limit");
    const usual = limit ? `up to ${inMiB(limit)} each; a larger file by its path` : "";
    note.textContent = usual;
    zone.append(chosen, words, note);
    el.append(zone);
    chosen.addEventListener("focus", () => (zone.style.outline = "2px solid #0072B2"));
    chosen.addEventListener("blur", () => (zone.style.outline = ""));

    const send = async (files) => {
      const refused = [];
      for (const file of files) {
        if (limit && file.size > limit) {
          refused.push(`${file.name} has ${inMiB(file.size)}, the limit is ${inMiB(limit)}: type its path instead`);
          continue;
        }
        const key = `${Date.now()}-${Math.random()}`;
        const step = model.get("piece");
        try {
          for (let at = 0; at === 0 || at < file.size; at += step) {
            const content = await file.slice(at, at + step).arrayBuffer();
            model.send({ key, name: file.name, size: file.size }, undefined, [content]);
            note.textContent = `sending ${file.name}: ${Math.min(100, Math.round((100 * (at + step)) / (file.size || 1)))} %`;
          }
        } catch {
          refused.push(`${file.name} cannot be read by the browser: type its path instead`); // a folder, say
        }
      }
      note.textContent = refused.join("; ") || usual;
      note.style.fontWeight = refused.length ? "bold" : "";
    };
    chosen.addEventListener("change", () => {
      send([...chosen.files]);
      chosen.value = "";
    });
    const take = (files) => send(model.get("several") ? [...files] : [...files].slice(0, 1));
    // files are dropped, and pictures pasted, anywhere in a panel, or on the zone where there is none around it
    const isHere = (event) => (el.closest(".autopicker-panel") ?? zone).contains(event.target);
    const hasFiles = (event) => event.dataTransfer?.types.includes("Files");
    const over = (event) => {
      const here = hasFiles(event) && isHere(event);
      zone.style.borderStyle = here ? "solid" : "dashed";
      if (here) event.preventDefault();
    };
    const drop = (event) => {
      zone.style.borderStyle = "dashed";
      if (!isHere(event) || !event.dataTransfer.files.length) return;
      event.preventDefault();
      event.stopPropagation(); // JupyterLab would take them as uploads to its file browser
      take(event.dataTransfer.files);
    };
    const paste = (event) => {
      const { files = [], types = [] } = event.clipboardData ?? {};
      // cells of a spreadsheet, or words of a document, come with a picture of themselves
      const isText = types.includes("text/plain") && types.includes("text/html");
      if (!isHere(event) || !files.length || (isText && [...files].every((file) => file.type.startsWith("image/")))) return;
      event.preventDefault();
      event.stopPropagation();
      take(files);
    };
    const listeners = { dragover: over, drop, paste };
    for (const [name, listener] of Object.entries(listeners)) document.addEventListener(name, listener, true);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) document.removeEventListener(name, listener, true);
    };
  },
};
