// The explorer: takes the columns of one combination apart, and draws what they hold of the chosen
// map. No rule of a memory model is here: all bytes are the table's own.

const about = JSON.parse(document.getElementById("about").textContent);
const blobs = JSON.parse(document.getElementById("blobs").textContent);
const at = (id) => document.getElementById(id);
const WASTED = about.columns.indexOf("wasted_bytes");
const NEEDED = about.columns.indexOf("needed_bytes");
const MEMMAP = about.columns.indexOf("memmap_bytes");
const MOST_EDGES = 80;
const MOST_PLANE_EDGES = 40;
const views = {};
// for tests, and for those who look under the hood
window.explorer = { about, views };

// ---- decoding

const opened = new Map();

// The bytes of a blob, decompressed once.
function blob(place) {
  if (!opened.has(place)) {
    const packed = Uint8Array.from(atob(blobs[place]), (letter) => letter.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
    opened.set(place, new Response(stream).arrayBuffer());
  }
  return opened.get(place);
}

// The columns of a blob: distinct values (NaN is null) and the place of each row's among them.
async function columns(place) {
  const buffer = await blob(place);
  const found = [];
  for (let offset = 0; offset < buffer.byteLength; ) {
    const [distinct, count] = new Uint32Array(buffer, offset, 2);
    const values = new Float64Array(buffer, offset + 8, distinct);
    offset += 8 + 8 * distinct;
    const Codes = distinct <= 256 ? Uint8Array : distinct <= 65536 ? Uint16Array : Uint32Array;
    const codes = new Codes(buffer, offset, count);
    offset += Math.ceil((count * Codes.BYTES_PER_ELEMENT) / 8) * 8;
    found.push((row) => (Number.isNaN(values[codes[row]]) ? null : values[codes[row]]));
  }
  return found;
}

const column = async (place) => (await columns(place))[0];

// The stretches of one layout: gaps, sizes and parts stand by their number within a layout.
async function stretches(place, layout) {
  const [counts, gaps, sizes, parts] = await columns(place);
  const found = [];
  let end = 0;
  let before = 0;
  for (let number = 0; number < counts(layout); number++) {
    let row = before;
    for (let other = 0; other < about.layouts; other++) {
      if (counts(other) > number) {
        row += other < layout;
        before += 1;
      }
    }
    const start = end + gaps(row);
    end = start + sizes(row);
    found.push({ start, end, part: parts(row) });
  }
  return found;
}

// ---- words

const UNITS = [["TiB", 2 ** 40], ["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10], ["B", 1]];

// Bytes with up to three digits.
function size(bytes) {
  if (bytes === null) return "\u2013";
  if (bytes < 0) return `\u2212${size(-bytes)}`;
  for (const [unit, one] of UNITS) {
    if (bytes >= one) {
      const value = bytes / one;
      const digits = value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
      return `${Number(value.toFixed(digits))} ${unit}`;
    }
  }
  return "0";
}

const exact = (bytes) => (bytes === null ? "\u2013" : bytes.toLocaleString("en-US"));
const hex = (address) => `0x${address.toString(16)}`;
const pageLabel = (bytes) => size(bytes);

// ---- the choice

const names = new TextDecoder().decode(await blob(about.names)).split("\n");
const gridded = about.plane.length > 0;
const listed = names.map((_, layout) => layout).filter((layout) => !gridded || layout >= about.gridded);
const choice = { kernel: 0, section: 0, model: 0, layout: 0, granule: 0 };
const combination = ({ kernel, section, model } = choice) =>
  about.combinations.find(
    (one) => one.kernel === kernel && one.section === section && one.model === model,
  );

// The places of a grid layout on the axes, and back.
const placesOf = (layout) =>
  about.axes.map((axis, number) => {
    const step = Math.abs(stepOf(number));
    return axis.places.indexOf((Math.floor(layout / step) % axis.places.length) * step);
  });
const stepOf = (number) =>
  about.axes.slice(number + 1).reduce((step, axis) => step * axis.places.length, 1);
const layoutAt = (places) =>
  about.axes.reduce((layout, axis, number) => layout + axis.places[places[number]], 0);
const inGrid = (layout) => gridded && layout < about.gridded;

// What a map is called.
function mapWords(layout) {
  if (!inGrid(layout)) return names[layout];
  const values = Object.fromEntries(
    about.axes.map((axis, number) => [axis.name, axis.labels[placesOf(layout)[number]]]),
  );
  const { base, ram_size, hole_start, hole_size, ...others } = values;
  const from = base === "0" ? "" : ` from ${base}`;
  const hole = hole_size === "0" ? "" : `, hole of ${hole_size} at ${hole_start}`;
  const more = about.axes.filter((axis) => axis.name in others)
    .map((axis) => `, ${axis.words} ${others[axis.name]}`);
  return `RAM of ${ram_size}${from}${hole}${more.join("")}`;
}

const status = (one) =>
  about.status[about.models[one.model].proposal ? 2 : one.selectable ? 0 : 1];

// Kernel, section size and model: what is not there becomes what the kernel ships with.
function settle() {
  const kernel = about.kernels[choice.kernel];
  const sections = kernel.sections.map((section) => section.bytes);
  if (!sections.includes(choice.section)) {
    choice.section = sections.includes(kernel.own) ? kernel.own : sections[0];
  }
}

const section = () =>
  about.kernels[choice.kernel].sections.find((one) => one.bytes === choice.section);

// The chosen point as the fragment of the page's address.
const fragment = () =>
  new URLSearchParams({
    kernel: about.kernels[choice.kernel].name,
    section: section().text,
    model: about.models[choice.model].name,
    layout: names[choice.layout],
  }).toString();

// Choose what the address says; what it names and is not here is told.
function follow() {
  const given = new URLSearchParams(location.hash.slice(1));
  const unknown = [];
  const find = (key, among) => {
    if (!given.has(key)) return -1;
    const found = among.indexOf(given.get(key));
    if (found < 0) unknown.push(`${key} ${given.get(key)}`);
    return found;
  };
  const kernel = find("kernel", about.kernels.map((one) => one.name));
  if (kernel >= 0) choice.kernel = kernel;
  if (choice.granule && about.kernels[choice.kernel].page !== choice.granule) choice.granule = 0;
  settle();
  const sections = about.kernels[choice.kernel].sections;
  const place = find("section", sections.map((one) => one.text));
  if (place >= 0) choice.section = sections[place].bytes;
  const model = find("model", about.models.map((one) => one.name));
  if (model >= 0) choice.model = model;
  const layout = find("layout", names);
  if (layout >= 0) choice.layout = layout;
  at("trouble").hidden = !unknown.length;
  at("trouble").textContent = `The link names what this sweep does not have: ${unknown.join(", ")}.`;
}

// ---- controls

function fill(select, options, chosen) {
  select.replaceChildren(
    ...options.map(([value, text]) => {
      const option = document.createElement("option");
      option.value = value;
      option.textContent = text;
      return option;
    }),
  );
  select.value = chosen;
}

const pages = [...new Set(about.kernels.map((kernel) => kernel.page))].sort((a, b) => a - b);
at("pages").hidden = pages.length < 2;
at("maps").hidden = listed.length + gridded < 2;
for (const layout of listed) {
  const option = document.createElement("option");
  option.value = layout;
  option.textContent = names[layout];
  at("map").append(option);
}

function showControls() {
  const kernel = about.kernels[choice.kernel];
  fill(at("granule"), [[0, "any"], ...pages.map((page) => [page, pageLabel(page)])], choice.granule);
  const kernels = about.kernels
    .map((one, number) => [number, one.name, one.page])
    .filter(([, , page]) => !choice.granule || page === choice.granule);
  fill(at("kernel"), kernels, choice.kernel);
  const sections = kernel.sections.map((one) => [
    one.bytes,
    one.bytes === kernel.own ? `${one.label} (ships)` : one.label,
  ]);
  fill(at("section"), sections, choice.section);
  const models = about.models.map((model, number) => {
    const one = combination({ ...choice, model: number });
    const note = { [about.status[1]]: " (not selectable)", [about.status[2]]: " (never merged)" };
    return [number, model.name + (note[status(one)] ?? "")];
  });
  fill(at("model"), models, choice.model);
  at("map").value = inGrid(choice.layout) ? "grid" : choice.layout;
  if (gridded) {
    const places = inGrid(choice.layout) ? placesOf(choice.layout) : null;
    about.axes.forEach((axis, number) => {
      const slider = at(`axis-${axis.name}`);
      if (!slider || !places) return;
      slider.value = places[number];
      slider.setAttribute("aria-valuetext", axis.labels[places[number]]);
      at(`value-${axis.name}`).textContent = axis.labels[places[number]];
    });
  }
  at("kernel-words").textContent = kernel.words;
  at("model-words").textContent = `${about.models[choice.model].name}: ${about.models[choice.model].words}`;
  at("status").textContent = {
    [about.status[0]]: "This kernel can be built with it.",
    [about.status[1]]: "This kernel can't be built with it: a what-if.",
    [about.status[2]]: "A proposal, never merged.",
  }[status(combination())];
}

let lastOnGrid = 0;

function choose(change) {
  Object.assign(choice, change);
  if (choice.granule && about.kernels[choice.kernel].page !== choice.granule) {
    choice.kernel = about.kernels.findIndex((kernel) => kernel.page === choice.granule);
  }
  settle();
  at("trouble").hidden = true;
  history.replaceState(null, "", `#${fragment()}`);
  return show();
}

at("granule").onchange = (event) => choose({ granule: Number(event.target.value) });
at("kernel").onchange = (event) => choose({ kernel: Number(event.target.value) });
at("section").onchange = (event) => choose({ section: Number(event.target.value) });
at("model").onchange = (event) => choose({ model: Number(event.target.value) });
at("map").onchange = (event) =>
  choose({ layout: event.target.value === "grid" ? lastOnGrid : Number(event.target.value) });
at("choices").onsubmit = (event) => event.preventDefault();
window.addEventListener("hashchange", () => {
  follow();
  show();
});

// Move to other places on some axes of the grid.
function move(change) {
  const places = placesOf(choice.layout);
  for (const [number, place] of Object.entries(change)) {
    const last = about.axes[number].places.length - 1;
    places[number] = Math.min(Math.max(place, 0), last);
  }
  return choose({ layout: layoutAt(places) });
}

about.axes.forEach((axis, number) => {
  const slider = at(`axis-${axis.name}`);
  if (slider) slider.oninput = () => move({ [number]: Number(slider.value) });
});

if (about.plane.length === 2) {
  const [across, up] = about.plane;
  at("plane").addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step) return;
    event.preventDefault();
    const places = placesOf(choice.layout);
    move({ [across]: places[across] + step[0], [up]: places[up] + step[1] });
  });
}

