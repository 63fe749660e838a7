// Rate two texts blind. Keys: 1, 2, = (equal), s (skip), u (undo). Texts come in as text and are never read as HTML.
const KEYS = { 1: "left", 2: "right", "=": "tie", s: "skip", u: "undo" };
const ANSWERS = [
  ["left", "Text 1 is better", "1"],
  ["tie", "Equal", "="],
  ["right", "Text 2 is better", "2"],
  ["skip", "Skip", "S"],
  ["undo", "Undo", "U"],
];
const PATIENCE = 4000; // milliseconds

const make = (tag, properties = {}, ...inside) => {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...inside);
  return made;
};

// Inline Markdown: `code`, **bold**, *italic*. Links and images stay the text that they are.
const inline = (text) => {
  const pieces = text.split(/(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*)/);
  return pieces.filter(Boolean).map((piece) => {
    if (/^`[^`]+`$/.test(piece)) return make("code", { textContent: piece.slice(1, -1) });
    if (/^\*\*[^*]+\*\*$/.test(piece)) return make("b", { textContent: piece.slice(2, -2) });
    if (/^\*[^*]+\*$/.test(piece)) return make("i", { textContent: piece.slice(1, -1) });
    return document.createTextNode(piece);
  });
};

// Markdown as elements: headings, lists, fenced code, paragraphs. Nothing else is made, and nothing is parsed as HTML.
const markdown = (text) => {
  const found = [];
  let list = null, code = null, paragraph = null;
  for (const line of text.split("\n")) {
    const fence = /^\s*(```|~~~)/.test(line);
    const heading = line.match(/^(#{1,6})\s+(.*)/);
    const item = line.match(/^\s*([-*+]|\d+[.)])\s+(.*)/);
    if (code) {
      if (fence) code = null;
      else code.append(`${line}\n`);
    } else if (fence) {
      code = make("pre");
      found.push(code);
      list = paragraph = null;
    } else if (heading) {
      const level = Math.min(6, heading[1].length + 3);
      found.push(make(`h${level}`, {}, ...inline(heading[2])));
      list = paragraph = null;
    } else if (item) {
      const kind = /\d/.test(item[1]) ? "ol" : "ul";
      if (list?.localName !== kind) found.push(list = make(kind));
      list.append(make("li", {}, ...inline(item[2])));
      paragraph = null;
    } else if (!line.trim()) {
      list = paragraph = null;
    } else {
      if (paragraph) paragraph.append(" ");
      else found.push(paragraph = make("p"));
      paragraph.append(...inline(line));
      list = null;
    }
  }
  return found;
};

function render({ model, el }) {
  let sent = "", waiting = 0, formatted = false;
  const box = (name) => {
    const made = make("div", { className: "dbtools-rater-text", tabIndex: 0 });
    made.setAttribute("role", "region");
    made.setAttribute("aria-label", name);
    return made;
  };
  const prompt = box("The prompt"), sides = [box("Text 1"), box("Text 2")];
  prompt.classList.add("dbtools-rater-prompt");
  const bar = make("div", { className: "dbtools-rater-bar" }, make("div"));
  bar.setAttribute("role", "progressbar");
  bar.setAttribute("aria-label", "Ratings");
  const count = make("span", { className: "dbtools-rater-count" });
  const said = make("span", { className: "dbtools-rater-said" });
  said.setAttribute("role", "status");

  const send = (choice) => {
    const { token } = model.get("shown");
    if (token === sent) return;
    sent = token;
    waiting = setTimeout(() => {
      sent = "";
      said.textContent = "The kernel does not answer, so this was not saved. Run the cell again.";
    }, PATIENCE);
    model.send({ choice, token });
  };
  const buttons = ANSWERS.map(([choice, name, key]) => {
    const made = make("button", { type: "button" }, make("kbd", { textContent: key }), name);
    made.onclick = () => send(choice);
    made.setAttribute("aria-keyshortcuts", key);
    made.dataset.choice = choice;
    return made;
  });
  const toggle = (name, act) => {
    const made = make("button", { type: "button", textContent: name });
    made.setAttribute("aria-pressed", "false");
    made.onclick = () => made.setAttribute("aria-pressed", String(act()));
    return made;
  };
  const format = toggle("Show Markdown", () => {
    formatted = !formatted;
    draw();
    return formatted;
  });
  const mark = toggle("Mark differences", () => {
    model.set("marking", !model.get("marking"));
    model.save_changes();
    return model.get("marking");
  });
  const standings = make("button", { type: "button", textContent: "Show standings" });
  standings.onclick = () => send("standings");
  standings.title = "Names the agents: you are no longer blind to who leads";
  const table = make("dl", { className: "dbtools-rater-standings" });

  const pane = make("section", { className: "dbtools-rater", tabIndex: 0 },
    make("div", { className: "dbtools-rater-top" }, bar, count, said),
    make("h4", { textContent: "The prompt" }), prompt,
    make("div", { className: "dbtools-rater-pair" },
      ...sides.map((side, at) => make("div", {}, make("h4", { textContent: `Text ${at + 1}` }), side))),
    make("div", { className: "dbtools-rater-answers" }, ...buttons),
    make("div", { className: "dbtools-rater-more" }, format, mark, standings), table);
  pane.setAttribute("aria-label", "Which text is better? Keys: 1, 2, equals sign, S to skip, U to undo");

  pane.addEventListener("keydown", (event) => {
    const command = event.ctrlKey || event.metaKey;
    if (!(command && event.key.toLowerCase() === "s")) event.stopPropagation(); // JupyterLab's commands have keys too
    if (command || event.altKey || event.repeat || event.isComposing) return;
    const choice = KEYS[event.key.toLowerCase()];
    if (!choice) return;
    event.preventDefault();
    send(choice);
  });

  const fill = (target, text, parts) => {
    const piece = ([own, words]) => (own ? make("mark", { textContent: words }) : words);
    if (parts) target.replaceChildren(...parts.map(piece));
    else if (formatted) target.replaceChildren(...markdown(text));
    else target.textContent = text;
    target.classList.toggle("dbtools-rater-formatted", formatted && !parts);
  };
  const draw = () => {
    clearTimeout(waiting);
    const shown = model.get("shown");
    const over = !shown.texts.length;
    fill(prompt, shown.prompt);
    sides.forEach((side, at) => fill(side, shown.texts[at] ?? "", shown.parts[at]));
    pane.classList.toggle("dbtools-rater-over", over);
    for (const button of buttons) button.disabled = over && button.dataset.choice !== "undo";
    const part = Math.min(1, shown.done / Math.max(1, shown.until));
    bar.firstChild.style.width = `${100 * part}%`;
    bar.setAttribute("aria-valuenow", String(Math.round(100 * part)));
    count.textContent = shown.count;
    said.textContent = shown.said;
    table.replaceChildren(...shown.standings.flatMap(([name, share]) =>
      [make("dt", { textContent: name }), make("dd", { textContent: share })]));
    mark.setAttribute("aria-pressed", String(model.get("marking")));
  };
  const next = () => {
    for (const side of sides) side.scrollTop = 0;
    const mine = pane.contains(document.activeElement);
    draw();
    // A button that was just disabled loses the focus to the notebook, which would take the next key.
    if (mine) pane.focus({ preventScroll: true });
  };
  model.on("change:shown", next);
  el.append(pane);
  draw();
  return () => {
    clearTimeout(waiting);
    model.off("change:shown", next);
  };
}
export default { render };
