# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for kubeadm and kubectl, as strict about their arguments, files and YAML as those.

call(argv, data, root, notes) is one call on the machine `root`, with (status, stdout, stderr) as
its outcome. What they remember of the cluster, and each call, is in the JSON file `notes`. Faults
are ordered there, too: {"fail": {"kubeadm init": [times, text]}}.
"""
import base64
import json
import os
import re
import shutil
import stat
import sys
import traceback
from pathlib import Path

import yaml

MINTED = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ%s.c2lnbmF0dXJl"
GOLDEN = Path(__file__).resolve().parents[1] / "golden/bootstrap"
CERTIFICATE = json.loads((GOLDEN / "requests/cluster.json").read_text())["ca"]
KUBEADM_APIS = ("kubeadm.k8s.io/v1beta3", "kubeadm.k8s.io/v1beta4")
KUBELET_API = "kubelet.config.k8s.io/v1beta1"
KNOWN = {
    "KubeletConfiguration": {"apiVersion", "kind", "cgroupDriver", "serverTLSBootstrap"},
    "InitConfiguration": {"apiVersion", "kind", "bootstrapTokens", "nodeRegistration",
                          "localAPIEndpoint", "certificateKey", "skipPhases", "patches"},
    "ClusterConfiguration": {"apiVersion", "kind", "clusterName", "kubernetesVersion", "networking",
                             "controlPlaneEndpoint", "apiServer", "controllerManager", "scheduler",
                             "etcd", "certificatesDir", "imageRepository", "featureGates"},
    "JoinConfiguration": {"apiVersion", "kind", "nodeRegistration", "discovery", "controlPlane",
                          "skipPhases", "patches", "caCertPath"},
}


class Wrong(Exception):
    """What the real one would refuse."""


class Machine:
    """The part of a machine that they see."""

    def __init__(self, root, notes, between=lambda where: None):
        self.etc, self.notes, self.between = Path(root, "etc/kubernetes"), Path(notes), between
        self.root = Path(root)
        self.known = json.loads(self.notes.read_text()) if self.notes.exists() else {}

    def keep(self, **news):
        self.known.update(news)
        part = self.notes.with_suffix(".part")
        part.write_text(json.dumps(self.known))
        part.replace(self.notes)

    def fails(self, what):
        times, text = self.known.get("fail", {}).get(what, (0, ""))
        if times:
            self.known["fail"][what][0] = times - 1
            self.keep()
            return text
        return None

    def file(self, name, text):
        path = self.etc / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def documents(text):
    try:
        found = [d for d in yaml.safe_load_all(text) if d is not None]
    except yaml.YAMLError as why:
        raise Wrong(f"error: error parsing: {why}") from None
    if not found or not all(isinstance(d, dict) for d in found):
        raise Wrong("error: no objects passed to apply")
    return found


def config_of(machine, argv, *flags):
    if len(argv) < 4 or argv[2] != "--config" or argv[4:] not in ([], list(flags)):
        raise Wrong(f"unknown arguments {argv[2:]}")
    path = Path(argv[3])
    if not str(path).startswith(f"{machine.root}/run/"):
        raise Wrong(f"{path} is not in /run")
    if stat.S_IMODE(path.stat().st_mode) != 0o600 or path.is_symlink():
        raise Wrong(f"{path} has mode {oct(path.stat().st_mode)}")
    found = {}
    for one in documents(path.read_text()):
        kind = one.get("kind")
        apis = (KUBELET_API,) if kind == "KubeletConfiguration" else KUBEADM_APIS
        if one.get("apiVersion") not in apis or kind not in KNOWN or kind in found:
            raise Wrong(f"no kind, or one twice: {one.get('apiVersion')} {kind}")
        unknown = set(one) - KNOWN[one["kind"]]
        if unknown:
            raise Wrong(f"strict decoding error: unknown field {unknown}")
        found[one["kind"]] = one
    return found


def preflight(machine):
    for name in ("kubelet.conf", "admin.conf", "bootstrap-kubelet.conf", "manifests/etcd.yaml"):
        if (machine.etc / name).exists():
            raise Wrong("[preflight] Some fatal errors occurred:\n"
                        f"\t[ERROR FileAvailable]: {machine.etc / name} already exists")


def kubeadm_init(machine, argv):
    found = config_of(machine, argv, "--upload-certs")
    if "JoinConfiguration" in found or "ClusterConfiguration" not in found:
        raise Wrong(f"kinds {list(found)}")
    preflight(machine)
    machine.file("pki/ca.crt", CERTIFICATE)
    machine.file("kubelet.conf", "node")
    machine.between("in kubeadm init")
    endpoint = found["ClusterConfiguration"]["controlPlaneEndpoint"]
    machine.file("admin.conf", json.dumps({"clusters": [{"name": "c", "cluster": {
        "server": f"https://{endpoint}",
        "certificate-authority-data": base64.b64encode(CERTIFICATE.encode()).decode()}}]}))
    machine.between("in kubeadm init")
    machine.file("manifests/etcd.yaml", "etcd")
    machine.between("in kubeadm init")
    key = found.get("InitConfiguration", {}).get("certificateKey", "of kubeadm's own")
    machine.keep(uploaded=key if argv[4:] else None)
    machine.keep(objects=[], inits=machine.known.get("inits", 0) + 1)
    return "Your Kubernetes control-plane has initialized successfully!\n"


def kubeadm_join(machine, argv):
    found = config_of(machine, argv)
    if list(found) != ["JoinConfiguration"]:
        raise Wrong(f"kinds {list(found)}")
    discovery = found["JoinConfiguration"]["discovery"]["bootstrapToken"]
    if set(discovery) != {"token", "apiServerEndpoint", "caCertHashes"}:
        raise Wrong(f"discovery {discovery}")
    if not re.fullmatch(r"[a-z0-9]{6}\.[a-z0-9]{16}", discovery["token"]):
        raise Wrong("the token is invalid")
    preflight(machine)
    if machine.known.get("joins") and "controlPlane" not in found["JoinConfiguration"]:
        raise Wrong("error execution phase kubelet-start: a Node with name \"x\" and status "
                    "\"Ready\" already exists in the cluster")
    machine.file("bootstrap-kubelet.conf", f"token: {discovery['token']}")
    machine.between("in kubeadm join")
    text = machine.fails("late kubeadm join")
    if text is not None:
        raise Wrong(text)
    machine.file("kubelet.conf", "node")
    machine.keep(joins=machine.known.get("joins", 0) + 1)
    machine.between("in kubeadm join")
    if "controlPlane" in found["JoinConfiguration"]:
        machine.file("manifests/etcd.yaml", "etcd")
        machine.file("admin.conf", "{}")
    machine.between("in kubeadm join")
    (machine.etc / "bootstrap-kubelet.conf").unlink()
    return "This node has joined the cluster\n"


def kubeadm_reset(machine, argv):
    if argv != ["kubeadm", "reset", "--force"]:
        raise Wrong(f"unknown arguments {argv}")
    for name in ("kubelet.conf", "admin.conf", "bootstrap-kubelet.conf"):
        (machine.etc / name).unlink(missing_ok=True)
        machine.between("in kubeadm reset")
    for name in ("manifests", "pki"):
        shutil.rmtree(machine.etc / name, ignore_errors=True)
    machine.keep(resets=machine.known.get("resets", 0) + 1)
    return ""


def kubeadm_version(machine, argv):
    if argv != ["kubeadm", "version", "--output=short"]:
        raise Wrong(f"unknown arguments {argv}")
    return machine.known.get("version", "v1.29.15") + "\n"


def kubeadm_config(machine, argv):
    if not re.fullmatch(r"images pull --image-repository=\S+( --kubernetes-version=v1\.\d+\.\d+)? "
                        r"--cri-socket=unix:///run/containerd/containerd.sock", " ".join(argv[2:])):
        raise Wrong(f"unknown arguments {argv}")
    if (machine.etc / "kubelet.conf").exists():
        raise Wrong("this machine is a member already, and its images are in use")
    machine.keep(pulls=machine.known.get("pulls", 0) + 1)
    return "[config/images] Pulled registry.k8s.io/kube-apiserver\n"


def identity(one):
    return f"{one['kind']}/{one['metadata'].get('namespace', '')}/{one['metadata']['name']}"


def apply(machine, data):
    objects = machine.known["objects"]
    for one in documents(data):
        if "apiVersion" not in one or not one.get("metadata", {}).get("name"):
            raise Wrong("error: resource name may not be empty")
        if identity(one) not in objects:
            objects.append(identity(one))
        machine.between("in kubectl apply")
    machine.keep(objects=objects)
    return "applied\n"


def create_token(machine, name):
    if f"ServiceAccount/kube-system/{name}" not in machine.known["objects"]:
        raise Wrong(f'error: failed to create token: serviceaccounts "{name}" not found')
    return json.dumps({"kind": "TokenRequest", "status": {
        "expirationTimestamp": "2027-02-20T10:04:31Z",
        "token": MINTED % base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")}})


def service_account(machine, name):
    there = f"ServiceAccount/kube-system/{name}" in machine.known["objects"]
    return f"serviceaccount/{name}\n" if there else ""


NAME = r"([a-z0-9.-]+)"
KUBECTL = [  # every form that is known: a pattern of all arguments, and what it does
    (r"get --raw=/readyz --request-timeout=5s", lambda m, d: "ok"),
    (r"apply --server-side --force-conflicts --field-manager=cloudseed --filename=-", apply),
    (r"config view --raw --minify --output=json",
     lambda m, d: (m.etc / "admin.conf").read_text()),
    (rf"get serviceaccount {NAME} --namespace=kube-system --ignore-not-found --output=name",
     lambda m, d, name: service_account(m, name)),
    (rf"create token {NAME} --namespace=kube-system --duration=2160h --output=json",
     lambda m, d, name: create_token(m, name)),
    (rf"wait --for=condition=Established crd/{NAME} --timeout=60s", lambda m, d, n: "met"),
    (rf"wait --for=condition=Available apiservice/{NAME} --timeout=60s", lambda m, d, n: "met"),
    (rf"wait --for=condition=Ready node/{NAME} --timeout=60s", lambda m, d, n: "met"),
    (rf"rollout status (?:deployment|daemonset|statefulset)/{NAME} --namespace={NAME} "
     r"--timeout=60s", lambda m, d, n, s: "rolled out"),
]


def kubectl(machine, argv, data):
    if not (machine.etc / "admin.conf").exists():
        raise Wrong("The connection to the server localhost:8080 was refused")
    for pattern, does in KUBECTL:
        match = re.fullmatch(pattern, " ".join(argv[1:]))
        if match:
            return does(machine, data, *match.groups())
    raise Wrong(f"error: unknown command {argv[1:]}")


def outcome(machine, argv, data):
    what = " ".join(argv[:2])
    text = machine.fails(what) or machine.fails(" ".join(argv))
    if text is not None:
        raise Wrong(text)
    if argv[0] == "kubectl":
        return kubectl(machine, argv, data)
    return {"kubeadm init": kubeadm_init, "kubeadm join": kubeadm_join,
            "kubeadm reset": kubeadm_reset, "kubeadm version": kubeadm_version,
            "kubeadm config": kubeadm_config}[what](machine, argv)


def call(argv, data, root, notes, between=lambda where: None):
    machine = Machine(root, notes, between)
    machine.keep(calls=machine.known.get("calls", []) + [argv])
    try:
        return 0, outcome(machine, argv, data), ""
    except Wrong as why:
        return 1, "", f"{why}\n"
    except Exception:  # pylint: disable=broad-except
        machine.keep(crashes=traceback.format_exc())
        return 70, "", traceback.format_exc()


def main(name, root, notes):
    if name == "kubectl" and os.environ.get("KUBECONFIG") != f"{root}/etc/kubernetes/admin.conf":
        sys.exit("no KUBECONFIG")
    data = "" if sys.stdin.isatty() else sys.stdin.read()
    status, out, err = call([name, *sys.argv[1:]], data, root, notes)
    sys.stdout.write(out)
    sys.stderr.write(err)
    sys.exit(status)
