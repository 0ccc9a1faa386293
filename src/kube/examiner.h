/* SPDX-License-Identifier: Apache-2.0 */
/* examiner: fills port/checkup by asking the clusters' API servers for their version. */
#ifndef CLOUDSEED_KUBE_EXAMINER_H
#define CLOUDSEED_KUBE_EXAMINER_H

#include "port/checkup.h"
#include "port/fetch.h"

struct examiner;

struct examiner *examiner_new(const struct fetch_port *fetch, int64_t (*wall_ms)(void));
/* Valid as long as the examiner. */
const struct checkup_port *examiner_port(const struct examiner *e);
/* All checkups have been ended. NULL is fine. */
void examiner_free(struct examiner *e);

#endif
