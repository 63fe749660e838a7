// Tabs of which one is open, by mouse and by arrow keys (the ARIA pattern of tabs).
function render({ model, el }) {
  const open = (tab) => {
    model.set("value", tab.dataset.name);
    model.save_changes();
  };
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  for (const [name, title, tooltip] of model.get("tabs")) {
    const tab = document.createElement("button");
    Object.assign(tab, { type: "button", textContent: title, title: tooltip });
    tab.setAttribute("role", "tab");
    tab.dataset.name = name;
    tab.addEventListener("click", () => open(tab));
    list.append(tab);
  }
  const draw = () => {
    for (const tab of list.children) {
      const isOpen = tab.dataset.name === model.get("value");
      tab.setAttribute("aria-selected", isOpen);
      tab.tabIndex = isOpen ? 0 : -1;
    }
  };
  list.addEventListener("keydown", (event) => {
    const all = [...list.children];
    const at = all.findIndex((tab) => tab.tabIndex === 0);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: all.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    const tab = all[(next + all.length) % all.length];
    open(tab);
    tab.focus();
  });
  model.on("change:value", draw);
  draw();
  el.append(list);
}
export default { render };
