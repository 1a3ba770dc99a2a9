// every table.data can be sorted by a click on a head, filtered, and copied as CSV or LaTeX
"use strict";
(() => {
  const said = text => { document.getElementById("said").textContent = text; };
  const element = (name, properties, ...inside) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...inside);
    return made;
  };
  const text = cell => cell.textContent.trim();

  // "< .001" sorts as 0, "[1, 2]" and "±1" as 1; what is no number comes last
  const number = words => words.startsWith("<") ? 0 : parseFloat(words.replace(/^[[±]/, "").replace("−", "-").replace(/,(?=\d{3})/g, ""));
  function sort(table, place, up) {
    const rows = [...table.tBodies[0].rows];
    const keys = new Map(rows.map(row => [row, text(row.cells[place])]));
    const values = new Map(rows.map(row => [row, number(keys.get(row))]));
    const numeric = rows.some(row => !isNaN(values.get(row)));
    const side = up ? 1 : -1;
    rows.sort((a, b) => {
      if (!numeric) return keys.get(a).localeCompare(keys.get(b), undefined, {numeric: true}) * side;
      const [x, y] = [values.get(a), values.get(b)];
      return isNaN(x) - isNaN(y) || (x - y) * side || 0;
    });
    table.tBodies[0].append(...rows);
  }

  const shown = table => [table.tHead.rows[0], ...[...table.tBodies[0].rows].filter(row => !row.hidden)]
    .map(row => [...row.cells].map(text));
  const quoted = words => /[",\n]/.test(words) ? `"${words.replaceAll('"', '""')}"` : words;
  const csv = rows => rows.map(row => row.map(quoted).join(",")).join("\n") + "\n";
  const TEX = {"\\": "\\textbackslash{}", "–": "--", "−": "$-$", "<": "$<$", ">": "$>$", "±": "$\\pm$", "β": "$\\beta$", "^": "\\^{}",
    "~": "\\~{}", "≥": "$\\geq$", "→": "$\\to$", "|": "$|$", "×": "$\\times$"};
  const tex = words => words.replace(/^-(?=[\d.])/, "−").replace(/[\\&%$#_{}~^<>|–−±β≥→×]/g, sign => TEX[sign] ?? `\\${sign}`);
  const latex = rows => {
    const line = row => `${row.map(tex).join(" & ")} \\\\\n`;
    return `\\begin{tabular}{l${"r".repeat(rows[0].length - 1)}}\n\\toprule\n${line(rows[0])}\\midrule\n` +
      `${rows.slice(1).map(line).join("")}\\bottomrule\n\\end{tabular}\n`;
  };

  async function copy(words, what) {
    try {
      await navigator.clipboard.writeText(words);
    } catch {  // a page without the right to the clipboard, as in a frame
      const area = element("textarea", {value: words});
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    said(`copied as ${what}`);
  }

  for (const table of document.querySelectorAll("table.data")) {
    const name = text(table.caption);
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      const words = text(head);
      if (words === "verdict") head.classList.add("verdict");
      const button = element("button", {type: "button"}, words);
      button.addEventListener("click", () => {
        const up = head.ariaSort !== "ascending";
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        sort(table, place, up);
      });
      head.replaceChildren(button);
    });
    const filter = element("input", {type: "search", placeholder: "filter rows"});
    filter.setAttribute("aria-label", `filter rows: ${name}`);
    filter.addEventListener("input", () => {
      const words = filter.value.toLowerCase().split(/\s+/);
      let count = 0;
      for (const row of table.tBodies[0].rows) {
        const has = row.textContent.toLowerCase();
        row.hidden = !words.every(word => has.includes(word));
        count += !row.hidden;
      }
      said(`${count} rows`);
    });
    const button = (what, make) => {
      const made = element("button", {type: "button"}, `Copy ${what}`);
      made.setAttribute("aria-label", `Copy ${what}: ${name}`);
      made.addEventListener("click", async () => {
        await copy(make(shown(table)), what);
        made.textContent = "Copied";
        setTimeout(() => { made.textContent = `Copy ${what}`; }, 1500);
      });
      return made;
    };
    table.closest(".scroll").before(element("div", {className: "tools"}, filter, button("CSV", csv), button("LaTeX", latex)));
  }

  // a link into folded details opens them; print opens all that is short
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let at = target?.closest("details"); at; at = at.parentElement.closest("details")) at.open = true;
  };
  addEventListener("hashchange", open);
  open();
})();
