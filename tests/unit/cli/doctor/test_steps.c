/* SPDX-License-Identifier: Apache-2.0 */
#include "lib/unit.h"

#include "cli/doctor/doctor.h"
#include "cli/pve/props.h"

#include <stdlib.h>
#include <time.h>

#define NOW_MS 1796025600000 /* 2026-11-30T08:00:00Z */

struct lab {
    struct arena arena;
    struct doctor_facts facts;
};

static int set_up(void **state)
{
    setenv("TZ", "UTC0", 1);
    tzset();
    struct lab *l = test_malloc(sizeof(*l));
    arena_init(&l->arena, 65536);
    l->facts = (struct doctor_facts){
        .arena = &l->arena,
        .name = STR("w2"),
        .where = STR("/run/admin.sock"),
        .now_ms = NOW_MS,
    };
    *state = l;
    return 0;
}

static int tear_down(void **state)
{
    struct lab *l = *state;
    arena_done(&l->arena);
    test_free(l);
    return 0;
}

/* JSON with ' for ". */
static struct value json(struct lab *l, const char *text)
{
    struct str s = arena_str(&l->arena, str_from(text));
    struct value v;
    struct err e;
    for (char *at = (char *)s.p; *at; at++)
        *at = *at == '\'' ? '"' : *at;
    if (json_read(s, &l->arena, &v, &e) < 0)
        fail_msg("%s: %s", text, e.msg);
    return v;
}

static void says(struct finding f, enum verdict verdict, const char *what)
{
    if (f.verdict != verdict || !memmem(f.what.p, f.what.n, what, strlen(what)))
        fail_msg("%d: '%.*s', not '%s'", f.verdict, STR_ARG(f.what), what);
    assert_int_equal(f.how.n > 0, verdict == FINDING_WRONG);
}

static void fixes(struct finding f, const char *what, const char *how)
{
    says(f, FINDING_WRONG, what);
    if (!memmem(f.how.p, f.how.n, how, strlen(how)))
        fail_msg("'%.*s' does not have '%s'", STR_ARG(f.how), how);
}

static void store(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->server = json(l, "{'store': {'ok': false, 'reason': 'the disk is full'}, 'loss': null}");
    fixes(doctor_store(f), "the disk is full", "make room");
    f->server = json(l, "{'store': {'ok': true}, 'loss': {'found': 3}}");
    fixes(doctor_store(f), "older than it was", "cloudseed server acknowledge");
    f->server = json(l, "{'store': {'ok': true}, 'loss': null, 'recovery': false}");
    says(doctor_store(f), FINDING_OK, "run 'cloudseedd --recovery'");
    f->server = json(l, "{'store': {'ok': true}, 'loss': null, 'recovery': true}");
    says(doctor_store(f), FINDING_OK, "can write its state");
    assert_null(memmem(doctor_store(f).what.p, doctor_store(f).what.n, "--recovery", 10));
    f->server = json(l, "{'store': {'ok': true}, 'loss': null, 'audit': {'lost': 3}}");
    fixes(doctor_store(f), "3 entries of the audit were lost", "event=audit-lost");
    f->server = json(l, "{'store': {'ok': true}, 'loss': null, 'audit': {'lost': 0}}");
    says(doctor_store(f), FINDING_OK, "can write");
}

static void tree(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->server = json(l, "{'left_out': [{'name': 'x', 'reason': 'its MAC is y\\'s'}], 'faulty': 2}");
    fixes(doctor_tree(f), "registered node x is not in force: its MAC", "cloudseed node rm x");
    f->server = json(l, "{'left_out': [], 'faulty': 2}");
    says(doctor_tree(f), FINDING_UNSEEN, "cannot be read here");
    f->tree = json(l, "{'errors': 0, 'first': ''}");
    says(doctor_tree(f), FINDING_OK, "no faults");
    f->name = STR("");
    fixes(doctor_tree(f), "the documents of 2 nodes", "cloudseed check");
}

