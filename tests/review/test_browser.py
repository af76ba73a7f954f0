"""A review and a report in a real browser: filter, drag, keys, undo, two tabs, names, strangers."""

import http.server
import json
import threading

import numpy as np
import pytest
from support.browser import complaints, started, wait_for
from support.review_cases import FRAME, MARKUP, correct, number_of, told

from stn_cv import rectify_folder
from stn_cv.folder.corner_files import known_corners
from stn_cv.opencv import read_image


@pytest.fixture(scope="module")
def browser():
    browser = started()
    yield browser
    browser.quit()


@pytest.fixture
def page(browser, served):
    """The review's page, opened."""
    browser.get(served.address)
    wait_for(browser, "document.querySelectorAll('.card').length === 8")
    yield browser
    assert complaints(browser) == []


def press(browser, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(browser).send_keys(*keys).perform()


def opened(browser, served, name):
    """Open a photo by clicking its card; its number."""
    number = number_of(served.address, name)
    browser.execute_script(
        "[...document.querySelectorAll('.card')]"
        ".find((card) => card.ariaLabel.endsWith(arguments[0])).click()",
        name,
    )
    wait_for(browser, f"document.getElementById('name').textContent.endsWith({json.dumps(name)})")
    wait_for(browser, "document.getElementById('photo').complete")
    return number


def said(browser, words):
    wait_for(browser, f"document.getElementById('said').textContent.includes({json.dumps(words)})")


def saved(served):
    """Corners by the end of the photos' paths."""
    rows = known_corners(served.session.corrections.path)
    return {row.path.rpartition("/in/")[2]: row.corners for row in rows}


def chosen(browser, name, value):
    script = "const e = document.querySelector(`#filters [name=${arguments[0]}]`);"
    script += "e.value = arguments[1]; e.dispatchEvent(new Event('input', {bubbles: true}))"
    browser.execute_script(script, name, value)


def found(browser, count):
    words = "1 photo" if count == 1 else f"{count} photos"
    wait_for(browser, f"document.getElementById('found').textContent === '{words}'")
    assert len(browser.find_elements("css selector", ".card")) == count


def test_filters(page, served):
    chosen(page, "status", "error")
    found(page, 1)
    chosen(page, "status", "done")
    found(page, 7)
    chosen(page, "turn", "31")
    found(page, 0)
    page.find_element("css selector", "#filters [type=reset]").click()
    found(page, 8)
    correct(served.address, number_of(served.address, "a.png"), FRAME)
    chosen(page, "mark", "corrected")
    found(page, 1)


def test_a_corner_is_dragged_and_the_file_and_the_output_are_what_python_makes_of_it(
    page, served, run, tmp_path
):
    from selenium.webdriver.common.action_chains import ActionChains

    number = opened(page, served, "a.png")
    before = np.array(told(served.address, f"photo/{number}")[1]["corners"])
    corner = page.find_elements("css selector", ".corner")[2]
    page.execute_script("arguments[0].scrollIntoView({block: 'center'})", corner)
    scale = page.execute_script(
        "return document.getElementById('frame').viewBox.baseVal.width /"
        " document.getElementById('stage').getBoundingClientRect().width"
    )
    ActionChains(page).click_and_hold(corner).move_by_offset(-30, 20).release().perform()
    said(page, "Corner 3 moved. Saved.")
    shown = told(served.address, f"photo/{number}")[1]
    after = np.array(shown["corners"])
    np.testing.assert_allclose(after[2], before[2] + scale * np.array([-30, 20]), atol=0.01)
    np.testing.assert_array_equal(after[[0, 1, 3]], before[[0, 1, 3]])
    np.testing.assert_array_equal(saved(served)["a.png"], after)
    assert "mark" in shown and shown["mark"] == "corrected"
    folder, model = run
    options = {"corrections": served.session.corrections.path}
    rectify_folder(model, folder / "in", tmp_path / "out", **options)
    photo = read_image(folder / "in" / "a.png")
    wanted = model.rectify_photo(photo, corners=after)
    np.testing.assert_array_equal(read_image(tmp_path / "out" / "a.png"), wanted)


def test_keys_do_everything(page, served):
    from selenium.webdriver.common.keys import Keys

    number = opened(page, served, "d.png")
    start = np.array(told(served.address, f"photo/{number}")[1]["corners"])
    press(page, "2", Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    wait_for(page, "document.activeElement.ariaLabel.startsWith('Corner 2')")
    moved = start + [[0, 0], [2, 1], [0, 0], [0, 0]]
    said(page, "Corner 2 at")
    wait_for(
        page,
        f"document.activeElement.ariaLabel.includes('x {moved[1][0]:.1f}, y {moved[1][1]:.1f}')",
    )
    press(page, "r")
    said(page, "A quarter turn. Saved.")
    np.testing.assert_allclose(saved(served)["d.png"], np.roll(moved, -1, axis=0), atol=0.001)
    press(page, "m")
    said(page, "counter-clockwise")
    np.testing.assert_allclose(saved(served)["d.png"], np.roll(moved, -1, axis=0), atol=0.001)
    press(page, "u")
    said(page, "Undone: as it was saved.")
    press(page, "u")
    said(page, "Undone. Saved.")
    np.testing.assert_allclose(saved(served)["d.png"], moved, atol=0.001)
    press(page, "h")
    said(page, "Marked as hopeless. Saved.")
    assert saved(served)["d.png"] is None
    press(page, "0")
    said(page, "Back to what was found. Saved.")
    assert "d.png" not in saved(served)
    press(page, "y")
    said(page, "Marked as right. Saved.")
    np.testing.assert_array_equal(saved(served)["d.png"], start)
    press(page, "]")
    said(page, "Turned. Saved.")
    first = page.find_element("id", "name").text
    press(page, "n")
    wait_for(page, f"document.getElementById('name').textContent !== {json.dumps(first)}")
    press(page, "p")
    wait_for(page, f"document.getElementById('name').textContent === {json.dumps(first)}")
    press(page, Keys.ESCAPE)
    wait_for(page, "document.getElementById('editor').hidden")
    assert page.switch_to.active_element.get_attribute("aria-label").endswith("d.png")
    press(page, Keys.ARROW_LEFT)
    assert not page.switch_to.active_element.get_attribute("aria-label").endswith("d.png")
    press(page, Keys.ENTER)
    wait_for(page, "!document.getElementById('editor').hidden")


def test_keys_that_come_faster_than_photos_are_followed_in_their_order(page, served):
    opened(page, served, "a.png")
    cards = [card["name"] for card in told(served.address, "photos")[1]["cards"]]
    wanted = cards[[name.endswith("a.png") for name in cards].index(True) :][:4]
    press(page, "y", "n", "y", "n", "h", "n")
    wait_for(page, f"document.getElementById('name').textContent === {json.dumps(wanted[3])}")
    marks = {card["name"]: card["mark"] for card in told(served.address, "photos")[1]["cards"]}
    assert [marks.pop(name) for name in wanted] == ["right", "right", "hopeless", "none"]
    assert set(marks.values()) == {"none"}


def test_undo_goes_back_to_the_photo_that_was_changed(page, served):
    opened(page, served, "c.webp")
    press(page, "h")
    said(page, "Marked as hopeless. Saved.")
    opened(page, served, "e.png")
    press(page, "u")
    said(page, "Undone. Saved.")
    assert page.find_element("id", "name").text.endswith("c.webp")
    assert saved(served) == {}
    press(page, "u")
    said(page, "nothing to undo")


def test_two_tabs_do_not_write_over_one_another(page, served):
    opened(page, served, "e.png")
    correct(served.address, number_of(served.address, "e.png"), FRAME)  # the other tab
    press(page, "h")
    wait_for(page, "document.getElementById('said').textContent.includes('in another tab')")
    np.testing.assert_array_equal(saved(served)["e.png"], FRAME)
    assert "x 33.5, y 6.3" in page.find_elements("css selector", ".corner")[1].get_attribute(
        "aria-label"
    )
    press(page, "h")
    said(page, "Marked as hopeless. Saved.")


def test_a_name_full_of_markup_is_a_name(page, served):
    opened(page, served, MARKUP)
    assert MARKUP in page.find_element("id", "name").text
    assert page.title == "Review of m.jsonl"
    press(page, "y")
    said(page, "Saved.")
    assert list(saved(served)) == [MARKUP]


def test_a_photo_of_16_bits_is_shown_and_a_broken_one_explained(page, served):
    opened(page, served, "deep.tiff")
    assert page.execute_script("return document.getElementById('photo').naturalWidth") == 40
    wait_for(page, "document.getElementById('result').naturalWidth > 0")
    page.execute_script("document.querySelector('.card').click()")
    said(page, "begin as no image")
    press(page, "y")
    said(page, "cannot be shown")


class Stranger(http.server.BaseHTTPRequestHandler):
    """Another page of this machine."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format, *arguments):
        pass


@pytest.fixture(scope="module")
def stranger():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/"
        server.shutdown()
        thread.join()


def test_a_stranger_reaches_nothing(browser, served, stranger):
    browser.get(served.address.replace("127.0.0.1", "evil.example"))
    assert "this host is not served" in browser.page_source
    browser.get(stranger)
    script = """const [address, body, done] = arguments;
    fetch(address, {mode: "no-cors", method: "POST", body}).finally(() => done("sent"))"""
    body = json.dumps({"version": 0, "mark": "hopeless"})
    assert browser.execute_async_script(script, served.address + "photo/1", body) == "sent"
    assert told(served.address, "photos")[1]["marked"]["none"] == 8
    script = """const [address, done] = arguments, image = new Image();
    image.onload = () => done("seen"); image.onerror = () => done("refused"); image.src = address"""
    address = served.address + "photo/0/before.jpg"
    assert browser.execute_async_script(script, address) == "refused"
    browser.get_log("browser")  # the refusals


def test_a_server_that_ended_is_told(browser, served):
    browser.get(served.address)
    wait_for(browser, "document.querySelectorAll('.card').length === 8")
    opened(browser, served, "a.png")
    browser.set_network_conditions(offline=True, latency=0, throughput=0)
    press(browser, "h")
    said(browser, "does not answer")
    browser.delete_network_conditions()
    press(browser, "h")
    said(browser, "Marked as hopeless. Saved.")


@pytest.mark.parametrize(("width", "scale"), [(360, 1), (1280, 1), (640, 2)])
def test_nothing_sticks_out_when_narrow_or_at_200_percent(browser, served, width, scale):
    """As far as the page itself scrolls: never sideways. At 200 % half the width is left."""
    size = {"width": width, "height": 450, "deviceScaleFactor": scale, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    try:
        browser.get(served.address)
        wait_for(browser, "document.querySelectorAll('.card').length === 8")
        opened(browser, served, MARKUP)
        sizes = "[document.documentElement.scrollWidth, window.innerWidth]"
        scrolled, shown = browser.execute_script(f"return {sizes}")
        assert scrolled <= shown == width
    finally:
        browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_report_is_one_page_that_filters_and_is_walked_by_keys(browser, run, tmp_path):
    from selenium.webdriver.common.keys import Keys

    folder, model = run
    rectify_folder(model, folder / "in", tmp_path / "out", report=tmp_path / "r.html")
    browser.get((tmp_path / "r.html").as_uri())
    found(browser, 8)
    assert browser.title == "Rectified photos: r.html"
    loaded = "[...document.querySelectorAll('.card img')].filter((i) => i.naturalWidth > 0).length"
    wait_for(browser, f"{loaded} === 14")
    browser.execute_script("document.querySelector('.card').focus()")
    names = [
        card.get_attribute("aria-label") for card in browser.find_elements("css selector", ".card")
    ]
    for key, name in [(Keys.ARROW_RIGHT, names[1]), (Keys.END, names[-1]), (Keys.HOME, names[0])]:
        press(browser, key)
        assert browser.switch_to.active_element.get_attribute("aria-label") == name
    chosen(browser, "status", "error")
    found(browser, 1)
    assert complaints(browser) == []
