#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The web page in a real Chromium, on a real server: by keyboard, under attack, cut off, and as axe sees it.

The machines are played (scene.py). CLOUDSEED_SCREENSHOTS=DIR keeps a picture of each view.
"""
import json
import os
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib"), str(Path(__file__).resolve().parent)]
import tap  # noqa: E402
from browser import Browser  # noqa: E402
from relay import Relay  # noqa: E402
from scene import HOST_KEY, Scene  # noqa: E402

HOSTILE = "<img src=x onerror=hacked=1><script>hacked=1</script>\"'&lt;"
EXTRA = """\
aaa-faulty:
  role: plain
  macs: ["52:54:00:ff:00:01"]
  addresses: [10.32.200.1]
  variables:
    extra_write_files: [{path: relative, content: "x"}]
"""
SCENE = tap.enter(Scene(40, extra=EXTRA, args=["--admin", "127.0.0.1:0"]))
DAEMON = SCENE.daemon
RELAY = Relay(DAEMON.listening["admin"])
tap.defer(RELAY.close)
BROWSER = tap.enter(Browser())
TOKENS = {role: SCENE.token(role) for role in ("viewer", "operator")}
OTHER_KEY = HOST_KEY[:-1] + "1"
FAILED, READY = "plain-34", "plain-30"
SCENE.boot(FAILED, fails="modules-final/config-scripts_user")
SCENE.boot(READY)
DAEMON.get("/ipxe/mac/52:54:00:fe:00:02")  # of a machine that nobody knows
URL = f"https://{RELAY.address}/ui/"
PICTURES = os.environ.get("CLOUDSEED_SCREENSHOTS")
ROW = "(name, state) => document.querySelector(`.row[data-key=\"${name}\"] .state-text`)?.textContent === state"
TEXT = "(selector) => document.querySelector(selector)?.textContent ?? null"
ALL = "(selector, member) => [...document.querySelectorAll(selector)].map((e) => e[member])"
HAS = ("(selector, text) => [...document.querySelectorAll(selector)]"
       ".some((e) => e.textContent.includes(text) && e.checkVisibility())")


def visit(**options):
    BROWSER.open(url=URL, ignoreHTTPSErrors=True, **options)


def sign_in(role="operator", **options):
    RELAY.restore()
    visit(**options)
    BROWSER.until("() => document.getElementById('token')")
    BROWSER.said()  # Chromium reports the 401 by which the page learns that it has no session
    BROWSER.fill("#token", TOKENS[role])
    BROWSER.press("Enter")
    BROWSER.until("() => document.querySelector('.count')?.textContent === '41 nodes'")
    BROWSER.until("() => document.querySelector('.live.is-live')")


def go(place):
    BROWSER.run("(to) => { location.hash = to; }", place)


def quiet():
    """No script has failed, and the page's policy has refused nothing."""
    tap.eq(BROWSER.said(), [])


def picture(name):
    if PICTURES:
        BROWSER.shot(f"{PICTURES}/{name}.png", {})


# --- In and out ---

def test_signing_in_and_out():
    visit()
    BROWSER.until("() => document.activeElement?.id === 'token'")
    BROWSER.type("cloudseed_" + "a" * 52)
    BROWSER.press("Enter")
    BROWSER.until(HAS, ".trouble", "This token is not valid")
    BROWSER.said()  # Chromium reports the 401 itself
    BROWSER.fill("#token", TOKENS["operator"])
    BROWSER.press("Enter")
    BROWSER.until(HAS, ".who", "operator-2 operator")
    cookie, = BROWSER.cookies()
    tap.eq((cookie["httpOnly"], cookie["sameSite"], cookie["secure"]), (True, "Strict", True))
    tap.eq(BROWSER.run("() => [document.cookie, Object.keys(localStorage), sessionStorage.length]"), ["", ["csrf"], 0])
    BROWSER.reload()
    BROWSER.until(HAS, ".who", "operator-2 operator")
    BROWSER.run("() => localStorage.clear()")  # another browser that has only the cookie
    BROWSER.reload()
    BROWSER.until("() => document.getElementById('token')")
    BROWSER.said()  # Chromium reports the 403 itself
    BROWSER.fill("#token", TOKENS["operator"])
    BROWSER.press("Enter")
    BROWSER.until(HAS, ".who", "operator-2 operator")
    quiet()
    BROWSER.click("#logout")
    BROWSER.until("() => document.getElementById('token')")
    tap.eq((BROWSER.cookies(), BROWSER.run("() => localStorage.length")), ([], 0))


