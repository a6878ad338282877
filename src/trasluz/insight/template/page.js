// What the page shows and how it answers to hand and key. The numbers are in picture.js, the pens in drawing.js.

const NAMES = {
  cross: "Cross-attention",
  encoder: "Encoder self-attention",
  decoder: sequence ? "Self-attention" : "Decoder self-attention",
};
const THEMES = ["", "dark", "light"];
const FAINTEST_LINK = 0.02;
const BYTE = /^<0x[0-9A-Fa-f]{2}>$/;
const LONG = 36; // units of a text that is set small, and from the left

const byId = (id) => document.getElementById(id);
const percent = (weight) => `${(100 * weight).toFixed(1)}%`;
const nothing = () => ({ row: null, column: null });

const choice = { kind: kinds[0], layer: 0, head: "mean", units: "words", labels: "predicting", specials: true };
let view = null;
let links = [];
let pointed = nothing(); // under the pointer or the key
let pinned = nothing(); // what stays when nothing is pointed at
let cell = 20;
let boxes = { rows: [], columns: [] }; // where the words stand, measured once for each picture

const isAnything = ({ row, column }) => row !== null || column !== null;
const focus = () => (isAnything(pointed) ? pointed : pinned);

function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

const quoted = (unit) => element("bdi", { className: "word", textContent: unit.text });

// ---- the sentences

function renderSentence(part, axis, language) {
  const line = byId(part);
  line.lang = language;
  line.replaceChildren();
  axis.forEach((unit, at) => {
    if (unit.spaced) line.append(" ");
    if (sequence && at > 0 && axis[at - 1].given && !unit.given) line.append(element("span", { className: "cut" }));
    const word = element("span", { className: "unit", textContent: unit.text, tabIndex: at ? -1 : 0 });
    word.classList.toggle("special", unit.special);
    if (unit.special || BYTE.test(unit.text)) word.dir = "ltr"; // a symbol keeps its form in a line from right to left
    word.setAttribute("role", "button");
    word.setAttribute("aria-pressed", "false");
    word.dataset.at = at;
    line.append(word);
  });
}

const wordsOf = (part) => [...byId(part).querySelectorAll(".unit")];

function renderSentences() {
  byId("sentences").classList.toggle("long", Math.max(view.rows.length, view.columns.length) > LONG);
  const [source, target] = data.languages;
  const language = { source, target };
  renderSentence("columns", view.columns, language[columnSide(view.kind)]);
  renderSentence("rows", view.rows, language[rowSide(view.kind)]);
  byId("columns-title").textContent = `${titleOf(columnSide(view.kind))}, looked at`;
  byId("rows-title").textContent = `${titleOf(rowSide(view.kind))}, ${rowVerb()}`;
  measureWords();
}

const titleOf = (side) => (sequence ? "Text" : side === "source" ? "Source" : "Translation");
const rowVerb = () => (view.kind === "encoder" ? "looking" : `looking while ${view.labels}`);

function measureWords() {
  const origin = byId("sentences").getBoundingClientRect();
  const measured = (part, edge) =>
    wordsOf(part).map((word) => {
      const box = word.getClientRects()[0] ?? origin;
      return { x: box.left + box.width / 2 - origin.left, y: box[edge] - origin.top };
    });
  boxes = { columns: measured("columns", "bottom"), rows: measured("rows", "top") };
}

/** Light the words of one side by their weights, and mark the one with the largest. */
function lightWords(part, weightOf) {
  const words = wordsOf(part);
  const weights = words.map((_, at) => weightOf?.(at) ?? 0);
  const largest = weightOf ? weights.indexOf(Math.max(...weights)) : -1;
  words.forEach((word, at) => {
    word.style.backgroundColor = weightOf ? colourOf(weights[at]) : "";
    word.style.color = weightOf ? inkOn(weights[at]) : "";
    word.classList.toggle("largest", at === largest);
  });
}

function markWords(part, name, now) {
  wordsOf(part).forEach((word, at) => {
    word.classList.toggle("lit", at === now);
    word.classList.toggle("pinned", at === pinned[name]);
    word.setAttribute("aria-pressed", String(at === pinned[name]));
  });
}

function renderLinks() {
  const { row, column } = focus();
  const section = byId("sentences");
  const curve = (link, faint) => ({ ...link, faint, from: boxes.columns[link.column], to: boxes.rows[link.row] });
  const curves = links.map((link) => curve(link, isAnything(focus())));
  if (isAnything(focus())) {
    for (const { at, weight } of lookedAt(view, { row, column })) {
      if (weight < FAINTEST_LINK) break;
      curves.push(curve(row === null ? { row: at, column, weight } : { row, column: at, weight }, false));
    }
  }
  drawCurves(byId("links"), curves, { width: section.clientWidth, height: section.clientHeight });
}

