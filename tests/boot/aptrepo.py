# SPDX-License-Identifier: Apache-2.0
"""An apt repository on the loopback: stand-in packages, signed by a key that is made for it.

It has what the templates ask a repository of Kubernetes for, below /v1.29/deb/, and a distribution
that holds containerd alone, below /debian/.
"""
import functools
import hashlib
import http.server
import os
import subprocess
import threading

KUBERNETES = ("kubelet", "kubeadm", "kubectl")
VERSIONS = ("1.29.14-1.1", "1.29.15-1.1", "1.30.0-1.1")  # the last has no business in there
CONTAINERD = ("containerd", "1.7.24-1")

# What each says when it is asked; nothing else of them is ever run.
KUBEADM = """\
#!/bin/sh
case "$*" in
"version -o short") echo v{version} ;;
"config images list --kubernetes-version v{version} --image-repository registry.k8s.io")
    echo registry.k8s.io/kube-apiserver:v{version}
    echo registry.k8s.io/pause:3.9
    ;;
*) exit 1 ;;
esac
"""
SAYS_NOTHING = "#!/bin/sh\nexit 0\n"
CONTAINERD_SAYS = ("#!/bin/sh\n"
                   "echo containerd github.com/containerd/containerd 1.7.24~ds1 1.7.24~ds1-6\n")


def run(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, timeout=120, **options).stdout


def build(folder, name, version, program):
    """Makes NAME_VERSION.deb with one program, and returns its stanza of Packages."""
    tree = f"{folder}/tree/{name}-{version}"
    os.makedirs(f"{tree}/DEBIAN")
    os.makedirs(f"{tree}/usr/bin")
    with open(f"{tree}/usr/bin/{name}", "w", encoding="utf-8") as f:
        f.write(program)
    os.chmod(f"{tree}/usr/bin/{name}", 0o755)
    control = (f"Package: {name}\nVersion: {version}\nArchitecture: all\nMaintainer: nobody\n"
               f"Description: stands in for {name}\n")
    with open(f"{tree}/DEBIAN/control", "w", encoding="utf-8") as f:
        f.write(control)
    path = f"{folder}/{name}_{version}.deb"
    run("dpkg-deb", "--build", "--root-owner-group", "-Zgzip", tree, path)
    with open(path, "rb") as f:
        content = f.read()
    return (f"{control}Filename: ./{os.path.basename(path)}\nSize: {len(content)}\n"
            f"SHA256: {hashlib.sha256(content).hexdigest()}\n\n")


class Keys:
    """OpenPGP keys of the test's own, in a home of their own."""

    def __init__(self, home):
        self.env = {"GNUPGHOME": home, "PATH": "/usr/bin:/bin"}
        os.makedirs(home, 0o700)

    def make(self, who):
        """A new key's fingerprint."""
        self.gpg("--passphrase", "", "--quick-generate-key", who, "rsa2048", "sign", "1y")
        listing = self.gpg("--with-colons", "--list-keys", who).decode()
        return [line for line in listing.splitlines() if line.startswith("fpr:")][0].split(":")[9]

    def public(self, *fingerprints):
        return self.gpg("--armor", "--export", *fingerprints).decode()

    def gpg(self, *arguments):
        return run("gpg", "--batch", "--quiet", *arguments, env=self.env)

    def end(self):
        """gpg has started an agent."""
        run("gpgconf", "--kill", "all", env=self.env)


class Repository:
    def __init__(self, folder):
        self.folder = folder
        self.keys = Keys(f"{folder}/gnupg")
        self.ours, self.other = self.keys.make("ours@test"), self.keys.make("other@test")
        self._fill(f"{folder}/www/v1.29/deb", [
            (name, version, KUBEADM.format(version=version.split("-")[0])
             if name == "kubeadm" else SAYS_NOTHING)
            for name in KUBERNETES for version in VERSIONS])
        self._fill(f"{folder}/www/debian", [(*CONTAINERD, CONTAINERD_SAYS)])
        handler = functools.partial(_Quiet, directory=f"{folder}/www")
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self._thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self._thread.start()

    def _fill(self, folder, packages):
        os.makedirs(folder)
        listing = "".join(build(folder, *package) for package in packages).encode()
        digest = hashlib.sha256(listing).hexdigest()
        for name, content in (("Packages", listing), ("Release", (
                f"Date: {run('date', '-Ru').decode()}SHA256:\n {digest} {len(listing)} Packages\n"
                ).encode())):
            with open(f"{folder}/{name}", "wb") as f:
                f.write(content)
        self.keys.gpg("--local-user", self.ours, "--output", f"{folder}/InRelease", "--clearsign",
                      f"{folder}/Release")

    def offer_key(self, text):
        """What a node gets as Release.key; none: 404."""
        path = f"{self.folder}/www/v1.29/deb/Release.key"
        if text is None:
            os.remove(path)
            return
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)

    def stop(self):
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()
        self.keys.end()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_args):
        pass
