// The picture of a page, which can be enlarged; the enlarged part is reached by scrolling.
const STEPS = [1, 1.5, 2, 3, 4];

export default {
  render({ model, el }) {
    const bar = document.createElement("div");
    const frame = document.createElement("div");
    const image = document.createElement("img");
    bar.style.cssText = "display:flex;align-items:center;gap:.4em;margin-bottom:.3em";
    frame.style.cssText = "border:1px solid #767676;max-height:44em;overflow:auto";
    frame.tabIndex = 0;
    frame.setAttribute("role", "region");
    image.style.cssText = "display:block;width:100%;max-width:none";
    frame.append(image);
    let step = 0;
    const share = document.createElement("span");
    share.setAttribute("role", "status");

    const zoom = (to) => {
      step = Math.min(Math.max(to, 0), STEPS.length - 1);
      image.style.width = `${100 * STEPS[step]}%`;
      share.textContent = `${100 * STEPS[step]} %`;
      smaller.disabled = step === 0;
      larger.disabled = step === STEPS.length - 1;
    };
    const button = (text, label, act) => {
      const one = document.createElement("button");
      one.className = "jupyter-button lm-Widget";
      one.style.width = "2.4em";
      one.textContent = text;
      one.ariaLabel = label;
      one.title = label;
      one.addEventListener("click", act);
      return one;
    };
    const smaller = button("−", "smaller", () => zoom(step - 1));
    const larger = button("+", "larger", () => zoom(step + 1));
    bar.append(smaller, larger, share);
    el.append(bar, frame);

    const draw = () => {
      const bytes = model.get("value");
      if (image.src) URL.revokeObjectURL(image.src);
      if (bytes?.byteLength) image.src = URL.createObjectURL(new Blob([bytes], { type: "image/png" }));
      else image.removeAttribute("src");
    };
    const name = () => {
      image.alt = model.get("alt");
      frame.setAttribute("aria-label", model.get("alt"));
    };
    model.on("change:value", draw);
    model.on("change:alt", name);
    zoom(0);
    draw();
    name();
    return () => {
      model.off("change:value", draw);
      model.off("change:alt", name);
      if (image.src) URL.revokeObjectURL(image.src);
    };
  },
};
