// The live page: reads records of JSON and JPEG from /stream, draws, and sends what is set.

const $ = (id) => document.getElementById(id);
const COLOURS = ["#00e096", "#ffb000", "#40a0ff", "#ff5878", "#be78ff", "#8cdc3c"];
const STAGES = ["capture", "preprocess", "infer", "postprocess", "emit"];
const HISTORY = 120;
const token = new URLSearchParams(location.search).get("token");
const headers = token ? { Authorization: `Bearer ${token}` } : {};

// ---- theme -----------------------------------------------------------------------------------
const root = document.documentElement;
const preferred = matchMedia("(prefers-color-scheme: dark)");
let chosen = null;
const applyTheme = () => { root.dataset.theme = chosen ?? (preferred.matches ? "dark" : "light"); };
preferred.addEventListener("change", applyTheme);
$("theme").addEventListener("click", () => {
  chosen = root.dataset.theme === "dark" ? "light" : "dark";
  applyTheme();
});
applyTheme();

// ---- stage timings ---------------------------------------------------------------------------
const rows = new Map([...STAGES, "total"].map((name) => {
  const row = document.createElement("div");
  row.className = name === "total" ? "stage total" : "stage";
  row.innerHTML = `<span>${name}</span><canvas></canvas><b>–</b>`;
  $("stages").append(row);
  return [name, { canvas: row.querySelector("canvas"), told: row.querySelector("b"), values: [] }];
}));

// A canvas with as many pixels as the screen has for it.
function sharp(canvas, width, height) {
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
  return [canvas.getContext("2d"), w, h, ratio];
}

function plot({ canvas, told, values }, value) {
  values.push(value);
  if (values.length > HISTORY) values.shift();
  told.textContent = value < 0.1 ? value.toFixed(3) : value < 10 ? value.toFixed(2) : value.toFixed(1);
  const [paint, width, height, ratio] = sharp(canvas, canvas.clientWidth, canvas.clientHeight);
  const most = Math.max(...values) * 1.15 || 1;
  const x = (index) => ((index + HISTORY - values.length) / (HISTORY - 1)) * width;
  const y = (value) => height - ratio - (value / most) * (height - 3 * ratio);
  const colour = getComputedStyle(root).getPropertyValue("--accent");
  paint.clearRect(0, 0, width, height);
  paint.beginPath();
  values.forEach((value, index) => paint.lineTo(x(index), y(value)));
  paint.strokeStyle = colour;
  paint.lineWidth = 1.5 * ratio;
  paint.lineJoin = "round";
  paint.stroke();
  paint.lineTo(width, height);
  paint.lineTo(x(0), height);
  paint.globalAlpha = 0.14;
  paint.fillStyle = colour;
  paint.fill();
  paint.globalAlpha = 1;
}

// ---- the picture -----------------------------------------------------------------------------
const classes = new Map();
function colourOf(item) {
  if (item.track) return COLOURS[item.track % COLOURS.length];
  if (!classes.has(item.class)) classes.set(item.class, classes.size);
  return COLOURS[classes.get(item.class) % COLOURS.length];
}
const percent = (score) => `${(100 * score).toFixed(0)} %`;
const nameOf = (item) => (item.track ? `${item.class} #${item.track}` : item.class);

function drawBox(paint, item, scale, ratio, text, isHidden) {
  const [left, top] = [item.left * scale, item.top * scale];
  const [width, height] = [(item.right - item.left) * scale, (item.bottom - item.top) * scale];
  const colour = colourOf(item);
  const outline = (style, line) => {
    paint.strokeStyle = style;
    paint.lineWidth = line * ratio;
    paint.beginPath();
    paint.roundRect(left, top, width, height, Math.min(6 * ratio, width / 4, height / 4));
    paint.stroke();
  };
  paint.setLineDash(isHidden ? [6 * ratio, 5 * ratio] : []);
  outline("rgb(8 16 14 / .5)", 4.5);
  outline(colour, 2.5);
  paint.setLineDash([]);
  paint.font = `600 ${13 * ratio}px system-ui, sans-serif`;
  const [wide, tall] = [paint.measureText(text).width + 12 * ratio, 21 * ratio];
  const x = Math.max(0, Math.min(left, paint.canvas.width - wide));
  const y = top - tall - 3 * ratio >= 0 ? top - tall - 3 * ratio : top + 4 * ratio;
  paint.fillStyle = colour;
  paint.beginPath();
  paint.roundRect(x, y, wide, tall, 5 * ratio);
  paint.fill();
  paint.fillStyle = "#0b1412";
  paint.textBaseline = "middle";
  paint.fillText(text, x + 6 * ratio, y + tall / 2 + ratio / 2);
}

function drawPoints(paint, points, scale, ratio, colour) {
  const radius = (points.length > 40 ? 1.3 : 3) * ratio;
  for (const point of points) {
    paint.beginPath();
    paint.arc(point.x * scale, point.y * scale, radius + ratio, 0, 7);
    paint.fillStyle = "rgb(8 16 14 / .55)";
    paint.fill();
    paint.beginPath();
    paint.arc(point.x * scale, point.y * scale, radius, 0, 7);
    paint.fillStyle = colour;
    paint.fill();
  }
}

