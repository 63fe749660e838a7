// The field for a statement: Ctrl+Enter and Shift+Enter run it, and a list completes relations and columns.
// In the list the arrow keys move, Tab takes the marked name, Escape closes it.
const MOST = 8;

// The relation that a name before a dot stands for: itself, or the one of which it is an alias.
function relationOf(text, name) {
  for (const [, relation, alias] of text.matchAll(/\b(?:from|join)\s+(\w+)\s+(?:as\s+)?(\w+)/gi)) {
    if (alias === name) return relation;
  }
  return name;
}

// What is being typed before the cursor, and the names that could be meant.
function candidates(text, cursor, relations) {
  const before = text.slice(0, cursor);
  const dotted = /(\w+)\.(\w*)$/.exec(before);
  if (dotted) return [dotted[2], relations[relationOf(text, dotted[1])] ?? []];
  const word = /[A-Za-z_]\w*$/.exec(before)?.[0] ?? "";
  if (/\b(?:from|join)\s+\w*$/i.test(before)) return [word, Object.keys(relations)];
  if (word.length < 2) return [word, []];
  const used = Object.keys(relations).filter((name) => new RegExp(`\\b${name}\\b`).test(text));
  return [word, [...new Set([...used.flatMap((name) => relations[name]), ...Object.keys(relations)])]];
}

function render({ model, el }) {
  const field = document.createElement("textarea");
  const list = document.createElement("ul");
  Object.assign(field, { rows: 7, spellcheck: false, placeholder: "SELECT …", title: model.get("tooltip") });
  field.setAttribute("aria-label", "SQL statement");
  field.setAttribute("role", "combobox");
  list.setAttribute("role", "listbox");
  list.hidden = true;
  let marked = 0;

  const store = () => { model.set("value", field.value); model.save_changes(); };
  const close = () => { list.hidden = true; field.setAttribute("aria-expanded", "false"); };
  const mark = (at) => {
    marked = (at + list.children.length) % list.children.length;
    [...list.children].forEach((one, n) => one.setAttribute("aria-selected", n === marked));
  };
  const put = (text, back = 0) => {
    const at = field.selectionStart;
    field.setRangeText(text, at - back, field.selectionEnd, "end");
    close();
    store();
    field.focus();
  };
  const offer = () => {
    const [word, names] = candidates(field.value, field.selectionStart, model.get("relations"));
    const fitting = names.filter((name) => name.startsWith(word.toLowerCase()) && name !== word).slice(0, MOST);
    list.replaceChildren(...fitting.map((name) => {
      const one = document.createElement("li");
      one.textContent = name;
      one.setAttribute("role", "option");
      one.addEventListener("mousedown", (event) => { event.preventDefault(); put(name, word.length); });
      return one;
    }));
    list.hidden = !fitting.length;
    field.setAttribute("aria-expanded", String(!list.hidden));
    if (fitting.length) mark(0);
    list.dataset.typed = word.length;
  };

  field.addEventListener("input", () => { store(); offer(); });
  field.addEventListener("blur", close);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey || event.shiftKey)) {
      close();
      model.send({ run: field.value });
    } else if (list.hidden) return;
    else if (event.key === "ArrowDown") mark(marked + 1);
    else if (event.key === "ArrowUp") mark(marked - 1);
    else if (event.key === "Tab") put(list.children[marked].textContent, Number(list.dataset.typed));
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
  });
  const draw = () => { if (field.value !== model.get("value")) field.value = model.get("value"); };
  const onMessage = (message) => { if (message.insert) put(message.insert); };
  model.on("change:value", draw);
  model.on("msg:custom", onMessage);
  el.append(field, list);
  draw();
  return () => { model.off("change:value", draw); model.off("msg:custom", onMessage); };
}
export default { render };
