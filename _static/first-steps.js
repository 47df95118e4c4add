// The condition-number explorer of the chapter on 164 layers: what the first steps do to every convolution of a net
// that the reader picks. Without scripts the static figure stands there. The numbers are those that
// lib/skipnets/figures/explorer.py hands over; one that is null there is infinite or undefined.

// ColorBrewer's Blues, as in the static figure.
const BLUES = ["#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b"];

// A net's quantity at a place, or null. Two quantities are made of others, as the library makes them.
function valueAt(net, quantity, row, layer) {
  const dead = net.dead[row][layer];
  if (quantity === "dead") return dead / net.channels[layer];
  if (quantity === "condition") return dead ? null : net.tables.condition_live[row][layer];
  return net.tables[quantity][row][layer];
}

// Two significant digits.
function formatNumber(value) {
  if (value === null) return "infinite or undefined";
  const rounded = Number(value.toPrecision(2));
  if (rounded === 0 || (rounded >= 0.001 && rounded < 1000)) return String(rounded);
  return rounded.toExponential().replace("e+", "e");
}

function describeMoment(steps) {
  return steps ? `after ${steps} step${steps > 1 ? "s" : ""}` : "before the first step";
}

// What is dead, and what becomes of the condition number.
function describeCondition(net, row, layer) {
  const [dead, channels, live] = [net.dead[row][layer], net.channels[layer], net.tables.condition_live[row][layer]];
  if (dead === channels) return `all ${channels} channels dead, so that the condition number is infinite`;
  const number = formatNumber(live) + (live !== null && net.lost[row][layer] ? ", too large for float32 to tell from infinite" : "");
  if (!dead) return `condition number ${number}; none of ${channels} channels dead`;
  return `condition number of the live channels ${number}; ${dead} of ${channels} channels dead, so that of the whole layer is infinite`;
}

// A place in words.
function describePlace(model, name, quantity, row, layer) {
  const net = model.nets[name];
  const ofChannels = ["condition", "condition_live", "dead"].includes(quantity);
  const told = ofChannels
    ? describeCondition(net, row, layer)
    : `${model.quantities[quantity].label} ${formatNumber(valueAt(net, quantity, row, layer))}`;
  const end = net.diverged === null ? "" : ` The loss of this net is not finite after ${net.diverged} steps.`;
  return `${name}, layer ${layer + 1}, ${describeMoment(net.moments[row])}: ${told}.${end}`;
}

// The colour of a share of the scale.
function shade(share) {
  const place = share * (BLUES.length - 1);
  const below = Math.min(Math.floor(place), BLUES.length - 2);
  const part = (colour, i) => parseInt(colour.slice(1 + 2 * i, 3 + 2 * i), 16);
  const mixed = [0, 1, 2].map((i) => {
    const [from, to] = [part(BLUES[below], i), part(BLUES[below + 1], i)];
    return Math.round(from + (place - below) * (to - from));
  });
  return `rgb(${mixed})`;
}

