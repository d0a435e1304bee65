/* What the coordinator reports, as words. */
"use strict";

const TRAINING_SHARE = 0.9; // of an epoch's time; the rest is validation
const SIGNS = {
    queued: "○", paused: "‖", running: "▸", done: "✓", failed: "✗", cancelled: "–",
    idle: "○", busy: "▸", draining: "‖", lost: "✗",
};

const STATES = ["running", "queued", "paused", "done", "failed", "cancelled"];
const COUNTS = [["true_positive", "TP", 1], ["true_negative", "TN", 1], ["false_positive", "FP", -1],
    ["false_negative", "FN", -1]];
const RATIOS = [["accuracy", "accuracy", 1], ["recall", "recall", 1], ["precision", "precision", 1],
    ["loss", "loss", -1]];
const METRICS = [...COUNTS, ...RATIOS]; // key, title, whether more (1) or less (-1) is better

const isNumber = value => typeof value === "number" && Number.isFinite(value);
const large = value => value.toExponential(3).replace(/e([+-])(\d)$/, "e$10$2"); // as C's %.3e
const ratio = value => !isNumber(value) ? "n/a" : Math.abs(value) < 1e4 ? value.toFixed(4) : large(value);
const signed = (value, digits) => isNumber(value) ? (value < 0 ? "" : "+") + value.toFixed(digits) : "n/a";
const whole = value => isNumber(value) ? String(value) : "n/a";
const short = value => isNumber(value) ? String(Number(value.toPrecision(3))) : "n/a";
const finished = experiment => ["done", "failed", "cancelled"].includes(experiment.state);
const clock = ms => isNumber(ms) ? new Date(ms).toLocaleString() : "n/a";

function duration(seconds) {
    if (!(seconds >= 0 && seconds < 1e9))
        return "n/a";
    const s = Math.round(seconds), two = value => String(value).padStart(2, "0");
    if (s < 60)
        return `${s}s`;
    if (s < 3600)
        return `${Math.floor(s / 60)}m ${two(s % 60)}s`;
    if (s < 86400)
        return `${Math.floor(s / 3600)}h ${two(Math.floor(s / 60) % 60)}m`;
    return `${Math.floor(s / 86400)}d ${two(Math.floor(s / 3600) % 24)}h`;
}

function bytes(value) {
    const units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let unit = 0;
    for (; value >= 1024 && unit + 1 < units.length; unit++)
        value /= 1024;
    return `${unit ? value.toFixed(1) : value} ${units[unit]}`;
}

/* The epochs that are done: of a running one those that its attempt has behind it. */
const epochsDone = ({ progress, epochs_done: done }) => progress && isNumber(progress.epochs_done) ? progress.epochs_done : done;

/* How much of its run is behind an experiment, from 0 to 1. */
function fraction(experiment) {
    const { epochs, progress } = experiment, done = epochsDone(experiment);
    let within = 0;
    if (!(epochs > 0))
        return 0;
    if (progress && progress.steps > 0 && progress.epoch > done) {
        const part = progress.step / progress.steps;
        within = progress.phase === "train" ? TRAINING_SHARE * part
            : TRAINING_SHARE + (1 - TRAINING_SHARE) * part;
    }
    return Math.min(1, (done + within) / epochs);
}

/* What is left of a run, by the epochs that it has measured: the mean of the last five of them. */
function secondsLeft(experiment) {
    const measured = (experiment.history || [experiment.latest]).slice(-5)
        .map(epoch => epoch && epoch.seconds).filter(isNumber);
    const mean = measured.reduce((sum, seconds) => sum + seconds, 0) / measured.length;
    return mean / TRAINING_SHARE * (1 - fraction(experiment)) * experiment.epochs;
}

/* When a running one will be done, in words. How long its evaluations take nobody knows. */
function estimate(experiment) {
    if (fraction(experiment) >= 1)
        return "evaluating";
    const left = secondsLeft(experiment);
    return isNumber(left) ? duration(left) : "after its first epoch";
}

/* What there is to say of an experiment beside its numbers. */
function situation(experiment) {
    const { state, started_ms: started, finished_ms: ended } = experiment;
    if (state === "running")
        return fraction(experiment) < 1 ? `ETA ${estimate(experiment)}` : estimate(experiment);
    if (state === "failed")
        return experiment.error || "no reason given";
    if (state === "done" && isNumber(started) && isNumber(ended))
        return `in ${duration((ended - started) / 1000)}`;
    return experiment.waits || "";
}
