# SPDX-License-Identifier: Apache-2.0
"""Who may know whom in src/, and how its files must look. check(root) lists the breaches."""
import re
import shutil
import subprocess
from pathlib import Path

# A folder of src/ may include its own headers and those of the folders (or the very headers)
# named here. What is under net/ counts as net.
GROUND = ["base", "model"]
MAY_SEE = {
    "base": [],
    "model": ["base"],
    "template": ["base"],
    "wire": GROUND,
    "port": GROUND + ["wire"],
    "crypto": GROUND,
    "tree": GROUND + ["template", "wire", "port", "crypto"],
    "config": GROUND + ["wire", "port", "crypto", "tree"],
    "render": GROUND + ["template", "wire", "port", "crypto", "tree", "config"],
    "fleet": GROUND + ["wire", "port", "crypto"],
    "kube": GROUND + ["wire", "port", "crypto"],
    "ui": ["base"],
    "core": GROUND + ["template", "wire", "port", "crypto", "tree", "config", "render", "fleet",
                      "ui", "kube/manifests.h"],
    "store": GROUND + ["wire", "port"],
    "net": GROUND + ["wire", "crypto", "port/exchange.h", "port/work.h", "port/closer.h",
            "port/fetch.h", "core/core.h"],
    "daemon": GROUND + ["template", "wire", "port", "crypto", "tree", "config", "render", "fleet",
                        "kube", "core", "store", "net"],
    "cli": GROUND + ["template", "wire", "port", "crypto", "tree", "config", "render", "kube",
            "net/fetch/easy.h", "net/fetch/once.h", "net/fetch/fetcher.h"],
}

# The library headers, and the folders or files that alone may include them.
IMPORTERS = {
    r"microhttpd\.h": ["net/http/"],
    r"gnutls/.*": ["net/http/tls.c"],
    r"uv\.h": ["net/", "daemon/", "cli/storm/"],
    r"yaml\.h": ["tree/yaml.c"],
    r"jansson\.h": ["base/json.c"],
    r"openssl/.*": ["crypto/"],
    r"xxhash\.h": ["base/hash.c"],
    r"zlib\.h": ["wire/gzip.c"],
    r"sqlite3\.h": ["store/sqlite/"],
    r"curl/.*": ["net/fetch/", "cli/common/client.c"],
}

# Our own headers that not all who could may use: library code never logs.
ONLY_FOR = {"base/log.h": ["base/log.c", "config/config.h", "net/", "daemon/"]}

# No limit to aim at: what no one could want. 150 to 600 lines are usual.
LINES_MAX = {".c": 1000, ".h": 300}
SPDX = "SPDX-License-Identifier: Apache-2.0"
NEEDS_SPDX = {".c", ".h", ".py", ".sh", ".am", ".ac", ".m4", ".inc"}
SKIPPED = re.compile(r"^(build.*|autom4te\.cache|\.git|__pycache__|corpus|golden)$")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]', re.M)
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")


def within(path, places):
    return any(path == p or (p.endswith("/") and path.startswith(p)) for p in places)


def include_breaches(path, text):
    """`path` is relative to src/."""
    folder = path.split("/")[0]
    if folder not in MAY_SEE:
        yield f"src/{path}: folder '{folder}' is not in the table of layers"
        return
    allowed = [folder] + MAY_SEE[folder]
    for quote, name in INCLUDE.findall(text):
        if quote == "<":
            for pattern, places in IMPORTERS.items():
                if re.fullmatch(pattern, name) and not within(path, places):
                    yield f"src/{path}: <{name}> is for {', '.join(places)} alone"
        elif "/" not in name:
            yield f'src/{path}: "{name}" must be named with its folder'
        elif name not in allowed and name.split("/")[0] not in allowed:
            yield f'src/{path}: {folder} must not know "{name}"'
        elif name in ONLY_FOR and not within(path, ONLY_FOR[name]):
            yield f'src/{path}: "{name}" is for {", ".join(ONLY_FOR[name])} alone'


def header_breaches(path, text):
    stem = Path(path).stem
    if not re.match(rf"/\* [^\n]* \*/\n/\*(\n \*)? {re.escape(stem)}: ", text):
        yield f"src/{path}: must open with a comment '{stem}: what it owns …'"
    guard = "CLOUDSEED_" + re.sub(r"\W", "_", path).upper()
    if f"#ifndef {guard}\n#define {guard}\n" not in text:
        yield f"src/{path}: its include guard must be {guard}"


def source_breaches(src):
    listed = set()
    for inc in src.rglob("Makefile.inc"):
        for name in re.findall(r"%D%/(\S+)", inc.read_text()):
            listed.add((inc.parent / name).relative_to(src).as_posix())
    for file in sorted(src.rglob("*.[ch]")):
        path, text = file.relative_to(src).as_posix(), file.read_text()
        yield from include_breaches(path, text)
        if file.suffix == ".h":
            yield from header_breaches(path, text)
        lines = text.count("\n")
        if lines > LINES_MAX[file.suffix]:
            yield f"src/{path}: {lines} lines, more than {LINES_MAX[file.suffix]}"
        if path not in listed:
            yield f"src/{path}: no Makefile.inc lists it"


def all_files(root):
    for entry in sorted(root.iterdir()):
        if SKIPPED.match(entry.name) or entry.is_symlink() or entry.name.endswith("~"):
            continue
        if entry.is_dir():
            if not (entry / "config.status").exists() and entry.name != "_build":
                yield from all_files(entry)
        else:
            yield entry


def is_script(file):
    if file.suffix in NEEDS_SPDX:
        return True
    with file.open("rb") as stream:
        return stream.read(2) == b"#!"


def text_breaches(root):
    generated = {"aclocal.m4", "configure", "Makefile.in"}
    for file in all_files(root):
        path = file.relative_to(root).as_posix()
        if path in generated or path.startswith("build-aux/") or not is_script(file):
            continue
        lines = file.read_text(errors="replace").splitlines()
        if not any(SPDX in line for line in lines[:3]):
            yield f"{path}: the line '{SPDX}' is missing at its top"
        for number, line in enumerate(lines, 1):
            if UNFINISHED.search(line):
                yield f"{path}:{number}: {UNFINISHED.search(line).group()}"


def clang_format():
    """The command, or None: other versions format differently."""
    for name in ("clang-format-14", "clang-format"):
        if shutil.which(name):
            said = subprocess.run([name, "--version"], capture_output=True, text=True, check=True)
            if " 14." in said.stdout:
                return name
    return None


def format_breaches(root, command):
    files = [f for f in all_files(root) if f.suffix in (".c", ".h")]
    for start in range(0, len(files), 50):
        said = subprocess.run([command, "--dry-run", "--style=file", *files[start:start + 50]],
                              capture_output=True, text=True, check=False)
        bad = set(re.findall(r"^(.+?):\d+:\d+: warning", said.stderr, re.M))
        for name in sorted(bad):
            yield f"{Path(name).relative_to(root)}: not formatted: run {command} -i"


def check(root):
    """All breaches but those of format, one line each."""
    root = Path(root)
    return [*source_breaches(root / "src"), *text_breaches(root)]
