/* An experiment. */
"use strict";

const fact = (title, value) => [h("dt", {}, title), h("dd", {}, value)];

/* At the end, when all epochs are done, checkpoints are evaluated, also of an earlier one. Before
 * and after, files travel. */
function phaseOf(experiment) {
    const { progress } = experiment;
    if (["fetch", "send"].includes(progress.phase))
        return `${progress.phase}, ${progress.step} of ${progress.steps} MiB`;
    const steps = `step ${progress.step} of ${progress.steps}`;
    return progress.epoch > 0 && progress.epoch < epochsDone(experiment) ? `${progress.phase} of epoch ${progress.epoch}, ${steps}` : `${progress.phase}, ${steps}`;
}

function progressOf(experiment) {
    const { progress, epochs } = experiment, done = epochsDone(experiment), parts = [];
    if (experiment.state === "running") {
        const now = progress ? `epoch ${Math.max(progress.epoch, done)} of ${epochs}, ${phaseOf(experiment)}`
            : "starting";
        parts.push(bar(fraction(experiment), "progress of the run", "large"), h("p", { class: "note" }, now));
    }
    const latest = experiment.latest;
    const speed = progress ? progress.images_per_second : latest && latest.images_per_second;
    const list = [["epochs", `${done} of ${epochs}`], ["images/s", isNumber(speed) ? speed.toFixed(1) : "n/a"]];
    if (experiment.state === "running")
        list.push(["loss of this epoch", ratio(progress && progress.loss)],
            ["ETA", estimate(experiment)]);
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
    return [evaluation.split + evaluation.checkpoint, [evaluation.checkpoint, evaluation.split,
        evaluation.epoch, ...COUNTS.map(([key]) => whole(evaluation[key])),
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
