/* The queue, an experiment, a group. */
"use strict";

const ROWS = 200;           // of the queue at once
const STATES = ["running", "queued", "paused", "done", "failed", "cancelled"];
const COUNTS = [["true_positive", "TP", 1], ["true_negative", "TN", 1], ["false_positive", "FP", -1],
    ["false_negative", "FN", -1]];
const RATIOS = [["accuracy", "accuracy", 1], ["recall", "recall", 1], ["precision", "precision", 1],
    ["loss", "loss", -1]];
const METRICS = [...COUNTS, ...RATIOS]; // key, title, whether more (1) or less (-1) is better
const CHECKPOINTS = { best: "best-loss", last: "last-epoch" };
const SPLITS = { valid: "Validation", test: "Test" };

/* --- views: each makes its elements once, a heading and what is below it, then `load`s and shows
 * again and again; `redraw` is for another width --- */

const QUEUE = ["#id", "experiment", "state", "progress", "#epoch", "#best acc.", "#best loss", "ETA or what it waits for"];

function queueRow(experiment) {
    const { id, name, group, best, epochs, epochs_done: done } = experiment;
    return [id, [id, { text: name, link: ["experiment", id], class: "long" },
        { state: experiment.state }, { bar: fraction(experiment), of: name, text: `${Math.floor(100 * fraction(experiment))}%` },
        `${done}/${epochs}`, best ? ratio(best.valid.accuracy) : "", best ? ratio(best.valid.loss) : "",
        { text: situation(experiment), class: "long" },
        group ? { text: group, link: ["group", group], class: "long" } : ""]];
}

const memberRow = experiment => {
    const [key, cells] = queueRow(experiment);
    return [key, cells.slice(0, QUEUE.length)];
};

const BEST_MEANS = "best: the epoch of the least validation loss so far";

