#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""cloudseed cluster adopt: the tool, the server, and an API server, the stand-in or a real one."""
import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / part) for part in ("lib", "e2e")]
import daemon  # noqa: E402
import kubeapi  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402
import yaml  # noqa: E402
from certs import Authority, openssl  # noqa: E402
from kubeapi import AUTOAPPROVE, BINDINGS, CLUSTER_INFO, StandIn  # noqa: E402

KUBECONFIG = os.environ.get("CLOUDSEED_KUBECONFIG")
CLI = str(daemon.BUILD / "cloudseed")
api = tap.enter(kubeapi.Real(KUBECONFIG) if KUBECONFIG else StandIn())
TOKEN = r"[\w-]{20,}\.[\w-]{20,}\.[\w-]{20,}"


class Site:
    """A server whose only cluster is declared at the API server's address, and a kubeconfig."""

    def __init__(self, target=api, **cluster):
        self.tree = world.Tree()
        self.declare(endpoint=f"{target.host}:{target.port}", **cluster)
        self.server = tap.enter(self.tree.start(state=world.scratch() / "state"))
        self.file = world.scratch() / "kubeconfig"
        self.write(target.kubeconfig())

    def declare(self, **cluster):
        self.tree.put("clusters/homelab.yaml", {"homelab": {
            "version": "1.29.15", "pods": ["192.168.0.0/16"], "services": ["10.96.0.0/12"],
            **cluster}})

    def write(self, config):
        self.file.write_text(config if isinstance(config, str) else yaml.safe_dump(config))

    def run(self, *words, data=None, socket=None):
        return subprocess.run([CLI, "cluster", *words, "--server", socket or str(self.server.socket)],
                              text=True, capture_output=True, check=False, input=data,
                              timeout=world.SECONDS)

    def adopt(self, *words, **options):
        return self.run("adopt", "homelab", "--kubeconfig", str(self.file), *words, **options)

    def good(self, *words, **options):
        done = self.adopt(*words, **options)
        tap.eq(done.returncode, 0, done.stderr)
        silent(done.stdout + done.stderr)
        return done

    def fails(self, *words, says, status=1, **options):
        done = self.adopt(*words, **options)
        tap.eq((done.returncode, done.stdout), (status, ""), done.stderr)
        tap.contains(done.stderr, says)
        silent(done.stderr)
        return done

    def phase(self):
        return self.server.admin("GET", "/v1/clusters/homelab").json["phase"]

    def no_secret_was_told(self):
        silent("\n".join(self.server.lines) + self.server.admin("GET", "/v1/events").text)


def silent(text):
    tap.eq(re.findall(TOKEN, text), [])


def accounts_there():
    return [api.ask("admin", "GET", kubeapi.path_of(m)).status == 200 for m in kubeapi.manifests()]


def without_accounts():
    for m in kubeapi.manifests():
        api.ask("admin", "DELETE", kubeapi.path_of(m))
    assert not any(accounts_there())


def approves_by_itself():
    return bool(api.ask("admin", "GET", f"{BINDINGS}/{AUTOAPPROVE}").json.get("subjects"))


def reset_autoapproval(subjects):
    o = api.ask("admin", "GET", f"{BINDINGS}/{AUTOAPPROVE}").json
    o = {k: o[k] for k in ("apiVersion", "kind", "roleRef")}
    o.update(metadata={"name": AUTOAPPROVE}, subjects=subjects)
    answer = api.ask("admin", "PATCH", f"{BINDINGS}/{AUTOAPPROVE}?fieldManager=test&force=true", o,
                     kind=kubeapi.APPLY)
    tap.eq(answer.status, 200, answer.text)


