/* A comparison: of a group, or of experiments by their ids. All that it concludes, the sentence among
 * it, is what `assay compare` says and comes from /api/compare; curves and progress are as they are. */
"use strict";

const DRAWN_MOST = 28;      // curves that can be told from each other
const CHECKPOINTS = ["best", "last"];
const SPLITS = { valid: "Validation", test: "Test" };

/* A table under a heading, which is not there without rows. */
function section(title, caption, columns) {
    const { element, show } = table(caption, columns), whole = h("section", {}, h("h2", {}, title), element);
    return {
        element: whole,
        show(rows) {
            show(rows);
            whole.hidden = rows.length === 0;
        },
    };
}

/* What an experiment is called among those of its own group. */
const shortName = (experiment, group) =>
    group && experiment.name.startsWith(group + "/") ? experiment.name.slice(group.length + 1) : experiment.name;
const nameCell = (experiment, group, more = "") =>
    ({ text: shortName(experiment, group), link: ["experiment", experiment.id], class: `long ${more}` });

/* --- the rows of each table, of the document that /api/compare answers --- */

function rankingRows(compared, group) {
    const known = new Map(compared.experiments.map(one => [one.id, one]));
    return compared.ranking.map(id => known.get(id)).map((one, i) => {
        const { valid, test } = one.evaluations[one.keep], won = i === 0 ? "win" : "";
        return [one.id, [one.id, { ...nameCell(one, group, won), mark: i === 0 ? "to keep" : "" }, one.keep, valid.epoch,
            ratio(valid.accuracy), ratio(valid.loss), ratio(test && test.accuracy)]];
    });
}

function chanceRows(compared) {
    const told = ({ id, checkpoint }) => `${id} ${checkpoint}`;
    const ends = compared.chance.flatMap(({ accuracy_difference: { low, high } }) => [Math.abs(low), Math.abs(high)]);
    return compared.chance.map(duel => {
        const { value, low, high } = duel.accuracy_difference;
        return [told(duel.first) + told(duel.second), [told(duel.first), told(duel.second),
            duel.more_than_chance ? { text: "yes", class: "told" } : "cannot tell", ratio(duel.p_value),
            { text: `${signed(value, 4)} (${signed(low, 3)} to ${signed(high, 3)})`, interval: [low, value, high, Math.max(...ends)] },
            duel.only_first, duel.only_second]];
    });
}

const scatter = spread => spread ? `${ratio(spread.mean)} ± ${ratio(spread.standard_deviation)}` : "n/a";

function repeatRows(compared, group) {
    return compared.repeats.flatMap(repeat => {
        const first = compared.experiments.find(one => one.id === repeat.ids[0]);
        return CHECKPOINTS.flatMap(checkpoint => Object.keys(SPLITS).map(split => ({ checkpoint, split })))
            .map(({ checkpoint, split }, i) => [`${first.id} ${checkpoint} ${split}`, [
                { text: i === 0 ? shortName(first, group) : "", class: i === 0 ? "long first" : "long" },
                { text: i === 0 ? repeat.seeds.join(", ") : "", class: i === 0 ? "first" : "" },
                ...[checkpoint, split, ...RATIOS.map(([key]) => scatter(repeat[checkpoint][split][key]))]
                    .map(text => ({ text, class: i === 0 ? "first" : "" }))]]);
    });
}

/* Nothing where each value is one experiment's: that is in the ranking. */
function effectRows(compared) {
    const meets = split => !split ? "n/a" : split.standard_deviation === null ? `${ratio(split.mean)} (${signed(split.effect, 4)})`
        : `${scatter(split)} (${signed(split.effect, 4)})`;
    const all = Object.entries(compared.effects).flatMap(([key, values]) => Object.entries(values).map(([value, effect], i) =>
        ({ key, value, effect, first: i === 0 })));
    return !all.some(({ effect }) => effect.experiments > 1) ? [] : all.map(({ key, value, effect, first }) => [`${key} ${value}`, [
        { text: first ? key : "", class: first ? "first" : "" }, ...[value, effect.experiments, meets(effect.valid), meets(effect.test)]
            .map(text => ({ text, class: first ? "first" : "" }))]]);
}

