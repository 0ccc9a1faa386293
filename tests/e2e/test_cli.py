#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The real `cloudseed` over sound trees and broken ones: what it prints, and how it ends."""
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402

WORLD = tap.enter(cli.World())
KEY = "ab4clv4tfkzxpkjmrkt3cildunf"  # of k8s-worker-2, by WORLD's secret
URL = f"http://10.0.10.5:8080/s/{KEY}/"
USER_DATA = '#cloud-config\ntimezone: "Europe/Zurich"\npackages: ["nfs-common"]\n'
KUBEADM_JOIN = """\
apiVersion: kubeadm.k8s.io/v1beta3
kind: JoinConfiguration
discovery:
  bootstrapToken:
    apiServerEndpoint: "k8s-api.home.arpa:6443"
    caCertHashes: ["sha256:%s"]
    token: "abcdef.0123456789abcdef"
""" % ("0" * 64)
COMMANDS = ["check", "render", "diff", "node list", "node show", "node url", "dhcp", "firewall",
            "reference", "asset add", "asset list", "asset verify", "asset rm",
            "asset bootloaders",
            "node add", "node discovered", "node adopt", "node set", "node rm", "node arm",
            "node disarm", "node unlock", "node rekey", "node reprovision",
            "node accept-keys", "node join", "pve login", "pve check", "pve list", "pve template",
            "pve apply", "pve create", "pve destroy", "pve rebuild", "pve replace",
            "pve register", "pve unregister", "pve start", "pve stop", "cluster list", "cluster show",
            "cluster kubeconfig", "cluster adopt", "cluster certs", "cluster harden", "cluster reset",
            "storm tree", "storm run", "doctor dhcp", "doctor",
            "watch", "wait", "events", "audit", "ui",
            "known-hosts", "ssh-config", "inventory", "login", "context list",
            "context use", "context remove", "token create",
            "token list", "token revoke", "reload", "backup", "restore", "server acknowledge",
            "ca show", "ca renew", "ca rotate", "complete", "help"]


def copy_tree(name, changes):
    """A copy of the seed tree as folder `name`, with {file: (old, new)} applied."""
    shutil.copytree(WORLD.path / "seed", WORLD.path / name)
    for file, (old, new) in changes.items():
        path = WORLD.path / name / file
        text = path.read_text()
        tap.contains(text, old)
        path.write_text(text.replace(old, new, 1))
    return name


def say(text):
    return f"cloudseed: {text}\n"


# --- check -------------------------------------------------------------------------------------

def test_check_of_a_sound_tree():
    tap.eq(WORLD.good("check"), "2 nodes, 3 roles, 1 cluster: no faults\n")


def test_check_of_the_example_in_the_source():
    out = WORLD.good("check", cli.SOURCE / "seed", "--templates", cli.SOURCE / "templates")
    assert re.fullmatch(r"\d+ nodes, \d+ roles, 1 cluster: no faults\n", out), out


def test_check_shows_faults_with_their_lines():
    copy_tree("misspelt", {"nodes/k8s.yaml": ("role: worker", "role: workr"),
                           "site.yaml": ("gateway:", "gatway:")})
    done = WORLD.run("check", "misspelt")
    tap.eq(done.returncode, 1)
    tap.eq(done.stderr, "")
    tap.eq(done.stdout, """\
misspelt/nodes/k8s.yaml:7:9: error: role: there is no role 'workr'; did you mean 'worker'?
    role: workr
          ^
misspelt/site.yaml:4:41: error: network: unknown key 'gatway'; did you mean 'gateway'?
    nodes: {cidr: 10.0.20.0/24, vlan: 20, gatway: 10.0.20.1}
                                          ^
2 errors
""")


def test_check_renders_every_file():
    copy_tree("poor", {"site.yaml": ("timezone:", "time_zone:")})
    done = WORLD.run("check", "poor")
    tap.eq(done.returncode, 1)
    found = re.search(r"^\S*/templates/k8s/user-data:2:\d+: error: .*'timezone'.*\n"
                      r"  timezone: {{ timezone \| to_yaml_scalar }}\n +\^\n", done.stdout, re.M)
    assert found, done.stdout
    tap.contains(done.stdout, "2 nodes, 3 roles, 1 cluster: 1 error, 1 warning\n")


def test_check_warns_of_a_misspelt_variable():
    copy_tree("slip", {"site.yaml": ("timezone:", "time_zone:")})
    said = WORLD.run("check", "slip").stdout
    tap.contains(said, ": warning: no template reads 'time_zone'; did you mean 'timezone'?\n")
    tap.contains(said, "slip/site.yaml:")


