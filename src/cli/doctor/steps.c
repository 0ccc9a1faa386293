/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/doctor/doctor.h"

#define AFTER_MAX 3

struct step {
    const char *name;
    doctor_look *look;
    bool of_node;
    const char *after[AFTER_MAX]; /* steps without which this one cannot be well */
};

static const struct step steps[] = {
    {"server", doctor_server, false, {NULL}},
    {"store", doctor_store, false, {"server"}},
    {"tree", doctor_tree, false, {NULL}},
    {"certificate", doctor_certificate, false, {"server"}},
    {"clock", doctor_clock, false, {"server"}},
    {"url", doctor_url, false, {"server"}},
    {"https", doctor_https, false, {"server", "certificate", "clock"}},
    {"tftp", doctor_tftp, false, {"server"}},
    {"node", doctor_node, true, {"server"}},
    {"documents", doctor_documents, true, {"node"}},
    {"window", doctor_window, true, {"node"}},
    {"dhcp", doctor_dhcp, true, {"node"}},
    {"vm", doctor_vm, true, {"node"}},
    {"identity", doctor_identity, true, {"vm"}},
    {"serial", doctor_serial, true, {"vm"}},
    {"cold-start", doctor_pending, true, {"vm"}},
    {"drives", doctor_drives, true, {"vm"}},
    {"network", doctor_network, true, {"vm"}},
    {"power", doctor_power, true, {"vm"}},
    {"boot", doctor_boot, true, {"node", "url"}},
    {"refused", doctor_refused, true, {"node", "window"}},
    {"alarms", doctor_alarms, true, {"node"}},
    {"progress", doctor_progress, true, {"node"}},
    {"cluster", doctor_cluster, true, {"node"}},
    {"apiserver", doctor_apiserver, true, {"cluster"}},
    {"minter", doctor_minter, true, {"cluster"}},
    {"followed", doctor_followed, true, {"apiserver", "minter"}},
    {"order", doctor_order, true, {"cluster"}},
    {"ready", doctor_ready, true, {"cluster"}},
};

static enum verdict verdict_of(const struct finding_list *l, const char *step)
{
    for (size_t i = 0; i < l->n; i++) {
        if (strcmp(l->steps[i], step) == 0)
            return l->list[i].verdict;
    }
    return FINDING_OK;
}

/* NULL: it can be looked at. */
static const char *obstacle(const struct finding_list *l, const struct step *s)
{
    for (size_t i = 0; i < AFTER_MAX && s->after[i]; i++) {
        if (verdict_of(l, s->after[i]) != FINDING_OK)
            return s->after[i];
    }
    return NULL;
}

void doctor_walk(const struct doctor_facts *f, struct finding_list *ret)
{
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        const struct step *s = &steps[i];
        const char *before = obstacle(ret, s);
        if (s->of_node && !f->name.n)
            continue;
        finding_add(ret, s->name,
                    before ? finding_unseen(f->arena, "it depends on '%s'", before) : s->look(f));
    }
}

struct str doctor_trouble(struct value fact)
{
    return api_text(fact, "trouble");
}

struct value doctor_make_trouble(struct arena *a, const char *text)
{
    const struct value_pair pairs[] = {JSON_STR("trouble", arena_str(a, str_from(text)))};
    return value_copy(a, value_map(pairs, 1));
}
