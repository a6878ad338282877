"use strict";
// The numbers behind the page: weights are decoded layer by layer, and added up over pieces into words.
// Knows no drawing. R rows (who looks), C columns (what is looked at).

const data = JSON.parse(document.getElementById("data").textContent);
const kinds = ["cross", "encoder", "decoder"].filter((kind) => kind in data.attention);
const sequence = data.prompt_length !== null; // decoder-only: rows and columns are one text

const halves = new Float32Array(65536); // the number behind each float16
const decoded = new Map();

function fillHalves() {
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -24 * fraction;
    halves[bits] = bits & 32768 ? -size : size;
  }
}
fillHalves();

/** All weights of one layer, in the order [H,R,C]. */
function layerWeights(kind, layer) {
  const name = `${kind}-${layer}`;
  if (!decoded.has(name)) {
    const bytes = atob(document.getElementById(name).textContent);
    const numbers = new Float32Array(bytes.length / 2);
    for (let at = 0; at < numbers.length; at++) {
      numbers[at] = halves[bytes.charCodeAt(2 * at) | (bytes.charCodeAt(2 * at + 1) << 8)];
    }
    decoded.set(name, numbers);
  }
  return decoded.get(name);
}

/** The weights [R,C] of one head of one layer. */
function headWeights(kind, layer, head) {
  const [, , R, C] = data.attention[kind].shape;
  return layerWeights(kind, layer).subarray(head * R * C, (head + 1) * R * C);
}

/** The weights [R,C] of a choice; `layer` and `head` are numbers or "mean". */
function chosenWeights(kind, layer, head) {
  const [L, H, R, C] = data.attention[kind].shape;
  const layers = layer === "mean" ? [...Array(L).keys()] : [layer];
  const heads = head === "mean" ? [...Array(H).keys()] : [head];
  if (layers.length === 1 && heads.length === 1) return headWeights(kind, layers[0], heads[0]);
  const total = new Float32Array(R * C);
  for (const l of layers) {
    for (const h of heads) {
      const weights = headWeights(kind, l, h);
      for (let at = 0; at < total.length; at++) total[at] += weights[at];
    }
  }
  const count = layers.length * heads.length;
  return total.map((weight) => weight / count);
}

/** How far the name of a row stands from its own index: -1 is the token before, which the row was computed from. */
function rowShift(kind, labels) {
  if (kind === "encoder") return 0;
  return (labels === "reading" ? -1 : 0) + (sequence ? 1 : 0);
}

/** How far the name of a column stands from its own index. */
function columnShift(kind) {
  return kind === "decoder" && !sequence ? -1 : 0;
}

const rowSide = (kind) => (kind === "encoder" ? "source" : "target");
const columnSide = (kind) => (kind === "decoder" ? "target" : "source");

/** What stands along one side of the matrix: places joined into units, each with its name. */
function makeAxis(side, shift, { units, specials }) {
  const tokens = data[`${side}_tokens`];
  const words = data[`${side}_words`];
  const axis = [];
  let lastWord = null;
  for (let place = 0; place < tokens.length; place++) {
    const token = place + shift;
    const word = words.of[token];
    if (word === undefined) {
      const text = token < 0 ? data.start_token : "…";
      axis.push({ text, places: [place], tokens: [], spaced: place > 0, special: true });
    } else if (units === "words" && word === lastWord) {
      axis.at(-1).places.push(place);
      axis.at(-1).tokens.push(token);
    } else {
      const pieces = units === "pieces";
      axis.push({
        text: pieces ? tokens[token] : words.text[word],
        places: [place],
        tokens: [token],
        spaced: place > 0 && (pieces || words.spaced[word] || axis.at(-1).special),
        special: words.special[word],
      });
    }
    lastWord = word;
  }
  for (const unit of axis) unit.given = sequence && unit.tokens.length > 0 && unit.tokens[0] < data.prompt_length;
  return axis.filter((unit) => specials || !unit.special);
}