def test_check_warns_of_what_many_machines_report():
    copy_tree("shared", {})
    WORLD.write("shared/nodes/shared.yaml",
                "dull:\n  role: shared\n  uuid: 03000200-0400-0500-0006-000700080009\n"
                "  serial: To Be Filled By O.E.M.\n")
    WORLD.write("shared/roles/shared.yaml", "shared: {}\n")
    done = WORLD.run("check", "shared")
    tap.eq(done.returncode, 0)
    for line, key in ((3, "uuid"), (4, "serial")):
        tap.contains(done.stdout, f"shared/nodes/shared.yaml:{line}:")
        tap.contains(done.stdout, f"warning: {key}: many machines report this one")


def test_check_of_bootstrap_where_it_is_not_seen():
    shutil.copytree(WORLD.path / "templates", WORLD.path / "early-templates")
    WORLD.write("early-templates/k8s/user-data", "#cloud-config\n# {{ bootstrap.token }}\n")
    done = WORLD.run("check", "--templates", "early-templates")
    tap.eq(done.returncode, 1)
    tap.contains(done.stdout, "'bootstrap' is undefined: only a role's 'kubeadm' template sees it")


def test_check_warns_and_succeeds():
    copy_tree("odd", {})
    WORLD.write("odd/nodes/more.txt", "")
    done = WORLD.run("check", "odd")
    tap.eq(done.returncode, 0)
    tap.contains(done.stdout, "odd/nodes/more.txt: warning: ")
    tap.contains(done.stdout, "2 nodes, 3 roles, 1 cluster: 1 warning\n")


def test_check_of_a_tree_that_is_not_there():
    done = WORLD.run("check", "nowhere")
    tap.eq(done.returncode, 1)
    tap.contains(done.stdout, "nowhere/site.yaml: error: ")
    tap.contains(done.stdout, "1 error\n")


def test_check_of_a_folder_with_both():
    shutil.copytree(WORLD.path / "seed", WORLD.path / "both" / "seed")
    shutil.copytree(WORLD.path / "templates", WORLD.path / "both" / "templates")
    WORLD.write("both/templates/more", "")
    got = json.loads(WORLD.good("check", "--json", "both"))
    tap.eq((got["seed"], got["templates"]), ("both/seed", "both/templates"))
    got = json.loads(WORLD.good("check", "--json", "both", "--templates", "templates"))
    tap.eq((got["seed"], got["templates"]), ("both/seed", "templates"))
    got = json.loads(WORLD.good("check", "--json", "both/seed"))
    tap.eq((got["seed"], got["templates"]), ("both/seed", str(WORLD.path / "templates")))


def test_check_warns_of_a_fingerprint_that_was_cut():
    keys = "\n".join(f"    - {{name: k{n}, fingerprint: '{'0123 4567 ' * 5:.{n}}'}}" for n in (48, 49))
    copy_tree("prints", {"site.yaml": ("variables:\n", "variables:\n  packages: [x]\n  keys:\n"
                                       f"{keys}\n    - {{fingerprint: 'SHA256:abc'}}\n")})
    out = WORLD.run("check", "prints").stdout
    found = re.findall(r"^prints/site.yaml:(\d+):(\d+): warning: (.*)$", out, re.M)
    tap.eq(found, [("8", "32", "fingerprint: it has 39 hexadecimal digits; that of an OpenPGP key "
                    "has 40")])


def test_check_warns_of_https_without_a_proxy():
    copy_tree("secure", {"site.yaml": ("url: http:", "url: https:")})
    out = WORLD.run("check", "secure").stdout
    assert re.search(r"^secure/site.yaml:2:\d+: warning: url: machines that boot are answered over "
                     r"HTTP only", out, re.M), out
    tap.contains(WORLD.good("check", "secure", "--url", "http://10.0.10.5"), "no faults")


def test_check_survives_every_fault_we_know():
    faulty = cli.SOURCE / "tests" / "faulty"
    trees = [tree for tree in sorted(faulty.iterdir()) if (tree / "seed").is_dir()]
    assert trees
    for tree in trees:
        where = (tree / "seed", "--templates", tree / "templates")
        done = WORLD.run("check", *where, text=False)
        tap.eq(done.returncode, 1)
        lines = done.stdout.decode().splitlines()  # all of it is UTF-8, whatever is in the files
        count = sum(": error: " in line for line in lines)
        assert f"{count} error" in lines[-1], lines[-1]
        tap.eq(json.loads(WORLD.run("check", "--json", *where).stdout)["errors"], count)


