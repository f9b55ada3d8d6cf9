// A button that asks the kernel for its content, and saves or copies what comes.
export default {
  render({ model, el }) {
    const button = document.createElement("button");
    button.className = "lm-Widget jupyter-widgets jupyter-button widget-button";
    button.style.width = "auto";
    const note = document.createElement("span");
    note.setAttribute("role", "status");
    el.style.display = "inline-flex";
    el.append(button, note);

    const draw = () => {
      button.textContent = model.get("label");
      button.disabled = model.get("disabled");
    };
    let waiting = 0;
    const say = (words) => {
      clearTimeout(waiting);
      note.textContent = words;
      waiting = setTimeout(() => (note.textContent = ""), 4000);
    };
    const received = async (message, buffers) => {
      if (message.error) return say(message.error);
      const bytes = buffers[0];
      if (!message.name) {
        try {
          await navigator.clipboard.writeText(new TextDecoder().decode(bytes));
          return say("copied");
        } catch {
          return say("the browser does not let pages without HTTPS copy: select the text instead");
        }
      }
      say("");
      const link = document.createElement("a");
      link.href = URL.createObjectURL(new Blob([bytes]));
      link.download = message.name;
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    };
    const click = () => {
      model.send({ want: true });
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        note.textContent = "nothing came: this Jupyter server lets no large results through; start it by autopicker lab";
      }, 20_000);
    };
    button.addEventListener("click", click);
    model.on("change:label change:disabled", draw);
    model.on("msg:custom", received);
    draw();
    return () => {
      model.off("change:label change:disabled", draw);
      model.off("msg:custom", received);
    };
  },
};