def test_a_code_signs_in_once_and_leaves_the_address():
    code = SCENE.code()
    BROWSER.open(url=f"{URL}#code={code}", ignoreHTTPSErrors=True)
    BROWSER.until("() => document.querySelector('.row')")
    tap.eq(BROWSER.url(), URL)
    BROWSER.open(url=f"{URL}#code={code}", ignoreHTTPSErrors=True)
    BROWSER.until(HAS, ".trouble", "has been used or has ended")
    tap.eq(BROWSER.url(), URL)


# --- The fleet, live ---

def test_what_happens_is_shown_without_being_asked_for():
    sign_in()
    SCENE.arm("plain-2")
    BROWSER.until(ROW, "plain-2", "armed")
    SCENE.boot("plain-2", until="modules-config")
    BROWSER.until(ROW, "plain-2", "booting")
    tap.contains(BROWSER.run(TEXT, '.row[data-key="plain-2"] .stage'), "modules-config")
    tap.eq(BROWSER.run(ALL, ".row[data-key=plain-2] .track i", "className"), ["done", "done", "now", "", ""])
    go("#/nodes/plain-2")
    BROWSER.until(HAS, ".badge", "booting")
    BROWSER.until("() => document.querySelectorAll('.phase').length >= 4")
    tap.contains(BROWSER.spoken(".timeline"), "modules-config , running")
    SCENE.boot("plain-2", fails="modules-final/config-scripts_user")
    BROWSER.until(HAS, ".badge", "failed")
    BROWSER.until(HAS, ".phase.is-failed", "modules-final")
    BROWSER.until(HAS, ".event.is-bad .kind", "failed")
    BROWSER.until(HAS, ".problem", "cloudseed node show plain-2")
    go("#/")
    BROWSER.until(HAS, ".attention .problem.is-bad", "plain-2")
    BROWSER.until(HAS, ".attention .problem", "cloudseed doctor NODE")
    quiet()


def test_a_whole_boot_is_a_timeline():
    sign_in()
    go("#/nodes/plain-6")
    BROWSER.until(HAS, ".boot-summary", "No boot is known")
    SCENE.boot("plain-6")
    BROWSER.until(HAS, ".phase.is-ok", "Ready")
    tap.eq(BROWSER.run(ALL, ".phase:not(.is-step) .phase-name > span:not(.hear, .about)", "textContent"),
           ["Seed", "init-local", "init-network", "modules-config", "modules-final", "up", "Ready"])
    BROWSER.click(".boot > .link")
    BROWSER.until(HAS, ".phase.is-step", "config-growpart")
    quiet()


def test_what_is_wrong_comes_first():
    sign_in()
    BROWSER.until(HAS, ".attention", "Documents have faults")
    tap.eq(BROWSER.run("() => document.querySelector('.row .state-text').textContent"), "failed")
    SCENE.machines[READY].phone_home(READY, ed25519=OTHER_KEY)
    BROWSER.until(HAS, ".attention .problem.is-bad", f"cloudseed events {READY} --kind alarm")
    quiet()


