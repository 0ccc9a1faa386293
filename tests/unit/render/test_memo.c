/* SPDX-License-Identifier: Apache-2.0 */
/* The check with its memo against the check of each document in full, on templates and values made
 * at random: each node has the same verdict, and the faults are the same. */
#include "unit/render/checking.h"

static int start(void **state)
{
    (void)state;
    faults_init(&faults);
    return 0;
}

static int end(void **state)
{
    (void)state;
    scope_tables_free(tables);
    tree_free(tree);
    faults_done(&faults);
    return 0;
}

#define ROUNDS 60
#define NODES 150
#define HOLES 4

static uint64_t dice_state;

static uint32_t dice(uint32_t sides)
{
    dice_state = dice_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(dice_state >> 33) % sides;
}

#define PICK(list) ((list)[dice(sizeof(list) / sizeof((list)[0]))])

/* As JSON, which YAML reads the same. */
static const char *const values[] = {
    "a",
    "b",
    "word",
    "other-word",
    "x y",
    "1",
    "2",
    "0644",
    "0600",
    "644",
    "true",
    "no",
    "yes",
    "52:54:00:12:34:00",
    "52:54:00:12:34:5a",
    "bc:24:11:0a:14:0b",
    "10.0.0.1/24",
    "10.0.0.2/24",
    "/etc/a",
    "/etc/b",
    "etc",
    "# c",
    "#c",
    "a #c",
    "a#c",
    "a: b",
    "a:",
    ":a",
    "a:b",
    "-",
    "- a",
    "-a",
    "",
    " a",
    "a ",
    "\u00fc",
    "q\\\"q",
    "it's",
    "\\\\",
    "\\\\n",
    "{a",
    "a}",
    "[b",
    "b]",
    "a,b",
    "a, b",
    "&x",
    "*x",
    "!t",
    "!!int 1",
    "|",
    ">",
    "%a",
    "@a",
    "`a",
    "null",
    "~",
    "---",
    "--- a",
    "...",
    "a\\nb",
    "\\n",
    "a\\n---\\nb",
    "=",
    "<<",
    "0x1F",
    "1e3",
    ".5",
    "1_000",
    "?",
    "? a",
    "2001-01-01",
    "12:30",
    "12:30:45",
    "a\\tb",
    "\\t",
    "http://x/",
    "https://y/z",
    "ftp://x",
    "write_files",
    "runcmd",
    "hostname",
    "PRIVATE KEY",
    "eth0",
    "eth1",
    "default",
    "-----BEGIN PGP PUBLIC KEY BLOCK-----",
    "/etc/apt/x.asc",
    "x.asc",
    "ssh-ed25519",
    "no-pty ssh-ed25519",
    "b64",
    "gzip",
    "QUJD",
    "QUJDRA==",
    "\u2028",
    "a\302\205b",
};

/* V stands for a hole: {{ v0 }} with a filter, or without. */
static const char *const lines[] = {
    "# V and V\n",
    "hostname: V\n",
    "hostname: \"V\"\n",
    "fqdn: V.example.org\n",
    "timezone: V/V\n",
    "locale: 'V'\n",
    "V: V\n",
    "{ V: V }\n",
    "final_message: \"V V\\n\"\n",
    "final_message: >-\n  V\n  of V\n",
    "final_message: |\n  V\n",
    "final_message: |2\n   V\n",
    "final_message: |\n\n    # V\n    x\n",
    "final_message: &anchor V\nlocale: *anchor\n",
    "locale: !!str V\n",
    "packages: [V, \"V\", 'V']\n",
    "packages: [[V, V]]\n",
    "packages:\n  - V\n  - V V\n",
    "packages: V\n",
    "runcmd:\n  - V\n  - [V, \"V\"]\n",
    "runcmd: [V]\n",
    "bootcmd:\n- echo V: V\n- \"echo\n   V\"\n",
    "users:\n  - name: V\n    shell: V\n    lock_passwd: V\n",
    "users: [default, {name: V, V: V }]\n",
    "ssh_authorized_keys: [\"ssh-rsa V\", V]\n",
    "ssh_authorized_keys:\n  - V AAAAC3NzaC1lZDI1NTE5AAAAAVhV V\n  - \"ssh-V AAAA V\"\n",
    "phone_home: {url: \"V\", tries: V, post: V }\n",
    "reporting: {a: {type: V, endpoint: V } }\n",
    "reporting:\n  V:\n    type: webhook\n    endpoint: \"V/report\"\n",
    "write_files:\n  - path: V\n    content: V\n  - path: V\n    permissions: V\n    append: V\n",
    "write_files:\n  - {path: /V, permissions: \"0V\", owner: \"V:V\", content: \"V\"}\n",
    "write_files:\n  - path: /x\n    encoding: V\n    content: V\n",
    "write_files:\n  - path: /x\n    content: |\n      # V\n      V\n      V: V\n",
    "write_files:\n  - {path: V, content: \"V\"}\n  - {path: \"/etc/apt/V\", content: V }\n",
    "write_files:\n  - {path: /etc/apt/V.asc, content: \"V\"}\n",
    "apt: {sources: { V: {source: \"deb V\", key: \"V\"}}}\n",
    "V\n",
    "final_message: \"a\\V\"\n",
    "final_message: \"\\x4V\\u00e4V\"\n",
    "final_message: 'a\\V'\n",
    "final_message: \"a\nV\n b\"\n",
    "ssh_authorized_keys:\n  - &key |\n    # V\n",
};

