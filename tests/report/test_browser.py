"""The page in a real browser, with what a reader does to it; what is read there is compared with the records."""

from __future__ import annotations

import csv
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest

from bench.results.record import Ratio, Record, Results, Seconds
from tests.support.pages import HOSTILE, RUN
from tests.support.records import OK

pytest.importorskip("selenium", reason="Selenium is not installed: pip install --group dev")
pytest.importorskip("altair", reason="Altair is not installed: pip install '.[report]'")
pytest.importorskip("vl_convert", reason="vl-convert is not installed: pip install '.[report]'")

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="no Chromium and its driver here: apt-get install chromium chromium-driver"
)
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--window-size=1400,1000",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def browser(folder: Path) -> Iterator[Any]:
    assert BROWSER
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in (*_FLAGS, f"--user-data-dir={folder / 'profile'}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.add_experimental_option("prefs", {"download.default_directory": str(folder)})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    try:
        yield driver
    finally:
        driver.quit()


@pytest.fixture
def page(browser: Any, folder: Path) -> Any:
    from bench.report.page.run_page import run_page

    file = folder / "page.html"
    if not file.exists():
        file.write_text(run_page(RUN), encoding="utf-8")
    browser.get(file.as_uri())
    drawn(browser, "speedup")
    return browser


def drawn(browser: Any, section: str, times: int = 100) -> list[str]:
    """The texts in a section's chart, once it is drawn. It is brought into view first, as charts wait for that."""
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


def of(workload: str) -> list[Record]:
    """The records that were timed, fastest first."""
    timed = (record for record in RUN.records if record.workload == workload and record.seconds)
    return sorted(timed, key=lambda record: record.seconds.median if record.seconds else 0.0)


def test_a_workload_is_chosen(page: Any) -> None:
    largest = drawn(page, "speedup")
    assert {record.kernel for record in of("100000x4-f64")} <= set(largest)
    change(page, "#speedup [data-choice]", "1000x4-f64")
    shown = drawn(page, "speedup")
    expected = of("1000x4-f64")
    assert {record.kernel for record in expected} <= set(shown)
    for record in expected:
        ratio = record.speedup
        assert ratio
        if ratio.baseline != record.kernel:
            assert any(f"{ratio.estimate:.3g}" in text for text in shown), record.kernel
    assert "loops" not in largest
    assert "loops" in shown
    # the other charts follow
    assert page.execute_script("return document.querySelector('#limit [data-choice]').value") == "1000x4-f64"
    visible = page.execute_script("return document.querySelectorAll('#speedup tr[data-row]:not([hidden])').length")
    assert visible == len(expected)


def test_the_scale_is_made_linear(page: Any) -> None:
    def place(kernel_at: int) -> float:
        boxes = page.execute_script(
            "return [...document.querySelectorAll('#speedup .chart .mark-symbol path')]"
            ".map(each => { const box = each.getBoundingClientRect(); return box.x + box.width / 2 })"
        )
        return float(boxes[kernel_at])

    change(page, "#speedup [data-choice]", "1000x4-f64")
    spans = []
    for scale in ("log", "linear"):
        change(page, "#speedup [data-scale]", scale)
        spans.append((place(0) - place(1)) / (place(1) - place(-1)))
    fast, middle, slow = (record.speedup.estimate for record in of("1000x4-f64") if record.speedup)
    assert spans[0] == pytest.approx(log(fast / middle) / log(middle / slow), rel=0.05)
    assert spans[1] == pytest.approx((fast - middle) / (middle - slow), rel=0.05)


def test_a_kernel_is_hidden_everywhere(page: Any) -> None:
    assert "numpy" in drawn(page, "speedup")
    change(page, "#speedup input[value=numpy]", "")
    assert "numpy" not in drawn(page, "speedup")
    assert "numpy" not in drawn(page, "limit")
    assert "hidden: numpy" in page.execute_script("return document.querySelector('#speedup figcaption').textContent")


def test_with_every_kernel_hidden_it_says_so(page: Any) -> None:
    page.execute_script("document.querySelectorAll('#speedup input').forEach(box => box.click())")
    time.sleep(0.4)
    assert "hidden" in page.execute_script("return document.querySelector('#speedup .chart').textContent")
    page.execute_script("document.querySelectorAll('#speedup input').forEach(box => box.click())")
    assert "numba" in drawn(page, "speedup")


def test_it_is_told_to_those_who_do_not_see_it(page: Any) -> None:
    chart = page.find_element(By.CSS_SELECTOR, "#speedup .chart svg")
    assert chart.get_attribute("role") == "img"
    assert "speedup over the baseline" in chart.get_attribute("aria-label")
    page.find_element(By.CSS_SELECTOR, "#speedup details summary").send_keys(Keys.ENTER)
    cells = page.find_elements(By.CSS_SELECTOR, "#speedup tr[data-row]:not([hidden]) td:nth-child(2)")
    assert [cell.text for cell in cells] == [record.kernel for record in of("100000x4-f64")]


def test_a_tooltip_says_the_figures(page: Any) -> None:
    drawn(page, "speedup")
    point = page.find_elements(By.CSS_SELECTOR, "#speedup .chart .mark-symbol path")[0]
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)
    ActionChains(page).move_to_element(point).perform()
    time.sleep(0.3)
    says = page.execute_script("return document.getElementById('vg-tooltip-element').innerText")
    fastest = of("100000x4-f64")[0]
    assert fastest.kernel in says
    assert fastest.speedup
    assert f"{fastest.speedup.estimate:.3g}" in says


