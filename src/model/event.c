/* SPDX-License-Identifier: Apache-2.0 */
#include "model/event.h"

const char *const event_kinds[] = {
    "created",
    "changed",
    "deleted",
    "rekeyed",
    "armed",
    "registered",
    "disarmed",
    "expired",
    "unlocked",
    "reprovisioned",
    "restored",
    "vm",
    "vm-gone",
    "vm-lost",
    "booting",
    "progress",
    "rebooted",
    "up",
    "identity",
    "joining",
    "waits",
    "render-failed",
    "minting",
    "mint-waits",
    "minted",
    "joined",
    "ready",
    "not-ready",
    "ready-again",
    "approved",
    "failed",
    "alarm",
    "locked",
    "cluster-init",
    "cluster-turn",
    "cluster-standing",
    "cluster-tokens",
    "cluster-adopted",
    "cluster-version",
    "cluster-certificate",
    "cluster-clock",
    "cluster-renewed",
    "cluster-late",
    "cluster-certs",
    "cluster-stuck",
    "cluster-request",
    "cluster-autoapproves",
    "cluster-hardened",
    "cluster-returning",
    "cluster-returned",
    "cluster-unconfirmed",
    "cluster-reset",
    "state-behind",
    "state-acknowledged",
    NULL,
};

bool event_kind_valid(struct str kind)
{
    for (size_t i = 0; event_kinds[i]; i++) {
        if (str_is(kind, event_kinds[i]))
            return true;
    }
    return false;
}
