/* SPDX-License-Identifier: Apache-2.0 */
/* act: what is done to a node's VM, by a command of its own or as a part of another. */
#ifndef CLOUDSEED_CLI_PVE_ACT_H
#define CLOUDSEED_CLI_PVE_ACT_H

#include "cli/pve/session.h"
#include "tree/tree.h"

/* What the seed tree declares of a node's VM; of a registered node its role says it. NULL: nothing.
 * `node` is our server's answer. */
const struct proxmox *pve_plan(const struct tree *t, struct value node);

/* The same with the host and the template that `pve replace` was given. */
const struct proxmox *pve_plan_as_asked(struct pve_session *s, const struct proxmox *declared);

/* Whether `pve replace --dry-run` goes on as if that VM, our server's answer about it, were given
 * up. */
bool pve_would_give_up(const struct pve_session *s, struct value vm);

struct pve_registered {
    struct str ends; /* of the build window */
    bool pending;    /* the VM runs, and takes the serial at its next cold start */
};

/* Writes down which VM is the node's, opens its window unless that is open, and sets the VM's
 * serial. `node` is our server's answer, `config` the VM's. CLI_FAILED after printing the reason.
 */
int pve_register(struct pve_session *s, struct value node, const struct pve_vm *vm,
                 struct value config, struct pve_registered *ret);

/* Each waits until the VM has come to that state; it is no failure if it is in it already. */
int pve_start(struct pve_session *s, const struct pve_vm *vm);
int pve_stop_hard(struct pve_session *s, const struct pve_vm *vm);
/* Asks it to shut down, and cuts its power if it has not after a minute. */
int pve_shut_down(struct pve_session *s, const struct pve_vm *vm);

/* Refuses a VM that has more disks than that of its system, unless --with-data is given. */
int pve_need_no_data(struct pve_session *s, const struct pve_vm *vm, struct value config);
/* With its disks. */
int pve_remove(struct pve_session *s, const struct pve_vm *vm);

#endif
