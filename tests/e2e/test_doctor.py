#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed doctor`: a homelab in which nothing is wrong, and then one fault after the other is
planted on the way of a node. Each must be what is to be fixed first, in these words.

All in a network namespace of its own, so that addresses and ports are those of a real server.
"""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1] / "lib")]
import tap  # noqa: E402
from daemon import BUILD, SOURCE, Daemon  # noqa: E402

MARK = "CLOUDSEED_TEST_NETWORK"
ALONE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]


def reason_to_skip():
    for program in ("ip", "unshare"):
        if not shutil.which(program):
            return f"{program} is not installed"
    if subprocess.run([*ALONE, "true"], capture_output=True).returncode:
        return "no network namespace can be made"
    return None


os.environ["PATH"] += ":/usr/sbin:/sbin"
WHY_NOT = reason_to_skip()
if not WHY_NOT and MARK not in os.environ:  # what is made goes away with the test
    os.execvpe("unshare", [*ALONE, sys.executable, "-B", *sys.argv], {**os.environ, MARK: "1"})

from kubeapi import NODES, StandIn as Kube, node_object, rfc3339  # noqa: E402
from pve.homelab import TOKEN, world  # noqa: E402
from pve.server import StandIn  # noqa: E402

SERVER, URL = "10.0.20.1", "http://10.0.20.1:8080"
NODE, MASTER, VMID = "k8s-worker-2", "k8s-master-1", 102
MAC = "BC:24:11:00:20:0C"
UUID = "4c4c4544-0042-3510-8052-b4c04f4e4432"
ASSETS = ("undionly.kpxe", "snponly.efi", "ubuntu/vmlinuz", "ubuntu/initrd")
BOOT = """  boot:
    kind: kernel
    kernel: ubuntu/vmlinuz
    initrd: [ubuntu/initrd]
    discovery: none
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def replace(file, old, new):
    text = file.read_text()
    tap.contains(text, old)
    file.write_text(text.replace(old, new, 1))


