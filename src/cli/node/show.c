/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/faultview.h"
#include "cli/common/seedtree.h"
#include "cli/common/table.h"
#include "cli/common/term.h"
#include "cli/node/node.h"
#include "render/provenance.h"
#include "render/scope.h"

#include <stdlib.h>
#include <unistd.h>

/* --- From the seed tree --------------------------------------------------------------------- */

#define VALUE_MAX_BYTES ((size_t)1 << 30)

/* All variables that the node's templates see, sorted by name. */
struct shown {
    const struct variable **list;
    size_t n;
};

static int by_name(const void *a, const void *b)
{
    const struct variable *const *va = a, *const *vb = b;
    return str_cmp((*va)->name, (*vb)->name);
}

/* With what it adds to. */
static const struct variable *whole(const struct site *site, const struct node *n,
                                    const struct variable *v, struct arena *a)
{
    struct variable *made = ARENA_NEW(a, struct variable);
    *made = *v;
    made->value = scope_variable_value(site, n, v->name, a);
    return made;
}

/* Of variables with the same name only the one that wins, decided by scope_variable. */
static struct shown see_variables(const struct site *site, const struct node *n, struct arena *a)
{
    const struct variables from[] = {
        n->variables,
        n->role->variables,
        n->cluster ? n->cluster->variables : (struct variables){0},
        site->variables,
    };
    size_t room = 0;
    for (size_t i = 0; i < 4; i++)
        room += from[i].n;
    struct shown seen = {.list = ARENA_ARRAY(a, const struct variable *, room)};
    for (size_t i = 0; i < 4; i++) {
        for (uint32_t j = 0; j < from[i].n; j++) {
            const struct variable *v = &from[i].list[j];
            if (scope_variable(site, n, v->name) == v)
                seen.list[seen.n++] = v->adds ? whole(site, n, v, a) : v;
        }
    }
    if (seen.n)
        qsort(seen.list, seen.n, sizeof(*seen.list), by_name);
    return seen;
}

static struct value variable_value(const struct variable *v, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_VALUE("value", v->value),
        JSON_VALUE("from", provenance_place_value(v->at, a)),
    };
    return value_copy(a, value_map(pairs, 2));
}

static struct value variables_value(struct shown seen, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, seen.n);
    for (size_t i = 0; i < seen.n; i++) {
        pairs[i].key = value_str(seen.list[i]->name);
        pairs[i].value = variable_value(seen.list[i], a);
    }
    return value_map(pairs, seen.n);
}

#define FILES ((uint32_t)SEED_FILE_COUNT + LOADERS)

static struct value templates_value(const struct role *r, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, FILES);
    for (int i = 0; i < SEED_FILE_COUNT; i++) {
        pairs[i].key = value_str(str_from(seed_file_names[i]));
        pairs[i].value = r->templates[i] ? value_str(r->template_names[i]) : value_none();
    }
    for (int i = 0; i < LOADERS; i++) {
        pairs[SEED_FILE_COUNT + i].key = value_str(str_from(boot_script_names[i]));
        pairs[SEED_FILE_COUNT + i].value =
            r->scripts[i] ? value_str(r->script_names[i]) : value_none();
    }
    return value_map(pairs, FILES);
}

static struct value documents_value(const struct role *r, struct arena *a)
{
    struct value_pair *pairs = ARENA_ARRAY(a, struct value_pair, r->documents_n);
    for (uint32_t i = 0; i < r->documents_n; i++) {
        const struct role_document *d = &r->documents[i];
        pairs[i].key = value_str(d->name);
        pairs[i].value = d->template ? value_str(d->template_name) : value_none();
    }
    return value_map(pairs, r->documents_n);
}

/* The result of the node's check. */
struct checked {
    const char *verdict;
    struct faults faults;
};

