/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a node that joins: its cluster, whom it waits for, and its Node object. */
#include "cli/doctor/doctor.h"

#include <stdlib.h>

#define SKEW_MAX_MS 60000
#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define CERTIFICATE_DAYS 14 /* that are left */

static bool is_true(struct value map, const char *member)
{
    struct value v = value_get(map, str_from(member));
    return v.kind == VALUE_BOOL && v.b;
}

static bool joins(const struct doctor_facts *f)
{
    return !str_is(api_text(f->node, "bootstrap"), "none") && api_text(f->node, "cluster").n;
}

static struct str name_of(const struct doctor_facts *f)
{
    return api_text(f->node, "cluster");
}

static bool stands(const struct doctor_facts *f)
{
    return str_is(api_text(f->cluster, "phase"), "standing");
}

#define COMMAND(f, text, name) arena_printf((f)->arena, text, STR_ARG(name))

/* --- cluster --------------------------------------------------------------------------------- */

struct finding doctor_cluster(const struct doctor_facts *f)
{
    struct str name = name_of(f), trouble = doctor_trouble(f->cluster),
               phase = api_text(f->cluster, "phase");
    if (!joins(f))
        return finding_ok(f->arena, "its role joins none");
    if (f->cluster.kind != VALUE_MAP || api_number(f->cluster, "epoch", -1) < 0)
        return finding_wrong(f->arena, STR("run 'cloudseed cluster list'"),
                             "the cluster %.*s: %.*s", STR_ARG(name), STR_ARG(trouble));
    if (!is_true(f->cluster, "declared"))
        return finding_wrong(f->arena,
                             STR("declare it in clusters/ of the seed tree, and run 'cloudseed "
                                 "reload'"),
                             "the cluster %.*s is not in the seed tree any more", STR_ARG(name));
    if (str_is(phase, "unconfirmed"))
        return finding_wrong(f->arena,
                             COMMAND(f,
                                     "run 'cloudseed cluster adopt %.*s --kubeconfig FILE'; if it "
                                     "is gone, 'cloudseed cluster reset'",
                                     name),
                             "after a restore the server does not know whether the cluster %.*s "
                             "stands: nobody joins it",
                             STR_ARG(name));
    return finding_ok(f->arena, "%.*s: %.*s", STR_ARG(name), STR_ARG(phase));
}

/* --- apiserver, minter ----------------------------------------------------------------------- */

struct finding doctor_apiserver(const struct doctor_facts *f)
{
    struct str trouble = doctor_trouble(f->api), endpoint = api_text(f->api, "endpoint");
    int64_t date = api_number(f->api, "date_ms", -1), skew = date - f->now_ms;
    int64_t until = api_time(f->cluster, "certificate_end");
    if (!joins(f) || !stands(f))
        return finding_ok(f->arena, "%s", joins(f) ? "the cluster has none yet" : "none is needed");
    if (trouble.n)
        return finding_wrong(
            f->arena,
            STR("see that the endpoint's name or VIP leads to a running master, and "
                "that the firewall passes it"),
            "%.*s: %.*s", STR_ARG(endpoint), STR_ARG(trouble));
    if (f->api.kind != VALUE_MAP)
        return finding_unseen(f->arena, "it was not asked");
    if (date >= 0 && llabs(skew) > SKEW_MAX_MS)
        return finding_wrong(
            f->arena,
            STR("let NTP keep the clocks of masters and server: tokens end too early "
                "or too late"),
            "the clock of %.*s is %lld s %s the one here", STR_ARG(endpoint), llabs(skew) / 1000,
            skew > 0 ? "ahead of" : "behind");
    if (until >= 0 && until - f->now_ms < CERTIFICATE_DAYS * DAY_MS)
        return finding_wrong(f->arena,
                             STR("run 'kubeadm certs renew all' on each master, and restart its "
                                 "control plane"),
                             "the certificate of %.*s ends %.*s", STR_ARG(endpoint),
                             STR_ARG(api_when(f->cluster, "certificate_end", f->arena)));
    return finding_ok(f->arena, "%.*s answers, with the cluster's CA", STR_ARG(endpoint));
}

struct finding doctor_followed(const struct doctor_facts *f)
{
    struct str name = name_of(f), trouble = api_text(f->cluster, "trouble");
    if (!joins(f) || !stands(f))
        return finding_ok(f->arena, "%s",
                          joins(f) ? "the cluster does not stand yet" : "none is needed");
    if (trouble.n)
        return finding_wrong(f->arena, COMMAND(f, "run 'cloudseed cluster show %.*s'", name),
                             "the server cannot follow the nodes of %.*s: %.*s", STR_ARG(name),
                             STR_ARG(trouble));
    return finding_ok(f->arena, "the server follows the nodes of %.*s", STR_ARG(name));
}