/** The picture of a choice: sums over the columns of a unit, means over its rows. */
function makeView(choice) {
  const rows = makeAxis(rowSide(choice.kind), rowShift(choice.kind, choice.labels), choice);
  const columns = makeAxis(columnSide(choice.kind), columnShift(choice.kind), choice);
  const weights = chosenWeights(choice.kind, choice.layer, choice.head);
  const width = data.attention[choice.kind].shape[3];
  const joined = new Float32Array(rows.length * columns.length);
  rows.forEach((row, r) => {
    columns.forEach((column, c) => {
      let sum = 0;
      for (const y of row.places) for (const x of column.places) sum += weights[y * width + x];
      joined[r * columns.length + c] = sum / row.places.length;
    });
  });
  return { ...choice, rows, columns, weights: joined };
}

const weightAt = (view, row, column) => view.weights[row * view.columns.length + column];

/** The weights that meet in a row or in a column, largest first. */
function lookedAt(view, { row, column }) {
  const others = row === null ? view.rows : view.columns;
  return others
    .map((unit, at) => ({ unit, at, weight: row === null ? weightAt(view, at, column) : weightAt(view, row, at) }))
    .sort((a, b) => b.weight - a.weight);
}

/** Every pair of units whose weight is large enough. */
function largeLinks(view, threshold) {
  const links = [];
  view.weights.forEach((weight, at) => {
    if (weight < threshold) return;
    const row = Math.floor(at / view.columns.length);
    links.push({ row, column: at % view.columns.length, weight });
  });
  return links;
}

/** The alignment that came with the data, in units. */
function givenLinks(view, threshold) {
  const unitOf = (axis) => new Map(axis.flatMap((unit, at) => unit.tokens.map((token) => [token, at])));
  const rowOf = unitOf(view.rows);
  const columnOf = unitOf(view.columns);
  const best = new Map();
  for (const [source, target, weight] of data.alignment) {
    const [row, column] = [rowOf.get(target), columnOf.get(source)];
    if (row === undefined || column === undefined || weight < threshold) continue;
    const name = `${row} ${column}`;
    if (weight > (best.get(name)?.weight ?? -1)) best.set(name, { row, column, weight });
  }
  return [...best.values()];
}

/** The number of each word among those that stand between spaces; null for a symbol. */
function betweenSpaces(side) {
  const words = data[`${side}_words`];
  let next = -1;
  return words.text.map((_, at) => {
    if (words.special[at]) return null;
    if (next < 0 || words.spaced[at] || words.special[at - 1]) next++;
    return next;
  });
}

/** Links as Marian, fast_align and their kin read them: punctuation belongs to the word it touches. */
function pharaoh(view, links) {
  const [inSource, inTarget] = ["source", "target"].map((side) => {
    const numbers = betweenSpaces(side);
    return (unit) => numbers[data[`${side}_words`].of[unit.tokens[0]]] ?? null;
  });
  const pairs = links
    .map(({ row, column }) => [inSource(view.columns[column]), inTarget(view.rows[row])])
    .filter(([source, target]) => source !== null && target !== null)
    .sort((a, b) => a[0] - b[0] || a[1] - b[1])
    .map((pair) => pair.join("-"));
  return [...new Set(pairs)].join(" ");
}

/** What the model believed while it predicted the tokens of a row: one entry for each that it wrote. */
function stepsOf(view, row) {
  return view.rows[row].places
    .map((place) => place + (sequence ? 1 : 0))
    .map((token) => ({ token: data.target_tokens[token], step: data.steps[token - (data.prompt_length ?? 0)] }))
    .filter(({ step }) => step !== undefined);
}

/** Every head of a kind, in the wanted order: by layer, or by a figure. */
function sortedHeads(kind, order) {
  const [L, H] = data.attention[kind].shape;
  const figures = data.heads[kind];
  const heads = [];
  for (let layer = 0; layer < L; layer++) {
    for (let head = 0; head < H; head++) {
      const of = (name) => figures[name][layer][head];
      heads.push({ layer, head, entropy: of("entropy"), largest: of("largest"), sink: of("sink") });
    }
  }
  const [name, direction] = order.split(" ");
  if (name !== "layer") heads.sort((a, b) => (direction === "up" ? 1 : -1) * (a[name] - b[name]));
  return heads;
}
