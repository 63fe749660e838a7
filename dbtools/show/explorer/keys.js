// Keep key presses inside the Explorer: JupyterLab would take them as commands for the notebook (d d deletes a cell).
// Ctrl+S and Cmd+S still save the notebook.
// It also tells the kernel how wide the Explorer is, in steps, so that charts are made for it.
const DARK = {
  "--jp-layout-color0": "#111", "--jp-layout-color1": "#1b1d20", "--jp-layout-color2": "#26292d",
  "--jp-layout-color3": "#3a3f45", "--jp-border-color1": "#77808a", "--jp-border-color2": "#3a3f45",
  "--jp-border-color3": "#2b2f34", "--jp-content-font-color0": "#fff", "--jp-content-font-color1": "#e8ecf0",
  "--jp-content-font-color2": "#a7b0ba", "--jp-ui-font-color0": "#fff", "--jp-ui-font-color1": "#e8ecf0",
  "--jp-widgets-color": "#e8ecf0", "--jp-widgets-label-color": "#e8ecf0", "--jp-widgets-input-color": "#e8ecf0",
  "--jp-widgets-input-background-color": "#1b1d20", "--jp-widgets-input-border-color": "#77808a",
};

// Voilà shows the notebook as a page: nothing but the Explorer, in the colours that the system asks for.
function becomePage(box) {
  for (const cell of document.querySelectorAll(".jp-Cell")) cell.hidden = !cell.contains(box);
  const wanted = matchMedia("(prefers-color-scheme: dark)");
  const follow = () => {
    document.body.dataset.jpThemeLight = String(!wanted.matches);
    for (const [name, colour] of Object.entries(DARK)) {
      if (wanted.matches) document.body.style.setProperty(name, colour);
      else document.body.style.removeProperty(name);
    }
    document.body.style.background = "var(--jp-layout-color0)";
    document.body.style.colorScheme = wanted.matches ? "dark" : "light";
  };
  wanted.addEventListener("change", follow);
  follow();
}

function render({ model, el }) {
  el.hidden = true;
  const guard = () => {
    const box = el.closest(".dbtools-explorer");
    if (!box) return requestAnimationFrame(guard); // not in the page yet
    if (box.dataset.keys) return undefined;
    box.dataset.keys = "guarded";
    if (document.body.dataset.voila) becomePage(box);
    box.addEventListener("keydown", (event) => {
      const saves = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
      if (!saves) event.stopPropagation();
    });
    let last = 0;
    const observer = new ResizeObserver(() => {
      const width = Math.floor((box.clientWidth - 12) / 40) * 40; // charts have less room than the box
      if (!width || width === last) return;
      last = width;
      model.set("width", width);
      model.save_changes();
    });
    observer.observe(box);
    return undefined;
  };
  guard();
}
export default { render };