function showFirstSteps(figure, model) {
  const nets = Object.values(model.nets);
  const layers = Math.max(...nets.map((net) => net.channels.length));
  const rows = Math.max(...nets.map((net) => net.moments.length));
  const [width, tall, plot, left] = [610, 20, 190, 78]; // of the map, its rows, the plot below it, and what is beside them
  const [wide, below] = [width / layers, rows * tall + 36];
  const stops = BLUES.map((colour, i) => `<stop offset="${i / (BLUES.length - 1)}" stop-color="${colour}"/>`);
  const panel = document.createElement("div");
  panel.className = "first-steps";
  panel.innerHTML = `
    <p class="first-steps-controls">
      <label>net <select name="net">${Object.keys(model.nets).map((name) => `<option>${name}</option>`).join("")}</select></label>
      <label>quantity <select name="quantity">${Object.entries(model.quantities)
        .map(([key, { label }]) => `<option value="${key}">${label}</option>`).join("")}</select></label>
      <span class="first-steps-key"><span class="infinite">infinite or undefined</span> <span class="zero">0</span></span>
    </p>
    <svg viewBox="0 0 ${left + width + 12} ${below + plot + 44}" tabindex="0" role="application"
      aria-label="Heat map of layers and steps, and the chosen step as a line. Arrow keys move by a layer or a step, with Shift by ten layers; the text below says what is there.">
      <defs><linearGradient id="first-steps-scale" x1="0" y1="1" x2="0" y2="0">${stops.join("")}</linearGradient></defs>
      <g class="map" transform="translate(${left},4)"><g class="cells"></g><rect class="frame" width="${width}" height="${rows * tall}"/>
        <rect class="chosen" width="${wide}" height="${tall}"/><g class="moments"></g></g>
      <g class="step" transform="translate(${left},${below})"><rect fill="url(#first-steps-scale)" x="-10" width="10" height="${plot}"/>
        <g class="scale"></g><path class="here"/><g class="line"></g><rect class="frame" width="${width}" height="${plot}"/></g>
    </svg>
    <output aria-live="polite"></output>`;
  const find = (selector) => panel.querySelector(selector);
  const [net, quantity] = [find("[name=net]"), find("[name=quantity]")];
  const chosen = { row: Infinity, layer: Math.floor(layers / 2) };
  const across = (layer) => (layer + 0.5) * wide;
  const text = (x, y, words, kind = "") => `<text x="${x}" y="${y}" class="${kind}">${words}</text>`;
  const turned = (x, y, words) => `<text transform="translate(${x},${y}) rotate(-90)">${words}</text>`;
  const share = (value) => {
    const [least, most] = model.quantities[quantity.value].decades;
    return (Math.log10(value) - least) / (most - least);
  };

  const drawMap = () => {
    const { moments, channels } = model.nets[net.value];
    const cell = (row, layer) => {
      const value = valueAt(model.nets[net.value], quantity.value, row, layer);
      const look = value ? `fill="${shade(share(value))}"` : `class="${value === null ? "infinite" : "zero"}"`;
      // Each is a little wider than its place, or rounding to pixels would let the page shine through between two.
      return `<rect x="${(layer * wide).toFixed(2)}" y="${row * tall}" width="${(wide + 0.2).toFixed(2)}" height="${tall}" ${look}/>`;
    };
    find(".cells").innerHTML = moments.map((_, row) => channels.map((_, layer) => cell(row, layer)).join("")).join("");
    find(".moments").innerHTML = turned(-60, (rows * tall) / 2, "steps taken")
      + moments.map((steps, row) => text(-8, (row + 0.7) * tall, steps, "end")).join("");
  };
  const drawScale = () => {
    const [least, most] = model.quantities[quantity.value].decades;
    const powers = Array.from({ length: most - least + 1 }, (_, i) => least + i);
    const labelled = powers.filter((power) => power % Math.ceil(powers.length / 7) === 0);
    const places = Array.from({ length: layers }, (_, i) => i).filter((layer) => layer === 0 || (layer + 1) % 20 === 0);
    find(".scale").innerHTML = turned(-60, plot / 2, "log scale")
      + labelled.map((power) => {
        const down = plot * (1 - share(10 ** power));
        return `<path class="grid" d="M0,${down}h${width}"/>${text(-16, down + 4, formatNumber(10 ** power), "end")}`;
      }).join("")
      + places.map((layer) => text(across(layer), plot + 18, layer + 1)).join("")
      + text(width / 2, plot + 38, "convolution, by depth");
  };
  // Points at the edges are 0 and what is infinite or undefined; the line breaks there.
  const drawStep = () => {
    const here = model.nets[net.value];
    let line = "";
    let dots = "";
    for (let layer = 0, pen = "M"; layer < here.channels.length; layer++) {
      const value = valueAt(here, quantity.value, chosen.row, layer);
      if (value) line += `${pen}${across(layer).toFixed(1)},${(plot * (1 - share(value))).toFixed(1)}h0`;
      else dots += `<circle class="${value === null ? "infinite" : "zero"}" cx="${across(layer).toFixed(1)}" cy="${value === null ? 0 : plot}" r="2.5"/>`;
      pen = value ? "L" : "M";
    }
    const title = `${describeMoment(here.moments[chosen.row])}: ${model.quantities[quantity.value].label}`;
    find(".line").innerHTML = `<path d="${line}"/>${dots}${text(width / 2, -10, title)}`;
    find(".here").setAttribute("d", `M${across(chosen.layer)},0v${plot}`);
  };
  const choose = (row, layer) => {
    const { moments, channels } = model.nets[net.value];
    chosen.row = Math.max(0, Math.min(row, moments.length - 1));
    chosen.layer = Math.max(0, Math.min(layer, channels.length - 1));
    find(".chosen").setAttribute("x", chosen.layer * wide);
    find(".chosen").setAttribute("y", chosen.row * tall);
    drawStep();
    find("output").textContent = describePlace(model, net.value, quantity.value, chosen.row, chosen.layer);
  };
  const draw = () => {
    drawMap();
    drawScale();
    choose(chosen.row, chosen.layer);
  };
  const point = (event) => {
    const frame = find(".map .frame").getBoundingClientRect();
    const place = (at, size, count) => Math.floor((at / size) * count);
    choose(place(event.clientY - frame.top, frame.height, rows), place(event.clientX - frame.left, frame.width, layers));
  };
  const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
  const press = (event) => {
    if (!(event.key in MOVES)) return;
    event.preventDefault(); // or the page scrolls
    const [down, right] = MOVES[event.key];
    choose(chosen.row + down, chosen.layer + right * (event.shiftKey ? 10 : 1));
  };
  for (const kind of ["pointerdown", "pointermove"]) find(".map .frame").addEventListener(kind, point);
  find("svg").addEventListener("keydown", press);
  for (const control of [net, quantity]) control.addEventListener("input", draw);
  draw();
  figure.querySelector("img, svg").replaceWith(panel);
}

if (typeof document === "undefined") {
  module.exports = { describePlace, formatNumber, shade, valueAt };
} else {
  document.addEventListener("DOMContentLoaded", () => {
    const model = document.getElementById("first-steps");
    const figure = document.getElementById("fig-first-steps");
    if (!model || !figure) return;
    const found = JSON.parse(model.textContent);
    if (Object.keys(found.nets).length) showFirstSteps(figure, found);
  });
}
