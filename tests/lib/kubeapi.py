# SPDX-License-Identifier: Apache-2.0
"""API servers for tests: a stand-in, and a real one behind the same methods.

    with StandIn() as api:
        api.ask("minter", "POST", SECRETS, bootstrap_secret("cs4xk2.0f8r7q2m5n1w9t3z"))

The stand-in keeps objects as a real one does, with roles and bindings that it obeys, and it is
stricter: what a real one silently drops or accepts, and no request of ours should have, is in
`problems`, which must be empty in the end. Nothing in it happens by time: a test signs, ends tokens
and cuts streams. `fault()` says what goes wrong with the next matching requests.
"""
import atexit
import base64
import contextlib
import functools
import hashlib
import hmac
import http.client
import json
import re
import secrets
import shutil
import ssl
import tempfile
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

import yaml

from certs import Authority, openssl
from daemon import SECONDS, SOURCE

GOLDEN = SOURCE / "tests" / "golden" / "kube"
AUTOAPPROVE = "kubeadm:node-autoapprove-bootstrap"
JOINERS = "system:bootstrappers:kubeadm:default-node-token"
SECRETS = "/api/v1/namespaces/kube-system/secrets"
CLUSTER_INFO = "/api/v1/namespaces/kube-public/configmaps/cluster-info"
NODES = "/api/v1/nodes"
CSRS = "/apis/certificates.k8s.io/v1/certificatesigningrequests"
BINDINGS = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
ACCOUNTS = "/api/v1/namespaces/kube-system/serviceaccounts"
JSON = "application/json"
APPLY = "application/apply-patch+yaml"

CORE, RBAC, CERTIFICATES = "v1", "rbac.authorization.k8s.io/v1", "certificates.k8s.io/v1"
# plural: (apiVersion, kind, whether it lies in a namespace, top-level fields)
RESOURCES = {
    "secrets": (CORE, "Secret", True, {"data", "stringData", "type", "immutable"}),
    "configmaps": (CORE, "ConfigMap", True, {"data", "binaryData", "immutable"}),
    "serviceaccounts": (CORE, "ServiceAccount", True, {"secrets", "imagePullSecrets"}),
    "nodes": (CORE, "Node", False, {"spec", "status"}),
    "roles": (RBAC, "Role", True, {"rules"}),
    "rolebindings": (RBAC, "RoleBinding", True, {"roleRef", "subjects"}),
    "clusterroles": (RBAC, "ClusterRole", False, {"rules", "aggregationRule"}),
    "clusterrolebindings": (RBAC, "ClusterRoleBinding", False, {"roleRef", "subjects"}),
    "certificatesigningrequests": (CERTIFICATES, "CertificateSigningRequest", False,
                                   {"spec", "status"}),
}
SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"
TOKEN_FIELDS = {"token-id", "token-secret", "expiration", "description",
                "usage-bootstrap-signing", "usage-bootstrap-authentication", "auth-extra-groups"}
REASONS = {400: "BadRequest", 401: "Unauthorized", 403: "Forbidden", 404: "NotFound",
           405: "MethodNotAllowed", 409: "AlreadyExists", 410: "Expired",
           415: "UnsupportedMediaType", 422: "Invalid", 500: "InternalError",
           503: "ServiceUnavailable", 504: "Timeout"}


def bootstrap_secret(token, seconds=900, **changed):
    """The Secret that makes it a bootstrap token."""
    number, _, secret = token.partition(".")
    data = {"token-id": number, "token-secret": secret, "expiration": rfc3339(time.time() + seconds),
            "description": "made by a test", "usage-bootstrap-signing": "true",
            "usage-bootstrap-authentication": "true", "auth-extra-groups": JOINERS}
    return {"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
            "metadata": {"name": f"bootstrap-token-{number}"}, "stringData": {**data, **changed}}


def node_object(name, ready=False, addresses=(), kubelet="v1.29.15"):
    """A Node as its kubelet reports it."""
    condition = {"type": "Ready", "status": "True", "reason": "KubeletReady",
                 "message": "kubelet is posting ready status"}
    if not ready:
        condition.update(status="False", reason="KubeletNotReady",
                         message="container runtime network not ready: cni plugin not initialized")
    return {"kind": "Node", "apiVersion": CORE, "metadata": {"name": name}, "spec": {}, "status": {
        "conditions": [condition], "nodeInfo": {"kubeletVersion": kubelet},
        "addresses": [{"type": "InternalIP", "address": a} for a in addresses]
        + [{"type": "Hostname", "address": name}]}}


def new_key():
    return openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout")


def kubelet_csr(name, serving=(), organization="system:nodes", key=None):
    """A CertificateSigningRequest of the node's kubelet; serving: the names and addresses."""
    key = key or new_key()
    names = ",".join(f"{'IP' if re.fullmatch(r'[0-9a-f.:]+', n) else 'DNS'}:{n}" for n in serving)
    pem = openssl("req", "-new", "-key", "/dev/stdin", "-subj",
                  f"/O={organization}/CN=system:node:{name}",
                  *(["-addext", f"subjectAltName={names}"] if serving else []), data=key)
    signer = "kubelet-serving" if serving else "kube-apiserver-client-kubelet"
    return {"apiVersion": CERTIFICATES, "kind": "CertificateSigningRequest",
            "metadata": {"name": f"csr-{new_token()[:6]}"},
            "spec": {"request": base64.b64encode(pem).decode(),
                     "signerName": f"kubernetes.io/{signer}",
                     "usages": ["digital signature", "key encipherment",  # needed by 1.20's signer
                                f"{'server' if serving else 'client'} auth"]}}


