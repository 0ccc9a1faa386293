/* SPDX-License-Identifier: Apache-2.0 */
/*
 * discovered: machines that asked for their boot script and are no node's.
 *
 * Anyone who reaches the server can put machines in, so there is room for DISCOVERED_MAX: the one
 * seen longest ago goes for a new one. It is kept in memory alone. It knows neither nodes nor the
 * time: whether a machine is somebody's by now is its reader's question.
 */
#ifndef CLOUDSEED_CORE_DISCOVERED_H
#define CLOUDSEED_CORE_DISCOVERED_H

#include "core/machine.h"
#include "model/address.h"

#define DISCOVERED_MAX 512

struct discovered;

struct discovered_machine {
    struct machine said;
    struct address peer; /* where it asked from, the last time */
    int64_t first_wall_ms, last_wall_ms;
    uint64_t times; /* that it asked */
};

struct discovered *discovered_new(void);
/* Accepts NULL. */
void discovered_free(struct discovered *d);

/* Notes that the machine asked, from there. Its texts are copied, and end at MACHINE_TEXT_MAX_BYTES
 * or a NUL; what it leaves out this time stays as it was said before. Nothing without a MAC.
 * True where it was not there before. */
bool discovered_note(struct discovered *d, const struct machine *m, struct address peer,
                     int64_t wall_ms);

/* Number `i` of them, the one seen last first; NULL behind the last. It is good until the next
 * note. */
const struct discovered_machine *discovered_at(const struct discovered *d, uint32_t i);

#endif
