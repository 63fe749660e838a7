// What a tab shows: tables as grids, links that lead on, charts that answer, things to copy and to save.
// Grids follow the ARIA pattern: arrow keys, Home and End move (with Ctrl: to the first and last row); Enter opens,
// Space chooses, Page Up and Page Down turn the page, Ctrl+C copies the cell.
function make(tag, more) {
  return Object.assign(document.createElement(tag), more);
}

// ---- tables
function rowsOf(table) {
  return [...table.rows].filter((row) => !row.querySelector("td[colspan]"));
}

function placeOf(cell) {
  return [rowsOf(cell.closest("table")).indexOf(cell.parentElement), cell.cellIndex];
}

// What gets the focus in a cell: a heading's button, else the cell itself.
function stopIn(cell) {
  return cell.querySelector("button[data-sort]") ?? cell;
}

function moveTo(table, row, column, focus) {
  const rows = rowsOf(table);
  const cells = rows[Math.max(0, Math.min(row, rows.length - 1))]?.cells;
  const cell = cells?.[Math.max(0, Math.min(column, cells.length - 1))];
  if (!cell) return;
  table.querySelectorAll('[tabindex="0"]').forEach((one) => { one.tabIndex = -1; });
  stopIn(cell).tabIndex = 0;
  if (!focus) return;
  stopIn(cell).focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function prepareGrids(el) {
  for (const table of el.querySelectorAll('table[role="grid"]')) {
    for (const cell of table.querySelectorAll("th,td:not([colspan])")) stopIn(cell).tabIndex = -1;
    moveTo(table, table.tHead ? 1 : 0, 0, false);
  }
}

// A redrawn table keeps the focus: in the row of the same key, else in the same place.
function remember(el) {
  const cell = el.contains(document.activeElement) && document.activeElement.closest('[role="grid"] :is(td,th)');
  if (!cell) return () => undefined;
  const [row, column] = placeOf(cell);
  const key = cell.parentElement.dataset.key;
  const nth = [...el.querySelectorAll('table[role="grid"]')].indexOf(cell.closest("table"));
  return () => {
    const table = el.querySelectorAll('table[role="grid"]')[nth];
    if (!table) return;
    const same = key === undefined ? -1 : rowsOf(table).findIndex((one) => one.dataset.key === key);
    moveTo(table, same < 0 ? row : same, column, true);
  };
}

function onGridKey(event, act) {
  const cell = event.target.closest?.('[role="grid"] :is(td,th)');
  if (!cell || event.altKey) return;
  const table = cell.closest("table");
  const [row, column] = placeOf(cell);
  const far = event.ctrlKey || event.metaKey;
  const last = rowsOf(table).length - 1;
  const moves = {
    ArrowDown: [row + 1, column], ArrowUp: [row - 1, column], ArrowRight: [row, column + 1],
    ArrowLeft: [row, column - 1], Home: [far ? 0 : row, 0], End: [far ? last : row, 1e6],
  };
  if (moves[event.key]) moveTo(table, ...moves[event.key], true);
  else if (event.key === "PageDown" || event.key === "PageUp") act({ turn: event.key === "PageDown" ? 1 : -1 });
  else if (far && event.key.toLowerCase() === "c" && !String(getSelection())) copy(cell.innerText);
  else if (event.target.matches("button")) return; // it answers to Enter and Space itself
  else if (event.key === "Enter") (cell.querySelector("[data-go]") ?? cell).click();
  else if (event.key === " " && cell.parentElement.dataset.key !== undefined) {
    act({ key: cell.parentElement.dataset.key, more: true });
  } else return;
  event.preventDefault();
}

// ---- charts
function markOf(target) {
  const mark = target.closest?.(".dbtools-chart svg [aria-label]");
  return mark && mark.getAttribute("aria-roledescription") && !mark.matches("g, svg") ? mark : null;
}

async function picture(chart, kind) {
  const text = new XMLSerializer().serializeToString(chart.querySelector("svg"));
  const svg = new Blob([text], { type: "image/svg+xml" });
  if (kind === "svg") return svg;
  const image = make("img", { src: URL.createObjectURL(svg) });
  await image.decode();
  const canvas = make("canvas", { width: 2 * image.width, height: 2 * image.height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  URL.revokeObjectURL(image.src);
  return new Promise((done) => { canvas.toBlob(done); });
}

function addSaving(chart) {
  if (!chart.querySelector("svg")) return;
  const name = chart.getAttribute("aria-label").replace(/^Chart: /, "").replace(/ \(.*/, "").replace(/\W+/g, "-");
  const bar = make("div", { className: "dbtools-save" });
  for (const kind of ["svg", "png"]) {
    const about = `Save this chart as ${kind.toUpperCase()}`;
    const one = make("button", { type: "button", textContent: kind.toUpperCase(), title: about });
    one.addEventListener("click", async () => save(await picture(chart, kind), `${name}.${kind}`));
    bar.append(one);
  }
  const frame = make("div", { className: "dbtools-frame" });
  chart.replaceWith(frame);
  frame.append(chart, bar);
}

// ---- copying and saving
function save(content, name) {
  const href = URL.createObjectURL(content);
  make("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10000);
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch { // without https the page has no clipboard: the old way
    const field = make("textarea", { value: text });
    document.body.append(field);
    field.select();
    document.execCommand("copy");
    field.remove();
    button?.focus();
  }
  if (!button || button.dataset.said) return;
  button.dataset.said = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = button.dataset.said; delete button.dataset.said; }, 1200);
}

function render({ model, el }) {
  const tip = make("div", { className: "dbtools-tip", hidden: true });
  tip.setAttribute("role", "tooltip");
  const act = (what) => model.send(what);

  const draw = () => {
    const focusAgain = remember(el);
    el.innerHTML = model.get("html");
    el.append(tip);
    tip.hidden = true;
    prepareGrids(el);
    for (const link of el.querySelectorAll("[data-go]:not(button)")) {
      link.setAttribute("role", "link");
      link.tabIndex = link.closest('[role="grid"]') ? -1 : 0;
    }
    el.querySelectorAll(".dbtools-chart").forEach(addSaving);
    focusAgain();
  };

  el.addEventListener("click", (event) => {
    const { target } = event;
    const link = target.closest("[data-go]");
    const sorter = target.closest("[data-sort]");
    const copied = target.closest("[data-copy]");
    const row = target.closest("[data-key]");
    const mark = markOf(target);
    if (copied) copy(copied.dataset.copy, copied);
    else if (link) act({ go: link.dataset.go });
    else if (sorter) act({ sort: sorter.dataset.sort });
    else if (mark) act({ mark: mark.getAttribute("aria-label") });
    else if (row && !String(getSelection())) {
      const cell = target.closest("td");
      if (cell && row.closest('[role="grid"]')) moveTo(row.closest("table"), ...placeOf(cell), true);
      act({ key: row.dataset.key, more: event.ctrlKey || event.metaKey });
    }
  });
  el.addEventListener("keydown", (event) => {
    if (event.key === "Escape") tip.hidden = true;
    if (event.key === "Enter" && event.target.matches("[data-go]:not(button)")) event.target.click();
    else onGridKey(event, act);
  });
  el.addEventListener("pointermove", (event) => {
    const mark = markOf(event.target);
    tip.hidden = !mark;
    if (!mark) return;
    tip.textContent = mark.getAttribute("aria-label");
    const left = Math.min(event.clientX + 12, innerWidth - tip.offsetWidth - 8);
    Object.assign(tip.style, { left: `${Math.max(8, left)}px`, top: `${event.clientY + 16}px` });
  });
  el.addEventListener("pointerleave", () => { tip.hidden = true; });
  const onMessage = (message, buffers) => {
    if (message.save) save(new Blob([buffers[0]], { type: "text/csv" }), message.save);
  };
  model.on("change:html", draw);
  model.on("msg:custom", onMessage);
  draw();
  act({ shown: true });
  return () => { model.off("change:html", draw); model.off("msg:custom", onMessage); };
}
export default { render };
