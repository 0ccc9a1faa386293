/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeadm: checks the objects of kubeadm's own configuration against what the cluster's version of
 * it reads.
 *
 * What kubeadm refuses is a fault, what it passes over a warning. The fields are those of its Go
 * types, v1beta3 and v1beta4.
 */
#ifndef CLOUDSEED_RENDER_KUBEADM_H
#define CLOUDSEED_RENDER_KUBEADM_H

#include "render/inspect.h"

/* An object of kubeadm.k8s.io; `version` is the cluster's, as it is declared. */
void kubeadm_check(struct inspect *in, const struct yaml_node *object, struct str version);

#endif
