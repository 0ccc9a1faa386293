#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The pictures of docs/page.md: pictures.py DIR. The nodes are played, the page and its server are real.

Each is made smaller by pngquant and optipng.
"""
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib"), str(Path(__file__).resolve().parent)]
from browser import Browser  # noqa: E402
from kubeapi import StandIn  # noqa: E402
from scene import Scene  # noqa: E402

TO = Path(sys.argv[1])
MANY = 20  # of 2,000 no more boot: it takes a while
ADMIN = ["--admin", "127.0.0.1:0"]
LOADED = "(n) => document.querySelector('.count')?.textContent === n && document.querySelector('.live.is-live')"


def of(names, role):
    return [name for name in names if name.startswith(role)]


def play_small(scene):
    first, second, third = scene.names
    scene.boot(first, pace=1)
    scene.join(first, pace=1)
    scene.boot(second, pace=.3)
    scene.ask_to_join(second)
    scene.boot(third, until="modules-config", pace=.5)


def play_large(scene):
    plain, workers = of(scene.names, "plain"), of(scene.names, "worker")
    masters = of(scene.names, "k8s-master")
    scene.boot(masters[0])
    scene.join(masters[0])
    for name in plain[:min(len(plain) * 2 // 3, MANY)]:
        scene.boot(name)
    joined, rest = workers[:min(len(workers) // 8, MANY)], workers[min(len(workers) // 8, MANY):]
    for name in joined:
        scene.boot(name)
        scene.join(name)
    for name in rest[:2]:
        scene.boot(name)
        scene.ask_to_join(name)
    scene.boot(rest[2], fails="modules-config/config-ntp")
    scene.boot(rest[3], until="init-network")
    scene.boot(rest[4], until="modules-config")
    scene.boot(rest[5], until="modules-final")
    for name in rest[6:9]:
        scene.arm(name)
    scene.boot(plain[-1], fails="modules-final/config-package_update_upgrade_install", pace=1)


def shoot(browser, scene, name, place, scheme="light", width=1280, height=800, then=None):
    code = scene.code()
    browser.open(url=f"https://{scene.daemon.listening['admin']}/ui/#code={code}", ignoreHTTPSErrors=True,
                 colorScheme=scheme, viewport={"width": width, "height": height})
    browser.until(LOADED, f"{len(scene.names):,} nodes")
    browser.run("(to) => { location.hash = to; }", place)
    browser.until("() => document.querySelector('.row, .phase')")
    browser.run("() => new Promise((done) => setTimeout(done, 1500))")  # for what is drawn to settle
    if then:
        then()
    file = TO / f"{name}.png"
    browser.shot(str(file), {})
    subprocess.run(["pngquant", "--force", "--skip-if-larger", "--speed", "1", "--output", file, file], check=True)
    subprocess.run(["optipng", "-quiet", "-o4", file], check=True)


def main():
    TO.mkdir(parents=True, exist_ok=True)
    with Browser() as browser:
        with StandIn() as api, Scene(3, args=ADMIN, api=api) as scene:
            play_small(scene)
            shoot(browser, scene, "page-3", "#/")
            shoot(browser, scene, "page-node", f"#/nodes/{scene.names[0]}", scheme="dark")
        with StandIn() as api, Scene(40, args=ADMIN, api=api) as scene:
            play_large(scene)
            failed = of(scene.names, "plain")[-1]
            shoot(browser, scene, "page-40", "#/")
            shoot(browser, scene, "page-40-dark", "#/", scheme="dark")
            shoot(browser, scene, "page-failed", f"#/nodes/{failed}")
            shoot(browser, scene, "page-phone", "#/", scheme="dark", width=390, height=844)

            def document():
                browser.click(".tabs >> text=user-data")
                browser.until("() => document.querySelectorAll('.line').length > 20")
                browser.run("() => document.querySelector('.documents').scrollIntoView()")
                browser.hover(".line:nth-child(12)")
            shoot(browser, scene, "page-document", f"#/nodes/{failed}", width=1680, then=document)
        with StandIn() as api, Scene(2000, args=ADMIN, api=api) as scene:
            play_large(scene)
            shoot(browser, scene, "page-2000", "#/", width=1920, height=1080)
            shoot(browser, scene, "page-2000-dark", "#/", scheme="dark", width=1920, height=1080)


main()