def new_token():
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    text = "".join(secrets.choice(letters) for _ in range(22))
    return f"{text[:6]}.{text[6:]}"


def rfc3339(seconds):
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def b64url(raw):
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def jws(payload, token):
    number, _, secret = token.partition(".")
    head = b64url(json.dumps({"alg": "HS256", "kid": number}, separators=(",", ":")).encode())
    signed = f"{head}.{b64url(payload.encode())}".encode()
    return f"{head}..{b64url(hmac.new(secret.encode(), signed, hashlib.sha256).digest())}"


def all_manifests():
    return yaml.safe_load_all((GOLDEN / "manifests-hardened.yaml").read_text())


def manifests():
    """Our accounts and their rights, without the binding that hardened clusters change."""
    for m in all_manifests():
        if m["metadata"]["name"] != AUTOAPPROVE:
            yield m


def path_of(m):
    """The path of an object."""
    plural = next(p for p, (_, kind, *_) in RESOURCES.items() if kind == m["kind"])
    root = "/api/" if m["apiVersion"] == CORE else "/apis/"
    space = m["metadata"].get("namespace")
    where = f"/namespaces/{space}" if space else ""
    return f"{root}{m['apiVersion']}{where}/{plural}/{quote(m['metadata']['name'], safe=':')}"


class Answer:
    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw
        self.text = raw.decode()

    @property
    def json(self):
        return json.loads(self.text)


class Api:
    """What tests do with an API server of either kind: `host`, `port`, `ca` (PEM), `bearers`."""
    admin_certificate = None  # (certificate, key) files of the admin
    kubelets = {}  # who: such files, of those that kubelet() has made

    @property
    def certificates(self):
        return {"admin": self.admin_certificate, **self.kubelets}

    @property
    def url(self):
        return f"https://{self.host}:{self.port}"

    def connect(self, who):
        context = ssl.create_default_context(cadata=self.ca)
        if who in self.certificates:
            context.load_cert_chain(*self.certificates[who])
        return http.client.HTTPSConnection(self.host, self.port, timeout=SECONDS, context=context)

    def begin(self, who, method, path, body=None, kind=JSON):
        """Sends a request; who: "minter", "approver", "admin", "anonymous", or a bearer token."""
        headers = {"Content-Type": kind} if body is not None else {}
        known = who == "anonymous" or who in self.certificates
        bearer = self.bearers.get(who, None if known else who)
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        if isinstance(body, dict):
            body = yaml.safe_dump(body) if kind == APPLY else json.dumps(body)
        connection = self.connect(who)
        connection.request(method, path, body, headers)
        return connection

    def ask(self, *request, **more):
        connection = self.begin(*request, **more)
        try:
            r = connection.getresponse()
            return Answer(r.status, r.headers, r.read())
        finally:
            connection.close()

    def watch(self, who, path, version, seconds=SECONDS):
        """The events of a stream, as they come."""
        connection = self.begin(who, "GET", f"{path}?watch=true&allowWatchBookmarks=true"
                                f"&timeoutSeconds={int(seconds)}&resourceVersion={version}")
        try:
            r = connection.getresponse()
            if r.status != 200:
                raise AssertionError((r.status, r.read()))
            for line in r:
                yield json.loads(line)
        finally:
            connection.close()

    def request(self, who, name, serving=()):
        """The name of a kubelet's new CertificateSigningRequest."""
        body = kubelet_csr(name, serving)
        answer = self.ask(who, "POST", CSRS, body)
        assert answer.status == 201, answer.text
        return body["metadata"]["name"]

    def conditions(self, request):
        """Of a CertificateSigningRequest: type and reason."""
        o = self.ask("admin", "GET", f"{CSRS}/{request}").json
        return [(c["type"], c["reason"]) for c in o["status"].get("conditions", [])]

    def harden(self):
        """Takes the subjects of kubeadm's binding away, as our manifests do."""
        self.bind_joiners([])

    def soften(self):
        """Gives them back, as a kubeadm upgrade does."""
        self.bind_joiners([{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io",
                            "name": JOINERS}])

    def bind_joiners(self, subjects):
        m = next(m for m in all_manifests() if m["metadata"]["name"] == AUTOAPPROVE)
        path = f"{path_of(m)}?fieldManager=cloudseed&force=true"
        answer = self.ask("admin", "PATCH", path, {**m, "subjects": subjects}, kind=APPLY)
        assert answer.status == 200, answer.text

    def set_up(self):
        """Makes our accounts, as the first master or an admin would."""
        for m in manifests():
            path = f"{path_of(m)}?fieldManager=cloudseed&force=true"
            answer = self.ask("admin", "PATCH", path, m, kind=APPLY)
            assert answer.status in (200, 201), answer.text
        for who in ("minter", "approver"):
            self.bearers[who] = self.account_token(f"cloudseed-{who}")

    def kubeconfig(self, **user):
        """An admin's, as kubeadm writes it; or with another user."""
        def read(file):
            return base64.b64encode(Path(file).read_bytes()).decode()

        certificate, key = self.admin_certificate
        user = user or {"client-certificate-data": read(certificate), "client-key-data": read(key)}
        authority = base64.b64encode(self.ca.encode()).decode()
        return {"apiVersion": "v1", "kind": "Config", "current-context": "admin@lab",
                "clusters": [{"name": "lab", "cluster": {
                    "certificate-authority-data": authority, "server": self.url}}],
                "contexts": [{"name": "admin@lab", "context": {"cluster": "lab", "user": "admin"}}],
                "users": [{"name": "admin", "user": user}]}

    def account_token(self, account, seconds=86400):
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                "spec": {"expirationSeconds": seconds}}
        answer = self.ask("admin", "POST", f"{ACCOUNTS}/{account}/token", body)
        assert answer.status == 201, answer.text
        return answer.json["status"]["token"]


