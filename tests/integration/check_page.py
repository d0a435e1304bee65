"""What must hold of the coordinator's page in a real browser: python3 check_page.py http://127.0.0.1:7480/ VERDICT
Light and dark, on a phone and on a wide screen. The coordinator has a group, of which experiments are done,
one runs and has epochs behind it, and one is queued; of the group `assay compare` says VERDICT."""
import json
import sys
import urllib.parse
import urllib.request

from browser import CONTRAST, Browser, SKIPPED, program

LEVELS = """[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].filter(h => h.checkVisibility())
    .map(h => Number(h.tagName[1]))"""
CURVES = """[...document.querySelectorAll('figure svg[role=img]')].map(svg => ({
    title: svg.querySelector('title').textContent, told: svg.querySelector('desc').textContent,
    points: [...svg.querySelectorAll('polyline')].map(line => line.getAttribute('points').split(' ').length)}))"""
UNNAMED = """[...document.querySelectorAll('svg:not([aria-hidden])')].filter(s => s.getAttribute('role') != 'img' ||
    !s.querySelector('title') || !s.querySelector('desc')).length"""
ROWS = """[...document.querySelectorAll('table')].filter(t => t.checkVisibility())
    .map(t => [t.caption.textContent, [...t.tBodies[0].rows].map(r => [...r.cells].map(c => c.textContent))])"""


def check(true, what):
    if not true:
        sys.exit(f"FAIL: {what}")


def asked(url, path):
    with urllib.request.urlopen(urllib.parse.urljoin(url, "/api/" + path), timeout=30) as answer:
        return json.load(answer)


def experiments(url):
    found, after = [], 0
    while after is not None:
        page = asked(url, f"experiments?after={after}")
        found += page["experiments"]
        after = page["next"]
    return found


def shown(page, route):
    page.evaluate(f"location.hash = {json.dumps(route)}")
    page.until(f"document.body.dataset.shown === {json.dumps(route)} && document.querySelector('.live.on') !== null")


def look(page, width, url, where):
    check(not page.problems, f"{where}: {page.problems}")
    check(all(r.startswith((url, "data:")) for r in page.requests), f"{where}: asks for {page.requests}")
    taken = page.evaluate("document.documentElement.scrollWidth")
    check(taken <= width, f"{where}: the page takes {taken} pixels")
    ratio, text = page.evaluate(CONTRAST)
    check(ratio >= 4.5, f"{where}: a contrast of {ratio:.2f} ({text})")
    levels = page.evaluate(LEVELS)
    check(levels[0] == 1 and levels.count(1) == 1, f"{where}: headings of levels {levels}")
    check(all(b - a <= 1 for a, b in zip(levels, levels[1:])), f"{where}: headings leave a level out: {levels}")
    check(page.evaluate(UNNAMED) == 0, f"{where}: a drawing that is not described")
    check(page.evaluate("document.querySelector('.alarm[role=alert]').hidden"), f"{where}: something went wrong")
    named = page.accessible()
    check(any(role == "main" for role, _ in named), f"{where}: no main part")
    for role, name in named:
        check(name or role not in ("image", "img", "region", "table", "link", "button", "progressbar",
                                   "ProgressIndicator", "searchbox", "combobox"), f"{where}: a {role} without a name")


def queue(page, all_of_them):
    shown(page, "#/")
    (caption, rows), *_ = page.evaluate(ROWS)
    newest = sorted((one["id"] for one in all_of_them), reverse=True)[:200]
    check([int(row[0]) for row in rows] == newest, f"{caption}: {rows}")
    names = {one["id"]: one["name"] for one in all_of_them}
    check(all(row[1] == names[int(row[0])] for row in rows), f"names {rows}")


