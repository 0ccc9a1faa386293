/* SPDX-License-Identifier: Apache-2.0 */
/*
 * probe: whether something answers at a cluster's endpoint.
 *
 * Before anyone makes the cluster: an API server there is one too many. Any sign of TLS counts, as
 * nothing is known yet that could be trusted. A balancer that takes connections and closes them,
 * because it has no server, does not count, and neither does an endpoint that cannot be reached.
 */
#ifndef CLOUDSEED_CORE_PROBE_H
#define CLOUDSEED_CORE_PROBE_H

#include "fleet/cluster.h"
#include "port/exchange.h"
#include "port/fetch.h"

/* `return probe_endpoint(…)`: goes on with `then` after a few seconds at most, with
 * CLUSTER_UNPROBED where too many requests are under way. `endpoint` is "HOST:PORT"; without a port
 * for requests nothing answers. The result is of that moment and must not be kept. */
typedef enum exchange_verdict probe_then(struct exchange *x, void *state, enum cluster_probe found);
enum exchange_verdict probe_endpoint(struct exchange *x, const struct fetch_port *port,
                                     struct str endpoint, probe_then *then, void *state);

#endif
