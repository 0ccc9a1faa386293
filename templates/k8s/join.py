#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes this machine a part of its Kubernetes cluster.

It asks the server what to do, does it, and says how it went, in the words of cloudseed's
docs/formats/bootstrap.md. It can be started again at any point. It ends with 0 when all is done,
2 when an admin has to act, and 1 when another try may help.
"""
import base64
import contextlib
import datetime
import fcntl
import grp
import hashlib
import hmac
import http.client
import itertools
import json
import os
import pwd
import random
import re
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from urllib.parse import urlsplit

ROOT = ""  # tests put a folder here
SETTINGS = "/etc/cloudseed/join.json"
SERIAL = "/sys/class/dmi/id/product_serial"
UUID = "/sys/class/dmi/id/product_uuid"
MACHINE_ID = "/etc/machine-id"
CMDLINE = "/proc/cmdline"
LOCK = "/run/cloudseed/lock"
CLAIM = "/run/cloudseed/claim"  # in memory: not on a clone's disk, and gone with this boot
CONFIG = "/run/cloudseed/kubeadm.yaml"
PROGRESS = "/var/lib/cloudseed/kubeadm"  # "init" or "join", "started" or "done"; or "all done"
JOINED = "/var/lib/cloudseed/joined"
ADMIN_CONF = "/etc/kubernetes/admin.conf"
KUBELET_CONF = "/etc/kubernetes/kubelet.conf"
BOOTSTRAP_CONF = "/etc/kubernetes/bootstrap-kubelet.conf"

BUILT = 1795305600  # 2026-11-22: a clock that says less is not set
CA_SECONDS, CLOCK_SECONDS, TURN_SECONDS, KUBEADM_SECONDS = 1800, 600, 7200, 1800
IMAGES_SECONDS = 1800
TOKEN_HOURS = 90 * 24
CA_MAX, ANSWER_MAX, ADDON_MAX, LOG_MAX = 65536, 16777216, 16777216, 4096

APPLICATION = bytes.fromhex("58f11b186c207071030b792365db7e9e")  # who asks for a hash of machine-id
SEED_URL = r"(https?://[^\s;?#]+)/s/([a-z2-7]{26,32})/?"
PIN = r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]"
SECRET = r"([a-z2-7]{26})\.(" + PIN + ")"
MOMENT = "%Y-%m-%dT%H:%M:%SZ"
NAME = r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?"
WAIT = rf"node|(?:crd|apiservice)/{NAME}|(?:deployment|daemonset|statefulset)/{NAME}/{NAME}"
# What a message must be: a pattern, bool, (what may be null,), [what a list has], or all members.
FILE = {"path": r"(?:/[^/\0]+)+", "mode": r"0[0-7]{3}",
        "owner": r"[a-z0-9_-]{1,32}:[a-z0-9_-]{1,32}", "content": r"[A-Za-z0-9+/]*={0,2}"}
ADDON = {"name": r"[a-z0-9-]{1,63}", "url": (r"https?://\S{1,2040}",), "manifest": (r".+",),
         "sha256": (r"[0-9a-f]{64}",), "wait": [WAIT]}
ANSWER = {"action": r"init|join|none", "expires": r"[0-9TZ:-]{20}", "kubeadm": (r".+",),
          "upload_certs": bool, "files": [FILE], "addons": [ADDON], "manifests": (r".+",)}
ORDERS = {"node_url": r"https://[^\s/?#]+", "seed_url": r"https?://\S+", "role": r"master|worker",
          "images": r"[^\s-]\S*"}


class Refused(Exception):
    """An admin has to act."""


class Later(Exception):
    """Not now; perhaps with the seconds after which to ask again."""

    def __init__(self, why, seconds=None):
        super().__init__(why)
        self.seconds = seconds


class Failed(Exception):
    """A stage failed; perhaps with what a command said."""

    def __init__(self, stage, why, log=""):
        super().__init__(why)
        self.stage, self.log = stage, log


def fits(value, form):
    if isinstance(form, str):
        return isinstance(value, str) and bool(re.fullmatch(form, value, re.S))
    if form is bool:
        return isinstance(value, bool)
    if isinstance(form, tuple):
        return value is None or fits(value, form[0])
    if isinstance(form, list):
        return isinstance(value, list) and all(fits(one, form[0]) for one in value)
    return (isinstance(value, dict) and set(value) == set(form)
            and all(fits(value[name], form[name]) for name in form))


def say(text):
    """One line for the journal and the console, whatever the text holds."""
    with contextlib.suppress(OSError):
        print("".join(c if c.isprintable() else " " for c in text)[:800], flush=True)


def without_secrets(text, known=""):
    """Tokens and keys struck out of what a command said."""
    if known:
        text = text.replace(known, "[key]")
    text = re.sub(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", "[token]", text)
    text = re.sub(r"(?<![\w.])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.])", "[token]", text)
    return re.sub(r"(?<!sha256:)\b[0-9a-f]{64}\b", "[key]", text)


def patiently(stage, what, ask, seconds):
    """What ask() returns once it does not say 'later'; Failed after so many seconds."""
    end, pause, said = time.monotonic() + seconds, 1, None
    while True:
        try:
            return ask()
        except Later as why:
            if str(why) != said:
                said = str(why)
                say(f"{what}: not yet: {said}")
            # Up to a fifth longer, so that a hundred nodes do not come back at once.
            delay = (why.seconds or pause) * (1 + random.random() / 5)
            if time.monotonic() + delay > end:
                raise Failed(stage, f"{what}: gave up after {seconds} s: {why}") from None
            time.sleep(delay)
            pause = min(2 * pause, 30)


# Files

def read(path):
    try:
        with open(ROOT + path, encoding="utf-8", errors="replace") as file:
            return file.read().strip()
    except FileNotFoundError:
        return ""


def part_of(path):
    """Where write() keeps what is not yet whole."""
    return f"{os.path.dirname(path)}/.{os.path.basename(path)}.cloudseed"


def forget(path):
    for one in (path, part_of(path)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(ROOT + one)


def open_folder(path):
    """A descriptor of the folder, made where it is missing; no part of it may be a link."""
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    folder = os.open(ROOT + "/", flags)
    for part in path.strip("/").split("/") if path != "/" else []:
        above = folder
        try:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o700, dir_fd=above)
                os.chmod(part, 0o755, dir_fd=above)
            folder = os.open(part, flags, dir_fd=above)
        finally:
            os.close(above)
    return folder


def owner_ids(owner):
    user, group = owner.split(":")
    return (int(user) if user.isdigit() else pwd.getpwnam(user).pw_uid,
            int(group) if group.isdigit() else grp.getgrnam(group).gr_gid)


def write(path, data, mode=0o600, owner="0:0"):
    """Whole or not at all, also after a power cut; a link in its place is replaced."""
    ids = owner_ids(owner)
    folder = open_folder(os.path.dirname(path))
    name = os.path.basename(path)
    part = os.path.basename(part_of(path))
    try:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(part, dir_fd=folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with os.fdopen(os.open(part, flags, 0o600, dir_fd=folder), "wb") as file:
            file.write(data)
            os.fchown(file.fileno(), *ids)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, name, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part, dir_fd=folder)
        os.close(folder)


def write_sealed(files):
    for file in files:
        path = file["path"]
        try:
            if {".", ".."} & set(path.split("/")):
                raise ValueError("the path is not normal")
            write(path, base64.b64decode(file["content"], validate=True), int(file["mode"], 8),
                  file["owner"])
        except (OSError, LookupError, ValueError) as why:
            why = getattr(why, "strerror", None) or why
            raise Failed("files", f"{path} cannot be written (its folders must be no links): {why}"
                         ) from None


# Who we are, and whom we ask

def settings():
    try:
        with open(ROOT + SETTINGS, encoding="utf-8") as file:
            found = json.load(file)
    except (OSError, ValueError) as why:
        raise Refused(f"{SETTINGS}: {why}") from None
    if not fits(found, ORDERS):
        raise Refused(f"{SETTINGS} must hold node_url, seed_url, role and images, and nothing else")
    return found


def words(text):
    """The seed URL and the secret word of a serial or a command line; None where it has none."""
    url = secret = None
    for word in text.replace('"', " ").split():
        if word.startswith("ds=nocloud"):
            for part in word.split(";")[1:]:
                key, _, value = part.partition("=")
                url = value if key in ("s", "seedfrom") else url
        elif word.startswith("cs="):
            secret = word[3:]
    return url, secret


def whom_to_ask(seed_url):
    """The URL before /s/, the key behind it, the key to show, and the pin (None: unknown)."""
    places = [words(read(SERIAL)), words(read(CMDLINE))]
    for url, secret in places:
        if secret is not None:
            form = re.fullmatch(SECRET, secret)
            if not form:
                raise Refused("the word 'cs=' of the serial is damaged: set the serial that "
                              "'cloudseed node arm' printed")
            for found in (url, seed_url):
                seed = re.fullmatch(SEED_URL, found or "")
                if seed:
                    return seed[1], seed[2], form[1], form[2]
    for found in (*(url for url, _ in places), seed_url):
        seed = re.fullmatch(SEED_URL, found or "")
        if seed:
            return seed[1], seed[2], seed[2], None
    raise Refused("neither the serial, the kernel's command line nor join.json has a seed URL "
                  "with /s/KEY/")


def claim():
    """The same for each start of this script in this boot."""
    known = read(CLAIM)
    if not re.fullmatch(PIN, known):
        known = secrets.token_urlsafe(32)
        write(CLAIM, known.encode())
    return known


def addresses(host):
    """Those from which packets would leave for the server and beyond; none is sent."""
    found = []
    for target in (host, "192.0.2.1", "2001:db8::1"):
        with contextlib.suppress(OSError):
            family, kind, _, _, where = socket.getaddrinfo(target, 9, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as way:
                way.connect(where)
                address = way.getsockname()[0].partition("%")[0]
            if address not in found and not address.startswith(("127.", "::1", "fe80:")):
                found.append(address)
    return found


def machine_id():
    """What `systemd-id128 machine-id --app-specific=APPLICATION` prints: the id must not leave."""
    known = read(MACHINE_ID)
    if not re.fullmatch(r"[0-9a-f]{32}", known) or not int(known, 16):
        return None
    digest = bytearray(hmac.new(bytes.fromhex(known), APPLICATION, hashlib.sha256).digest()[:16])
    digest[6] = digest[6] & 0x0F | 0x40
    digest[8] = digest[8] & 0x3F | 0x80
    return digest.hex()


def kubeadm_version():
    with contextlib.suppress(Failed):
        version = run("kubeadm", ["kubeadm", "version", "--output=short"], 30).strip()
        return version if re.fullmatch(r"v\d+\.\d+\.\d+[\w.+-]{0,40}", version) else None
    return None


# Certificates

def element(data, at, wanted):
    """The DER element at `at`, which must have that tag: where its content begins and ends."""
    if at + 2 > len(data) or data[at] not in wanted:
        raise ValueError("not the certificate that it should be")
    size, begin = data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        size, begin = int.from_bytes(data[begin:begin + count], "big"), begin + count
        if not 1 <= count <= 3:
            raise ValueError("a length of no certificate")
    if begin + size > len(data):
        raise ValueError("cut off")
    return begin, begin + size


def moment(data, at):
    """The UTCTime or GeneralizedTime at `at` in seconds since 1970, and where it ends."""
    begin, end = element(data, at, (0x17, 0x18))
    text = data[begin:end].decode("ascii")
    if data[at] == 0x17:
        text = ("20" if text[:2] < "50" else "19") + text
    parsed = datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ")
    return parsed.replace(tzinfo=datetime.timezone.utc).timestamp(), end


def certificate(pem):
    """The pin of its key, and from when to when it is valid."""
    data = ssl.PEM_cert_to_DER_cert(pem)
    at, _ = element(data, 0, (0x30,))
    at, _ = element(data, at, (0x30,))
    if data[at] == 0xA0:
        _, at = element(data, at, (0xA0,))
    for tag in (0x02, 0x30, 0x30):  # serial number, algorithm, issuer
        _, at = element(data, at, (tag,))
    valid, at = element(data, at, (0x30,))
    since, until = moment(data, valid)
    _, key = element(data, at, (0x30,))  # subject
    _, end = element(data, key, (0x30,))
    digest = hashlib.sha256(data[key:end]).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("="), since, moment(data, until)[0]


def trusted(text, pin):
    """The certificates of a ca.pem that have the pin: [(PEM, since, until)]."""
    blocks = re.findall(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", text, re.S)
    good, others = [], []
    for block in blocks[:4]:
        with contextlib.suppress(ValueError, IndexError):
            found, since, until = certificate(block)
            (good if pin in (None, found) else others).append((block, since, until, found))
    if not good:
        raise Later("ca.pem holds no certificate with the pin of our serial: another server has "
                    "answered, or the serial is old" if others else "ca.pem holds no certificate")
    if max(until for _, _, until, _ in good) < max(time.time(), BUILT):
        raise Later(f"the CA in ca.pem ended before {date(max(time.time(), BUILT))}")
    if pin is None:
        say("no pin is known: trusting at first use the CA with the pin " + good[0][3]
            + "; somebody on this network could have put it there")
    return good


def date(seconds):
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%F %T UTC")


def wait_for_clock(cas):
    """TLS needs the time. What was never set says 1970, or when the image was built."""
    least = max(BUILT, min(since for _, since, _, _ in cas))

    def ask():
        if time.time() < least:
            raise Later(f"the clock must be later than {date(least)}", 2)

    if time.time() < least:
        say(f"the clock says {date(time.time())}")
    patiently("clock", "waiting for the clock to be set", ask, CLOCK_SECONDS)


# Talking to the server

def take(response, most, seconds):
    """The body, however slowly it drips."""
    end, data = time.monotonic() + seconds, b""
    while True:
        part = response.read1(65536)
        data += part
        if not part:
            break
        if len(data) > most or time.monotonic() > end:
            raise Later("the answer is too large or too slow")
    if response.length:
        raise Later("the answer was cut off")
    return data


def exchange(method, url, seconds, most, **more):
    """(status, headers, body); Later where the network fails."""
    parts, context = urlsplit(url), more.pop("context", None)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    tls = {"context": context} if context else {}
    connection = kind(parts.hostname, parts.port, timeout=seconds, **tls)
    try:
        connection.request(method, parts.path, **more)
        response = connection.getresponse()
        return response.status, response.headers, take(response, most, seconds)
    except ssl.SSLCertVerificationError as why:
        raise Failed("tls", f"{parts.netloc} is not the server that it should be: "
                     f"{why.verify_message}") from None
    except (OSError, http.client.HTTPException) as why:
        raise Later(f"{parts.netloc}: {why or type(why).__name__}") from None
    finally:
        connection.close()


def problem(status, body):
    with contextlib.suppress(ValueError, TypeError, KeyError):
        return str(json.loads(body.decode())["detail"])[:512]
    return f"HTTP status {status}"


def understood(body):
    """The answer to 'bootstrap', if it is one."""
    with contextlib.suppress(ValueError):
        answer = json.loads(body.decode())
        action = answer["action"] if fits(answer, ANSWER) else None
        if (action and datetime.datetime.strptime(answer["expires"], MOMENT)
                and (answer["kubeadm"] is None) == (action == "none")
                and (answer["manifests"] is None) == (action != "init")
                and not (answer["upload_certs"] and action != "init")
                and all((a["url"] is None) != (a["manifest"] is None) for a in answer["addons"])):
            return answer
    raise Refused("the server's answer is not what this script understands: "
                  "the templates and the server are of different versions")


def has_ended(answer):
    end = datetime.datetime.strptime(answer["expires"], MOMENT)
    return time.time() >= end.replace(tzinfo=datetime.timezone.utc).timestamp()


class Server:
    """The one that has our CA's certificate, asked with our key and our claim."""

    def __init__(self, node_url, seed_url):
        base, key, self.bearer, pin = whom_to_ask(seed_url)
        self.url, self.claim = f"{node_url}/s/{key}/", claim()
        # In plain HTTP: anybody may have answered, so that only time ends this.
        cas = patiently("ca", "fetching ca.pem", lambda: self.cas(base, pin), CA_SECONDS)
        wait_for_clock(cas)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.load_verify_locations(cadata="\n".join(ca[0] for ca in cas))

    @staticmethod
    def cas(base, pin):
        status, _, body = exchange("GET", base + "/ca.pem", 30, CA_MAX)
        if status != 200:
            raise Later(f"HTTP status {status}")
        return trusted(body.decode("ascii", "replace"), pin)

    def post(self, name, message):
        body = json.dumps({"claim": self.claim, **message}, ensure_ascii=False).encode()
        # The server holds a request for up to 50 s.
        status, headers, answer = exchange(
            "POST", self.url + name, 75, ANSWER_MAX, context=self.context, body=body,
            headers={"Authorization": "Bearer " + self.bearer, "Content-Type": "application/json"})
        if status == 200:
            return answer
        if status == 429 or status >= 500:
            after = headers.get("Retry-After", "")
            seconds = min(max(int(after), 1), 300) if re.fullmatch(r"[0-9]{1,9}", after) else None
            raise Later(problem(status, answer), seconds)
        raise Refused(f"the server refuses ({status}): {problem(status, answer)}")

    def bootstrap(self):
        uuid, version, count = read(UUID).lower(), kubeadm_version(), itertools.count(1)
        uuid = uuid if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", uuid) else None

        def ask():
            answer = understood(self.post("bootstrap", {
                "uuid": uuid, "machine": machine_id(), "hostname": socket.gethostname(),
                "addresses": addresses(urlsplit(self.url).hostname), "kubeadm": version,
                "attempt": next(count)}))
            if has_ended(answer):
                raise Later(f"the answer was good until {answer['expires']}, and this machine's "
                            f"clock says {date(time.time())}: is it right?")
            return answer

        return patiently("turn", "waiting for our turn", ask, TURN_SECONDS)

    def result(self, stage, log="", seconds=300):
        """Whether it is heard does not change what is."""
        log = without_secrets(log.replace("\0", ""), self.bearer).encode()[-LOG_MAX:]
        message = {"ok": stage == "done", "stage": stage, "log": log.decode("utf-8", "ignore")}
        try:
            patiently("result", "reporting the result",
                      lambda: self.post("result", message), seconds)
        except (Refused, Failed) as why:
            say(f"the result could not be reported: {why}")


