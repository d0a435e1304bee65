/* The queue, and who trains. */
"use strict";

/* --- views: each makes its elements once, a heading and what is below it, then `load`s and shows
 * again and again; `redraw` is for another width --- */

const ROWS = 200;            // of the queue at once
const COMPARED_MOST = 50;    // that a link compares

const QUEUE = ["#id", "experiment", "state", "progress", "#epoch", "#best acc.", "#best loss", "ETA or what it waits for"];

function queueRow(experiment) {
    const { id, name, group, best, epochs } = experiment;
    return [id, [id, { text: name, link: ["experiment", id], class: "long" },
        { state: experiment.state }, { bar: fraction(experiment), of: name, text: `${Math.floor(100 * fraction(experiment))}%` },
        `${epochsDone(experiment)}/${epochs}`, best ? ratio(best.valid.accuracy) : "", best ? ratio(best.valid.loss) : "",
        { text: situation(experiment), class: "long" },
        group ? { text: group, link: ["group", group], class: "long" } : ""]];
}

const memberRow = experiment => {
    const [key, cells] = queueRow(experiment);
    return [key, cells.slice(0, QUEUE.length)];
};

const BEST_MEANS = "Best: the epoch of the least validation loss so far";

function viewQueue() {
    const queue = table(`The newest first. ${BEST_MEANS}`, [...QUEUE, "group"]);
    const workers = table("Each line is a worker, or a slot of one", ["worker", "state", "#experiment", "backend", "device", "#threads", "#memory", "labels", "host"]);
    const count = h("p", { class: "note", role: "status" }), empty = h("p", { class: "empty", hidden: true });
    const idle = h("p", { class: "empty", hidden: true }), compare = h("p", { hidden: true });
    const more = h("button", { type: "button", hidden: true }, "Show more");
    const words = h("input", { type: "search", placeholder: "name, id, tag or worker", spellcheck: "false" });
    let all = [], rows = ROWS, grouped = "";
    const again = () => show();
    const group = choice("Group", [["", "all groups"]], again);
    const of = choice("State", [["", "all states"], ...STATES.map(name => [name, name])], again);
    words.addEventListener("input", again);
    more.addEventListener("click", () => { rows += ROWS; show(); });

    function fits(experiment) {
        const typed = words.value.trim().toLowerCase();
        const { id, name, worker, tags } = experiment;
        const text = `${id} ${name} ${worker || ""} ${(tags || []).join(" ")}`.toLowerCase();
        return text.includes(typed) && (!of.select.value || experiment.state === of.select.value) &&
            (!group.select.value || "g" + experiment.group === group.select.value);
    }

    function showGroups() {
        const names = [...new Set(all.map(experiment => experiment.group).filter(Boolean))], now = group.select.value;
        if (JSON.stringify(names) === grouped)
            return;
        grouped = JSON.stringify(names);
        group.select.replaceChildren(h("option", { value: "" }, "all groups"),
            ...names.map(name => h("option", { value: "g" + name }, name)));
        group.select.value = names.some(name => "g" + name === now) ? now : "";
    }

    function show() {
        const fitting = all.filter(fits);
        queue.show(fitting.slice(0, rows).map(queueRow));
        queue.element.hidden = fitting.length === 0;
        empty.hidden = fitting.length > 0;
        setText(empty, all.length > 0 ? "No experiment fits these filters."
            : "Nothing is queued. Submit an experiment file: assay submit FILE");
        compare.hidden = fitting.length < 2 || fitting.length > COMPARED_MOST;
        place(compare, compare.hidden ? [] : fitting.map(experiment => experiment.id).reverse(), ids =>
            link(`Compare these ${ids.length}`, "compare", ids.join(",")));
        more.hidden = fitting.length <= rows;
        setText(count, fitting.length === all.length && all.length <= rows ? ""
            : `${Math.min(rows, fitting.length)} shown of ${fitting.length} that fit, of ${all.length}`);
    }

    return {
        title: "Experiments",
        parts: [h("h1", {}, "Experiments"),
            h("div", { class: "filters" }, h("label", {}, "Filter", words), group.element, of.element),
            count, queue.element, empty, more, compare, h("h2", {}, "Workers"), workers.element, idle],
        async load() {
            all = await askExperiments();
            showGroups();
            show();
            const list = (await ask("workers")).workers;
            workers.show(list.map(worker => [worker.worker, [worker.worker,
                { state: worker.state, text: worker.state === "lost" ? ` since ${clock(worker.seen_ms)}` : "" },
                worker.experiment ? { text: worker.experiment, link: ["experiment", worker.experiment] } : "",
                worker.backend, { text: worker.device, class: "long" }, worker.threads, bytes(worker.memory_bytes),
                (worker.labels || []).join(", "), worker.host]]));
            workers.element.hidden = list.length === 0;
            idle.hidden = list.length > 0;
            setText(idle, "No worker is connected. Start one on a machine that has the time: assay worker --connect ADDRESS");
        },
    };
}
