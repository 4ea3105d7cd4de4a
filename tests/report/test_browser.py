"""The page in a real browser, used as a reader would; its contents are compared with the records."""

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

from bench.results.record import Error, Ratio, Record, Results, Seconds
from tests.support import operations
from tests.support.browser import change, drawn, screen, text_of, visible_rows
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


def timed_on(workload: str) -> list[Record]:
    """The timed records of a workload, fastest first."""
    timed = (record for record in RUN.records if record.workload == workload and record.seconds)
    return sorted(timed, key=lambda record: record.seconds.estimate if record.seconds else 0.0)


def test_the_workload_is_chosen_once_for_all_charts_and_tables(page: Any) -> None:
    largest = drawn(page, "speedup")
    sizes = visible_rows(page, "sizes")
    assert {record.kernel for record in timed_on("100000x4-f64")} <= set(largest)
    change(page, "#bar [data-choice]", "1000x4-f64")
    shown = drawn(page, "speedup")
    expected = timed_on("1000x4-f64")
    assert {record.kernel for record in expected} <= set(shown)
    for record in expected:
        ratio = record.speedup
        assert ratio
        if ratio.baseline != record.kernel:
            assert any(f"{ratio.estimate:.3g}" in text for text in shown), record.kernel
    assert "loops" not in largest
    assert "loops" in shown
    # "loops" was timed on this workload only
    assert "loops" in drawn(page, "ceiling")
    for section in ("speedup", "calls", "ceiling", "cold"):
        assert set(visible_rows(page, section)) == {f"1000x4-f64 {record.kernel}" for record in expected}, section
    assert visible_rows(page, "sizes") == sizes
    assert "All charts and tables: 1000x4-f64" in text_of(page, "#status")
    assert page.execute_script("return document.querySelectorAll('[data-choice=race]').length") == 1


def test_the_scale_is_made_linear(page: Any) -> None:
    def position(kernel_at: int) -> float:
        boxes = page.execute_script(
            "return [...document.querySelectorAll('#speedup .chart .mark-symbol path')]"
            ".map(each => { const box = each.getBoundingClientRect(); return box.x + box.width / 2 })"
        )
        return float(boxes[kernel_at])

    change(page, "#bar [data-choice]", "1000x4-f64")
    spans = []
    for scale in ("log", "linear"):
        change(page, "#speedup [data-scale]", scale)
        spans.append((position(0) - position(1)) / (position(1) - position(-1)))
    fast, middle, slow = (record.speedup.estimate for record in timed_on("1000x4-f64") if record.speedup)
    assert spans[0] == pytest.approx(log(fast / middle) / log(middle / slow), rel=0.05)
    assert spans[1] == pytest.approx((fast - middle) / (middle - slow), rel=0.05)


def test_a_kernel_is_hidden_everywhere(page: Any) -> None:
    charts = ("speedup", "sizes", "calls", "ceiling", "roofline", "rounds", "heatmap", "cold", "accuracy")
    page.execute_script("document.getElementById('more').open = true")
    assert all("numpy" in drawn(page, name) for name in charts if name != "sizes")
    change(page, "#kernels input[value=numpy]", "")
    for name in charts:
        assert "numpy" not in drawn(page, name), name
        assert not any("numpy" in row for row in visible_rows(page, name)), name
        assert "hidden: numpy" in text_of(page, f"#{name} figcaption")
    assert text_of(page, "#kernels summary") == "kernels: 2 of 3"
    assert text_of(page, "#status") == "numpy is hidden; 2 of 3 kernels are shown"
    assert page.execute_script("return document.querySelectorAll('input[type=checkbox]').length") == 3


def test_a_chart_says_why_it_is_empty(page: Any) -> None:
    page.execute_script("document.querySelectorAll('#kernels input').forEach(box => box.click())")
    time.sleep(0.4)
    assert text_of(page, "#speedup .chart") == "Every kernel of this chart is hidden."
    page.execute_script("document.querySelectorAll('#kernels input').forEach(box => box.click())")
    assert "numba" in drawn(page, "speedup")


def test_a_chart_without_the_chosen_workload_says_so(browser: Any, folder: Path) -> None:
    from bench.report.page.run_page import run_page

    file = folder / "no_ceiling.html"
    records = (replace(record, ceiling=None) if record.m == 1000 else record for record in RUN.records)
    file.write_text(run_page(replace(RUN, records=tuple(records))), encoding="utf-8")
    browser.get(file.as_uri())
    drawn(browser, "ceiling")
    change(browser, "#bar [data-choice]", "1000x4-f64")
    assert text_of(browser, "#ceiling .chart") == "There is no data for 1000x4-f64 here."
    assert visible_rows(browser, "ceiling") == []


