/* SPDX-License-Identifier: Apache-2.0 */
/*
 * make: the steps from a declared node to its VM, and from a VM to what is declared now.
 *
 * Each looks first at what an earlier run has done, so that after a failure at any point the same
 * steps go on. What cannot be seen in the VM is written down by our server before it is begun.
 */
#ifndef CLOUDSEED_CLI_PVE_MAKE_H
#define CLOUDSEED_CLI_PVE_MAKE_H

#include "cli/pve/act.h"
#include "cli/pve/shape.h"

struct pve_making {
    struct pve_session session;
    const struct tree *tree;
    const char *name;
    struct value node; /* our server's answer */
    struct str host;   /* that a new VM is made on; empty: the plan's, or the template's */
    const struct proxmox *plan;
    struct str marker; /* the line in the VM's description by which it is ours */
    struct pve_vm vm;
    struct value config;
    struct str result; /* what has become of it: "VM 101 on pve1 is made and runs" */
    bool is_pretended; /* --dry-run: the VM is not there, `config` is its template's */
    /* Called when a step begins: "clone". NULL: nobody wants to know. */
    void (*step)(const char *what);
};

/* Asks our server for the node and finds what is declared of its VM, and the endpoint that this
 * names, unless --pve does. Call pve_making_close in any case. CLI_FAILED or CLI_MISUSED after
 * printing the reason, as of all that follows. */
int pve_making_open(struct cli *c, const struct tree *t, const char *name, struct pve_making *ret);
void pve_making_close(struct pve_making *m);

/* The node's VM, made, configured, registered and started unless --no-start is given. */
int pve_make(struct pve_making *m);
/* The node's VM is there, and changed to what is declared; its power is left as it is. */
int pve_adapt(struct pve_making *m);

/* Asks the host what `ret->plan` needs to know of its version. Nothing is asked if it needs none.
 */
int pve_aim_host(struct pve_session *s, struct pve_aim *ret);

/* Whether a VM's serial leads to our server at `url`, and smbios1 as it is to be: with the serial
 * of the window that is open, else with the old serial's key and the server's url of today. Empty:
 * as it is. */
int pve_serial_wanted(struct pve_session *s, const char *name, struct value config, struct str url,
                      struct str *ret);

#endif
