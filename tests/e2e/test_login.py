#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`cloudseed login`, contexts, and the commands from a laptop: over TLS, with the real server."""
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import cli  # noqa: E402
import tap  # noqa: E402
import world  # noqa: E402

TREE = world.Tree(evidence=["mac"])
TREE.role("worker")
TREE.node("n1", "worker", macs=["bc:24:11:00:20:0b"], addresses=["10.0.20.11"])
SERVER = tap.enter(TREE.start(args=["--admin", "127.0.0.1:0"]))
URL = "https://" + SERVER.listening["admin"]
PIN = SERVER.admin("GET", "/v1/ca").json["pin"]


def new_token(name, role="admin"):
    SERVER.admin("DELETE", f"/v1/tokens/{name}")
    return SERVER.admin("POST", "/v1/tokens", {"name": name, "role": role}).json["token"]


class Laptop:
    """A home of its own, and no server on this machine."""

    def __init__(self):
        self.home = world.scratch()
        self.contexts = self.home / ".config/cloudseed/contexts"
        self.env = {k: v for k, v in os.environ.items() if k != "XDG_CONFIG_HOME"}
        self.env.update(HOME=str(self.home), CLOUDSEED_SERVER="")

    def run(self, *words, status=0, text="", **env):
        done = subprocess.run([str(cli.PROGRAM), *(str(w) for w in words)], input=text, text=True,
                              capture_output=True, check=False, timeout=world.SECONDS,
                              cwd=self.home, env={**self.env, **env})
        tap.eq(done.returncode, status, done.stdout + done.stderr)
        return done

    def login(self, name="lab", role="admin", **more):
        return self.run("login", URL, "--name", name, "--pin", PIN,
                        text=new_token(name, role) + "\n", **more)


def test_login_pins_the_ca_and_keeps_the_token():
    laptop = Laptop()
    said = laptop.login().stdout
    tap.contains(said, f"commands ask {URL} from now on, as lab (admin)")
    files = sorted(p.name for p in laptop.contexts.iterdir())
    tap.eq(files, ["current.name", "lab.json", "lab.token"])
    for name in files:
        tap.eq((laptop.contexts / name).stat().st_mode & 0o777, 0o600)
    kept = json.loads((laptop.contexts / "lab.json").read_text())
    tap.eq((kept["url"], kept["ca"].strip()), (URL, SERVER.get("/ca.pem").text.strip()))
    tap.eq(laptop.run("node", "list", "--names").stdout, "n1\n")


def test_a_wrong_pin_gets_no_token():
    laptop = Laptop()
    token = new_token("wrong")
    wrong = PIN[:-1] + ("A" if PIN[-1] != "A" else "B")
    said = laptop.run("login", URL, "--pin", wrong, text=token, status=1).stderr
    tap.contains(said, f"no CA of it has the pin {wrong}")
    said = laptop.run("login", URL, text=token, status=1).stderr
    tap.contains(said, f"the server's CA has the pin {PIN}: compare it with 'cloudseed ca show'")
    assert not laptop.contexts.exists()
    tokens = {t["name"]: t for t in SERVER.admin("GET", "/v1/tokens").json["tokens"]}
    tap.eq(tokens["wrong"]["used"], None)


