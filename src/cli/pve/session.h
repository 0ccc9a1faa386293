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
#define FLAG_YES {"yes", NULL, "ask nothing"}
/* Of `pve rebuild` and `pve replace`. */
#define FLAGS_AGAIN                                                              \
    FLAG_YES, {"drained", NULL, "nothing runs on the node, though it is Ready"}, \
    {"template", "VMID", "the template, instead of the one that is declared"},   \
    FLAG_DRY_RUN, FLAG_WINDOW, FLAG_PVE, FLAG_TOKEN, FLAG_JSON
#define FLAG_DRY_RUN {"dry-run", NULL, "only print the requests that would change something"}
/* clang-format on */

struct pve_session {
    struct cli *cli;
    struct pve_endpoint endpoint;
    struct pve *pve;
    struct api api; /* our own server */
    struct arena arena;
};

/* Finds host and token. With --dry-run nothing that changes something is sent to it. Call
 * pve_session_close in any case. CLI_FAILED or CLI_MISUSED after printing the reason. */
int pve_session_reach(struct cli *c, struct pve_session *ret);
/* The same in two parts: our server first, then the endpoint of --pve, else the one given, else the
 * only one that there is. */
int pve_session_server(struct cli *c, struct pve_session *ret);
int pve_session_host(struct pve_session *s, struct str endpoint);
bool pve_session_is_dry(const struct pve_session *s);
/* Finds host, token and our server. Call pve_session_close in any case.
 * CLI_FAILED or CLI_MISUSED after printing the reason. */
int pve_session_open(struct cli *c, struct pve_session *ret);
void pve_session_close(struct pve_session *s);

/* Prints what the host said, and what to do next where that is known; returns CLI_FAILED. */
int pve_session_fail(const struct pve_session *s, const struct err *e);

/* The VM's id that an option gives; 0: it is not given. CLI_MISUSED after printing that it is
 * none. */
int pve_given_id(const struct cli *c, const char *option, uint32_t *ret);

/* The VM of --vmid, the one that our server knows of the node, or the only one with its name, in
 * this order. `node` is our server's answer about it. CLI_FAILED or CLI_MISUSED after printing why
 * there is none. */
int pve_session_find(struct pve_session *s, struct value node, struct pve_vm *ret);
/* Our server's answer about a node. Its VMs that were given up are disarmed first (tomb.h). */
int pve_session_node(struct pve_session *s, const char *name, struct value *ret);
/* Prints what has become of a node's VM, as a line or as JSON; nothing with --dry-run. */
void pve_session_report(const struct pve_session *s, const char *name, const struct pve_vm *vm,
                        struct str message);
/* A request to our server that changes something: with --dry-run it is printed, and answered with
 * nothing. */
int pve_session_tell(struct pve_session *s, const char *method, struct str target,
                     struct value body, struct api_answer *ret);
/* Where nodes find our server. */
int pve_session_url(struct pve_session *s, struct str *ret);
/* Tells our server which VM is the node's; it knows one for each. */
int pve_session_remember(struct pve_session *s, struct str name, const struct pve_vm *vm);
int pve_session_forget(struct pve_session *s, struct str name);

/* Whether one of its network cards has it. */
bool pve_has_mac(struct value config, struct str mac);
/* Whether a VM is the node's, as far as its declaration tells: by name, uuid and MAC. CLI_FAILED
 * after printing what differs. */
int pve_session_match(struct pve_session *s, struct value node, const struct pve_vm *vm,
                      struct value config);
/* The same of one that our server knows and `pve create` has made: its uuid is set to the node's.
 */
int pve_session_match_made(struct pve_session *s, struct value node, const struct pve_vm *vm,
                           struct value config);

/* Whether `pve create` has made the VM for this node: by the line in its description. */
bool pve_session_owns(struct pve_session *s, struct value node, struct value config);
/* Whether a VM without that line may still be the node's, as its description may have been changed:
 * it has the node's name or MAC. Another one has got the id before the node's clone began. */
bool pve_may_be(struct pve_session *s, struct value node, struct value config);

/* Not for a node that is Ready in its cluster, as far as our server knows, unless that option is
 * given. CLI_FAILED after printing how to drain it. */
int pve_session_idle(const struct pve_session *s, struct value node, const char *option);

/* The same with --drained, and not a master that is a member of its etcd: for what raises the
 * node's generation. */
int pve_session_rebuildable(const struct pve_session *s, struct value node);

/* With --yes or --dry-run, or if the admin types the node's name, which is the first operand.
 * `what` follows "This". CLI_FAILED or CLI_MISUSED after printing that nothing was done. */
int pve_session_confirm(const struct pve_session *s, struct str what);

#endif
