// Keep key presses inside the Explorer: JupyterLab would take them as commands for the notebook (d d deletes a cell).
// Ctrl+S and Cmd+S still save the notebook.
function render({ el }) {
  el.hidden = true;
  const guard = () => {
    const box = el.closest(".dbtools-explorer");
    if (!box) return requestAnimationFrame(guard); // not in the page yet
    if (box.dataset.keys) return undefined;
    box.dataset.keys = "guarded";
    box.addEventListener("keydown", (event) => {
      const saves = (event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "s";
      if (!saves) event.stopPropagation();
    });
    return undefined;
  };
  guard();
}
export default { render };