struct finding doctor_minter(const struct doctor_facts *f)
{
    struct value minter = value_get(f->cluster, STR("minter")),
                 mint = value_get(f->node, STR("mint"));
    struct str end = api_when(minter, "expires", f->arena), trouble = api_text(minter, "trouble"),
               reason = api_text(mint, "reason");
    struct str how = COMMAND(f,
                             "run 'cloudseed cluster adopt %.*s --kubeconfig FILE': it makes the "
                             "server's accounts and tokens again",
                             name_of(f));
    int64_t until = api_time(minter, "expires");
    if (!joins(f) || !stands(f))
        return finding_ok(f->arena, "%s",
                          joins(f) ? "the first master brings it" : "none is needed");
    if (minter.kind != VALUE_MAP)
        return finding_wrong(f->arena, how, "the server has no token for the cluster");
    if (until >= 0 && until < f->now_ms)
        return finding_wrong(f->arena, how, "the server's token for the cluster ended %.*s",
                             STR_ARG(end));
    if (is_true(minter, "late"))
        return finding_wrong(
            f->arena, how, "the server's token for the cluster ends %.*s and is not renewed%s%.*s",
            STR_ARG(end), trouble.n ? ": " : "", STR_ARG(trouble));
    if (reason.n)
        return finding_wrong(f->arena, how, "no token is made for the node: %.*s", STR_ARG(reason));
    return finding_ok(f->arena, "the server's token for the cluster is valid until %.*s",
                      STR_ARG(end));
}

/* --- order ----------------------------------------------------------------------------------- */

static bool is_on_its_way(struct str state)
{
    static const char *const states[] = {"armed", "installing", "booting", "up", "joining", NULL};
    return str_in(state, states);
}

/* Of a cluster that nobody has made: whether any of its masters is on its way. */
static struct finding judge_masters(const struct doctor_facts *f)
{
    struct str idle = STR(""), failed = STR("");
    for (uint32_t i = 0; f->masters.kind == VALUE_LIST && i < f->masters.n; i++) {
        struct value master = f->masters.items[i];
        struct str name = api_text(master, "name"), state = api_text(master, "state");
        if (is_on_its_way(state))
            return finding_ok(f->arena,
                              str_eq(name, f->name) ? "it makes the cluster, when its turn comes"
                                                    : "it waits for %.*s, which is %.*s",
                              STR_ARG(name), STR_ARG(state));
        if (str_is(state, "failed"))
            failed = name;
        else
            idle = name;
    }
    if (failed.n)
        return finding_wrong(f->arena, COMMAND(f, "run 'cloudseed doctor %.*s'", failed),
                             "nobody makes the cluster: the master %.*s has failed",
                             STR_ARG(failed));
    if (idle.n)
        return finding_wrong(
            f->arena, COMMAND(f, "run 'cloudseed node arm %.*s' and start it", idle),
            "nobody makes the cluster: the master %.*s is not armed", STR_ARG(idle));
    return finding_wrong(f->arena,
                         STR("declare a node with a role whose bootstrap is 'master', or run "
                             "'cloudseed cluster adopt'"),
                         "the cluster %.*s has no master", STR_ARG(name_of(f)));
}

struct finding doctor_order(const struct doctor_facts *f)
{
    struct str waits = api_text(f->node, "waits"),
               turn = api_text(value_get(f->cluster, STR("turn")), "name");
    if (!joins(f))
        return finding_ok(f->arena, "it waits for no other");
    if (is_true(f->cluster, "stuck"))
        return finding_wrong(f->arena, COMMAND(f, "run 'cloudseed doctor %.*s'", turn),
                             "the master %.*s has the turn and has failed: no other master joins",
                             STR_ARG(turn));
    if (!stands(f))
        return judge_masters(f);
    return finding_ok(f->arena, "%.*s", STR_ARG(waits.n ? waits : STR("it waits for no other")));
}

/* --- ready ----------------------------------------------------------------------------------- */

struct finding doctor_ready(const struct doctor_facts *f)
{
    struct value kubernetes = value_get(f->node, STR("kubernetes"));
    struct str reason = api_text(kubernetes, "reason"), since = api_text(kubernetes, "since");
    bool is_ready = is_true(kubernetes, "ready"),
         was_ready = str_is(api_text(f->node, "state"), "ready") || since.n;
    if (!joins(f))
        return finding_ok(f->arena, "there is no Node to look at");
    if (is_ready)
        return finding_ok(f->arena, "the Node is Ready, %.*s",
                          STR_ARG(api_text(kubernetes, "kubelet")));
    if (kubernetes.kind == VALUE_MAP)
        return finding_wrong(
            f->arena,
            COMMAND(f,
                    "run 'kubectl describe node %.*s', and look at its kubelet and "
                    "network addon",
                    f->name),
            "the Node is not Ready: %.*s", STR_ARG(reason));
    if (was_ready)
        return finding_wrong(
            f->arena,
            COMMAND(f, "to build it again, run 'cloudseed node reprovision %.*s'", f->name),
            "the Node is gone from its cluster");
    return finding_ok(f->arena, "the cluster has no such Node yet");
}
