/* SPDX-License-Identifier: Apache-2.0 */
/* proxmox: what a node's VM in Proxmox VE is to be, as site, role and node declare it. */
#ifndef CLOUDSEED_MODEL_PROXMOX_H
#define CLOUDSEED_MODEL_PROXMOX_H

#include "base/arena.h"
#include "base/fault.h"

#define PROXMOX_TAGS_MAX 16

/* Empty texts and 0: not declared. */
struct proxmox {
    struct str endpoint; /* as `cloudseed pve login` named it */
    struct str host;     /* that the VM is made on */
    struct str pool, storage, bridge;
    struct str cpu;      /* its model */
    struct str firmware; /* "seabios", "ovmf" or "secure-boot" */
    struct str tpm;      /* its version, "v2.0" */
    const struct str *tags;
    uint32_t tags_n;
    uint32_t template_vmid; /* that it is cloned from */
    uint32_t cores, memory_mib, disk_gib;
    struct place at; /* line 0: nothing is declared */
};

/* `top` where it declares something, else `base`; in the arena if it is neither of them. Each may
 * be NULL, and so is the result then. */
const struct proxmox *proxmox_merge(const struct proxmox *base, const struct proxmox *top,
                                    struct arena *a);

/* A tag as Proxmox VE keeps it. */
bool proxmox_tag_valid(struct str s);

#endif