class Real(Api):
    """A cluster that a kubeconfig's client certificate administers. What was made is deleted."""

    def __init__(self, kubeconfig):
        config = yaml.safe_load(Path(kubeconfig).read_text())
        cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
        where = urlsplit(cluster["server"])
        self.host, self.port = where.hostname, where.port
        self.ca = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.folder = Path(tempfile.mkdtemp(prefix="cloudseed-test-"))
        self.bearers = {}
        self.admin_certificate = self.folder / "admin.crt", self.folder / "admin.key"
        for file, name in zip(self.admin_certificate, ("certificate", "key")):
            file.write_bytes(base64.b64decode(user[f"client-{name}-data"]))

    def __enter__(self):
        self.before = {s["metadata"]["name"] for s in self.ask("admin", "GET", SECRETS).json["items"]}
        self.set_up()
        return self

    def kubelet(self, name):
        """One that asks as the node, with a certificate that the admin has approved."""
        key = new_key()
        body = kubelet_csr(name, key=key)
        request = self.ask("admin", "POST", CSRS, body).json
        path = f"{CSRS}/{body['metadata']['name']}"
        yes = {"type": "Approved", "status": "True", "reason": "Test", "message": "by a test"}
        answer = self.ask("admin", "PUT", f"{path}/approval", {**request, "status": {"conditions": [yes]}})
        assert answer.status in (200, 409), answer.text  # 409: the cluster has approved an admin's
        issued = None
        while not issued:
            issued = self.ask("admin", "GET", path).json["status"].get("certificate")
        self.ask("admin", "DELETE", path)
        files = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        for file, raw in zip(files, (base64.b64decode(issued), key)):
            file.write_bytes(raw)
        self.kubelets = {**self.kubelets, f"kubelet {name}": files}
        return f"kubelet {name}"

    def __exit__(self, *_):
        for s in self.ask("admin", "GET", SECRETS).json["items"]:
            if (s["type"] == "bootstrap.kubernetes.io/token"
                    and s["metadata"]["name"] not in self.before):
                self.ask("admin", "DELETE", path_of({**s, "apiVersion": CORE, "kind": "Secret"}))
        for m in manifests():
            self.ask("admin", "DELETE", path_of(m))
        shutil.rmtree(self.folder)


class Refusal(Exception):
    """An answer that is a Status."""

    def __init__(self, code, message, details=None, reason=None):
        super().__init__(message)
        self.code = code
        status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                  "message": message, "reason": reason or REASONS[code]}
        if details is not None:
            status["details"] = details
        self.status = {**status, "code": code}


class _Cut(Exception):
    """The connection ends."""


@functools.cache
def _identity(days):
    """What all stand-ins of a process are known by, and their admin, until its end."""
    folder = tempfile.mkdtemp(prefix="cloudseed-test-")
    atexit.register(shutil.rmtree, folder)
    authority = Authority(folder, "kubernetes")
    return (authority.server("api", days=days), authority.pem,
            authority.client("kubernetes-admin", "system:masters"))


class Fault:
    """What happens to one request: see StandIn.fault."""

    def __init__(self, method, path, when, what, query):
        self.method, self.path, self.when, self.what = method, path, when, what
        self.query = query
        self.taken = False
        self.met, self.go = threading.Event(), threading.Event()

    def wait(self):
        """Until a request has come so far."""
        assert self.met.wait(SECONDS)

    def release(self):
        self.go.set()


