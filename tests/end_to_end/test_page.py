"""The page in a real browser, opened from disk."""

import json
import re
import shutil

import pytest

from sppl.report.page import write_page
from sppl.visible import make_visible
from tests.unit.report.frames import HOSTILE, HOSTILES, hostile_names, many_tasks, one_task

INSTALL = "no Chromium: apt-get install chromium chromium-driver"
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-default-apps"),
)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not program or not driver:
        pytest.skip(INSTALL)
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = program
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    started = webdriver.Chrome(options=options, service=Service(driver))
    yield started
    started.quit()


@pytest.fixture
def opened(browser, tmp_path):
    """Opens a page of these frames and returns the browser; earlier messages are forgotten."""

    def call(frames, width=1280):
        path = write_page(tmp_path, name="shown", provenance={"command": "python run.py"}, **frames)
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        for kind in ("browser", "performance"):
            browser.get_log(kind)
        browser.get(path.as_uri())
        return browser

    return call


def column(browser, table: str, at: int) -> list[str]:
    return browser.execute_script(
        "const rows = document.querySelector(`[aria-label='${arguments[0]}'] tbody`).rows;"
        "return [...rows].map((row) => row.cells[arguments[1]].textContent);",
        table,
        at,
    )


def heading(browser, table: str, name: str):
    buttons = browser.find_elements("css selector", f"[aria-label='{table}'] th button")
    return next(one for one in buttons if one.text == name)


def test_the_page_opens_from_disk_without_errors_and_without_the_network(opened):
    browser = opened(one_task())
    assert browser.find_element("tag name", "h1").text == "shown"
    assert browser.get_log("browser") == []
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    asked = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert asked
    assert all(url.startswith(("file:", "data:")) for url in asked)


def test_a_strategy_named_like_a_script_is_shown_and_not_run(opened):
    browser = opened(one_task())
    assert browser.title == "shown"
    assert HOSTILE in column(browser, "Strategies", 0)


def test_no_name_runs_or_turns_the_page_and_all_are_there_to_be_read(opened):
    browser = opened(hostile_names())
    assert browser.title == "shown"
    assert browser.execute_script("return typeof owned") == "undefined"
    assert browser.get_log("browser") == []
    assert browser.find_elements("css selector", "a, img, iframe, [onload], [onerror], [onmouseover]") == []
    shown = [" ".join(text.split()) for text in column(browser, "Strategies", 0)]
    assert set(shown) == {"gpt4", "claude", *(" ".join(make_visible(name).split()) for name in HOSTILES)}
    text = browser.execute_script("return document.documentElement.textContent")
    assert not re.search("[\x00-\x08\x0b-\x1f\x80-\x9f\u200b\u202a-\u202e\u2066-\u2069]", text)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 1280


def test_a_click_sorts_numbers_as_numbers_and_leaves_what_is_missing_last(opened):
    browser = opened(one_task())
    button = heading(browser, "Strategies", "sppl_n2")
    button.click()
    assert column(browser, "Strategies", 1) == ["2.000 (1)", "3.000 (2)", "16.000 (3)", "n/a"]
    button.click()
    assert column(browser, "Strategies", 1) == ["16.000 (3)", "3.000 (2)", "2.000 (1)", "n/a"]
    heads = browser.find_elements("css selector", "[aria-label='Strategies'] th[aria-sort]")
    assert [(head.text, head.get_attribute("aria-sort")) for head in heads] == [("sppl_n2", "descending")]


def test_the_keyboard_sorts_as_the_mouse_does(opened):
    from selenium.webdriver.common.keys import Keys

    browser = opened(one_task())
    heading(browser, "Strategies", "strategy").send_keys(Keys.ENTER)
    assert column(browser, "Strategies", 0) == [HOSTILE, "claude", "gpt4 (simulated)", "untrained"]


@pytest.mark.parametrize("width", [1280, 400])
@pytest.mark.parametrize("frames", [one_task, many_tasks])
def test_no_width_makes_the_page_wider_than_the_screen(opened, frames, width):
    browser = opened(frames(), width)
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    boxes = "return [...document.querySelectorAll('svg')].map((one) => one.getBoundingClientRect().width)"
    assert all(100 < drawn <= width for drawn in browser.execute_script(boxes))
