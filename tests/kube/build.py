#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Builds a Kubernetes to test against: Debian 12's own source package, 1.20.2, and kubectl of Debian 13.

    tests/kube/build.py DIR        programs into DIR/bin; the rest of DIR is a cache

It takes about 12 minutes on two cores, 4 GB of memory and 6 GB of disk, and needs
`scripts/deps.sh kube`; it needs not be root, and installs nothing. What is in DIR/bin is not made again.
"""
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import debian  # noqa: E402

SUITE, KUBECTL_SUITE = "bookworm", "trixie"
VERSION = "v1.20.2"
# What the API server says of itself: the oldest version that a seed tree may declare. It changes nothing
# else but which long deprecated APIs are served, none of which is used here.
API_VERSION = "v1.22.0"
PROGRAMS = ["kubeadm", "kube-apiserver", "kube-controller-manager", "kubelet"]
ALL = [*PROGRAMS, "kubectl", "etcd"]
PACKAGE = "k8s.io/kubernetes"
# Where the version that programs say is kept, once for each way by which they import it.
VERSION_PLACES = [prefix + place for place in ("k8s.io/component-base/version",
                                               "k8s.io/client-go/pkg/version")
                  for prefix in ("", f"{PACKAGE}/vendor/")]
OPENAPI_NOT_FOR = ("code-generator", "sample-apiserver", "kube-openapi", "gengo")


class CannotBuild(Exception):
    """This host lacks what it takes; the text says what."""


class Builder:
    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.bin = self.folder / "bin"
        self.packages = self.folder / "packages"
        self.tree = self.folder / "gopath/src/k8s.io/kubernetes"

    def missing(self, names):
        return [name for name in names if not (self.bin / name).exists()]

    def build(self):
        self.bin.mkdir(parents=True, exist_ok=True)
        self.packages.mkdir(exist_ok=True)
        self.unpack("kubectl", KUBECTL_SUITE, "usr/bin/kubectl")
        self.unpack("etcd-server", debian.codename(), "usr/bin/etcd")
        if not self.missing(PROGRAMS):
            return
        self.need_go()
        self.fetch()
        # The API server does not compile without what openapi-gen writes.
        self.go(VERSION, "kubeadm", "vendor/k8s.io/kube-openapi/cmd/openapi-gen")
        self.generate_openapi()
        self.go(API_VERSION, "kube-apiserver")
        self.go(VERSION, *(name for name in PROGRAMS if name != "kube-apiserver"))

    def unpack(self, package, suite, program):
        """A program of a package that is not installed."""
        target = self.bin / Path(program).name
        if not target.exists():
            tree = debian.download(package, suite, str(self.packages))
            shutil.copy(Path(tree, program), target)

    @staticmethod
    def need_go():
        said = shutil.which("go") and subprocess.run(["go", "version"], text=True, check=True,
                                                     stdout=subprocess.PIPE).stdout
        if not said or not re.search(r" go1\.(1[5-9])\b", said):
            raise CannotBuild(f"Kubernetes {VERSION} needs Go 1.15 to 1.19, as Debian 12 has it "
                              f"(scripts/deps.sh kube); found: {said or 'none'}")

    def fetch(self):
        if self.tree.exists():
            return
        source = debian.download_source("kubernetes", SUITE, str(self.packages))
        # Go 1.18 and later break the reflect2 that the source brings.
        tree = debian.download("golang-github-modern-go-reflect2-dev", SUITE, str(self.packages))
        bundled = Path(source, "vendor/github.com/modern-go/reflect2")
        shutil.rmtree(bundled)
        shutil.copytree(Path(tree, "usr/share/gocode/src/github.com/modern-go/reflect2"), bundled,
                        ignore=shutil.ignore_patterns("*_test.go", "unsafe_link_gccgo.go"))
        self.tree.parent.mkdir(parents=True, exist_ok=True)
        os.rename(source, self.tree)

    def run(self, *command):
        """In the source tree; nothing is fetched by Go, and nothing depends on who builds it."""
        # Programs that are built by -trimpath, as openapi-gen is, do not know where Go is.
        root = subprocess.run(["go", "env", "GOROOT"], stdout=subprocess.PIPE, text=True,
                              check=True).stdout.strip()
        environment = {**os.environ, "HOME": str(self.folder / "home"), "GOROOT": root,
                       "GOPATH": str(self.folder / "gopath"), "GOCACHE": str(self.folder / "gocache"),
                       "GO111MODULE": "off", "GOPROXY": "off", "GOSUMDB": "off", "CGO_ENABLED": "0",
                       "GOFLAGS": "-trimpath"}
        (self.folder / "home").mkdir(exist_ok=True)
        subprocess.run(command, cwd=self.tree, env=environment, check=True)

    def go(self, version, *commands):
        major, minor, _ = version[1:].split(".")
        facts = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitCommit": "debian",
                 "gitTreeState": "archive", "buildDate": "2021-01-13T00:00:00Z"}
        flags = " ".join(["-s -w", *(f"-X {place}.{name}={value}" for place in VERSION_PLACES
                                     for name, value in facts.items())])
        paths = [f"{PACKAGE}/{c if '/' in c else f'cmd/{c}'}" for c in commands]
        self.run("nice", "go", "build", "-ldflags", flags, "-o", f"{self.bin}/", *paths)

    def generate_openapi(self):
        """For each package that asks for it, as the source's own build does."""
        found = set()
        for top in ("pkg", "cmd", "plugin", "vendor/k8s.io", "staging/src/k8s.io"):
            for file in (self.tree / top).rglob("*.go"):
                folder = str(file.parent.relative_to(self.tree)).replace("staging/src/", "vendor/")
                if (not file.name.endswith("_test.go") and "+k8s:openapi-gen=" in file.read_text()
                        and not folder.startswith(tuple(f"vendor/k8s.io/{n}/" for n in OPENAPI_NOT_FOR))):
                    found.add(f"{PACKAGE}/{folder}")
        self.run(str(self.bin / "openapi-gen"), "--logtostderr", "-i", ",".join(sorted(found)),
                 "-p", f"{PACKAGE}/pkg/generated/openapi", "-O", "zz_generated.openapi",
                 "-h", "vendor/k8s.io/code-generator/hack/boilerplate.go.txt",
                 "-r", str(self.folder / "violations.report"))


def build(folder):
    """The folder of the programs, which are made where they are missing."""
    builder = Builder(folder)
    if builder.missing(ALL):
        print(f"# building Kubernetes {VERSION} in {builder.folder}: it takes some minutes, once",
              flush=True)
        builder.build()
    return builder.bin


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: build.py DIR")
    try:
        print(build(sys.argv[1]))
    except (CannotBuild, debian.NotDebian) as why:
        sys.exit(f"build.py: {why}")


if __name__ == "__main__":
    main()
