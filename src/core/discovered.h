/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovered: machines that asked for their boot script and belong to no node.
 *
 * Any client that reaches the server can add machines, so there is room for DISCOVERED_MAX: a new
 * one replaces the one seen longest ago. The table is kept only in memory. It knows neither nodes
 * nor the time: the reader checks whether a machine has become a node's meanwhile.
 */
#ifndef CLOUDSEED_CORE_DISCOVERED_H
#define CLOUDSEED_CORE_DISCOVERED_H

#include "core/machine.h"
#include "model/address.h"

#define DISCOVERED_MAX 512

struct discovered;

struct discovered_machine {
    struct machine said;
    struct address peer; /* where the last request came from */
    int64_t first_wall_ms, last_wall_ms;
    uint64_t times; /* number of requests */
};

struct discovered *discovered_new(void);
/* Accepts NULL. */
void discovered_free(struct discovered *d);

/* Notes a request of the machine. Texts are copied, and cut at MACHINE_TEXT_MAX_BYTES or a NUL;
 * what this request leaves out stays as it was. A machine without a MAC is not noted. True if it is
 * new. */
bool discovered_note(struct discovered *d, const struct machine *m, struct address peer,
                     int64_t wall_ms);

/* Machine `i`, the last seen first; NULL behind the last. It is valid until the next
 * discovered_note. */
const struct discovered_machine *discovered_at(const struct discovered *d, uint32_t i);

#endif