def test_check_counts_what_it_does_not_list():
    copy_tree("many", {})
    WORLD.write("many/nodes/many.yaml", "".join(f"n{i}: {{role: none}}\n" for i in range(1100)))
    lines = WORLD.run("check", "many").stdout.splitlines()
    tap.eq(lines[-2:], ["and 100 more", "1100 errors"])
    got = json.loads(WORLD.run("check", "many", "--json").stdout)
    tap.eq((got["errors"], len(got["faults"])), (1100, 1000))


def test_check_as_json():
    got = json.loads(WORLD.good("check", "--json"))
    tap.eq(got, {"ok": True, "errors": 0, "warnings": 0, "seed": str(WORLD.path / "seed"),
                 "templates": str(WORLD.path / "templates"), "nodes": 2, "faulty_nodes": 0,
                 "roles": 3, "clusters": 1, "faults": [], "unseen": []})


def test_check_of_faults_as_json():
    copy_tree("wrong", {"nodes/k8s.yaml": ("10.0.20.12", "10.9.9.9")})
    done = WORLD.run("check", "--json", "wrong")
    tap.eq(done.returncode, 1)
    got = json.loads(done.stdout)
    tap.eq((got["ok"], got["errors"], got["warnings"], got["nodes"]), (False, 1, 0, None))
    fault = got["faults"][0]
    tap.contains(fault.pop("message"), "10.9.9.9")
    tap.eq(fault, {"severity": "error", "file": "wrong/nodes/k8s.yaml", "line": 10, "column": 15,
                   "node": None, "document": None})


def test_check_takes_one_tree():
    tap.contains(WORLD.bad(cli.MISUSED, "check", "seed", "--seed", "seed"), "either DIR or --seed")


def test_texts_in_files_never_reach_the_terminal_raw():
    copy_tree("hostile", {"roles/k8s.yaml": ("k8s-node:\n", "k8s-node:\n  \"a\\e[2Jb\": 1\n")})
    WORLD.write("hostile/nodes/z.yaml", "z: {role: \"\u202eevil\x7f\"}\n")
    for words in (["check", "hostile"], ["node", "list", "--seed", "hostile"]):
        done = WORLD.run(*words)
        tap.eq(done.returncode, 1)
        shown = done.stdout + done.stderr
        tap.contains(shown, "\\x1b[2J")
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", shown), ascii(shown)


# --- render ------------------------------------------------------------------------------------

def test_render_of_a_file():
    tap.eq(WORLD.good("render", "k8s-worker-2", "user-data"), USER_DATA)


def test_render_of_all_files():
    tap.eq(WORLD.good("render", "k8s-worker-2"),
           '# --- meta-data\ninstance-id: "k8s-worker-2-1"\nlocal-hostname: "k8s-worker-2"\n'
           f"# --- user-data\n{USER_DATA}# --- vendor-data (empty)\n# --- network-config (empty)\n"
           f"# --- kubeadm-join\n{KUBEADM_JOIN}")


def with_url():
    """Options of a tree whose user-data holds the seed URL."""
    if not (WORLD.path / "url-templates").exists():
        shutil.copytree(WORLD.path / "templates", WORLD.path / "url-templates")
        WORLD.write("url-templates/k8s/user-data", "url: {{ seed.url }}")
    return ["--templates", "url-templates"]


def test_render_shows_the_seed_url():
    tap.eq(WORLD.good("render", "k8s-worker-2", "user-data", *with_url()), f"url: {URL}")


def test_render_begins_urls_as_told():
    tap.eq(WORLD.good("render", "k8s-worker-2", "user-data", "--url", "https://seed:8443/",
                      *with_url()), f"url: https://seed:8443/s/{KEY}/")


def without_secret():
    """A configuration whose state folder holds no secret."""
    return ["--config", WORLD.write("no-secret.yaml", "".join(
        f"{key}: {WORLD.path}/{key}\n" for key in ("seed", "templates")) + "state: /nonexistent\n")]


def test_render_without_secret_shows_a_placeholder():
    done = WORLD.run("render", "k8s-worker-2", "user-data", *with_url(), *without_secret())
    tap.eq(done.returncode, 0)
    tap.eq(done.stdout, "url: http://10.0.10.5:8080/s/SEED-KEY/")
    tap.contains(done.stderr, "cloudseed: note: ")
    tap.contains(done.stderr, "/nonexistent/secret: No such file or directory")


