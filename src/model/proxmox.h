/* SPDX-License-Identifier: Apache-2.0 */
/* proxmox: what a node's VM in Proxmox VE is to be, as site, role and node declare it. */
#ifndef CLOUDSEED_MODEL_PROXMOX_H
#define CLOUDSEED_MODEL_PROXMOX_H

#include "base/arena.h"
#include "base/fault.h"

#define PROXMOX_TAGS_MAX 16
#define PROXMOX_DISKS_MAX 8

/* A disk beside that of the system. Empty texts: not declared. */
struct proxmox_disk {
    uint32_t gib;
    struct str slot; /* "scsi1" */
    struct str storage;
    struct str format; /* "raw", "qcow2" or "vmdk" */
    bool discard, ssd, backup;
};

/* When it is started with its host. 0: not declared. */
struct proxmox_startup {
    uint32_t order;
    uint32_t up_s, down_s; /* how long the next one waits when it is started, and shut down */
};

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
    const struct proxmox_disk *disks;
    uint32_t disks_n;
    struct proxmox_startup startup;
    struct place at; /* line 0: nothing is declared */
};

/* `top` where it declares something, else `base`; in the arena if it is neither of them. Each may
 * be NULL, and so is the result then. */
const struct proxmox *proxmox_merge(const struct proxmox *base, const struct proxmox *top,
                                    struct arena *a);

/* Where the disk of that number in `disks` is attached: as declared, else scsi1 and so on by its
 * place in the list. */
struct str proxmox_disk_slot(const struct proxmox *p, uint32_t number, struct arena *a);
/* A slot that Proxmox VE has for disks, other than those of IDE. */
bool proxmox_slot_valid(struct str s);

/* A tag as Proxmox VE keeps it. */
bool proxmox_tag_valid(struct str s);

#endif
