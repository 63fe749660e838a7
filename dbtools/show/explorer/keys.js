// Keep key presses inside the Explorer: JupyterLab would take them as commands for the notebook (d d deletes a cell).
// Ctrl+S and Cmd+S still save the notebook. Ctrl+Enter and Shift+Enter in the field of the tab SQL run the statement.
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
    // In the capturing phase: the field stops the event before it comes here.
    box.addEventListener("keydown", (event) => {
      const runs = event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey);
      if (runs && event.target.matches(".dbtools-sql textarea")) {
        event.preventDefault();
        event.target.dispatchEvent(new Event("change"));
        setTimeout(() => box.querySelector(".dbtools-run")?.click(), 150); // the text is sent first
        event.stopPropagation();
      }
    }, true);
    return undefined;
  };
  guard();
}
export default { render };
