/* Curves over epochs, as SVG with a title and a description for those who do not see them. */
"use strict";

function niceTicks(low, high, count) {
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find(factor => factor * power >= rough * 0.999) * power;
    const ticks = [];
    for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++)
        ticks.push(Number((i * step).toPrecision(12)));
    return ticks;
}

function powersOfTen(low, high) {
    const ticks = [];
    for (let power = Math.ceil(Math.log10(low) - 1e-9); 10 ** power <= high * 1.0001; power++)
        ticks.push(Number((10 ** power).toPrecision(12)));
    return ticks.length > 1 ? ticks : [low, high];
}

/* The range of the values, a little wider; a learning rate that falls far is drawn by powers. */
function rangeOf(values, limits = {}) {
    let low = Math.min(...values), high = Math.max(...values);
    if (limits.powers && low > 0 && high / low > 20)
        return { low, high, powers: true };
    const more = high > low ? (high - low) * 0.06 : Math.abs(high) * 0.1 || 0.5;
    low = Math.max(low - more, limits.low ?? -Infinity);
    high = Math.min(high + more, limits.high ?? Infinity);
    return { low, high: high > low ? high : low + more, powers: false };
}

const kind = (series, i) => `p-${(series.colour ?? i) % 7} d-${(series.dash ?? i) % 4}`;

function legend(series) {
    return h("ul", { class: "legend" }, series.map((one, i) => h("li", {},
        s("svg", { width: 28, height: 10, "aria-hidden": "true" },
            s("line", { class: `p-line ${kind(one, i)}`, x1: 0, x2: 28, y1: 5, y2: 5 })), one.name)));
}

/* Curves over epochs. Of the chart: title, unit, series of name and points [epoch, value], the
 * last epoch of the axis, and the best one to be marked, on the series that says so; one that grows
 * is marked where it has come to. */
function drawChart(chart, width) {
    const height = 240, left = 58, right = 12, top = 27, bottom = 40;
    const known = chart.series.map(one => one.points.filter(([, y]) => isNumber(y)));
    const values = known.flat().map(([, y]) => y);
    const told = chart.series.map((one, i) => known[i].length === 0 ? `${one.name}: nothing yet`
        : `${one.name}: from ${short(known[i][0][1])} to ${short(known[i].at(-1)[1])}`);
    const said = chart.best ? ` Best epoch: ${chart.best}.` : "";
    const svg = s("svg", { role: "img", width, height, viewBox: `0 0 ${width} ${height}` },
        s("title", {}, `${chart.title} by epoch`), s("desc", {}, told.join("; ") + "." + said));
    const range = rangeOf(values, chart.limits), scale = range.powers ? Math.log10 : value => value;
    const first = chart.first, last = Math.max(chart.last, first + 1);
    const x = epoch => left + (epoch - first) / (last - first) * (width - left - right);
    const y = value => top + (scale(range.high) - scale(value)) / (scale(range.high) - scale(range.low)) *
        (height - top - bottom);
    const write = (text, where, words) => svg.append(s("text", { class: text, ...where }, words));

    const ticks = range.powers ? powersOfTen(range.low, range.high) : niceTicks(range.low, range.high, 4);
    for (const tick of ticks) {
        svg.append(s("line", { class: "p-grid", x1: left, x2: width - right, y1: y(tick), y2: y(tick) }));
        write("p-faint", { x: left - 8, y: y(tick) + 4, "text-anchor": "end" }, short(tick));
    }
    for (const tick of niceTicks(first, last, Math.min(6, width / 70)).filter(Number.isInteger))
        write("p-faint", { x: x(tick), y: height - bottom + 18, "text-anchor": "middle" }, String(tick));
    svg.append(s("line", { class: "p-edge", x1: left, x2: width - right, y1: height - bottom, y2: height - bottom }));
    write("p-faint", { x: (left + width - right) / 2, y: height - 6, "text-anchor": "middle" }, "epoch");
    write("p-faint", { x: 0, y: 12 }, chart.unit);
    if (chart.best) {
        svg.append(s("line", { class: "p-best", x1: x(chart.best), x2: x(chart.best), y1: top, y2: height - bottom }));
        const side = x(chart.best) > width * 0.6 ? "end" : "start";
        write("p-ink", { x: x(chart.best), y: 12, "text-anchor": side }, `best: epoch ${chart.best}`);
    }
    known.forEach((points, i) => {
        const look = kind(chart.series[i], i), at = ([epoch, value]) => `${x(epoch).toFixed(1)},${y(value).toFixed(1)}`;
        const turns = chart.steps ? points.flatMap((point, j) => j > 0 ? [[point[0], points[j - 1][1]], point] : [point]) : points;
        svg.append(s("polyline", { class: `p-line ${look}`, points: turns.map(at).join(" ") }));
        const marked = points.filter(([epoch]) => points.length === 1 || chart.series[i].marked && epoch === chart.best ||
            chart.series[i].grows && epoch === points.at(-1)[0]);
        for (const [epoch, value] of marked)
            svg.append(s("circle", { class: `p-hollow p-${(chart.series[i].colour ?? i) % 7}`, cx: x(epoch), cy: y(value), r: 4 }));
    });
    return svg;
}

function chartFigure(chart, width) {
    const any = chart.series.some(one => one.points.some(([, y]) => isNumber(y)));
    return h("figure", {}, h("h3", {}, chart.title), chart.series.length > 1 && any ? legend(chart.series) : null,
        any ? drawChart(chart, width) : h("p", { class: "note" }, "Nothing is defined here yet."));
}

/* Figures side by side where there is room, as wide as that makes them. */
function showCharts(element, charts) {
    const room = main.clientWidth, columns = Math.max(1, Math.floor((room + 32) / (384 + 32)));
    const width = Math.floor((room - 32 * (Math.min(columns, charts.length) - 1)) / Math.min(columns, charts.length));
    place(element, { charts, width }, () => charts.map(chart => chartFigure(chart, Math.max(width, 240))));
}

const points = (history, value) => history.map(epoch => [epoch.epoch, value(epoch)]);

function chartsOf(experiment) {
    const { history, best } = experiment;
    const axis = {
        first: Math.min(1, history[0].epoch), best: best ? best.epoch : 0,
        last: finished(experiment) ? history.at(-1).epoch : Math.min(experiment.epochs, 2 * history.at(-1).epoch),
    };
    const both = key => [
        { name: "train", colour: 0, dash: 1, points: points(history, epoch => epoch.train[key]) },
        { name: "valid", colour: 1, dash: 0, marked: true, points: points(history, epoch => epoch.valid[key]) }];
    return [
        { ...axis, title: "Loss", unit: "cross-entropy", limits: { low: 0 }, series: both("loss") },
        { ...axis, title: "Accuracy", unit: "share of pictures", limits: { low: 0, high: 1 }, series: both("accuracy") },
        { ...axis, title: "Learning rate", unit: "factor of the gradient", steps: true, limits: { low: 0, powers: true }, series: [
            { name: "learning rate", colour: 2, dash: 0, points: points(history, epoch => epoch.learning_rate) }] },
    ];
}