class Lab:
    """The homelab: its server, a Proxmox VE with the worker's VM, and a cluster that stands."""

    def __init__(self):
        if WHY_NOT:
            raise tap.Skip(WHY_NOT)
        if "far" not in dict(map(reversed, socket.if_nameindex())):
            ip("link", "set", "lo", "up")
            ip("link", "add", "far", "type", "veth", "peer", "near")
            for end in ("far", "near"):
                ip("link", "set", end, "up")
            ip("address", "add", f"{SERVER}/24", "dev", "far")
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        self.kube = Kube()
        self.kube.__enter__()
        self._write_tree()
        self._write_proxmox()
        self.log = None
        self.start()
        self.adopt()
        self.is_followed()
        self.run("pve", "login", self.api.urls["pve1"], "--name", "home", "--token-file",
                 self.token, "--fingerprint", self.api.fingerprints["pve1"])
        self.run("pve", "register", NODE)
        self.vm.running = True

    def _write_tree(self):
        for name in ("seed", "templates"):
            shutil.copytree(SOURCE / name, self.folder / name)
        self.site = self.folder / "seed/site.yaml"
        self.roles = self.folder / "seed/roles/kubernetes.yaml"
        self.nodes = self.folder / "seed/nodes/homelab.yaml"
        self.assets = self.folder / "assets"
        replace(self.site, "http://10.0.10.5:8080", URL)
        replace(self.site, "evidence: []", "evidence: [mac]")
        replace(self.roles, "    user-data: worker/user-data\n",
                "    user-data: worker/user-data\n" + BOOT)
        replace(self.folder / "seed/clusters/homelab.yaml", "k8s-api.home.arpa:6443",
                f"{self.kube.host}:{self.kube.port}")
        (self.folder / "cloudseedd.yaml").write_text(json.dumps({
            "socket": str(self.folder / "admin.sock"), "http": [f"{SERVER}:8080"],
            "https": [f"{SERVER}:8443"], "tftp": [f"{SERVER}:69"],
            **{key: str(self.folder / key) for key in ("seed", "templates", "state", "assets")}}))
        (self.folder / "file").write_text("a kernel, or whatever it is\n")
        for name in ASSETS:
            self.run("asset", "add", self.folder / "file", name)

    def _write_proxmox(self):
        self.pve = world()
        for who in ("cloudseed@pve", "cloudseed@pve!t"):
            self.pve.rights.allow("/sdn/zones/localnetwork/vmbr0/20", who, "Net")
        self.pve.add_vm(VMID, "pve1", name=NODE, net0=f"virtio={MAC},bridge=vmbr0,tag=20",
                        scsi0="local-lvm:4", smbios1=f"uuid={UUID}")
        self.pve.pools["k8s"].add(VMID)
        self.vm = self.pve.vms[VMID]
        self.api = StandIn(self.pve)
        self.token = self.folder / "token"
        self.token.write_text(TOKEN)
        self.token.chmod(0o600)

    def start(self):
        """The real server, by its configuration file."""
        self.daemon = Daemon(state=self.folder / "state", http=(), args=[
            "--config", self.folder / "cloudseedd.yaml", "--socket", self.folder / "admin.sock"])
        self.daemon.socket = self.folder / "admin.sock"

    def adopt(self, **change):
        end = rfc3339(time.time() + 86400)
        answer = self.daemon.admin("POST", "/v1/clusters/homelab/adopt", {
            "endpoint": self.kube.url, "ca": self.kube.ca, "replace_ca": False,
            **{who: {"token": self.kube.bearers[who], "expires": end}
               for who in ("minter", "approver")}, **change})
        tap.eq(answer.status, 200, answer.text)

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        self.daemon.__exit__(kind, *rest)
        self.api.__exit__(kind, *rest)
        self.kube.__exit__(kind, *rest)
        shutil.rmtree(self.folder)

    def call(self, *words, env=None):
        env = {**os.environ, "HOME": str(self.folder), **(env or {})}
        env.pop("XDG_CONFIG_HOME", None)
        done = subprocess.run([str(BUILD / "cloudseed"), "--config",
                               str(self.folder / "cloudseedd.yaml"), *map(str, words)], env=env,
                              capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=300,
                              check=False)
        said = done.stdout + done.stderr
        assert "Sanitizer" not in said and "runtime error" not in said, said
        assert TOKEN.partition("=")[2] not in said, said
        return done

    def run(self, *words):
        done = self.call(*words)
        tap.eq(done.returncode, 0, f"{words}\n{done.stdout}{done.stderr}")
        return done.stdout

    def doctor(self, *words):
        """The findings, and what is to be fixed first."""
        done = self.call("doctor", *words, "--json")
        assert done.returncode in (0, 1), done.stderr
        found = json.loads(done.stdout)
        tap.eq(done.returncode, 0 if found["ok"] else 1)
        return found

    def is_well(self, when):
        said = self.doctor(NODE)
        tap.eq(said["first"], None, f"{when}: {json.dumps(said['steps'], indent=1)}")

    def node(self, name=NODE):
        return self.daemon.admin("GET", f"/v1/nodes/{name}").json

    def reload(self):
        tap.eq(self.daemon.admin("POST", "/v1/reload").status, 200)
        tap.wait_until(lambda: self.node()["check"] == "ok", what="the check")

    def is_followed(self):
        def trouble():
            return self.daemon.admin("GET", "/v1/clusters/homelab").json["trouble"]
        tap.wait_until(lambda: trouble() is None, what="the nodes of the cluster")

    def register(self):
        """In a new window."""
        self.run("node", "arm", NODE)
        self.run("pve", "register", NODE)
        self.vm.apply_pending()

    def serial(self):
        return self.daemon.admin("GET", f"/v1/nodes/{NODE}/serial").json["serial"]

    def post(self, what, body):
        path = self.node()["seed_url"][len(URL):]
        return self.daemon.request("POST", path + what, body)


# --- the faults -------------------------------------------------------------------------------------
#
# A fault is planted, the node is looked at, and the fault is fixed. The name of a function is that of
# the step which must be the first one, and what it says of the fault.

FAULTS = []


def fault(step, what, how, about=NODE):
    def add(function):
        FAULTS.append((step, what, how, about, contextlib.contextmanager(function)))
        return function
    return add