static const char *const filters[] = {"", "", "", " | tojson", " | to_yaml_scalar", " | indent(6)"};

static void put_line(struct buf *out, const char *line)
{
    for (; *line; line++) {
        if (*line == 'V')
            buf_printf(out, "{{ v%u%s }}", dice(HOLES), PICK(filters));
        else
            buf_char(out, *line);
    }
}

/* Half of the values are words, which differ most. */
static void put_value(struct buf *out, unsigned hole)
{
    if (dice(2))
        buf_printf(out, "v%u: \"w%u\", ", hole, dice(5));
    else
        buf_printf(out, "v%u: \"%s\", ", hole, PICK(values));
}

static void grow_random(void)
{
    struct buf template, nodes;
    buf_init(&template, 1 << 16);
    buf_init(&nodes, 1 << 20);
    buf_printf(&template, dice(8) ? "#cloud-config\n" : "## template: jinja\n#cloud-config\n");
    for (uint32_t n = 1 + dice(4); n; n--)
        put_line(&template, PICK(lines));
    for (int i = 0; i < NODES; i++) {
        buf_printf(&nodes, "n%03d: {role: r, variables: {", i);
        for (unsigned hole = 0; hole < HOLES; hole++)
            put_value(&nodes, hole);
        buf_printf(&nodes, "}}\n");
    }
    grow(template.p, nodes.p);
    buf_done(&template);
    buf_done(&nodes);
}

static void list_and_forget(struct buf *out)
{
    buf_clear(out);
    for (uint32_t i = 0; i < NODES; i++)
        buf_char(out, (char)('0' + verdicts[i]));
    buf_char(out, '\n');
    listing_write(out, &faults);
    faults_done(&faults);
    faults_init(&faults);
}

static void the_memo_says_what_the_check_says(void **state)
{
    (void)state;
    const char *seed = getenv("TEST_SEED");
    uint64_t known = 0,
             first = seed ? (uint64_t)strtoull(seed, NULL, 10) : (uint64_t)(unsigned)getpid();
    uint32_t rounds = getenv("TEST_ROUNDS") ? (uint32_t)atoi(getenv("TEST_ROUNDS")) : ROUNDS;
    struct buf with, without;
    buf_init(&with, 1 << 20);
    buf_init(&without, 1 << 20);
    for (uint32_t round = 0; round < rounds; round++) {
        dice_state = first + round;
        dice(1);
        grow_random();
        assert_int_equal(check(false), 0);
        known += result.known;
        list_and_forget(&with);
        assert_int_equal(check(true), 0);
        list_and_forget(&without);
        if (!str_eq(buf_view(&with), buf_view(&without)))
            print_error("TEST_SEED=%llu\n", (unsigned long long)(first + round));
        assert_str_equal(buf_view(&with), buf_view(&without));
        scope_tables_free(tables);
        tree_free(tree);
        tables = NULL;
        tree = NULL;
    }
    print_message("# seed %llu: the memo knew %llu of %u documents\n", (unsigned long long)first,
                  (unsigned long long)known, rounds * NODES);
    assert_true(known > rounds * NODES / 20);
    buf_done(&with);
    buf_done(&without);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

UNIT_MAIN(TEST(the_memo_says_what_the_check_says))