# kubeadm and kubectl

def run(stage, command, seconds=120, data=""):
    """Its standard output; Failed with all that it said."""
    environment = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                   **os.environ, "HOME": "/root", "LC_ALL": "C", "KUBECONFIG": ROOT + ADMIN_CONF}
    what = " ".join(command[:2])
    try:
        done = subprocess.run(command, input=data.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=seconds, check=False, env=environment)
    except subprocess.TimeoutExpired as why:
        log = (why.stdout or b"") + (why.stderr or b"")
        raise Failed(stage, f"'{what}' took more than {seconds} s",
                     log.decode("utf-8", "replace")) from None
    except OSError as why:
        raise Failed(stage, f"'{what}' cannot be run: {why.strerror}") from None
    if done.returncode:
        raise Failed(stage, f"'{what}' ended with {done.returncode}",
                     (done.stdout + done.stderr).decode("utf-8", "replace"))
    return done.stdout.decode("utf-8", "replace")


def kubectl(stage, *args, data=""):
    """A few times: an API server that has just begun still comes and goes."""
    for pause in (1, 2, 4, 8, 0):
        try:
            return run(stage, ["kubectl", *args], 120, data)
        except Failed:
            if not pause:
                raise
            time.sleep(pause)


def apply(stage, manifest):
    kubectl(stage, "apply", "--server-side", "--force-conflicts", "--field-manager=cloudseed",
            "--filename=-", data=manifest)


