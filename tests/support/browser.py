"""A real browser, without a window: Debian's chromium and its driver, asked by selenium."""

import shutil

import pytest


def started(width=1280, height=900):
    """A browser, or a skip that says what is missing."""
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no chromium and chromedriver; on Debian: apt install chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in (
        "--headless=new",
        "--no-sandbox",  # root has none
        "--disable-dev-shm-usage",
        "--disable-gpu",
        f"--window-size={width},{height}",
        "--host-resolver-rules=MAP evil.example 127.0.0.1",  # a name that leads to this machine
    ):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    service = webdriver.ChromeService(executable_path=driver)
    return webdriver.Chrome(options=options, service=service)


def wait_for(browser, condition, seconds=20):
    """What a script's expression gives, once it is true."""
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(browser, seconds, 0.02).until(
        lambda _: browser.execute_script(f"return {condition}")
    )


def complaints(browser):
    """What the page has logged as errors."""
    lines = [line["message"] for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    return [line for line in lines if "Failed to load resource" not in line]  # a refusal