function viewQueue() {
    const queue = table(`Experiments, the newest first (${BEST_MEANS})`, [...QUEUE, "group"]);
    const workers = table("Each line is a worker, or a slot of one", ["worker", "state", "#experiment", "backend", "device", "#threads", "#memory", "labels", "host"]);
    const count = h("p", { class: "note", role: "status" }), empty = h("p", { class: "empty", hidden: true });
    const idle = h("p", { class: "empty", hidden: true });
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
        more.hidden = fitting.length <= rows;
        setText(count, fitting.length === all.length && all.length <= rows ? ""
            : `${Math.min(rows, fitting.length)} shown of ${fitting.length} that fit, of ${all.length}`);
    }

    return {
        title: "Experiments",
        parts: [h("h1", {}, "Experiments"),
            h("div", { class: "filters" }, h("label", {}, "Filter", words), group.element, of.element),
            count, queue.element, empty, more, h("h2", {}, "Workers"), workers.element, idle],
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

const fact = (title, value) => [h("dt", {}, title), h("dd", {}, value)];

function progressOf(experiment) {
    const { progress, epochs, epochs_done: done } = experiment, parts = [];
    if (experiment.state === "running") {
        const now = progress ? `epoch ${progress.epoch} of ${progress.epochs}, ${progress.phase}, step ${progress.step} of ${progress.steps}`
            : "starting";
        parts.push(bar(fraction(experiment), "progress of the run", "large"), h("p", { class: "note" }, now));
    }
    const left = secondsLeft(experiment), latest = experiment.latest;
    const speed = progress ? progress.images_per_second : latest && latest.images_per_second;
    const list = [["epochs", `${done} of ${epochs}`], ["images/s", isNumber(speed) ? speed.toFixed(1) : "n/a"]];
    if (experiment.state === "running")
        list.push(["loss of this epoch", ratio(progress && progress.loss)],
            ["ETA", isNumber(left) ? duration(left) : "after its first epoch"]);
    if (experiment.best)
        list.push(["best epoch", whole(experiment.best.epoch)], ["its valid accuracy", ratio(experiment.best.valid.accuracy)],
            ["its valid loss", ratio(experiment.best.valid.loss)]);
    list.push(["worker", experiment.worker || "none"], ["attempt", `${experiment.attempt} (${experiment.failures} of ${experiment.max_attempts} failed)`],
        ["submitted", `${clock(experiment.submitted_ms)}${experiment.person ? " by " + experiment.person : ""}`]);
    if (isNumber(experiment.started_ms) && isNumber(experiment.finished_ms))
        list.push(["took", duration((experiment.finished_ms - experiment.started_ms) / 1000)]);
    parts.push(h("dl", { class: "facts" }, list.map(([title, value]) => h("div", {}, fact(title, value)))));
    return parts;
}

/* What people have written on an experiment. */
function remarksOf([tags, notes]) {
    return [tags.length > 0 && h("p", {}, h("span", { class: "about" }, "tags "), tags.join(", ")),
        ...notes.map(note => h("figure", { class: "quote" }, h("blockquote", {}, note.text),
            h("figcaption", {}, `${clock(note.at_ms)}${note.person ? " by " + note.person : ""}`)))];
}

function evaluationRow(evaluation) {
    return [evaluation.split + evaluation.checkpoint, [CHECKPOINTS[evaluation.checkpoint] || evaluation.checkpoint,
        evaluation.split, evaluation.epoch, ...COUNTS.map(([key]) => whole(evaluation[key])),
        ...RATIOS.map(([key]) => ratio(evaluation[key])), ratio(evaluation.roc_auc)]];
}

function viewExperiment(id) {
    const heading = h("h1", {}, `Experiment ${id}`), about = h("p", { class: "about" }), alarm = h("p", { class: "alarm", hidden: true });
    const progress = h("div"), remarks = h("div"), charts = h("div", { class: "charts" });
    const nothing = h("p", { class: "empty", hidden: true }), unjudged = h("p", { class: "empty", hidden: true });
    const evaluations = table("The checkpoint of the best loss beside the last epoch's, on both splits",
        ["checkpoint", "split", "#epoch", ...METRICS.map(([, title]) => "#" + title), "#ROC AUC"]);
    const epochs = table("Epochs, the latest first", ["#epoch", "", "#train loss", "#valid loss", "#train accuracy",
        "#valid accuracy", "#learning rate", "#time", "#images/s"]);
    const listed = h("details", {}, h("summary", {}, "All epochs as a table"), epochs.element), config = h("pre", { tabindex: 0, "aria-label": "configuration" });
    let shown = null;

    function curves() {
        if (shown && shown.history.length > 0)
            showCharts(charts, chartsOf(shown));
    }

    return {
        title: `Experiment ${id}`, redraw: curves,
        parts: [heading, about, alarm, progress, remarks, h("h2", {}, "Curves"), charts, nothing, listed, h("h2", {}, "Evaluations"),
            evaluations.element, unjudged, h("h2", {}, "Configuration"), h("details", {}, h("summary", {}, "What was submitted"), config)],
        async load() {
            const experiment = shown = await askDetails(id), { history } = experiment;
            this.title = `${experiment.id} ${experiment.name}`;
            setText(heading, this.title);
            place(about, [experiment.state, experiment.group, situation(experiment)], ([now, group, words]) =>
                [state(now), words && now !== "failed" ? `${now === "done" ? "" : ","} ${words}` : null,
                    ...group ? [", in group ", link(group, "group", group)] : []]);
            alarm.hidden = experiment.state !== "failed";
            setText(alarm, `Failed: ${experiment.error || "no reason given"}. Once that is put right: assay retry ${id}`);
            place(progress, { ...experiment, history: history.slice(-5), config: null }, progressOf);
            place(remarks, [experiment.tags || [], experiment.notes || []], remarksOf);
            charts.hidden = listed.hidden = history.length === 0;
            nothing.hidden = history.length > 0;
            setText(nothing, experiment.state === "running" ? "The curves begin with the first epoch that is done."
                : `No epoch was trained yet${experiment.waits ? ": it waits (" + experiment.waits + ")" : ""}.`);
            curves();
            epochs.show(history.slice(-500).reverse().map(epoch => [epoch.epoch, [epoch.epoch, epoch.best ? "best so far" : "",
                ratio(epoch.train.loss), ratio(epoch.valid.loss), ratio(epoch.train.accuracy), ratio(epoch.valid.accuracy),
                short(epoch.learning_rate), duration(epoch.seconds), isNumber(epoch.images_per_second) ? epoch.images_per_second.toFixed(1) : "n/a"]]));
            evaluations.show(experiment.evaluations.map(evaluationRow));
            evaluations.element.hidden = experiment.evaluations.length === 0;
            unjudged.hidden = experiment.evaluations.length > 0;
            setText(unjudged, finished(experiment) ? "It ended before it was evaluated."
                : "Not evaluated yet: both checkpoints are, on both splits, when the last epoch is done.");
            setText(config, JSON.stringify(experiment.config, null, 2));
        },
    };
}

/* Whether evaluation a is to be kept rather than b: by validation accuracy, then loss. */
function before(a, b) {
    const better = (a.accuracy ?? -Infinity) - (b.accuracy ?? -Infinity);
    return better !== 0 ? better > 0 : (a.loss ?? Infinity) < (b.loss ?? Infinity);
}

const variantOf = experiment => Object.entries(experiment.variant || {}).map(([key, label]) => `${key}: ${label}`).join(", ");

/* The rows of a split; the best value of each column is marked, where they differ. */
function comparisonRows(members, split) {
    const rows = members.flatMap(member => Object.keys(CHECKPOINTS).map(checkpoint => ({
        member, checkpoint, found: member.evaluations.find(one => one.split === split && one.checkpoint === checkpoint),
    }))).filter(row => row.found);
    const winners = METRICS.map(([key, , sign]) => {
        const values = rows.map(row => row.found[key]).filter(isNumber).map(value => sign * value);
        return Math.max(...values) > Math.min(...values) ? sign * Math.max(...values) : null;
    });
    return rows.map(({ member, checkpoint, found }, i) => {
        const first = i === 0 || rows[i - 1].member !== member, line = first ? "first" : "";
        return [`${member.id} ${checkpoint}`, [
            { text: first ? member.id : "", class: line },
            { text: first ? member.name : "", link: first ? ["experiment", member.id] : null, class: `long ${line}` },
            { text: first ? variantOf(member) : "", class: `long ${line}` },
            { text: CHECKPOINTS[checkpoint], class: line }, { text: found.epoch, class: line },
            ...METRICS.map(([key], column) => {
                const text = column < COUNTS.length ? whole(found[key]) : ratio(found[key]);
                const won = winners[column] !== null && found[key] === winners[column];
                return won ? { text, class: `${line} win`, mark: "best" } : { text, class: line };
            })]];
    });
}

function verdictOf(members) {
    const valid = members.flatMap(member => member.evaluations.filter(one => one.split === "valid").map(one => ({ member, one })));
    if (valid.length === 0)
        return null;
    const keep = valid.reduce((kept, other) => before(other.one, kept.one) ? other : kept);
    return `By validation accuracy, then loss, keep the ${CHECKPOINTS[keep.one.checkpoint] || keep.one.checkpoint} checkpoint of ` +
        `experiment ${keep.member.id}, ${keep.member.name}: accuracy ${ratio(keep.one.accuracy)}, loss ${ratio(keep.one.loss)}. ` +
        "The test split has no say in it: it shows how good the choice is.";
}

function viewGroup(name) {
    const about = h("p", { class: "about" }), verdict = h("p", { class: "verdict", hidden: true });
    const none = h("p", { class: "empty", hidden: true }), charts = h("div", { class: "charts" });
    const drawn = h("div", {}, h("h2", {}, "Curves"), charts);
    const titles = ["#id", "experiment", "variant", "checkpoint", "#epoch", ...METRICS.map(([, title]) => "#" + title)];
    const tables = Object.entries(SPLITS).map(([split, title]) =>
        ({ split, heading: h("h2", {}, `${title} split`), ...table(`${title} split: ★ marks the best value of a column`, titles) }));
    const members = table(`Members (${BEST_MEANS})`, QUEUE);
    let trained = [];

    function curves() {
        if (trained.length === 0)
            return;
        const axis = { first: 1, last: Math.max(...trained.map(member => member.history.at(-1).epoch)) };
        const series = key => trained.slice(0, 28).map(member => ({ name: `${member.id} ${member.name}`, points: points(member.history, epoch => epoch.valid[key]) }));
        showCharts(charts, [
            { ...axis, title: "Validation loss", unit: "cross-entropy", limits: { low: 0 }, series: series("loss") },
            { ...axis, title: "Validation accuracy", unit: "share of pictures", limits: { low: 0, high: 1 }, series: series("accuracy") }]);
    }

    return {
        title: `Group ${name}`, redraw: curves,
        parts: [h("h1", {}, `Group ${name}`), about, verdict, none, ...tables.flatMap(one => [one.heading, one.element]),
            drawn, h("h2", {}, "Members"), members.element],
        async load() {
            const all = (await askExperiments()).filter(experiment => experiment.group === name);
            if (all.length === 0)
                throw new Error(`there is no group "${name}"`);
            members.show(all.map(memberRow));
            setText(about, STATES.map(one => [all.filter(experiment => experiment.state === one).length, one])
                .filter(([count]) => count > 0).map(([count, one]) => `${count} ${one}`).join(", "));
            const done = [];
            for (const experiment of all.filter(finished).reverse())
                done.push(await askFinished(experiment));
            const evaluated = done.filter(member => member.evaluations.length > 0), words = verdictOf(evaluated);
            trained = done.filter(member => member.history.length > 0);
            drawn.hidden = trained.length === 0;
            verdict.hidden = words === null;
            setText(verdict, words || "");
            none.hidden = evaluated.length > 0;
            setText(none, "Nothing to compare yet: a member is evaluated when its last epoch is done.");
            for (const one of tables) {
                one.show(comparisonRows(evaluated, one.split));
                one.heading.hidden = one.element.hidden = evaluated.length === 0;
            }
            curves();
        },
    };
}
