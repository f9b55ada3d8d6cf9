// ipywidgets gives the handles of sliders neither a name nor, where they choose among words, these words.
const ENDS = ["from", "to"];

function describe(root) {
    for (const row of root.querySelectorAll(".widget-inline-hbox, .widget-inline-vbox")) {
        const handles = row.querySelectorAll(".noUi-handle");
        const name = row.querySelector(".widget-label")?.textContent.trim() || "slider";
        handles.forEach((handle, i) => {
            put(handle, "aria-label", handles.length > 1 ? `${name}, ${ENDS[i]}` : name);
            const value = row.querySelector(".widget-readout")?.textContent.trim();
            if (handles.length === 1 && value) put(handle, "aria-valuetext", value);
        });
    }
}

function put(element, name, value) {
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
}

export default {
    render({ el }) {
        let frame = 0;
        const observer = new MutationObserver(() => describe(el.closest(".ap-live")));
        const begin = () => {
            const root = el.closest(".ap-live");
            if (!root) {
                frame = requestAnimationFrame(begin); // it is not in the page yet
                return;
            }
            describe(root);
            const changes = { childList: true, characterData: true, attributeFilter: ["aria-valuenow"] };
            observer.observe(root, { subtree: true, ...changes });
        };
        el.hidden = true;
        begin();
        return () => {
            cancelAnimationFrame(frame);
            observer.disconnect();
        };
    },
};
