#!/usr/bin/python3
# SPDX-License-Identifier: PostgreSQL
"""The metrics page as Prometheus reads it, and the report as people see it: in Chromium without scripts, light, dark
and printed, and as a screen reader is told."""
import base64
import json
import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import uuid
import zlib

import tap
from application import connect, new_team, request

backend = connect()
worker = connect("e2e_worker")
NAME = '<script>document.title="hacked"</script> & "Co" ' + "W" * 90


def team_with_a_year():
    """A team with revenue, use and measurements, and names that would do harm if they were not escaped."""
    team, user = new_team(backend, "rita")
    with request(backend, team, user):
        backend.execute("UPDATE saas.teams SET name = %s WHERE id = %s", (NAME, team))
        plan = backend.execute("SELECT saas.save_subscription_plan(%s, 'basic', 'Basic', 4900, 'USD')",
                               (team,)).fetchone()[0]
        for n in range(12):
            sold = backend.execute("SELECT saas.subscribe(%s, %s, %s, %s, '2025-01-05'::timestamptz + %s * interval '9 days')",
                                   (team, uuid.uuid4(), plan, 1 + n % 3, n)).fetchone()[0]
            if n % 4 == 3:
                backend.execute("SELECT saas.set_subscription_status(%s, %s, 'canceled', '2025-04-20')", (team, sold))
        backend.execute("SELECT saas.record_product_events(%s, %s)", (team, json.dumps(
            [{"actor_id": str(uuid.UUID(int=n % 5)), "name": "open", "at": f"2025-0{1 + n % 4}-10"} for n in range(40)])))
        for day in range(1, 29):
            backend.execute("SELECT saas.record_service_measurement(%s, %s, %s, p_at => %s)",
                            (team, '"><img src=x onerror=alert(1)>', [20.0 + day, 40.0, 900.0 if day == 20 else 60.0],
                             f"2025-04-{day:02}"))
    return team, user


team, user = team_with_a_year()


def prometheus_reads_the_page():
    with worker.transaction():
        page = worker.execute("SELECT saas.prometheus_metrics()").fetchone()[0]
    tap.ok("saas_teams " in page, "workers get the page", page)
    with tap.refused("42501", "applications do not"), connect("e2e_guest") as guest, guest.transaction():
        guest.execute("SELECT saas.prometheus_metrics()")
    promtool = shutil.which("promtool")
    if promtool is None:
        tap.skip("promtool accepts the page", "promtool is not installed")
        return
    done = subprocess.run([promtool, "check", "metrics"], input=page, capture_output=True, text=True, check=False)
    tap.same((done.returncode, done.stdout + done.stderr), (0, ""), "promtool accepts the page without remarks")
    done = subprocess.run([promtool, "check", "metrics"], input=page.replace("} ", " ", 1), capture_output=True, text=True, check=False)
    tap.ok(done.returncode != 0, "and would not accept a broken one")


class Browser:
    """Chromium, driven over a pair of pipes: messages of its DevTools protocol, each ended by a zero byte."""

    def __init__(self, program, folder):
        read_end, self.to_browser = os.pipe()
        self.from_browser, write_end = os.pipe()

        def place():
            os.dup2(read_end, 30)
            os.dup2(write_end, 31)
            os.dup2(30, 3)
            os.dup2(31, 4)

        # Its sandbox does not start for root nor in most containers; the page is our own.
        self.process = subprocess.Popen(
            [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
             f"--user-data-dir={folder}/profile", "--remote-debugging-pipe", "about:blank"],
            preexec_fn=place, pass_fds=(3, 4), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_end)
        os.close(write_end)
        self.rest = b""
        self.number = 0
        self.session = None
        self.events = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def receive(self):
        while b"\0" not in self.rest:
            more = os.read(self.from_browser, 1 << 16)
            if not more:
                raise RuntimeError("the browser has gone")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.receive()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.events.append(answer)

    def wait_for(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.receive())

    def close(self):
        self.process.terminate()
        self.process.wait()


