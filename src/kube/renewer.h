/* SPDX-License-Identifier: Apache-2.0 */
/* renewer: fills port/renewal by TokenRequests to the clusters' API servers. */
#ifndef CLOUDSEED_KUBE_RENEWER_H
#define CLOUDSEED_KUBE_RENEWER_H

#include "port/fetch.h"
#include "port/renewal.h"

struct renewer;

struct renewer *renewer_new(const struct fetch_port *fetch);
/* Valid as long as the renewer. */
const struct renewal_port *renewer_port(const struct renewer *r);
/* All renewals have been ended. NULL is fine. */
void renewer_free(struct renewer *r);

#endif