JOINERS = [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": kubeapi.JOINERS}]


# --- against both ----------------------------------------------------------------------------------


def test_a_cluster_that_runs_is_adopted():
    without_accounts()
    reset_autoapproval(JOINERS)
    site = Site()
    done = site.good()
    tap.contains(done.stdout, "homelab is adopted: it runs Kubernetes 1.")
    tap.contains(done.stdout, "\nphase      standing for ")
    tap.contains(done.stdout, "\nminter     has a token until ")
    tap.contains(done.stdout, "\napprover   has a token until ")
    tap.contains(done.stderr, "--hardened ends that")
    assert all(accounts_there())
    assert approves_by_itself()
    shown = json.loads(site.run("show", "homelab", "--json").stdout)
    tap.eq((shown["phase"], shown["holder"], shown["ca"].strip()), ("standing", None, api.ca.strip()))
    tap.eq(shown["reported"], api.url)
    again = json.loads(site.good("--json").stdout)
    assert again["epoch"] == 1 and again["minter"]["expires"] >= shown["minter"]["expires"]
    kinds = [e["kind"] for e in site.server.admin("GET", "/v1/events").json["events"]]
    # The approver sees sooner or later that kubeadm's own approval was left alone.
    tap.eq([k for k in kinds if k.startswith("cluster-") and k != "cluster-autoapproves"],
           ["cluster-adopted", "cluster-tokens"])
    site.no_secret_was_told()


def test_hardened_ends_the_clusters_own_approval():
    reset_autoapproval(JOINERS)
    site = Site()
    done = site.good("--hardened")
    tap.eq(done.stderr, "")
    assert not approves_by_itself()
    tap.eq(site.good().stderr, "")  # and it stays so
    assert not approves_by_itself()
    site.fails("--hardened", "--dry-run", "--context", "none", says="there is no 'none' in 'contexts'")
    plain = Site(hardened=False)
    plain.fails("--hardened", says="homelab is declared with 'hardened: false'")
    done = plain.good()
    assert "approver" not in done.stdout and not done.stderr, done.stderr


def test_a_dry_run_makes_nothing():
    without_accounts()
    reset_autoapproval(JOINERS)
    site = Site()
    done = site.good("--dry-run", "--hardened")
    assert not any(accounts_there()) and approves_by_itself()
    tap.eq(site.phase(), "none")
    tap.contains(done.stdout, "serviceaccounts/cloudseed-minter?fieldManager=cloudseed&force=true: to "
                 "be made\n")
    tap.contains(done.stdout, f"clusterrolebindings/{AUTOAPPROVE}?fieldManager=cloudseed&force=true: is "
                 "there, and stays or is corrected\n")
    tap.contains(done.stdout, '"minter":{"token":"(not shown)","expires":')
    made = [m for m in yaml.safe_load_all(done.stdout) if m]  # what kubectl would apply
    tap.eq(made, list(yaml.safe_load_all((kubeapi.GOLDEN / "manifests-hardened.yaml").read_text())))
    requests = json.loads(site.good("--dry-run", "--json").stdout)
    tap.eq([r["method"] for r in requests], ["PATCH"] * 12 + ["POST"] * 3)
    tap.eq({r["new"] for r in requests}, {True})
    few = json.loads(Site(hardened=False).good("--dry-run", "--json").stdout)
    tap.eq([r["method"] for r in few], ["PATCH"] * 7 + ["POST"] * 2)


def test_an_account_that_was_lost_is_made_again():
    site = Site()
    site.good()
    without_accounts()
    site.good()
    assert all(accounts_there())


def test_a_kubeconfig_may_name_files_or_be_piped():
    site = Site()
    config = api.kubeconfig()
    for list_name, part, keys in (("clusters", "cluster", ["certificate-authority"]),
                                  ("users", "user", ["client-certificate", "client-key"])):
        for key in keys:
            data = config[list_name][0][part].pop(f"{key}-data")
            (site.file.parent / f"{key}.pem").write_bytes(base64.b64decode(data))
            config[list_name][0][part][key] = f"{key}.pem"  # beside it
    site.write(config)
    site.good("--json")
    (site.file.parent / "client-key.pem").unlink()
    site.fails(says="client-key.pem")
    piped = site.run("adopt", "homelab", "--kubeconfig", "-", data=yaml.safe_dump(api.kubeconfig()))
    tap.eq(piped.returncode, 0, piped.stderr)
    config["users"][0]["user"] = {"token": "no.such.token"}
    site.write(config)
    site.fails(says="API server cannot ")


def test_only_a_cluster_admin_can():
    site = Site()
    site.write(api.kubeconfig(token=api.account_token("cloudseed-minter")))
    site.fails(says="API server cannot apply /api/v1/namespaces/kube-system/serviceaccounts/"
               "cloudseed-minter: HTTP 403")
    tap.eq(site.phase(), "none")


def test_another_ca_or_endpoint():
    folder = world.scratch()
    other = Authority(folder, "other")
    site = Site()
    config = api.kubeconfig()
    config["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(
        other.pem.encode()).decode()
    site.write(config)
    site.fails(says=f"{api.url}: ")
    config = api.kubeconfig()
    config["clusters"][0]["cluster"]["server"] = "https://10.0.0.1:6443"
    site.write(config)
    site.fails(says="is for https://10.0.0.1:6443, and homelab is declared with the endpoint "
               f"{api.host}:{api.port}")
    site.write(api.kubeconfig())
    before = {"endpoint": api.url, "ca": other.pem, "approver": None, "replace_ca": False,
              "minter": {"token": "a.b.c", "expires": "2036-11-22T10:19:31Z"}}
    tap.eq(site.server.admin("POST", "/v1/clusters/homelab/adopt", before).status, 200)
    without_accounts()
    site.fails(says="is known with another CA")
    assert not any(accounts_there())  # nothing was begun
    site.good("--replace-ca")
    tap.eq(site.server.admin("GET", "/v1/clusters/homelab").json["epoch"], 2)


# --- against the stand-in --------------------------------------------------------------------------


def only_stand_in():
    if KUBECONFIG:
        raise tap.Skip("a case of the stand-in's")


def changed(change):
    config = api.kubeconfig()
    change(config, config["clusters"][0]["cluster"], config["users"][0]["user"])
    return config


def encrypted_key():
    pem = openssl("ec", "-in", api.admin_certificate[1], "-aes128", "-passout", "pass:x")
    return base64.b64encode(pem).decode()


def test_kubeconfigs_that_are_refused():
    site = Site()
    for says, change in (
            ("users 'admin': exec: programs that make credentials are not run",
             lambda c, k, u: u.update(exec={"command": "aws"})),
            ("users 'admin': auth-provider: programs", lambda c, k, u: u.update(
                {"auth-provider": {"name": "gcp"}})),
            ("insecure-skip-tls-verify: the API server must be verified",
             lambda c, k, u: k.update({"insecure-skip-tls-verify": True})),
            ("tls-server-name: nodes that join", lambda c, k, u: k.update({"tls-server-name": "x"})),
            ("proxy-url: the API server must", lambda c, k, u: k.update({"proxy-url": "http://x"})),
            ("username: no API server takes passwords", lambda c, k, u: u.update(username="x")),
            ("as: acting as another", lambda c, k, u: u.update({"as": "x"})),
            ("client-key-data: missing", lambda c, k, u: u.pop("client-key-data")),
            ("client-certificate-data: missing, and", lambda c, k, u: u.clear()),
            ("certificate-authority-data: missing", lambda c, k, u: k.pop(
                "certificate-authority-data")),
            ("certificate-authority-data: not base64", lambda c, k, u: k.update(
                {"certificate-authority-data": "!"})),
            ("server: expected https://HOST:PORT", lambda c, k, u: k.update(server="http://x:1")),
            ("server: expected https://HOST:PORT, without a path", lambda c, k, u: k.update(
                server=f"{api.url}/k8s")),
            ("it has no current-context", lambda c, k, u: c.pop("current-context")),
            ("there is no 'admin@lap' in 'contexts'; did you mean 'admin@lab'?",
             lambda c, k, u: c.update({"current-context": "admin@lap"})),
            ("'users' is missing, or not a list", lambda c, k, u: c.pop("users")),
            (f"{api.url}: ", lambda c, k, u: u.update({"client-key-data": encrypted_key()}))):
        if says.endswith(": ") and KUBECONFIG:
            continue
        site.write(changed(change))
        site.fails(says=says)
    for text, says in (("a: [", "kubeconfig:"), ("[]", "not a kubeconfig"), ("", "not a kubeconfig")):
        site.write(text)
        site.fails(says=says)
    done = site.run("adopt", "homelab")
    tap.eq(done.returncode, 64)
    tap.contains(done.stderr, "--kubeconfig FILE is missing")
    tap.eq(site.phase(), "none")


def test_tokens_in_kubeconfigs():
    only_stand_in()
    site = Site()
    site.write(api.kubeconfig(token=api.admin_token))
    site.good()
    (site.file.parent / "token").write_text(api.admin_token + "\n")
    site.write(api.kubeconfig(tokenFile="token", token="no.such.token"))
    site.good()


def test_whatever_fails_it_can_be_run_again():
    only_stand_in()
    requests = [("GET", "/version"), ("GET", "/cluster-info"), ("PATCH", "/cloudseed-minter"),
                ("PATCH", "/cloudseed-approver"), ("POST", "/cloudseed-minter/token"),
                ("POST", "/cloudseed-approver/token")]
    for method, path in requests:
        for when in ("before", "after"):
            for what in ("cut", (500, {"Content-Type": "text/plain"}, "etcd\nis away")):
                if method != "POST" and what == "cut":
                    continue  # it is asked again at once
                site = Site()
                api.fault(method, path, when, what)
                done = site.fails(says="")
                if what != "cut":
                    tap.contains(done.stderr, "HTTP 500: etcd\n")
                tap.eq(site.phase(), "none")
                site.good()
                tap.eq(site.phase(), "standing")
                site.no_secret_was_told()
                site.server.stop()


def test_an_answer_that_repeats_the_token():
    only_stand_in()
    site = Site()
    site.write(api.kubeconfig(token=api.admin_token))
    api.fault("GET", "/version", "before", (502, {"Content-Type": "text/plain"},
                                             f"Authorization: Bearer {api.admin_token}"))
    done = site.fails(says="its text repeats a secret and is not shown")
    assert api.admin_token not in done.stderr


def test_a_cluster_without_cluster_info():
    only_stand_in()
    with StandIn() as other:
        site = Site(other)
        info = other.objects.pop(CLUSTER_INFO)
        site.fails(says="API server cannot show cluster-info, which kubeadm's nodes need: HTTP 404")
        config = yaml.safe_load(info["data"]["kubeconfig"])
        config["clusters"][0]["cluster"]["server"] = "https://old.home.arpa:6443"
        other.put(CLUSTER_INFO, {**info, "data": {"kubeconfig": yaml.safe_dump(config)}})
        done = site.good()
        tap.contains(done.stderr, "note: kube-public/cluster-info names https://old.home.arpa:6443")
        config["clusters"][0]["cluster"]["certificate-authority-data"] = base64.b64encode(
            Authority(world.scratch(), "old").pem.encode()).decode()
        other.put(CLUSTER_INFO, {**info, "data": {"kubeconfig": yaml.safe_dump(config)}})
        site.fails(says="by the CA in cluster-info, which nodes trust: ")
        other.put(CLUSTER_INFO, {**info, "data": {}})
        site.fails(says="cluster-info holds no kubeconfig")


def test_tokens_do_not_cross_the_network_in_plain_http():
    site = Site()
    site.fails(says="would cross the network in plain HTTP", socket="http://10.0.10.5:8082")


def test_what_is_not_declared():
    site = Site()
    done = site.run("adopt", "homlab", "--kubeconfig", str(site.file))
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "there is no such cluster: 'homlab'; did you mean 'homelab'?")


tap.defer(reset_autoapproval, JOINERS)
tap.main()