def test_render_without_url_needs_no_secret():
    tap.eq(WORLD.good("render", "k8s-worker-2", "user-data", *without_secret()), USER_DATA)


def test_render_with_state_needs_the_secret():
    said = WORLD.bad(1, "render", "k8s-worker-2", "--state", "empty")
    tap.contains(said, "empty/secret: No such file or directory")


def test_render_of_an_unknown_file():
    tap.contains(WORLD.bad(1, "render", "k8s-worker-2", "userdata"), "did you mean 'user-data'?")


def test_render_of_a_faulty_template():
    shutil.copytree(WORLD.path / "templates", WORLD.path / "bad-templates")
    WORLD.write("bad-templates/k8s/user-data", "a\n{{ nothing }}\n")
    done = WORLD.run("render", "k8s-worker-2", "--templates", "bad-templates")
    tap.eq(done.returncode, 1)
    tap.contains(done.stderr, "bad-templates/k8s/user-data:2:4: error: ")
    tap.contains(done.stderr, "\n  {{ nothing }}\n     ^\n")
    tap.contains(done.stderr, say("user-data of node 'k8s-worker-2' cannot be rendered"))
    tap.contains(done.stdout, "# --- network-config")  # the others all the same


def test_render_of_a_faulty_tree():
    copy_tree("faulty", {"site.yaml": ("name: homelab", "nam: homelab")})
    said = WORLD.bad(1, "render", "k8s-worker-2", "--seed", "faulty")
    tap.contains(said, "faulty/site.yaml:1:1: error: ")
    tap.contains(said, say("the seed tree faulty cannot be used: 2 errors"))


# --- node --------------------------------------------------------------------------------------

def test_node_list():
    tap.eq(WORLD.good("node", "list"), """\
NAME          ROLE    CLUSTER  ADDRESSES   MACS
k8s-master-1  master  homelab  10.0.20.11  bc:24:11:00:20:0b
k8s-worker-2  worker  homelab  10.0.20.12  bc:24:11:00:20:0c
""")


def test_node_list_of_the_bare_and_the_rich():
    copy_tree("rich", {"nodes/k8s.yaml": ("k8s-master-1:", """\
bare: {role: k8s-node}
k8s-master-1:"""), "site.yaml": ("  nodes:", "  six: {cidr: 'fd00:20::/64', vlan: 20}\n  nodes:")})
    nodes = WORLD.path / "rich" / "nodes" / "k8s.yaml"
    nodes.write_text(nodes.read_text().replace("[10.0.20.11]", "[10.0.20.11, 'fd00:20::b']"))
    tap.eq(WORLD.good("node", "list", "--seed", "rich").splitlines()[1:3], [
        "bare          k8s-node  -        -                      -",
        "k8s-master-1  master    homelab  10.0.20.11,fd00:20::b  bc:24:11:00:20:0b"])


def test_node_list_of_names():
    tap.eq(WORLD.good("node", "list", "--names"), "k8s-master-1\nk8s-worker-2\n")


UNKNOWN = dict.fromkeys([  # without a server
    "seed_url", "discovery", "generation", "instance_id", "state", "since", "failure", "waits", "vm",
    "tombstones", "window", "boot", "identity", "alarms", "alarm", "alarm_detail", "locked", "mint",
    "kubernetes", "refused"])
NODE = {
    "name": "k8s-worker-2", "uid": "k8s-worker-2", "role": "worker", "bootstrap": "worker",
    "cluster": "homelab", "fqdn": "k8s-worker-2", "macs": ["bc:24:11:00:20:0c"],
    "addresses": ["10.0.20.12"], "uuid": None, "serial": None, "variables": {}, "key_epoch": 1,
    "declared": "seed/nodes/k8s.yaml:6", **UNKNOWN,
}


def test_node_list_as_json():
    got = json.loads(WORLD.good("node", "list", "--json", "--seed", "seed"))
    tap.eq([node["name"] for node in got], ["k8s-master-1", "k8s-worker-2"])
    tap.eq(got[1], {**NODE, "check": "unchecked"})


