#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The tree keeps to the rules of layers.py, and layers.py sees each kind of breach."""
import os
import sys
import tempfile
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / "lib")]
import layers  # noqa: E402
import tap  # noqa: E402

ROOT = Path(os.environ.get("CLOUDSEED_SOURCE", Path(__file__).resolve().parents[2]))
TOP = f"/* {layers.SPDX} */\n"


def none(breaches):
    assert not breaches, "\n".join(breaches)


def header(path, comment=None, guard=None):
    stem = Path(path).stem
    guard = guard or "CLOUDSEED_" + path.replace("/", "_").replace(".", "_").upper()
    return f"{TOP}/* {comment or stem + ': small.'} */\n#ifndef {guard}\n#define {guard}\n#endif\n"


def breaches_of(files):
    """Of a small tree of these files, on top of what is sound."""
    sound = {
        "base/str.h": header("base/str.h"), "base/log.h": header("base/log.h"),
        "core/core.h": header("core/core.h"), "core/route.h": header("core/route.h"),
        "port/exchange.h": header("port/exchange.h"), "port/store.h": header("port/store.h"),
        "net/loop.c": TOP + '#include "base/log.h"\n#include "core/core.h"\n#include <uv.h>\n',
        "tree/yaml.c": TOP + '#include "base/str.h"\n#include <yaml.h>\n',
    }
    with tempfile.TemporaryDirectory() as root:
        listed = set(sound) | {f for f in files if not Path(f).name.startswith("unlisted")}
        for path, text in {**sound, **files}.items():
            file = Path(root, "src", path)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        for path in listed:
            with Path(root, "src", path).with_name("Makefile.inc").open("a") as inc:
                inc.write(f"# {layers.SPDX}\nx += %D%/{Path(path).name}\n")
        return layers.check(root)


def one(files, part):
    found = breaches_of(files)
    tap.eq(len(found), 1, f"breaches: {found}")
    tap.contains(found[0], part)


def test_sound_tree_has_no_breach():
    none(breaches_of({}))


def test_upward_include_is_seen():
    one({"base/a.c": TOP + '#include "core/core.h"\n'}, 'base must not know "core/core.h"')


def test_upward_include_of_a_header_is_seen():
    one({"core/b.h": header("core/b.h").replace("#endif", '#include "net/x.h"\n#endif')},
        'core must not know "net/x.h"')


def test_net_knows_core_by_its_entry_alone():
    one({"net/a.c": TOP + '# include "core/route.h"\n'}, 'net must not know "core/route.h"')


def test_net_knows_only_some_headers_of_port():
    one({"net/http/a.c": TOP + '#include "port/store.h"\n'}, 'net must not know "port/store.h"')


def test_second_importer_of_a_library_is_seen():
    one({"tree/load.c": TOP + "#include <yaml.h>\n"}, "<yaml.h> is for tree/yaml.c alone")


def test_library_folder_is_seen():
    one({"core/a.c": TOP + "#include <openssl/evp.h>\n"}, "<openssl/evp.h> is for crypto/ alone")


def test_microhttpd_outside_net_http_is_seen():
    one({"net/a.c": TOP + "#include <microhttpd.h>\n"}, "<microhttpd.h> is for net/http/ alone")


def test_logging_library_code_is_seen():
    one({"core/a.c": TOP + '#include "base/log.h"\n'}, '"base/log.h" is for')


def test_include_without_folder_is_seen():
    one({"base/a.c": TOP + '#include "str.h"\n'}, "must be named with its folder")


def test_unknown_folder_is_seen():
    one({"util/a.c": TOP}, "'util' is not in the table")


def test_long_file_is_seen():
    one({"base/a.c": TOP + "\n" * 1000}, "1001 lines")


def test_long_header_is_seen():
    one({"base/a.h": header("base/a.h") + "\n" * 300}, "more than 300")


def test_header_without_opening_is_seen():
    one({"base/a.h": header("base/a.h", comment="Helpers.")}, "must open with a comment 'a: ")


def test_wrong_guard_is_seen():
    one({"base/a.h": header("base/a.h", guard="A_H")}, "must be CLOUDSEED_BASE_A_H")


def test_missing_licence_is_seen():
    one({"base/a.c": "int a;\n"}, "is missing at its top")


def test_unlisted_file_is_seen():
    one({"base/unlisted.c": TOP}, "no Makefile.inc lists it")


def test_unfinished_work_is_seen():
    one({"base/a.c": TOP + "/* TO" "DO: all */\n"}, "src/base/a.c:2: TO" "DO")


def test_bad_format_is_seen():
    command = layers.clang_format()
    if not command:
        raise tap.Skip("clang-format 14 is not installed")
    with tempfile.TemporaryDirectory() as root:
        Path(root, ".clang-format").write_bytes((ROOT / ".clang-format").read_bytes())
        Path(root, "good.c").write_text("int a;\n")
        Path(root, "bad.c").write_text("int  a ;\n")
        tap.eq([b.split(":")[0] for b in layers.format_breaches(Path(root), command)], ["bad.c"])


def test_tree_keeps_the_rules():
    none(layers.check(ROOT))


def test_tree_is_formatted():
    command = layers.clang_format()
    if not command:
        raise tap.Skip("clang-format 14 is not installed")
    none(list(layers.format_breaches(ROOT, command)))


tap.main()