static void certificate(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    static const char near[] =
        "{'provided': %s, 'warnings': [], 'certificate': {'until': '%s', 'names': ['10.0.10.5']}}";
    char text[256];
    snprintf(text, sizeof(text), near, "true", "2026-12-05T08:00:00.000Z");
    f->ca = json(l, text);
    fixes(doctor_certificate(f), "certificate ends 2026-12-05", "'tls' of cloudseedd.yaml");
    snprintf(text, sizeof(text), near, "false", "2026-12-05T08:00:00.000Z");
    f->ca = json(l, text);
    says(doctor_certificate(f), FINDING_OK, "until 2026-12-05"); /* it renews it itself */
    snprintf(text, sizeof(text), near, "false", "2026-11-05T08:00:00.000Z");
    f->ca = json(l, text);
    fixes(doctor_certificate(f), "certificate ended 2026-11-05", "cloudseed ca renew");
    f->ca = json(l, "{'provided': false, 'warnings': ['it is weak'], 'certificate': {}}");
    fixes(doctor_certificate(f), "it is weak", "ca show");
}

static void clocks(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->http = json(l, "{'date_ms': 1796025700000}");
    fixes(doctor_clock(f), "100 s ahead of", "timedatectl");
    f->http = json(l, "{'date_ms': 1796025600900}");
    f->synchronized = value_bool(false);
    says(doctor_clock(f), FINDING_OK, "NTP does not keep it");
    f->now_ms = 86400000;
    fixes(doctor_clock(f), "1970-01-02", "timedatectl");
}

static void loopbacks(void **state)
{
    static const char *const urls[] = {"http://127.3.2.1:80", "http://[::1]:8080",
                                       "http://localhost"};
    struct lab *l = *state;
    for (size_t i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof(text), "{'url': '%s'}", urls[i]);
        l->facts.server = json(l, text);
        fixes(doctor_url(&l->facts), "loopback", "set 'url' in site.yaml");
        l->facts.configured_url = str_from(urls[i]);
        fixes(doctor_url(&l->facts), "loopback", "set 'url' in cloudseedd.yaml");
    }
    l->facts.server = json(l, "{'url': 'http://10.0.10.5:8080'}");
    says(doctor_url(&l->facts), FINDING_UNSEEN, "not asked");
}

static void urls_out_of_reach(void **state)
{
    struct lab *l = *state;
    l->facts.server = json(l, "{'url': 'http://10.0.10.5:8080'}");
    l->facts.http = json(l, "{'trouble': 'refused'}");
    fixes(doctor_url(&l->facts), "refused", "compare 'url' in site.yaml with");
    l->facts.configured_url = STR("http://10.0.10.6:8080"); /* not in force: not restarted */
    fixes(doctor_url(&l->facts), "refused", "compare 'url' in site.yaml with");
    l->facts.configured_url = STR("http://10.0.10.5:8080");
    fixes(doctor_url(&l->facts), "refused", "compare 'url' with 'http' in cloudseedd.yaml");
}

static void life(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->node =
        json(l, "{'state': 'joining', 'locked': true, 'alarms': 2, 'alarm': 'mismatch',"
                "'alarm_detail': 'uuid x', 'window': {'opened': '2026-11-30T07:00:00.000Z'}}");
    f->alarm = json(l, "{'at': '2026-11-30T07:30:00.000Z'}");
    fixes(doctor_window(f), "locked", "cloudseed node unlock w2");
    fixes(doctor_alarms(f), "2 alarms, the latest: mismatch: uuid x", "--kind alarm");
    f->node = json(l, "{'state': 'armed', 'alarms': 1, 'alarm': 'mismatch', 'window': "
                      "{'opened': '2026-11-30T07:31:00.000Z'}}");
    says(doctor_alarms(f), FINDING_OK, "1 before");
    says(doctor_progress(f), FINDING_OK, "no request of it has come");
    f->node = json(l, "{'state': 'ready', 'window': null, 'refused': null}");
    says(doctor_window(f), FINDING_OK, "needs none");
    says(doctor_refused(f), FINDING_OK, "no fetch");
    f->node = json(l, "{'state': 'armed', 'window': null, 'refused': {'times': 4, 'last': "
                      "'2026-11-30T07:12:00.000Z', 'reason': 'not armed'}}");
    fixes(doctor_refused(f), "4 fetches were refused (not armed), the last one 2026-11-30 07:12:00",
          "start the machine again");
    fixes(doctor_window(f), "cannot join; 4 fetches were refused", "cloudseed node arm w2");
    f->node = json(l, "{'state': 'failed', 'failure': {'stage': 'join', 'reason': 'no image'}}");
    fixes(doctor_progress(f), "it failed in join: no image", "cloudseed node show w2");
}

