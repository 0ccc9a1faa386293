/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a node before it joins: its definition, its build window, its boot. */
#include "cli/common/span.h"
#include "cli/doctor/doctor.h"

static struct str state_of(const struct doctor_facts *f)
{
    return api_text(f->node, "state");
}

static bool is_ready(const struct doctor_facts *f)
{
    return str_is(state_of(f), "ready");
}

static bool is_true(struct value map, const char *member)
{
    struct value v = value_get(map, str_from(member));
    return v.kind == VALUE_BOOL && v.b;
}

#define COMMAND(f, text) arena_printf((f)->arena, text, STR_ARG((f)->name))

/* --- node, documents ------------------------------------------------------------------------- */

struct finding doctor_node(const struct doctor_facts *f)
{
    struct str trouble = doctor_trouble(f->node);
    if (trouble.n && is_true(f->declared, "there"))
        return finding_wrong(f->arena, STR("run 'cloudseed reload'"),
                             "the seed tree on the disk has %.*s, and the server does not yet",
                             STR_ARG(f->name));
    if (trouble.n)
        return finding_wrong(
            f->arena,
            STR("run 'cloudseed node list'; a new node is declared in the seed tree, "
                "or made by 'cloudseed node add'"),
            "%.*s", STR_ARG(trouble));
    return finding_ok(f->arena, "%.*s is a %.*s, %.*s since %.*s", STR_ARG(f->name),
                      STR_ARG(api_text(f->node, "role")), STR_ARG(state_of(f)),
                      STR_ARG(api_when(f->node, "since", f->arena)));
}

struct finding doctor_documents(const struct doctor_facts *f)
{
    struct str check = api_text(f->node, "check"), first = api_text(f->faults, "first");
    bool is_faulty = api_number(f->faults, "errors", 0) > 0;
    if (is_faulty || str_is(check, "faulty"))
        return finding_wrong(f->arena,
                             STR("run 'cloudseed check', fix what it lists, and run 'cloudseed "
                                 "reload'"),
                             "%.*s",
                             STR_ARG(first.n ? first : STR("its rendered documents have faults")));
    if (str_is(check, "unchecked") && f->faults.kind != VALUE_MAP)
        return finding_unseen(f->arena, "the server has not checked its documents yet");
    return finding_ok(f->arena, "its documents can be rendered, and are valid");
}

/* --- window ---------------------------------------------------------------------------------- */

/* "; 4 fetches were refused, the last one at 10:12"; empty: none is known. */
static struct str refused_text(const struct doctor_facts *f)
{
    struct value refused = value_get(f->node, STR("refused"));
    long long times = (long long)api_number(refused, "times", 0);
    if (!times)
        return STR("");
    return arena_printf(f->arena, "; %lld fetch%s refused (%.*s), the last one %.*s", times,
                        times == 1 ? " was" : "es were", STR_ARG(api_text(refused, "reason")),
                        STR_ARG(api_when(refused, "last", f->arena)));
}

struct finding doctor_window(const struct doctor_facts *f)
{
    struct value window = value_get(f->node, STR("window"));
    bool locked = is_true(f->node, "locked");
    if (locked)
        return finding_wrong(f->arena,
                             COMMAND(f, "see 'alarms' below, then run 'cloudseed node unlock "
                                        "%.*s'"),
                             "the node is locked after an alarm: it is refused everything");
    if (is_ready(f))
        return finding_ok(f->arena, "%s",
                          window.kind == VALUE_MAP ? "it is ready; the window closes soon"
                                                   : "it is ready, and needs none");
    if (window.kind != VALUE_MAP)
        return finding_wrong(f->arena,
                             COMMAND(f, "run 'cloudseed node arm %.*s' (of a VM: cloudseed pve "
                                        "register), set the serial, and start the machine cold"),
                             "no build window is open: the node cannot join%.*s",
                             STR_ARG(refused_text(f)));
    return finding_ok(f->arena, "open until %.*s", STR_ARG(api_when(window, "ends", f->arena)));
}

/* --- dhcp ------------------------------------------------------------------------------------ */

/* A seed that comes over the network is fetched with an address by DHCP, whatever it says later. An
 * answer here would be that of this host's network, which need not be the node's. */
struct finding doctor_dhcp(const struct doctor_facts *f)
{
    struct value macs = value_get(f->node, STR("macs"));
    struct str mac = macs.kind == VALUE_LIST && macs.n ? value_text(macs.items[0]) : STR("");
    struct str network = api_text(f->declared, "network");
    return finding_unseen(
        f->arena,
        "on a host in %s%.*s run 'cloudseed doctor dhcp --interface NAME%s%.*s': it asks as the "
        "machine does",
        network.n ? "the network " : "the machine's network", STR_ARG(network),
        mac.n ? " --mac " : "", STR_ARG(mac));
}

