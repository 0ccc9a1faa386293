/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recent: the newest events, in memory, for those who follow them.
 *
 * It knows no store and no watchers. For the files of fleet/.
 */
#ifndef CLOUDSEED_FLEET_RECENT_H
#define CLOUDSEED_FLEET_RECENT_H

#include "port/journal.h"

struct recent;

struct recent *recent_new(void);
void recent_free(struct recent *r);
/* Takes the newest events of the journal, unless there are others already. */
void recent_fill(struct recent *r, const struct store_page *newest_first);
void recent_add(struct recent *r, uint64_t id, const struct store_event *e);
const struct store_entry *recent_next(const struct recent *r, uint64_t after);
uint64_t recent_newest(const struct recent *r);

#endif