// ---- drawing

async function embed(id, renderer) {
  const made = await vegaEmbed(at(id), about.charts[id], {
    actions: false,
    renderer,
    mode: "vega-lite",
    // charts are empty until they are filled: that is no news
    logLevel: 1,
  });
  views[id] = made.view;
  return made.view;
}

// The layouts along an axis through the chosen one.
function along(number) {
  const places = placesOf(choice.layout);
  return about.axes[number].places.map((_, place) => {
    const some = [...places];
    some[number] = place;
    return layoutAt(some);
  });
}

// Round places on an axis of bytes that ends at `top`.
function marks(top) {
  if (top === 0) return [0];
  const step = 2 ** Math.ceil(Math.log2(top / 4));
  const found = [];
  for (let mark = 0; mark <= top; mark += step) found.push(mark);
  return found;
}

const shownPlane = { key: "" };

async function showPlane(one) {
  const [across, up] = about.plane;
  const places = placesOf(choice.layout);
  const wasted = await column(one.columns[WASTED]);
  const feasible = await column(one.feasible);
  const others = places.filter((_, number) => number !== across && number !== up);
  // the rows of the plane, each the layouts across
  const rows = up === undefined ? [along(across)] : about.axes[up].places.map((_, place) =>
    about.axes[across].places.map((__, column_) => {
      const some = [...places];
      some[across] = column_;
      some[up] = place;
      return layoutAt(some);
    }),
  );
  const every = rows.flat().map((layout) => wasted(layout));
  const most = every.reduce((a, b) => Math.max(a, b ?? 0), 0);
  const told = (layout) => ({
    map: mapWords(layout),
    "wasted memmap": wasted(layout) === null ? "infeasible" : size(wasted(layout)),
  });
  if (views.plane) {
    const key = JSON.stringify([one.columns[WASTED], one.feasible, one.section, others]);
    if (key !== shownPlane.key) {
      const cells = rows.flatMap((row, y) =>
        row.map((layout, x) => ({ x, y, wasted: wasted(layout), ...told(layout) })),
      );
      const onEdge = about.axes[across].values
        .map((value, x) => ({ x, value }))
        .filter(({ value }) => value % one.section === 0);
      const drawn = about.axes[across].name === "hole_start" && onEdge.length <= MOST_PLANE_EDGES;
      views.plane.data("cells", cells).data("edges", drawn ? onEdge : []);
      at("edges-key").hidden = !drawn;
      shownPlane.key = key;
      const none = rows.flat().every((layout) => !feasible(layout));
      const words = document.createElement("span");
      words.textContent = none
        ? `infeasible: ${about.reasons[(await column(one.reason))(rows[0][0])]}`
        : "no waste anywhere";
      at("over").replaceChildren(words);
      at("over").hidden = !none && most > 0;
    }
    views.plane.data("chosen", [{ x: places[across], y: places[up] }]);
    await views.plane.runAsync();
  }
  const top = most || 1;
  const shown = marks(most);
  for (const [number, name] of [[across, "across"], [up, "up"]]) {
    if (number === undefined) continue;
    const row = along(number).map((layout, x) => ({ x, wasted: wasted(layout), ...told(layout) }));
    views[name]
      .signal("top", top * 1.06)
      .signal("marks", shown)
      .signal("words", shown.map(size))
      .data("line", row)
      .data("chosen", [row[places[number]]]);
    await views[name].runAsync();
    const fixed = about.plane.filter((other) => other !== number);
    const where = fixed.map((other) => `, ${about.axes[other].words} ${about.axes[other].labels[places[other]]}`);
    at(`title-${name === "across" ? 0 : 1}`).textContent =
      `Wasted along the ${about.axes[number].words}${where.join("")}`;
  }
}

