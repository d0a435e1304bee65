/* The coordinator's page: what `assay watch` and `assay compare` show, in a browser, as it happens.
 *
 * It asks /api for what is seen, again whenever /api/events says that something changed: one
 * question at a time, and at most twice a second. All that comes from there is somebody's text:
 * it is put in as text, never as markup. */
"use strict";

const PACE_MS = 500;        // between two looks, at least
const WHOLE_MS = 30000;     // between two looks at experiments that finished long ago
const REOPEN_MS = 3000;     // before a closed stream is opened again

/* --- what the coordinator says --- */

async function ask(path) {
    const answer = await fetch("/api/" + path, { cache: "no-store" });
    const body = await answer.json().catch(() => null);
    if (!answer.ok || body === null)
        throw new Error(body && typeof body.error === "string" ? body.error : `the coordinator answers ${answer.status}`);
    return body;
}

const known = { experiments: new Map(), whole_ms: 0, details: new Map() };

/* All experiments, page by page. What lies before the first that is unfinished changes only when
 * it is tried again, so that is looked at less often. */
async function askExperiments() {
    const now_ms = performance.now(), again = now_ms - known.whole_ms > WHOLE_MS || known.whole_ms === 0;
    const open = [...known.experiments.values()].find(experiment => !finished(experiment));
    let after = again ? 0 : open ? open.id - 1 : [...known.experiments.keys()].at(-1) ?? 0;
    const seen = again ? new Map() : known.experiments;
    for (let page; after !== null; after = page.next) {
        page = await ask(`experiments?after=${after}`);
        for (const experiment of page.experiments)
            seen.set(experiment.id, experiment);
    }
    if (again)
        known.whole_ms = now_ms;
    known.experiments = seen;
    return [...seen.values()].reverse();
}

async function askDetails(id) {
    return (await ask(`experiments/${id}`)).experiments[0];
}

/* The details of one stay what they are until another epoch of it is done, or another attempt begins. */
async function askMember(experiment) {
    const { attempt, state, epochs_done: done, finished_ms: ended } = experiment;
    const key = `${attempt} ${state} ${done} ${ended}`, have = known.details.get(experiment.id);
    if (have && have.key === key)
        return have.details;
    const details = await askDetails(experiment.id);
    known.details.set(experiment.id, { key, details });
    return details;
}

/* --- the page: which view is shown, and when it looks again --- */

const main = document.getElementById("main"), live = document.getElementById("live");
const problem = h("p", { class: "alarm", role: "alert", hidden: true });
const pump = { view: null, wanted: false, busy: false, last_ms: -PACE_MS, timer: 0, events: null };

function viewOf(hash) {
    let parts;
    try {
        parts = hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
    } catch {
        parts = [];
    }
    if (parts[0] === "experiment" && /^[1-9][0-9]{0,15}$/.test(parts[1] || ""))
        return viewExperiment(Number(parts[1]));
    if (parts[0] === "compare" && /^[1-9][0-9]{0,15}(,[1-9][0-9]{0,15})*$/.test(parts[1] || "")) {
        const ids = parts[1].split(",").map(Number);
        return viewComparison(`Comparison of ${ids.length} experiments`, "ids=" + ids.join(","), one => ids.includes(one.id), null);
    }
    if (parts[0] === "group" && parts[1])
        return viewComparison(`Group ${parts[1]}`, "group=" + encodeURIComponent(parts[1]), one => one.group === parts[1], parts[1]);
    return viewQueue();
}

function showStatus(status) {
    setText(document.getElementById("version"), status.version);
    place(document.getElementById("counts"), STATES.map(name => [name, status[name]]), counts =>
        counts.map(([name, count]) => h("span", {}, h("b", {}, String(count)), ` ${name}`)));
    const busy = status.running > 0 ? `${status.running} running, ` : "";
    document.title = `${busy}${pump.view.title} - assay`;
}

async function look(view) {
    try {
        const status = await ask("status");
        await view.load();
        view.content.hidden = false;
        if (view !== pump.view)
            return;
        showStatus(status);
        problem.hidden = true;
    } catch (error) {
        if (view !== pump.view)
            return;
        problem.hidden = false;
        setText(problem, error instanceof TypeError ? "The coordinator cannot be reached; what is shown may be old."
            : `The coordinator says: ${error.message}`);
        setTimeout(want, REOPEN_MS);
    }
    document.body.dataset.shown = location.hash;
}

function want() {
    pump.wanted = true;
    if (pump.busy || document.hidden)
        return;
    clearTimeout(pump.timer);
    pump.timer = setTimeout(async () => {
        pump.wanted = false;
        pump.busy = true;
        await look(pump.view);
        pump.busy = false;
        pump.last_ms = performance.now();
        if (pump.wanted)
            want();
    }, Math.max(0, pump.last_ms + PACE_MS - performance.now()));
}

function route(event) {
    if (location.hash === "#main") // the link that skips the head
        return;
    pump.view = viewOf(location.hash);
    delete document.body.dataset.shown;
    problem.hidden = true;
    const back = pump.view.redraw ? h("p", {}, h("a", { href: "#/" }, "← all experiments")) : null;
    const [heading, ...parts] = pump.view.parts;
    pump.view.content = h("div", { hidden: true }, parts); // until there is something to show
    main.replaceChildren(...[back, heading, problem, pump.view.content].filter(Boolean));
    if (event) {
        main.focus();
        scrollTo(0, 0);
    }
    pump.last_ms = -PACE_MS;
    want();
}

/* A browser opens six connections to one place, for all of its tabs: one that nobody sees gives its
 * stream back. */
function listen() {
    live.hidden = false;
    if (document.hidden || pump.events && pump.events.readyState !== EventSource.CLOSED)
        return;
    const events = pump.events = new EventSource("/api/events");
    const say = (on, text) => {
        live.className = on ? "live on" : "live lost";
        setText(document.getElementById("live-text"), text);
    };
    events.addEventListener("open", () => {
        say(true, "live");
        known.whole_ms = 0;
        want();
    });
    events.addEventListener("change", want);
    events.addEventListener("error", () => {
        say(false, "connection lost, trying again");
        if (events.readyState === EventSource.CLOSED)
            setTimeout(listen, REOPEN_MS);
    });
}

function seen() {
    if (document.hidden && pump.events)
        pump.events.close();
    listen();
}

addEventListener("hashchange", route);
addEventListener("resize", () => pump.view.redraw && pump.view.redraw());
document.addEventListener("visibilitychange", seen);
document.querySelector(".skip").addEventListener("click", event => {
    event.preventDefault();
    main.focus();
});
route();
listen();
