/* SPDX-License-Identifier: Apache-2.0 */
/* disk: the disks of a VM: which one it boots from, how large it is, and growing it. */
#ifndef CLOUDSEED_CLI_PVE_DISK_H
#define CLOUDSEED_CLI_PVE_DISK_H

#include "cli/pve/pve.h"

/* The first disk of the boot order; without one the usual first disk: "scsi0". */
struct str disk_of_boot(struct value config);
/* Whether that option of the configuration is a volume that may hold data: no drive, and nothing of
 * the firmware's. */
bool disk_has_data(struct value config, struct str option);
/* In GiB, rounded down, of "local-lvm:vm-101-disk-0,size=20G"; 0: not known. */
uint32_t disk_gib(struct str text);
/* From its size to so many GiB; nothing if it is as large already, or gib is 0. */
int disk_grow(struct pve *p, const struct pve_vm *vm, struct str disk, uint32_t from_gib,
              uint32_t gib, struct err *e);
/* Whether all hosts reach that storage, as `host` says. */
int pve_is_shared(struct pve *p, struct str host, struct str storage, bool *ret, struct err *e);

#endif
