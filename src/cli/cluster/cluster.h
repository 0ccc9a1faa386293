/* SPDX-License-Identifier: Apache-2.0 */
/* cluster: what the commands of clusters share. */
#ifndef CLOUDSEED_CLI_CLUSTER_CLUSTER_H
#define CLOUDSEED_CLI_CLUSTER_CLUSTER_H

#include "cli/common/api.h"

/* "/v1/clusters/NAME", or "/v1/clusters/NAME/ACTION" if `action` is not empty. */
struct str cluster_target(struct api *api, const char *name, const char *action);
/* Asks the server about the operand's cluster, and prints the answer; `body` may be undefined. */
typedef void cluster_printer(struct value answer, struct arena *a);
int cluster_ask(struct cli *c, const char *method, const char *action, struct value body,
                cluster_printer *print);
/* Prints a CLUSTER of docs/formats/api.md, a line for each thing that is known of it. */
void cluster_print(struct value cluster, struct arena *a);

#endif
