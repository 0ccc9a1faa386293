/* SPDX-License-Identifier: Apache-2.0 */
/* What Prometheus asks for (docs/metrics.md): the server, its store, its clusters. All of it is
 * kept as numbers when it happens; nothing is counted here. */
#include "core/internal.h"

#include "core/answer.h"
#include "core/nodemetrics.h"
#include "model/event.h"

static void gauge(struct exposition *e, const char *name, const char *help, uint64_t n)
{
    exposition_family(e, name, "gauge", help);
    exposition_count(e, NULL, n);
}

static void counter(struct exposition *e, const char *name, const char *help, uint64_t n)
{
    exposition_family(e, name, "counter", help);
    exposition_count(e, NULL, n);
}

/* --- The server ------------------------------------------------------------------------------ */

/* Under the names that all of Prometheus' client libraries give it. */
static void write_process(const struct core *c, struct exposition *e)
{
    struct core_process p = {0};
    if (c->host.process)
        c->host.process(c->host.cls, &p);
    exposition_family(e, "process_cpu_seconds_total", "counter",
                      "User and system CPU time that was spent.");
    exposition_ns(e, NULL, p.cpu_ns);
    gauge(e, "process_resident_memory_bytes", "Resident memory.", p.resident_bytes);
    gauge(e, "process_virtual_memory_bytes", "Virtual memory.", p.virtual_bytes);
    gauge(e, "process_open_fds", "Open file descriptors.", p.open_fds);
    gauge(e, "process_max_fds", "How many file descriptors may be open.", p.max_fds);
    gauge(e, "cloudseed_disk_free_bytes", "What is free on the disk of the state folder.",
          p.disk_free_bytes);
    gauge(e, "cloudseed_disk_bytes", "Size of that disk.", p.disk_bytes);
    exposition_family(e, "process_start_time_seconds", "gauge",
                      "Start of the process, in seconds since 1970.");
    exposition_ms(e, NULL, c->started_wall_ms);
}

static const char *const tftp_ends[CORE_TFTP_ENDS] = {
    [CORE_TFTP_DONE] = "done",           [CORE_TFTP_REFUSED] = "refused",
    [CORE_TFTP_PROBED] = "probed",       [CORE_TFTP_ABORTED] = "aborted",
    [CORE_TFTP_TIMED_OUT] = "timed-out", [CORE_TFTP_UNANSWERED] = "unanswered",
    [CORE_TFTP_FAILED] = "failed",
};

static void write_transfers(const struct core_load *load, struct exposition *e)
{
    gauge(e, "cloudseed_tftp_transfers", "Transfers by TFTP under way.", load->transfers);
    exposition_family(e, "cloudseed_tftp_transfers_total", "counter",
                      "Transfers by TFTP that have ended.");
    for (int i = 0; i < CORE_TFTP_ENDS; i++)
        exposition_count(e, EXPOSITION_LABELS({"outcome", str_from(tftp_ends[i])}),
                         load->tftp_ended[i]);
    counter(e, "cloudseed_tftp_sent_bytes_total", "Bytes of files that TFTP has sent, once each.",
            load->tftp_bytes);
    counter(e, "cloudseed_tftp_blocks_total", "Blocks that TFTP has sent.", load->tftp_blocks);
    counter(e, "cloudseed_tftp_blocks_resent_total", "Blocks that TFTP has sent again.",
            load->tftp_resent);
}

static void write_server(const struct core *c, struct exposition *e, struct arena *a)
{
    struct core_load load = {0};
    if (c->host.load)
        c->host.load(c->host.cls, &load);
    exposition_family(e, "cloudseed_build_info", "gauge", "The server's version; always 1.");
    exposition_count(e, EXPOSITION_LABELS({"version", STR(CLOUDSEED_VERSION)}), 1);
    gauge(e, "cloudseed_ready", "Whether /readyz answers 200.", core_unready(c, a) == NULL);
    gauge(e, "cloudseed_connections", "Connections by HTTP that are open.", load.connections);
    gauge(e, "cloudseed_requests_open",
          "Requests that have begun and not ended, those that are held among them.", c->exchanges);
    counter(e, "cloudseed_http_sent_bytes_total", "Bytes of answers by HTTP, without heads.",
            load.http_bytes);
    write_transfers(&load, e);
}

/* --- The store ------------------------------------------------------------------------------- */