static void long_serial(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    char text[700];
    memset(text, 'x', sizeof(text));
    memcpy(text, "{'config': {'smbios1': 'uuid=", 29);
    memcpy(text + 29 + SMBIOS_MAX - 4, "'}}", 4);
    f->vm = json(l, text);
    fixes(doctor_serial(f), "has 513 bytes, and Proxmox takes 512", "shorten");
    f->vm = json(l, "{'config': {'smbios1': 'base64=1,serial=***'}}");
    fixes(doctor_serial(f), "cannot be read", "cloudseed pve register w2");
}

static void changes_of_a_ready_node_can_wait(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->vm = json(l, "{'status': 'running', 'pending': [{'key': 'cores', 'value': 2, 'pending': 4},"
                    "{'key': 'vga', 'value': 'x', 'delete': 1}, {'key': 'memory', 'value': 1}]}");
    f->node = json(l, "{'state': 'ready'}");
    says(doctor_pending(f), FINDING_OK, "changes cores, vga");
    f->node = json(l, "{'state': 'armed'}");
    fixes(doctor_pending(f), "without its new cores, vga", "cloudseed pve stop w2");
}

static void clusters(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->node = json(l, "{'bootstrap': 'none', 'cluster': null}");
    says(doctor_cluster(f), FINDING_OK, "joins none");
    says(doctor_order(f), FINDING_OK, "waits for no other");
    says(doctor_ready(f), FINDING_OK, "no Node");
    f->node = json(l, "{'bootstrap': 'worker', 'cluster': 'c', 'mint': {'reason': '403'}}");
    f->cluster = json(l, "{'epoch': 1, 'declared': true, 'phase': 'unconfirmed'}");
    fixes(doctor_cluster(f), "after a restore", "cluster adopt c");
    f->cluster = json(l, "{'epoch': 1, 'declared': false, 'phase': 'standing'}");
    fixes(doctor_cluster(f), "not in the seed tree any more", "clusters/");
    f->cluster = json(l, "{'epoch': 1, 'declared': true, 'phase': 'standing', 'trouble': '401'}");
    fixes(doctor_followed(f), "cannot follow the nodes of c: 401", "cluster show c");
    fixes(doctor_minter(f), "no token for the cluster", "cluster adopt c");
    f->cluster = json(l, "{'phase': 'standing', 'minter': {'expires': '2026-12-01T00:00:00.000Z',"
                         "'late': true, 'trouble': '403'}}");
    fixes(doctor_minter(f), "is not renewed: 403", "cluster adopt c");
    f->cluster = json(l, "{'phase': 'standing', 'minter': {'expires': '2026-12-01T00:00:00.000Z',"
                         "'late': false}}");
    fixes(doctor_minter(f), "no token is made for the node: 403", "cluster adopt c");
    f->cluster = json(l, "{'phase': 'standing', 'stuck': true, 'turn': {'name': 'm2'}}");
    fixes(doctor_order(f), "m2 has the turn and has failed", "cloudseed doctor m2");
}

