/* SPDX-License-Identifier: Apache-2.0 */
/*
 * deep: shows rendered documents to the programs that will read them, as far as they are installed
 * here: cloud-init, netplan and kubeadm.
 *
 * Documents that differ only in a node's names and addresses are shown once. What a program says
 * becomes a fault of the template. Documents hold placeholders for secrets, so that none is on disk
 * or in a message.
 */
#ifndef CLOUDSEED_CLI_TREE_DEEP_H
#define CLOUDSEED_CLI_TREE_DEEP_H

#include "cli/common/cli.h"
#include "config/config.h"
#include "render/scope.h"

enum { DEEP_CLOUD_INIT, DEEP_NETPLAN, DEEP_KUBEADM, DEEP_PROGRAMS };

struct deep_program {
    const char *name;
    bool usable;
    struct str version;  /* as it says itself; may be empty */
    const char *why_not; /* it is not usable */
    uint32_t documents;  /* that it was shown */
    uint32_t refused;
    uint32_t skipped; /* for other versions of it, or in a form that it does not check */
};

struct deep_result {
    struct deep_program programs[DEEP_PROGRAMS];
    uint32_t unfinished; /* documents that were not shown when time was over */
};

/* Takes at most some minutes, on all cores. -errno if nothing could be shown: no temporary folder,
 * or none of the programs. */
int deep_check(struct cli *c, const struct config *config, const struct tree *t,
               const struct scope_tables *tables, struct faults *faults, struct deep_result *ret,
               struct err *e);

#endif
