/* SPDX-License-Identifier: Apache-2.0 */
/* act: what admins do to nodes by the server: arm, disarm, unlock, rekey, reprovision, rm. */
#ifndef CLOUDSEED_CLI_NODE_ACT_H
#define CLOUDSEED_CLI_NODE_ACT_H

#include "cli/common/api.h"

int node_arm_run(struct cli *c);
int node_disarm_run(struct cli *c);
int node_unlock_run(struct cli *c);
int node_rekey_run(struct cli *c);
int node_reprovision_run(struct cli *c);
int node_rm_run(struct cli *c);

/* The body of "arm" by --for, VALUE_UNDEFINED without it. CLI_MISUSED after saying why. */
int node_act_window(struct cli *c, struct value *ret);
/* Prints what the machine is to be given, for people. */
void node_act_print_armed(struct api *api, struct value armed);

#endif