@pytest.mark.parametrize(("width", "height", "most"), [(390, 844, 60), (1400, 900, 140)])
def test_the_bar_stays_in_sight_and_is_small(page: Any, width: int, height: int, most: int) -> None:
    with screen(page, width, height):
        drawn(page, "rounds")
        box = page.execute_script("return document.getElementById('bar').getBoundingClientRect().toJSON()")
        assert box["top"] == 0
        assert box["height"] <= most
        assert page.execute_script("return document.getElementById('kernels').open") is (width > 640)
        heading = page.execute_script("return document.getElementById('rounds').getBoundingClientRect().top")
        assert heading >= box["bottom"]


def test_on_a_narrow_screen_the_kernels_open_and_close_by_keyboard(page: Any) -> None:
    with screen(page, 390, 844):
        summary = page.find_element(By.CSS_SELECTOR, "#kernels summary")
        summary.send_keys(Keys.ENTER)
        panel = page.execute_script(
            "return document.querySelector('#kernels .series').getBoundingClientRect().toJSON()"
        )
        assert 0 < panel["height"] <= 844 / 2
        assert panel["right"] <= 390
        ActionChains(page).send_keys(Keys.TAB, Keys.SPACE).perform()
        assert text_of(page, "#count") == "2 of 3"
        ActionChains(page).send_keys(Keys.ESCAPE).perform()
        assert page.execute_script("return document.getElementById('kernels').open") is False
        assert page.execute_script("return document.activeElement.tagName") == "SUMMARY"


def test_the_bar_is_used_by_keyboard_and_has_names(page: Any) -> None:
    select = page.find_element(By.CSS_SELECTOR, "#bar select")
    assert select.accessible_name == "workload"
    boxes = page.find_elements(By.CSS_SELECTOR, "#kernels input")
    assert [box.accessible_name for box in boxes] == ["loops", "numpy", "numba"]
    boxes[1].send_keys(Keys.SPACE)
    time.sleep(0.4)
    assert "numpy" not in drawn(page, "speedup")
    assert page.execute_script("return document.activeElement.value") == "numpy"
    select.send_keys("1000x")
    time.sleep(0.4)
    assert "loops" in drawn(page, "speedup")
    status = page.find_element(By.ID, "status")
    assert (status.get_attribute("role"), status.get_attribute("aria-live")) == ("status", "polite")


def test_a_screen_reader_gets_the_description_and_the_numbers(page: Any) -> None:
    chart = page.find_element(By.CSS_SELECTOR, "#speedup .chart svg")
    assert chart.get_attribute("role") == "img"
    assert "speedup over the baseline" in chart.get_attribute("aria-label")
    page.find_element(By.CSS_SELECTOR, "#speedup details summary").send_keys(Keys.ENTER)
    cells = page.find_elements(By.CSS_SELECTOR, "#speedup tr[data-row]:not([hidden]) td:nth-child(2)")
    assert [cell.text for cell in cells] == [record.kernel for record in timed_on("100000x4-f64")]


def test_a_tooltip_has_the_numbers(page: Any) -> None:
    drawn(page, "speedup")
    point = page.find_elements(By.CSS_SELECTOR, "#speedup .chart .mark-symbol path")[0]
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", point)
    ActionChains(page).move_to_element(point).perform()
    time.sleep(0.3)
    tooltip = page.execute_script("return document.getElementById('vg-tooltip-element').innerText")
    fastest = timed_on("100000x4-f64")[0]
    assert fastest.kernel in tooltip
    assert fastest.speedup
    assert f"{fastest.speedup.estimate:.3g}" in tooltip


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
    for record in (*timed_on("1000x4-f64"), *timed_on("100000x4-f64")):
        row = rows[record.workload, record.kernel]
        assert record.seconds
        assert record.speedup
        assert float(row["seconds"]) == record.seconds.estimate
        assert float(row["speedup"]) == record.speedup.estimate
    with (folder / "rounds.csv").open(newline="") as text:
        downloaded = sorted(float(row["seconds"]) for row in csv.DictReader(text))
    rounds = (seconds for race in RUN.races for samples in race["rounds"] for seconds in samples["seconds"])
    assert downloaded == sorted(float(f"{seconds:.5g}") for seconds in rounds)