async function showBars(name, rows) {
  const most = Math.max(...rows.map((row) => row.wasted ?? 0));
  // room for the words behind the longest bar
  const letters = Math.max(...rows.map((row) => row.name.length));
  const wide = at(name).clientWidth - Math.min(7 * letters, about.room);
  views[name].signal("top", (most || 1) / Math.max(1 - 95 / Math.max(wide, 1), 0.4)).data("bars", rows);
  await views[name].resize().runAsync();
}

const bar = (name, place, wasted, one, chosen, value) => ({
  name, place, wasted, value, chosen,
  at: wasted ?? 0,
  text: wasted === null ? "infeasible" : size(wasted),
  status: status(one),
});

async function showModels() {
  const rows = await Promise.all(
    about.models.map(async (model, number) => {
      const one = combination({ ...choice, model: number });
      const wasted = (await column(one.columns[WASTED]))(choice.layout);
      return bar(model.name, number, wasted, one, number === choice.model, number);
    }),
  );
  await showBars("models", rows);
}

async function showLayouts(one) {
  const wasted = await column(one.columns[WASTED]);
  const order = [...listed].sort((a, b) => (wasted(b) ?? -1) - (wasted(a) ?? -1) || a - b);
  const rows = order.map((layout, place) =>
    bar(names[layout], place, wasted(layout), one, layout === choice.layout, layout),
  );
  at("list-title").textContent =
    `Wasted on every map by ${about.models[choice.model].name}, most first`;
  await showBars("layouts", rows);
  const box = at("layouts").parentElement;
  const row = 21 * order.indexOf(choice.layout);
  if (row < box.scrollTop || row > box.scrollTop + box.clientHeight - 30) {
    box.scrollTop = row - box.clientHeight / 2;
  }
}

