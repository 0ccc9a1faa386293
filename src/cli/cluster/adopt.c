/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/cluster/apiserver.h"
#include "cli/cluster/cluster.h"
#include "cli/cluster/kubeconfig.h"

#include "base/clock.h"
#include "base/fs.h"
#include "cli/common/progress.h"
#include "kube/apiresponse.h"
#include "kube/manifests.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define TOKEN_SECONDS (90U * 24 * 60 * 60) /* asked for; the API server may give less */
#define FILE_MAX_BYTES ((size_t)64 * 1024)
#define STEPS_AROUND 6 /* all but the manifests and the tokens */
#define MASKED STR("(not shown)")

struct adoption {
    struct cli *cli;
    struct api api;
    struct arena arena; /* secret */
    struct progress progress;
    uint32_t step;
    const char *name, *file; /* of the cluster, of its kubeconfig */
    bool hardens, dry;
    struct value cluster; /* as the server knows it */
    struct kubeconfig config;
    struct apiserver_access access;
    struct apiserver *apiserver;
    struct str ca;
    struct kubeversion version;
    bool has_approver;
    struct apiresponse_token minter, approver;
};

static void step(struct adoption *a)
{
    progress_count(&a->progress, ++a->step);
}

static int fail(struct adoption *a, const struct err *e)
{
    progress_end(&a->progress);
    return cli_fail(a->cli, "%s", e->msg);
}

/* --- The kubeconfig --------------------------------------------------------------------------- */

/* Paths in a kubeconfig are relative to its folder. */
static int read_part(struct adoption *a, const struct kubeconfig_part *part, struct str *ret,
                     struct err *e)
{
    const char *slash = strrchr(a->file, '/');
    struct str folder = {a->file, slash ? (size_t)(slash + 1 - a->file) : 0};
    *ret = part->text;
    if (!part->file.n)
        return 0;
    bool absolute = str_starts(part->file, STR("/"));
    struct str path = ARENA_JOIN(&a->arena, absolute ? STR("") : folder, part->file);
    return fs_read(path.p, FILE_MAX_BYTES, &a->arena, ret, e);
}

static int read_kubeconfig(struct adoption *a)
{
    struct apiserver_access *to = &a->access;
    struct kubeconfig *k = &a->config;
    struct str text;
    struct err e;
    bool piped = strcmp(a->file, "-") == 0;
    int r = piped ? cli_read_input(KUBECONFIG_MAX_BYTES, &a->arena, &text, &e)
                  : fs_read(a->file, KUBECONFIG_MAX_BYTES, &a->arena, &text, &e);
    if (r == 0)
        r = kubeconfig_read(piped ? "standard input" : a->file, text,
                            flags_value(&a->cli->flags, "context"), &a->arena, k, &e);
    if (r == 0)
        r = read_part(a, &k->ca, &to->ca, &e);
    if (r == 0)
        r = read_part(a, &k->certificate, &to->certificate, &e);
    if (r == 0)
        r = read_part(a, &k->key, &to->key, &e);
    if (r == 0)
        r = read_part(a, &k->token, &to->token, &e);
    if (r < 0)
        return fail(a, &e);
    to->token = str_trim(to->token);
    to->endpoint = k->server;
    a->apiserver = apiserver_new(to);
    return CLI_OK;
}

/* --- What the server knows -------------------------------------------------------------------- */

static int check_declared(struct adoption *a)
{
    struct str endpoint = api_text(a->cluster, "endpoint");
    bool hardened = value_get(a->cluster, STR("hardened")).b;
    if (!value_get(a->cluster, STR("declared")).b)
        return cli_fail(a->cli, "%s is not in the seed tree any more: declare it", a->name);
    if (!str_eq_nocase(str_skip(a->access.endpoint, STR("https://").n), endpoint))
        return cli_fail(a->cli,
                        "%s: the context '%.*s' is for %.*s, and %s is declared with the endpoint "
                        "%.*s: use a kubeconfig for that one, or correct the declaration",
                        a->file, STR_ARG(a->config.context), STR_ARG(a->access.endpoint), a->name,
                        STR_ARG(endpoint));
    if (a->hardens && !hardened)
        return cli_fail(a->cli,
                        "%s is declared with 'hardened: false': remove that, run "
                        "'cloudseed reload', then adopt it with --hardened",
                        a->name);
    a->has_approver = hardened;
    return CLI_OK;
}

