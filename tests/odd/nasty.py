# SPDX-License-Identifier: Apache-2.0
"""Texts that break out of whatever is not quoted well. What a shell would run of them is harmless
but for one thing: it makes the file that is named here, by which it is found out."""

CANARY = "cloudseed-canary"

WHOLE = [
    "no", "~", "null", "true", "010", "0x1f", "1_000", "1e3", ".inf", "12:34:56", "1:0", "=", "<<",
    "2026-11-22", "2026-11-22 10:00:00", "-", "?", ":", "- a", "a: b", "a:", "#", " #", "a #b",
    "---", "...", "---\n", "\n---\nruncmd: [reboot]\n", "%YAML 1.2", "&a", "*a", "!!set", "|", ">-",
    "[", "]", "{", "}", ",", "@", "`", "'", '"', "''", '""', "\\", "\\\\", "\\n", "\\\n",
    " ", "  leading", "trailing  ", "\t", "\ttab", "a\tb", "\n", "\r", "\r\n", "a\nb",
    "a\n  b: c\n",
    "\nruncmd:\n  - reboot\n", "x\n      - path: /etc/passwd\n        content: y\n",
    "{{ node.name }}", "{%", "%}", "{#", "#}", "{{", "}}", "{% raw %}", "${x}", "$x", "$$", "$",
    f"$(touch {CANARY})", f"`touch {CANARY}`", f"; touch {CANARY}", f"' ; touch {CANARY} ; '",
    f'" ; touch {CANARY} ; "', f"\ntouch {CANARY}\n", f"a\n'\ntouch {CANARY} #",
    f"& touch {CANARY}",
    f"| touch {CANARY}", f"> {CANARY}", "*", "~root", "!!", "a b", "END", "EOF\nEOF\nEND\n",
    "\x01", "\x07", "\x1b[31m", "\x7f", "\x80", "\x85", "\xa0", "\u2028", "\u2029", "\ufeff",
    "\ufffd", "ä", "é", "東京", "\U0001f600", "\U0010ffff", "\u202e", "#cloud-config",
    "## template: jinja", "</script>", "&lt;", "'''", '"""', "]]>", "x" * 5000, "y z\n" * 1000,
]


def random_text(random):
    """A few of them, one after the other."""
    parts = random.choices(WHOLE[:-2], k=random.randint(1, 5))
    return random.choice(["", " ", "\n", ": ", "'"]).join(parts)
