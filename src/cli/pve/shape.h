/* SPDX-License-Identifier: Apache-2.0 */
/* shape: what is declared of a node's VM, beside what the VM is. Pure. */
#ifndef CLOUDSEED_CLI_PVE_SHAPE_H
#define CLOUDSEED_CLI_PVE_SHAPE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/value.h"
#include "tree/tree.h"

/* All that is declared of one VM. */
struct pve_aim {
    struct str name;
    const struct proxmox *plan;
    struct str mac;     /* of the first card */
    struct str vlan;    /* of the first card; empty: none */
    struct str smbios1; /* empty: as it is */
    struct str uuid;    /* that is declared; empty: the VM's own stays */
    bool has_ms_cert;   /* the host takes ms-cert for the disk of UEFI */
    bool may_order;     /* the token may set `startup` */
};

/* The node's, else a locally administered one of its uid: the same each time, so that DHCP may know
 * it before the VM is there. `node` is our server's answer. */
struct str pve_first_mac(struct value node, struct arena *a);

/* Whether `startup` is declared. */
bool pve_is_ordered(const struct proxmox *p);

/* `n` is the tree's node, NULL for one that is not in the tree. */
struct pve_aim pve_aim(struct value node, const struct node *n, const struct proxmox *plan,
                       struct arena *a);

#define PVE_CHANGES_MAX (16 + PROXMOX_DISKS_MAX)

struct pve_change {
    const char *name;    /* the option's: "memory" */
    struct str from, to; /* `to` empty: it is deleted */
    bool is_cold;        /* a VM that runs takes it at its next cold start */
};

struct pve_growth {
    struct str disk; /* "scsi0" */
    uint32_t from_gib, to_gib;
};

struct pve_changes {
    struct pve_change list[PVE_CHANGES_MAX];
    size_t n;
    struct pve_growth grown[1 + PROXMOX_DISKS_MAX];
    size_t grown_n;
    struct str stays; /* what differs and is left as it is: "scsi1 has 40 GiB, …"; empty: nothing */
};

/* What differs of a VM's configuration, so that a second run changes nothing. What a template
 * brings beside it (its cards' other properties, for example) stays, and so do all disks.
 * -EINVAL: this cannot be set in the configuration; the message says why. */
int pve_compare(const struct pve_aim *aim, struct value config, struct arena *a,
                struct pve_changes *ret, struct err *e);

#endif