/* Account tokens would cross the network. */
static int check_way(struct adoption *a)
{
    static const char *const own[] = {"http://127.", "http://[::1]", "http://localhost"};
    const struct server_address *s = &a->api.server;
    if (s->socket || str_starts(str_from(s->url), STR("https://")))
        return CLI_OK;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        if (str_starts(str_from(s->url), str_from(own[i])))
            return CLI_OK;
    }
    return cli_fail(a->cli,
                    "%s: the cluster's tokens would cross the network in plain HTTP: run this on "
                    "the server, with its socket",
                    s->where);
}

static int ask_server(struct adoption *a)
{
    int status = check_way(a);
    if (status == CLI_OK)
        status = api_get(&a->api, cluster_target(&a->api, a->name, ""), &a->cluster);
    if (status == CLI_OK)
        status = check_declared(a);
    return status;
}

/* --- The cluster ------------------------------------------------------------------------------ */

static int read_version(struct adoption *a, struct err *e)
{
    const struct apirequest q = apirequest_version();
    struct apiserver_answer answer;
    int r = apiserver_ask(a->apiserver, &q, "say its version", &a->arena, &answer, e);
    step(a);
    return r < 0 ? r : apiresponse_version(answer.body, &a->arena, &a->version, e);
}

/* What nodes that join are told, and verify the API server by: it must be good for this endpoint.
 */
static int read_cluster_info(struct adoption *a, struct err *e)
{
    const struct apirequest q = apirequest_cluster_info();
    struct apiserver_answer answer;
    struct str config, server;
    int r = apiserver_ask(a->apiserver, &q, "show cluster-info, which kubeadm's nodes need",
                          &a->arena, &answer, e);
    step(a);
    if (r == 0)
        r = apiresponse_kubeconfig(answer.body, &a->arena, &config, e);
    if (r == 0)
        r = kubeconfig_read_cluster_info(config, &a->arena, &server, &a->ca, e);
    if (r < 0)
        return r;
    if (!str_eq_nocase(server, a->access.endpoint))
        cli_note(a->cli,
                 "kube-public/cluster-info names %.*s: nodes that join will use that address, not "
                 "the declared endpoint",
                 STR_ARG(server));
    struct apiserver_access by_info = a->access;
    by_info.ca = a->ca;
    apiserver_free(a->apiserver);
    a->apiserver = apiserver_new(&by_info);
    r = read_version(a, e);
    if (r < 0)
        err_prefix(e, "by the CA in cluster-info, which nodes trust");
    return r;
}

/* --- What the server is told ------------------------------------------------------------------ */

static struct value token_value(struct adoption *a, const struct apiresponse_token *t)
{
    char text[CLOCK_TEXT_SIZE];
    struct str whole = str_from(clock_text(t->end_wall_ms, text));
    struct str end = ARENA_JOIN(&a->arena, str_head(whole, whole.n - STR(".000Z").n), STR("Z"));
    const struct value_pair pairs[] = {JSON_STR("token", t->token), JSON_STR("expires", end)};
    return t->token.n ? value_copy(&a->arena, value_map(pairs, 2)) : value_none();
}

static struct value told(struct adoption *a)
{
    const struct value_pair pairs[] = {
        JSON_STR("endpoint",
                 ARENA_JOIN(&a->arena, STR("https://"), api_text(a->cluster, "endpoint"))),
        JSON_STR("ca", a->ca),
        JSON_VALUE("minter", token_value(a, &a->minter)),
        JSON_VALUE("approver", token_value(a, &a->approver)),
        JSON_BOOL("replace_ca", flags_given(&a->cli->flags, "replace-ca")),
    };
    return value_copy(&a->arena, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])));
}

/* Without tokens it answers whether it would take them. */
static int tell_server(struct adoption *a)
{
    struct api_answer answer;
    struct err e;
    struct str target = cluster_target(&a->api, a->name, "adopt");
    int r = api_try(&a->api, "POST", target, told(a), STR(""), &answer, &e);
    step(a);
    if (r < 0)
        return fail(a, &e);
    if (answer.status != 200) {
        progress_end(&a->progress);
        return api_refused(&a->api, &answer);
    }
    a->cluster = answer.value;
    return CLI_OK;
}

/* --- What is made ----------------------------------------------------------------------------- */

static const struct manifest *manifests(const struct adoption *a, size_t *ret_n)
{
    enum manifests_scope scope = a->hardens        ? MANIFESTS_HARDENED
                                 : a->has_approver ? MANIFESTS_OF_BOTH
                                                   : MANIFESTS_OF_MINTER;
    return manifests_of(scope, ret_n);
}

