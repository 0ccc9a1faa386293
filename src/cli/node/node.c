/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/node.h"

#include "cli/common/progress.h"
#include "cli/common/seedtree.h"
#include "cli/common/span.h"
#include "render/definition.h"

#include <stdio.h>

#define NOTES_MAX_BYTES ((size_t)16 * 1024)

/* What only a server knows. */
static const char *const server_members[] = {
    "seed_url", "discovery",    "generation", "instance_id", "state",      "since",    "failure",
    "waits",    "vm",           "tombstones", "window",      "boot",       "identity", "alarms",
    "alarm",    "alarm_detail", "locked",     "mint",        "kubernetes", "refused",
};

#define SERVER_MEMBERS (sizeof(server_members) / sizeof(server_members[0]))

struct value node_tree_value(const struct node *n, const char *check, struct arena *a)
{
    struct value_pair pairs[DEFINITION_PAIRS + SERVER_MEMBERS + 1];
    size_t count = definition_pairs(n, a, pairs);
    for (size_t i = 0; i < SERVER_MEMBERS; i++)
        pairs[count++] = (struct value_pair){value_str(str_from(server_members[i])), value_none()};
    pairs[count++] = (struct value_pair)JSON_STR(
        "check", str_from(check ? check : check_verdict_names[CHECK_UNCHECKED]));
    return value_copy(a, value_map(pairs, count));
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
    struct str stage = api_text(value_get(node, STR("failure")), "stage");
    return arena_printf(a, "%.*s%s%.*s%s%s", STR_ARG(api_text(node, "state")),
                        stage.n ? " in " : "", STR_ARG(stage),
                        is_lost(node) ? ", but not Ready" : "",
                        api_is(node, "locked") ? ", locked" : "");
}

/* --- Notes ---------------------------------------------------------------------------------- */

/* Appends "WHAT: WHY", or one of them, after a semicolon unless it is the first. */
static void note(struct buf *b, struct str what, struct str why)
{
    if (what.n || why.n)
        buf_printf(b, "%s%.*s%s%.*s", b->n ? "; " : "", STR_ARG(what), what.n && why.n ? ": " : "",
                   STR_ARG(why));
}

static void note_alarms(struct buf *b, struct value node, struct arena *a)
{
    long long alarms = (long long)api_number(node, "alarms", 0);
    struct str what = api_is(node, "locked") ? STR("locked")
                      : alarms ? arena_printf(a, "%lld alarm%s", alarms, alarms == 1 ? "" : "s")
                               : STR("");
    if (what.n)
        note(b, what, api_text(node, "alarm"));
}

/* A node that joins, or did, whose kubelet is not well. */
static void note_kubernetes(struct buf *b, struct value node)
{
    struct value k = value_get(node, STR("kubernetes"));
    struct str state = api_text(node, "state");
    if (k.kind == VALUE_MAP && !api_is(k, "ready") &&
        (str_is(state, "joining") || str_is(state, "ready")))
        note(b, STR("not Ready"), api_text(k, "reason"));
}

struct str node_refused_text(struct value node, struct arena *a)
{
    struct value r = value_get(node, STR("refused"));
    char when[SPAN_WHEN_SIZE];
    if (r.kind != VALUE_MAP)
        return STR("");
    return arena_printf(a, "%lld refused since %s: %.*s", (long long)api_number(r, "times", 0),
                        span_clock(api_time(r, "first"), when), STR_ARG(api_text(r, "reason")));
}

struct str node_notes_text(struct value node, struct arena *a)
{
    struct value failure = value_get(node, STR("failure")), mint = value_get(node, STR("mint"));
    struct str stage = api_text(failure, "stage"), failure_reason = api_text(failure, "reason"),
               step = api_text(value_get(node, STR("boot")), "failed");
    struct buf b;
    buf_init(&b, NOTES_MAX_BYTES);
    note(&b, stage.n ? ARENA_JOIN(a, STR("in "), stage) : STR(""), failure_reason);
    if (step.n && !failure_reason.n)
        note(&b, ARENA_JOIN(a, step, STR(" failed")), STR(""));
    note(&b, STR(""), api_text(node, "waits"));
    if (str_is(api_text(mint, "phase"), "intended"))
        note(&b, STR("no token yet"), api_text(mint, "reason"));
    note_kubernetes(&b, node);
    note_alarms(&b, node, a);
    note(&b, STR(""), node_refused_text(node, a));
    if (str_is(api_text(node, "check"), "faulty"))
        note(&b, STR("its documents are faulty"), STR(""));
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
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

/* A command line that asks for both is answered with neither. */
static int refuse_both(struct cli *c)
{
    const char *const files[] = {"seed", "templates", "check"},
                      *where = flags_value(&c->flags, "server");
    for (size_t i = 0; where && strcmp(where, "none") != 0 && i < 3; i++) {
        if (flags_given(&c->flags, files[i]))
            return cli_misuse(c,
                              "--server asks a server, and --%s is about the files of a seed tree: "
                              "give one of them",
                              files[i]);
    }
    return CLI_OK;
}

static int open_remote(struct cli *c, bool for_url, struct api *ret)
{
    bool files = is_about_files(c) ||
                 (for_url && (flags_given(&c->flags, "state") || flags_given(&c->flags, "url")));
    *ret = (struct api){.cli = c, .arena = &c->arena};
    int status = refuse_both(c);
    if (status == CLI_OK)
        status = seedtree_configure(c, &ret->config);
    if (status == CLI_OK)
        status = api_find_server(c, &ret->config, &ret->server);
    if (status != CLI_OK)
        return status;
    if (!ret->server.where || files)
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