class StandIn(Api):
    """`version` is what it says of itself; `signs` whether tokens are signed as they come; `days`
    until its certificate ends."""

    def __init__(self, version="v1.29.15", days=365):
        self.version, self.signs, self.ahead = version, True, 0
        self.minter_ahead = 0  # seconds by which the clock of the minter may be ahead: it sets the ends
        self.certificate, self.ca, self.admin_certificate = _identity(days)
        self.host, self.port = "127.0.0.1", 0
        self.news = threading.Condition(threading.RLock())
        self.objects, self.log = {}, []  # path: object; (version, type, list's path, object)
        self.number, self.oldest = 100, 0
        self.bearers = {}
        self.admin_token = secrets.token_hex(16)
        self.accounts = {}  # bearer: (account, end)
        self.nodes = {}  # the bearer of a node's kubelet: the node's name
        self.faults, self.asked, self.problems = [], [], []
        self.created = []  # names of the Secrets that were
        self.token_seconds_max = 10 ** 9  # of accounts
        self.in_flight = self.most_in_flight = 0
        self.hangs_up = False
        self.streams = 0  # how often they were cut
        self.cut_after = None  # bytes of a stream, then it is cut
        self.managers = {}  # path: who has applied the object
        self.start()
        self._furnish()

    def start(self):
        """At the same port, if it had one before."""
        self._server = _Server((self.host, self.port), _Handler)
        self._server.api = self
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certificate)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self.ca)
        self._server.tls = context
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self):
        """Connections that are open end, too."""
        self._server.shutdown()
        self._server.server_close()
        self._server.end_all()

    @contextlib.contextmanager
    def absent(self):
        """Like a balancer that has no API server: it takes connections, and ends them."""
        self.hangs_up = True
        try:
            yield
        finally:
            self.hangs_up = False

    def __enter__(self):
        self.set_up()
        self.asked.clear()
        return self

    def __exit__(self, kind, *_):
        for fault in self.faults:
            fault.release()
        self.stop()
        assert kind or not self.problems, self.problems

    # --- what a test does with it ---

    def kubelet(self, name):
        """One that asks as the node: its bearer stands for the certificate that it has."""
        bearer = secrets.token_hex(16)
        self.nodes[bearer] = name
        return bearer

    def rename(self, who, bearer):
        """That account's bearer is this one too, which has the form of a real one."""
        self.accounts[bearer] = self.accounts[self.bearers[who]]
        self.bearers[who] = bearer

    def fault(self, method, path, when, what, query=""):
        """For the next request whose path ends so, and whose query has that. when: "before" or
        "after" it takes effect; what: "cut", "hang" until it is released (then it is cut), or
        (status, headers, body)."""
        with self.news:
            self.faults.append(Fault(method, path, when, what, query))
            return self.faults[-1]

    def cut_streams(self):
        """All that flow now end, each within a line if cut_after says so."""
        with self.news:
            self.streams += 1
            self.news.notify_all()

    def forget(self, path):
        """Deletes an object without that anybody asks for it."""
        with self.news:
            self._drop(path)

    def sign(self):
        """What the bootstrapsigner controller does."""
        with self.news:
            info = self.objects[CLUSTER_INFO]
            data = {"kubeconfig": info["data"]["kubeconfig"]}
            for token, fields in self.tokens():
                if fields.get("usage-bootstrap-signing") == "true":
                    data[f"jws-kubeconfig-{token[:6]}"] = jws(data["kubeconfig"], token)
            self.put(CLUSTER_INFO, {**info, "data": data})

    def clean(self):
        """What the tokencleaner controller does: Secrets that have ended go."""
        with self.news:
            for path, o in list(self.objects.items()):
                if o["kind"] == "Secret" and self._ended(self._plain(o)):
                    self._drop(path)
            self.sign()

    def bookmark(self):
        with self.news:
            self.number += 1
            self.log.append((self.number, "BOOKMARK", None, None))
            self.news.notify_all()

    def compact(self):
        """Versions up to now are too old for a watch."""
        with self.news:
            self.number += 1
            self.oldest = self.number

    def put(self, path, o):
        """Makes or changes an object, as someone else in the cluster would."""
        with self.news:
            self.number += 1
            kind = "MODIFIED" if path in self.objects else "ADDED"
            meta = {"uid": secrets.token_hex(16), "creationTimestamp": rfc3339(self.now()),
                    "managedFields": [], **self.objects.get(path, o)["metadata"], **o["metadata"],
                    "resourceVersion": str(self.number)}
            self.objects[path] = {**o, "metadata": meta}
            self.log.append((self.number, kind, path.rpartition("/")[0], self.objects[path]))
            self.news.notify_all()
            return self.objects[path]

    def now(self):
        return time.time() + self.ahead

    def tokens(self):
        """(token, fields) of the bootstrap tokens that count."""
        for o in self.objects.values():
            if o["kind"] == "Secret" and o.get("type") == "bootstrap.kubernetes.io/token":
                fields = self._plain(o)
                if not self._ended(fields):
                    yield f"{fields.get('token-id')}.{fields.get('token-secret')}", fields

    # --- objects ---

    @staticmethod
    def _plain(secret):
        return {k: base64.b64decode(v).decode() for k, v in secret.get("data", {}).items()}

    def _ended(self, fields):
        end = fields.get("expiration")
        return end is not None and end <= rfc3339(self.now())

    def _drop(self, path):
        o = self.objects.pop(path)
        self.number += 1
        o = {**o, "metadata": {**o["metadata"], "resourceVersion": str(self.number)}}
        self.log.append((self.number, "DELETED", path.rpartition("/")[0], o))
        self.news.notify_all()

    def _furnish(self):
        """What kubeadm leaves in a cluster, as far as our accounts meet it."""
        config = {"apiVersion": "v1", "kind": "Config", "clusters": [{"name": "", "cluster": {
            "certificate-authority-data": base64.b64encode(self.ca.encode()).decode(),
            "server": self.url}}]}
        self.put(CLUSTER_INFO, {"kind": "ConfigMap", "apiVersion": "v1",
                                "metadata": {"name": "cluster-info", "namespace": "kube-public"},
                                "data": {"kubeconfig": yaml.safe_dump(config)}})

        def grant(name, rules, group, space=None):
            meta = {"name": name, **({"namespace": space} if space else {})}
            prefix = "" if space else "Cluster"
            for o in ({"kind": f"{prefix}Role", "rules": rules},
                      {"kind": f"{prefix}RoleBinding",
                       "subjects": [{"kind": "Group", "name": group}],
                       "roleRef": {"kind": f"{prefix}Role", "name": name}}):
                o = {"apiVersion": RBAC, "metadata": meta, **o}
                self.put(path_of(o), o)

        grant("kubeadm:bootstrap-signer-clusterinfo",
              [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"],
                "resourceNames": ["cluster-info"]}], "system:unauthenticated", "kube-public")
        grant("system:node-bootstrapper",
              [{"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"],
                "verbs": ["create", "get", "list", "watch"]}], JOINERS)
        grant("system:node",
              [{"apiGroups": ["certificates.k8s.io"], "resources": ["certificatesigningrequests"],
                "verbs": ["create", "get", "list", "watch"]}], "system:nodes")
        grant("kubeadm:get-nodes", [{"apiGroups": [""], "resources": ["nodes"], "verbs": ["get"]}],
              JOINERS)
        o = {"apiVersion": RBAC, "kind": "ClusterRoleBinding", "metadata": {"name": AUTOAPPROVE},
             "subjects": [{"kind": "Group", "apiGroup": "rbac.authorization.k8s.io",
                           "name": JOINERS}],
             "roleRef": {"kind": "ClusterRole", "apiGroup": "rbac.authorization.k8s.io", "name":
                         "system:certificates.k8s.io:certificatesigningrequests:nodeclient"}}
        self.put(path_of(o), o)

    # --- who asks, and what they may ---

    def identify(self, header, certificate):
        """(user, groups)"""
        known = ["system:authenticated"]
        if certificate:
            fields = {k: v for part in certificate["subject"] for k, v in part}
            return fields["commonName"], [fields.get("organizationName"), *known]
        if not header:
            return "system:anonymous", ["system:unauthenticated"]
        bearer = header.removeprefix("Bearer ")
        if bearer == self.admin_token:
            return "kubernetes-admin", ["system:masters", *known]
        if bearer in self.nodes:
            return f"system:node:{self.nodes[bearer]}", ["system:nodes", *known]
        account, end = self.accounts.get(bearer, (None, 0))
        if account and end > self.now() and f"{ACCOUNTS}/{account}" in self.objects:
            return (f"system:serviceaccount:kube-system:{account}",
                    ["system:serviceaccounts", "system:serviceaccounts:kube-system", *known])
        for token, fields in self.tokens():
            if token == bearer and fields.get("usage-bootstrap-authentication") == "true":
                extra = fields.get("auth-extra-groups", "").split(",")
                return f"system:bootstrap:{token[:6]}", ["system:bootstrappers", *extra, *known]
        raise Refusal(401, "Unauthorized")

    @staticmethod
    def _is(subject, user, groups):
        if subject["kind"] == "ServiceAccount":
            return user == f"system:serviceaccount:{subject['namespace']}:{subject['name']}"
        return subject["name"] in (groups if subject["kind"] == "Group" else [user])

    def may(self, who, verb, group, resource, space, name):
        user, groups = who
        if "system:masters" in groups:
            return True
        for o in list(self.objects.values()):
            if o["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
                continue
            within = o["metadata"].get("namespace")
            if within not in (None, space) or not any(
                    self._is(s, user, groups) for s in o.get("subjects") or []):
                continue
            ref = o["roleRef"]
            role = path_of({"apiVersion": RBAC, "kind": ref["kind"], "metadata": {
                "name": ref["name"], **({"namespace": within} if ref["kind"] == "Role" else {})}})
            for rule in self.objects.get(role, {}).get("rules", []):
                if (verb in rule["verbs"] and group in rule["apiGroups"]
                        and resource in rule["resources"]
                        and (not rule.get("resourceNames") or name in rule["resourceNames"])):
                    return True
        return False

    def permit(self, who, verb, group, resource, space, name):
        if self.may(who, verb, group, resource, space, name):
            return
        plural = resource.partition("/")[0]
        thing = f'{plural}{f"{chr(46)}{group}" if group else ""}'
        details = {**({"name": name} if name else {}), **({"group": group} if group else {}),
                   "kind": plural}
        where = f'in the namespace "{space}"' if space else "at the cluster scope"
        raise Refusal(403, f'{thing}{f" {json.dumps(name)}" if name else ""} is forbidden: '
                      f'User "{who[0]}" cannot {verb} resource "{resource}" in API group "{group}" '
                      f'{where}', details)

    # --- requests ---

    def answer(self, method, target, headers, body, certificate=None):
        """(status, object)"""
        where = urlsplit(target)
        query = {k: v[0] for k, v in parse_qs(where.query).items()}
        who = self.identify(headers.get("Authorization"), certificate)
        if where.path == "/version" and method == "GET":
            major, minor = self.version.lstrip("v").split(".")[:2]
            return 200, {"major": major, "minor": minor, "gitVersion": self.version,
                         "gitCommit": "", "gitTreeState": "clean", "buildDate": "",
                         "goVersion": "", "compiler": "gc", "platform": "linux/amd64"}
        m = re.fullmatch(r"/(?:api/(v1)|apis/([^/]+/v1))(?:/namespaces/([^/]+))?/([a-z]+)"
                         r"(?:/([^/]+))?(?:/([a-z]+))?", where.path)
        if not m or m[4] not in RESOURCES or RESOURCES[m[4]][0] != (m[1] or m[2]):
            if "system:masters" not in who[1]:
                raise Refusal(403, f'forbidden: User "{who[0]}" cannot {method.lower()} path '
                              f'"{where.path}"', {})
            raise Refusal(404, "the server could not find the requested resource", {})
        version, space, plural = m[1] or m[2], m[3], m[4]
        name, sub = m[5] and unquote(m[5]), m[6]
        group = "" if version == CORE else version.partition("/")[0]
        verb = {"GET": "get" if name else "watch" if query.get("watch") == "true" else "list",
                "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}[method]
        self.permit(who, verb, group, f"{plural}/{sub}" if sub else plural, space, name)
        act = getattr(self, f"_{verb}_{sub}" if sub else f"_{verb}", None)
        if not act or (verb == "create" and name and not sub) or (
                verb in ("update", "patch", "delete") and not name):
            raise Refusal(405, "the server does not allow this method on the requested resource",
                          {})
        return act(_Request(self, who, where.path, query, plural, space, name, headers, body))

    def _found(self, q, path):
        if path not in self.objects:
            details = {"name": q.name, **({"group": q.group} if q.group else {}), "kind": q.plural}
            kind = f"{q.plural}.{q.group}" if q.group else q.plural
            raise Refusal(404, f'{kind} "{q.name}" not found', details)
        return self.objects[path]

    def _get(self, q):
        return 200, self._found(q, q.path)

    def _list(self, q):
        items = [o for p, o in sorted(self.objects.items()) if p.rpartition("/")[0] == q.path]
        if not q.query.get("continue", "0").isdigit():
            raise Refusal(400, f"continue key is not valid: {q.query['continue']}")
        start, size = int(q.query.get("continue", 0)), int(q.query.get("limit", 0)) or len(items)
        meta = {"resourceVersion": str(self.number)}
        if start + size < len(items):
            meta.update({"continue": str(start + size),
                         "remainingItemCount": len(items) - start - size})
        items = [{k: v for k, v in o.items() if k not in ("kind", "apiVersion")}
                 for o in items[start:start + size]]
        return 200, {"kind": f"{q.kind}List", "apiVersion": q.version, "metadata": meta,
                     "items": items}

    def _watch(self, q):
        text = q.query.get("resourceVersion", "0")
        if not text.isdigit():
            raise Refusal(500, f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: '
                          f'parsing "{text}": invalid syntax', reason="")
        return 200, _Watch(self, q.path, int(text), float(q.query.get("timeoutSeconds", SECONDS)),
                           q.query.get("allowWatchBookmarks") == "true")

    def _create(self, q):
        o = q.object()
        meta = o["metadata"]
        name = meta.get("name", "")
        if not name:
            q.invalid(name, "metadata.name", "Required value", "name or generateName is required")
        if q.plural == "secrets":
            o = self._secret(q, o, name)
        path = f"{q.path}/{quote(name, safe=':')}"
        if path in self.objects:
            raise Refusal(409, f'{q.plural} "{name}" already exists',
                          {"name": name, "kind": q.plural})
        if q.space:
            o["metadata"] = {**meta, "namespace": q.space}
        if q.plural == "certificatesigningrequests":
            user, groups = q.who
            o["spec"].update({"username": user, "groups": groups})
            o["status"] = self._decision_of_its_own(o["spec"])
        made = self.put(path, o)
        self.created.append(name)
        if q.plural == "secrets" and self.signs:
            self.sign()
        return 201, made

    def _decision_of_its_own(self, spec):
        """What kubeadm's binding makes of a token's request, for whatever node."""
        binding = self.objects[f"{BINDINGS}/{AUTOAPPROVE}"]
        names = [s["name"] for s in binding.get("subjects") or []]
        if (spec["signerName"] != "kubernetes.io/kube-apiserver-client-kubelet"
                or not set(names) & set(spec["groups"])):
            return {}
        return {"conditions": [{"type": "Approved", "status": "True", "reason": "AutoApproved"}]}

    def _secret(self, q, o, name):
        if not re.fullmatch(SUBDOMAIN, name) or len(name) > 253:
            q.invalid(name, "metadata.name", f'Invalid value: "{name}"',
                      "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric "
                      "characters, '-' or '.', and must start and end with an alphanumeric character")
        fields = {**self._plain(o), **o.pop("stringData", {})}
        if any(not isinstance(v, str) for v in fields.values()):
            raise Refusal(400, 'Secret in version "v1" cannot be handled as a Secret: '
                          'v1.Secret.StringData: ReadString: expects " or n')
        o["data"] = {k: base64.b64encode(v.encode()).decode() for k, v in fields.items()}
        if "minter" in q.who[0]:
            self._check_token(o, name, fields)
        return o

    def _check_token(self, o, name, fields):
        """What a real API server takes from anyone, and we must never ask for."""
        end = fields.get("expiration", "")
        good = (o.get("type") == "bootstrap.kubernetes.io/token" and set(fields) == TOKEN_FIELDS
                and name == f"bootstrap-token-{fields['token-id']}"
                and re.fullmatch("[a-z0-9]{6}", fields["token-id"])
                and re.fullmatch("[a-z0-9]{16}", fields["token-secret"])
                and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", end)
                and end <= rfc3339(time.time() + 901 + self.minter_ahead)
                and fields["usage-bootstrap-signing"] == "true"
                and fields["usage-bootstrap-authentication"] == "true"
                and fields["auth-extra-groups"] == JOINERS)
        if not good:
            self.problems.append(("not a bootstrap token as ours must be", name, sorted(fields)))

    def _create_token(self, q):
        self._found(q, q.path.rpartition("/")[0])
        o = q.object(version="authentication.k8s.io/v1", kind="TokenRequest", fields={"spec"})
        seconds = o["spec"].get("expirationSeconds", 3600)
        if seconds < 600:
            why = "may not specify a duration less than 10 minutes"
            q.invalid("", "spec.expirationSeconds", f"Invalid value: {seconds}", why,
                      kind="TokenRequest", group="authentication.k8s.io")
        seconds = min(seconds, self.token_seconds_max)
        bearer = ".".join(("eyJ" + secrets.token_urlsafe(60), *(secrets.token_urlsafe(60) for _ in "ab")))
        self.accounts[bearer] = (q.name, self.now() + seconds)
        return 201, {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
                     "metadata": {"creationTimestamp": None, "managedFields": []},
                     "spec": {"audiences": ["https://kubernetes.default.svc.cluster.local"],
                              "expirationSeconds": seconds, "boundObjectRef": None},
                     "status": {"token": bearer,
                                "expirationTimestamp": rfc3339(self.now() + seconds)}}

    def _patch(self, q):
        if q.headers.get("Content-Type") != APPLY:
            raise Refusal(415, "the body of the request was in an unknown format - accepted media "
                          f"types include: {APPLY}")
        if "fieldManager" not in q.query:
            raise Refusal(422, "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required "
                          "value: is required for apply patch")
        dry = q.query.get("dryRun")
        if dry not in (None, "All"):
            q.invalid("", "dryRun", f'Unsupported value: []string{{"{dry}"}}',
                      'supported values: "All"', kind="PatchOptions", group="meta.k8s.io")
        o = q.applied()
        old, manager = self.objects.get(q.path), q.query["fieldManager"]
        if old and "roleRef" in old and old["roleRef"] != o.get("roleRef"):
            q.invalid(q.name, "roleRef", "Invalid value: rbac.RoleRef{}", "cannot change roleRef")
        if (old and self.managers.get(q.path, manager) != manager and q.query.get("force") != "true"
                and any(old.get(k) != o[k] for k in o if k in q.fields)):
            raise Refusal(409, f'Apply failed with 1 conflict: conflict with '
                          f'"{self.managers[q.path]}"', reason="Conflict")
        made = {**(old or {}), **o}
        if not dry:
            self.managers[q.path] = manager
            made = self.put(q.path, made)
        return (200 if old else 201), made

    def _update_approval(self, q):
        old = self._found(q, q.path.rpartition("/")[0])
        o = q.object()
        if o["metadata"].get("resourceVersion", "") != old["metadata"]["resourceVersion"]:
            raise Refusal(409, f'Operation cannot be fulfilled on {q.plural}.{q.group} "{q.name}": '
                          "the object has been modified; please apply your changes to the latest "
                          "version and try again",
                          {"name": q.name, "group": q.group, "kind": q.plural}, "Conflict")
        self.permit(q.who, "approve", q.group, "signers", None, old["spec"]["signerName"])
        if set(o) - {"apiVersion", "kind", "metadata", "status"} or set(o["status"]) != {"conditions"}:
            self.problems.append((q.path, "an approval that is more than that", o))
        status = {**old["status"], "conditions": o["status"]["conditions"]}
        return 200, self.put(q.path.rpartition("/")[0], {**old, "status": status})

    def _delete(self, q):
        self._found(q, q.path)
        self._drop(q.path)
        return 200, {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
                     "details": {"name": q.name, "kind": q.plural}}


class _Request:
    def __init__(self, api, who, path, query, plural, space, name, headers, body):
        self.api, self.who, self.path, self.query = api, who, path, query
        self.plural, self.space, self.name = plural, space, name
        self.headers, self.body = headers, body
        self.version, self.kind, _, self.fields = RESOURCES[plural]
        self.group = "" if self.version == CORE else self.version.partition("/")[0]

    def invalid(self, name, field, short, why, kind=None, group=None):
        kind = kind or self.kind
        text = f"{short}: {why}"
        cause = {"reason": "FieldValueRequired" if short.startswith("Req") else "FieldValueInvalid",
                 "message": text, "field": field}
        details = {**({"name": name} if name else {}), **({"group": group} if group else {}),
                   "kind": kind, "causes": [cause]}
        raise Refusal(422, f'{kind}{f".{group}" if group else ""} "{name}" is invalid: '
                      f'{field}: {text}', details)

    def applied(self):
        """What is to be applied, checked as a real API server does."""
        try:
            o = yaml.safe_load(self.body.decode())
        except yaml.YAMLError as error:
            raise Refusal(400, f"error decoding YAML: error converting YAML to JSON: {error}") from None
        o = o or {}
        if o.get("apiVersion") != self.version:
            raise Refusal(400, "Incorrect version specified in apply patch. Specified patch version: "
                          f"{o.get('apiVersion', '')}, expected: {self.version}")
        meta = o.get("metadata", {})
        unknown = sorted(set(o) - self.fields - {"apiVersion", "kind", "metadata"})
        if unknown or o.get("kind") != self.kind:
            raise Refusal(500, f"failed to create typed patch object: .{unknown or 'kind'}: field not "
                          "declared in schema", reason="")
        for what, own, asked in (("name", meta.get("name"), self.name),
                                 ("namespace", meta.get("namespace", self.space), self.space)):
            if own != asked:
                raise Refusal(400, f"the {what} of the object ({own}) does not match the {what} on "
                              f"the {'URL' if what == 'name' else 'request'} ({asked})")
        if "managedFields" in meta:
            raise Refusal(400, "metadata.managedFields must be nil")
        return o

    def object(self, version=None, kind=None, fields=None):
        """The body, which must be of that kind. Fields that it does not have are a problem."""
        version, kind, fields = version or self.version, kind or self.kind, fields or self.fields
        if self.headers.get("Content-Type", JSON) != JSON:
            raise Refusal(415, "the body of the request was in an unknown format - accepted media "
                          "types include: application/json, application/yaml, "
                          "application/vnd.kubernetes.protobuf")
        try:
            o = json.loads(self.body.decode())
        except ValueError as error:
            raise Refusal(400, f"the object provided is unrecognized (must be of type {kind}): "
                          f"couldn't get version/kind; json parse error: {error}") from None
        if not isinstance(o, dict) or o.get("apiVersion") != version or o.get("kind") != kind:
            raise Refusal(400, f'{o.get("kind")} in version "{o.get("apiVersion")}" cannot be '
                          f"handled as a {kind}: unknown conversion")
        meta = o.setdefault("metadata", {})
        if meta.get("namespace", self.space) != self.space:
            raise Refusal(400, "the namespace of the provided object does not match the namespace "
                          "sent on the request")
        unknown = set(o) - fields - {"apiVersion", "kind", "metadata"} | set(meta) - {
            "name", "namespace", "resourceVersion", "labels", "annotations"}
        if unknown:
            self.api.problems.append((self.path, "fields that it does not have", sorted(unknown)))
        return o


class _Watch:
    """A stream of the log's events."""

    def __init__(self, api, path, version, seconds, bookmarks):
        self.api, self.path, self.version, self.bookmarks = api, path, version, bookmarks
        self.end = time.monotonic() + seconds
        self.streams = api.streams

    def __iter__(self):
        api = self.api
        with api.news:
            if self.version < api.oldest:
                status = Refusal(410, f"too old resource version: {self.version} ({api.number})")
                yield {"type": "ERROR", "object": status.status}
                return
        while True:
            with api.news:
                while not any(v > self.version for v, *_ in api.log):
                    if self.streams != api.streams:
                        raise _Cut
                    if not api.news.wait(max(0, self.end - time.monotonic())):
                        return
                news = [e for e in api.log if e[0] > self.version]
                self.version = news[-1][0]
            for version, kind, path, o in news:
                if kind == "BOOKMARK" and self.bookmarks:
                    v, k = next((v, k) for v, k, *_ in RESOURCES.values()
                                if self.path.endswith(next(p for p, r in RESOURCES.items()
                                                           if r[1] == k)))
                    yield {"type": kind, "object": {
                        "kind": k, "apiVersion": v, "metadata": {"resourceVersion": str(version)}}}
                elif path == self.path:
                    yield {"type": kind, "object": o}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 1024
    allow_reuse_address = True

    def __init__(self, *args):
        super().__init__(*args)
        self.open = set()

    def finish_request(self, request, client_address):
        """In the connection's own thread, where a handshake holds up nobody else."""
        request.settimeout(SECONDS)
        if self.api.hangs_up:
            return
        try:
            with self.tls.wrap_socket(request, server_side=True) as connection:
                self.open.add(connection)
                self.RequestHandlerClass(connection, client_address, self)
        except (ssl.SSLError, OSError):
            pass  # clients that leave are what is tested

    def end_all(self):
        for connection in list(self.open):
            try:
                connection.shutdown(2)
            except OSError:
                pass


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, *_):  # pylint: disable=arguments-differ
        pass

    def date_time_string(self, timestamp=None):
        return formatdate(self.server.api.now(), usegmt=True)

    def handle_any(self):
        api = self.server.api
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with api.news:
            api.asked.append((self.command, self.path))
            api.in_flight += 1
            api.most_in_flight = max(api.most_in_flight, api.in_flight)
            path, _, query = self.path.partition("?")
            fault = next((f for f in api.faults if not f.taken and f.method == self.command
                          and path.endswith(f.path) and f.query in query), None)
            if fault:
                fault.taken = True
        try:
            self._answer(api, fault, body)
        except _Cut:
            self.close_connection = True
        finally:
            with api.news:
                api.in_flight -= 1

    def _answer(self, api, fault, body):
        if fault and fault.when == "before" and self._suffer(fault):
            return
        try:
            with api.news:
                status, o = api.answer(self.command, self.path, self.headers, body,
                                       self.connection.getpeercert())
        except Refusal as refusal:
            status, o = refusal.code, refusal.status
        if fault and fault.when == "after" and self._suffer(fault):
            return
        if isinstance(o, _Watch):
            self._stream(api, o)
        else:
            self._send(status, {"Content-Type": JSON}, json.dumps(o).encode())

    def _suffer(self, fault):
        fault.met.set()
        if fault.what == "hang":
            fault.go.wait(SECONDS)
        if fault.what in ("cut", "hang"):
            raise _Cut
        status, headers, text = fault.what
        self._send(status, headers, text.encode())
        return True

    def _send(self, status, headers, raw):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, api, events):
        self.send_response(200)
        self.send_header("Content-Type", JSON)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        sent = 0
        for event in events:
            raw = json.dumps(event).encode() + b"\n"
            if api.cut_after is not None and sent + len(raw) > api.cut_after:
                self._chunk(raw[:api.cut_after - sent])
                raise _Cut
            self._chunk(raw)
            sent += len(raw)
        self.wfile.write(b"0\r\n\r\n")

    def _chunk(self, raw):
        if raw:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(raw), raw))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any