static int apply(struct adoption *a, const struct manifest *m, bool *ret_is_new, struct err *e)
{
    const struct apirequest q = apirequest_apply(m, a->dry, &a->arena);
    struct apiserver_answer answer;
    struct str what = ARENA_JOIN(&a->arena, STR("apply "), m->path);
    int r = apiserver_ask(a->apiserver, &q, what.p, &a->arena, &answer, e);
    step(a);
    *ret_is_new = r == 0 && answer.status == 201;
    return r;
}

static int apply_all(struct adoption *a, struct err *e)
{
    size_t n;
    bool is_new;
    const struct manifest *list = manifests(a, &n);
    int r = 0;
    for (size_t i = 0; i < n && r == 0; i++)
        r = apply(a, &list[i], &is_new, e);
    return r;
}

static int make_token(struct adoption *a, const char *account, struct apiresponse_token *ret,
                      struct err *e)
{
    const struct apirequest q = apirequest_renew(str_from(account), TOKEN_SECONDS, &a->arena);
    struct apiserver_answer answer;
    struct str what = ARENA_JOIN(&a->arena, STR("make a token of "), str_from(account));
    int r = apiserver_ask(a->apiserver, &q, what.p, &a->arena, &answer, e);
    step(a);
    return r < 0 ? r : apiresponse_renewed(answer.body, &a->arena, ret, e);
}

/* Whether any bootstrap token can still get a certificate for any node's name. */
static int note_autoapproval(struct adoption *a, struct err *e)
{
    const struct apirequest q = apirequest_autoapprove();
    struct apiserver_answer answer;
    bool approves = false;
    if (!a->has_approver || a->hardens)
        return 0;
    int r = apiserver_ask(a->apiserver, &q, "show how kubeadm approves", &a->arena, &answer, e);
    if (r == 0 && apiresponse_autoapproves(answer.body, &a->arena, &approves, e) == 0 && approves)
        cli_note(a->cli,
                 "%s is declared as hardened, but the cluster still approves by itself "
                 "(" MANIFESTS_AUTOAPPROVE
                 "): with any node's token one gets a certificate for any other node's name. "
                 "--hardened ends that",
                 a->name);
    return 0;
}

static int make(struct adoption *a, struct err *e)
{
    int r = apply_all(a, e);
    if (r == 0)
        r = make_token(a, MANIFESTS_MINTER, &a->minter, e);
    if (r == 0 && a->has_approver)
        r = make_token(a, MANIFESTS_APPROVER, &a->approver, e);
    return r;
}

/* --- What would be made ----------------------------------------------------------------------- */

static void mask(struct adoption *a)
{
    int64_t end = clock_wall_ms() + (int64_t)TOKEN_SECONDS * 1000;
    a->minter = (struct apiresponse_token){MASKED, end};
    if (a->has_approver)
        a->approver = a->minter;
}

static struct value request_value(struct adoption *a, const struct apirequest *q, bool is_new)
{
    const struct value_pair pairs[] = {JSON_STR("method", str_from(q->method)),
                                       JSON_STR("path", q->path), JSON_STR("body", q->body),
                                       JSON_BOOL("new", is_new)};
    return value_copy(&a->arena, value_map(pairs, 4));
}

static void show_request(struct adoption *a, struct cli_list *list, const struct apirequest *q,
                         bool is_new)
{
    if (flags_given(&a->cli->flags, "json")) {
        cli_list_item(list, request_value(a, q, is_new));
        return;
    }
    bool is_yaml = !str_starts(q->body, STR("{"));
    cli_print_line("# %s %.*s%s%s", q->method, STR_ARG(q->path),
                   is_yaml ? is_new ? ": to be made" : ": is there, and stays or is corrected" : "",
                   is_yaml ? "" : ARENA_JOIN(&a->arena, STR("\n#   "), q->body).p);
    if (is_yaml)
        printf("%.*s---\n", STR_ARG(q->body));
}

