// Filters above the table of claims. Without scripts the whole table stands there.
document.addEventListener("DOMContentLoaded", () => {
  const table = document.querySelector("table#tbl-claims");
  if (!table) return;
  const rows = [...table.querySelectorAll("tbody tr")].map((row) => ({
    row,
    document: row.querySelector(".claim-place").dataset.document,
    kind: row.querySelector(".claim-place").dataset.kind,
    verdict: row.querySelector(".verdict").textContent,
  }));
  const bar = document.createElement("p");
  bar.className = "claim-filters";
  const count = document.createElement("output");
  const chosen = {};
  const show = () => {
    let shown = 0;
    for (const entry of rows) {
      const fits = Object.entries(chosen).every(([key, value]) => !value || entry[key] === value);
      entry.row.hidden = !fits;
      shown += fits;
    }
    count.textContent = `${shown} of ${rows.length} claims`;
  };
  for (const key of ["document", "verdict", "kind"]) {
    const label = document.createElement("label");
    const select = document.createElement("select");
    select.append(new Option("all", ""));
    for (const value of [...new Set(rows.map((entry) => entry[key]))].sort()) select.append(new Option(value, value));
    select.addEventListener("change", () => {
      chosen[key] = select.value;
      show();
    });
    label.append(`${key} `, select);
    bar.append(label);
  }
  bar.append(count);
  (table.closest(".pst-scrollable-table-container") ?? table).before(bar);
  show();
});
