"""The live page in Chromium: boxes at the right pixels of a drawn scene, sliders that act, readers that stall.

Arguments: the address that `cargo run -p ocelli-live --example scene` serves, and a folder for screenshots.
"""
import os
import shutil
import socket
import sys
import time

from playwright.sync_api import sync_playwright

address, folder = sys.argv[1], sys.argv[2]
url = f"http://{address}/"
os.makedirs(folder, exist_ok=True)

# What is told of a frame, and colours of its canvas across three sides of every box: on the line, 6 pixels within and
# without. Taken in one go, so they belong together.
LOOK = """() => {
  const told = window.ocelliFrame, view = document.getElementById('view');
  if (!told) return null;
  const paint = view.getContext('2d'), scale = view.width / told.width, off = 6 * devicePixelRatio / scale;
  const at = (x, y) => ({ x, y, colour: Array.from(
    paint.getImageData(Math.round(x * scale), Math.round(y * scale), 1, 1).data.slice(0, 3)) });
  return { off, boxes: told.answer.detections.map((box) => {
    const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    const across = (x, y, dx, dy) => [0, -off, off].map((by) => at(x + by * dx, y + by * dy));
    return { box, sides: [across(box.left, y, -1, 0), across(box.right, y, 1, 0), across(x, box.bottom, 0, 1)] };
  }) };
}"""


def far(one, other):
    return max(abs(a - b) for a, b in zip(one, other))


def poll(page, what, accept, seconds=60):
    until = time.time() + seconds
    while time.time() < until:
        value = page.evaluate(what)
        if value and accept(value):
            return value
        time.sleep(0.05)
    sys.exit(f"waited {seconds} s for {what[:60]}: {value}")


def is_covered(point, other, off):
    """Whether another box's line, inside or label may be there."""
    is_in = other['left'] - off < point['x'] < other['right'] + off and \
        other['top'] - off < point['y'] < other['bottom'] + off
    is_label = other['left'] - off < point['x'] < other['left'] + 25 * off and \
        other['top'] - 6 * off < point['y'] < other['top'] + 6 * off
    return is_in or is_label


def boxes_lie_right(page):
    checked = 0
    for _ in range(60):
        seen = poll(page, LOOK, lambda seen: seen['boxes'])
        boxes = [entry['box'] for entry in seen['boxes']]
        for box, sides in ((entry['box'], entry['sides']) for entry in seen['boxes']):
            others = [other for other in boxes if other is not box]
            # Of a figure that is hidden in part, the box holds what shows, and its sides may run through nothing.
            if any(box['left'] <= other['right'] and other['left'] <= box['right'] and box['top'] <= other['bottom']
                   and other['top'] <= box['bottom'] for other in others):
                continue
            lines = []
            for line, inside, outside in sides:
                in_frame = all(2 < point['x'] < 318 and 2 < point['y'] < 238 for point in (line, outside))
                if not in_frame or any(is_covered(point, other, seen['off']) for point in (line, inside, outside)
                                       for other in others):
                    continue
                # The ground's red stays below 128, and every figure's is above 200.
                assert inside['colour'][0] > 180, f"the figure within {box}: {inside}"
                assert outside['colour'][0] < 150, f"the ground without {box}: {outside}"
                assert far(line['colour'], inside['colour']) > 40 < far(line['colour'], outside['colour']), f"{box}"
                lines.append(line['colour'])
            assert all(far(line, lines[0]) < 70 for line in lines), f"sides of one colour: {lines}"
            checked += len(lines)
        time.sleep(0.1)
    assert checked >= 60, f"only {checked} sides stood free"
    return checked


def sliders_act(page):
    page.locator('#score').fill('0.6')
    least = 'JSON.stringify(window.ocelliFrame.answer.detections.map((box) => box.score))'
    scores = poll(page, f"() => {least}", lambda text: '[]' != text and min(eval(text)) >= 0.6)
    page.locator('#score').fill('0.3')
    all_of_them = poll(page, f"() => {least}", lambda text: min(eval(text)) < 0.5)
    return f"{len(eval(all_of_them))} boxes, from a score of 0.6 on {len(eval(scores))}"


def rate(page):
    frames = "() => window.ocelliDrawn"
    before, start = page.evaluate(frames), time.time()
    time.sleep(4)
    return (page.evaluate(frames) - before) / (time.time() - start)


def stalled(count):
    """Asks for the stream with as little room as the system gives, and never reads."""
    sockets = []
    for _ in range(count):
        reader = socket.socket()
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        host, port = address.split(':')
        reader.connect((host, int(port)))
        reader.sendall(f"GET /stream HTTP/1.1\r\nHost: {address}\r\n\r\n".encode())
        sockets.append(reader)
    return sockets


with sync_playwright() as playwright:
    chromium = shutil.which('chromium') or shutil.which('chromium-browser') or shutil.which('google-chrome')
    browser = playwright.chromium.launch(executable_path=chromium, args=['--no-sandbox'])
    page = browser.new_page(viewport={'width': 1280, 'height': 860})
    errors = []
    page.on('pageerror', lambda error: errors.append(str(error)))
    page.on('console', lambda message: message.type == 'error' and errors.append(message.text))
    page.goto(url)
    print(f"{boxes_lie_right(page)} sides of boxes at the right pixels")
    print(f"the slider acts: {sliders_act(page)}")
    alone_rate = rate(page)
    readers = stalled(10)
    time.sleep(2)
    beside_rate = rate(page)
    print(f"{alone_rate:.1f} frames a second alone, {beside_rate:.1f} beside 10 readers that never read")
    assert beside_rate > 0.6 * alone_rate
    for reader in readers:
        reader.close()
    for device, width, height, ratio in [('desktop', 1280, 860, 1), ('phone', 390, 844, 2)]:
        for theme in ['light', 'dark']:
            context = browser.new_context(viewport={'width': width, 'height': height}, color_scheme=theme,
                                          device_scale_factor=ratio)
            shot = context.new_page()
            shot.goto(url)
            poll(shot, "() => window.ocelliDrawn", lambda drawn: drawn > 20)
            wide = shot.evaluate("() => document.documentElement.scrollWidth")
            assert wide <= width, f"{device} scrolls sideways: {wide} pixels"
            shot.screenshot(path=os.path.join(folder, f"page-{device}-{theme}.png"))
            context.close()
    assert not errors, errors
    print(f"screenshots in {folder}")
    browser.close()