def test_a_filter_leaves_what_matches():
    sign_in()
    BROWSER.press("/")
    tap.eq(BROWSER.run("() => document.activeElement.id"), "filter")
    BROWSER.type("plain-1")
    BROWSER.until("() => document.querySelector('.count').textContent === '3 of 41 nodes'")
    BROWSER.press("Escape")
    BROWSER.until("() => document.querySelector('.count').textContent === '41 nodes'")
    BROWSER.click(".chip[data-state=failed]")
    failed = len(DAEMON.admin("GET", "/v1/nodes?state=failed").json["nodes"])
    BROWSER.until("(n) => document.querySelector('.count').textContent === `${n} of 41 nodes`", failed)
    tap.eq(BROWSER.run(ALL, ".chip[data-state=failed]", "ariaPressed"), ["true"])
    BROWSER.click("text=Clear")
    BROWSER.fill("#filter", "10.32.16.30")
    BROWSER.until("() => document.querySelector('.count').textContent === '1 of 41 nodes'")
    BROWSER.click("text=Clear")
    BROWSER.click(".sort >> text=Node")
    tap.eq(BROWSER.run(ALL, ".name", "textContent")[:3],
           ["aaa-faulty", "k8s-master-1", "k8s-master-2"])
    BROWSER.click(".sort >> text=Node")
    tap.eq(BROWSER.run(ALL, ".name", "textContent")[0], "worker-37")
    tap.eq(BROWSER.run(ALL, ".c-name[role=columnheader]", "ariaSort"), ["descending"])
    quiet()


def test_the_keyboard_is_enough():
    sign_in()
    BROWSER.press("Tab")
    BROWSER.press("Tab")  # the first was spent on the form that is gone
    focused = "() => document.activeElement.closest('.row')?.dataset.key ?? document.activeElement.textContent"
    BROWSER.press("j")
    first = BROWSER.run(focused)
    BROWSER.press("j")
    second = BROWSER.run(focused)
    BROWSER.press("k")
    tap.eq(BROWSER.run(focused), first)
    BROWSER.press("End")
    last = BROWSER.run(focused)
    assert len({first, second, last}) == 3, (first, second, last)
    BROWSER.press("Enter")
    BROWSER.until("(name) => document.activeElement.matches('h1') && document.activeElement.textContent === name", last)
    BROWSER.press("Escape")
    BROWSER.until("(name) => document.activeElement.closest('.row')?.dataset.key === name", last)
    BROWSER.press("?")
    BROWSER.until("() => document.getElementById('help').open")
    BROWSER.press("Escape")
    BROWSER.until("() => !document.getElementById('help').open")
    seen = []
    for _ in range(60):  # all that can be reached is seen, and there is a way round
        BROWSER.press("Tab")
        seen.append(BROWSER.run("""() => {
            const e = document.activeElement;
            return e === document.body || e.offsetWidth > 0 && getComputedStyle(e).outlineStyle !== "none";
        }"""))
    assert all(seen), seen
    quiet()


def test_the_focus_stays_with_its_node_while_rows_move():
    sign_in()
    BROWSER.click(".sort >> text=State")
    BROWSER.run("() => document.querySelector('.row[data-key=plain-14] .name, .row .name').focus()")
    name = BROWSER.run("() => document.activeElement.closest('.row').dataset.key")
    SCENE.arm("worker-1")
    BROWSER.until(ROW, "worker-1", "armed")
    tap.eq(BROWSER.run("() => document.activeElement.closest('.row').dataset.key"), name)


# --- Arm and disarm ---

def test_an_operator_arms_and_disarms():
    sign_in()
    go("#/nodes/worker-3")
    BROWSER.until(HAS, "button", "Arm")
    BROWSER.click(".node-head .primary")
    BROWSER.until("() => document.getElementById('ask').open && document.activeElement.id === 'minutes'")
    BROWSER.type("30")
    BROWSER.press("Enter")
    BROWSER.until(HAS, "#ask h2", "worker-3 is armed")
    serial = DAEMON.admin("GET", "/v1/nodes/worker-3/serial").json["serial"]
    tap.eq(BROWSER.run(TEXT, "#ask code"), serial)
    picture("armed")
    key = serial.split("cs=")[1].split(".")[0]
    BROWSER.press("Escape")
    BROWSER.until(HAS, ".badge", "armed")
    BROWSER.until("(key) => !document.documentElement.outerHTML.includes(key)", key)
    BROWSER.click("text=Disarm")
    BROWSER.until("() => document.getElementById('ask').open")
    BROWSER.click("#ask .danger")
    BROWSER.until(HAS, ".badge", "registered")
    tap.eq(DAEMON.admin("GET", "/v1/nodes/worker-3").json["window"], None)
    quiet()


