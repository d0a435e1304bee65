"""What must hold of a report in a real browser: python3 check_report.py report.html
Light and dark, on a phone and on a wide screen."""
import pathlib
import sys

from browser import CONTRAST, Browser, SKIPPED, program

LEVELS = "[...document.querySelectorAll('h1,h2,h3,h4,h5,h6')].map(h => Number(h.tagName[1]))"
PICTURES = """[...document.querySelectorAll('img')].map(i => [i.alt, i.naturalWidth, i.getBoundingClientRect().width,
    Math.abs(i.naturalWidth / i.naturalHeight - i.clientWidth / i.clientHeight)])"""
UNNAMED = "[...document.querySelectorAll('svg')].filter(s => s.getAttribute('role') != 'img' || !s.querySelector('title'))"
STOPS = "[...document.querySelectorAll('[tabindex=\"0\"],a[href],button')]"


def check(true, what):
    if not true:
        sys.exit(f"FAIL: {what}")


def look(page, width, where):
    check(not page.problems, f"{where}: {page.problems}")
    check(all(r.startswith(("file:", "data:")) for r in page.requests), f"{where}: asks for {page.requests}")
    taken = page.evaluate("document.documentElement.scrollWidth")
    check(taken <= width, f"{where}: the page takes {taken} pixels")
    ratio, text = page.evaluate(CONTRAST)
    check(ratio >= 4.5, f"{where}: a contrast of {ratio:.2f} ({text})")
    pictures = page.evaluate(PICTURES)
    check(pictures, f"{where}: no pictures")
    for alt, natural, shown, off in pictures:
        check(alt and natural > 0 and shown > 20, f"{where}: picture \"{alt}\" of {natural} pixels on {shown}")
        check(off < 0.05, f"{where}: picture \"{alt}\" is out of shape")


def structure(page):
    levels = page.evaluate(LEVELS)
    check(levels[0] == 1 and levels.count(1) == 1, f"headings of levels {levels}")
    check(all(b - a <= 1 for a, b in zip(levels, levels[1:])), f"headings leave a level out: {levels}")
    check(page.evaluate(UNNAMED + ".length") == 0, "a drawing without role and title")
    named = page.accessible()
    check(any(role == "main" for role, _ in named), "no main part")
    for role, name in named:
        check(name or role not in ("image", "img", "region", "table"), f"a {role} without a name")


def keyboard(page):
    """Tab goes through everything that scrolls, from top to bottom, each stop to be seen; arrows scroll it."""
    stops = page.evaluate(STOPS + ".map(e => e.getAttribute('aria-label'))")
    check(len(stops) >= 4, f"only {stops} can be reached")
    for stop in stops:
        page.press("Tab")
        check(page.evaluate("document.activeElement.getAttribute('aria-label')") == stop, f"Tab misses {stop}")
        check(page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid",
              f"nothing shows that {stop} is reached")
    check(page.evaluate("document.activeElement.scrollWidth > document.activeElement.clientWidth"),
          "the last is not wide")
    page.press("ArrowRight")
    page.until("document.activeElement.scrollLeft > 0")


def main():
    if program() is None:
        print("there is no chromium: the report is not looked at")
        sys.exit(SKIPPED)
    url = pathlib.Path(sys.argv[1]).resolve().as_uri()
    with Browser() as browser:
        for width in (400, 1200):
            for dark in (False, True):
                look(browser.open(url, width, dark=dark), width, f"{width} pixels, {'dark' if dark else 'light'}")
        structure(browser.open(url))
        keyboard(browser.open(url, 400))


main()
