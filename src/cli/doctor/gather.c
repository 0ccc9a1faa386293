/* SPDX-License-Identifier: Apache-2.0 */
/* What the server says of itself, a node and its cluster, and what is reached from here. */
#include "base/clock.h"
#include "cli/common/seedtree.h"
#include "cli/doctor/doctor.h"
#include "cli/doctor/ports.h"
#include "cli/node/node.h"
#include "net/fetch/once.h"
#include "wire/uri.h"

#include <errno.h>
#include <stdio.h>
#include <sys/timex.h>
#include <unistd.h>

#define CONNECT_MS 5000
#define WHOLE_MS 15000
#define ANSWER_MAX_BYTES ((size_t)1 << 20)
#define CHUNK_BYTES 65536

/* --- Fetching -------------------------------------------------------------------------------- */

static struct value fetch_failed(struct arena *a, struct str url, const struct err *e)
{
    const struct value_pair pairs[] = {
        JSON_STR("url", url),
        JSON_STR("trouble", str_from(e->msg)),
        JSON_INT("refused", e->code == -EACCES),
    };
    return value_copy(a, value_map(pairs, 3));
}

struct value doctor_fetch(struct arena *a, const char *method, struct str url, struct str ca,
                          struct str expected)
{
    struct once *once =
        once_new(&(const struct once_access){.ca = ca, .answer_max_bytes = ANSWER_MAX_BYTES});
    const struct once_request q = {
        .method = method,
        .url = url,
        .connect_ms = CONNECT_MS,
        .whole_ms = WHOLE_MS,
    };
    struct once_answer answer;
    struct err e;
    int r = once_ask(once, &q, a, &answer, &e);
    once_free(once);
    if (r < 0)
        return fetch_failed(a, url, &e);
    const struct value_pair pairs[] = {
        JSON_STR("url", url),
        JSON_INT("status", answer.status),
        JSON_INT("date_ms", answer.date_ms),
        JSON_BOOL("ours", expected.n && str_eq(answer.body, expected)),
    };
    return value_copy(a, value_map(pairs, 4));
}

/* --- The server ------------------------------------------------------------------------------ */

/* The answer, or {"trouble"}. */
static struct value ask(struct doctor_gather *g, struct str target)
{
    struct api_answer answer;
    struct err e;
    if (api_try(&g->api, "GET", target, (struct value){0}, STR(""), &answer, &e) < 0)
        return doctor_make_trouble(g->arena, e.msg);
    if (answer.status == 200)
        return answer.value;
    struct str detail = api_text(answer.value, "detail");
    if (!detail.n)
        detail =
            arena_printf(g->arena, "%s answers with status %d", g->api.server.where, answer.status);
    return doctor_make_trouble(g->arena, detail.p);
}

struct port_list {
    struct doctor_gather *g;
    struct value items[64];
    size_t n;
};

static void look_at_ports(struct port_list *l, const char *what, const struct endpoint *list,
                          uint32_t n, bool udp)
{
    struct arena *a = l->g->arena;
    for (uint32_t i = 0; i < n && l->n < sizeof(l->items) / sizeof(l->items[0]); i++) {
        char text[ENDPOINT_TEXT_SIZE];
        if (!list[i].port || ports_free(list[i], udp))
            continue;
        const struct value_pair pairs[] = {
            JSON_STR("what", str_from(what)),
            JSON_STR("address", str_from(endpoint_text(list[i], text))),
            JSON_STR("holder", ports_holder(list[i].port, udp, a)),
        };
        l->items[l->n++] = value_copy(a, value_map(pairs, 3));
    }
}

/* Only of a server that does not run: else it holds them itself. */
static void gather_ports(struct doctor_gather *g)
{
    const struct config *config = &g->api.config;
    struct port_list l = {.g = g};
    look_at_ports(&l, "http", config->http, config->http_n, false);
    look_at_ports(&l, "https", config->https, config->https_n, false);
    look_at_ports(&l, "tftp", config->tftp, config->tftp_n, true);
    g->facts->ports = value_copy(g->arena, value_list(l.items, l.n));
}