def is_member(action, role):
    """Whether kubeadm has nothing left to do."""
    there, progress = os.path.exists(ROOT + KUBELET_CONF), read(PROGRESS)
    if progress.endswith(" started"):
        # kubelet writes this file once the cluster has accepted it: a worker needs no more.
        return there and action == "join" and role == "worker"
    return there


def pull_images(images):
    """Before we ask, so that nobody waits for it: a token's life and the other masters' turns."""
    say("pulling the control plane's images")
    version = kubeadm_version()
    try:
        run("images", ["kubeadm", "config", "images", "pull", "--image-repository=" + images,
                       *([f"--kubernetes-version={version}"] if version else []),
                       "--cri-socket=unix:///run/containerd/containerd.sock"], IMAGES_SECONDS)
    except Failed as why:
        said = without_secrets((why.log.strip() or "nothing was said").splitlines()[-1])
        say(f"{why}: {said}; going on: kubeadm pulls what is missing")


def run_kubeadm(answer):
    """False: it was not run, as the answer had ended by then."""
    if read(PROGRESS).endswith(" started"):
        say("kubeadm was cut off: undoing what it did")
        run("kubeadm", ["kubeadm", "reset", "--force"], 300)
        forget(PROGRESS)
    write_sealed(answer["files"])  # after the reset, which empties /etc/kubernetes
    if has_ended(answer):
        return False
    action = answer["action"]
    write(PROGRESS, f"{action} started\n".encode())
    say(f"running 'kubeadm {action}'")
    try:
        write(CONFIG, answer["kubeadm"].encode())
        # A certificateKey in the configuration uploads nothing by itself.
        flags = ["--upload-certs"] if answer["upload_certs"] else []
        run("kubeadm", ["kubeadm", action, "--config", ROOT + CONFIG, *flags], KUBEADM_SECONDS)
    finally:
        forget(CONFIG)
        forget(BOOTSTRAP_CONF)
    write(PROGRESS, f"{action} done\n".encode())
    return True