/* As YAML for kubectl, what is not for kubectl in comments. */
static int show(struct adoption *a, struct err *e)
{
    struct cli_list list = {0};
    size_t n;
    const struct manifest *all = manifests(a, &n);
    const char *const accounts[] = {MANIFESTS_MINTER, MANIFESTS_APPROVER};
    struct buf body;
    for (size_t i = 0; i < n; i++) {
        bool is_new;
        int r = apply(a, &all[i], &is_new, e);
        if (r < 0)
            return r;
        const struct apirequest q = apirequest_apply(&all[i], false, &a->arena);
        show_request(a, &list, &q, is_new);
    }
    for (size_t i = 0; i < (a->has_approver ? 2U : 1U); i++) {
        const struct apirequest q =
            apirequest_renew(str_from(accounts[i]), TOKEN_SECONDS, &a->arena);
        show_request(a, &list, &q, true);
    }
    mask(a);
    buf_init(&body, FILE_MAX_BYTES);
    json_write(&body, told(a), false);
    const struct apirequest q = {.method = "POST",
                                 .path = cluster_target(&a->api, a->name, "adopt"),
                                 .body = buf_view(&body)};
    show_request(a, &list, &q, true);
    buf_done(&body);
    if (flags_given(&a->cli->flags, "json"))
        cli_list_end(&list);
    return 0;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int adopt(struct adoption *a)
{
    struct err e;
    size_t n;
    manifests(a, &n);
    progress_begin(&a->progress, "adopting the cluster");
    progress_total(&a->progress, (uint32_t)n + STEPS_AROUND + a->has_approver);
    int r = read_version(a, &e);
    if (r == 0)
        r = read_cluster_info(a, &e);
    if (r < 0)
        return fail(a, &e);
    int status = tell_server(a);
    if (status != CLI_OK)
        return status;
    r = a->dry ? show(a, &e) : make(a, &e);
    if (r == 0)
        r = note_autoapproval(a, &e);
    if (r < 0)
        return fail(a, &e);
    status = a->dry ? CLI_OK : tell_server(a);
    progress_end(&a->progress);
    return status;
}

static void print(struct adoption *a)
{
    if (flags_given(&a->cli->flags, "json")) {
        cli_print_json(a->cluster);
        return;
    }
    cli_print_line("%s is adopted: it runs Kubernetes %u.%u.%u", a->name, a->version.major,
                   a->version.minor, a->version.patch);
    cluster_print(a->cluster, a->api.arena);
}

static int run_adopt(struct cli *c)
{
    struct adoption a = {
        .cli = c,
        .name = c->operands[0],
        .file = flags_value(&c->flags, "kubeconfig"),
        .hardens = flags_given(&c->flags, "hardened"),
        .dry = flags_given(&c->flags, "dry-run"),
    };
    if (!a.file)
        return cli_misuse(c, "--kubeconfig FILE is missing: that of an admin of the cluster");
    arena_init(&a.arena, 16384);
    a.arena.secret = true;
    int status = api_open(c, &a.api);
    if (status == CLI_OK)
        status = read_kubeconfig(&a);
    if (status == CLI_OK)
        status = ask_server(&a);
    if (status == CLI_OK)
        status = adopt(&a);
    if (status == CLI_OK && !a.dry)
        print(&a);
    apiserver_free(a.apiserver);
    api_close(&a.api);
    arena_done(&a.arena);
    return status;
}

const struct command command_cluster_adopt = {
    .name = "cluster adopt",
    .operands = "CLUSTER",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"kubeconfig", "FILE", "how to reach it as its admin; - is standard input"},
                   {"context", "NAME", "a context of it other than the current one"},
                   {"hardened", NULL, "no longer let the cluster approve certificates by itself"},
                   {"replace-ca", NULL, "accept another CA than the known one"},
                   {"dry-run", NULL, "only print what would be made"}, FLAG_JSON),
    .summary = "join nodes to a cluster that runs already",
    .help =
        "Makes the server's accounts in the cluster, gives their tokens to the server, and lets\n"
        "the nodes that wait for the cluster join. Run it again after a restore of the server,\n"
        "or when it was off for so long that its tokens have ended: an account's token lasts 90\n"
        "days.\n"
        "\n"
        "The kubeconfig must be a cluster admin's, for the endpoint that the seed tree declares,\n"
        "with a client certificate or a token. It is only read. Credentials that a program makes,\n"
        "and insecure-skip-tls-verify, are refused. Without --hardened the cluster's own approval\n"
        "of certificates stays as it is. What --dry-run prints is YAML for kubectl.\n"
        "\n"
        "Examples:\n"
        "  cloudseed cluster adopt homelab --kubeconfig ~/.kube/config --dry-run\n"
        "  ssh root@k8s-master-1 cat /etc/kubernetes/admin.conf |\n"
        "    cloudseed cluster adopt homelab --kubeconfig - --hardened\n",
    .run = run_adopt,
};