async function showBytes(one) {
  const values = await Promise.all(one.columns.map(async (place) => (await column(place))(choice.layout)));
  values.forEach((value, number) => {
    at(about.columns[number]).textContent = exact(value);
    at(`size-${about.columns[number]}`).textContent = size(value);
  });
  const feasible = (await column(one.feasible))(choice.layout) === 1;
  const reason = (await column(one.reason))(choice.layout);
  at("layout").textContent = names[choice.layout];
  at("selectable").textContent = one.selectable ? "yes" : "no";
  at("feasible").textContent = feasible ? "yes" : "no";
  at("reason").textContent = feasible ? "" : `: ${about.reasons[reason]}`;
  const [needed, memmap, wasted] = [NEEDED, MEMMAP, WASTED].map((number) => values[number]);
  at("headline").textContent = feasible
    ? `${mapWords(choice.layout)}: ${wasted ? `${size(wasted)} wasted` : "nothing wasted"}`
    : `${mapWords(choice.layout)}: infeasible`;
  at("summary").textContent = feasible
    ? `${size(memmap)} stay allocated for struct pages, ${size(needed)} are needed`
      + (needed && wasted ? ` (${percent(wasted / needed)} more than needed).` : ".")
    : `A rule of this kernel forbids it: ${about.reasons[reason]}.`;
}