// ---- the matrix

/** As large as the room allows, between what the eye and what the memory of a canvas can bear. */
function fittingCell() {
  const most = Math.max(view.rows.length, view.columns.length, 1);
  const room = byId("picture").clientWidth - labelRoom(view.rows, 20) - 48;
  const least = most <= 64 ? 16 : most <= 160 ? 9 : Math.max(3, Math.floor(2048 / most));
  return Math.max(least, Math.min(52, Math.floor(room / Math.max(view.columns.length, 1))));
}

function renderMatrix() {
  cell = fittingCell();
  drawCells(byId("weights"), view, cell);
  const cells = byId("cells");
  cells.style.width = `${view.columns.length * cell}px`;
  cells.style.height = `${view.rows.length * cell}px`;
  placeDivider("divider-row", view.rows, (at) => ({ top: `${at * cell}px`, left: 0, width: "100%", height: 0 }));
  placeDivider("divider-column", view.columns, (at) => ({ left: `${at * cell}px`, top: 0, height: "100%", width: 0 }));
  drawScale(byId("scale"));
}

function placeDivider(id, axis, place) {
  const at = axis.findIndex((unit) => !unit.given);
  byId(id).hidden = !sequence || at < 1;
  Object.assign(byId(id).style, place(at));
}

function renderLabels() {
  const { row, column } = focus();
  drawRowLabels(byId("row-labels"), view.rows, { cell, room: labelRoom(view.rows, cell), lit: row });
  drawColumnLabels(byId("column-labels"), view.columns, { cell, room: labelRoom(view.columns, cell), lit: column });
}

function placeMarks() {
  const { row, column } = focus();
  const at = (index) => `${index * cell}px`;
  byId("row-band").hidden = row === null;
  byId("column-band").hidden = column === null;
  Object.assign(byId("row-band").style, { top: at(row), height: `${cell}px`, left: 0, right: 0 });
  Object.assign(byId("column-band").style, { left: at(column), width: `${cell}px`, top: 0, bottom: 0 });
  const both = row !== null && column !== null;
  for (const id of ["ring", "tip"]) byId(id).hidden = !both;
  if (!both) return;
  Object.assign(byId("ring").style, { left: at(column), top: at(row), width: `${cell}px`, height: `${cell}px` });
  byId("tip").textContent = percent(weightAt(view, row, column));
  byId("tip").classList.toggle("below", row < 2);
  Object.assign(byId("tip").style, { left: `${(column + 0.5) * cell}px`, top: at(row < 2 ? row + 1 : row) });
}

function renderTitle() {
  const layer = view.layer === "mean" ? "mean of all layers and heads" : `layer ${view.layer + 1}`;
  const head = view.head === "mean" ? "mean of its heads" : `head ${view.head + 1}`;
  const places = view.layer === "mean" ? layer : `${layer}, ${head}`;
  byId("picture-title").textContent = `${NAMES[view.kind]}: ${places}`;
  byId("picture-note").textContent = noteOf(view);
}

function noteOf({ kind, units, labels }) {
  const unit = units === "words" ? "word" : "piece";
  const joined = units === "words" ? " Pieces of a word are added up across and averaged down." : "";
  if (kind === "encoder") return `Each row: a ${unit} that looks; across: what it looks at.${joined}`;
  const row =
    labels === "predicting"
      ? `Each row is called by the ${unit} that was predicted there.`
      : `Each row is called by the ${unit} it was computed from, just before the next was predicted.`;
  return `${row} Across: what it looked at.${joined}`;
}

// ---- what is said of the place in focus

function renderReadout() {
  const { row, column } = focus();
  const line = byId("readout");
  if (!isAnything(focus())) {
    line.replaceChildren(`Point at a word or a cell, or move with the arrow keys.`);
    return;
  }
  const subject = row === null ? view.columns[column] : view.rows[row];
  if (row !== null && column !== null) {
    const weight = element("strong", { textContent: percent(weightAt(view, row, column)) });
    line.replaceChildren(quoted(subject), " looks at ", quoted(view.columns[column]), " with ", weight);
    return;
  }
  const parts = [quoted(subject), row === null ? " is looked at by " : " looks at "];
  lookedAt(view, { row, column })
    .slice(0, 4)
    .forEach(({ unit, weight }, at) => parts.push(at ? ", " : "", quoted(unit), ` ${percent(weight)}`));
  line.replaceChildren(...parts);
}