function differenceRows(compared) {
    return Object.entries(compared.differences).flatMap(([path, values]) => Object.entries(values).map(([value, ids], i) =>
        [`${path} ${value}`, [{ text: i === 0 ? path : "", class: i === 0 ? "first" : "" },
            { text: value, class: `long ${i === 0 ? "first" : ""}` }, { text: ids.join(" "), class: i === 0 ? "first" : "" }]]));
}

/* The evaluations on a split; the best value of each column is marked, where they differ. */
function splitRows(compared, split, group) {
    const rows = compared.experiments.flatMap(member => CHECKPOINTS.map(checkpoint =>
        ({ member, checkpoint, found: member.evaluations[checkpoint][split] }))).filter(row => row.found);
    const winners = METRICS.map(([key, , sign]) => {
        const values = rows.map(row => row.found[key]).filter(isNumber).map(value => sign * value);
        return Math.max(...values) > Math.min(...values) ? sign * Math.max(...values) : null;
    });
    return rows.map(({ member, checkpoint, found }, i) => {
        const first = i === 0 || rows[i - 1].member !== member, line = first ? "first" : "";
        return [`${member.id} ${checkpoint}`, [
            { text: first ? member.id : "", class: line },
            first ? nameCell(member, group, line) : "",
            { text: checkpoint, class: line }, { text: found.epoch, class: line },
            ...METRICS.map(([key], column) => {
                const text = column < COUNTS.length ? whole(found[key]) : ratio(found[key]);
                const won = winners[column] !== null && found[key] === winners[column];
                return won ? { text, class: `${line} win`, mark: "best" } : { text, class: line };
            })]];
    });
}

/* --- curves --- */

/* Of those that have an epoch behind them as many as can be told apart: first those that run, then
 * those that are better. Each keeps its colour whatever comes beside it. */
function drawnOf(members, ranking) {
    const rank = member => (member.state === "running" ? 0 : 1e9) + (ranking.includes(member.id) ? ranking.indexOf(member.id) : 1e6);
    return members.map((member, colour) => ({ member, colour })).filter(({ member }) => member.epochs_done > 0)
        .sort((a, b) => rank(a.member) - rank(b.member)).slice(0, DRAWN_MOST).sort((a, b) => a.colour - b.colour);
}

function comparisonCharts(drawn, group) {
    const reach = ({ history, state, epochs }) => state === "running" ? Math.min(epochs, 2 * history.at(-1).epoch) : history.at(-1).epoch;
    const axis = { first: 1, last: Math.max(...drawn.map(({ member }) => reach(member))) };
    const series = key => drawn.map(({ member, colour }) => ({
        name: `${member.id} ${shortName(member, group)}${member.state === "done" ? "" : ` (${member.state})`}`, colour, dash: colour,
        grows: member.state === "running", points: points(member.history, epoch => epoch.valid[key]),
    }));
    return [
        { ...axis, title: "Validation loss", unit: "cross-entropy", limits: { low: 0 }, series: series("loss") },
        { ...axis, title: "Validation accuracy", unit: "share of pictures", limits: { low: 0, high: 1 }, series: series("accuracy") }];
}

/* --- the view --- */