def test_what_cannot_be_done_is_said_in_the_dialog():
    sign_in()
    go("#/nodes/worker-4")
    BROWSER.click(".node-head .primary")
    BROWSER.until("() => document.getElementById('ask').open")
    RELAY.cut()
    BROWSER.click("#ask .primary")
    BROWSER.until(HAS, "#ask .trouble", "The server cannot be reached.")
    RELAY.restore()
    BROWSER.click("#ask .primary")
    BROWSER.until(HAS, "#ask h2", "worker-4 is armed")
    BROWSER.said()


def test_a_viewer_sees_no_buttons_and_no_documents():
    sign_in("viewer")
    go("#/nodes/worker-5")
    BROWSER.until(HAS, ".documents, section", "an operator's token shows them")
    tap.eq(BROWSER.run("() => [...document.querySelectorAll('.node-head button')].filter((b) => b.checkVisibility()).length"), 0)
    quiet()


def test_a_document_says_where_each_line_comes_from():
    sign_in()
    go("#/nodes/k8s-master-1")
    BROWSER.click(".tabs >> text=user-data")
    BROWSER.until("() => document.querySelectorAll('.line').length > 20")
    shown = "\n".join(BROWSER.run(ALL, ".line-text", "textContent")).replace("\u00a0", "")
    text = DAEMON.admin("GET", "/v1/nodes/k8s-master-1/documents/user-data").text
    tap.eq(shown, text.rstrip("\n"))
    BROWSER.run("() => document.querySelector('.lines').focus()")
    at = text.split("\n").index(next(line for line in text.split("\n") if "timezone:" in line))
    for _ in range(at):
        BROWSER.press("ArrowDown")
    tap.contains(BROWSER.run(TEXT, "#source"), f"Line {at + 1}")
    tap.contains(BROWSER.run(TEXT, "#source"), "templates/common/machine:")
    tap.contains(BROWSER.run(TEXT, ".line[aria-selected=true] mark"), "Etc/UTC")
    tap.eq(BROWSER.run(TEXT, ".line[aria-selected=true] .line-source"), " from common/machine:8")
    BROWSER.press("Home")
    BROWSER.press("ArrowDown")
    BROWSER.press("ArrowDown")
    tap.contains(BROWSER.run(TEXT, "#source"), "set in ")
    tap.contains(BROWSER.run(TEXT, "#source"), "seed/nodes/fleet.yaml:1")
    quiet()


# --- Attacks ---

def test_foreign_text_stays_text():
    machine = SCENE.arm("plain-18")
    machine.fetch("user-data")
    machine.report("init-network/" + HOSTILE, "start", text=HOSTILE)
    machine.report("modules-config/config-x", "finish", "FAIL", text=HOSTILE)
    DAEMON.get("/boot.ipxe?mac=52:54:00:fe:00:01&manufacturer=%3Cimg%20src=x%20onerror=hacked=1%3E")
    DAEMON.get("/ipxe/mac/52:54:00:fe:00:01?manufacturer=%3Cimg%20src=x%20onerror=hacked=1%3E&product=%3Cb%3E")
    sign_in()
    for place in ("#/nodes/plain-18", "#/events", "#/machines", "#/", "#/nodes/%3Cimg%20src=x%3E", "#/nodes/%ff"):
        go(place)
        BROWSER.until("() => document.querySelector('main').childElementCount > 0")
        BROWSER.until("() => !document.querySelector('main .empty:not([hidden])')?.textContent.startsWith('Loading')")
        tap.eq(BROWSER.run("() => [typeof hacked, document.querySelectorAll('main img, main script, main b').length]"),
               ["undefined", 0], place)
    go("#/nodes/plain-18")
    BROWSER.until(HAS, ".event-text", "<img src=x onerror=hacked=1>")
    refused = [line for line in BROWSER.said() if "404" not in line and "400" not in line]  # those of a wrong name
    tap.eq(refused, [])