def filters(page, done):
    """What is typed leaves the rows that have it; a row is reached and opened by keyboard."""
    shown(page, "#/")
    page.evaluate("document.querySelector('input').focus()")
    page.send("Input.insertText", text=str(done["name"]))
    rows = page.until(ROWS)[0][1]
    check(rows and all(done["name"].lower() in row[1].lower() for row in rows), f"filtered: {rows}")
    mine = json.dumps(f"#/experiment/{done['id']}")
    for _ in range(20 + 2 * len(rows)):
        page.press("Tab")
        if page.evaluate(f"document.activeElement.getAttribute('href') === {mine}"):
            break
    check(page.evaluate(f"document.activeElement.getAttribute('href') === {mine}"), "Tab does not reach the row")
    check(page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid", "nothing shows the focus")
    page.evaluate("document.activeElement.click()")
    page.until(f"document.body.dataset.shown === {mine}")


def experiment(page, url, done):
    shown(page, f"#/experiment/{done['id']}")
    details = asked(url, f"experiments/{done['id']}")["experiments"][0]
    curves = {curve["title"]: curve for curve in page.evaluate(CURVES)}
    epochs = len(details["history"])
    for title, lines in (("Loss by epoch", 2), ("Accuracy by epoch", 2), ("Learning rate by epoch", 1)):
        check(title in curves, f"no curve {title}: {list(curves)}")
        points = [epochs] * lines if lines == 2 else [2 * epochs - 1]  # a learning rate goes by steps
        check(curves[title]["points"] == points, f"{title}: {curves[title]}, of {epochs} epochs")
    said = page.evaluate("[...document.querySelectorAll('blockquote')].map(b => b.textContent)")
    check(said == [note["text"] for note in details["notes"]], f"notes {said}, not {details['notes']}")
    check(", ".join(details["tags"]) in page.evaluate("document.querySelector('main').textContent"), "no tags")
    check(f"Best epoch: {details['best']['epoch']}" in curves["Loss by epoch"]["told"], "the best epoch is not told")
    rows = dict(page.evaluate(ROWS))
    table = next(cells for caption, cells in rows.items() if "checkpoint" in caption)
    check(len(table) == len(details["evaluations"]) > 0, f"evaluations {table}")
    for row, one in zip(table, details["evaluations"]):
        counts = [str(one[key]) for key in ("true_positive", "true_negative", "false_positive", "false_negative")]
        ratios = ["n/a" if one[key] is None else f"{one[key]:.4f}" for key in ("accuracy", "recall", "precision")]
        check(row[1] == one["split"] and row[3:7] == counts and row[7:10] == ratios, f"{row} for {one}")


def group(page, name, members, verdict):
    shown(page, "#/group/" + urllib.parse.quote(name, safe="!'()*"))
    tables = page.evaluate(ROWS)
    said = page.evaluate("document.querySelector('.verdict').checkVisibility() && document.querySelector('.verdict').textContent")
    check(said == verdict, f"it says {said}, not {verdict}")
    done = [one["id"] for one in members if one["state"] == "done"]
    first, *others = next(rows for caption, rows in tables if caption.startswith("The first before the others"))
    check(f" {first[0]} " in verdict and sorted(int(row[0]) for row in [first, *others]) == done, f"ranking {first} {others}")
    chance = next(rows for caption, rows in tables if caption.startswith("Test pictures that one alone"))
    check(any(row[2] in ("yes", "cannot tell") and "(" in row[4] for row in chance), f"chance {chance}")
    repeats = next(rows for caption, rows in tables if caption.startswith("Mean ± standard deviation") and "valid" in rows[0])
    check(len(repeats) == 4 and "±" in repeats[0][4], f"repeats {repeats}")
    for title in ("Validation split", "Test split"):
        rows = next((rows for caption, rows in tables if caption.startswith(title)), [])
        check(rows and len(rows) == 2 * len(done), f"{title}: {rows}")
    states = {int(row[0]): row[2].split()[-1] for caption, rows in tables if caption.startswith("Best:") for row in rows}
    check(states == {one["id"]: one["state"] for one in members}, f"members {states}")
    trained = [one for one in members if one["epochs_done"] > 0]
    for curve in page.evaluate(CURVES):
        check(len(curve["points"]) == len(trained), f"curves of {trained}: {curve}")
        for one in trained:
            told = f"{one['id']} {one['name'].removeprefix(name + '/')}" + ("" if one["state"] == "done" else f" ({one['state']}): from")
            check(told in curve["told"], f"{told} is not in {curve['told']}")


def selection(page, members):
    """The queue links to a comparison of what is filtered."""
    shown(page, "#/")
    page.evaluate("document.querySelector('select').value = " + json.dumps("g" + members[0]["group"]))
    page.evaluate("document.querySelector('select').dispatchEvent(new Event('change'))")
    route = "#/compare/" + ",".join(str(one["id"]) for one in members)
    page.until(f"document.querySelector('a[href={json.dumps(route)}]') !== null")
    shown(page, route)
    check(page.evaluate("document.querySelector('h1').textContent") == f"Comparison of {len(members)} experiments", "no comparison")
    check(page.evaluate("document.querySelector('.verdict').checkVisibility()"), "a comparison without a verdict")


def without_scripts(browser, url):
    page = browser.open("about:blank", width=400)
    page.send("Emulation.setScriptExecutionDisabled", value=True)
    page.go(url)
    named = page.accessible()
    check(("heading", "This page needs JavaScript") in named, f"without JavaScript it says {named}")
    said = " ".join(name for _, name in named)
    check("assay ls" in said and "assay watch" in said and "connecting" not in said, f"without JavaScript it says {said}")


def evaluating(page):
    """All six epochs are done, and the checkpoint of the fifth is evaluated."""
    one = {"state": "running", "epochs": 6, "epochs_done": 6, "attempt": 1, "failures": 0, "max_attempts": 3, "submitted_ms": 0,
           "progress": {"phase": "valid", "epoch": 5, "epochs": 6, "step": 1, "steps": 6, "loss": 0.5, "images_per_second": 9}}
    said = page.evaluate(f"progressOf({json.dumps(one)}).map(part => part.textContent)")
    check("epoch 6 of 6, valid of epoch 5, step 1 of 6" in said, f"of an evaluation at the end it says {said}")
    sending = one | {"progress": {"phase": "send", "epoch": 0, "epochs": 0, "step": 31, "steps": 188, "loss": None, "images_per_second": None}}
    said = page.evaluate(f"progressOf({json.dumps(sending)}).map(part => part.textContent)")
    check("epoch 6 of 6, send, 31 of 188 MiB" in said, f"of files on their way it says {said}")
    one["progress"] |= {"phase": "train", "epoch": 2, "epochs_done": 1} # its checkpoints were lost
    said = page.evaluate(f"[fraction({json.dumps(one)}), ...progressOf({json.dumps(one)}).map(part => part.textContent)]")
    check(1 / 6 < said[0] < 2 / 6 and "epoch 2 of 6, train, step 1 of 6" in said, f"of epochs that are trained again it says {said}")


def many(page):
    """Of many that are all done what comes after the last is asked for."""
    asked = page.evaluate("""(async () => {
        const really = ask, asked = [];
        known.experiments = new Map(Array.from({ length: 200000 }, (_, i) => [i + 1, { id: i + 1, state: "done" }]));
        known.whole_ms = performance.now();
        ask = async path => { asked.push(path); return { experiments: [], next: null }; };
        try {
            await askExperiments();
        } finally {
            ask = really;
            known.experiments = new Map();
            known.whole_ms = 0;
        }
        return asked; })()""")
    check(asked == ["experiments?after=200000"], f"of many it asks for {asked}")


def missing(page):
    shown(page, "#/experiment/999999999")
    said = page.evaluate("document.querySelector('.alarm[role=alert]').textContent")
    check("there is no experiment 999999999" in said, f"of no experiment it says: {said}")
    check(page.evaluate(LEVELS) == [1], "of no experiment it shows headings")


def main():
    if program() is None:
        print("there is no chromium: the page is not looked at")
        sys.exit(SKIPPED)
    url = sys.argv[1]
    found = experiments(url)
    done = next(one for one in found if one["state"] == "done" and one["group"])
    members = [one for one in found if one["group"] == done["group"]]
    others = [next(one for one in members if one["state"] == state) for state in ("running", "queued")]
    routes = ["#/", f"#/experiment/{done['id']}", *(f"#/experiment/{one['id']}" for one in others),
              "#/group/" + urllib.parse.quote(done["group"], safe="!'()*")]
    with Browser() as browser:
        for width in (400, 1200):
            for dark in (False, True):
                page = browser.open(url, width, dark=dark)
                for route in routes:
                    shown(page, route)
                    look(page, width, url, f"{route}, {width} pixels, {'dark' if dark else 'light'}")
                page.go("about:blank")  # a browser has six connections to a place, and an open page keeps one
        page = browser.open(url)
        queue(page, found)
        experiment(page, url, done)
        group(page, done["group"], members, sys.argv[2])
        selection(page, members)
        filters(page, done)
        evaluating(page)
        many(page)
        check(not page.problems, page.problems)
        missing(page)
        page.go("about:blank")
        without_scripts(browser, url)


main()
