"""The report in a real browser, Debian's Chromium: readable at every width, in light and dark, by keyboard alone.

And the recording of the documents: that it plays.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from lab.settings import PROJECT

CHROMIUM = "/usr/bin/chromium"
WIDTHS = (400, 1600)
SCHEMES: tuple[Literal["light"], Literal["dark"]] = ("light", "dark")
# WCAG 2.1, 1.4.3: of text against what is behind it.
CONTRAST = 4.5
SMALLEST = 11  # pixels of a letter's size
RECORDING = PROJECT / "docs/pictures/rehearse.svg"
# The numbers of the pictures of a film whose clock is in its window at this second.
SHOWN = """(at) => {
    document.getAnimations().forEach((each) => { each.pause(); each.currentTime = at * 1000; });
    const window = document.querySelector('svg > rect').getBoundingClientRect();
    return [...document.querySelectorAll('.film > g')].map((each, i) => [i, each.firstChild.getBoundingClientRect()])
        .filter(([i, clock]) => clock.top >= window.top && clock.bottom <= window.bottom).map(([i, clock]) => i);
}"""

# Every text that is seen: its colour against the backgrounds behind it, laid over each other, and its size in pixels.
TEXTS = """() => {
    const rgba = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
    const over = (top, below) => top.slice(0, 3).map((c, i) => c * top[3] + below[i] * (1 - top[3])).concat(1);
    const light = (c) => c.slice(0, 3).map((v) => v / 255)
        .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = (element) => {
        if (!element) return [128, 128, 128, 1];  // the body has a colour of its own
        return over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement));
    };
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node; (node = walker.nextNode());) {
        const element = node.parentElement;
        if (!node.data.trim() || ['STYLE', 'desc', 'title'].includes(element.tagName)) continue;
        if (!element.checkVisibility()) continue;
        const style = getComputedStyle(element), svg = element.ownerSVGElement;
        const back = behind(svg ? svg.parentElement : element);
        const front = over(rgba(svg ? style.fill : style.color), back);
        const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
        const scale = svg ? svg.clientWidth / svg.viewBox.baseVal.width : 1;
        const size = parseFloat(style.fontSize) * scale;
        found.push({text: node.data.trim(), contrast: (a + 0.05) / (b + 0.05), size});
    }
    return found;
}"""
# What a person can act on: links, summaries, regions that scroll. `path` tells them apart.
PATH = """const path = (e) => e.tagName + '|' + (e.getAttribute('aria-label') || e.textContent.trim());"""
INTERACTIVE = f"""() => {{ {PATH}
    return [...document.querySelectorAll('a[href], summary, [tabindex="0"], button, input, select')]
        .filter((e) => e.checkVisibility()).map(path); }}"""
FOCUSED = f"""() => {{ {PATH}
    const e = document.activeElement;
    const style = getComputedStyle(e);
    return e === document.body ? null : [path(e), style.outlineStyle, style.outlineWidth]; }}"""


@dataclass
class Seen:
    """A page in the browser, and all that its console said."""

    page: Page
    said: list[str] = field(default_factory=list)

    def ask(self, script: str, argument: Any = None) -> Any:
        """What `script` answers there."""
        return self.page.evaluate(script, argument)

    def walk(self) -> list[str]:
        """The elements that Tab reaches one after another; each shows that it has the focus."""
        reached: list[str] = []
        for _ in range(500):
            self.page.keyboard.press("Tab")
            now = self.ask(FOCUSED)
            if now is None or now[0] in reached[:1]:
                return reached
            assert now[1] != "none" and float(now[2].removesuffix("px")) >= 2, now
            reached.append(now[0])
        raise AssertionError("Tab never comes to an end")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, without a screen."""
    with sync_playwright() as playwright:
        # Its sandbox needs another user than root.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        made = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield made
        made.close()