static void gather_server(struct doctor_gather *g)
{
    struct doctor_facts *f = g->facts;
    struct timex t = {0};
    f->configured_url = g->api.config.url;
    f->server = ask(g, STR("/v1/server"));
    f->synchronized = value_bool(adjtimex(&t) >= 0 && !(t.status & STA_UNSYNC));
    if (doctor_trouble(f->server).n) {
        if (g->api.server.socket)
            gather_ports(g);
        return;
    }
    f->ca = ask(g, STR("/v1/ca"));
    struct str pem = api_text(f->ca, "pem"), url = api_text(f->server, "url");
    if (pem.n && url.n)
        f->http =
            doctor_fetch(g->arena, "GET", ARENA_JOIN(g->arena, url, STR("/ca.pem")), STR(""), pem);
}

/* --- The seed tree --------------------------------------------------------------------------- */

static struct value faults_value(struct faults *faults, struct arena *a)
{
    struct str first = STR("");
    faults_sort(faults);
    for (size_t i = 0; i < faults->kept && !first.n; i++) {
        const struct fault *f = &faults->list[i];
        if (f->warning)
            continue;
        first = f->at.file && f->at.line
                    ? arena_printf(a, "%s:%u: %s", f->at.file, f->at.line, f->msg)
                    : arena_str(a, str_from(f->msg));
    }
    const struct value_pair pairs[] = {
        JSON_INT("errors", (int64_t)faults->errors),
        JSON_STR("first", first),
    };
    return value_copy(a, value_map(pairs, 2));
}

/* With the url of the server that runs: an option of its command line may have given that. */
static void gather_tree(struct doctor_gather *g)
{
    struct str url = api_text(g->facts->server, "url");
    struct tree_source from = config_tree(&g->api.config);
    struct faults faults;
    if (url.n)
        from.url = url;
    if (access(from.seed_dir, R_OK | X_OK) < 0) {
        g->facts->tree = doctor_make_trouble(
            g->arena, arena_printf(g->arena, "%s: %s", from.seed_dir, strerror(errno)).p);
        return;
    }
    faults_init(&faults);
    tree_load(&from, &faults, &g->tree);
    g->facts->tree = faults_value(&faults, g->arena);
    faults_done(&faults);
}

static void gather_https(struct doctor_gather *g)
{
    struct str pem = api_text(g->facts->ca, "pem");
    if (pem.n && g->tree)
        g->facts->https = doctor_fetch(
            g->arena, "GET", ARENA_JOIN(g->arena, tree_site(g->tree)->node_url, STR("/healthz")),
            pem, STR(""));
}

static const struct network *network_of(struct doctor_gather *g)
{
    struct value list = value_get(g->facts->node, STR("addresses"));
    const struct site *site = tree_site(g->tree);
    struct address address;
    if (list.kind != VALUE_LIST || !list.n || !address_parse(value_text(list.items[0]), &address))
        return NULL;
    for (uint32_t i = 0; i < site->networks_n; i++) {
        if (cidr_contains(site->networks[i].cidr, address))
            return &site->networks[i];
    }
    return NULL;
}

static void gather_declared(struct doctor_gather *g, const struct node *n)
{
    const struct network *net = network_of(g);
    const struct value_pair pairs[] = {
        JSON_BOOL("there", n != NULL),
        JSON_INT("vlan", net ? net->vlan : 0),
        JSON_STR("network", net ? net->name : STR("")),
        JSON_STR("bridge", n && n->proxmox ? n->proxmox->bridge : STR("")),
    };
    struct faults faults;
    if (net || n)
        g->facts->declared = value_copy(g->arena, value_map(pairs, 4));
    if (!n)
        return;
    faults_init(&faults);
    node_check(g->tree, n, &faults);
    g->facts->faults = faults_value(&faults, g->arena);
    faults_done(&faults);
}

/* --- The node -------------------------------------------------------------------------------- */

