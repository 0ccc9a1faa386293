/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wake: how those who wait are told to go on.
 *
 * Whoever waits is known by a slot's name, never by a pointer: waking somebody who has left
 * meanwhile reaches nobody. All of it happens on the loop's thread.
 */
#ifndef CLOUDSEED_PORT_WAKE_H
#define CLOUDSEED_PORT_WAKE_H

#include "base/slots.h"

/* Who can wake them. */
struct wake {
    void (*call)(void *cls, struct slot_ref who);
    void *cls;
};

/* The loop's promise to call core_tick when the boot-time clock reaches `due_boot_ms`; a later call
 * takes the place of an earlier one, UINT64_MAX means never. */
struct alarm {
    void (*set)(void *cls, uint64_t due_boot_ms);
    void *cls;
};

#endif
