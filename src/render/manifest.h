/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: checks documents for kubeadm and kubectl, which hold any number of objects.
 *
 * Each object must have apiVersion and kind. kubeadm's own are checked further (kubeadm.h);
 * anything else depends on the version of Kubernetes and is not checked.
 */
#ifndef CLOUDSEED_RENDER_MANIFEST_H
#define CLOUDSEED_RENDER_MANIFEST_H

#include "render/inspect.h"

/* `version` is the cluster's, as it is declared. */
void manifest_check(struct inspect *in, struct str text, struct str version,
                    struct yaml_documents *ret);
/* Of a file that may hold anything, only what is configuration of kubeadm, kubelet or kube-proxy.
 */
void manifest_check_config(struct inspect *in, const struct yaml_documents *docs,
                           struct str version);
/* The same of the files that a cloud-config writes; what is wrong in one is reported where its
 * content stands. */
void manifest_check_written(struct inspect *in, const struct yaml_node *config, struct str version);

#endif
