/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csrapprover: fills port/approver by following the clusters' certificate requests (reflector.h).
 *
 * Each is judged by approval.h, and once more right before it is approved, in the version that was
 * judged. kubeadm's binding is looked at once a minute.
 */
#ifndef CLOUDSEED_KUBE_CSRAPPROVER_H
#define CLOUDSEED_KUBE_CSRAPPROVER_H

#include "port/approver.h"
#include "port/fetch.h"

struct csrapprover;

struct csrapprover_host {
    const struct fetch_port *fetch;
    struct alarm alarm; /* calls for csrapprover_on_alarm */
    uint64_t (*boot_ms)(void);
};

struct csrapprover *csrapprover_new(const struct csrapprover_host *host);
/* Valid as long as the csrapprover. */
const struct approver_port *csrapprover_port(const struct csrapprover *all);
void csrapprover_on_alarm(struct csrapprover *all);
/* All approvers have been ended. Not from within a wake. NULL is fine. */
void csrapprover_free(struct csrapprover *all);

#endif
