/* SPDX-License-Identifier: Apache-2.0 */
/*
 * audit: entries of the audit between fleet_audit and the store.
 *
 * Owns those that are not written yet, and how many were lost. It knows when a batch is due, but no
 * clock and no timer. For the files of fleet/.
 */
#ifndef CLOUDSEED_FLEET_AUDIT_H
#define CLOUDSEED_FLEET_AUDIT_H

#include "fleet/fleet.h"

struct audit;

struct audit *audit_new(void);
/* Accepts NULL. */
void audit_free(struct audit *a);
/* When audit_write is due; UINT64_MAX: never. */
uint64_t audit_due(const struct fleet *f);
void audit_write(struct fleet *f);
/* Whether the store answers a batch of the audit. */
bool audit_is_tag(uint64_t tag);
void audit_on_notice(struct fleet *f, const struct store_notice *n);
/* Gives all that waits to the store, which is about to stop. */
void audit_finish(struct fleet *f);

#endif