def test_node_show_as_json():
    got = json.loads(WORLD.good("node", "show", "k8s-worker-2", "--json", "--seed", "seed"))
    tap.eq(got, {
        **NODE,
        "check": "ok",
        "tree": {
            "place": {"file": "seed/nodes/k8s.yaml", "line": 6, "column": 1},
            "networks": ["nodes"],
            "boots": "local",
            "templates": {"meta-data": None, "user-data": "k8s/user-data", "vendor-data": None,
                          "network-config": None, "boot.ipxe": None, "grub.cfg": None},
            "documents": {},
            "variables": {
                "packages": {"value": ["nfs-common"],
                             "from": {"file": "seed/roles/k8s.yaml", "line": 7, "column": 15}},
                "timezone": {"value": "Europe/Zurich",
                             "from": {"file": "seed/site.yaml", "line": 6, "column": 3}}},
            "check": "ok", "faults": []}})


def faulty_for_one():
    """Options of a tree whose user-data is wrong for the worker alone."""
    if not (WORLD.path / "unsound").exists():
        shutil.copytree(WORLD.path / "templates", WORLD.path / "unsound")
        with open(WORLD.path / "unsound/k8s/user-data", "a", encoding="utf-8") as file:
            file.write("{% if packages is defined %}\nx: [\n{% endif %}\n")
    return ["--seed", "seed", "--templates", "unsound"]


def test_node_show_tells_whether_its_documents_check_out():
    tap.contains(WORLD.good("node", "show", "k8s-master-1", *faulty_for_one()), "\ncheck  ")
    done = WORLD.run("node", "show", "k8s-worker-2", *faulty_for_one())
    tap.eq((done.returncode, done.stderr), (0, ""))
    tap.contains(done.stdout, "\ncheck           faulty: 1 error\n")
    assert re.search(r"^unsound/k8s/user-data:\d+:\d+: error: ", done.stdout, re.M), done.stdout
    got = json.loads(WORLD.good("node", "show", "k8s-worker-2", "--json", *faulty_for_one()))
    tap.eq((got["check"], len(got["tree"]["faults"])), ("faulty", 1))
    fault = got["tree"]["faults"][0]
    tap.eq((fault["node"], fault["document"]), ("k8s-worker-2", "user-data"))


def test_node_list_checks_all():
    lines = WORLD.good("node", "list", "--check", *faulty_for_one()).splitlines()
    tap.eq([line.split()[-1] for line in lines], ["CHECK", "ok", "faulty"])
    got = json.loads(WORLD.good("node", "list", "--check", "--json", *faulty_for_one()))
    tap.eq([node["check"] for node in got], ["ok", "faulty"])


def test_node_show_names_the_nearest_place():
    copy_tree("near", {"nodes/k8s.yaml": ("k8s-worker-2:\n",
                                          "k8s-worker-2:\n  variables: {timezone: Etc/UTC}\n")})
    out = WORLD.good("node", "show", "k8s-worker-2", "--seed", "near")
    assert re.search(r'^timezone +near/nodes/k8s.yaml:7 +"Etc/UTC"$', out, re.M), out
    assert "Zurich" not in out


def test_columns_line_up_whatever_the_script():
    copy_tree("scripts", {"nodes/k8s.yaml": ("role: worker", "role: worker\n  variables: {a: 1}")})
    nodes = WORLD.path / "scripts" / "nodes"
    (nodes / "k8s.yaml").rename(nodes / "Zürich-東京.yaml")
    out = WORLD.good("node", "show", "k8s-worker-2", "--seed", "scripts")
    tap.contains(out, """
VARIABLE  FROM                              VALUE
a         scripts/nodes/Zürich-東京.yaml:8  1
packages  scripts/roles/k8s.yaml:7          ["nfs-common"]
""")


def test_node_show_of_odd_values():
    copy_tree("values", {"site.yaml": ("variables:\n", "variables:\n"
                                       '  text: "a\\tb\\e[1m\\u202e\\x7f \\"q\\" ü"\n'
                                       "  deep: {a: [1, 2.5, true, null]}\n")})
    out = WORLD.good("node", "show", "k8s-worker-2", "--seed", "values")
    tap.contains(out, '{"a":[1,2.5,true,null]}')
    tap.contains(out, '"a\\tb\\u001B[1m\\u202E\\u007F \\"q\\" ü"')
    text = WORLD.good("node", "show", "k8s-worker-2", "--seed", "values", "--json")
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text), ascii(text)
    tap.eq(json.loads(text)["tree"]["variables"]["text"]["value"], 'a\tb\x1b[1m\u202e\x7f "q" ü')


def test_misspelt_node():
    for words in (["node", "show"], ["node", "url"], ["render"]):
        tap.eq(WORLD.bad(1, *words, "k8s-worker2"),
               say("there is no node 'k8s-worker2'; did you mean 'k8s-worker-2'?"))


