// The interactive figure of the chapter on plateaus: gradient flow of two units from a start that the reader picks.
// Without scripts the static figure stands there. The model is that of lib/skipnets/analysis/two_units.py.

// A student is [w1, w2, v1, v2]. Half its mean squared difference to the teacher, and the gradient of that.
function costAndGradient(student, teacher) {
  const w = [student[0], student[1], ...teacher.incoming];
  const v = [student[2], student[3], -teacher.outgoing[0], -teacher.outgoing[1]];
  const correlation = (a, b) => (2 / Math.PI) * Math.asin((a * b) / Math.sqrt((1 + a * a) * (1 + b * b)));
  const byFirst = (a, b) => ((2 / Math.PI) * b) / ((1 + a * a) * Math.sqrt(1 + a * a + b * b));
  const gradient = [0, 0, 0, 0];
  let cost = 0;
  for (let i = 0; i < 4; i++) {
    for (let j = 0; j < 4; j++) {
      const product = v[j] * correlation(w[i], w[j]);
      cost += (v[i] * product) / 2;
      if (i < 2) {
        gradient[i] += v[i] * v[j] * byFirst(w[i], w[j]);
        gradient[2 + i] += product;
      }
    }
  }
  return { cost, gradient };
}

// The student at (u, z), with the other two coordinates those of the best single unit.
function place(u, z, teacher) {
  const [s, r] = teacher.single;
  return [s - ((1 - z) * u) / 2, s + ((1 + z) * u) / 2, (r * (1 + z)) / 2, (r * (1 - z)) / 2];
}

// Points { time, u, z, cost } of the flow from (u, z), by Bogacki and Shampine's Runge-Kutta pair. Many steps are too
// short to see; a point is kept when the path has moved a little or time has grown by 2 %.
function follow(u, z, teacher, until) {
  let student = place(u, z, teacher);
  const slope = (at) => costAndGradient(at, teacher).gradient.map((value) => -value);
  const ahead = (step, ...terms) => student.map((x, i) => terms.reduce((sum, [c, k]) => sum + step * c * k[i], x));
  const point = (time) => {
    const [w1, w2, v1, v2] = student;
    return { time, u: w2 - w1, z: (v1 - v2) / (v1 + v2), cost: costAndGradient(student, teacher).cost };
  };
  const points = [point(0)];
  let time = 0;
  let step = 1e-3;
  let k1 = slope(student);
  while (time < until) {
    step = Math.min(step, until - time);
    const k2 = slope(ahead(step, [1 / 2, k1]));
    const k3 = slope(ahead(step, [3 / 4, k2]));
    const next = ahead(step, [2 / 9, k1], [1 / 3, k2], [4 / 9, k3]);
    const k4 = slope(next);
    const difference = k1.map((k, i) => Math.abs((-5 * k) / 72 + k2[i] / 12 + k3[i] / 9 - k4[i] / 8));
    const error = (step * Math.max(...difference)) / (1e-6 * (1 + Math.max(...student.map(Math.abs))));
    if (error <= 1) {
      time = step === until - time ? until : time + step;
      student = next;
      k1 = k4;
      const [here, kept] = [point(time), points[points.length - 1]];
      const moved = Math.hypot(here.u - kept.u, here.z - kept.z) > 0.01;
      if (moved || time > 1.02 * kept.time || time === until) points.push(here);
    }
    step *= Math.min(5, Math.max(0.2, 0.8 * Math.max(error, 1e-9) ** (-1 / 3)));
  }
  return points;
}

// When half of the plateau's cost is reached, or null. Points are too far apart to take the next one's time.
function halfTime(points, teacher) {
  const after = points.findIndex((point) => point.cost <= teacher.plateau / 2);
  if (after === -1) return null;
  if (after === 0) return 0;
  const [above, below] = [points[after - 1], points[after]];
  return above.time + ((above.cost - teacher.plateau / 2) / (above.cost - below.cost)) * (below.time - above.time);
}

// What became of a path, in words.
function describe(points, teacher) {
  const first = points[0];
  const last = points[points.length - 1];
  const start = `From u = ${first.u.toFixed(2)}, z = ${first.z.toFixed(2)}: `;
  if (Math.abs(last.u) < 0.01 && Math.abs(last.cost / teacher.plateau - 1) < 1e-3) {
    const stable = Math.abs(last.z) < 1 === teacher.stableInside;
    return `${start}at time ${last.time} the path is at the ${stable ? "stable" : "unstable"} half of the singular line, at z = ${last.z.toFixed(2)}, with the cost of the plateau.`;
  }
  const rounded = (value) => value.toFixed(value < 10 ? 1 : 0);
  const half = halfTime(points, teacher);
  const when = half === null ? "it does not reach half of the plateau's cost" : `half of the plateau's cost is reached at time ${rounded(half)}`;
  return `${start}${when}; at time ${last.time} the cost is ${rounded((100 * last.cost) / teacher.plateau)} % of the plateau's.`;
}