@pytest.fixture(scope="module", params=[20, 100], ids=lambda workers: f"{workers} workers")
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with all there is to show."""
    folder = tmp_path_factory.mktemp("report") / "prod"
    # Apart: pyinfra's command line, which the samples come by, replaces threads.
    command = [sys.executable, "-m", "tests.unit.report_samples", str(folder), str(request.param)]
    subprocess.run(command, cwd=PROJECT, check=True)
    return folder / "index.html"


@pytest.fixture(
    params=[(width, scheme) for width in WIDTHS for scheme in SCHEMES], ids=lambda each: f"{each[0]}-{each[1]}"
)
def seen(request: pytest.FixtureRequest, browser: Browser, report: Path) -> Iterator[Seen]:
    """The report at a width and in a colour scheme."""
    width, scheme = request.param
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = Seen(context.new_page())
    page.page.on("console", lambda message: page.said.append(message.text))
    page.page.on("pageerror", lambda error: page.said.append(str(error)))
    page.page.goto(report.as_uri())
    yield page
    context.close()
    assert page.said == []


def test_nothing_is_wider_than_the_window(seen: Seen) -> None:
    for open_details in (False, True):
        if open_details:
            seen.ask("() => document.querySelectorAll('details').forEach((each) => each.open = true)")
        assert seen.ask("() => document.documentElement.scrollWidth <= window.innerWidth")


def test_text_can_be_read(seen: Seen) -> None:
    seen.ask("() => document.querySelectorAll('details').forEach((each) => each.open = true)")
    texts = seen.ask(TEXTS)
    assert len(texts) > 200 and any("openpai-[003-004]" in each["text"] for each in texts)
    assert [each for each in texts if each["contrast"] < CONTRAST] == []
    assert [each for each in texts if each["size"] < SMALLEST] == []


def test_the_schemes_differ(browser: Browser, report: Path) -> None:
    backgrounds = []
    for scheme in SCHEMES:
        page = browser.new_page(color_scheme=scheme)
        page.goto(report.as_uri())
        backgrounds.append(page.evaluate("() => getComputedStyle(document.body).backgroundColor"))
        page.close()
    assert backgrounds == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]


def test_the_keyboard_reaches_everything(seen: Seen) -> None:
    wanted = seen.ask(INTERACTIVE)
    assert seen.walk() == wanted and len(wanted) > 8


def test_the_keyboard_opens_what_is_closed(seen: Seen) -> None:
    for summary in seen.page.locator("summary").all():
        summary.focus()
        seen.page.keyboard.press("Enter")
    assert seen.ask("() => [...document.querySelectorAll('details')].every((each) => each.open)")
    seen.ask("() => document.activeElement.blur()")
    seen.page.mouse.click(0, 0)
    assert set(seen.walk()) == set(seen.ask(INTERACTIVE))


def test_the_matrix_scrolls_under_its_headings(seen: Seen) -> None:
    seen.page.locator("details").last.evaluate("(each) => each.open = true")
    region = seen.page.get_by_role("region", name="every host by itself")
    region.focus()
    seen.page.keyboard.press("End")
    box = region.bounding_box()
    heading, last = region.locator("thead th").first, region.locator("tbody tr").last
    assert box is not None
    seen.page.wait_for_function(
        "(region) => region.scrollTop + region.clientHeight >= region.scrollHeight - 2", arg=region.element_handle()
    )
    above, below = heading.bounding_box(), last.bounding_box()
    assert above is not None and abs(above["y"] - box["y"]) <= 2, "the headings stay"
    assert below is not None and below["y"] < box["y"] + box["height"], "the last host is seen"
    if seen.page.viewport_size and seen.page.viewport_size["width"] == min(WIDTHS):
        seen.page.keyboard.press("ArrowRight")
        seen.page.wait_for_function("(region) => region.scrollLeft > 0", arg=region.element_handle())
        name = last.locator("th").bounding_box()
        assert name is not None and abs(name["x"] - box["x"]) <= 2, "the host's name stays"


def test_the_recording_plays(browser: Browser) -> None:
    page = browser.new_page()
    seen = Seen(page)
    page.on("console", lambda message: seen.said.append(message.text))
    page.goto(RECORDING.as_uri())
    count = seen.ask("() => document.querySelectorAll('.film > g').length")
    seconds = seen.ask("() => document.getAnimations()[0].effect.getTiming().duration") / 1000
    assert count > 30 and 30 <= seconds <= 40
    shown = [seen.ask(SHOWN, at) for at in (0, seconds / 3, seconds / 2, seconds - 0.01)]
    assert shown[0] == [0] and shown[-1] == [count - 1] and shown == sorted(shown), shown
    assert all(len(each) == 1 for each in shown) and seen.said == []
    page.close()


def test_whoever_wants_no_motion_sees_how_the_recording_ends(browser: Browser) -> None:
    page = browser.new_page(reduced_motion="reduce")
    page.goto(RECORDING.as_uri())
    count = page.evaluate("() => document.querySelectorAll('.film > g').length")
    assert page.evaluate("() => document.getAnimations().length") == 0
    assert page.evaluate(SHOWN, 0) == [count - 1]
    page.close()
