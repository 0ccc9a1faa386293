/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "config/config.h"
#include "lib/folder.h"
#include "lib/listing.h"

#include <errno.h>

struct loaded {
    struct arena arena;
    struct faults faults;
    struct config config;
    struct buf said;
    int r;
};

static void done(struct loaded *l)
{
    arena_done(&l->arena);
    faults_done(&l->faults);
    buf_done(&l->said);
}

static struct loaded load(const char *path)
{
    struct loaded l = {.r = 0};
    arena_init(&l.arena, 4096);
    faults_init(&l.faults);
    buf_init(&l.said, 65536);
    l.r = config_load(path, &l.faults, &l.arena, &l.config);
    buf_printf(&l.said, "%s", "");
    listing_write(&l.said, &l.faults);
    assert_int_equal(l.r, l.faults.errors ? -EINVAL : 0);
    return l;
}

#define LOADED(l, path) __attribute__((cleanup(done))) struct loaded l = load(path)

static const char *text_of(struct endpoint e)
{
    static char text[ENDPOINT_TEXT_SIZE];
    return endpoint_text(e, text);
}

static void an_empty_file_is_all_defaults(void **state)
{
    folder_file(*state, "c.yaml", "# nothing\n");
    LOADED(l, "c.yaml");
    assert_string_equal(l.said.p, "");
    assert_str(l.config.seed_dir, CLOUDSEED_CONFIG_DIR "/seed");
    assert_str(l.config.templates_dir, CLOUDSEED_TEMPLATES_DIR);
    assert_str(l.config.state_dir, CLOUDSEED_STATE_DIR);
    assert_str(l.config.assets_dir, CLOUDSEED_STATE_DIR "/assets");
    assert_int_equal(l.config.http_n, 1);
    assert_string_equal(text_of(l.config.http[0]), "0.0.0.0:8080");
    assert_int_equal(l.config.url.n, 0);
    assert_str(l.config.user, "cloudseed");
    assert_str(l.config.group, "");
    assert_int_equal(l.config.log.format, LOG_LOGFMT);
    assert_int_equal(l.config.log.level, LOG_INFO);
    assert_int_equal(l.config.limits.connections, 10000);
    assert_int_equal(l.config.limits.connections_per_address, 512);
    assert_int_equal(l.config.limits.request_seconds, 30);
    assert_int_equal(l.config.limits.answer_seconds, 300);
    assert_int_equal(l.config.limits.shutdown_seconds, 10);
    assert_int_equal(l.config.limits.hold_seconds, 45);
    assert_int_equal(l.config.https_n, 0);
    assert_int_equal(l.config.proxies_n, 0);
    assert_int_equal(l.config.tftp_n, 0);
    assert_int_equal(l.config.tftp_ports.first, 0);
    assert_int_equal(l.config.limits.tftp_transfers, 1000);
    assert_int_equal(l.config.limits.tftp_transfers_per_address, 64);
    assert_int_equal(l.config.limits.tftp_windowsize, 16);
    assert_int_equal(l.config.audit.days, 90);
    assert_int_equal(l.config.audit.entries, 100000);
    assert_int_equal(l.config.audit.refusals, 20000);
    assert_int_equal(l.config.audit.per_node, 2000);
}