function showPlateaus(figure, model) {
  const size = 320;
  const edge = 46;
  const names = Object.keys(model.teachers);
  const panel = document.createElement("div");
  panel.className = "plateaus";
  panel.innerHTML = `
    <p class="plateaus-controls">
      <label>teacher <select name="teacher">${names.map((name) => `<option>${name}</option>`).join("")}</select></label>
      <label>start u <input name="u" type="range" min="${-model.reach}" max="${model.reach}" step="0.02"></label>
      <label>start z <input name="z" type="range" min="${-model.reach}" max="${model.reach}" step="0.02"></label>
    </p>
    <svg viewBox="0 0 ${2 * size + 3 * edge} ${size + edge + 12}" role="img"
      aria-label="Path in the plane of u and z, and its cost against time; the text below says where the path leads.">
      <defs><clipPath id="plateaus-clip"><rect width="${size}" height="${size}"/></clipPath></defs>
      <g class="plateaus-plane" transform="translate(${edge},6)">
        <rect class="frame" width="${size}" height="${size}"/><path class="line stable"/><path class="line unstable"/>
        <path class="path" clip-path="url(#plateaus-clip)"/><circle class="start" r="5"/>
      </g>
      <g class="plateaus-cost" transform="translate(${size + 2 * edge + 14},6)">
        <rect class="frame" width="${size}" height="${size}"/><path class="plateau"/>
        <path class="path" clip-path="url(#plateaus-clip)"/>
      </g>
    </svg>
    <output aria-live="polite"></output>`;
  const find = (selector) => panel.querySelector(selector);
  const chosen = { teacher: find("[name=teacher]"), u: find("[name=u]"), z: find("[name=z]") };
  const plane = find(".plateaus-plane");
  const curve = find(".plateaus-cost");
  const across = (u) => ((u + model.reach) / (2 * model.reach)) * size;
  const down = (z) => ((model.reach - z) / (2 * model.reach)) * size;
  const [early, least, most] = [0.01, 1e-3, 1e2]; // where the axes of time and cost begin and end
  const late = (time) => (Math.log(Math.max(time, early) / early) / Math.log(model.until / early)) * size;
  const below = (share) => (Math.log(most / share) / Math.log(most / least)) * size;
  const line = (points) => "M" + points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L");

  const text = (group, x, y, words, turned) => {
    const label = document.createElementNS(panel.querySelector("svg").namespaceURI, "text");
    label.setAttribute("transform", `translate(${x},${y})${turned ? " rotate(-90)" : ""}`);
    label.textContent = words;
    group.append(label);
  };
  for (let tick = -model.reach; tick <= model.reach; tick++) {
    text(plane, across(tick), size + 18, tick);
    text(plane, -14, down(tick) + 4, tick);
  }
  text(plane, size / 2, size + 38, "u = w2 - w1");
  text(plane, -30, size / 2, "z = (v1 - v2) / (v1 + v2)", true);
  for (let time = early; time <= model.until; time *= 10) text(curve, late(time), size + 18, Number(time.toPrecision(1)));
  for (let share = least; share <= most; share *= 10) text(curve, -20, below(share) + 4, Number(share.toPrecision(1)));
  text(curve, size / 2, size + 38, "time");
  text(curve, -44, size / 2, "cost / cost of the plateau", true);
  curve.querySelector(".plateau").setAttribute("d", line([[0, below(1)], [size, below(1)]]));

  const draw = () => {
    const teacher = model.teachers[chosen.teacher.value];
    const [u, z] = [Number(chosen.u.value), Number(chosen.z.value)];
    const points = follow(u, z, teacher, model.until);
    const inside = line([[across(0), down(-1)], [across(0), down(1)]]);
    const outside = line([[across(0), 0], [across(0), down(1)]]) + line([[across(0), down(-1)], [across(0), size]]);
    plane.querySelector(".stable").setAttribute("d", teacher.stableInside ? inside : outside);
    plane.querySelector(".unstable").setAttribute("d", teacher.stableInside ? outside : inside);
    plane.querySelector(".path").setAttribute("d", line(points.map((point) => [across(point.u), down(point.z)])));
    plane.querySelector(".start").setAttribute("cx", across(u));
    plane.querySelector(".start").setAttribute("cy", down(z));
    const costs = points.map((point) => [late(point.time), below(Math.max(point.cost / teacher.plateau, least / 10))]);
    curve.querySelector(".path").setAttribute("d", line(costs));
    find("output").textContent = describe(points, teacher);
  };
  let waiting = 0;
  const redraw = () => {
    cancelAnimationFrame(waiting); // a drag sends more events than can be drawn
    waiting = requestAnimationFrame(draw);
  };
  const pick = (event) => {
    const frame = plane.querySelector(".frame").getBoundingClientRect();
    chosen.u.value = model.reach * (2 * ((event.clientX - frame.left) / frame.width) - 1);
    chosen.z.value = model.reach * (1 - 2 * ((event.clientY - frame.top) / frame.height));
    redraw();
  };
  plane.addEventListener("pointerdown", (event) => {
    plane.setPointerCapture(event.pointerId);
    pick(event);
  });
  plane.addEventListener("pointermove", (event) => {
    if (plane.hasPointerCapture(event.pointerId)) pick(event);
  });
  [chosen.u.value, chosen.z.value] = model.start;
  for (const control of Object.values(chosen)) control.addEventListener("input", redraw);
  draw();
  figure.querySelector("img, svg").replaceWith(panel);
}

if (typeof document === "undefined") {
  module.exports = { costAndGradient, describe, follow };
} else {
  document.addEventListener("DOMContentLoaded", () => {
    const model = document.getElementById("plateaus-model");
    const figure = document.getElementById("fig-paths");
    if (model && figure) showPlateaus(figure, JSON.parse(model.textContent));
  });
}
