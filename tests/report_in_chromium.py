"""Opens reports in headless Chromium: a telephone and a desk, light and dark, keyboard and paper.

report_in_chromium.py OHMIC CHROMIUM [FOLDER]: makes a run, a comparison and a sweep of a tiny data
set, and a report of each; pictures of them go into FOLDER. The browser is driven over its debugging pipe
(messages in JSON, a zero byte behind each), with what Python brings alone.
"""

import base64
import json
import os
import pathlib
import random
import struct
import subprocess
import sys
import tempfile
import zlib

CONFIG = """
seed = 3
chips = 4
[data]
set = "set"
[[network.layers]]
type = "conv"
name = "conv1"
filters = 4
kernel = 3
padding = 1
[[network.layers]]
type = "relu"
[[network.layers]]
type = "max_pool"
kernel = 2
[[network.layers]]
type = "flatten"
[[network.layers]]
type = "linear"
name = "fc1"
outputs = 3
[training]
epochs = 2
batch = 128
learning_rate = 0.01
[device]
model = "lognormal"
sigma = 0.3
[evaluation]
calibration_images = 80
[compare]
methods = ["plain", "affine", "ridge", "write_verify"]
training_seeds = [1]
hardware = ["ideal", "config"]
axes = [{ key = "device.sigma", values = [0.1, 0.3, 0.6] }, { key = "adc.bits", values = [4, 8] }]
[sweep]
measure = ["accuracy", "error_budget", "layers"]
axes = [{ key = "device.sigma", values = [0.1, 0.3, 0.6] }, { key = "adc.bits", values = [4, 6, 8] }]
"""

COMMANDS = ("run", "compare", "sweep")


def write_set(folder):
    """8x8 images of three classes, a bright row, column or corner, as IDX files."""
    folder.mkdir()
    draw = random.Random(7)
    for name, count in (("train", 320), ("t10k", 100)):
        labels = [draw.randrange(3) for _ in range(count)]
        pixels = bytearray()
        for label in labels:
            where = draw.randrange(8)
            for row in range(8):
                for column in range(8):
                    bright = (row == where, column == where, row < 3 and column < 3)[label]
                    pixels.append(min(255, draw.randrange(128) + 120 * bright))
        header = struct.pack(">IIII", 0x803, count, 8, 8)
        (folder / f"{name}-images-idx3-ubyte").write_bytes(header + pixels)
        header = struct.pack(">II", 0x801, count)
        (folder / f"{name}-labels-idx1-ubyte").write_bytes(header + bytes(labels))


class Browser:
    """A page in headless Chromium."""

    def __init__(self, chromium, profile):
        to_browser, self.out = os.pipe()
        self.back, from_browser = os.pipe()

        def descriptors():  # the browser reads at 3 and writes at 4
            os.dup2(to_browser, 40)
            os.dup2(from_browser, 41)
            os.dup2(40, 3)
            os.dup2(41, 4)

        self.process = subprocess.Popen(
            [chromium, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars",
             "--remote-debugging-pipe", "--no-first-run", f"--user-data-dir={profile}",
             "about:blank"],
            preexec_fn=descriptors, close_fds=False, stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.buffer, self.number, self.session = b"", 0, None
        self.complaints, self.requests, self.loaded = [], [], False
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.ask(domain + ".enable")

    def message(self):
        while b"\0" not in self.buffer:
            piece = os.read(self.back, 1 << 16)
            if not piece:
                sys.exit("chromium has ended")
            self.buffer += piece
        text, self.buffer = self.buffer.split(b"\0", 1)
        message = json.loads(text)
        method, about = message.get("method"), message.get("params", {})
        if method == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(about["entry"]["text"])
        if method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(about))
        if method == "Network.requestWillBeSent":
            self.requests.append(about["request"]["url"])
        self.loaded |= method == "Page.loadEventFired"
        return message

    def ask(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.message()
            if answer.get("id") == self.number:
                assert "error" not in answer, f"{method}: {answer}"
                return answer["result"]

    def open(self, url, width, scheme):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900,
                 deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", media="screen",
                 features=[{"name": "prefers-color-scheme", "value": scheme},
                           {"name": "prefers-reduced-motion", "value": "reduce"}])
        self.loaded = False
        self.ask("Page.navigate", url=url)
        while not self.loaded:
            self.message()

    def value(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True,
                          awaitPromise=True)
        assert "exceptionDetails" not in answer, f"{expression}: {answer}"
        return answer["result"].get("value")

    def press(self, key):
        for kind in ("keyDown", "keyUp"):
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                     windowsVirtualKeyCode={"Tab": 9, "Enter": 13, "ArrowRight": 39}[key],
                     text="\r" if key == "Enter" and kind == "keyDown" else "")

    def picture(self):
        """All of the page as PNG."""
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        answer = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True,
                          clip=clip)
        return base64.b64decode(answer["data"])

    def close(self):
        self.session = None
        self.ask("Browser.close")
        self.process.wait(30)