def token(name):
    text = kubectl("tokens", "create", "token", name, "--namespace=kube-system",
                   f"--duration={TOKEN_HOURS}h", "--output=json")
    status = json.loads(text)["status"]
    return {"token": status["token"], "expires": status["expirationTimestamp"]}


def cluster():
    """What the server needs, to let other nodes join."""
    view = json.loads(kubectl("tokens", "config", "view", "--raw", "--minify", "--output=json"))
    found = view["clusters"][0]["cluster"]
    hardened = kubectl("tokens", "get", "serviceaccount", "cloudseed-approver",
                       "--namespace=kube-system", "--ignore-not-found", "--output=name").strip()
    return {"endpoint": found["server"],
            "ca": base64.b64decode(found["certificate-authority-data"]).decode(),
            "minter": token("cloudseed-minter"),
            "approver": token("cloudseed-approver") if hardened else None}


def wait_until(stage, what, command, seconds):
    def ask():
        try:
            run(stage, ["kubectl", *command], 90)
        except Failed as why:
            raise Later(without_secrets((why.log.strip() or str(why)).splitlines()[-1])) from None

    patiently(stage, f"waiting for {what}", ask, seconds)


def wait_for(stage, what):
    kind, *names = what.split("/")
    if kind == "node":
        command = ["wait", "--for=condition=Ready", "node/" + socket.gethostname().lower()]
    elif len(names) == 1:
        condition = "Established" if kind == "crd" else "Available"
        command = ["wait", f"--for=condition={condition}", what]
    else:
        command = ["rollout", "status", f"{kind}/{names[1]}", f"--namespace={names[0]}"]
    wait_until(stage, what, [*command, "--timeout=60s"], 600)