static void everything_can_be_set(void **state)
{
    folder_file(*state, "c.yaml",
                "seed: /a\ntemplates: /b\nstate: /c\nhttp: ['10.0.10.5:80', '[::]:0']\n"
                "url: https://seed.home.arpa/\nuser: one\ngroup: two\n"
                "https: '10.0.10.5:8443'\ntftp: '10.0.10.5:69'\ntftp_ports: 6900-6999\n"
                "proxies: [10.0.10.10/32, 'fd00::/64']\n"
                "log: {format: json, level: debug}\n"
                "limits: {connections: 1, connections_per_address: 2, request_seconds: 3,\n"
                "  answer_seconds: 4, shutdown_seconds: 0, hold_seconds: 8,\n"
                "  tftp_transfers: 5, tftp_transfers_per_address: 6, tftp_windowsize: 7}\n"
                "audit: {days: 8, entries: 1000, refusals: 2000, per_node: 100}\n");
    LOADED(l, "c.yaml");
    assert_string_equal(l.said.p, "");
    assert_str(l.config.seed_dir, "/a");
    assert_str(l.config.templates_dir, "/b");
    assert_str(l.config.state_dir, "/c");
    assert_int_equal(l.config.http_n, 2);
    assert_string_equal(text_of(l.config.http[0]), "10.0.10.5:80");
    assert_string_equal(text_of(l.config.http[1]), "[::]:0");
    assert_str(l.config.url, "https://seed.home.arpa");
    assert_str(l.config.user, "one");
    assert_str(l.config.group, "two");
    assert_int_equal(l.config.log.format, LOG_JSON);
    assert_int_equal(l.config.log.level, LOG_DEBUG);
    assert_int_equal(l.config.limits.connections, 1);
    assert_int_equal(l.config.limits.connections_per_address, 2);
    assert_int_equal(l.config.limits.request_seconds, 3);
    assert_int_equal(l.config.limits.answer_seconds, 4);
    assert_int_equal(l.config.limits.shutdown_seconds, 0);
    assert_int_equal(l.config.limits.hold_seconds, 8);
    assert_int_equal(l.config.https_n, 1);
    assert_string_equal(text_of(l.config.https[0]), "10.0.10.5:8443");
    assert_int_equal(l.config.tftp_n, 1);
    assert_string_equal(text_of(l.config.tftp[0]), "10.0.10.5:69");
    assert_int_equal(l.config.tftp_ports.first, 6900);
    assert_int_equal(l.config.tftp_ports.last, 6999);
    assert_int_equal(l.config.proxies_n, 2);
    assert_int_equal(l.config.proxies[1].prefix, 64);
    assert_int_equal(l.config.limits.tftp_transfers, 5);
    assert_int_equal(l.config.limits.tftp_transfers_per_address, 6);
    assert_int_equal(l.config.limits.tftp_windowsize, 7);
    assert_int_equal(l.config.audit.days, 8);
    assert_int_equal(l.config.audit.entries, 1000);
    assert_int_equal(l.config.audit.refusals, 2000);
    assert_int_equal(l.config.audit.per_node, 100);
}

static void ports_are_two_and_in_order(void **state)
{
    static const char *const bad[] = {"6900",           "6900-",       "-6999",
                                      "6999-6900",      "69-6999",     "6900-65536",
                                      "6900-6999-7000", "6900 - 6999", "any"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char text[64];
        snprintf(text, sizeof(text), "tftp_ports: '%s'\n", bad[i]);
        folder_file(*state, "c.yaml", text);
        LOADED(l, "c.yaml");
        assert_contains(l.said.p, "is not two ports of 1024 or more, like 6900-6999\n");
    }
    folder_file(*state, "c.yaml", "tftp_ports: 1024-1024\n");
    LOADED(l, "c.yaml");
    assert_int_equal(l.config.tftp_ports.last, 1024);
}

static void a_file_that_was_asked_for_must_be_there(void **state)
{
    (void)state;
    LOADED(l, "missing.yaml");
    assert_string_equal(l.said.p, "missing.yaml: there is no such file; --config names "
                                  "cloudseedd's configuration\n");
}

static void every_fault_is_reported_and_nothing_set(void **state)
{
    folder_file(*state, "c.yaml",
                "sed: /a\nseed: a\nhttp: [8080]\nlog: {level: warn}\n"
                "limits: {connections: 100001}\nurl: http://a/b\n");
    LOADED(l, "c.yaml");
    assert_string_equal(
        l.said.p,
        "c.yaml:1:1: configuration: unknown key 'sed'; did you mean 'seed'?\n"
        "c.yaml:2:7: seed: 'a' is not an absolute path, like /etc/cloudseed/seed\n"
        "c.yaml:3:8: http: '8080' is not an address and a port, like 0.0.0.0:8080 or [::]:8080\n"
        "c.yaml:4:14: level: 'warn' is not one of debug, info, notice, warning, error\n"
        "c.yaml:5:23: connections: '100001' is out of range; it goes from 1 to 100000\n"
        "c.yaml:6:6: url: 'http://a/b' has a path; it must end after the host and its port\n");
    assert_int_equal(l.config.http_n, 0);
}

