// A column of small pictures; a click turns to one.
export default {
  render({ model, el }) {
    const list = document.createElement("div");
    list.setAttribute("role", "listbox");
    list.setAttribute("aria-label", "parts");
    list.style.cssText = "display:flex;flex-direction:column;gap:.4em;max-height:44em;overflow:auto;width:112px";
    el.append(list);

    const mark = () => {
      [...list.children].forEach((button, i) => {
        const chosen = i === model.get("chosen");
        button.setAttribute("aria-selected", chosen);
        button.style.outline = chosen ? "2px solid #0072B2" : "none";
      });
    };
    const draw = () => {
      const labels = model.get("labels");
      const pictures = model.get("pictures");
      list.style.display = labels.length > 1 ? "flex" : "none";
      list.replaceChildren(
        ...labels.map((label, i) => {
          const button = document.createElement("button");
          button.setAttribute("role", "option");
          button.style.cssText =
            "background:none;border:0;color:inherit;font-size:.75em;cursor:pointer;padding:2px;margin:2px";
          if (pictures[i]) {
            const image = document.createElement("img");
            image.src = pictures[i];
            image.alt = "";
            image.style.cssText = "display:block;margin:auto;border:1px solid #999";
            button.append(image);
          }
          button.append(label);
          button.addEventListener("click", () => {
            model.set("chosen", i);
            model.save_changes();
          });
          return button;
        }),
      );
      mark();
    };
    model.on("change:labels change:pictures", draw);
    model.on("change:chosen", mark);
    draw();
    return () => {
      model.off("change:labels change:pictures", draw);
      model.off("change:chosen", mark);
    };
  },
};