class KeepTls(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if req.full_url.startswith("https:") and not newurl.startswith("https:"):
            raise urllib.error.URLError("a redirect from https to http")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(stage, url, sha256):
    def ask():
        try:
            with urllib.request.build_opener(KeepTls).open(url, timeout=30) as response:
                return take(response, ADDON_MAX, 300)
        except urllib.error.HTTPError as why:
            if why.code < 500 and why.code != 429:
                raise Failed(stage, f"{url}: HTTP status {why.code}") from None
            raise Later(f"{url}: HTTP status {why.code}") from None
        except (OSError, http.client.HTTPException) as why:
            raise Later(f"{url}: {why}") from None

    data = patiently(stage, f"fetching {stage}", ask, 600)
    found = hashlib.sha256(data).hexdigest()
    if sha256 not in (None, found):
        raise Failed(stage, f"{url} has the SHA-256 {found}, not {sha256}: nothing was applied")
    return data.decode("utf-8", "replace")


def apply_addon(addon):
    stage = "addon/" + addon["name"]
    say(f"applying {stage}")
    manifest = addon["manifest"]
    apply(stage, download(stage, addon["url"], addon["sha256"]) if manifest is None else manifest)
    for what in addon["wait"]:
        wait_for(stage, what)


# All of it

def carry_out(server, answer, role):
    """False: the answer has ended before it was of use."""
    action = answer["action"]
    if action == "none":
        write_sealed(answer["files"])
    elif is_member(action, role):
        say("this machine is a member already: kubeadm is not run")
        write_sealed(answer["files"])
        if read(PROGRESS):
            forget(BOOTSTRAP_CONF)  # has the token, where kubeadm was killed
    elif not run_kubeadm(answer):
        say(f"the answer was good until {answer['expires']}: asking again")
        return False
    if action == "init":
        finish_cluster(server, answer)
    return True


def finish_cluster(server, answer):
    if not os.path.exists(ROOT + ADMIN_CONF):
        raise Failed("kubeadm", f"this machine is to make a cluster, but is a member of one, and "
                     f"no master: there is {KUBELET_CONF}, but no {ADMIN_CONF}")
    wait_until("api", "the API server", ["get", "--raw=/readyz", "--request-timeout=5s"], 300)
    apply("manifests", answer["manifests"])
    try:
        message = cluster()
    except (LookupError, ValueError, TypeError) as why:
        raise Failed("tokens", f"kubectl has said what it should not: {why!r}") from None
    patiently("cluster", "reporting the cluster", lambda: server.post("cluster", message), 600)
    say("the cluster stands; other nodes can join")
    for addon in answer["addons"]:
        apply_addon(addon)


def ask_and_act(server, role):
    answer = server.bootstrap()
    try:
        return carry_out(server, answer, role)
    except Failed as why:
        for line in without_secrets(why.log, server.bearer).splitlines()[-20:]:
            say("  " + line)
        server.result(why.stage, f"{why}\n{why.log}", 60)
        raise


def join():
    orders = settings()
    server = Server(orders["node_url"], orders["seed_url"])
    if read(PROGRESS) not in ("join done", "all done"):
        if orders["role"] == "master" and not os.path.exists(ROOT + KUBELET_CONF):
            pull_images(orders["images"])
        while not ask_and_act(server, orders["role"]):
            pass
    # The server may close our window as soon as it hears of it: there is no asking again.
    write(PROGRESS, b"all done\n")
    server.result("done")
    write(JOINED, b"")
    say("done: this machine is a part of its cluster")


def main():
    os.umask(0o022)  # kubeadm's files are not all for root alone
    sys.stdout.reconfigure(errors="backslashreplace")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        os.close(open_folder(os.path.dirname(LOCK)))
        with open(ROOT + LOCK, "w", encoding="ascii") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                if os.path.exists(ROOT + JOINED):
                    say("this machine has joined already")
                else:
                    join()
                forget(CLAIM)
            finally:
                forget(CONFIG)
        return 0
    except BlockingIOError:
        say("another start of this script is at work")
    except Refused as why:
        say(f"stopped: {why}")
        return 2
    except (Failed, OSError) as why:
        say(f"failed: {why}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