function renderCandidates() {
  const box = byId("candidates");
  byId("step").hidden = !data.steps.length || view.kind === "encoder";
  if (byId("step").hidden) return;
  const { row } = focus();
  if (row === null) {
    const which = sequence ? "the lower line" : "the translation";
    box.replaceChildren(element("p", { className: "note", textContent: `Point at a word of ${which}.` }));
    return;
  }
  const steps = stepsOf(view, row);
  box.replaceChildren(...steps.map(({ token, step }) => candidatesOf(token, step)));
  if (!steps.length) box.append(element("p", { className: "note", textContent: "This was given, not written." }));
}

function candidatesOf(token, step) {
  const rank = step.top.findIndex((candidate) => candidate[1] === token);
  const standing = rank < 0 ? `not among the best ${step.top.length}` : `rank ${rank + 1}`;
  const facts = element("p", { className: "note" }, element("bdi", { className: "word", textContent: token }));
  facts.append(`: ${standing}, entropy ${step.entropy.toFixed(2)} nats`);
  const list = element("ol");
  for (const [, text, logProbability] of step.top) {
    const probability = Math.exp(logProbability);
    const bar = element("span", { className: "bar-fill" });
    bar.style.width = `${100 * probability}%`;
    const item = element("li", { className: text === token ? "chosen" : "" });
    item.append(element("bdi", { textContent: text }), element("span", { className: "bar-room" }, bar));
    item.append(element("span", { className: "number", textContent: percent(probability) }));
    list.append(item);
  }
  return element("div", {}, facts, list);
}

function renderFocus() {
  const { row, column } = focus();
  lightWords("columns", row === null ? null : (at) => weightAt(view, row, at));
  lightWords("rows", row === null && column !== null ? (at) => weightAt(view, at, column) : null);
  markWords("rows", "row", row);
  markWords("columns", "column", column);
  placeMarks();
  renderLabels();
  renderLinks();
  renderReadout();
  renderCandidates();
}

function pointAt(place) {
  if (place.row === pointed.row && place.column === pointed.column) return;
  pointed = place;
  renderFocus();
}

/** Pin a place, or let it go if it is pinned already. */
function pin(place) {
  const same = place.row === pinned.row && place.column === pinned.column;
  pinned = same ? nothing() : place;
  pointed = same ? nothing() : pointed;
  renderFocus();
}

function letGo() {
  pinned = nothing();
  pointed = nothing();
  renderFocus();
}

// ---- links, table, heads

function renderAlignment() {
  const isGiven = document.querySelector("[name=links]:checked").value === "given" && view.kind === "cross";
  const threshold = byId("threshold").value / 100;
  links = isGiven ? givenLinks(view, threshold) : largeLinks(view, threshold);
  byId("threshold-value").textContent = `${byId("threshold").value}%`;
  byId("link-sources").hidden = !data.alignment.length || view.kind !== "cross";
  byId("pharaoh-box").hidden = view.kind !== "cross";
  byId("pharaoh").value = view.kind === "cross" ? pharaoh(view, links) : "";
  renderLinks();
}

function renderTable() {
  const box = byId("table");
  box.replaceChildren();
  if (box.hidden) return;
  const heading = (scope, unit) => element("th", { scope, dir: "auto", textContent: unit.text });
  const top = element("tr", {}, element("td"), ...view.columns.map((unit) => heading("col", unit)));
  const rows = view.rows.map((unit, row) => {
    const cells = view.columns.map((_, column) => element("td", { textContent: percent(weightAt(view, row, column)) }));
    return element("tr", {}, heading("row", unit), ...cells);
  });
  const title = `${byId("picture-title").textContent}. ${byId("picture-note").textContent}`;
  const caption = element("caption", { textContent: title });
  box.append(element("table", {}, caption, element("thead", {}, top), element("tbody", {}, ...rows)));
}

const whenSeen = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (!isIntersecting) continue;
      whenSeen.unobserve(target);
      const { kind, layer, head } = target.dataset;
      const shape = data.attention[kind].shape.slice(2);
      drawThumbnail(target, headWeights(kind, Number(layer), Number(head)), shape);
    }
  },
  { rootMargin: "120px" },
);

function renderHeads() {
  whenSeen.disconnect();
  const [L, H] = data.attention[view.kind].shape;
  byId("heads-title").textContent = L * H === 1 ? "The one head" : `All ${L * H} heads`;
  byId("heads").style.setProperty("--heads", H);
  const heads = sortedHeads(view.kind, byId("sort").value);
  byId("heads").replaceChildren(...heads.map((head) => element("li", {}, headButton(head))));
  markHead();
}

