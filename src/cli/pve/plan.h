/* SPDX-License-Identifier: Apache-2.0 */
/* plan: what is to be done so that the VMs of all declared nodes are as declared. */
#ifndef CLOUDSEED_CLI_PVE_PLAN_H
#define CLOUDSEED_CLI_PVE_PLAN_H

#include "cli/pve/make.h"

#define PLAN_HOSTS_MAX 16

enum plan_action {
    PLAN_NONE,    /* it is as declared */
    PLAN_CREATE,  /* there is no VM */
    PLAN_FINISH,  /* there is one that has never been started */
    PLAN_CHANGE,  /* it differs */
    PLAN_FOREIGN, /* it was not made by us, and is left as it is */
    PLAN_LEFT,    /* a VM of ours whose node is not known any more */
    PLAN_PRUNE,   /* the same, and --prune names it */
    PLAN_UNKNOWN  /* its host does not answer, or the like: `why` */
};

/* A Proxmox VE host or cluster that a node's VM is on. */
struct plan_host {
    struct str name; /* as it is declared; empty: the only one */
    struct pve_session session;
    struct value resources;
    struct str url; /* our server's */
    bool *is_known; /* by index in `resources`: it is a node's */
    bool is_away;
    struct str why;
};

struct plan_item {
    struct str name;
    enum plan_action action;
    struct plan_host *at;
    const struct proxmox *plan;
    struct str host; /* where it is, or is to be */
    uint32_t vmid;   /* 0: none */
    bool runs;
    struct pve_changes changes;
    struct str why;
    int status; /* what has become of it */
    struct str said;
};

struct plan {
    struct cli *cli;
    const struct tree *tree;
    struct pve_session server; /* only our server */
    struct plan_host hosts[PLAN_HOSTS_MAX];
    size_t hosts_n;
    struct plan_item *items;
    size_t n, room;
    size_t failed;
};

/* Plans the VMs of the nodes that are the command's operands; without any those of all nodes of the
 * tree, and what is left of nodes that are gone. Changes nothing. A host that is away makes
 * PLAN_UNKNOWN of its nodes. `cli`, `tree` and `server` are set before; call plan_done in any case.
 * CLI_FAILED after printing the reason. */
int plan_make(struct plan *p);
void plan_done(struct plan *p);

bool plan_acts(const struct plan_item *it);

/* Whether a VM was made for a node of that name by this server: by the line in its description and
 * by its serial, as several servers may share a Proxmox VE. */
bool plan_is_left(struct plan_host *at, struct value config, struct str name);

#endif