/* --- boot ------------------------------------------------------------------------------------ */

static struct finding judge_file(const struct doctor_facts *f, struct value file)
{
    struct str url = api_text(file, "url"), asset = api_text(file, "asset"),
               trouble = doctor_trouble(file), hash = api_text(file, "sha256");
    int64_t status = api_number(file, "status", 0);
    struct str add =
        asset.n ? arena_printf(f->arena, "run 'cloudseed asset add FILE %.*s'", STR_ARG(asset))
                : STR("correct the URL under 'boot' of the role");
    if (trouble.n)
        return finding_wrong(f->arena, add, "%.*s: %.*s", STR_ARG(url), STR_ARG(trouble));
    if (status != 200 && status != 206)
        return finding_wrong(f->arena, add, "%.*s: the answer is %lld", STR_ARG(url),
                             (long long)status);
    if (hash.n)
        return finding_wrong(f->arena, add,
                             "the asset %.*s is not the file that was added: it %.*s",
                             STR_ARG(asset), STR_ARG(hash));
    return finding_ok(f->arena, "%.*s", STR_ARG(url));
}

struct finding doctor_boot(const struct doctor_facts *f)
{
    struct value files = value_get(f->boot, STR("files"));
    struct str kind = api_text(f->boot, "kind");
    if (f->boot.kind != VALUE_MAP)
        return finding_unseen(f->arena, "what it boots is in the seed tree, which cannot be read "
                                        "here");
    if (str_is(kind, "local"))
        return finding_ok(f->arena, "it boots its own disk");
    for (uint32_t i = 0; files.kind == VALUE_LIST && i < files.n; i++) {
        struct finding one = judge_file(f, files.items[i]);
        if (one.verdict != FINDING_OK)
            return one;
    }
    return finding_ok(f->arena, "all %u file%s that it boots from the network can be fetched",
                      files.n, files.n == 1 ? "" : "s");
}

/* --- refused, alarms, progress --------------------------------------------------------------- */

struct finding doctor_refused(const struct doctor_facts *f)
{
    struct str text = refused_text(f);
    if (value_get(f->node, STR("refused")).kind == VALUE_UNDEFINED)
        return finding_unseen(f->arena, "only the server's log has it: journalctl -u cloudseedd -g "
                                        "event=refused");
    if (text.n && !is_ready(f))
        return finding_wrong(f->arena, STR("start the machine again: its window is open now"),
                             "it was not served%.*s", STR_ARG(text));
    return finding_ok(f->arena, "no fetch of it was refused since it was served last");
}

struct finding doctor_alarms(const struct doctor_facts *f)
{
    long long alarms = (long long)api_number(f->node, "alarms", 0);
    struct str detail = api_text(f->node, "alarm_detail"), what = api_text(f->node, "alarm");
    int64_t at = api_time(f->alarm, "at"),
            opened = api_time(value_get(f->node, STR("window")), "opened");
    if (alarms && (is_true(f->node, "locked") || (opened >= 0 && at >= opened)))
        return finding_wrong(f->arena,
                             COMMAND(f,
                                     "run 'cloudseed events %.*s --kind alarm'; if it was a clone, "
                                     "give that a node of its own"),
                             "%lld alarm%s, the latest: %.*s%s%.*s", alarms, alarms == 1 ? "" : "s",
                             STR_ARG(what), detail.n ? ": " : "", STR_ARG(detail));
    if (alarms)
        return finding_ok(f->arena, "none in this window; %lld before", alarms);
    return finding_ok(f->arena, "there was none");
}

static struct str age_of_boot(const struct doctor_facts *f)
{
    struct value boot = value_get(f->node, STR("boot"));
    int64_t last = api_time(boot, "last");
    char text[SPAN_TEXT_SIZE];
    if (last < 0)
        return STR("");
    return arena_printf(f->arena, ", last heard of %s ago",
                        span_text((f->now_ms - last) / 1000, text));
}

struct finding doctor_progress(const struct doctor_facts *f)
{
    struct value failure = value_get(f->node, STR("failure"));
    struct str state = state_of(f), reason = api_text(failure, "reason");
    if (str_is(state, "failed") || failure.kind == VALUE_MAP)
        return finding_wrong(
            f->arena,
            COMMAND(f, "run 'cloudseed node show %.*s' for its log; when the cause is "
                       "fixed, arm it and start the machine again"),
            "it failed in %.*s%s%.*s", STR_ARG(api_text(failure, "stage")), reason.n ? ": " : "",
            STR_ARG(reason));
    if (str_is(state, "armed"))
        return finding_ok(f->arena, "no request of it has come since its window was opened");
    return finding_ok(f->arena, "it is %.*s%.*s", STR_ARG(state), STR_ARG(age_of_boot(f)));
}
