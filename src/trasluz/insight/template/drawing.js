// Colours and canvases. Knows what to draw from its arguments alone.

// From the paper to the light: lightness runs one way only, so that the scale is read without its hue as well.
const STOPS = {
  light: ["#fdfaf3", "#f7dda6", "#e59f48", "#b1521c", "#44160a"],
  dark: ["#171a20", "#45301f", "#95541f", "#e6a23f", "#fff5d8"],
};
const scales = {};

const isDark = () => {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
};

function toLinear(hex) {
  return [1, 3, 5].map((at) => {
    const part = parseInt(hex.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
}

function toOklab([r, g, b]) {
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

function fromOklab([L, a, b]) {
  const l = (L + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (L - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (L - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  return linear.map((part) => {
    const bent = part <= 0.0031308 ? 12.92 * part : 1.055 * part ** (1 / 2.4) - 0.055;
    return Math.round(255 * Math.min(1, Math.max(0, bent)));
  });
}

/** 256 colours of the scheme in use, even steps of lightness between the stops. */
function colours() {
  const name = isDark() ? "dark" : "light";
  if (!scales[name]) {
    const stops = STOPS[name].map((stop) => toOklab(toLinear(stop)));
    scales[name] = [...Array(256).keys()].map((step) => {
      const at = (step / 255) * (stops.length - 1);
      const low = Math.min(Math.floor(at), stops.length - 2);
      return fromOklab(stops[low].map((part, i) => part + (at - low) * (stops[low + 1][i] - part)));
    });
  }
  return scales[name];
}

/** The square root, so that small weights are seen; the legend is drawn with it too. */
const shade = (weight) => Math.round(255 * Math.sqrt(Math.min(1, Math.max(0, weight))));
const colourOf = (weight) => `rgb(${colours()[shade(weight)].join(" ")})`;

/** Black or white, whichever stands out more from the colour of a weight. */
function inkOn(weight) {
  const [r, g, b] = colours()[shade(weight)].map((part) => (part / 255) ** 2.2);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.195 ? "#1a1712" : "#fffaf0";
}

/** Make a canvas so large, in pixels of the page, and sharp; what comes back draws in pixels of the page. */
function sized(canvas, width, height) {
  const sharpness = Math.min(devicePixelRatio || 1, Math.max(1, Math.sqrt(6e7 / (width * height || 1))));
  canvas.width = Math.round(width * sharpness);
  canvas.height = Math.round(height * sharpness);
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(sharpness, sharpness);
  return pen;
}

/** The weights as an image of one pixel each. */
function bitmap(weights, rows, columns) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [columns, rows];
  const pen = canvas.getContext("2d");
  const image = pen.createImageData(columns, rows);
  const scale = colours();
  weights.forEach((weight, at) => {
    image.data.set(scale[shade(weight)], 4 * at);
    image.data[4 * at + 3] = 255;
  });
  pen.putImageData(image, 0, 0);
  return canvas;
}

function drawImageOf(pen, weights, { rows, columns, width, height }) {
  pen.imageSmoothingEnabled = columns > width || rows > height; // no pixel for each weight: blend them
  pen.imageSmoothingQuality = "high";
  pen.drawImage(bitmap(weights, rows, columns), 0, 0, width, height);
}

/** The cells, with a gap between them and a number in them where there is room. */
function drawCells(canvas, view, cell) {
  const [rows, columns] = [view.rows.length, view.columns.length];
  const [width, height] = [columns * cell, rows * cell];
  const pen = sized(canvas, width, height);
  if (cell < 8) return drawImageOf(pen, view.weights, { rows, columns, width, height });
  const gap = cell < 14 ? 0.5 : 1;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.font = `${Math.min(12, Math.round(cell * 0.32))}px ${fontOf("--plain")}`;
  view.weights.forEach((weight, at) => {
    const [x, y] = [(at % columns) * cell, Math.floor(at / columns) * cell];
    pen.fillStyle = colourOf(weight);
    pen.beginPath();
    pen.roundRect(x + gap / 2, y + gap / 2, cell - gap, cell - gap, cell > 20 ? 3 : 1);
    pen.fill();
    if (cell >= 28 && weight >= 0.005) {
      pen.fillStyle = inkOn(weight);
      pen.fillText(Math.round(100 * weight), x + cell / 2, y + cell / 2 + 0.5);
    }
  });
}

const fontOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name);
const inkOf = (name) => fontOf(name).trim();

/** A text cut, with an ellipsis, to what fits. */
function fitted(pen, text, room) {
  if (pen.measureText(text).width <= room) return text;
  const letters = Array.from(text);
  while (letters.length && pen.measureText(`${letters.join("")}…`).width > room) letters.pop();
  return `${letters.join("")}…`;
}

const LONGEST_LABEL = 132;
const labelFont = (cell) => `${Math.max(8, Math.min(15, Math.round(cell * 0.72)))}px ${fontOf("--text")}`;

/** How much room the names of an axis need. */
function labelRoom(axis, cell) {
  const pen = document.createElement("canvas").getContext("2d");
  pen.font = labelFont(cell);
  const widest = Math.max(0, ...axis.map((unit) => pen.measureText(unit.text).width));
  return Math.ceil(Math.min(LONGEST_LABEL, widest)) + 10;
}

const labelStep = (cell) => Math.max(1, Math.ceil(9 / cell)); // where cells are tiny, only some have their name

function drawRowLabels(canvas, axis, { cell, room, lit }) {
  const pen = sized(canvas, room, axis.length * cell);
  pen.font = labelFont(cell);
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  axis.forEach((unit, at) => {
    if (at % labelStep(cell) && at !== lit) return;
    pen.fillStyle = labelInk(unit, at === lit);
    pen.fillText(fitted(pen, unit.text, room - 8), room - 6, (at + 0.5) * cell);
  });
}

/** Names of columns lean where cells are wide, and stand where they are narrow. */
function drawColumnLabels(canvas, axis, { cell, room, lit }) {
  const leaning = cell >= 20;
  const height = leaning ? Math.ceil(room * 0.72) + 8 : room;
  const pen = sized(canvas, axis.length * cell + (leaning ? Math.ceil(room * 0.72) : 0), height);
  pen.font = labelFont(cell);
  pen.textAlign = "left";
  pen.textBaseline = "middle";
  axis.forEach((unit, at) => {
    if (at % labelStep(cell) && at !== lit) return;
    pen.save();
    pen.translate((at + 0.5) * cell, height - 5);
    pen.rotate(leaning ? -Math.PI / 4 : -Math.PI / 2);
    pen.fillStyle = labelInk(unit, at === lit);
    pen.fillText(fitted(pen, unit.text, room - 8), 0, 0);
    pen.restore();
  });
}

function labelInk(unit, lit) {
  return inkOf(lit ? "--accent" : unit.special ? "--faint" : "--ink");
}

/** Curves from the words looked at down to the words that look. */
function drawCurves(canvas, curves, { width, height }) {
  const pen = sized(canvas, width, height);
  pen.lineCap = "round";
  pen.strokeStyle = inkOf("--link");
  for (const { from, to, weight, faint } of curves) {
    const middle = (from.y + to.y) / 2;
    pen.globalAlpha = faint ? 0.12 : 0.25 + 0.7 * weight;
    pen.lineWidth = 0.8 + 3 * weight;
    pen.beginPath();
    pen.moveTo(from.x, from.y);
    pen.bezierCurveTo(from.x, middle, to.x, middle, to.x, to.y);
    pen.stroke();
  }
}

function drawThumbnail(canvas, weights, [rows, columns]) {
  const width = 2 * canvas.clientWidth || 192;
  const height = 2 * canvas.clientHeight || 192;
  [canvas.width, canvas.height] = [width, height];
  drawImageOf(canvas.getContext("2d"), weights, { rows, columns, width, height });
}

function drawScale(canvas) {
  const width = canvas.parentElement.clientWidth;
  const pen = sized(canvas, width, 10);
  for (let x = 0; x < width; x++) {
    pen.fillStyle = `rgb(${colours()[Math.round((255 * x) / (width - 1))].join(" ")})`;
    pen.fillRect(x, 0, 1.5, 10);
  }
}
