/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubeadm: checks the objects of kubeadm's configuration, and of kubelet's and kube-proxy's beside
 * it.
 *
 * kubeadm's are checked for the version that the cluster's kubeadm reads, v1beta3 or v1beta4, by
 * the fields and types of its Go types and by what its validation asks; a field that is unknown,
 * which `kubeadm config validate` refuses and `kubeadm join` passes over, is a fault. Of kubelet's
 * and kube-proxy's only what is set most.
 */
#ifndef CLOUDSEED_RENDER_KUBEADM_H
#define CLOUDSEED_RENDER_KUBEADM_H

#include "render/inspect.h"

/* An object, of any group; `version` is the cluster's, as it is declared; empty: not known. */
void kubeadm_check(struct inspect *in, const struct yaml_node *object, struct str version);

#endif