def test_formulas_of_a_spreadsheet_are_downloaded_as_text(browser: Any, folder: Path) -> None:
    from bench.report.page.run_page import run_page

    names = ["=1+1", "+1", "-1", "@a", 'a "b", c']
    records = tuple(replace(RUN.records[-1], kernel=name) for name in names)
    file, saved = folder / "formulas.html", folder / "speedup.csv"
    file.write_text(run_page(replace(RUN, records=records)), encoding="utf-8")
    saved.unlink(missing_ok=True)
    browser.get(file.as_uri())
    drawn(browser, "speedup")
    browser.find_element(By.CSS_SELECTOR, "#speedup .csv").click()
    for _ in range(100):
        if saved.exists():
            break
        time.sleep(0.05)
    with saved.open(newline="") as text:
        downloaded = [row["kernel"] for row in csv.DictReader(text)]
    assert downloaded == ["'=1+1", "'+1", "'-1", "'@a", 'a "b", c']


@pytest.fixture
def descents(browser: Any, folder: Path) -> Any:
    """The page of a run of two operations, of which one has curves."""
    from bench.report.page.run_page import run_page

    file = folder / "descents.html"
    if not file.exists():
        file.write_text(run_page(operations.RUN), encoding="utf-8")
    browser.get(file.as_uri())
    browser.get_log("browser")
    drawn(browser, "curves")
    return browser


def lines_of(browser: Any, section: str) -> int:
    return len(browser.find_elements(By.CSS_SELECTOR, f"#{section} .chart .mark-line path"))


def test_curves_are_drawn_against_the_step_and_against_seconds(descents: Any) -> None:
    assert {"step", "cost", "8"} <= set(drawn(descents, "curves"))
    assert lines_of(descents, "curves") == len(operations.SECONDS)
    change(descents, "#curves [data-choice=against]", "seconds")
    shown = drawn(descents, "curves")
    assert "time" in shown
    assert "step" not in shown
    assert any(text.endswith(" µs") for text in shown)
    assert lines_of(descents, "curves") == len(operations.SECONDS)
    assert text_of(descents, "#curves figcaption") == "descend:10000x2-f64 · seconds"
    change(descents, "#curves [data-choice=race]", "descend:1000x2-f64")
    assert {row.split()[0] for row in visible_rows(descents, "curves")} == {"descend:1000x2-f64"}
    change(descents, "#curves [data-scale]", "linear")
    assert lines_of(descents, "curves") == len(operations.SECONDS)
    # vega-embed's only other messages are of charts whose rows have a fixed height
    messages = [entry["message"] for entry in descents.get_log("browser")]
    assert [message for message in messages if 'Dropping \\"fit-y\\"' not in message] == []


def test_kernels_on_one_curve_are_told_apart_by_hiding_and_by_their_symbols(descents: Any) -> None:
    change(descents, "#kernels input[value=numba-compiled]", "")
    drawn(descents, "curves")
    assert lines_of(descents, "curves") == len(operations.SECONDS) - 1
    assert "hidden: numba-compiled" in text_of(descents, "#curves figcaption")
    symbols = descents.find_elements(By.CSS_SELECTOR, "#curves .chart .mark-symbol path")
    tips = set()
    for symbol in symbols:
        descents.execute_script("arguments[0].scrollIntoView({block: 'center'})", symbol)
        ActionChains(descents).move_to_element(symbol).perform()
        time.sleep(0.2)
        tips.add(descents.execute_script("return document.getElementById('vg-tooltip-element').innerText"))
    assert {name for name in operations.SECONDS if any(name in tip.split() for tip in tips)} == (
        set(operations.SECONDS) - {"numba-compiled"}
    )
    (jax,) = (" ".join(tip.split()) for tip in tips if "jax" in tip and "after 3 steps" in tip)
    assert "0.358400 after 3 steps" in jax  # 0.7 · 0.8³
    assert "600 µs of 1.60 ms" in jax


def test_every_number_of_a_curve_is_downloaded(descents: Any, folder: Path) -> None:
    descents.find_element(By.CSS_SELECTOR, "#curves .csv").click()
    for _ in range(100):
        if (folder / "curves.csv").exists():
            break
        time.sleep(0.05)
    with (folder / "curves.csv").open(newline="") as text:
        rows = [row for row in csv.DictReader(text) if row["race"] == "descend:1000x2-f64" and row["kernel"] == "jax"]
    assert [int(row["step"]) for row in rows] == list(range(operations.STEPS + 1))
    assert [float(row["value"]) for row in rows] == pytest.approx(operations.COSTS, rel=1e-8)
    assert float(rows[-1]["seconds"]) == pytest.approx(operations.SECONDS["jax"], rel=1e-5)