static void write_store(const struct core *c, struct exposition *e)
{
    struct store_stats s;
    struct err why;
    struct fleet_loss loss;
    struct fleet_counts counts;
    fleet_stats(c->fleet, &s);
    fleet_counts(c->fleet, &counts);
    gauge(e, "cloudseed_store_up", "Whether changes can be written.",
          fleet_healthy(c->fleet, &why));
    gauge(e, "cloudseed_store_lost", "Whether commits were lost, and no admin has acknowledged it.",
          fleet_lost(c->fleet, &loss));
    gauge(e, "cloudseed_store_queue", "Commits that wait to be written.", s.queued);
    counter(e, "cloudseed_store_commits_total", "Commits that were written.", s.commits);
    counter(e, "cloudseed_store_conflicts_total",
            "Commits that were refused, as a record had changed.", s.conflicts);
    counter(e, "cloudseed_store_syncs_total",
            "How often the disk was synced; commits share a sync.", s.groups);
    exposition_family(e, "cloudseed_store_commit_duration_seconds", "histogram",
                      "From a commit that is asked for to its end, the queue included.");
    exposition_histogram(e, NULL, counts.commit_seconds);
    gauge(e, "cloudseed_store_file_bytes", "Size of the state file.", s.file_bytes);
    gauge(e, "cloudseed_store_file_unused_bytes", "The part of it that is unused.", s.free_bytes);
    counter(e, "cloudseed_audit_lost_total", "Entries of the audit that could not be written.",
            fleet_audit_lost(c->fleet));
}

/* --- The seed tree and the certificates ------------------------------------------------------ */

static void write_seed(const struct core *c, struct exposition *e)
{
    counter(e, "cloudseed_reloads_total", "Reloads of the seed tree that have ended.", c->reloads);
    gauge(e, "cloudseed_reload_ok", "Whether the latest reload was taken; 1 before the first.",
          !c->reloads || c->reload_ok);
    exposition_family(e, "cloudseed_reload_duration_seconds", "gauge",
                      "How long the latest reload took.");
    exposition_ms(e, NULL, (int64_t)c->reload_ms);
    exposition_family(e, "cloudseed_seed_loaded_timestamp_seconds", "gauge",
                      "When the seed tree was loaded that is in use.");
    exposition_ms(e, NULL, c->loaded_wall_ms);
}

static void write_certificates(const struct core *c, struct exposition *e)
{
    exposition_family(e, "cloudseed_certificate_end_timestamp_seconds", "gauge",
                      "When the server's certificates end.");
    if (c->tls.ca_until_s)
        exposition_ms(e, EXPOSITION_LABELS({"certificate", STR("ca")}), c->tls.ca_until_s * 1000);
    if (c->tls.until_s)
        exposition_ms(e, EXPOSITION_LABELS({"certificate", STR("server")}), c->tls.until_s * 1000);
}

/* --- The clusters ---------------------------------------------------------------------------- */

/* Of the seed tree; those beyond are not shown. */
#define CLUSTERS_MAX 200

struct cluster_metrics {
    const struct core *core;
    struct exposition *e;
    struct arena *arena;
    struct str name;
    struct cluster_record record;
};

typedef void cluster_sample(const struct cluster_metrics *m);

static void each_cluster(const struct core *c, struct exposition *e, struct arena *a,
                         cluster_sample *sample)
{
    const struct tree *t = snapshot_tree(c->snapshot);
    struct cluster_metrics m = {.core = c, .e = e, .arena = a};
    for (uint32_t i = 0; i < tree_cluster_count(t) && i < CLUSTERS_MAX; i++) {
        m.name = tree_cluster(t, i)->name;
        fleet_cluster(c->fleet, m.name, a, &m.record);
        sample(&m);
    }
}

#define OF_CLUSTER(m) EXPOSITION_LABELS({"cluster", (m)->name})

static void phase(const struct cluster_metrics *m)
{
    const char *name = cluster_phase_names[m->record.phase];
    exposition_count(m->e, EXPOSITION_LABELS({"cluster", m->name}, {"phase", str_from(name)}), 1);
}

static void waiting(const struct cluster_metrics *m)
{
    exposition_count(m->e, OF_CLUSTER(m), hold_count(m->core, m->name));
}

static void stuck(const struct cluster_metrics *m)
{
    exposition_count(m->e, OF_CLUSTER(m), m->record.turn_stuck);
}

static void followed(const struct cluster_metrics *m)
{
    if (m->record.phase == CLUSTER_STANDING)
        exposition_count(m->e, OF_CLUSTER(m),
                         watchings_trouble(m->core->watchings, m->name) == NULL);
}

typedef void token_sample(const struct cluster_metrics *m, const struct cluster_token *t,
                          const struct exposition_label *labels);

static void each_token(const struct cluster_metrics *m, token_sample *sample)
{
    static const char *const names[] = {"minter", "approver"};
    for (int i = 0; i < CLUSTER_ACCOUNTS; i++) {
        const struct cluster_token *t = cluster_record_token(&m->record, (enum cluster_account)i);
        if (t->sealed.n)
            sample(m, t, EXPOSITION_LABELS({"cluster", m->name}, {"account", str_from(names[i])}));
    }
}

