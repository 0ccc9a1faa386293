#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Pages of docs/ that no program prints, compared with the source that they describe."""
import json
import os
import re
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(TESTS / "lib"), str(TESTS.parent / "bench"), str(TESTS.parent / "scripts")]
import check_all  # noqa: E402
import publish  # noqa: E402
import shapes  # noqa: E402
import tap  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
SOURCES = {p.relative_to(ROOT): p.read_text() for p in sorted((ROOT / "src").rglob("*.c"))}
CODE = re.compile(r"`([^`]+)`")


# --- docs/reference/log.md -----------------------------------------------------------------------

LOG_CALL = re.compile(r"\blog_(?:debug|info|notice|warning|error|event)\(")
LOG_KEY = re.compile(r'LOG_(?:TEXT|NUMBER)\(\s*"([a-z_]+)"')
REQUESTS = Path("src/net/http/request.c")  # whose lines have the keys of all requests
# Where a line's event is in a variable: what gives it its value.
LOG_NAMES = [re.compile(p) for p in (
    r'\bout(?:\.|->)event = "([a-z-]+)"', r'\[CLUSTER_DO_\w+\] = "(bootstrap-[a-z]+)"',
    r'report_all\(\w+, LOG_\w+, "([a-z-]+)"', r'f->warning \? "([a-z]+)"',
    r'put_line\(LOG_\w+, "([a-z-]+)"', r'r->abandoned\s+\? "([a-z-]+)"', r': "([a-z]+)",\s+fields')]
ROUTE_EVENT = re.compile(r'"([a-z-]+)",\s*\w+,\s*(?:NULL|\w+)\}')


def call_at(text, start):
    """The call whose bracket is before `start`."""
    depth, end = 1, start
    while depth:
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return text[start:end]


def logged():
    """{event: keys} of the source; keys is None where they are in a variable."""
    found = {}
    for path, text in SOURCES.items():
        if path == Path("src/base/log.c"):
            text = text.replace("void log_event(", "")
        for match in LOG_CALL.finditer(text):
            call = call_at(text, match.end())
            name = re.search(r'"([a-z-]+)"', call)
            if re.match(r'(?:\w+,\s*)?"', call):
                keys = None if call.endswith("fields, n)") else set(LOG_KEY.findall(call))
                known = found.get(name[1], set())
                found[name[1]] = None if keys is None or known is None else keys | known
        for pattern in LOG_NAMES:
            found.update((name, None) for name in pattern.findall(text) if name not in found)
    found.update((name, None) for name in ROUTE_EVENT.findall(SOURCES[Path("src/core/route.c")]))
    return found


def log_rows():
    """{event: keys} of the page; keys is None where the table has no such column."""
    rows = {}
    for line in (ROOT / "docs/reference/log.md").read_text().splitlines():
        cells = line.strip("| ").split(" | ")
        if not line.startswith("| `"):
            continue
        for name in CODE.findall(cells[0]):
            assert name not in rows, f"{name} is listed twice"
            rows[name] = set(CODE.findall(cells[1])) if len(cells) == 4 else None
    return rows


def test_every_event_of_the_log_is_listed_with_its_keys():
    real, page = logged(), log_rows()
    assert len(real) > 45, sorted(real)
    tap.eq(sorted(set(real) - set(page)), [], "logged, but not in docs/reference/log.md")
    tap.eq(sorted(set(page) - set(real)), [], "in docs/reference/log.md, but never logged")
    for name, keys in real.items():
        if keys is not None and page[name] is not None:
            tap.eq(sorted(page[name]), sorted(keys), f"keys of {name}")


def test_keys_of_requests_transfers_and_faults_are_listed():
    text = (ROOT / "docs/reference/log.md").read_text()
    rows = log_rows()
    paragraph = text.split("## Requests")[1].split("|")[0]
    known = set(CODE.findall(paragraph))
    tap.eq(sorted(set(LOG_KEY.findall(SOURCES[REQUESTS])) - known), [], "of requests")
    for path, events in (("src/net/tftp/server.c", ("tftp",)),
                         ("src/daemon/report.c", ("fault", "document-fault", "warning"))):
        for name in events:
            keys = set(LOG_KEY.findall(SOURCES[Path(path)])) - {"transfers", "unlisted"}
            tap.eq(sorted(rows[name]), sorted(keys), f"keys of {name}")


# --- docs/bench.md -------------------------------------------------------------------------------

def test_tables_of_bench_are_those_of_the_last_run():
    """Corrected by hand, or by other results: 'python3 bench/publish.py' writes all of it again."""
    whole = json.loads((ROOT / "docs/bench.json").read_text())
    for path, text in publish.documents(whole, (ROOT / "docs/bench.md").read_text()).items():
        written = (ROOT / "docs" / path).read_text()
        tap.eq(written == text, True, f"docs/{path} as bench/publish.py makes it")


# --- docs/glossary.md ----------------------------------------------------------------------------

