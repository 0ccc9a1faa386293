/* SPDX-License-Identifier: Apache-2.0 */
/* session: what the commands of `cloudseed pve` share: the host, our server, and a node's VM. */
#ifndef CLOUDSEED_CLI_PVE_SESSION_H
#define CLOUDSEED_CLI_PVE_SESSION_H

#include "cli/common/api.h"
#include "cli/pve/props.h"
#include "cli/pve/pve.h"

/* clang-format off */
#define FLAG_PVE {"pve", "NAME", "the Proxmox host or cluster, as `pve login` named it"}
#define FLAG_TOKEN {"token-file", "FILE", "read the API token from FILE"}
#define FLAG_VMID {"vmid", "N", "the VM's id; without it, the VM that is named like the node"}
/* clang-format on */

struct pve_session {
    struct cli *cli;
    struct pve_endpoint endpoint;
    struct pve *pve;
    struct api api; /* our own server */
    struct arena arena;
};

/* Finds host and token, and with `asks_server` our server. Call pve_session_close in any case.
 * CLI_FAILED or CLI_MISUSED after printing the reason. */
int pve_session_open(struct cli *c, bool asks_server, struct pve_session *ret);
void pve_session_close(struct pve_session *s);

/* Prints what the host said, and what to do next where that is known; returns CLI_FAILED. */
int pve_session_fail(const struct pve_session *s, const struct err *e);

/* The VM of --vmid, or the only one with the node's name; CLI_FAILED or CLI_MISUSED after printing
 * why there is none. */
int pve_session_find(struct pve_session *s, const char *node, struct pve_vm *ret);

/* Whether a VM is the node's, as far as its declaration tells: by name, uuid and MAC. CLI_FAILED
 * after printing what differs. */
int pve_session_match(struct pve_session *s, struct value node, const struct pve_vm *vm,
                      struct value config);

#endif
