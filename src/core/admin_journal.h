/* SPDX-License-Identifier: Apache-2.0 */
/*
 * admin_journal: pages of one of the store's journals, as admins ask for them.
 *
 * What an entry looks like, and which kinds there are, is the journal's own.
 */
#ifndef CLOUDSEED_CORE_ADMIN_JOURNAL_H
#define CLOUDSEED_CORE_ADMIN_JOURNAL_H

#include "core/internal.h"

struct admin_journal {
    enum store_journal journal;
    const char *member; /* of the answer: the list */
    /* False after a refusal. */
    bool (*check_kind)(struct exchange *x, struct str kind);
    struct value (*item)(const struct store_entry *e, struct arena *a);
};

enum exchange_verdict admin_journal_list(struct exchange *x, struct request_ctx *rq,
                                         const struct admin_journal *j);

#endif