function headButton({ layer, head, entropy, largest, sink }) {
  const [, , R, C] = data.attention[view.kind].shape;
  const canvas = element("canvas", { ariaHidden: "true" });
  canvas.style.aspectRatio = String(Math.min(1.6, Math.max(0.7, C / R)));
  Object.assign(canvas.dataset, { kind: view.kind, layer, head });
  whenSeen.observe(canvas);
  const resting = view.kind === "decoder" ? "on first" : "on end";
  const facts = [
    ["entropy", entropy.toFixed(2)],
    ["largest", percent(largest)],
    [resting, percent(sink)],
  ];
  const list = element("span", { className: "facts" });
  for (const [name, value] of facts) {
    list.append(element("span", { textContent: name }), element("span", { className: "number", textContent: value }));
  }
  const button = element("button", { type: "button", className: "head", tabIndex: -1 });
  button.append(element("span", { className: "name", textContent: `Layer ${layer + 1} · head ${head + 1}` }));
  button.append(canvas, list);
  Object.assign(button.dataset, { layer, head });
  return button;
}

const headButtons = () => [...byId("heads").querySelectorAll("button")];

function markHead() {
  const isChosen = ({ dataset }) => dataset.layer === String(view.layer) && dataset.head === String(view.head);
  const buttons = headButtons();
  for (const button of buttons) {
    button.setAttribute("aria-pressed", String(isChosen(button)));
    button.tabIndex = -1;
  }
  const way = buttons.find(isChosen) ?? buttons[0];
  way.tabIndex = 0;
}

// ---- putting it together

/** A choice was made: a new picture, of the same places as far as they are still there. */
function show(changes) {
  const sameAxes = Object.keys(changes).every((name) => name === "layer" || name === "head");
  const sameKind = !view || !("kind" in changes) || changes.kind === view.kind;
  Object.assign(choice, changes);
  view = makeView(choice);
  pointed = nothing();
  if (!sameAxes) pinned = nothing();
  byId("layer").value = String(choice.layer);
  byId("head").value = String(choice.head);
  byId("head").disabled = choice.layer === "mean";
  byId("labels").disabled = choice.kind === "encoder";
  renderTitle();
  if (!sameAxes || !boxes.rows.length) renderSentences();
  renderMatrix();
  renderAlignment();
  renderFocus();
  renderTable();
  if (sameKind && headButtons().length) markHead();
  else renderHeads();
}

/** The same picture in another room. */
function redraw() {
  measureWords();
  renderMatrix();
  renderFocus();
}

function recolour() {
  redraw();
  renderHeads();
}

function fillControls() {
  byId("model").textContent = data.model;
  byId("end-token").textContent = data.end_token;
  if (data.model) document.title = `${data.model}: attention`;
  kinds.forEach((kind) => {
    const input = element("input", { type: "radio", name: "kind", value: kind, checked: kind === choice.kind });
    const names = { cross: "Cross", encoder: "Encoder", decoder: sequence ? "Self" : "Decoder" };
    byId("kinds").append(element("label", {}, input, element("span", { textContent: names[kind] })));
  });
  byId("kinds").hidden = kinds.length < 2;
  if (data.alignment.length) document.querySelector("[name=links][value=given]").checked = true;
  for (const mark of [0, 1, 5, 10, 25, 50, 75, 100]) {
    const label = element("span", { textContent: `${mark}%` });
    label.style.left = `${100 * Math.sqrt(mark / 100)}%`;
    byId("scale-marks").append(label);
  }
  nameTheme();
}

/** The layers and heads of a kind, and the orders of its heads. */
function fillChoices(kind) {
  const [L, H] = data.attention[kind].shape;
  const option = (value, textContent) => element("option", { value, textContent });
  const numbers = (count) => [...Array(count).keys()].map((at) => option(at, at + 1));
  byId("layer").replaceChildren(...numbers(L), option("mean", "mean of all"));
  byId("head").replaceChildren(option("mean", "mean"), ...numbers(H));
  const resting = kind === "decoder" ? "the first token" : "the end symbol";
  byId("sort").replaceChildren(
    option("layer up", "layer"),
    option("entropy up", "entropy, sharpest first"),
    option("entropy down", "entropy, flattest first"),
    option("largest down", "largest weight"),
    option("sink down", `share on ${resting}`),
  );
  return { layer: L - 1, head: "mean" };
}

function nameTheme() {
  const names = { "": "Theme: system", dark: "Theme: dark", light: "Theme: light" };
  byId("theme").textContent = names[document.documentElement.dataset.theme ?? ""];
}

function nextTheme() {
  const root = document.documentElement;
  const next = THEMES[(THEMES.indexOf(root.dataset.theme ?? "") + 1) % THEMES.length];
  if (next) root.dataset.theme = next;
  else delete root.dataset.theme;
  nameTheme();
  recolour();
}