/* What the tree knows of a node beyond its definition. */
static struct value tree_value(struct cli *c, const struct node *n, struct shown seen,
                               struct checked *k)
{
    struct arena *a = &c->arena;
    struct value *networks = ARENA_ARRAY(a, struct value, n->addresses_n);
    for (uint8_t i = 0; i < n->addresses_n; i++)
        networks[i] = value_str(n->networks[i]->name);
    const struct value_pair pairs[] = {
        JSON_VALUE("place", n->at.line ? provenance_place_value(n->at, a) : value_none()),
        JSON_VALUE("networks", value_list(networks, n->addresses_n)),
        JSON_STR("boots", str_from(boot_kind_names[n->role->boot.entry.kind])),
        JSON_VALUE("templates", templates_value(n->role, a)),
        JSON_VALUE("documents", documents_value(n->role, a)),
        JSON_VALUE("variables", variables_value(seen, a)),
        JSON_STR("check", str_from(k->verdict)),
        JSON_VALUE("faults", faultview_value(&k->faults, a)),
    };
    return value_copy(a, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

/* A node as `node list` has it, and what the tree knows of it; VALUE_NONE: nothing. */
static void print_json(struct cli *c, struct value node, struct value tree)
{
    struct value_pair *pairs = ARENA_ARRAY(&c->arena, struct value_pair, node.n + 1);
    memcpy(pairs, node.pairs, node.n * sizeof(*pairs));
    pairs[node.n] = (struct value_pair)JSON_VALUE("tree", tree);
    cli_print_json(value_map(pairs, node.n + 1));
}

static struct str place_text(struct place at, struct arena *a)
{
    return at.line ? arena_printf(a, "%s:%u", at.file, at.line) : str_from(at.file);
}

static void add_field(struct table *t, const char *name, struct str value)
{
    table_add(t, str_from(name));
    table_add(t, value);
}

static struct str networks_text(const struct node *n, struct arena *a)
{
    struct buf b;
    buf_init(&b, 4096);
    for (uint8_t i = 0; i < n->addresses_n; i++)
        buf_printf(&b, "%s%.*s", i ? "," : "", STR_ARG(n->networks[i]->name));
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

/* What the node boots from the network while it is built. */
static struct str boot_text(const struct boot_plan *b)
{
    switch (b->entry.kind) {
    case BOOT_INSTALL:
    case BOOT_KERNEL: return b->entry.kernel.url;
    case BOOT_CHAIN: return b->entry.chain.url;
    case BOOT_MENU: return STR("what is chosen from a menu");
    default: return STR("its disk");
    }
}

static void print_fields(struct cli *c, const struct node *n, const struct checked *k)
{
    struct arena *a = &c->arena;
    struct table t;
    char uuid[UUID_TEXT_SIZE] = "";
    table_init(&t, a, 2);
    add_field(&t, "name", n->name);
    add_field(&t, "role", n->role->name);
    add_field(&t, "bootstrap", str_from(bootstrap_names[n->role->bootstrap]));
    add_field(&t, "cluster", n->cluster ? n->cluster->name : STR(""));
    add_field(&t, "addresses", node_addresses_text(n, a));
    add_field(&t, "networks", networks_text(n, a));
    add_field(&t, "macs", node_macs_text(n, a));
    add_field(&t, "uuid", n->uuid ? str_from(uuid_text(*n->uuid, uuid)) : STR(""));
    add_field(&t, "serial", n->serial);
    add_field(&t, "key epoch", arena_printf(a, "%u", n->key_epoch));
    add_field(&t, "declared in", place_text(n->at, a));
    for (int i = 0; i < SEED_FILE_COUNT; i++)
        add_field(&t, seed_file_names[i],
                  n->role->templates[i]
                      ? arena_printf(a, "template %.*s", STR_ARG(n->role->template_names[i]))
                      : str_from(i == SEED_META_DATA ? "made by cloudseedd" : "empty"));
    add_field(&t, "boots", boot_text(&n->role->boot));
    char count[FAULTVIEW_COUNT_SIZE];
    bool any = k->faults.errors || k->faults.warnings;
    add_field(&t, "check",
              arena_printf(a, "%s%s%s", k->verdict, any ? ": " : "",
                           any ? faultview_count(&k->faults, count) : ""));
    table_print(&t, stdout, false);
}

static struct str json_text(struct value v, struct arena *a)
{
    struct buf json, safe;
    buf_init(&json, VALUE_MAX_BYTES);
    buf_init(&safe, VALUE_MAX_BYTES);
    json_write(&json, v, false);
    term_json(&safe, buf_view(&json));
    struct str text = arena_str(a, buf_view(&safe));
    buf_done(&safe);
    buf_done(&json);
    return text;
}

static void print_variables(struct cli *c, struct shown seen)
{
    struct table t;
    table_init(&t, &c->arena, 3);
    table_add(&t, STR("VARIABLE"));
    table_add(&t, STR("FROM"));
    table_add(&t, STR("VALUE"));
    for (size_t i = 0; i < seen.n; i++) {
        table_add(&t, seen.list[i]->name);
        table_add(&t, place_text(seen.list[i]->at, &c->arena));
        table_add(&t, json_text(seen.list[i]->value, &c->arena));
    }
    putchar('\n');
    table_print(&t, stdout, c->color_out);
}

/* `remote` is the server's answer about the node; VALUE_UNDEFINED if it was not asked. */
static void print(struct cli *c, const struct tree *t, const struct node *n, struct value remote)
{
    struct shown seen = see_variables(tree_site(t), n, &c->arena);
    struct checked k;
    faults_init(&k.faults);
    k.verdict = node_check(t, n, &k.faults);
    if (flags_given(&c->flags, "json")) {
        struct value node =
            remote.kind == VALUE_MAP ? remote : node_tree_value(n, k.verdict, &c->arena);
        print_json(c, node, tree_value(c, n, seen, &k));
    } else {
        print_fields(c, n, &k);
        if (seen.n)
            print_variables(c, seen);
        if (k.faults.kept)
            putchar('\n');
        faultview_print(stdout, &k.faults, c->color_out);
    }
    faults_done(&k.faults);
}

/* --- From the server ------------------------------------------------------------------------ */

static void add_time(struct table *t, const char *name, struct value map, const char *member,
                     struct arena *a)
{
    struct str at = api_when(map, member, a), age = api_age(map, member, a);
    if (at.n)
        add_field(t, name, arena_printf(a, "%.*s (%.*s ago)", STR_ARG(at), STR_ARG(age)));
}

static struct str boot_report_text(struct value boot, struct arena *a)
{
    struct value finished = value_get(boot, STR("finished"));
    if (!api_text(boot, "stage").n)
        return STR("");
    long long events = (long long)api_number(boot, "events", 0),
              warnings = (long long)api_number(boot, "warnings", 0);
    return arena_printf(a, "%.*s, %lld event%s, %lld warning%s%s", STR_ARG(api_text(boot, "stage")),
                        events, events == 1 ? "" : "s", warnings, warnings == 1 ? "" : "s",
                        finished.kind == VALUE_BOOL && finished.b ? ", finished" : "");
}

static struct str keys_text(struct value keys, struct arena *a)
{
    struct str text = STR("");
    for (uint32_t i = 0; keys.kind == VALUE_MAP && i < keys.n; i++)
        text = arena_printf(a, "%.*s%s%.*s", STR_ARG(text), i ? "," : "",
                            STR_ARG(value_text(keys.pairs[i].key)));
    return text;
}

/* Whole, so that they can be compared with those of the machine. */
static void add_offered(struct table *t, struct value keys)
{
    for (uint32_t i = 0; keys.kind == VALUE_MAP && i < keys.n; i++)
        add_field(t, "offered key", value_text(keys.pairs[i].value));
}

/* What a node reported of a join that failed, line by line. */
static void add_log(struct table *t, struct str log)
{
    while (log.p && log.n) {
        struct str line = str_trim(str_cut(&log, '\n'));
        if (line.n)
            add_field(t, "log", line);
    }
}

static void add_alarm(struct table *t, struct value node, struct arena *a)
{
    int64_t alarms = api_number(node, "alarms", 0);
    struct str detail = api_text(node, "alarm_detail");
    if (alarms)
        add_field(t, "alarms",
                  arena_printf(a, "%lld, the latest: %.*s%s%.*s", (long long)alarms,
                               STR_ARG(api_text(node, "alarm")), detail.n ? ": " : "",
                               STR_ARG(detail)));
}

static void add_mint(struct table *t, struct value mint, struct arena *a)
{
    struct str reason = api_text(mint, "reason");
    bool is_good = str_is(api_text(mint, "phase"), "signed");
    if (mint.kind != VALUE_MAP)
        return;
    add_field(t, "token",
              arena_printf(a, "%.*s, %s%s%.*s", STR_ARG(api_text(mint, "token")),
                           is_good ? "good until " : "being minted", reason.n ? ": " : "",
                           STR_ARG(is_good ? api_when(mint, "ends", a) : reason)));
}

/* "Ready, v1.29.15"; "not Ready: KubeletNotReady: …" */
static struct str kubernetes_text(struct value k, struct arena *a)
{
    struct value ready = value_get(k, STR("ready"));
    struct str reason = api_text(k, "reason"), kubelet = api_text(k, "kubelet");
    if (ready.kind != VALUE_BOOL)
        return STR("");
    return arena_printf(a, "%s%s%.*s%s%.*s", ready.b ? "Ready" : "not Ready", kubelet.n ? ", " : "",
                        STR_ARG(kubelet), reason.n ? ": " : "", STR_ARG(reason));
}

static void add_life(struct table *t, struct value node, struct arena *a)
{
    struct value kubernetes = value_get(node, STR("kubernetes"));
    struct value boot = value_get(node, STR("boot")), identity = value_get(node, STR("identity")),
                 failure = value_get(node, STR("failure"));
    add_field(t, "state", node_state_text(node, a));
    add_time(t, "since", node, "since", a);
    if (failure.kind == VALUE_MAP)
        add_field(t, "failure", api_text(failure, "reason"));
    add_log(t, api_text(failure, "log"));
    add_field(t, "waits", api_text(node, "waits"));
    add_mint(t, value_get(node, STR("mint")), a);
    add_field(t, "kubernetes", kubernetes_text(kubernetes, a));
    add_time(t, "not Ready since", kubernetes, "since", a);
    add_field(t, "window ends", api_when(value_get(node, STR("window")), "ends", a));
    add_field(t, "instance-id", api_text(node, "instance_id"));
    add_field(t, "boot", boot_report_text(boot, a));
    add_time(t, "boot began", boot, "began", a);
    add_field(t, "hostname", api_text(identity, "hostname"));
    add_field(t, "ssh host keys", keys_text(value_get(identity, STR("host_keys")), a));
    add_offered(t, value_get(identity, STR("offered_keys")));
    add_alarm(t, node, a);
    struct str refused = node_refused_text(node, a);
    if (refused.n)
        add_field(t, "fetches", refused);
}

static void add_variables(struct table *t, struct value variables, struct arena *a)
{
    for (uint32_t i = 0; variables.kind == VALUE_MAP && i < variables.n; i++) {
        struct buf json;
        buf_init(&json, (size_t)1 << 20);
        json_write(&json, variables.pairs[i].value, false);
        table_add(t, arena_printf(a, "variable %.*s", STR_ARG(value_text(variables.pairs[i].key))));
        table_add(t, arena_str(a, buf_view(&json)));
        buf_done(&json);
    }
}

static void print_life(struct cli *c, struct value node)
{
    struct table t;
    table_init(&t, &c->arena, 2);
    add_life(&t, node, &c->arena);
    putchar('\n');
    table_print(&t, stdout, false);
}

static void print_remote(struct cli *c, struct value node)
{
    static const char *const texts[] = {"name", "role", "bootstrap", "cluster", "uuid", "serial"};
    struct arena *a = &c->arena;
    struct table t;
    table_init(&t, a, 2);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        add_field(&t, texts[i], api_text(node, texts[i]));
    add_field(&t, "addresses", api_list_text(node, "addresses", a));
    add_field(&t, "macs", api_list_text(node, "macs", a));
    add_field(&t, "declared in", api_text(node, "declared"));
    add_field(&t, "check", api_text(node, "check"));
    add_variables(&t, value_get(node, STR("variables")), a);
    add_life(&t, node, a);
    table_print(&t, stdout, false);
}

static void print_only_remote(struct cli *c, struct value node)
{
    if (flags_given(&c->flags, "json"))
        print_json(c, node, value_none());
    else
        print_remote(c, node);
}

/* `remote` is as for print. The tree here may be another one than the server's. */
static int show_tree(struct cli *c, const struct config *config, struct value remote)
{
    bool served = remote.kind == VALUE_MAP;
    struct tree *tree = seedtree_load(c, config, NULL);
    const struct node *n = !tree    ? NULL
                           : served ? tree_find_name(tree, str_from(c->operands[0]))
                                    : seedtree_node(c, tree, NULL, c->operands[0]);
    if (n)
        print(c, tree, n, remote);
    else if (served)
        print_only_remote(c, remote);
    if (n && served && !flags_given(&c->flags, "json"))
        print_life(c, remote);
    tree_free(tree);
    return n || served ? CLI_OK : CLI_FAILED;
}

/* Of nodes that the tree declares it shows more, if it is readable here. */
static int show_remote(struct api *api)
{
    struct cli *c = api->cli;
    struct value node;
    int status = api_get(api, api_node(api, c->operands[0], ""), &node);
    if (status != CLI_OK)
        return status;
    if (api_text(node, "declared").n && access(api->config.seed_dir.p, R_OK) == 0)
        return show_tree(c, &api->config, node);
    print_only_remote(c, node);
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct api api;
    int status = node_remote_open(c, &api);
    if (status == NODE_REMOTE_NONE)
        status = show_tree(c, &api.config, (struct value){0});
    else if (status == CLI_OK)
        status = show_remote(&api);
    api_close(&api);
    return status;
}

const struct command command_node_show = {
    .name = "node show",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON),
    .summary = "show all of a node, and where each value comes from",
    .help = "Prints what is declared of the node, its templates, and every variable that its\n"
            "templates see, with the file and line that set it, and\n"
            "whether its documents check out, or what is wrong with them. Nearer ones win: the\n"
            "node's over its role's, its cluster's and the site's. Where the server answers, its\n"
            "state and boot follow; whether it is asked is decided as for `node list`. --json has\n"
            "the same members in both cases; those of `tree` are null where it cannot be read.\n"
            "\n"
            "Examples:\n"
            "  cloudseed node show k8s-worker-2\n"
            "  cloudseed node show k8s-worker-2 --json | jq .tree.variables\n",
    .run = run,
};
