// How the page answers to hand and key.

function listenToControls() {
  const chosen = (value) => (value === "mean" ? value : Number(value));
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("controls").addEventListener("change", ({ target }) => {
    if (target.name === "kind") show({ kind: target.value, ...fillChoices(target.value) });
    if (target.name === "units") show({ units: target.value });
    if (target.name === "labels") show({ labels: target.value });
    if (target.id === "specials") show({ specials: target.checked });
    if (target.id === "head") show({ head: chosen(target.value) });
    if (target.id === "layer") {
      show({ layer: chosen(target.value), ...(target.value === "mean" ? { head: "mean" } : {}) });
    }
  });
  byId("theme").addEventListener("click", nextTheme);
  byId("threshold").addEventListener("input", renderAlignment);
  byId("link-sources").addEventListener("change", renderAlignment);
  byId("sort").addEventListener("change", renderHeads);
  byId("copy").addEventListener("click", copyPharaoh);
  byId("table-switch").addEventListener("click", switchTable);
}

async function copyPharaoh() {
  const text = byId("pharaoh");
  try {
    await navigator.clipboard.writeText(text.value);
  } catch {
    text.select(); // the clipboard is closed to pages in some frames; the older way may still be open
    document.execCommand("copy");
  }
  byId("copy").textContent = "Copied";
  setTimeout(() => (byId("copy").textContent = "Copy"), 1500);
}

function switchTable() {
  const isHidden = byId("table").toggleAttribute("hidden");
  byId("table-switch").setAttribute("aria-expanded", String(!isHidden));
  byId("table-switch").textContent = isHidden ? "Show as a table" : "Hide the table";
  renderTable();
}

function listenToWords() {
  for (const [part, name] of [["rows", "row"], ["columns", "column"]]) {
    const line = byId(part);
    const placeOf = (word) => ({ ...nothing(), [name]: Number(word.dataset.at) });
    const wordAt = (event) => event.target.closest(".unit");
    const point = (event) => wordAt(event) && pointAt(placeOf(wordAt(event)));
    line.addEventListener("pointerover", point);
    line.addEventListener("focusin", point);
    line.addEventListener("pointerleave", () => pointAt(nothing()));
    line.addEventListener("focusout", () => pointAt(nothing()));
    line.addEventListener("click", (event) => wordAt(event) && pin(placeOf(wordAt(event))));
    line.addEventListener("keydown", (event) => moveAmongWords(event, part, () => pin(placeOf(event.target))));
  }
}

function moveAmongWords(event, part, choose) {
  const words = wordsOf(part);
  const at = words.indexOf(event.target);
  if (at < 0) return;
  const forward = getComputedStyle(byId(part)).direction === "rtl" ? -1 : 1;
  const moves = {
    ArrowRight: () => at + forward,
    ArrowLeft: () => at - forward,
    Home: () => 0,
    End: () => words.length - 1,
  };
  if (event.key in moves) goTo(words, moves[event.key]());
  else if (event.key === "Enter" || event.key === " ") choose();
  else return;
  event.preventDefault();
}

/** Move the focus, and the one stop of the tab key, to one of a group. */
function goTo(group, at) {
  const next = group[Math.max(0, Math.min(group.length - 1, at))];
  for (const one of group) one.tabIndex = one === next ? 0 : -1;
  next.focus();
}

function listenToMatrix() {
  const matrix = byId("matrix");
  const cells = byId("cells");
  const placeOf = (event) => {
    const box = cells.getBoundingClientRect();
    const index = (offset, count) => Math.max(0, Math.min(count - 1, Math.floor(offset / cell)));
    return {
      row: index(event.clientY - box.top, view.rows.length),
      column: index(event.clientX - box.left, view.columns.length),
    };
  };
  cells.addEventListener("pointermove", (event) => pointAt(placeOf(event)));
  cells.addEventListener("pointerleave", () => pointAt(nothing()));
  cells.addEventListener("click", (event) => pin(placeOf(event)));
  matrix.addEventListener("keydown", moveInMatrix);
  matrix.addEventListener("blur", () => pointAt(nothing()));
}

function moveInMatrix(event) {
  const [lastRow, lastColumn] = [view.rows.length - 1, view.columns.length - 1];
  if (lastRow < 0 || lastColumn < 0) return;
  const started = focus().row !== null && focus().column !== null;
  const { row, column } = started ? focus() : { row: focus().row ?? 0, column: focus().column ?? 0 };
  const whole = event.ctrlKey || event.metaKey;
  const moves = {
    ArrowUp: () => ({ row: row - 1, column }),
    ArrowDown: () => ({ row: row + 1, column }),
    ArrowLeft: () => ({ row, column: column - 1 }),
    ArrowRight: () => ({ row, column: column + 1 }),
    Home: () => ({ row: whole ? 0 : row, column: 0 }),
    End: () => ({ row: whole ? lastRow : row, column: lastColumn }),
  };
  if (event.key in moves) {
    const next = started ? moves[event.key]() : { row, column };
    const within = (at, last) => Math.max(0, Math.min(last, at));
    pointAt({ row: within(next.row, lastRow), column: within(next.column, lastColumn) });
    byId("ring").scrollIntoView({ block: "nearest", inline: "nearest" });
  } else if ((event.key === "Enter" || event.key === " ") && started) pin({ row, column });
  else return;
  event.preventDefault();
}

function listenToHeads() {
  const heads = byId("heads");
  heads.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) show({ layer: Number(button.dataset.layer), head: Number(button.dataset.head) });
  });
  heads.addEventListener("keydown", (event) => {
    const buttons = headButtons();
    const at = buttons.indexOf(event.target);
    const top = buttons[0].offsetTop;
    const perRow = buttons.findIndex((button) => button.offsetTop > top);
    const down = perRow < 0 ? buttons.length : perRow;
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -down, ArrowDown: down };
    const ends = { Home: 0, End: buttons.length - 1 };
    const next = ends[event.key] ?? at + (steps[event.key] ?? NaN);
    if (at < 0 || !(next >= 0 && next < buttons.length)) return;
    goTo(buttons, next);
    event.preventDefault();
  });
}

function listenToWindow() {
  addEventListener("keydown", (event) => event.key === "Escape" && letGo());
  let width = byId("sentences").clientWidth;
  let waiting = 0;
  new ResizeObserver(() => {
    if (byId("sentences").clientWidth === width) return;
    width = byId("sentences").clientWidth;
    cancelAnimationFrame(waiting);
    waiting = requestAnimationFrame(redraw);
  }).observe(byId("sentences"));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
}

fillControls();
show(fillChoices(choice.kind));
listenToControls();
listenToWords();
listenToMatrix();
listenToHeads();
listenToWindow();