static void token_end(const struct cluster_metrics *m, const struct cluster_token *t,
                      const struct exposition_label *labels)
{
    exposition_ms(m->e, labels, t->expires_wall_ms);
}

static void token_late(const struct cluster_metrics *m, const struct cluster_token *t,
                       const struct exposition_label *labels)
{
    exposition_count(m->e, labels, t->is_late);
}

static void token_ends(const struct cluster_metrics *m)
{
    each_token(m, token_end);
}

static void tokens_late(const struct cluster_metrics *m)
{
    each_token(m, token_late);
}

static void certificate_end(const struct cluster_metrics *m)
{
    int64_t end_ms = checkups_certificate_end_ms(m->core->checkups, m->name);
    if (end_ms)
        exposition_ms(m->e, OF_CLUSTER(m), end_ms);
}

static void clock_ahead(const struct cluster_metrics *m)
{
    if (checkups_certificate_end_ms(m->core->checkups, m->name))
        exposition_ms(m->e, OF_CLUSTER(m), checkups_ahead_ms(m->core->checkups, m->name));
}

static void write_clusters(const struct core *c, struct exposition *e, struct arena *a)
{
    static const struct {
        const char *name, *help;
        cluster_sample *sample;
    } families[] = {
        {"cloudseed_cluster_info", "The clusters of the seed tree, and their phases; always 1.",
         phase},
        {"cloudseed_cluster_waiting_nodes",
         "Nodes whose requests are held until their cluster is there, or it is their turn.",
         waiting},
        {"cloudseed_cluster_stuck",
         "Whether the master whose turn it is has failed, while others wait.", stuck},
        {"cloudseed_cluster_up", "Whether the nodes of a cluster that stands are followed.",
         followed},
        {"cloudseed_cluster_token_end_timestamp_seconds",
         "When the tokens end by which a cluster knows this server.", token_ends},
        {"cloudseed_cluster_token_late", "Whether such a token should have been renewed long ago.",
         tokens_late},
        {"cloudseed_cluster_certificate_end_timestamp_seconds",
         "When the certificate ends that the cluster's API server has shown last.",
         certificate_end},
        {"cloudseed_cluster_clock_ahead_seconds",
         "By how much the API server's clock was ahead of ours then.", clock_ahead},
    };
    for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++) {
        exposition_family(e, families[i].name, "gauge", families[i].help);
        each_cluster(c, e, a, families[i].sample);
    }
    gauge(e, "cloudseed_mints", "Bootstrap tokens that clusters are asked for now.",
          mintings_count(c->mintings));
}

/* --- Events ---------------------------------------------------------------------------------- */

static void write_events(const struct core *c, struct exposition *e)
{
    struct fleet_counts counts;
    const struct event_kind *k;
    fleet_counts(c->fleet, &counts);
    exposition_family(e, "cloudseed_events_total", "counter",
                      "Events that this process has written to the journal.");
    for (size_t i = 0; (k = event_kind_at(i)); i++)
        exposition_count(e, EXPOSITION_LABELS({"kind", str_from(k->name)}), counts.events[i]);
}

static void write_traces(const struct core *c, struct exposition *e)
{
    struct tracing_stats s = {.sent = 0};
    if (c->tracing)
        tracing_stats(c->tracing, &s);
    counter(e, "cloudseed_traces_sent_total", "Boots that were sent to a collector.", s.sent);
    counter(e, "cloudseed_traces_lost_total", "Boots that could not be sent, and were given up.",
            s.lost);
    gauge(e, "cloudseed_traces_waiting", "Boots that wait to be sent.", s.waiting);
}

/* --- The answer ------------------------------------------------------------------------------ */

enum exchange_verdict admin_show_metrics(struct exchange *x, struct request_ctx *rq)
{
    struct core *c = rq->core;
    struct exposition e = {.to = &x->body};
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    buf_clear(&x->body);
    write_server(c, &e, &x->arena);
    write_process(c, &e);
    write_store(c, &e);
    write_seed(c, &e);
    write_certificates(c, &e);
    nodemetrics_write(c, &e);
    write_clusters(c, &e, &x->arena);
    write_events(c, &e);
    write_traces(c, &e);
    metrics_write(c->metrics, &e);
    if (x->body.full) {
        answer_problem(x, 500, "this is more than an answer can hold");
        return EXCHANGE_DONE;
    }
    x->out.status = 200;
    x->out.type = EXPOSITION_TYPE;
    x->out.cache = "no-store";
    x->out.body = buf_view(&x->body);
    return EXCHANGE_DONE;
}