static void masters(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->node = json(l, "{'bootstrap': 'worker', 'cluster': 'c'}");
    f->cluster = json(l, "{'phase': 'none'}");
    f->masters = json(l, "[]");
    fixes(doctor_order(f), "the cluster c has no master", "cluster adopt");
    f->masters = json(l, "[{'name': 'm1', 'state': 'registered'}]");
    fixes(doctor_order(f), "m1 is not armed", "cloudseed node arm m1");
    f->masters =
        json(l, "[{'name': 'm1', 'state': 'registered'}, {'name': 'm2', 'state': 'failed'}]");
    fixes(doctor_order(f), "m2 has failed", "cloudseed doctor m2");
    f->masters = json(l, "[{'name': 'm1', 'state': 'failed'}, {'name': 'm2', 'state': 'booting'}]");
    says(doctor_order(f), FINDING_OK, "waits for m2, which is booting");
}

static void nodes_that_are_gone(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->node =
        json(l, "{'bootstrap': 'worker', 'cluster': 'c', 'state': 'ready', 'kubernetes': null}");
    fixes(doctor_ready(f), "gone from its cluster", "cloudseed node reprovision w2");
    f->node = json(l, "{'bootstrap': 'worker', 'cluster': 'c', 'state': 'up', 'kubernetes': null}");
    says(doctor_ready(f), FINDING_OK, "no such Node yet");
}

static void apiservers(void **state)
{
    struct lab *l = *state;
    struct doctor_facts *f = &l->facts;
    f->node = json(l, "{'bootstrap': 'worker', 'cluster': 'c'}");
    f->cluster = json(l, "{'phase': 'standing', 'certificate_end': '2026-12-05T08:00:00.000Z'}");
    f->api = json(l, "{'endpoint': 'https://a:6443', 'date_ms': 1796025600000}");
    fixes(doctor_apiserver(f), "certificate of https://a:6443 ends 2026-12-05",
          "kubeadm certs renew");
    f->cluster = json(l, "{'phase': 'standing', 'certificate_end': null}");
    says(doctor_apiserver(f), FINDING_OK, "answers");
    f->api = json(l, "{'endpoint': 'https://a:6443', 'trouble': 'Connection refused'}");
    fixes(doctor_apiserver(f), "Connection refused", "VIP");
}

/* Of a server that does not run everything else is unseen: one thing is wrong. */
static void faults_that_follow(void **state)
{
    struct lab *l = *state;
    struct finding_list list = {.arena = &l->arena};
    size_t wrong = 0;
    l->facts.server = doctor_make_trouble(&l->arena, "no such socket");
    doctor_walk(&l->facts, &list);
    for (size_t i = 0; i < list.n; i++)
        wrong += list.list[i].verdict == FINDING_WRONG;
    assert_int_equal(wrong, 1);
    assert_string_equal(list.steps[0], "server");
    says(list.list[list.n - 1], FINDING_UNSEEN, "it depends on");
    assert_int_equal(list.n, 29);
    list = (struct finding_list){.arena = &l->arena};
    l->facts.name = STR("");
    doctor_walk(&l->facts, &list);
    assert_int_equal(list.n, 8);
}

static void how_to_ask_dhcp(void **state)
{
    struct lab *l = *state;
    l->facts.node = json(l, "{'macs': ['bc:24:11:00:20:0c']}");
    l->facts.declared = json(l, "{'network': 'nodes', 'vlan': 20}");
    says(doctor_dhcp(&l->facts), FINDING_UNSEEN,
         "on a host in the network nodes run 'cloudseed doctor dhcp --interface NAME --mac "
         "bc:24:11:00:20:0c'");
    l->facts.node = l->facts.declared = json(l, "{}");
    says(doctor_dhcp(&l->facts), FINDING_UNSEEN, "in the machine's network run 'cloudseed doctor");
}

#define STEP_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

UNIT_MAIN(STEP_TEST(store), STEP_TEST(tree), STEP_TEST(certificate), STEP_TEST(clocks),
          STEP_TEST(loopbacks), STEP_TEST(urls_out_of_reach), STEP_TEST(life),
          STEP_TEST(long_serial), STEP_TEST(changes_of_a_ready_node_can_wait), STEP_TEST(clusters),
          STEP_TEST(masters), STEP_TEST(nodes_that_are_gone), STEP_TEST(apiservers),
          STEP_TEST(how_to_ask_dhcp), STEP_TEST(faults_that_follow))