def pixels_of(png):
    """Width and rows of RGB bytes of an 8-bit PNG (W3C, PNG specification, section 9: filters)."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at:at + 8])
        body = png[at + 8:at + 8 + length]
        if kind == b"IHDR":
            width, _, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colour in (2, 6)
            step = 3 if colour == 2 else 4
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, rows, before = zlib.decompress(data), [], bytearray(width * step)
    for start in range(0, len(raw), width * step + 1):
        method, row = raw[start], bytearray(raw[start + 1:start + 1 + width * step])
        if method == 2:
            row = bytearray((a + b) & 255 for a, b in zip(row, before))
        elif method:
            for i, value in enumerate(row):
                left = row[i - step] if i >= step else 0
                corner = before[i - step] if i >= step else 0
                up, guess = before[i], left + before[i] - corner
                nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up),
                              (abs(guess - corner), 2, corner))[2]
                row[i] = (value + {1: left, 3: (left + up) // 2, 4: nearest}[method]) & 255
        rows.append(row)
        before = row
    return [[tuple(row[i:i + 3]) for i in range(0, len(row), step)] for row in rows]


def check_picture(png, width, scheme):
    rows = pixels_of(png)
    assert len(rows[0]) == width and len(rows) > 1000, (len(rows[0]), len(rows))
    colours = {pixel for row in rows[::3] for pixel in row}
    assert len(colours) > 200, f"{len(colours)} colours"
    corner = sum(rows[0][0])
    assert corner > 600 if scheme == "light" else corner < 150, f"{scheme}: {rows[0][0]}"


# Text that is cut off or lies over other text of the same plot.
FAULTS_OF_PICTURES = """
(() => {
  const faults = [];
  for (const svg of document.querySelectorAll('figure svg')) {
    const frame = svg.getBoundingClientRect();
    const texts = [...svg.querySelectorAll('text')]
      .map((t) => [t.textContent, t.getBoundingClientRect()]);
    texts.forEach(([words, a], i) => {
      if (a.left < frame.left - 1 || a.right > frame.right + 1 || a.top < frame.top - 1 ||
          a.bottom > frame.bottom + 1)
        faults.push('cut off: ' + words);
      for (const [other, b] of texts.slice(i + 1))
        if (Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2 &&
            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 4)
          faults.push(words + ' over ' + other);
    });
  }
  return faults;
})()"""

# The least contrast of text against what is behind it (WCAG 2.1, 1.4.3: 4.5 for text).
LEAST_CONTRAST = """
(() => {
  const numbers = (colour) => colour.match(/[0-9.]+/g).slice(0, 3).map(Number);
  const light = (colour) => {
    const [r, g, b] = numbers(colour).map((v) => v / 255)
      .map((v) => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let e = element; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!colour.startsWith('rgba') || !colour.endsWith(', 0)')) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  let least = [99, ''];
  for (const e of document.querySelectorAll(
      'p, h1, h2, h3, dt, dd, a, th, td, summary, figcaption, text:not([fill]), footer')) {
    const style = getComputedStyle(e), ink = e.tagName === 'text' ? style.fill : style.color;
    const pair = [light(ink), light(behind(e))].sort((a, b) => b - a);
    const ratio = (pair[0] + 0.05) / (pair[1] + 0.05);
    if (ratio < least[0] && e.textContent.trim())
      least = [ratio, e.tagName + ' ' + e.textContent];
  }
  return least;
})()"""


def check_report(browser, page, keep):
    for width in (420, 1280):
        for scheme in ("light", "dark"):
            where = f"{page.parent.name} at {width}, {scheme}"
            browser.open(page.as_uri(), width, scheme)
            scrolled, inner = browser.value("[document.documentElement.scrollWidth, innerWidth]")
            assert scrolled <= width and inner == width, f"{where}: {scrolled} wide in {inner}"
            if width == 1280:
                wide = browser.value("[...document.querySelectorAll('#budget .wide')].filter("
                                     "e => e.scrollWidth > e.clientWidth).length")
                assert wide == 0, f"{where}: {wide} budget tables scroll sideways"
            faults = browser.value(FAULTS_OF_PICTURES)
            assert not faults, f"{where}: {faults[:5]}"
            contrast, words = browser.value(LEAST_CONTRAST)
            assert contrast >= 4.5, f"{where}: contrast {contrast:.2f} of {words}"
            png = browser.picture()
            if keep:
                (keep / f"{page.parent.name}-{width}-{scheme}.png").write_bytes(png)
            check_picture(png, width, scheme)
    # Links lead to their sections.
    targets = browser.value("[...document.querySelectorAll('nav a')].map(a => a.hash)")
    assert len(targets) >= 5
    for target in targets:
        browser.value(f"document.querySelector('nav a[href=\"{target}\"]').click()")
        assert browser.value("location.hash") == target
        assert browser.value(f"document.querySelector('{target}').tagName") == "SECTION"
    # By keyboard: the skip link first, then a plot's points with a tooltip each.
    browser.open(page.as_uri(), 1280, "light")
    browser.press("Tab")
    assert browser.value("document.activeElement.className") == "skip"
    assert browser.value("document.activeElement.getBoundingClientRect().left") >= 0
    browser.press("Enter")
    assert browser.value("location.hash") == "#main"
    for _ in range(40):
        browser.press("Tab")
        if browser.value("document.activeElement.classList.contains('mark')"):
            break
    first = browser.value("document.getElementById('tip').textContent")
    assert first and not browser.value("document.getElementById('tip').hidden")
    assert first == browser.value("document.activeElement.getAttribute('aria-label')")
    browser.press("ArrowRight")
    assert browser.value("document.getElementById('tip').textContent") not in ("", first)
    # By pointer.
    x, y = browser.value(
        "(() => { const mark = [...document.querySelectorAll('circle.mark')].pop();"
        " mark.scrollIntoView({block: 'center'}); const box = mark.getBoundingClientRect();"
        " return [box.x + box.width / 2, box.y + box.height / 2]; })()")
    # A page that scrolls takes its tooltip away, so the pointer waits for the end of it.
    browser.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    browser.ask("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
    words = browser.value("[...document.querySelectorAll('circle.mark')]"
                          ".map(m => m.getAttribute('aria-label'))")
    tip = browser.value("document.getElementById('tip').textContent")
    under = browser.value(f"document.elementFromPoint({x}, {y}).outerHTML")
    assert tip in words, f"{tip} over {under}"
    assert not browser.value("document.getElementById('tip').hidden")
    # A table sorts by its column, the largest first.
    browser.value("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    if browser.value("!!document.querySelector('#points table.sorts')"):
        column = browser.value("[...document.querySelectorAll('#points thead th')]"
                               ".findIndex(h => h.textContent === 'accuracy')")
        browser.value(f"document.querySelectorAll('#points thead th button')[{column}].click()")
        cells = browser.value("[...document.querySelector('#points tbody').rows]"
                              f".map(r => r.cells[{column}].textContent)")
        assert cells == sorted(cells, key=float, reverse=True), cells
    # On paper.
    pdf = base64.b64decode(browser.ask("Page.printToPDF")["data"])
    assert pdf.startswith(b"%PDF") and len(pdf) > 10000
    # Without its script the page still shows everything but tooltips that follow the keyboard.
    browser.ask("Emulation.setScriptExecutionDisabled", value=True)
    browser.open(page.as_uri(), 1280, "light")
    check_picture(browser.picture(), 1280, "light")
    browser.ask("Emulation.setScriptExecutionDisabled", value=False)


def main():
    ohmic, chromium = sys.argv[1:3]
    keep = pathlib.Path(sys.argv[3]) if len(sys.argv) > 3 else None
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        write_set(folder / "set")
        (folder / "tiny.toml").write_text(CONFIG)
        environment = dict(os.environ, OHMIC_CACHE=str(folder / "cache"))
        for command in COMMANDS:
            results = folder / command
            make = [ohmic, command, str(folder / "tiny.toml"), "-o", str(results), "--quiet"]
            for words in (make, [ohmic, "report", str(results)]):
                subprocess.run(words, check=True, env=environment, stdout=subprocess.DEVNULL)
        browser = Browser(chromium, folder / "profile")
        for command in COMMANDS:
            check_report(browser, folder / command / "report.html", keep)
        outside = [url for url in browser.requests if not url.startswith(("file://", "data:"))]
        browser.close()
        assert not outside, outside
        assert not browser.complaints, browser.complaints
    print(f"reports in Chromium: {len(COMMANDS)} pages, 2 widths, light and dark, keyboard, pointer, paper")


main()
