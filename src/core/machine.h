/* SPDX-License-Identifier: Apache-2.0 */
/* machine: what a machine says of itself when it asks for its boot script. Nothing of it is proven.
 */
#ifndef CLOUDSEED_CORE_MACHINE_H
#define CLOUDSEED_CORE_MACHINE_H

#include "base/arena.h"
#include "model/mac.h"
#include "model/site.h"
#include "model/uuid.h"

/* Foreign text, cut to MACHINE_TEXT_MAX_BYTES; empty: not given. */
#define MACHINE_TEXT_MAX_BYTES 64

struct machine {
    bool has_mac, has_uuid;
    struct mac mac;
    struct uuid uuid;
    struct str manufacturer, product; /* of SMBIOS: "QEMU", "Standard PC (Q35 + ICH9, 2009)" */
    struct str platform, arch;        /* of iPXE: "efi" or "pcbios", "x86_64" or "i386" */
};

/* From the query of /boot.ipxe. An invalid MAC or uuid counts as not given, and other fields are
 * ignored. Texts live in the arena. */
struct machine machine_of_query(struct str query, struct arena *a);
/* From a path. Other evidence than a MAC or uuid is ignored. */
struct machine machine_of_evidence(enum evidence kind, struct str value);

#endif
