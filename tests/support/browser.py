"""What the tests do with a page in a browser: read a chart or a table, change a control, set the screen."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def drawn(browser: Any, section: str, times: int = 100) -> list[str]:
    """The texts in a section's chart, once it is drawn. Scrolls to it first: a chart out of view is not drawn."""
    browser.execute_script("document.getElementById(arguments[0]).scrollIntoView()", section)
    script = "return [...document.querySelectorAll(`#${arguments[0]} .chart svg text`)].map(each => each.textContent)"
    for _ in range(times):
        if texts := browser.execute_script(script, section):
            return list(texts)
        time.sleep(0.05)
    raise AssertionError(f"{section} is not drawn")


def change(browser: Any, selector: str, value: str) -> None:
    browser.execute_script(
        "const [selector, value] = arguments; const one = document.querySelector(selector);"
        "if (one.type === 'checkbox') one.click(); else { one.value = value;"
        "one.dispatchEvent(new Event('change', {bubbles: true})); }",
        selector,
        value,
    )
    time.sleep(0.4)


def visible_rows(browser: Any, section: str) -> list[str]:
    """The first two cells of each row of a section's table that is not hidden."""
    script = (
        "return [...document.querySelectorAll(`#${arguments[0]} tr[data-row]:not([hidden])`)]"
        ".map(row => [...row.cells].slice(0, 2).map(cell => cell.textContent).join(' '))"
    )
    return list(browser.execute_script(script, section))


def text_of(browser: Any, selector: str) -> str:
    return str(browser.execute_script("return document.querySelector(arguments[0]).textContent", selector))


@contextmanager
def screen(browser: Any, width: int, height: int = 900) -> Iterator[None]:
    """The page loaded on a screen of this size."""
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        browser.refresh()
        yield
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