# Terms that a guide explains by a link where it uses them first.
TERMS = ("build window", "seed key", "join key", "window key", "weak evidence", "instance-id",
         "hardened", "tombstone", "minter", "sealed file", "discovery string")
GUIDES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
NO_GUIDES = ("glossary.md", "bench.md")


def prose(page):
    """The page without code and headings, in which a link is its text and anchor."""
    code = r"^```.*?^```$|^ {4}[^\n]*$|^#[^\n]*$|`[^`\n]*`"
    text = re.sub(code, "", page.read_text(), flags=re.M | re.S)
    return re.sub(r"\s+", " ", text)


def test_terms_are_explained_where_they_are_used_first():
    anchors = set(re.findall(r"^### (.*)$", (ROOT / "docs/glossary.md").read_text(), re.M))
    tap.eq(sorted(set(TERMS) - anchors), [])
    bad = []
    for page in GUIDES:
        text = prose(page)
        for term in TERMS if page.name not in NO_GUIDES else ():
            at = re.search(rf"\b{term}", text, re.I)
            link = f"glossary.md#{term.replace(' ', '-')})"
            if at and not re.match(rf"[^\[\]]*\]\([^)]*{re.escape(link)}", text[at.start():]):
                bad.append(f"{page.relative_to(ROOT)}: {term}: {text[at.start() - 30:at.end() + 30]}")
    assert not bad, "\n".join(bad)


def test_links_to_terms_lead_somewhere():
    anchors = {a.replace(" ", "-") for a in re.findall(
        r"^### (.*)$", (ROOT / "docs/glossary.md").read_text(), re.M)}
    for page in GUIDES:
        for anchor in re.findall(r"glossary\.md#([^)]*)\)", page.read_text()):
            assert anchor in anchors, f"{page.name}: {anchor}"


# --- docs/compatibility.md -----------------------------------------------------------------------


def cells(title):
    """The rows of the page's table below that heading, without its head."""
    text = (ROOT / "docs/compatibility.md").read_text().split(title)[1].split("\n## ")[0]
    return [re.split(r" *\| *", line)[1:-1] for line in text.splitlines() if line.startswith("| ")][1:]


def test_the_least_versions_are_those_of_configure():
    wanted = re.findall(r"PKG_CHECK_MODULES\(\[\w+\], \[([\w.-]+) >= ([\d.]+)\]\)", (ROOT / "configure.ac").read_text())
    assert len(wanted) > 8, wanted
    tap.eq([tuple(row[:2]) for row in cells("## The least versions")], wanted)


def test_what_is_said_to_be_tested_is_what_the_tests_name():
    text = re.sub(r"\s+", " ", (ROOT / "docs/compatibility.md").read_text())
    versions = re.search(r"^VERSIONS = \(\((.*)\)\)$", (ROOT / "tests/pve/test_standin.py").read_text(), re.MULTILINE)[1]
    proxmox = ", ".join(v.replace(", ", ".") for v in versions.split("), ("))
    tap.contains(text, f"| Proxmox VE | {proxmox} | stand-in")
    clients = re.search(r"^# file +([\d.]+) +([\d.]+) +([\d.]+) +ours$",
                        (ROOT / "tests/verdicts/cloud-config/table.txt").read_text(), re.MULTILINE).groups()
    tap.contains(text, f"{clients[0]} (Debian 12), {clients[1]} (Debian 13)")
    tap.contains(text, f"the same, and {clients[2]} (Debian's testing)")
    clusters = sorted(set(re.findall(r"\.yaml +(1\.\d+) ", (ROOT / "tests/verdicts/kubeadm/table.txt").read_text())))
    tap.contains(text, f"| {', '.join(clusters)} | documents")
    known = {name: int(number) for name, number in re.findall(
        r"#define KUBEVERSION_(\w+) (\d+)", (ROOT / "src/model/kubeversion.h").read_text())}
    tap.contains(text, f"Kubernetes 1.{known['OLDEST']} to 1.{known['NEWEST']};")
    tap.contains(text, f"until 1.{known['V1BETA4'] - 1}, `v1beta4` from 1.{known['V1BETA4']} on")
    for row in cells("# What it was tested with"):
        tap.eq((len(row), row[2].startswith("never")), (4, not row[3]), row)


def test_every_test_that_a_page_names_exists():
    targets = {t.name for t in check_all.TARGETS}
    for name in ("docs/compatibility.md", "SECURITY.md"):
        text = (ROOT / name).read_text()
        for path in re.findall(r"`(tests/[\w./-]+)`", text):
            assert (ROOT / path).exists(), f"{name}: {path}"
        tap.eq(sorted(set(re.findall(r"`make (check-[\w-]+)`", text)) - targets), [], name)


# --- Words ---------------------------------------------------------------------------------------

