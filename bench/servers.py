# SPDX-License-Identifier: Apache-2.0
"""The two that are compared: the real cloudseedd, and nginx with a file of the same bytes."""
import getpass
import gzip
import http.client
import socket
import ssl
import subprocess
import time
import zlib
from pathlib import Path

import load
import processes
from daemon import BUILD, Daemon

NGINX = "/usr/sbin/nginx"
CHECK_SECONDS = 180  # three times what 100,000 nodes may take
START_SECONDS = 120  # for the largest tree on a slow machine

# What suits it best for one small file: no log, the file's descriptor kept open, one process, a
# listening socket of its own, connections that come with their request. With sendfile it would be
# slower: for a few KiB one writev of header and body costs less than header, sendfile and a cork.
# Where a file has its compressed twin beside it, a client that asks for gzip gets that one.
NGINX_CONF = """\
daemon off;
pid {folder}/nginx.pid;
error_log stderr crit;
worker_processes 1;
worker_rlimit_nofile 20000;
{user}
events {{
    use epoll;
    worker_connections 16000;
    multi_accept on;
}}
http {{
    access_log off;
    log_not_found off;
    server_tokens off;
    default_type "text/plain; charset=utf-8";
    sendfile {sendfile};
    tcp_nopush {sendfile};
    tcp_nodelay on;
    gzip_static on;
    gzip_vary on;
    keepalive_timeout 3600;
    keepalive_requests 1000000000;
    open_file_cache max=1000 inactive=1h;
    open_file_cache_valid 1h;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} deferred reuseport backlog=4096{tls};
        root {folder}/root;
    }}
}}
"""


# Neither tickets nor a cache: a node connects a few times in its life, and ours has neither.
NGINX_TLS = """\
 ssl;
        ssl_certificate {certificate};
        ssl_certificate_key {key};
        ssl_protocols TLSv1.2 TLSv1.3;
        ssl_ecdh_curve X25519:prime256v1;
        ssl_session_cache off;
        ssl_session_tickets off"""


def _free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def fetch(url, path):
    """The body of a 200; anything else is an error. A certificate is not checked."""
    scheme, place = url.split("://")
    if scheme == "https":
        trusting = ssl.create_default_context()
        trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(place, timeout=10, context=trusting)
    else:
        connection = http.client.HTTPConnection(place, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise RuntimeError(f"{url}{path}: {response.status}")
    return body


def fetch_gzip(url, path):
    """(the decompressed body, bytes sent) of a 200 to a client that takes gzip."""
    connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=10)
    try:
        connection.request("GET", path, headers={"Accept-Encoding": load.ACCEPT_ENCODING})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200 or response.headers["Content-Encoding"] != "gzip":
        raise RuntimeError(f"{url}{path}: {response.status}, not compressed")
    return zlib.decompress(body, 16 + zlib.MAX_WBITS), len(body)


class Nginx:
    """One worker that serves `files`, {path: bytes}, from a folder of its own; with `twins` each
    also as `gzip -9` compresses it. With `pair`, the paths of a certificate and its key, over TLS."""

    def __init__(self, folder, files, core, sendfile=False, twins=False, pair=None):
        self.folder = Path(folder)
        for path, content in files.items():
            file = self.folder / "root" / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
            if twins:
                file.with_name(file.name + ".gz").write_bytes(gzip.compress(content, 9, mtime=0))
        port = _free_port()
        self.url = f"{'https' if pair else 'http'}://127.0.0.1:{port}"
        conf = self.folder / "nginx.conf"
        conf.write_text(NGINX_CONF.format(
            folder=self.folder, port=port, sendfile="on" if sendfile else "off",
            tls=NGINX_TLS.format(certificate=pair[0], key=pair[1]) if pair else "",
            user=f"user {getpass.getuser()};" if getpass.getuser() == "root" else ""))
        self.process = subprocess.Popen(
            [*processes.on_core(core), NGINX, "-p", str(self.folder), "-c", str(conf)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        try:
            self.worker = self._wait_for_worker(next(iter(files)))
        except BaseException:
            self.stop()
            raise

    def _wait_for_worker(self, path):
        """It says nothing when it is ready, so it is asked until it answers."""
        end = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < end:
            try:
                fetch(self.url, path)
                return processes.children(self.process.pid)[0]
            except (ConnectionError, IndexError):
                time.sleep(0.05)
        raise RuntimeError("nginx does not answer")

    def cpu_ns(self):
        return processes.cpu_ns(self.worker)

    def stop(self):
        self.process.terminate()
        self.process.wait(20)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class Cloudseedd(Daemon):
    """The daemon of the build, logging no requests. `settings` is the text of its configuration file.
    It has checked its nodes, on all cores, when it is handed out; from then on it has one, unless
    `core` is None."""

    def __init__(self, tree, scratch, core=None, settings="", url=None, args=()):
        config = Path(scratch) / "cloudseedd.yaml"
        config.write_text(settings)
        begun = time.monotonic()
        super().__init__(
            seed=tree.seed, templates=tree.templates, state=tree.state,
            args=["--config", config, "--log-level", "notice", "--user", getpass.getuser()]
            + (["--url", url] if url else []) + list(args))
        self.started_seconds = time.monotonic() - begun
        try:
            self.checked_seconds = self.wait_checked(1)  # now it is quiet
            if core is not None:
                processes.pin(self.process.pid, core)
        except BaseException:
            self._discard()
            raise

    def wait_checked(self, count, seconds=CHECK_SECONDS):
        """Seconds of the count-th check of every document. It runs at the lowest priority, and so
        takes for ever where other work keeps the processor busy."""
        try:
            return int(self.wait_event("checked", count, seconds)["ms"]) / 1000
        except AssertionError:
            if self.process.poll() is not None:
                raise
            raise RuntimeError(
                f"the check of every document takes more than {CHECK_SECONDS} s: it has only what "
                "other programs leave of the processor; measure on a quiet machine") from None

    def cpu_ns(self):
        return processes.cpu_ns(self.process.pid)

    def memory(self):
        return processes.memory_bytes(self.process.pid)


def _package(name):
    """The version of Debian's package, as it is installed or would be unpacked."""
    for command in (["dpkg-query", "-W", "-f", "${Version}", name],
                    ["apt-cache", "--no-all-versions", "show", name]):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if done.returncode == 0 and done.stdout:
            return done.stdout.partition("Version: ")[2].split("\n")[0] or done.stdout.strip()
    return "?"


def versions():
    """{name: version} of cloudseedd, of what it is compared with, and of what both stand on."""
    def first_line(*command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return done.stdout.splitlines()[0] if done.stdout else "?"
    return {"cloudseedd": first_line(str(BUILD / "cloudseedd"), "--version").split(" ", 1)[-1],
            "libmicrohttpd": _package("libmicrohttpd12"), "SQLite": _package("libsqlite3-0"),
            "nginx": first_line(NGINX, "-v").removeprefix("nginx version: nginx/"),
            "wrk": first_line("wrk", "--version").split(" [")[0].split("/")[-1],
            **{name: _package(name) for name in ("dnsmasq-base", "tftpd-hpa", "atftpd")}}