def test_node_url():
    tap.eq(WORLD.good("node", "url", "k8s-worker-2"), URL + "\n")
    tap.eq(WORLD.good("node", "url", "k8s-worker-2", "--discovery"),
           f"ds=nocloud;dsmode=net;s={URL}\n")
    tap.eq(json.loads(WORLD.good("node", "url", "--json", "k8s-worker-2")),
           {"name": "k8s-worker-2", "url": URL, "discovery": f"ds=nocloud;dsmode=net;s={URL}"})


def test_node_url_follows_the_key_epoch():
    copy_tree("epoch", {"nodes/k8s.yaml": ("  role: worker", "  key_epoch: 2\n  role: worker")})
    got = WORLD.good("node", "url", "k8s-worker-2", "--seed", "epoch")
    assert re.fullmatch(r"http://10\.0\.10\.5:8080/s/a[a-z2-7]{26}/\n", got) and KEY not in got, got


def test_node_url_without_a_secret():
    said = WORLD.bad(1, "node", "url", "k8s-worker-2", "--state", "/nonexistent")
    tap.contains(said, "/nonexistent/secret: No such file or directory; "
                       "cloudseedd makes it at its first start")


def test_node_url_without_permission():
    (WORLD.path / "closed").mkdir()
    WORLD.write("closed/secret", cli.SECRET)
    (WORLD.path / "closed").chmod(0)
    WORLD.path.chmod(0o755)
    user = {"user": 65534, "group": 65534, "extra_groups": []} if os.getuid() == 0 else {}
    said = WORLD.bad(1, "node", "url", "k8s-worker-2", "--state", WORLD.path / "closed", **user)
    (WORLD.path / "closed").chmod(0o700)
    tap.contains(said, "closed/secret: Permission denied; run this as root or as the user that "
                       "cloudseedd runs as, or name its folder with --state DIR")


def test_open_secret_is_refused():
    WORLD.write("open/secret", cli.SECRET).chmod(0o644)
    tap.contains(WORLD.bad(1, "node", "url", "k8s-worker-2", "--state", "open"), "chmod 600")


# --- reference and help ------------------------------------------------------------------------

def canonical(text):
    """Folders that ./configure chose, as they are in the pages of the source."""
    return re.sub(r"/[\w./-]*?/?(cloudseed/(?:seed|templates|cloudseedd\.yaml)|lib/cloudseed|"
                  r"run/cloudseed)\b", r"…/\1", text)


def test_reference_is_that_of_the_source():
    for word, page in (("seed", "seed.md"), ("config", "cloudseedd.yaml.md"),
                       ("templates", "templates.md"), ("events", "events.md")):
        want = (cli.SOURCE / "docs" / "reference" / page).read_text()
        tap.eq(canonical(WORLD.good("reference", word)), canonical(want), page)


def test_unknown_reference():
    tap.contains(WORLD.bad(cli.MISUSED, "reference", "sed"), "did you mean 'seed'?")


def test_help_lists_every_command():
    out = WORLD.good("help")
    listed = re.findall(r"^  ([a-z -]*[a-z])  ?(?:\S.*? )? {2,}[a-z]", out.split("\nOptions")[0],
                        re.M)
    tap.eq([name for name in COMMANDS if f"\n  {name}" not in out], [])
    tap.eq(len(listed), len(COMMANDS), str(listed))
    tap.eq(WORLD.good("--help"), out)


def test_help_of_each_command():
    for name in COMMANDS:
        out = WORLD.good("help", *name.split())
        tap.contains(out, f"Usage: cloudseed {name}")
        tap.contains(out, "Examples:\n  cloudseed ")
        tap.eq(WORLD.good(*name.split(), "--help"), out)
        tap.eq(WORLD.good("-h", *name.split()), out)


def test_help_of_a_group():
    out = WORLD.good("help", "node")
    tap.eq(re.findall(r"^  (\w+ [\w-]+)", out, re.M),
           [name for name in COMMANDS if name.startswith("node ")])


def test_a_group_lists_its_commands():
    done = WORLD.run("node")
    tap.eq((done.returncode, done.stdout, done.stderr), (64, "", WORLD.good("help", "node")))