const percent = (share) => `${Number((100 * share).toPrecision(2))} %`;

// Addresses on the strip, from 0 to 1: in proportion, but holes wider than all of RAM are cut short.
function scaleOf(regions, kept) {
  const total = regions.reduce((sum, region) => sum + region.end - region.start, 0);
  const first = Math.min(regions[0].start, ...kept.slice(0, 1).map((one) => one.start));
  const last = Math.max(regions.at(-1).end, ...kept.slice(-1).map((one) => one.end));
  const knots = [first];
  const places = [0];
  const cuts = [];
  const add = (address, wide) => {
    places.push(places.at(-1) + wide);
    knots.push(address);
  };
  regions.forEach((region, number) => {
    add(region.end, region.end - knots.at(-1));
    if (number + 1 === regions.length) return;
    const gap = regions[number + 1].start - region.end;
    if (gap > total) cuts.push({ from: region.end, to: region.end + gap });
    add(regions[number + 1].start, gap > total ? 0.3 * total : gap);
  });
  add(last, last - knots.at(-1));
  const whole = places.at(-1) || 1;
  const place = (address) => {
    let number = 1;
    while (number < knots.length - 1 && address > knots[number]) number++;
    const [low, high] = [knots[number - 1], knots[number]];
    const share = high > low ? (address - low) / (high - low) : 0;
    return (places[number - 1] + share * (places[number] - places[number - 1])) / whole;
  };
  return { first, last, place, cuts };
}

// Words at a place of the strip with the pixels that they take: to one side of it at an end.
function markOf(x, text) {
  const wide = 7.5 * text.length + 6;
  const left = x * at("strip").clientWidth - wide * (x < 0.05 ? 0 : x > 0.95 ? 1 : 0.5);
  return { x, text, left, right: left + wide };
}

