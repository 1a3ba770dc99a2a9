// draws what #charts describes once it can be seen; one legend, the same in all figures
const given = JSON.parse(document.getElementById("charts").textContent);

const column = packed => packed.codes ? packed.codes.map(code => packed.levels[code]) : packed;
const unpacked = columns => {
  const names = Object.keys(columns), lists = names.map(name => column(columns[name]));
  return (lists[0] ?? []).map((_, place) => Object.fromEntries(names.map((name, at) => [name, lists[at][place]])));
};
const tables = new Map();
const rows = name => {
  if (!tables.has(name)) tables.set(name, unpacked(given.data[name]));
  return tables.get(name);
};

const hidden = new Set();
const views = new Map();
const legends = [];
const update = () => {
  for (const legend of legends) for (const box of legend.querySelectorAll("input")) box.checked = !hidden.has(box.value);
  for (const view of views.values()) view.signal("hidden", [...hidden]).runAsync();
};

const SVG = "http://www.w3.org/2000/svg";
function glyph({colour, shape, dash}) {
  const picture = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({width: 26, height: 12, viewBox: "-13 -6 26 12", "aria-hidden": true})) picture.setAttribute(key, value);
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", "M-13,0H13");
  line.setAttribute("stroke", colour);
  line.setAttribute("stroke-width", 1.6);
  line.setAttribute("stroke-dasharray", dash.join(" "));
  const mark = document.createElementNS(SVG, "path");
  mark.setAttribute("d", shape);
  mark.setAttribute("transform", "scale(4.5)");
  mark.setAttribute("fill", colour);
  picture.append(line, mark);
  return picture;
}

function legend(place, names) {
  const all = document.createElement("button");
  all.type = "button";
  all.textContent = "All";
  all.addEventListener("click", () => { hidden.clear(); update(); });
  const none = document.createElement("button");
  none.type = "button";
  none.textContent = "None";
  none.addEventListener("click", () => { names.forEach(name => hidden.add(name)); update(); });
  place.append(...names.map(name => {
    const label = document.createElement("label"), box = document.createElement("input");
    Object.assign(box, {type: "checkbox", value: name, checked: !hidden.has(name)});
    box.addEventListener("change", () => { box.checked ? hidden.delete(name) : hidden.add(name); update(); });
    label.append(box, glyph(given.looks[name]), name);
    return label;
  }), all, none);
  place.setAttribute("role", "group");
  place.setAttribute("aria-label", "strategies shown");
  place.hidden = false;
  legends.push(place);
}

async function draw(figure) {
  if (figure.classList.contains("drawn")) return;
  figure.classList.add("drawn");
  const places = [...figure.querySelectorAll(".chart")], names = new Set();
  try {
    for (const place of places) {
      const {spec, data} = given.charts[place.dataset.chart];
      const datasets = Object.fromEntries(data.map(name => [name, rows(name)]));
      for (const list of Object.values(datasets)) for (const row of list) if (row.strategy in given.looks) names.add(row.strategy);
      const options = {actions: false, renderer: given.charts[place.dataset.chart].renderer, config: given.config};
      const {view} = await vegaEmbed(place, {...spec, datasets}, options);
      views.set(place, view);
      if (hidden.size) view.signal("hidden", [...hidden]).runAsync();
    }
    legend(figure.querySelector(".legend"), Object.keys(given.looks).filter(name => names.has(name)));
  } catch (error) {  // the static figure says the same
    figure.classList.remove("drawn");
    console.error(error);
  }
}

for (const figure of document.querySelectorAll("figure.live")) {
  const around = figure.closest("details");
  if (!around || around.open) draw(figure);
  else around.addEventListener("toggle", () => draw(figure), {once: true});
}