def commands_of(page):
    """The words of each call of cloudseed in the page's code."""
    text = page.read_text(encoding="utf-8")
    code = re.findall(r"^```.*?^```$|^ {4}[^\n]*$", text, re.MULTILINE | re.DOTALL)
    spans = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    code += [span.replace("\n", " ") for span in re.findall(r"`([^`\n]+(?:\n[^`\n]+)?)`", spans)]
    for part in code:
        for call in re.findall(r"(?:^|[`$#(] ?|&& |sudo |\| )cloudseed (?!at )([a-z][^`|&;)#>]*?)$|^cloudseed (?!at )([a-z][^`|&;)#>]*)",
                               part.replace("\\\n", " "), re.MULTILINE):
            yield "".join(call).split()


def test_pages_name_commands_and_options_that_exist():
    pages, known, bad = [cli.SOURCE / "README.md", cli.SOURCE / "SECURITY.md", *(cli.SOURCE / "docs").rglob("*.md")], {}, []
    for page in pages:
        for words in commands_of(page):
            name = next((n for n in (" ".join(words[:2]), words[0]) if n in COMMANDS), None)
            if name is None and len(words) == 1 and any(n.startswith(f"{words[0]} ") for n in COMMANDS):
                continue  # all of a group, as `cloudseed pve`
            if name is None:
                bad.append(f"{page.name}: there is no command {' '.join(words)}")
                continue
            if name not in known:
                known[name] = set(re.findall(r"(?<![\w-])(--?[a-z][\w-]*)", WORLD.good("help", *name.split())))
            bad += [f"{page.name}: {' '.join(words)}: {name} has no {option}" for option in
                    {word.split("=")[0] for word in words if re.match(r"--[a-z]", word)} - known[name]]
    assert len(known) > 40, sorted(known)
    assert not bad, "\n".join(bad)


def test_help_fits_a_terminal():
    for words in [[]] + [name.split() for name in COMMANDS]:
        long = [line for line in WORLD.good("help", *words).splitlines()
                if len(line) > 90 and not line.startswith("  /")]  # a prefix may be long
        tap.eq(long, [])


def test_version():
    assert re.fullmatch(r"cloudseed \d+\.\d+\.\d+\n", WORLD.good("--version"))


# --- the command line --------------------------------------------------------------------------

def test_options_stand_before_or_behind():
    want = WORLD.good("node", "list")
    where = ["--seed", "seed", "--templates=templates"]
    tap.eq(WORLD.good(*where, "node", "list", config=False), want)
    tap.eq(WORLD.good("node", *where, "list", config=False), want)
    tap.eq(WORLD.good("node", "list", *where, config=False), want)


def test_wrong_usage_has_a_status_of_its_own():
    wrong = {
        ("chek",): "unknown command 'chek'; did you mean 'check'?",
        ("node", "lst"): "unknown command 'node lst'; did you mean 'list'?",
        ("help", "chek"): "unknown command 'chek'; did you mean 'check'?",
        ("check", "--sed", "x"): "unknown option '--sed'; did you mean '--seed'?",
        ("check", "--seed"): "--seed needs a DIR",
        ("check", "a", "b"): "'b': one argument too many for 'check'",
        ("node", "show"): "usage: cloudseed node show NODE",
        ("render",): "say which node, or --all DIR",
        ("render", "k8s-worker-2", "--all", "x"): "give either --all DIR or a node",
        ("render", "--all", "x", "--json"): "--all goes with none of",
        ("render", "k8s-worker-2", "--each"): "'render' has no option --each",
        ("diff", "--json", "--markdown"): "give either --json or --markdown",
        ("node", "list", "--json", "--names"): "either --json or --names",
        ("node", "arm", "x", "--url", "http://10.0.10.5:8080"): "the server prints the serial, with its own 'url'",
        ("node", "reprovision", "x", "--url", "http://10.0.10.5:8080"): "set it there",
        ("node", "list", "--check", "--names"): "either --check or --names",
        ("check", "--color", "blue"): "expected auto, always or never",
        ("check", "--url", "10.0.10.5"): "expected http://HOST:PORT",
        ("che\x1b[2Jck",): "unknown command 'che\\x1b[2Jck'",
    }
    for words, text in wrong.items():
        said = WORLD.bad(cli.MISUSED, *words)
        assert said.startswith(f"cloudseed: {text}") or text in said, said
        assert re.search(r"^Try 'cloudseed help[a-z ]*'\.$", said, re.M), said


def test_help_points_to_what_is_known():
    for words, line in ((["help", "chek"], "help"), (["check", "a", "b"], "help check"),
                        (["node", "url"], "help node url"), (["node", "lst"], "help")):
        tap.contains(WORLD.bad(cli.MISUSED, *words), f"\nTry 'cloudseed {line}'.\n")


