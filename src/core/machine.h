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
/* Further MACs count as unreadable. */
#define MACHINE_MACS_MAX 8

struct machine {
    bool has_mac, has_uuid;
    struct mac mac; /* the first of `macs` */
    struct mac macs[MACHINE_MACS_MAX];
    uint8_t macs_n;
    struct uuid uuid;
    /* Escaped: scripts and events may show them. */
    struct str unreadable_mac;        /* not a MAC; p == NULL: all could be read */
    struct str reported_uuid;         /* the first one, as uuid_usual writes it; p == NULL: none */
    struct str placeholder_uuid;      /* the same if it identifies no machine; p == NULL: it may */
    struct str other_uuid;            /* another one beside it, also as text; p == NULL: none */
    struct str manufacturer, product; /* of SMBIOS: "QEMU", "Standard PC (Q35 + ICH9, 2009)" */
    struct str platform, arch;        /* of iPXE: "efi" or "pcbios", "x86_64" or "i386" */
};

/* From the query of /boot.ipxe. An empty uuid or a placeholder counts as not given, and other
 * fields are ignored. Texts live in the arena. */
struct machine machine_of_query(struct str query, struct arena *a);
/* From a path (EVIDENCE_COUNT: it has no evidence), whose evidence comes first, and a query. Other
 * evidence than a MAC or uuid is ignored. */
struct machine machine_of_request(enum evidence kind, struct str value, struct str query,
                                  struct arena *a);

#endif
