/* SPDX-License-Identifier: Apache-2.0 */
/* What Prometheus asks for (docs/metrics.md). All of it is kept as numbers when it happens; nothing
 * is counted here. */
#include "core/internal.h"

#include "core/answer.h"

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
    exposition_family(e, "process_resident_memory_bytes", "gauge", "Resident memory.");
    exposition_count(e, NULL, p.resident_bytes);
    exposition_family(e, "process_virtual_memory_bytes", "gauge", "Virtual memory.");
    exposition_count(e, NULL, p.virtual_bytes);
    exposition_family(e, "process_open_fds", "gauge", "Open file descriptors.");
    exposition_count(e, NULL, p.open_fds);
    exposition_family(e, "process_max_fds", "gauge", "How many file descriptors may be open.");
    exposition_count(e, NULL, p.max_fds);
    exposition_family(e, "process_start_time_seconds", "gauge",
                      "Start of the process, in seconds since 1970.");
    exposition_ms(e, NULL, c->started_wall_ms);
}

static void write_server(const struct core *c, struct exposition *e)
{
    struct core_load load = {0};
    if (c->host.load)
        c->host.load(c->host.cls, &load);
    exposition_family(e, "cloudseed_build_info", "gauge", "The server's version; always 1.");
    exposition_count(e, EXPOSITION_LABELS({"version", STR(CLOUDSEED_VERSION)}), 1);
    exposition_family(e, "cloudseed_connections", "gauge", "Connections by HTTP that are open.");
    exposition_count(e, NULL, load.connections);
    exposition_family(e, "cloudseed_requests_open", "gauge",
                      "Requests that have begun and not ended, those that are held among them.");
    exposition_count(e, NULL, c->exchanges);
    exposition_family(e, "cloudseed_tftp_transfers", "gauge", "Transfers by TFTP under way.");
    exposition_count(e, NULL, load.transfers);
}

/* --- The answer ------------------------------------------------------------------------------ */

enum exchange_verdict admin_show_metrics(struct exchange *x, struct request_ctx *rq)
{
    const struct core *c = rq->core;
    struct exposition e = {.to = &x->body};
    if (!admin_params(x, NULL, 0))
        return EXCHANGE_DONE;
    buf_clear(&x->body);
    write_server(c, &e);
    write_process(c, &e);
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
