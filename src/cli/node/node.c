/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include "cli/common/progress.h"
#include "cli/common/seedtree.h"

#include <stdio.h>

static struct value address_value(struct address address, struct arena *a)
{
    char text[ADDRESS_TEXT_SIZE];
    return value_str(arena_str(a, str_from(address_text(address, text))));
}

static struct value addresses_value(const struct node *n, struct arena *a)
{
    struct value *items = ARENA_ARRAY(a, struct value, n->addresses_n);
    for (uint8_t i = 0; i < n->addresses_n; i++) {
        const struct value_pair pairs[] = {
            JSON_VALUE("address", address_value(n->addresses[i], a)),
            JSON_STR("network", n->networks[i]->name),
        };
        items[i] = value_copy(a, value_map(pairs, 2));
    }
    return value_list(items, n->addresses_n);
}

struct value node_place_value(struct place at, struct arena *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("file", str_from(at.file)),
        JSON_INT("line", at.line),
        JSON_INT("column", at.column),
    };
    return value_copy(a, value_map(pairs, 3));
}

void node_pairs(const struct node *n, struct arena *a, struct value_pair ret[static NODE_PAIRS])
{
    const struct value_pair pairs[NODE_PAIRS] = {
        JSON_STR("name", n->name),
        JSON_STR("role", n->role->name),
        JSON_STR("bootstrap", str_from(bootstrap_names[n->role->bootstrap])),
        JSON_VALUE("cluster", n->cluster ? value_str(n->cluster->name) : value_none()),
        JSON_VALUE("macs", node_macs_value(n, a)),
        JSON_VALUE("addresses", addresses_value(n, a)),
        JSON_VALUE("uuid", node_uuid_value(n, a)),
        JSON_VALUE("serial", n->serial.n ? value_str(n->serial) : value_none()),
        JSON_INT("key_epoch", n->key_epoch),
        JSON_VALUE("declared", node_place_value(n->at, a)),
    };
    memcpy(ret, pairs, sizeof(pairs));
}

struct str node_addresses_text(const struct node *n, struct arena *a)
{
    char text[NODE_ADDRESSES_MAX * (ADDRESS_TEXT_SIZE + 1)] = "", one[ADDRESS_TEXT_SIZE];
    size_t at = 0;
    for (uint8_t i = 0; i < n->addresses_n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "",
                               address_text(n->addresses[i], one));
    return arena_str(a, str_from(text));
}

struct str node_macs_text(const struct node *n, struct arena *a)
{
    char text[NODE_MACS_MAX * (MAC_TEXT_SIZE + 1)] = "", one[MAC_TEXT_SIZE];
    size_t at = 0;
    for (uint8_t i = 0; i < n->macs_n; i++)
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", i ? "," : "",
                               mac_text(n->macs[i], one));
    return arena_str(a, str_from(text));
}

/* Whether it is ready, but its cluster says otherwise by now. */
static bool is_lost(struct value node)
{
    struct value ready = value_get(value_get(node, STR("kubernetes")), STR("ready"));
    return str_is(api_text(node, "state"), "ready") && ready.kind == VALUE_BOOL && !ready.b;
}

/* "failed in modules-final, locked" */
struct str node_state_text(struct value node, struct arena *a)
{
    struct value locked = value_get(node, STR("locked"));
    struct str stage = api_text(value_get(node, STR("failure")), "stage");
    return arena_printf(a, "%.*s%s%.*s%s%s", STR_ARG(api_text(node, "state")),
                        stage.n ? " in " : "", STR_ARG(stage),
                        is_lost(node) ? ", but not Ready" : "",
                        locked.kind == VALUE_BOOL && locked.b ? ", locked" : "");
}

/* --- Their check ---------------------------------------------------------------------------- */

struct node_checking {
    const char **verdicts; /* by node number */
    struct progress progress;
    uint32_t done;
};

static void on_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    struct node_checking *k = cls;
    k->verdicts[number] = check_verdict_names[verdict];
    progress_count(&k->progress, ++k->done);
}

static void on_only_node(void *cls, uint32_t number, enum check_verdict verdict)
{
    (void)number;
    *(const char **)cls = check_verdict_names[verdict];
}

static void check(const struct tree *t, struct check_run run, struct faults *faults)
{
    struct scope_tables *tables = scope_tables_new(t);
    struct check_result result;
    check_tree(t, tables, &run, faults, &result);
    scope_tables_free(tables);
}

const char *node_check(const struct tree *t, const struct node *n, struct faults *faults)
{
    const char *verdict = check_verdict_names[CHECK_UNCHECKED];
    check(t, (struct check_run){.only = n, .on_node = on_only_node, .cls = &verdict}, faults);
    return verdict;
}

const char *const *node_check_all(const struct tree *t, struct arena *a)
{
    struct node_checking k = {.verdicts = ARENA_ARRAY(a, const char *, tree_node_count(t))};
    struct faults faults;
    faults_init(&faults);
    progress_begin(&k.progress, "checking nodes");
    progress_total(&k.progress, tree_node_count(t));
    check(t, (struct check_run){.on_node = on_node, .cls = &k}, &faults);
    progress_end(&k.progress);
    faults_done(&faults);
    return k.verdicts;
}

/* --- Whether to ask the server -------------------------------------------------------------- */

/* An admin who names a tree, or has it checked, is asking about files. */
static bool is_about_files(const struct cli *c)
{
    return flags_given(&c->flags, "seed") || flags_given(&c->flags, "templates") ||
           flags_given(&c->flags, "check");
}

static int probe(struct api *api, bool notes)
{
    struct api_answer answer;
    struct err e;
    int r = api_try(api, "GET", STR("/v1/server"), (struct value){0}, STR(""), &answer, &e);
    if (r == 0)
        return CLI_OK;
    if (api->server.named)
        return cli_fail(api->cli, "%s", e.msg);
    if (notes)
        cli_note(api->cli, "%s; only the seed tree is shown", e.msg);
    return NODE_REMOTE_NONE;
}

static int open_remote(struct cli *c, bool for_url, struct api *ret)
{
    bool json = flags_given(&c->flags, "json") && !for_url;
    bool files = is_about_files(c) ||
                 (for_url && (flags_given(&c->flags, "state") || flags_given(&c->flags, "url")));
    *ret = (struct api){.cli = c, .arena = &c->arena};
    int status = seedtree_configure(c, &ret->config);
    if (status == CLI_OK)
        status = api_find_server(c, &ret->config, &ret->server);
    if (status != CLI_OK)
        return status;
    if (!ret->server.where || files || (json && !ret->server.named))
        return NODE_REMOTE_NONE;
    ret->client = client_new(&ret->server);
    return probe(ret, !for_url);
}

int node_remote_open(struct cli *c, struct api *ret)
{
    return open_remote(c, false, ret);
}

int node_remote_open_for_url(struct cli *c, struct api *ret)
{
    return open_remote(c, true, ret);
}
