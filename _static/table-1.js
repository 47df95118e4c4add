// Table 1 of the chapter on document 003: the learning curves of the row that the reader points at or tabs to.
// Without scripts the table stands there alone. The curves are those that lib/skipnets/figures/joins.py hands over.

const MEASURES = { training: "training images, dropout on", test: "test images" };

// What the curves of a row end at, in words.
function describeRow(row, model) {
  const share = (value) => value.toFixed(3);
  const end = (points) => share(points[points.length - 1][1]);
  const [training, test] = model.printed.map(share);
  const printed = `printed: training ${training}, test ${test}`;
  const recorded = model.scales.map((found) => {
    const epochs = found.training[found.training.length - 1][0];
    const seeds = found.seeds === 1 ? "one seed" : `mean of ${found.seeds} seeds`;
    return `${found.scale} (${seeds}, ${epochs} epochs): training ${end(found.training)}, test ${end(found.test)}`;
  });
  return `${row}. ${[...recorded, printed].join("; ")}.${recorded.length ? "" : " No run is recorded yet."}`;
}

function showTable1(table, model) {
  const [width, height, left, below] = [520, 200, 48, 40];
  const panel = document.createElement("div");
  panel.className = "table-1-curves";
  panel.innerHTML = `<svg viewBox="0 0 ${width + left + 12} ${height + below + 8}" role="img"
    aria-label="Learning curves of a row of the table; the text below says where they end."></svg>
    <p class="table-1-key">${Object.entries(MEASURES).map(([key, words]) => `<span class="${key}">${words}</span>`).join(" ")}
      <span class="printed">dashes: printed ends</span></p>
    <output aria-live="polite"></output>`;
  const svg = panel.querySelector("svg");
  const draw = (name, attributes, words) => {
    const element = document.createElementNS(svg.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    if (words !== undefined) element.textContent = words;
    svg.append(element);
  };
  const show = (row) => {
    const { printed, scales } = model[row];
    svg.replaceChildren();
    const down = (share) => 4 + (1 - share) * height;
    for (const share of [0, 0.25, 0.5, 0.75, 1]) {
      draw("path", { class: "grid", d: `M${left},${down(share)}h${width}` });
      draw("text", { x: left - 6, y: down(share) + 4, "text-anchor": "end" }, share);
    }
    draw("text", { transform: `translate(10,${down(0.5)}) rotate(-90)`, "text-anchor": "middle" }, "accuracy (share of images)");
    printed.forEach((value, i) => {
      draw("path", { class: `printed ${["training", "test"][i]}`, d: `M${left},${down(value)}h${width}` });
    });
    // Scales have epochs of their own, so each runs over the whole width.
    for (const found of scales) {
      const epochs = found.training[found.training.length - 1][0];
      const across = (epoch) => left + (epoch / epochs) * width;
      for (const measure of Object.keys(MEASURES)) {
        const points = found[measure].map(([epoch, share]) => `${across(epoch).toFixed(1)},${down(share).toFixed(1)}`);
        draw("path", { class: `curve ${measure}`, d: `M${points.join("L")}` });
      }
    }
    const span = scales.length ? `epochs, 0 to ${scales.map((found) => `${found.training[found.training.length - 1][0]} (${found.scale})`).join(" and ")}` : "no run recorded yet";
    draw("text", { x: left + width / 2, y: height + below - 6, "text-anchor": "middle" }, span);
    panel.querySelector("output").textContent = describeRow(row, model[row]);
  };
  for (const line of table.querySelectorAll("tbody tr")) {
    const row = line.querySelector("td").textContent.trim();
    if (!(row in model)) continue;
    line.tabIndex = 0;
    const pick = () => {
      for (const other of table.querySelectorAll("tr.shown")) other.classList.remove("shown");
      line.classList.add("shown");
      show(row);
    };
    for (const event of ["mouseenter", "focus", "click"]) line.addEventListener(event, pick);
    if (!panel.isConnected) {
      (table.closest(".pst-scrollable-table-container") ?? table).after(panel);
      pick();
    }
  }
}

if (typeof document === "undefined") {
  module.exports = { describeRow };
} else {
  document.addEventListener("DOMContentLoaded", () => {
    const curves = document.getElementById("table-1-curves");
    const table = document.querySelector("table#tbl-table-1");
    if (curves && table) showTable1(table, JSON.parse(curves.textContent));
  });
}