static struct value latest_alarm(struct doctor_gather *g)
{
    struct str name = uri_encode_segment(g->facts->name, g->arena);
    struct value page =
        ask(g, arena_printf(g->arena, "/v1/events?node=%.*s&kind=alarm&order=newest&limit=1",
                            STR_ARG(name)));
    struct value list = value_get(page, STR("events"));
    return list.kind == VALUE_LIST && list.n ? list.items[0] : (struct value){0};
}

static void gather_node(struct doctor_gather *g)
{
    struct doctor_facts *f = g->facts;
    f->node = ask(g, api_node(&g->api, f->name.p, ""));
    struct str role = api_text(f->node, "role");
    if (g->tree) {
        g->role = role.n ? tree_find_role(g->tree, role) : NULL;
        gather_declared(g, tree_find_name(g->tree, f->name));
    }
    if (doctor_trouble(f->node).n)
        return;
    if (value_get(f->node, STR("window")).kind == VALUE_MAP)
        f->serial = ask(g, api_node(&g->api, f->name.p, "serial"));
    f->alarm = latest_alarm(g);
}

/* --- Its cluster ----------------------------------------------------------------------------- */

static struct value masters_in(struct doctor_gather *g, struct str cluster)
{
    struct value page =
        ask(g, arena_printf(g->arena, "/v1/nodes?limit=1000&cluster=%.*s", STR_ARG(cluster)));
    struct value list = value_get(page, STR("nodes"));
    if (list.kind != VALUE_LIST)
        return value_list(NULL, 0);
    struct value *items = ARENA_ARRAY(g->arena, struct value, list.n);
    size_t n = 0;
    for (uint32_t i = 0; i < list.n; i++) {
        if (str_is(api_text(list.items[i], "bootstrap"), "master"))
            items[n++] = list.items[i];
    }
    return value_list(items, n);
}

static struct value ask_apiserver(struct doctor_gather *g)
{
    struct value cluster = g->facts->cluster;
    struct str endpoint = api_text(cluster, "reported"), ca = api_text(cluster, "ca");
    if (!endpoint.n || !ca.n)
        return (struct value){0};
    struct value found =
        doctor_fetch(g->arena, "GET", ARENA_JOIN(g->arena, endpoint, STR("/version")), ca, STR(""));
    const struct value_pair pairs[] = {
        JSON_STR("endpoint", endpoint),
        JSON_VALUE("trouble", value_get(found, STR("trouble"))),
        JSON_INT("status", api_number(found, "status", 0)),
        JSON_INT("date_ms", api_number(found, "date_ms", -1)),
    };
    return value_copy(g->arena, value_map(pairs, 4));
}

static void gather_cluster(struct doctor_gather *g)
{
    struct doctor_facts *f = g->facts;
    struct str name = uri_encode_segment(api_text(f->node, "cluster"), g->arena);
    if (!name.n)
        return;
    f->cluster = ask(g, ARENA_JOIN(g->arena, STR("/v1/clusters/"), name));
    f->masters = masters_in(g, name);
    f->api = ask_apiserver(g);
}

/* --- All of it ------------------------------------------------------------------------------- */

int doctor_gather(struct cli *c, struct doctor_facts *f, struct doctor_gather *ret)
{
    *ret = (struct doctor_gather){.cli = c, .facts = f, .arena = &c->arena};
    c->arena.secret = true; /* serials hold join keys */
    int status = api_open(c, &ret->api);
    if (status != CLI_OK)
        return status;
    *f = (struct doctor_facts){
        .arena = ret->arena,
        .name = str_from(c->operands_n ? c->operands[0] : ""),
        .where = str_from(ret->api.server.where),
        .now_ms = clock_wall_ms(),
    };
    gather_server(ret);
    gather_tree(ret);
    if (doctor_trouble(f->server).n)
        return CLI_OK;
    gather_https(ret);
    if (f->name.n)
        gather_node(ret);
    doctor_gather_tftp(ret);
    if (!f->name.n || doctor_trouble(f->node).n)
        return CLI_OK;
    doctor_gather_boot(ret);
    doctor_gather_vm(ret);
    gather_cluster(ret);
    return CLI_OK;
}

void doctor_gather_done(struct doctor_gather *g)
{
    tree_free(g->tree);
    api_close(&g->api);
}