# Turns of phrase that have to be read twice.
BENT = [re.compile(p, re.I) for p in (
    r"\bwhoever\b", r"\banew\b", r"\bthere shall\b", r"\b(is|are) to be\b", r"\bheld against\b",
    r"\bis none of\b", r"\bno node's\b", r"\bthe one before (goes|stays)\b", r"\bhas heard\b",
    r"\b(is|was|are|were|be) told\b", r"\b(this|window|site|kind|MACs?|card|you|root) alone\b",
    r"(?<!there )\b(is|are) no (node|folder|number|JSON|YAML|UTF-8|terminal|string|scalar|script)s?\b")]
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')


def shown():
    """(file, text) of what users read."""
    for path, text in SOURCES.items():
        code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
        code = re.sub(r'"\s*\n\s*"', "", code)  # a literal in pieces
        yield path, "\n".join(LITERAL.findall(code))
    pages = [*ROOT.glob("*.md"), ROOT / "NEWS", *(ROOT / "docs").rglob("*.md"),
             *(ROOT / "docs/man").glob("*.[1-8]")]
    for page in pages:
        yield page.relative_to(ROOT), re.sub(r"\s+", " ", page.read_text())


def test_words_are_plain():
    bad = [f"{path}: {text[max(0, at.start() - 40):at.end() + 20]!r}" for path, text in shown()
           for pattern in BENT for at in pattern.finditer(text)]
    assert not bad, "\n".join(bad)


# --- docs/reference/exit-status.md ---------------------------------------------------------------


def test_every_command_has_its_exit_statuses():
    names = {name: path for path, text in SOURCES.items() if path.parts[1] == "cli"
             for name in re.findall(r"^const struct command .*?\.name = \"(.*?)\"", text, re.M | re.S)}
    page = shapes.exits()
    assert len(names) > 55, names
    tap.eq(sorted(page), sorted(names))
    for number, word in ((2, "CLI_DIFFERS"), (3, "CLI_LATE")):
        tap.eq({str(names[n]) for n, statuses in page.items() if number in statuses},
               {str(path) for path, text in SOURCES.items() if word in text}, word)


# --- docs/reference/json.md ----------------------------------------------------------------------


def test_every_command_has_its_json():
    """Whether it is true is seen wherever a test runs one: lib/shapes.py."""
    known, commands = shapes.page()
    printing = {name for text in SOURCES.values() for part in re.split(r"^const struct command ", text,
                flags=re.M)[1:] for name in re.findall(r'\.name = "(.*?)"', part)
                if re.search("FLAG_JSON|FLAGS_AGAIN", part.split("\n};")[0])}
    assert len(printing) > 40, printing
    tap.eq(sorted(printing - set(commands)), [], "takes --json, but is not in docs/reference/json.md")
    for kind in [*commands.values(), *(kind for members in known.values() for kind, _ in members.values())]:
        name = kind.strip("[]{}")
        assert name in known or name in shapes.PLAIN, kind


def page_type(schema):
    """The type that the page has for a schema, and whether it may be null."""
    parts = schema.get("anyOf", [schema])
    bare = [part for part in parts if part != {"type": "null"}]
    if "$ref" in bare[0]:
        return shapes.title(bare[0]["$ref"]), len(parts) > len(bare)
    kinds = bare[0].get("type", "any")
    kinds = kinds if isinstance(kinds, list) else [kinds]
    kind, null = kinds[0], "null" in kinds
    if kind == "array":
        items = bare[0]["items"]
        return f"[{'any' if 'anyOf' in items else page_type(items)[0]}]", null
    if kind == "object":
        values = bare[0]["additionalProperties"]
        return f"{{{'any' if values is True else page_type(values)[0]}}}", null
    if bare[0].get("format") == "date-time":
        return "time", null
    return {"string": "text", "boolean": "bool"}.get(kind, kind), null


def reached(schemas, name):
    """The objects that an answer of this schema can hold."""
    found, open_ = set(), {name}
    while open_:
        one = open_.pop()
        found.add(one)
        open_ |= set(re.findall(r"#/components/schemas/(\w+)", str(schemas[one]))) - found
    return found


def test_the_page_says_what_the_schemas_say():
    """Of what only the command line prints, the page has more."""
    known, _ = shapes.page()
    whole = shapes.description()
    schemas = whole["components"]["schemas"]
    names = set()
    for operation in (o for path, item in whole["paths"].items() if path.startswith("/v1/") for o in item.values()):
        for answer in operation["responses"].values():
            answer = shapes.resolved(answer, whole)
            for name in re.findall(r"#/components/schemas/(\w+)", str(answer)):
                names |= reached(schemas, name)
    names |= {"Problem"}
    assert len(names) > 35, names
    for name in sorted(names):
        schema = schemas[name]
        members = {m: (kind, re.sub(r"(null|missing) without a server(, and for a viewer)?",
                                    lambda found: "null" if found[2] else "", when))
                   for m, (kind, when) in known[shapes.title(name)].items()
                   if "of `node show`" not in when}
        tap.eq({m: (*page_type(s), m in schema["required"]) for m, s in schema["properties"].items()},
               {m: (kind, "null" in when, not re.search("missing|only", when))
                for m, (kind, when) in members.items()}, f"schemas.json and json.md differ: {name}")


tap.main()