function draw(told, picture) {
  const view = $("view");
  view.style.aspectRatio = `${told.width} / ${told.height}`;
  const [paint, width, height, ratio] = sharp(view, view.clientWidth, (view.clientWidth * told.height) / told.width);
  const scale = width / told.width;
  paint.drawImage(picture, 0, 0, width, height);
  const { answer } = told;
  const hidden = (answer.tracks ?? []).filter((track) => track.missed_frames > 0);
  for (const track of hidden) drawBox(paint, track, scale, ratio, `${nameOf(track)} hidden`, true);
  for (const item of [...(answer.detections ?? [])].reverse()) {
    drawPoints(paint, item.keypoints ?? [], scale, ratio, colourOf(item));
    drawBox(paint, item, scale, ratio, `${nameOf(item)}  ${percent(item.score)}`, false);
  }
  if (answer.points && answer.is_present) drawPoints(paint, answer.points, scale, ratio, COLOURS[0]);
}

// ---- words -----------------------------------------------------------------------------------
function list(answer) {
  const hidden = (answer.tracks ?? []).filter((track) => track.missed_frames > 0);
  const lines = [
    ...(answer.detections ?? []).map((item) => [colourOf(item), nameOf(item), percent(item.score)]),
    ...hidden.map((item) => [colourOf(item), nameOf(item), "hidden"]),
    ...(answer.classes ?? []).map((item) => [colourOf(item), item.class, percent(item.score)]),
    ...(answer.shares ?? []).map((item) => [colourOf(item), item.class, percent(item.share)]),
    ...(answer.numbers ?? []).map((item) => [COLOURS[0], item.name, item.value.toFixed(3)]),
    ...(answer.points ? [[COLOURS[0], `${answer.points.length} points`, answer.is_present ? "present" : "absent"]] : []),
  ];
  $("seen").replaceChildren(...(lines.length ? lines : [[null, "nothing", ""]]).map(([colour, name, value]) => {
    const line = document.createElement("li");
    if (!colour) line.className = "none";
    for (const [tag, text] of [["i", ""], ["span", name], ["b", value]]) {
      const part = document.createElement(tag);
      part.textContent = text;
      if (tag === "i" && colour) part.style.background = colour;
      line.append(part);
    }
    return line;
  }));
}

const milliseconds = (microseconds) => microseconds / 1000;

function tell(told) {
  list(told.answer);
  const each = STAGES.map((stage) => milliseconds(told.microseconds[stage]));
  STAGES.forEach((stage, index) => plot(rows.get(stage), each[index]));
  plot(rows.get("total"), each.reduce((sum, value) => sum + value, 0));
  $("rate").textContent = told.frames_per_second.toFixed(1);
  $("latency").textContent = `${milliseconds(told.latency_microseconds).toFixed(1)} ms`;
  $("dropped").textContent = told.dropped;
  $("size").textContent = `${told.width} × ${told.height}`;
  $("what").textContent = told.title;
  showSettings(told.settings);
}

// ---- settings --------------------------------------------------------------------------------
const sliders = ["score", "overlap"];
let touched = 0;

function showSettings(settings) {
  $("controls").hidden = !settings;
  // What a finger holds is not moved from under it.
  if (!settings || performance.now() - touched < 800) return;
  for (const name of sliders) $(name).value = settings[name];
  $("tracking").checked = settings.tracking;
  tellSliders();
}

const tellSliders = () => sliders.forEach((name) => { $(`${name}-told`).textContent = Number($(name).value).toFixed(2); });

let isSending = false;
let isChanged = false;
async function send() {
  touched = performance.now();
  tellSliders();
  isChanged = true;
  if (isSending) return;
  isSending = true;
  while (isChanged) {
    isChanged = false;
    const body = JSON.stringify({
      score: Number($("score").value), overlap: Number($("overlap").value), tracking: $("tracking").checked,
    });
    try {
      await fetch("settings", { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body });
    } catch { /* The stream says that the connection is lost. */ }
  }
  isSending = false;
}
for (const name of [...sliders, "tracking"]) $(name).addEventListener("input", send);

// ---- the stream ------------------------------------------------------------------------------
function state(text, isLive) {
  $("state").textContent = text;
  $("state").classList.toggle("lost", !isLive);
}

async function* records(reader) {
  let bytes = new Uint8Array(0);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const joined = new Uint8Array(bytes.length + value.length);
    joined.set(bytes);
    joined.set(value, bytes.length);
    bytes = joined;
    let newest = null;
    for (;;) {
      if (bytes.length < 8) break;
      const lengths = new DataView(bytes.buffer, bytes.byteOffset, 8);
      const [json, jpeg] = [lengths.getUint32(0, true), lengths.getUint32(4, true)];
      if (bytes.length < 8 + json + jpeg) break;
      newest = [bytes.slice(8, 8 + json), bytes.slice(8 + json, 8 + json + jpeg)];
      bytes = bytes.subarray(8 + json + jpeg);
    }
    // What came together with newer records is too old to show.
    if (newest) yield newest;
  }
}

async function watch() {
  for (;;) {
    try {
      const response = await fetch("stream", { headers });
      if (!response.ok) throw new Error((await response.text()).trim());
      for await (const [json, jpeg] of records(response.body.getReader())) {
        const told = JSON.parse(new TextDecoder().decode(json));
        const picture = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
        draw(told, picture);
        picture.close();
        tell(told);
        state("live", true);
        window.ocelliFrame = told;
        window.ocelliDrawn = (window.ocelliDrawn ?? 0) + 1;
      }
      state("ended", false);
    } catch (error) {
      state(error instanceof TypeError ? "not connected" : error.message, false);
    }
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
}
watch();