async function showStrip(one) {
  const regions = await stretches(about.regions, choice.layout);
  const kept = await stretches(one.stretches, choice.layout);
  const { first, last, place, cuts } = scaleOf(regions, kept);
  const told = ({ start, end }, what) => ({
    x: place(start), x2: place(end), start, end,
    what, from: hex(start), to: hex(end), size: size(end - start),
  });
  const edges = [];
  const dense = (last - first) / one.section > 100 * MOST_EDGES;
  for (let edge = Math.ceil(first / one.section) * one.section; edge <= last && !dense; edge += one.section) {
    if (!cuts.some(({ from, to }) => from < edge && edge < to)) edges.push({ x: place(edge), address: edge });
  }
  const drawn = edges.length <= MOST_EDGES && !dense;
  at("ticks").textContent = drawn
    ? `upright lines: section edges, every ${section().label}`
    : `section edges, every ${section().label}, lie too close to be drawn`;
  const marked = [];
  for (const address of [first, ...regions.flatMap(({ start, end }) => [start, end]), last]) {
    const mark = markOf(place(address), hex(address));
    // the last one has its place in any case
    while (address === last && marked.length > 1 && mark.left < marked.at(-1).right) marked.pop();
    if (!marked.length || mark.left >= marked.at(-1).right) marked.push(mark);
  }
  views.strip
    .data("regions", regions.map((region) => told(region, "RAM")))
    .data("stretches", kept.map((one_) => ({ ...told(one_, about.parts[one_.part]), part: about.parts[one_.part] })))
    .data("edges", drawn ? edges : [])
    .data("cuts", cuts.map(({ from, to }) => ({ x: (place(from) + place(to)) / 2, text: size(to - from) })))
    .data("marks", marked);
  await views.strip.runAsync();
  at("count").textContent = kept.length
    ? `${kept.length} stretch${kept.length > 1 ? "es" : ""} by address`
    : "no stretches: infeasible, or no RAM";
  at("stretches").replaceChildren(
    ...kept.map(({ start, end, part }) => {
      const row = document.createElement("tr");
      row.append(
        ...[hex(start), hex(end), size(end - start), about.parts[part]].map((text) => {
          const cell = document.createElement("td");
          cell.textContent = text;
          return cell;
        }),
      );
      return row;
    }),
  );
}

let wanted = 0;
let busy = Promise.resolve();

// Draw the chosen point; of several that are chosen meanwhile the last one.
function show() {
  const mine = ++wanted;
  showControls();
  busy = busy.then(async () => {
    if (mine !== wanted) return;
    const one = combination();
    const onGrid = inGrid(choice.layout);
    const main = document.querySelector("main");
    if (main.classList.contains("listed") === onGrid) {
      main.classList.toggle("listed", !onGrid);
      // charts whose place was hidden take its width
      window.dispatchEvent(new Event("resize"));
    }
    if (onGrid) lastOnGrid = choice.layout;
    await showBytes(one);
    await (onGrid ? showPlane(one) : showLayouts(one));
    await showStrip(one);
    await showModels();
    document.body.dataset.shown = fragment();
  }).catch((error) => {
    at("trouble").hidden = false;
    at("trouble").textContent = `This can't be drawn: ${error.message}`;
    console.error(error);
  });
  return busy;
}

// ---- start

if (gridded && about.plane.length < 2) document.querySelector("main").classList.add("alone");
choice.kernel = 0;
settle();
const default_ = about.models.findIndex((model) => model.name === about.kernels[0].default);
choice.model = Math.max(default_, 0);
const waste = await column(combination().columns[WASTED]);
// the map by name that wastes most
choice.layout = listed.reduce((a, b) => (waste(b) > waste(a) ? b : a), listed[0] ?? 0);
if (gridded) {
  // the middle of the plane, and there of the maps that waste most the one nearest to it
  choice.layout = layoutAt(about.axes.map((axis) => axis.places.length >> 1));
  const row = along(about.plane[0]);
  const away = (layout) => Math.abs(row.indexOf(layout) - (row.length >> 1));
  choice.layout = row.reduce((a, b) => (waste(b) - waste(a) || away(a) - away(b)) > 0 ? b : a);
  lastOnGrid = choice.layout;
}
follow();
document.querySelector("main").classList.toggle("listed", !inGrid(choice.layout));
if (about.plane.length === 2) {
  const view = await embed("plane", "canvas");
  const point = (event, item) => {
    if (item?.datum?.y === undefined || item.datum.x === undefined) return;
    move({ [about.plane[0]]: item.datum.x, [about.plane[1]]: item.datum.y });
  };
  view.addEventListener("click", point);
  view.addEventListener("mousemove", (event, item) => {
    if (event.buttons === 1) point(event, item);
  });
}
if (about.plane.length > 0) await embed("across", "svg");
if (about.plane.length > 1) await embed("up", "svg");
for (const id of ["layouts", "models"]) {
  const view = await embed(id, "svg");
  view.addEventListener("click", (event, item) => {
    if (item?.datum?.value !== undefined) choose({ [id === "models" ? "model" : "layout"]: item.datum.value });
  });
}
await embed("strip", "svg");
window.addEventListener("resize", () => showStrip(combination()));
await show();
