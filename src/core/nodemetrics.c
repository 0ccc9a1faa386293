/* SPDX-License-Identifier: Apache-2.0 */
#include "core/nodemetrics.h"

#include "core/internal.h"

/* --- How many -------------------------------------------------------------------------------- */

static void write_states(const struct core *c, struct exposition *e)
{
    const struct census_group *g;
    exposition_family(e, "cloudseed_nodes", "gauge", "Nodes by role, cluster and state.");
    for (uint32_t i = 0; (g = census_at(c->census, i)); i++) {
        for (int s = 0; s < STATE_COUNT; s++)
            exposition_count(e,
                             EXPOSITION_LABELS({"role", g->role}, {"cluster", g->cluster},
                                               {"state", str_from(node_state_names[s])}),
                             g->nodes[s]);
    }
}

static void write_checks(const struct core *c, struct exposition *e)
{
    exposition_family(e, "cloudseed_nodes_checked", "gauge",
                      "Nodes by what the check says of their documents.");
    for (int v = 0; v < CHECK_VERDICTS; v++)
        exposition_count(e, EXPOSITION_LABELS({"verdict", str_from(check_verdict_names[v])}),
                         snapshot_verdicts(c->snapshot, (enum check_verdict)v));
}

static void write_windows(const struct core *c, struct exposition *e)
{
    struct fleet_counts counts;
    fleet_counts(c->fleet, &counts);
    exposition_family(e, "cloudseed_windows", "gauge", "Build windows that are open.");
    exposition_count(e, NULL, counts.windows);
    exposition_family(e, "cloudseed_window_oldest_timestamp_seconds", "gauge",
                      "When the build window was opened that is open for longest.");
    if (counts.oldest_window_wall_ms)
        exposition_ms(e, NULL, counts.oldest_window_wall_ms);
}

static void write_discovered(const struct core *c, struct exposition *e)
{
    uint32_t n = 0;
    while (discovered_at(c->discovered, n))
        n++;
    exposition_family(e, "cloudseed_discovered_machines", "gauge",
                      "Machines that have asked for a boot script since the start, at most 512.");
    exposition_count(e, NULL, n);
}

/* --- Which ----------------------------------------------------------------------------------- */

struct problems {
    struct exposition *e;
    uint32_t shown;
    uint64_t dropped;
};

static void show(struct problems *p, const struct node *n, const char *kind)
{
    struct str cluster = n->cluster ? n->cluster->name : STR("");
    if (p->shown == NODEMETRICS_PROBLEMS_MAX) {
        p->dropped++;
        return;
    }
    p->shown++;
    exposition_count(p->e,
                     EXPOSITION_LABELS({"node", n->name}, {"cluster", cluster},
                                       {"role", n->role->name}, {"kind", str_from(kind)}),
                     1);
}

static void show_all(struct problems *p, const struct node *n, unsigned troubles)
{
    static const char *const kinds[] = {"failed", "locked", "alarm", "not-ready", "render-failed"};
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (troubles & 1U << i)
            show(p, n, kinds[i]);
    }
}

/* Behind those that are shown, nodes are not looked up: they are as many as the list says. */
static void show_troubled(const struct core *c, struct problems *p)
{
    const struct member *at = NULL;
    struct fleet_standing s;
    struct fleet_counts counts;
    struct str uid;
    int64_t since = core_wall_ms(c) - NODEMETRICS_ALARM_MS;
    fleet_counts(c->fleet, &counts);
    uint32_t left = counts.troubled;
    for (; p->shown < NODEMETRICS_PROBLEMS_MAX && fleet_troubled_at(c->fleet, &at, &uid, &s);
         left--) {
        const struct node *n = snapshot_find_uid(c->snapshot, uid);
        if (s.alarm_wall_ms < since)
            s.troubles &= ~(unsigned)TROUBLE_ALARM;
        if (n)
            show_all(p, n, s.troubles);
    }
    p->dropped += left;
}

static void show_faulty(const struct core *c, struct problems *p)
{
    const struct node *n;
    uint32_t at = 0, left = snapshot_verdicts(c->snapshot, CHECK_FAULTY);
    while (left && p->shown < NODEMETRICS_PROBLEMS_MAX &&
           (n = snapshot_next_verdict(c->snapshot, CHECK_FAULTY, &at))) {
        show(p, n, "faulty");
        left--;
    }
    p->dropped += left;
}

static void write_problems(const struct core *c, struct exposition *e)
{
    struct problems p = {.e = e};
    exposition_family(e, "cloudseed_node_problem", "gauge",
                      "Nodes that need somebody, and what for; always 1.");
    show_troubled(c, &p);
    show_faulty(c, &p);
    exposition_family(e, "cloudseed_node_problems_dropped", "gauge",
                      "About how many more there are than are shown.");
    exposition_count(e, NULL, p.dropped);
}

void nodemetrics_write(const struct core *c, struct exposition *e)
{
    write_states(c, e);
    write_checks(c, e);
    write_problems(c, e);
    write_windows(c, e);
    write_discovered(c, e);
}