def pixels(png):
    """The colours of an 8-bit PNG, in rows."""
    data, position = b"", 8
    while position < len(png):
        length, kind = struct.unpack(">I4s", png[position:position + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", png[position + 8:position + 18])
            assert depth == 8 and colour in (2, 6)
            size = 3 if colour == 2 else 4
        elif kind == b"IDAT":
            data += png[position + 8:position + 8 + length]
        position += length + 12
    raw = zlib.decompress(data)
    before = bytearray(width * size)
    rows = []
    for y in range(height):
        start = y * (width * size + 1)
        how, row = raw[start], bytearray(raw[start + 1:start + 1 + width * size])
        for x in range(width * size):
            left = row[x - size] if x >= size else 0
            corner = before[x - size] if x >= size else 0
            if how == 4:
                guess = left + before[x] - corner
                near = min((left, before[x], corner), key=lambda v, g=guess: abs(g - v))
            else:
                near = (0, left, before[x], (left + before[x]) // 2)[how]
            row[x] = (row[x] + near) & 255
        rows.append([tuple(row[x:x + 3]) for x in range(0, width * size, size)])
        before = row
    return rows


def look(browser, scheme):
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    top = browser.call("Page.captureScreenshot", clip={"x": 0, "y": 0, "width": 800, "height": 200, "scale": 1})
    chart = browser.call("DOM.getBoxModel", nodeId=browser.chart)["model"]["border"]
    shot = browser.call("Page.captureScreenshot", captureBeyondViewport=True, clip={
        "x": chart[0], "y": chart[1], "width": chart[2] - chart[0], "height": chart[5] - chart[1], "scale": 0.3})
    return pixels(base64.b64decode(top["data"])), pixels(base64.b64decode(shot["data"]))


def people_see_the_report():
    with request(backend, team, user):
        report = backend.execute("SELECT saas.report_html(%s, '2025-01-01', '2025-04-30')", (team,)).fetchone()[0]
    tap.ok("<script" not in report and "<img" not in report, "what people wrote is escaped")
    program = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    if program is None:
        tap.skip("the report in a browser", "Chromium is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "report.html")
        path.write_text(report, encoding="utf-8")
        browser = Browser(program, folder)
        try:
            in_the_browser(browser, path)
        finally:
            browser.close()


def in_the_browser(browser, path):
    for domain in ("Page", "DOM", "Log", "Network", "Accessibility"):
        browser.call(f"{domain}.enable")
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    browser.call("Page.navigate", url=path.as_uri())
    browser.wait_for("Page.loadEventFired")
    root = browser.call("DOM.getDocument")["root"]["nodeId"]
    browser.chart = browser.call("DOM.querySelectorAll", nodeId=root, selector="svg")["nodeIds"][1]

    light, light_chart = look(browser, "light")
    dark, dark_chart = look(browser, "dark")
    tap.same(light[0][0], (255, 255, 255), "light paper where people prefer it")
    tap.ok(max(dark[0][0]) < 60, "dark paper where they prefer that", dark[0][0])
    for name, top, chart in (("light", light, light_chart), ("dark", dark, dark_chart)):
        paper = top[0][0]
        far = sum(max(abs(a - b) for a, b in zip(paper, pixel)) > 120 for row in top for pixel in row)
        tap.ok(far > 500, f"text stands out ({name})", far)
        colours = sum(max(pixel) - min(pixel) > 60 for row in chart for pixel in row)
        tap.ok(colours > len(chart) * len(chart[0]) * 0.03, f"bars are drawn in colour ({name})", colours)

    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    told = {(node["role"]["value"], node.get("name", {}).get("value")) for node in nodes if not node.get("ignored")}
    for role, name in (("heading", NAME), ("heading", "Revenue"), ("heading", "Retention"), ("heading", "Latency"),
                       ("heading", "Anomalies"), ("table", "Movements in USD"), ("columnheader", "Expansion"),
                       ("rowheader", "Apr 25"), ("table", "Services"), ("rowheader", '"><img src=x onerror=alert(1)>')):
        tap.ok((role, name) in told, f"a screen reader is told of {role} {name}", sorted(t for t in told if t[0] == role)[:20])
    charts = {name for role, name in told if role in ("img", "image")}
    for name in ("Monthly recurring revenue in USD", "Movements of recurring revenue in USD", "Latency in milliseconds"):
        tap.ok(name in charts, f"and of the chart: {name}", charts)
    width = browser.call("Page.getLayoutMetrics")
    tap.ok(width["cssContentSize"]["width"] <= width["cssLayoutViewport"]["clientWidth"], "the page is no wider than the window", width)

    browser.call("Emulation.setDeviceMetricsOverride", width=360, height=640, deviceScaleFactor=1, mobile=False)
    width = browser.call("Page.getLayoutMetrics")
    tap.ok(width["cssContentSize"]["width"] <= 360, "nor that of a telephone", width)
    # A4 with margins of 15 mm.
    browser.call("Emulation.setEmulatedMedia", media="print")
    browser.call("Emulation.setDeviceMetricsOverride", width=680, height=1000, deviceScaleFactor=1, mobile=False)
    width = browser.call("Page.getLayoutMetrics")
    tap.ok(width["cssContentSize"]["width"] <= 680, "printed, every column is on the paper", width)
    paper = pixels(base64.b64decode(browser.call("Page.captureScreenshot")["data"]))
    tap.same(paper[0][0], (255, 255, 255), "which is white, whatever people prefer on the screen")

    printed = base64.b64decode(browser.call("Page.printToPDF", printBackground=False)["data"])
    tap.ok(printed.startswith(b"%PDF") and len(printed) > 10000, "it prints", len(printed))
    asked = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    tap.same([url for url in asked if url != path.as_uri()], [], "it asks for nothing else")
    tap.same([e["params"]["entry"]["text"] for e in browser.events if e.get("method") == "Log.entryAdded"], [], "nor complains")


tap.run(prometheus_reads_the_page, people_see_the_report)