def test_nothing_to_do_shows_help():
    tap.contains(WORLD.bad(cli.MISUSED, config=False), "Usage: cloudseed ")


def test_configuration_that_is_not_there():
    said = WORLD.bad(1, "check", "--config", "none.yaml")
    tap.contains(said, "none.yaml: error: there is no such file; --config names")
    tap.contains(said, say("the configuration none.yaml cannot be used"))


def test_configuration_with_faults():
    WORLD.write("bad.yaml", "sed: /x\n")
    said = WORLD.bad(1, "check", "--config", "bad.yaml")
    tap.contains(said, "bad.yaml:1:1: error: configuration: unknown key 'sed'; did you mean 'seed'?"
                       "\n  sed: /x\n  ^\n")


# --- standard output ---------------------------------------------------------------------------

EVERYTHING = [["check"], ["check", "--json"], ["render", "k8s-worker-2"], ["node", "list"],
              ["node", "list", "--json"], ["node", "list", "--names"], ["reference", "seed"],
              ["node", "show", "k8s-worker-2"], ["node", "url", "k8s-worker-2"], ["help"],
              ["--version"], ["help", "check"]]


def test_full_disk_is_noticed():
    for words in EVERYTHING:
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = WORLD.run(*words, capture_output=False, stdout=full, stderr=subprocess.PIPE)
        tap.eq((done.returncode, done.stderr),
               (1, say("standard output: No space left on device")), str(words))


def test_closed_output_is_noticed():
    for words in EVERYTHING:
        done = WORLD.run(*words, capture_output=False, stderr=subprocess.PIPE,
                         preexec_fn=lambda: os.close(1))
        tap.eq((done.returncode, done.stderr),
               (1, say("standard output: Bad file descriptor")), str(words))


def reader_gone(**options):
    """Prints to a pipe that nobody reads any more."""
    back, front = os.pipe()
    os.close(back)
    with subprocess.Popen(WORLD.command("reference", "seed"), stdout=front, text=True,
                          stderr=subprocess.PIPE, **options) as process:
        os.close(front)
        said = process.communicate(timeout=cli.SECONDS)[1]
    return process.returncode, said


def test_reader_that_left_is_noticed():
    tap.eq(reader_gone(), (-signal.SIGPIPE, ""))
    tap.eq(reader_gone(restore_signals=False), (1, say("standard output: Broken pipe")))


def test_all_descriptors_closed():
    done = WORLD.run("check", capture_output=False, preexec_fn=lambda: os.closerange(0, 3))
    tap.eq(done.returncode, 1)


# --- the look ----------------------------------------------------------------------------------

BOLD, RED, PLAIN = "\x1b[1m", "\x1b[1;31m", "\x1b[0m"


def test_head_is_bold_on_a_terminal():
    status, shown = WORLD.on_terminal("node", "list")
    tap.eq(status, 0)
    tap.contains(shown, f"{BOLD}NAME          ROLE    CLUSTER  ADDRESSES   MACS{PLAIN}\n")


def test_errors_are_red_on_a_terminal():
    copy_tree("red", {"site.yaml": ("name: homelab", "nam: homelab")})
    status, shown = WORLD.on_terminal("check", "red")
    tap.eq(status, 1)
    tap.contains(shown, f"{BOLD}red/site.yaml:1:1: {RED}error:{PLAIN} ")
    status, shown = WORLD.on_terminal("node", "show", "nobody")
    tap.eq((status, shown), (1, f"{RED}cloudseed:{PLAIN} there is no node 'nobody'\n"))


def test_no_color_where_it_is_not_wanted():
    for words, env in ((["node", "list"], {"NO_COLOR": "1"}), (["node", "list"], {"TERM": "dumb"}),
                       (["node", "list", "--color", "never"], {})):
        _, shown = WORLD.on_terminal(*words, env=env)
        assert "\x1b" not in shown, ascii(shown)


def test_no_color_in_pipes_unless_told():
    assert "\x1b" not in WORLD.good("node", "list", env={"TERM": "xterm"})
    tap.contains(WORLD.good("node", "list", "--color=always", env={"NO_COLOR": "1"}), BOLD)


def test_json_has_no_color():
    _, shown = WORLD.on_terminal("node", "list", "--json", "--color", "always")
    tap.eq(len(json.loads(shown)), 2)


tap.main()