# --- Cut off and hidden ---

def test_a_hidden_page_holds_no_stream():
    sign_in()

    def streams():
        return DAEMON.admin("GET", "/v1/server").json["load"]["exchanges"] - 1
    tap.wait_until(lambda: streams() == 1, what="one stream")
    BROWSER.hide(True)
    tap.wait_until(lambda: streams() == 0, what="the stream's end")
    SCENE.arm("worker-8")
    BROWSER.hide(False)
    BROWSER.until(ROW, "worker-8", "armed")
    tap.wait_until(lambda: streams() == 1, what="the stream again")
    quiet()


def test_cut_off_and_back():
    sign_in()
    RELAY.cut()
    BROWSER.until(HAS, ".live.is-down", "disconnected since")
    SCENE.arm("worker-7")
    RELAY.restore()
    BROWSER.until("() => document.querySelector('.live.is-live')")
    BROWSER.until(ROW, "worker-7", "armed")
    BROWSER.said()  # of requests that failed


def test_a_revoked_token_ends_the_session():
    made = DAEMON.admin("POST", "/v1/tokens", {"name": "gone", "role": "viewer"}).json
    TOKENS["gone"] = made["token"]
    sign_in("gone")
    DAEMON.admin("DELETE", "/v1/tokens/gone")
    BROWSER.until(HAS, ".trouble", "The session has ended")
    BROWSER.said()


# --- For everyone ---

VIEWS = {"fleet": "#/", "node": f"#/nodes/{FAILED}", "ready": f"#/nodes/{READY}", "clusters": "#/clusters",
         "machines": "#/machines", "events": "#/events"}
LOADED = "() => document.querySelector('.rows, .badge:not([hidden]), .card, .event')"


def each_view(look):
    for name, place in VIEWS.items():
        go(place)
        BROWSER.until(LOADED)
        if name in ("node", "ready"):
            BROWSER.until("() => document.querySelector('.phase') && document.querySelector('.tabs button')")
        look(name)


def axe(what):
    faults = BROWSER.axe()
    assert not faults, f"{what}: {json.dumps(faults, indent=1)}"


def test_axe_finds_nothing():
    for scheme in ("light", "dark"):
        visit(colorScheme=scheme)
        BROWSER.until("() => document.getElementById('token')")
        axe(f"sign-in {scheme}")
        sign_in(colorScheme=scheme)

        def look(name, scheme=scheme):
            axe(f"{name} {scheme}")
            picture(f"{name}-{scheme}")
        each_view(look)
        go(f"#/nodes/{FAILED}")
        BROWSER.click(".tabs >> text=user-data")
        BROWSER.until("() => document.querySelectorAll('.line').length > 20")
        axe(f"document {scheme}")
        BROWSER.click(".node-head .primary")
        BROWSER.until("() => document.getElementById('ask').open")
        axe(f"dialog {scheme}")
        quiet()


def test_nothing_is_wider_than_the_screen():
    for width, height in ((360, 740), (768, 1024), (3840, 2160)):
        sign_in(viewport={"width": width, "height": height})

        def look(name, width=width):
            wide = BROWSER.run("() => Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)")
            assert wide <= width, f"{name} at {width}: {wide}"
            axe(f"{name} at {width}")
            picture(f"{name}-{width}")
        each_view(look)


tap.main()