/* Of the experiments that `fits` takes; `path` is what /api/compare is asked, `group` their group. */
function viewComparison(title, path, fits, group) {
    const about = h("p", { class: "about" }), progress = h("div"), verdict = h("p", { class: "verdict", hidden: true });
    const none = h("p", { class: "empty", hidden: true }), charts = h("div", { class: "charts" }), few = h("p", { class: "note" });
    const drawn = h("section", {}, h("h2", {}, "Curves"), charts, few);
    const ranking = section("Which to keep", "The first before the others: by validation accuracy, then loss",
        ["#id", "experiment", "keep", "#epoch", "#valid acc.", "#valid loss", "#test acc."]);
    const chance = section("More than chance?", "Test pictures that one alone gets right, McNemar's p, and how far the second's " +
        "accuracy is from the first's", ["first", "second", "more than chance", "#p", "#difference (95 %)", "#only first", "#only second"]);
    const repeats = section("Repeats with other seeds", "Mean ± standard deviation",
        ["experiment", "seeds", "checkpoint", "split", ...RATIOS.map(([, title]) => "#" + title)]);
    const effects = section("What each value does on average", "Mean ± standard deviation (less the mean of all)",
        ["key", "value", "#experiments", "#valid accuracy", "#test accuracy"]);
    const differences = section("What differs", "Between the configurations, and only that", ["key", "value", "ids"]);
    const titles = ["#id", "experiment", "checkpoint", "#epoch", ...METRICS.map(([, title]) => "#" + title)];
    const splits = Object.entries(SPLITS).map(([split, title]) =>
        ({ split, ...section(`${title} split`, `${title} split: ★ marks the best value of a column`, titles) }));
    const members = section("Members", BEST_MEANS, QUEUE);
    let shown = [];

    const curves = () => shown.length > 0 && showCharts(charts, comparisonCharts(shown, group));

    /* What follows from it; that it cannot be told is no reason to show nothing. */
    async function compare() {
        try {
            return { compared: await ask("compare?" + path), problem: null };
        } catch (error) {
            if (error instanceof TypeError)
                throw error;
            return { compared: { experiments: [], ranking: [], chance: [], repeats: [], effects: {}, differences: {}, verdict: null }, problem: error.message };
        }
    }

    function conclude({ compared, problem }) {
        verdict.hidden = compared.verdict === null;
        setText(verdict, compared.verdict || "");
        none.hidden = !verdict.hidden;
        setText(none, problem ? `No comparison: ${problem}.`
            : "Nothing to compare yet: a member is evaluated when its last epoch is done.");
        ranking.show(rankingRows(compared, group));
        chance.show(chanceRows(compared));
        repeats.show(repeatRows(compared, group));
        effects.show(effectRows(compared));
        differences.show(differenceRows(compared));
        for (const one of splits)
            one.show(splitRows(compared, one.split, group));
    }

    async function draw(all, compared) {
        const chosen = drawnOf(all, compared.ranking), trained = all.filter(member => member.epochs_done > 0).length;
        const details = [];
        for (const { member, colour } of chosen)
            details.push({ member: await askMember(member), colour });
        shown = details.filter(({ member }) => member.history.length > 0);
        drawn.hidden = shown.length === 0;
        few.hidden = trained <= DRAWN_MOST;
        setText(few, `${chosen.length} of ${trained} are drawn: those that run, then the better ones.`);
        curves();
    }

    return {
        title, redraw: curves,
        parts: [h("h1", {}, title), about, progress, verdict, none, ranking.element, chance.element, drawn, members.element,
            repeats.element, effects.element, differences.element, ...splits.map(one => one.element)],
        async load() {
            const all = (await askExperiments()).filter(fits).reverse();
            if (all.length === 0)
                throw new Error(group ? `there is no group "${group}"` : "there are no such experiments");
            members.show(all.map(memberRow));
            setText(about, STATES.map(one => [all.filter(experiment => experiment.state === one).length, one])
                .filter(([count]) => count > 0).map(([count, one]) => `${count} ${one}`).join(", "));
            const behind = all.every(finished) ? null : all.reduce((sum, one) => sum + (finished(one) ? 1 : fraction(one)), 0) / all.length;
            place(progress, behind, part => part === null ? null : bar(part, "progress of all of them", "large"));
            const outcome = await compare();
            conclude(outcome);
            await draw(all, outcome.compared);
        },
    };
}
