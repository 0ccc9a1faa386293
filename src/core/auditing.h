/* SPDX-License-Identifier: Apache-2.0 */
/*
 * auditing: which exchanges the audit has, and what it says of them.
 *
 * All that an admin changes or tries to, what an admin reads of a node's secrets, what a node
 * fetches of its own and reports to join, and who was refused. Progress reports are events, and a
 * key that fits no node is not an entry: anyone can make one up. The row in route.c decides, so
 * that a route is not forgotten.
 */
#ifndef CLOUDSEED_CORE_AUDITING_H
#define CLOUDSEED_CORE_AUDITING_H

#include "port/exchange.h"

struct request_ctx;

/* When its row was found. */
void auditing_begin(struct exchange *x, struct request_ctx *rq);
/* At the end of an exchange. It is not waited for. */
void auditing_note(struct exchange *x, const struct request_ctx *rq);

#endif
