/* Elements: text, links, tables, choices. What comes from the coordinator is put in as text, never as
 * markup. */
"use strict";

const SVG = "http://www.w3.org/2000/svg";

function add(element, attributes, children) {
    for (const [name, value] of Object.entries(attributes))
        if (value !== undefined && value !== null && value !== false)
            element.setAttribute(name, value === true ? "" : value);
    element.append(...children.flat().filter(child => child !== null && child !== undefined));
    return element;
}
const h = (tag, attributes = {}, ...children) => add(document.createElement(tag), attributes, children);
const s = (tag, attributes = {}, ...children) => add(document.createElementNS(SVG, tag), attributes, children);

function setText(element, text) {
    if (element.textContent !== text)
        element.textContent = text;
}

/* Builds what `make` gives into a place anew, but only where what it is made of has changed. */
const made = new WeakMap();
function place(element, from, make) {
    const key = JSON.stringify(from);
    if (made.get(element) === key)
        return;
    made.set(element, key);
    element.replaceChildren(...[make(from)].flat().filter(Boolean));
}

const link = (text, ...path) => h("a", {
    href: "#/" + path.map(part => encodeURIComponent(part).replaceAll("%2C", ",")).join("/"),
}, text);
const state = name => h("span", { class: "s-" + name }, `${SIGNS[name] || "?"} ${name}`);
/* An interval about its value, on a scale from -most to most with a line at zero; what it says stands
 * beside it. */
function intervalLine([low, value, high, most]) {
    const width = 110, x = at => 5 + (width - 10) * (most > 0 ? (at / most + 1) / 2 : 0.5);
    return s("svg", { class: "interval", width, height: 14, "aria-hidden": "true" },
        s("line", { class: "p-edge", x1: x(0), x2: x(0), y1: 0, y2: 14 }),
        s("line", { class: "p-line p-0", x1: x(low), x2: x(high), y1: 7, y2: 7 }),
        s("circle", { class: "p-full-0", cx: x(value), cy: 7, r: 4 }));
}

const bar = (value, label, kind) => h("progress", { max: 1, value: value.toFixed(4), "aria-label": label, class: kind });

/* A cell is text, or an object: `text` with, of `link`, `state`, `bar`, `interval`, `class` and `mark`,
 * any. */
function fillCell(td, cell) {
    const { text = "", ...how } = typeof cell === "object" && cell !== null ? cell : { text: cell };
    td.className = how.class || "";
    td.title = (how.class || "").includes("long") ? text : "";
    td.replaceChildren();
    if (how.state)
        td.append(state(how.state));
    if (isNumber(how.bar))
        td.append(bar(how.bar, `progress of ${how.of}`), " ");
    if (how.link)
        td.append(link(text, ...how.link));
    else if (text !== "")
        td.append(String(text));
    if (how.interval)
        td.append(" ", intervalLine(how.interval));
    if (how.mark)
        td.append(h("span", { class: "unseen" }, ` (${how.mark})`));
}

/* A table that scrolls within itself, also by keyboard. Columns: titles, "#title" of numbers. */
function table(caption, columns) {
    const body = h("tbody"), numbers = columns.map(title => title.startsWith("#"));
    const element = h("div", { class: "wide", tabindex: 0, role: "region", "aria-label": caption },
        h("table", {}, h("caption", {}, h("span", {}, caption)),
            h("thead", {}, h("tr", {}, columns.map(title => h("th",
                { scope: "col", class: title.startsWith("#") && "n" }, title.replace("#", ""))))), body));
    const rows = new Map(); // by key: its tr, and what its cells show

    /* Shows [key, cells] in this order; a row that stays is not touched where it is the same. */
    function show(list) {
        const keys = new Set(list.map(([key]) => key));
        for (const [key, row] of rows)
            if (!keys.has(key)) {
                row.tr.remove();
                rows.delete(key);
            }
        let next = body.firstChild;
        for (const [key, cells] of list) {
            let row = rows.get(key);
            if (!row) {
                row = { tr: h("tr", {}, cells.map(() => h("td"))), shown: [] };
                rows.set(key, row);
            }
            cells.forEach((cell, i) => {
                const text = JSON.stringify(cell);
                if (row.shown[i] === text)
                    return;
                row.shown[i] = text;
                fillCell(row.tr.children[i], cell);
                row.tr.children[i].classList.toggle("n", numbers[i]);
            });
            if (row.tr === next)
                next = next.nextSibling;
            else
                body.insertBefore(row.tr, next);
        }
    }
    return { element, show };
}

function choice(label, names, changed) {
    const select = h("select", {}, names.map(([value, text]) => h("option", { value }, text)));
    select.addEventListener("change", changed);
    return { select, element: h("label", {}, label, select) };
}
