/* SPDX-License-Identifier: Apache-2.0 */
/*
 * turns: sees when the further master that has a cluster's turn has failed to join.
 *
 * The masters behind it wait for an admin then, which is an event at once: they may not ask for
 * long.
 */
#ifndef CLOUDSEED_CORE_TURNS_H
#define CLOUDSEED_CORE_TURNS_H

struct core;

void turns_start(struct core *c);
void turns_stop(struct core *c);

#endif
