// A table of dbtools.html whose rows can be chosen and whose headings sort, by mouse and by keyboard.
// Keys in a row: arrow up and down, Home and End move; Enter and Space choose.
function render({ model, el }) {
  const name = (target) =>
    target && (target.dataset.key !== undefined ? `key:${target.dataset.key}` : `sort:${target.dataset.sort}`);
  const targets = () => [...el.querySelectorAll("[data-key],[data-sort]")];
  const rows = () => [...el.querySelectorAll("[data-key]")];

  // One row only can be reached with Tab: the one that had the focus last, else the first.
  const makeReachable = (reachable) => rows().forEach((row) => { row.tabIndex = row === reachable ? 0 : -1; });

  const draw = () => {
    const focused = el.contains(document.activeElement) ? name(document.activeElement) : null;
    const before = name(rows().find((row) => row.tabIndex === 0));
    el.innerHTML = model.get("html");
    const find = (wanted) => wanted && targets().find((target) => name(target) === wanted);
    makeReachable(find(before) || rows()[0]);
    if (focused) find(focused)?.focus({ preventScroll: true });
  };

  const move = (row, key) => {
    const all = rows();
    const at = all.indexOf(row);
    const next = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[key];
    if (!all[next]) return;
    makeReachable(all[next]);
    all[next].focus();
  };

  const choose = (target, more) => {
    const { key, sort } = target.dataset;
    model.send(key !== undefined ? { key, more } : { sort });
  };

  el.addEventListener("click", (event) => {
    const target = event.target.closest("[data-key],[data-sort]");
    if (target) choose(target, event.ctrlKey || event.metaKey);
  });
  el.addEventListener("keydown", (event) => {
    const row = event.target.closest("[data-key]");
    if (!row || event.target !== row) return; // a heading is a button, which answers to Enter and Space itself
    if (event.key === "Enter" || event.key === " ") choose(row, event.ctrlKey || event.metaKey);
    else if (["ArrowDown", "ArrowUp", "Home", "End"].includes(event.key)) move(row, event.key);
    else return;
    event.preventDefault();
  });
  model.on("change:html", draw);
  draw();
  model.send({ shown: true });
}
export default { render };
