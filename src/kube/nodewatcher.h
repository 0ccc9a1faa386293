/* SPDX-License-Identifier: Apache-2.0 */
/* nodewatcher: fills port/nodewatch by following the clusters' nodes (reflector.h). */
#ifndef CLOUDSEED_KUBE_NODEWATCHER_H
#define CLOUDSEED_KUBE_NODEWATCHER_H

#include "port/fetch.h"
#include "port/nodewatch.h"

struct nodewatcher;

struct nodewatcher_host {
    const struct fetch_port *fetch;
    struct alarm alarm; /* calls for nodewatcher_on_alarm */
    uint64_t (*boot_ms)(void);
};

struct nodewatcher *nodewatcher_new(const struct nodewatcher_host *host);
/* Valid as long as the nodewatcher. */
const struct nodewatch_port *nodewatcher_port(const struct nodewatcher *all);
void nodewatcher_on_alarm(struct nodewatcher *all);
/* All nodewatches have been ended. Not from within a wake. NULL is fine. */
void nodewatcher_free(struct nodewatcher *all);

#endif
