/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snippets: a node's seed as files in a storage of Proxmox VE (cicustom), for a VM whose SMBIOS
 * must stay as it is.
 *
 * The API takes no snippets: the files are written where the storage is mounted here. They hold
 * what the build window's key yields, that key too.
 */
#ifndef CLOUDSEED_CLI_PVE_SNIPPETS_H
#define CLOUDSEED_CLI_PVE_SNIPPETS_H

#include "cli/pve/session.h"

/* clang-format off */
#define FLAG_SNIPPETS {"snippets", "DIR", "the storage's folder for snippets, as it is mounted here"}
/* clang-format on */

/* "STORAGE:snippets/cloudseed-NODE-user.yaml,…": whether there is nothing but files of this node.
 * An empty text has none. */
bool snippets_are_of(struct str cicustom, struct str node);

/* Writes the files of a window to --snippets, and sets the VM's cicustom to their names in the
 * storage of --storage, else the only one that takes snippets. `window_url` is from the answer to
 * arm. CLI_FAILED or CLI_MISUSED after printing the reason. */
int snippets_put(struct pve_session *s, struct str node, const struct pve_vm *vm,
                 struct value config, struct str window_url);
/* Whether that can be done, before a window is opened. */
int snippets_check(struct pve_session *s, struct str node, const struct pve_vm *vm,
                   struct value config);
/* Takes cicustom from the VM, and removes the files, which needs --snippets. */
int snippets_drop(struct pve_session *s, struct str node, const struct pve_vm *vm,
                  struct value config);

#endif
