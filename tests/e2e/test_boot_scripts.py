#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What iPXE and grub are told to boot, by HTTP and TFTP, with the shipped templates: by the node's
state, by what the site lets count, and never with a value that a script would read as its own."""
import shlex
import shutil
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import joining  # noqa: E402
import tap  # noqa: E402
import tftp  # noqa: E402
import world  # noqa: E402
from daemon import SOURCE  # noqa: E402

URL = "http://10.0.10.5:8080"
MAC, UUID = "bc:24:11:00:20:0e", "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f1"
OTHER_UUID = "6f3d9a52-3b53-4c0e-8a51-8dd2b8f4c4f2"
KERNEL = {"kind": "kernel", "kernel": "debian/vmlinuz", "initrd": ["debian/initrd.img"],
          "arguments": "console=ttyS0 panic=30"}


HOSTILE = "x%0Areboot%1B[2J%26%26%20${x}"
HOSTILE_SHOWN = r"x\x0areboot\x1b\x5b2J\x26\x26 \x24{x}"


def tree(boot=None, evidence=("mac", "uuid"), node=True, **site):
    made = world.Tree(evidence=list(evidence), **site)
    for loader in ("ipxe", "grub"):
        shutil.copytree(SOURCE / "templates" / loader, made.templates / loader)
    made.put("roles/live.yaml", {"live": {"boot": boot} if boot else {}})
    if node:
        made.node("n1", "live", macs=[MAC], uuid=UUID)
    return made


def start(*args, **options):
    assets = world.scratch()
    return tree(*args, **options).start(args=["--tftp", "127.0.0.1:0", "--assets", assets])


def ask(server, mac=MAC, uuid=UUID):
    """The script that iPXE of that machine gets."""
    answer = server.get(f"/boot.ipxe?mac={mac.replace(':', '-')}&uuid={uuid}")
    tap.eq(answer.status, 200, answer.text)
    tap.eq(answer.headers["Cache-Control"], "no-store")
    tap.eq(answer.text.split("\n")[0], "#!ipxe")
    return answer.text


def fetch(server, name):
    host, port = server.listening["tftp"].rsplit(":", 1)
    return tftp.fetch((host, int(port)), name).decode()


def state(server, node="n1"):
    return server.admin("GET", f"/v1/nodes/{node}").json["state"]


def boots_disk(script, why=None):
    lines = script.split("\n")
    tap.contains(lines, "goto local")
    assert not any(line.startswith(("kernel", "chain --replace --autofree http://10.0.10.5:8080/as"))
                   for line in lines), script
    if why:
        tap.contains(script, f"echo n1 {why}")
    return script


def key_in(script):
    """The seed key or window key in a discovery string."""
    return script.split(f"ds=nocloud;dsmode=net;s={URL}/s/")[1].split("/")[0]


# --- the first script ----------------------------------------------------------------------------

def test_whoever_asks_is_asked_who_it_is():
    with start(KERNEL) as server:
        script = server.get("/boot.ipxe").text
        tap.eq(script.split("\n")[0], "#!ipxe")
        # Last, so that no text of the firmware's can stand for them.
        tap.contains(script, "&uuid=${uuid}&mac=${netX/mac:hexhyp} ||\n")
        tap.contains(script, f"chain --replace --autofree {URL}/boot.ipxe?manufacturer=")
        assert "serial=" not in script, "it may hold the join key"
        tap.eq(fetch(server, "boot.ipxe"), script)
        tap.contains(fetch(server, "/grub/grub.cfg"), "configfile /grub/mac/$net_default_mac")
        tap.eq(server.get("/grub/grub.cfg").text, fetch(server, "grub/grub.cfg"))
        tap.eq(server.request("HEAD", "/boot.ipxe").headers["Content-Length"], str(len(script)))
        refused = server.request("POST", "/boot.ipxe", "x")
        tap.eq((refused.status, refused.headers["Allow"]), (405, "GET, HEAD"))


def test_the_configured_url_is_everywhere():
    """It counts instead of the site's: in the first script as in a file's place."""
    other = "http://192.0.2.7:81"
    chain = {"title": "Memory test", "kind": "chain", "chain": "m.efi"}
    made = tree()
    made.put("clusters/lab.yaml", {"lab": {
        "version": "1.29", "endpoint": "api.lab:6443", "pods": "192.168.0.0/16",
        "services": "10.96.0.0/12", "addons": [{"name": "cni", "asset": "cni.yaml"}]}})
    made.template("told", "{{ site.url }} {{ site.node_url }} {{ cluster.addons[0].url }}")
    made.put("roles/live.yaml", {"live": {"boot": {"kind": "menu", "menu": [
        {"title": "Build it", **KERNEL}, chain]}, "templates": {"user-data": "told"}}})
    made.node("n1", "live", macs=[MAC], uuid=UUID, cluster="lab")
    for given in ({"args": ["--url", other + "/"]}, {"config": {"url": other}}):
        with made.start(**given) as server:
            server.arm("n1")
            texts = [server.get("/boot.ipxe").text, ask(server), server.get(f"/grub/mac/{MAC}").text,
                     ask(server, mac="bc:24:11:00:20:99", uuid=""),
                     server.get(f"/s/{world.key_of(server.state, 'n1')}/user-data").text]
            assert not any(URL in text for text in texts), texts
            tap.contains(texts[0], f"chain --replace --autofree {other}/boot.ipxe?")
            for file in ("debian/vmlinuz", "debian/initrd.img", "m.efi"):
                tap.contains(texts[1], f" {other}/assets/{file} ")
            tap.eq(texts[4], f"{other} https://192.0.2.7:8443 {other}/assets/cni.yaml")


# --- arguments and documents of one's own --------------------------------------------------------

def test_arguments_are_a_template_and_documents_are_below_the_url():
    made = tree()
    made.template("ks", "lang en_US\n# {{ node.name }} {{ seed.url }}\n")
    made.put("roles/live.yaml", {"live": {
        "boot": {**KERNEL, "discovery": "none",
                 "arguments": "ks={{ seed.url }}ks.cfg hostname={{ node.name }} {{ more }}"},
        "documents": {"ks.cfg": {"template": "ks"}, "install/user-data": {"template": "ks"}}}})
    made.node("n1", "live", macs=[MAC], uuid=UUID, variables={"more": "quiet"})
    made.node("n2", "live", macs=["bc:24:11:00:20:0f"])
    with made.start(args=["--tftp", "127.0.0.1:0", "--assets", world.scratch()]) as server:
        server.arm("n1")
        line = next(one for one in ask(server).split("\n") if one.startswith("kernel "))
        url = line.split(" ks=")[1].split("ks.cfg ")[0]
        tap.eq(line.split("ks.cfg ")[1], "hostname=n1 quiet || goto failed")
        assert url.startswith(URL + "/s/") and "ds=nocloud" not in line, line
        path = url.removeprefix(URL)
        tap.eq(server.get(path + "ks.cfg").text, f"lang en_US\n# n1 {url}\n")
        tap.eq(server.get(path + "install/user-data").text, f"lang en_US\n# n1 {url}\n")
        tap.eq(server.get(path + "install/vendor-data").text, "")
        tap.eq(server.get(path + "install/meta-data").text,
               'instance-id: "n1-1"\nlocal-hostname: "n1"\n')
        tap.eq(server.get("/nocloud/name/n1/ks.cfg").status, 403)
        tap.eq(server.get(f"/nocloud/mac/{MAC}/ks.cfg").text, f"lang en_US\n# n1 {url}\n")
        refused = server.get(path + "preseed.cfg")
        tap.eq(refused.status, 404)
        tap.contains(refused.text, "what the node's role lists under 'documents'")
        server.wait_event("served", file="ks.cfg")
        server.arm("n2")
        answer = server.get("/boot.ipxe?mac=bc-24-11-00-20-0f&uuid=")
        tap.eq(answer.status, 500)
        told = server.wait_event("render-failed")["reason"]
        tap.contains(told, "arguments: 'more' is undefined")


# --- a node's ------------------------------------------------------------------------------------

def test_a_node_is_built_within_its_window_alone():
    with start(KERNEL) as server:
        boots_disk(ask(server), "is not to be built now")
        tap.eq(state(server), "registered")  # and nothing was told of that: no alarm
        tap.eq(server.admin("GET", "/v1/nodes/n1").json["alarms"], 0)
        join = server.arm("n1")["serial"].split(" cs=")[1].split(".")[0]
        script = ask(server)
        key = key_in(script)
        # The kernel's command line crosses the network, and everyone on the machine can read it.
        for text in (script, fetch(server, f"grub/mac/{MAC.replace(':', '-')}")):
            tap.contains(text, "ds=nocloud;dsmode=net;s=")
            assert join not in text and "cs=" not in text, text
        tap.contains(script, f"kernel {URL}/assets/debian/vmlinuz initrd=initrd1 console=ttyS0 "
                             f"panic=30 ds=nocloud;dsmode=net;s={URL}/s/{key}/ || goto failed\n"
                             f"initrd --name initrd1 {URL}/assets/debian/initrd.img || goto "
                             "failed\nboot || goto failed\n")
        assert key != world.key_of(server.state, "n1"), "never its own key"
        tap.wait_until(lambda: state(server) == "booting", what="the fetch being told")
        event = server.admin("GET", "/v1/events?kind=booting").json["events"][0]
        tap.eq((event["data"]["file"], event["data"]["evidence"]), ("boot.ipxe", "mac"))
        tap.contains(server.get(f"/s/{key}/meta-data").text, "n1-1")
        tap.eq(key_in(ask(server)), key)  # it crashed, and tries again
        server.admin("POST", "/v1/nodes/n1/disarm")
        boots_disk(ask(server), "is not to be built now")
        tap.eq(server.get(f"/s/{key}/meta-data").status, 404)


def test_no_install_loop():
    """What is up boots its disk, though its window is still open."""
    with start(KERNEL) as server:
        server.arm("n1")
        key = key_in(ask(server))
        tap.eq(server.request("POST", f"/s/{key}/phone-home", "hostname=n1").status, 200)
        tap.eq(state(server), "up")
        boots_disk(ask(server), "is built already")
        done = '{"name": "modules-final", "event_type": "finish", "result": "SUCCESS"}'
        tap.eq(server.request("POST", f"/s/{key}/report", done).status, 200)
        tap.eq(state(server), "ready")
        boots_disk(ask(server), "is built already")
        tap.eq(state(server), "ready")
        server.admin("POST", "/v1/nodes/n1/reprovision")
        assert key_in(ask(server)) != key


def test_an_installer_and_its_disk_have_urls_of_their_own():
    def report(place, name, kind="finish", result="SUCCESS"):
        body = f'{{"name": "{name}", "event_type": "{kind}", "result": "{result}"}}'
        tap.eq(server.request("POST", f"/s/{key}/{place}", body).status, 200)
        return state(server)

    made = tree()
    made.template("ks", "{{ seed.url }}\n")
    made.put("roles/live.yaml", {"live": {
        "documents": {"ks.cfg": {"template": "ks"}},
        "boot": {**KERNEL, "kind": "install", "arguments": "ks={{ seed.url }}ks.cfg"}}})
    made.node("n1", "live", macs=[MAC], uuid=UUID)
    with made.start() as server:
        server.arm("n1")
        tap.eq(server.get(f"/nocloud/mac/{MAC}/ks.cfg").status, 200)
        tap.wait_until(lambda: state(server) == "installing", what="the fetch being told")
        script = ask(server)  # by its MAC anyone could have fetched that
        key = script.split(f" ks={URL}/s/")[1].split("/")[0]
        tap.eq(server.get(f"/s/{key}/ks.cfg").status, 200)
        tap.eq(report("install/report", "install"), "booting")
        boots_disk(ask(server), "was installed in this build window")
        tap.eq(report("install/report", "init-network", "start"), "booting")
        tap.eq(report("install/report", "modules-final"), "booting")
        tap.eq(server.get(f"/s/{key}/user-data").status, 200)
        tap.wait_until(lambda: server.admin("GET", "/v1/nodes/n1").json["boot"]["events"] == 0,
                       what="the disk's first fetch")
        tap.eq(report("install/report", "modules-final", "finish", "FAIL"), "booting")
        tap.eq(report("report", "init-network", "start"), "booting")
        tap.eq(report("report", "modules-final"), "ready")


def test_a_clone_is_told_so():
    with start(KERNEL) as server:
        server.arm("n1")
        what = f"has the MAC of n1, but uuid {OTHER_UUID} instead of {UUID}"
        tap.contains(boots_disk(ask(server, uuid=OTHER_UUID)), f"echo this machine {what}\n")
        tap.eq(state(server), "armed")
        tap.eq(alarms(server), [what])
        shown = server.admin("GET", "/v1/nodes/n1").json
        tap.eq((shown["alarms"], shown["alarm_detail"]), (1, what))
        server.wait_event("mismatch")
        key_in(ask(server, uuid=""))  # a board without one is no clone


def alarms(server, node="n1"):
    tap.wait_until(lambda: server.admin("GET", f"/v1/nodes/{node}").json["alarms"], what="the alarm")
    events = server.admin("GET", f"/v1/events?kind=alarm&node={node}").json["events"]
    return [e["data"]["detail"] for e in events]


def test_a_foreign_mac_refuses_whatever_else_fits():
    """Two boxes with one uuid; each kind of MAC that the node does not list."""
    stranger = "bc:24:11:00:20:99"
    for reported in (stranger, "garbage", "00:00:00:00:00:00", f"{stranger}&mac={MAC}",
                     f"{MAC}&mac={stranger}"):
        with start(KERNEL) as server:
            server.arm("n1")
            told = boots_disk(ask(server, mac=reported))
            seen = stranger if stranger in reported else reported.replace(":", "-")
            tap.contains(told, f"MAC {seen} instead of {MAC}")
            tap.contains(alarms(server)[0], f"but MAC {seen} instead of {MAC}")
            tap.eq(state(server), "armed")
            path = f"/nocloud/uuid/{UUID}/user-data?mac={stranger}"
            tap.eq(server.get(path).status, 403)
            tap.eq(server.get(f"/ipxe/uuid/{UUID}?mac={stranger}").text.count("kernel "), 0)
            found = server.admin("GET", "/v1/discovered").json["machines"]
            tap.contains([m["mac"] for m in found], stranger)
            key_in(ask(server))


def test_a_uuid_of_another_node():
    made = tree(KERNEL)
    made.node("n2", "live", macs=["bc:24:11:00:20:0f"])
    with made.start() as server:
        server.arm("n1")
        server.arm("n2")
        told = boots_disk(ask(server, mac="bc:24:11:00:20:0f"))
        tap.contains(told, f"has the MAC of n2, but uuid {UUID}, which is that of n1")
        tap.eq(alarms(server, "n2"), [f"has the MAC of n2, but uuid {UUID}, which is that of n1"])


def test_bytes_in_the_other_order_are_named():
    twin = "529a3d6f-533b-0e4c-8a51-8dd2b8f4c4f1"
    with start(KERNEL) as server:
        server.arm("n1")
        for query in (f"mac={MAC}&uuid={twin}", f"uuid={twin}"):
            told = boots_disk(server.get(f"/boot.ipxe?{query}").text)
            tap.contains(told, f"uuid {twin} instead of {UUID}: the same with the bytes of its first "
                               "three groups in the other order")
        tap.contains(alarms(server)[0], "in the other order")


def test_an_unreadable_uuid_refuses_like_another_one():
    reports = {"garbage": "garbage", UUID[:-1]: UUID[:-1], f"%20{UUID}x%20": f"{UUID}x",
               HOSTILE: HOSTILE_SHOWN}
    for reported, seen in reports.items():
        with start(KERNEL) as server:
            server.arm("n1")
            told = boots_disk(ask(server, uuid=reported))
            tap.contains(told, "has the MAC of n1, but unreadable uuid ")
            tap.contains(told, seen)
            tap.contains(alarms(server)[0], seen)
            tap.eq(server.get(f"/nocloud/mac/{MAC}/user-data?uuid={reported}").status, 403)
            tap.eq(state(server), "armed")
            key_in(ask(server))


def test_an_unreadable_mac_gets_into_no_script():
    with start(KERNEL) as server:
        server.arm("n1")
        tap.contains(boots_disk(server.get(f"/boot.ipxe?mac={HOSTILE}&uuid={UUID}").text),
                     f"MAC {HOSTILE_SHOWN} instead of {MAC}")


def test_a_uuid_counts_however_it_is_written():
    digits = UUID.replace("-", "")
    with start(KERNEL) as server:
        server.arm("n1")
        for reported in (UUID.upper(), digits, f"%7B{UUID}%7D", f"{UUID}%20", f"{UUID}&uuid={digits}",
                         f"&uuid={UUID}"):
            key_in(ask(server, uuid=reported))
            key_in(server.get(f"/boot.ipxe?uuid={reported}").text)
        tap.eq(server.get(f"/nocloud/uuid/{digits}/meta-data").status, 200)


def test_two_different_uuids_refuse():
    with start(KERNEL) as server:
        server.arm("n1")
        for one, two in ((UUID, OTHER_UUID), (OTHER_UUID, UUID), (UUID, "garbage")):
            told = boots_disk(ask(server, uuid=f"{one}&uuid={two}"))
            tap.contains(told, f"has the MAC of n1, but two uuids, {one} and {two}")
        tap.contains(alarms(server)[0], "but two uuids, ")
        tap.eq(state(server), "armed")


def test_placeholders_identify_no_machine():
    shared, other = "03000200-0400-0500-0006-000700080009", "00020003-0004-0005-0006-000700080009"
    made = tree(KERNEL, evidence=("mac", "uuid", "serial"), node=False)
    made.node("n1", "live", macs=[MAC], uuid=shared, serial="To Be Filled By O.E.M.")
    with made.start() as server:
        server.arm("n1")
        for uuid in (shared, other, shared.upper()):
            assert "n1" not in ask(server, mac="bc:24:11:00:20:99", uuid=uuid)
            tap.eq(server.get(f"/nocloud/uuid/{uuid}/user-data").status, 404)
        tap.eq(server.get("/nocloud/serial/To%20Be%20Filled%20By%20O.E.M./user-data").status, 404)
        found = server.admin("GET", "/v1/discovered").json["machines"]
        tap.eq([(m["mac"], m["uuid"]) for m in found], [("bc:24:11:00:20:99", None)])
        key_in(ask(server, uuid=shared))  # its MAC identifies it
        tap.wait_until(lambda: state(server) == "booting", what="the fetch being told")
        event = server.admin("GET", "/v1/events?kind=booting").json["events"][0]
        tap.eq(event["data"]["ignored"], f"uuid {shared}: many machines report it")
        tap.eq(server.admin("GET", "/v1/nodes/n1").json["alarms"], 0)


def test_a_lock_is_told():
    made = tree(KERNEL, alarms="lock", node=False)
    made.put("clusters/c.yaml", {"c": {"version": "1.29", "endpoint": "10.0.20.11:6443",
                                       "pods": "192.168.0.0/16", "services": "10.96.0.0/12"}})
    made.put("roles/live.yaml", {"live": {"boot": KERNEL, "bootstrap": "worker"}})
    made.node("n1", "live", macs=[MAC], uuid=UUID, cluster="c")
    with made.start(args=["--https", "127.0.0.1:0"]) as server:
        serial = server.arm("n1")["serial"]
        for claim, status in (("A" * 43, 503), ("B" * 42 + "A", 409)):
            request = {"claim": claim, "uuid": UUID, "machine": None, "hostname": "n1",
                       "addresses": [], "kubeadm": None, "attempt": 1}
            got = joining.post(server, serial, "bootstrap", request)
            tap.eq(got[0], status, str(got))
        boots_disk(ask(server), "is locked after an alarm")


def test_what_counts_is_for_the_site_to_say():
    smbios = {**KERNEL, "discovery": "smbios"}
    with start(smbios, evidence=[]) as server:  # no key is given, so none is needed
        server.arm("n1")
        script = ask(server)
        tap.contains(script, "kernel ")
        assert "ds=nocloud" not in script and "/s/" not in script, script
        tap.eq(state(server), "armed")  # anyone may say that he is n1
    with start(KERNEL, evidence=["uuid"]) as server:
        server.arm("n1")
        boots_disk(ask(server, uuid=""), "cannot get its URL")
        key_in(ask(server))


def test_other_kinds():
    with start({"kind": "chain", "chain": "memtest/memtest.efi"}) as server:
        server.arm("n1")
        tap.contains(ask(server), f"chain --replace --autofree {URL}/assets/memtest/memtest.efi ||")
        tap.contains(fetch(server, f"grub/mac/{MAC}"), "chainloader /assets/memtest/memtest.efi\n")
    with start() as server:
        server.arm("n1")
        boots_disk(ask(server))
        assert "echo n1" not in ask(server)  # nothing was refused
        tap.contains(fetch(server, f"/grub/mac/{MAC}"), "\nexit\n")
    menu = [{"title": "Memory test", "kind": "chain", "chain": "m.efi"},
            {"title": "Its disk", "kind": "local"}, {"title": "Build it", **KERNEL}]
    with start({"kind": "menu", "timeout": 7, "menu": menu}) as server:
        server.arm("n1")
        script = ask(server)
        tap.contains(script, "item entry1 Memory test\nitem entry2 Its disk\nitem entry3 Build it\n"
                             "choose --default entry1 --timeout 7000 chosen")
        tap.contains(script, ":entry2\ngoto local\n:entry3\nkernel ")
        key_in(script)
        grub = fetch(server, f"grub/mac/{MAC}")
        tap.contains(grub, "set timeout=7\nmenuentry 'Memory test' {\nchainloader /assets/m.efi\n")


def test_grub():
    with start(KERNEL) as server:
        to_disk = fetch(server, f"/grub/mac/{MAC}")
        assert "\nlinux " not in to_disk, to_disk
        # To end well would bring it to the firmware's menu; what grub starts is told its disk.
        for line in ("if chainloader \"$file\"; then boot; fi", "set root=$network"):
            tap.contains(to_disk, line)
        server.arm("n1")
        by_tftp = fetch(server, f"/grub/mac/{MAC}")
        words = shlex.split(next(x for x in by_tftp.split("\n") if x.startswith("linux ")))
        key = key_in(words[-1])
        tap.eq(words, ["linux", "/assets/debian/vmlinuz", "console=ttyS0", "panic=30",
                       f"ds=nocloud;dsmode=net;s={URL}/s/{key}/"])
        tap.contains(by_tftp, "\ninitrd /assets/debian/initrd.img\nboot\n")
        tap.eq(server.get(f"/grub/mac/{MAC}").text, by_tftp)
        tap.contains(fetch(server, f"ipxe/mac/{MAC}"), "kernel ")
        tap.contains(fetch(server, f"ipxe/uuid/{UUID}"), "kernel ")


# --- machines that nobody knows ------------------------------------------------------------------

def test_an_unknown_machine_is_told_how_it_is_added():
    with start(KERNEL, node=False) as server:
        script = ask(server)
        for line in (f"echo ${{indent}}MAC {MAC}", f"echo ${{indent}}uuid {UUID}", "goto again",
                     f"echo ${{indent}}cloudseed node adopt {MAC} NAME --role ROLE --arm"):
            tap.contains(script.split("\n"), line)
        server.wait_event("discovered", evidence=MAC)
        found = server.admin("GET", "/v1/discovered").json["machines"]
        tap.eq([(m["mac"], m["uuid"]) for m in found], [(MAC, UUID)])
        tap.contains(fetch(server, f"grub/mac/{MAC}"), "cloudseed node adopt $net_default_mac NAME")
    with start(KERNEL, node=False, unknown="local") as server:
        script = ask(server)
        assert "goto again" not in script and "prompt" not in script, script
        tap.contains(script, "iseq ${platform} efi")


def test_what_a_machine_says_never_gets_into_a_script():
    hostile = "%0Areboot%0A${x}%20||%20reboot"
    with start(KERNEL, node=False) as server:
        for query in (f"mac={hostile}", f"uuid={hostile}", f"product={hostile}&mac=" + MAC,
                      f"manufacturer={hostile}&platform={hostile}&arch={hostile}"):
            script = server.get(f"/boot.ipxe?{query}").text
            assert "reboot" not in script and "${x}" not in script, script
        for path in (f"/ipxe/mac/{hostile}", "/ipxe/mac/" + "a" * 900, "/grub/mac/'%27;reboot"):
            answer = server.get(path)
            assert "reboot" not in answer.text, answer.text
            assert answer.status in (200, 404), answer.status


def test_a_site_without_scripts_says_so():
    bare = world.Tree()
    bare.node("n1", macs=[MAC])
    with bare.start() as server:
        for path in ("/boot.ipxe", f"/boot.ipxe?mac={MAC}", "/boot.ipxe?mac=x", "/grub/grub.cfg"):
            answer = server.get(path)
            tap.eq((answer.status, answer.text),
                   (404, "the site has no template for this script\n"), path)


tap.main()