def test_the_time_for_the_steps_is_a_table_in_sight(descents: Any) -> None:
    rows = visible_rows(descents, "steps")
    assert len(rows) == 2 * len(operations.SECONDS)
    table = descents.find_element(By.CSS_SELECTOR, "#steps table").text
    assert "descend:1000x2-f64 loops 8 2.00 ms 250 µs" in table


@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_of_curves_fits_the_screen(descents: Any, width: int) -> None:
    with screen(descents, width):
        drawn(descents, "curves")
        assert descents.execute_script("return document.documentElement.scrollWidth") <= width


def test_the_page_loads_nothing_and_logs_nothing(page: Any) -> None:
    page.get_log("browser")
    page.get_log("performance")
    page.refresh()
    page.execute_script("document.getElementById('more').open = true")
    for section in ("speedup", "sizes", "calls", "ceiling", "roofline", "rounds", "heatmap", "cold", "accuracy"):
        drawn(page, section)
    schemes = [
        message["params"]["request"]["url"].partition(":")[0]
        for entry in page.get_log("performance")
        if (message := json.loads(entry["message"])["message"])["method"] == "Network.requestWillBeSent"
    ]
    assert set(schemes) <= {"file", "data"}
    # Vega-Lite warns that charts whose rows have a fixed height do not fit a given height, as intended
    messages = [entry["message"] for entry in page.get_log("browser")]
    assert [message for message in messages if 'Dropping \\"fit-y\\"' not in message] == []


@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_fits_the_screen(page: Any, width: int) -> None:
    with screen(page, width):
        drawn(page, "rounds")
        assert page.execute_script("return document.documentElement.scrollWidth") <= width


def test_no_word_of_a_table_is_broken_on_a_narrow_screen(page: Any) -> None:
    """Each word of a heading is on one line."""
    script = """
        const broken = [];
        for (const cell of document.querySelectorAll('th')) {
            const walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
            for (let text; (text = walker.nextNode());)
                for (const word of text.data.matchAll(/[a-z]+/gi)) {
                    const range = document.createRange();
                    range.setStart(text, word.index);
                    range.setEnd(text, word.index + word[0].length);
                    if (new Set([...range.getClientRects()].map(box => box.top)).size > 1) broken.push(word[0]);
                }
        }
        return broken"""
    with screen(page, 390):
        page.execute_script("for (const each of document.querySelectorAll('details')) each.open = true")
        assert text_of(page, "th")
        assert page.execute_script(script) == []
        assert page.execute_script("return document.documentElement.scrollWidth") <= 390


def test_light_and_dark(page: Any) -> None:
    backgrounds = []
    for _ in range(3):
        backgrounds.append(page.execute_script("return getComputedStyle(document.body).backgroundColor"))
        page.find_element(By.ID, "theme").click()
    assert backgrounds[0] == backgrounds[2] != backgrounds[1]


def test_no_text_of_a_file_is_executed(browser: Any, folder: Path) -> None:
    from bench.report.page.run_page import run_page

    records = tuple(
        replace(
            OK,
            kernel=f"{HOSTILE}{index}",
            seconds=Seconds(1e-5 * (1 + index), 9e-6, 1e-3),
            speedup=Ratio(2.0, 1.0, 3.0, HOSTILE),
            error=Error(0.1, {HOSTILE: 4.0 + index}),
            curves={HOSTILE: [3.0, 2.0, 1.0]},
        )
        for index in range(2)
    )
    said = {
        "figures": {HOSTILE: HOSTILE}, "texts": dict.fromkeys(("bytes", "ceiling", "curve"), HOSTILE), "options": [],
    }  # fmt: skip
    failed = replace(OK, kernel="b", outcome="raised", reason=HOSTILE, seconds=None)
    machine = RUN.machine | {"id": HOSTILE, "hardware": RUN.machine["hardware"] | {"cpu": HOSTILE}}
    file = folder / "hostile.html"
    results = Results({"began": HOSTILE}, machine, (), (*records, failed), {"gradient": said})
    file.write_text(run_page(results), encoding="utf-8")
    browser.get(file.as_uri())
    browser.execute_script("document.getElementById('more').open = true")
    for section in ("speedup", "curves", "accuracy"):
        assert any("<script>" in text for text in drawn(browser, section)), section
    assert "<script>" in text_of(browser, "#curves h2")
    assert "<script>" in text_of(browser, "#accuracy .remarks")
    assert browser.execute_script("return window.pwned") is None
    assert browser.execute_script("return document.querySelectorAll('img, b').length") == 0
