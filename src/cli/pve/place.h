/* SPDX-License-Identifier: Apache-2.0 */
/* place: the host that a new VM is made on where `host: any` is declared. */
#ifndef CLOUDSEED_CLI_PVE_PLACE_H
#define CLOUDSEED_CLI_PVE_PLACE_H

#include "cli/pve/pve.h"
#include "model/proxmox.h"

/* What a VM that is not there yet will take. */
struct place_given {
    struct str host;
    int64_t bytes;
};

/* The memory that is declared, else the template's. `resources` is all of cluster/resources. */
int64_t place_memory(struct value resources, const struct proxmox *plan);

/* The host that has the most memory left, of equals the first by name; the template's where only
 * that reaches the template's disk, or none is known. What a host has left is its memory less what
 * its VMs may take, `given` among them, or less what is in use if that is more. Without Sys.Audit a
 * token is not shown hosts' memory: then the host whose VMs may take the least. In the arena. */
struct str place_any(struct pve *p, struct value resources, const struct pve_vm *template,
                     const struct place_given *given, size_t n, struct arena *a);

#endif