@fault("server", "there is no such socket", "systemctl start cloudseedd")
def the_server_is_not_running(lab):
    lab.daemon.stop()
    yield
    lab.start()


@fault("server", rf"{SERVER}:8080 \(http\) is held by python3 \(pid {os.getpid()}\)",
       "stop that program")
def another_program_has_the_port(lab):
    lab.daemon.stop()
    with socket.create_server((SERVER, 8080)):
        yield
    lab.start()


@fault("server", rf"{SERVER}:69 \(tftp\) is held by python3", "stop that program")
def another_program_has_the_port_of_tftp(lab):
    lab.daemon.stop()
    with socket.socket(type=socket.SOCK_DGRAM) as other:
        other.bind(("0.0.0.0", 69))
        yield
    lab.start()


@fault("tree", r"nodes/homelab.yaml:\d+: .*'workr'.*; the server goes on with the tree of 20",
       "cloudseed check")
def the_tree_has_a_fault(lab):
    text = lab.nodes.read_text()
    replace(lab.nodes, "role: worker", "role: workr")
    yield
    lab.nodes.write_text(text)


@fault("node", "the seed tree on the disk has k8s-worker-9, and the server does not",
       "run 'cloudseed reload'", about="k8s-worker-9")
def a_new_node_was_not_loaded(lab):
    text = lab.nodes.read_text()
    lab.nodes.write_text(text + "k8s-worker-9: {role: worker, cluster: homelab}\n")
    yield
    lab.nodes.write_text(text)


@fault("node", "no such node", "cloudseed node list", about="k8s-worker-22")
def nobody_has_that_name(_lab):
    yield


@fault("certificate", "is not for seed.home.arpa, where nodes bootstrap", "node_url")
def the_certificate_has_another_name(lab):
    text = lab.site.read_text()
    lab.site.write_text(text + "node_url: https://seed.home.arpa:8443\n")
    yield
    lab.site.write_text(text)


@fault("url", "http://127.0.0.1:8080: no machine but this one", "set 'url' in site.yaml")
def the_url_is_the_loopback(lab):
    text = lab.site.read_text()
    replace(lab.site, URL, "http://127.0.0.1:8080")
    lab.reload()
    yield
    lab.site.write_text(text)
    lab.reload()


@fault("url", f"http://{SERVER}:8081: .*(refused|connect)", "compare 'url' in site.yaml with 'http'")
def the_url_has_another_port(lab):
    text = lab.site.read_text()
    replace(lab.site, URL, f"http://{SERVER}:8081")
    lab.reload()
    yield
    lab.site.write_text(text)
    lab.reload()