static void faults_are_in_the_order_of_their_places(void **state)
{
    folder_file(*state, "c.yaml", "seed: a\n<<: {state: b}\n");
    LOADED(l, "c.yaml");
    assert_contains(l.said.p, "c.yaml:1:7: seed: ");
    assert_ptr_equal(strstr(l.said.p, "c.yaml:1:7"), l.said.p);
    assert_contains(l.said.p, "c.yaml:2:13: state: ");
}

static void an_empty_list_is_no_place_to_listen(void **state)
{
    folder_file(*state, "c.yaml", "http: []\n");
    LOADED(l, "c.yaml");
    assert_string_equal(l.said.p,
                        "c.yaml:1:7: http: at least one address is needed, such as 0.0.0.0:8080\n");
}

static void broken_yaml_is_one_fault(void **state)
{
    folder_file(*state, "c.yaml", "http: [\n");
    LOADED(l, "c.yaml");
    assert_int_equal(l.faults.errors, 1);
}

static void secrets_say_where_they_come_from(void **state)
{
    folder_file(*state, "c.yaml",
                "secrets:\n  a: {file: /etc/a}\n  b_2: {env: B}\n"
                "  c: {command: [/usr/bin/pass, show, c]}\n  d: {command: /bin/d}\n");
    LOADED(l, "c.yaml");
    assert_string_equal(l.said.p, "");
    assert_int_equal(l.config.secrets_n, 4);
    assert_str(config_find_secret(&l.config, STR("a"))->file, "/etc/a");
    assert_str(config_find_secret(&l.config, STR("b_2"))->env, "B");
    assert_int_equal(config_find_secret(&l.config, STR("b_2"))->at.line, 3);
    const struct config_secret *c = config_find_secret(&l.config, STR("c"));
    assert_int_equal(c->command_n, 3);
    assert_str(c->command[2], "c");
    assert_int_equal(config_find_secret(&l.config, STR("d"))->command_n, 1);
    assert_null(config_find_secret(&l.config, STR("e")));
}

static void a_secret_has_one_source(void **state)
{
    folder_file(*state, "c.yaml",
                "secrets:\n  a: {}\n  b: {file: /b, env: B}\n  c: {command: [pass]}\n"
                "  d-1: {env: D}\n  e: {env: 1E}\n  f: {command: []}\n  g: {path: /g}\n");
    LOADED(l, "c.yaml");
    const char *one = "secret: it takes exactly one of file, env and command\n";
    char want[1024];
    snprintf(want, sizeof(want),
             "c.yaml:2:6: %sc.yaml:3:6: %s"
             "c.yaml:4:17: command: the program must be named with its whole path, like "
             "/usr/bin/pass\n"
             "c.yaml:5:3: secret: 'd-1' is not a name of letters, digits and _, like "
             "registry_password\n"
             "c.yaml:6:12: env: '1E' is not a name of letters, digits and _, like "
             "registry_password\n"
             "c.yaml:7:6: %sc.yaml:8:6: %s"
             "c.yaml:8:7: secret: unknown key 'path'; it takes file, env, command\n",
             one, one, one, one);
    assert_string_equal(l.said.p, want);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, folder_enter, folder_leave)

UNIT_MAIN(IN_FOLDER(an_empty_file_is_all_defaults), IN_FOLDER(everything_can_be_set),
          IN_FOLDER(ports_are_two_and_in_order), IN_FOLDER(a_file_that_was_asked_for_must_be_there),
          IN_FOLDER(every_fault_is_reported_and_nothing_set),
          IN_FOLDER(faults_are_in_the_order_of_their_places),
          IN_FOLDER(an_empty_list_is_no_place_to_listen), IN_FOLDER(broken_yaml_is_one_fault),
          IN_FOLDER(secrets_say_where_they_come_from), IN_FOLDER(a_secret_has_one_source))