def test_the_numbers_are_downloaded(page: Any, folder: Path) -> None:
    for name in ("speedup", "rounds"):
        drawn(page, name)
        page.find_element(By.CSS_SELECTOR, f"#{name} .csv").click()
        for _ in range(100):
            if (folder / f"{name}.csv").exists():
                break
            time.sleep(0.05)
    with (folder / "speedup.csv").open(newline="") as text:
        rows = {(row["race"], row["kernel"]): row for row in csv.DictReader(text)}
    assert len(rows) == sum(record.seconds is not None for record in RUN.records)
    for record in (*of("1000x4-f64"), *of("100000x4-f64")):
        row = rows[record.workload, record.kernel]
        assert record.seconds
        assert record.speedup
        assert float(row["seconds"]) == record.seconds.median
        assert float(row["speedup"]) == record.speedup.estimate
    with (folder / "rounds.csv").open(newline="") as text:
        found = sorted(float(row["seconds"]) for row in csv.DictReader(text))
    rounds = (seconds for race in RUN.races for entry in race["rounds"] for seconds in entry["seconds"])
    assert found == sorted(float(f"{seconds:.5g}") for seconds in rounds)


def test_nothing_is_fetched_and_nothing_complains(page: Any) -> None:
    page.get_log("browser")
    page.get_log("performance")
    page.refresh()
    page.execute_script("document.getElementById('more').open = true")
    for section in ("speedup", "sizes", "calls", "limit", "roofline", "rounds", "heatmap", "cold", "accuracy"):
        drawn(page, section)
    asked = [
        message["params"]["request"]["url"].partition(":")[0]
        for entry in page.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
    ]
    assert set(asked) <= {"file", "data"}
    # Vega-Lite warns that it cannot fit the height of charts whose rows have a fixed one: that is meant
    said = [entry["message"] for entry in page.get_log("browser")]
    assert [message for message in said if 'Dropping \\"fit-y\\"' not in message] == []


@pytest.mark.parametrize("width", [390, 1400])
def test_it_fits_the_screen(page: Any, width: int) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500},
    )
    try:
        page.refresh()
        drawn(page, "rounds")
        assert page.execute_script("return document.documentElement.scrollWidth") <= width
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_light_and_dark(page: Any) -> None:
    grounds = []
    for _ in range(3):
        grounds.append(page.execute_script("return getComputedStyle(document.body).backgroundColor"))
        page.find_element(By.ID, "theme").click()
    assert grounds[0] == grounds[2] != grounds[1]


def test_what_a_file_says_is_never_run(browser: Any, folder: Path) -> None:
    from bench.report.page.run_page import run_page

    records = tuple(
        replace(
            OK,
            kernel=f"{HOSTILE}{place}",
            seconds=Seconds(1e-5 * (1 + place), 9e-6, 1e-3),
            speedup=Ratio(2.0, 1.0, 3.0, HOSTILE),
        )
        for place in range(2)
    )
    failed = replace(OK, kernel="b", outcome="raised", reason=HOSTILE, seconds=None)
    machine = RUN.machine | {"id": HOSTILE, "hardware": RUN.machine["hardware"] | {"cpu": HOSTILE}}
    file = folder / "hostile.html"
    file.write_text(run_page(Results({"began": HOSTILE}, machine, (), (*records, failed))), encoding="utf-8")
    browser.get(file.as_uri())
    assert any("<script>" in text for text in drawn(browser, "speedup"))
    assert browser.execute_script("return window.pwned") is None
    assert browser.execute_script("return document.querySelectorAll('img, b').length") == 0