@contextlib.contextmanager
def web_server(port, status):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):  # pylint: disable=arguments-differ
            pass

    server = ThreadingHTTPServer((SERVER, port), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield
    server.shutdown()
    server.server_close()


@fault("url", "something else than this server answers there", "compare 'url'")
def another_server_has_the_url(lab):
    text = lab.site.read_text()
    replace(lab.site, URL, f"http://{SERVER}:8081")
    lab.reload()
    with web_server(8081, 200):
        yield
    lab.site.write_text(text)
    lab.reload()


@fault("https", f"https://{SERVER}:9443.*: .*(refused|connect)", "set 'https' in cloudseedd.yaml")
def nobody_listens_where_nodes_bootstrap(lab):
    text = lab.site.read_text()
    lab.site.write_text(text + f"node_url: https://{SERVER}:9443\n")
    yield
    lab.site.write_text(text)


@fault("https", "the certificate is not this server's", "ends TLS")
def another_certificate_is_shown(lab):
    text = lab.site.read_text()
    lab.site.write_text(text + f"node_url: https://127.0.0.1:{lab.kube.port}\n")
    lab.reload()
    tap.wait_until(lambda: "127.0.0.1" in lab.run("ca", "show"), what="a certificate for it")
    yield
    lab.site.write_text(text)
    lab.reload()


@fault("tftp", "snponly.efi by TFTP from 10.0.20.1: the server says", "cloudseed asset bootloaders")
def a_boot_program_is_missing(lab):
    shutil.move(lab.assets / "snponly.efi", lab.folder)
    yield
    shutil.move(lab.folder / "snponly.efi", lab.assets)


@fault("tftp", "undionly.kpxe by TFTP from 10.0.20.1: no answer", "set 'tftp' in cloudseedd.yaml")
def there_is_no_tftp(lab):
    config = lab.folder / "cloudseedd.yaml"
    text = config.read_text()
    config.write_text(json.dumps({k: v for k, v in json.loads(text).items() if k != "tftp"}))
    lab.daemon.stop()
    lab.start()
    yield
    config.write_text(text)
    lab.daemon.stop()
    lab.start()


@fault("documents", r"templates/worker/user-data:\d+: the key 'users' is here already", "cloudseed check")
def the_documents_have_a_fault(lab):
    file = lab.folder / "templates/worker/user-data"
    text = file.read_text()
    file.write_text(text + "\nusers: 7\n")
    yield
    file.write_text(text)


@fault("window", "no build window is open", "cloudseed node arm k8s-worker-2")
def the_window_is_closed(lab):
    lab.run("node", "disarm", NODE)
    yield
    lab.run("pve", "register", NODE)
    lab.vm.apply_pending()


@fault("vm", r"there is no VM 102", "cloudseed pve list")
def the_vm_is_gone(lab):
    vm = lab.pve.vms.pop(VMID)
    yield
    lab.pve.vms[VMID] = vm


@fault("vm", "401|[Aa]uthentication|token", "cloudseed pve check")
def the_token_is_wrong(lab):
    file = lab.folder / ".config/cloudseed/pve/home.token"
    text = file.read_text()
    file.write_text(TOKEN + "-of-before")
    yield
    file.write_text(text)


@fault("vm", "refused|connect|onnection", "see that the host runs")
def proxmox_is_away(lab):
    file = lab.folder / ".config/cloudseed/pve/home.json"
    text = file.read_text()
    data = json.loads(text)
    file.write_text(json.dumps({**data, "url": "https://127.0.0.1:1"}))
    yield
    file.write_text(text)


@contextlib.contextmanager
def vm_option(lab, name, value):
    old = lab.vm.config.get(name)
    lab.vm.config[name] = value
    yield
    lab.vm.config.pop(name)
    if old is not None:
        lab.vm.config[name] = old


@fault("identity", "VM 102 is named web-1", "--vmid N")
def the_vm_is_another_machine(lab):
    with vm_option(lab, "name", "web-1"):
        yield


@fault("identity", "no card with the node's MAC bc:24:11:00:20:0c", "correct 'macs'")
def the_vm_has_another_mac(lab):
    with vm_option(lab, "net0", "virtio=BC:24:11:00:20:FF,bridge=vmbr0,tag=20"):
        yield


def smbios_with(lab, change):
    """The VM's smbios1 with another serial."""
    import base64
    serial = change(lab.serial()).encode()
    return f"base64=1,serial={base64.b64encode(serial).decode()},uuid={UUID}"


@fault("serial", "has no SMBIOS serial", "cloudseed pve register k8s-worker-2")
def the_serial_is_missing(lab):
    with vm_option(lab, "smbios1", f"uuid={UUID}"):
        yield


@fault("serial", "its SMBIOS serial is not ours", "cloudseed pve register")
def the_serial_is_of_another_use(lab):
    with vm_option(lab, "smbios1", smbios_with(lab, lambda s: "asset 4711")):
        yield


@fault("serial", "leads to another server, http://10.0.99.9:8080", "cloudseed pve register")
def the_serial_leads_to_another_server(lab):
    with vm_option(lab, "smbios1", smbios_with(lab, lambda s: s.replace(SERVER, "10.0.99.9"))):
        yield


@fault("serial", "does not begin with ds=nocloud;dsmode=net;s=", "cloudseed pve register")
def old_cloud_init_ignores_the_serial(lab):
    with vm_option(lab, "smbios1", smbios_with(lab, lambda s: s.replace("dsmode=net;", ""))):
        yield


@fault("serial", "the seed key in its serial is not this node's", "cloudseed pve register")
def the_serial_is_another_nodes(lab):
    other = lab.node("k8s-worker-3")["seed_url"]
    ours = lab.node()["seed_url"]
    with vm_option(lab, "smbios1", smbios_with(lab, lambda s: s.replace(ours, other))):
        yield


@fault("serial", "the join key or the pin of an earlier build window", "cloudseed pve register")
def the_serial_is_of_an_earlier_window(lab):
    lab.daemon.arm(NODE)
    yield
    lab.run("pve", "register", NODE)
    lab.vm.apply_pending()


@fault("cold-start", "the VM runs without its new smbios1", "a reboot inside the guest is not enough")
def a_change_waits_for_a_cold_start(lab):
    lab.vm.pending["smbios1"] = lab.vm.config["smbios1"]
    yield
    lab.vm.pending.clear()


@fault("drives", "ide2 is Proxmox's cloud-init drive", "qm set 102 --delete ide2")
def a_cloud_init_drive_wins(lab):
    with vm_option(lab, "ide2", "local-lvm:vm-102-cloudinit,media=cdrom"):
        yield


@fault("network", "net0 is in VLAN 30, and the network nodes is VLAN 20", "set its tag to 20")
def the_card_is_in_another_vlan(lab):
    with vm_option(lab, "net0", f"virtio={MAC},bridge=vmbr0,tag=30"):
        yield


@fault("network", "net0 is untagged on vmbr0, and the network nodes is VLAN 20", "set the tag 20")
def the_card_is_untagged(lab):
    with vm_option(lab, "net0", f"virtio={MAC},bridge=vmbr0"):
        yield


@fault("network", "net0 is on vmbr7, and its host has no such bridge", "choose another bridge")
def the_bridge_is_not_there(lab):
    with vm_option(lab, "net0", f"virtio={MAC},bridge=vmbr7,tag=20"):
        yield


@fault("network", "net0 is disconnected", "link_down=0")
def the_card_is_disconnected(lab):
    with vm_option(lab, "net0", f"virtio={MAC},bridge=vmbr0,tag=20,link_down=1"):
        yield


@fault("power", "VM 102 is stopped", "cloudseed pve start k8s-worker-2")
def the_vm_is_stopped(lab):
    lab.vm.running = False
    yield
    lab.vm.running = True


@fault("boot", r"/assets/ubuntu/initrd: the answer is 404", "cloudseed asset add FILE ubuntu/initrd")
def an_image_is_missing(lab):
    shutil.move(lab.assets / "ubuntu/initrd", lab.folder)
    yield
    shutil.move(lab.folder / "initrd", lab.assets / "ubuntu")


@fault("boot", "ubuntu/vmlinuz is not the file that was added: it differs",
       "cloudseed asset add FILE ubuntu/vmlinuz")
def a_kernel_was_damaged(lab):
    text = (lab.assets / "ubuntu/vmlinuz").read_text()
    (lab.assets / "ubuntu/vmlinuz").write_text(text.upper())
    yield
    (lab.assets / "ubuntu/vmlinuz").write_text(text)


@fault("apiserver", "https://127.0.0.1:.*(refused|connect)", "the endpoint's name or VIP")
def the_api_server_is_away(lab):
    lab.kube.stop()
    yield
    lab.kube.start()
    lab.is_followed()


@fault("apiserver", r"the clock of https://127.0.0.1:\d+ is \d+ s behind the one here", "let NTP keep")
def the_clock_of_the_masters_is_wrong(lab):
    lab.kube.ahead = -3600
    yield
    lab.kube.ahead = 0


@fault("minter", "the server's token for the cluster ended 20", "cloudseed cluster adopt homelab")
def the_servers_token_has_ended(lab):
    soon = time.time() + 1.5
    # Of another account, which may not renew it.
    lab.adopt(minter={"token": lab.kube.bearers["approver"], "expires": rfc3339(soon)})
    tap.wait_until(lambda: time.time() > soon, what="the end of a token")
    yield
    lab.adopt()
    lab.is_followed()


def put_node(lab, ready):
    lab.kube.put(f"{NODES}/{NODE}", node_object(NODE, ready=ready))
    tap.wait_until(lambda: (lab.node()["kubernetes"] or {}).get("ready") is ready, what="the Node")


@fault("ready", "the Node is not Ready: KubeletNotReady: .*cni plugin", "kubectl describe node")
def the_node_is_not_ready(lab):
    put_node(lab, False)
    yield
    lab.kube.forget(f"{NODES}/{NODE}")
    tap.wait_until(lambda: lab.node()["kubernetes"] is None, what="no Node")


@fault("order", "nobody makes the cluster: the master k8s-master-1 is not armed",
       "cloudseed node arm k8s-master-1")
def nobody_makes_the_cluster(lab):
    lab.run("cluster", "reset", "homelab")
    yield
    lab.adopt()
    lab.is_followed()


@fault("progress", "it failed in modules-final", "cloudseed node show k8s-worker-2")
def cloud_init_has_failed(lab):
    tap.eq(lab.post("report", json.dumps({"name": "modules-final", "event_type": "finish",
                                          "result": "FAIL"})).status, 200)
    yield
    lab.register()


@fault("refused", "it was not served; 1 fetch was refused .not armed", "start the machine again")
def it_booted_before_its_window(lab):
    path = f"/nocloud/mac/{MAC.lower()}/meta-data"
    lab.run("node", "disarm", NODE)
    tap.eq(lab.daemon.get(path).status, 403)
    lab.register()
    yield
    tap.eq(lab.daemon.get(path).status, 200)
    lab.register()


@fault("alarms", r"\d alarms?, the latest: .*4c4c4544-0042-3510-8052-000000000000", "if it was a clone")
def a_clone_has_its_mac(lab):
    text = lab.nodes.read_text()
    macs = f'  macs: ["{MAC.lower()}"]\n'
    replace(lab.nodes, macs, macs + f"  uuid: {UUID}\n")
    lab.reload()
    lab.register()
    clone = UUID[:-12] + "0" * 12
    tap.eq(lab.daemon.get(f"/nocloud/mac/{MAC.lower()}/meta-data?uuid={clone}").status, 403)
    yield
    lab.nodes.write_text(text)
    lab.reload()
    lab.register()


def found(lab, step, what, how, about):
    said = lab.doctor(about)
    tap.eq(said["first"], step, json.dumps(said, indent=1))
    first = next(s for s in said["steps"] if s["step"] == step)
    assert re.search(what, first["what"]), f"{what!r} is not in {first['what']!r}"
    tap.contains(first["how"], how)


# What a fault here would need another machine, disk or restore for; they are units of test_steps.c.
ELSEWHERE = {"store", "clock", "cluster", "followed", "dhcp"}


def test_each_step_has_a_fault_that_only_it_finds():
    with Lab() as lab:
        judged = lab.doctor(NODE)["steps"]
        shown = lab.call("doctor", NODE, env={"COLUMNS": "70"}).stdout
        whole = lab.call("doctor", NODE).stdout
    tap.eq({step for step, *_ in FAULTS} | ELSEWHERE, {s["step"] for s in judged})
    # Long ones go on below, where they begin.
    tap.eq([line for line in shown.splitlines() if len(line) > 70 and " " in line[24:]], [])
    tap.eq(re.sub(r"[\d\s]", "", shown), re.sub(r"[\d\s]", "", whole))
    assert len(shown.splitlines()) > len(whole.splitlines()), shown


def test_each_fault_is_what_is_to_be_mended_first():
    """CLOUDSEED_FAULT plants only those with that in their name, CLOUDSEED_STEP those of a step."""
    only, wrong = os.environ.get("CLOUDSEED_FAULT", ""), []
    of_step = os.environ.get("CLOUDSEED_STEP")
    with Lab() as lab:
        for step, what, how, about, planted in FAULTS:
            name = planted.__wrapped__.__name__
            if only not in name or of_step not in (None, step):
                continue
            lab.is_well(f"before {name}")
            with planted(lab):
                try:
                    found(lab, step, what, how, about)
                except AssertionError as why:
                    wrong.append(f"{name}: {why}")
        lab.is_well("at the end")
    assert not wrong, "\n".join(wrong)
    print(f"# {len(FAULTS)} faults")


tap.main()