def test_a_terminal_is_asked():
    """The token is not shown, and the pin is confirmed."""
    laptop, token = Laptop(), new_token("typed")
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(laptop.home)
        os.execve(cli.PROGRAM, ["cloudseed", "login", URL], laptop.env)
    shown = b""

    def until(part):
        nonlocal shown
        while part not in shown:
            shown += os.read(terminal, 4096)

    until(b"Token: ")
    os.write(terminal, token.encode() + b"\n")
    until(b"[y/N] ")
    os.write(terminal, b"y\n")
    until(b"saved in")
    tap.eq(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
    os.close(terminal)
    assert token.encode() not in shown and PIN.encode() in shown, shown
    tap.eq(laptop.run("context", "list", "--names").stdout, "cloudseed\n")


def test_where_the_token_comes_from():
    laptop, token = Laptop(), new_token("file", "viewer")
    file = laptop.home / "token"
    file.write_text(token)
    file.chmod(0o644)
    login = ["login", URL, "--pin", PIN]
    tap.contains(laptop.run(*login, "--token-file", file, status=1).stderr, "others can read it")
    file.chmod(0o600)
    tap.contains(laptop.run(*login, "--token-file", file).stdout, "as file (viewer)")
    tap.contains(laptop.run(*login, "--token-file", "-", text=token).stdout, "as file (viewer)")
    tap.contains(laptop.run(*login, CLOUDSEED_TOKEN=token).stdout, "as file (viewer)")
    tap.contains(laptop.run(*login, text="secret", status=1).stderr, "not a token of cloudseed")
    tap.contains(laptop.run(*login, text=token[:-4] + "aaaa", status=1).stderr, "no such token")
    other = laptop.contexts / "cloudseed.json"
    other.write_text(other.read_text().replace(URL, "https://other.home.arpa:8444"))
    tap.contains(laptop.run(*login, text=token, status=1).stderr,
                 "'cloudseed' is https://other.home.arpa:8444 already: give this one another name")
    for url in ("http://127.0.0.1:1", "127.0.0.1", URL + "/x"):
        tap.contains(laptop.run("login", url, status=64).stderr, "expected https://HOST:PORT")


def test_contexts():
    laptop = Laptop()
    laptop.login("lab")
    laptop.login("other", "viewer")
    tap.eq(json.loads(laptop.run("context", "list", "--json").stdout),
           [{"name": "lab", "url": URL, "current": False},
            {"name": "other", "url": URL, "current": True}])
    assert re.search(r"^other +https://\S+ +\*$", laptop.run("context", "list").stdout, re.M)
    arm = ["node", "arm", "n1"]
    tap.contains(laptop.run(*arm, status=1).stderr, "takes the role operator")
    tap.contains(laptop.run(*arm, "--server", "lab").stdout, "n1 is armed")
    tap.contains(laptop.run(*arm, CLOUDSEED_SERVER="lab").stdout, "n1 is armed")
    laptop.run("context", "use", "lab")
    tap.contains(laptop.run(*arm).stdout, "n1 is armed")
    tap.contains(laptop.run("context", "use", "lb", status=1).stderr, "there is no context 'lb'")
    tap.eq(laptop.run("context", "remove", "lab").stdout, "lab is removed, with its token\n")
    tap.contains(laptop.run("cluster", "list", status=1).stderr, "/run/cloudseed/admin.sock")
    laptop.run("context", "use", "other")
    tap.eq(laptop.run("context", "use").stdout, "commands ask the server on this machine\n")
    tap.contains(laptop.run("cluster", "list", status=1).stderr, "/run/cloudseed/admin.sock")
    laptop.run("context", "remove", "nobody", status=1)


def test_a_url_without_a_context():
    laptop, token, ca = Laptop(), new_token("ci", "operator"), world.scratch() / "ca.pem"
    ca.write_text(SERVER.get("/ca.pem").text)
    ask = ["node", "arm", "n1", "--server", URL]
    tap.contains(laptop.run(*ask, status=1).stderr, "is not trusted: run 'cloudseed login URL'")
    tap.contains(laptop.run(*ask, status=1, CLOUDSEED_CA=str(ca)).stderr, "show a token")
    tap.contains(laptop.run(*ask, CLOUDSEED_CA=str(ca), CLOUDSEED_TOKEN=token).stdout, "is armed")
    tap.contains(laptop.run(*ask, status=1, CLOUDSEED_CA=str(ca), CLOUDSEED_TOKEN="x").stderr,
                 "CLOUDSEED_TOKEN: not a token of cloudseed")
    # Over plain HTTP no token is sent.
    plain = ["node", "arm", "n1", "--server", SERVER.url]
    tap.contains(laptop.run(*plain, status=1, CLOUDSEED_TOKEN=token).stderr, "not cloudseedd's API")
    assert not SERVER.events(token="ci", peer="127.0.0.1", status=404)


def test_commands_from_a_laptop():
    laptop = Laptop()
    laptop.login("laptop")
    report = json.dumps({"name": "modules-final", "event_type": "finish", "result": "SUCCESS"})
    armed = laptop.run("node", "arm", "n1", "--json").stdout
    tap.contains(json.loads(armed)[0]["arm"]["serial"], "ds=nocloud;")
    key = world.key_of(SERVER.state, "n1")
    home = "hostname=n1&pub_key_ed25519=ssh-ed25519+AAAAC3NzaC1lZDI1NTE5AAAAI"
    tap.eq(SERVER.request("POST", f"/s/{key}/phone-home", home).status, 200)
    tap.eq(SERVER.request("POST", f"/s/{key}/report", report).status, 200)
    laptop.run("wait", "n1", "--for", "up", "--timeout", "60s")
    tap.contains(laptop.run("known-hosts").stdout, "ssh-ed25519 AAAA")
    tap.contains(laptop.run("events", "n1", "--kind", "armed").stdout, "by token laptop")
    tap.contains(laptop.run("node", "show", "n1").stdout, "10.0.20.11")
    laptop.run("node", "add", "n2", "--role", "worker", "--mac", "bc:24:11:00:20:0c")
    tap.eq(laptop.run("node", "list", "--names").stdout, "n1\nn2\n")
    laptop.run("reload")
    laptop.run("node", "rm", "n2")
    tap.contains(laptop.run("ca", "show").stdout, PIN)
    follow = subprocess.Popen([str(cli.PROGRAM), "events", "--follow"], env=laptop.env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    tap.defer(follow.kill)
    tap.wait_until(lambda: SERVER.admin("GET", "/v1/server").json["load"]["exchanges"] > 1,
                   what="the stream")
    laptop.run("node", "arm", "n1")
    for _ in range(2):  # what was before comes first
        while "armed " not in follow.stdout.readline():
            assert follow.poll() is None
    laptop.run("token", "revoke", "laptop")
    said = follow.communicate(timeout=world.SECONDS)[1]
    tap.contains(said, "refuses its events: status 401")
    tap.eq(follow.returncode, 1)
    tap.contains(laptop.run("node", "list", status=1).stderr, "no such token")


if __name__ == "__main__":
    tap.main()
