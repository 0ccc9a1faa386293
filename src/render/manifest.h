/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: checks documents for kubeadm and kubectl, which hold any number of objects.
 *
 * Each object must have apiVersion and kind. Anything else depends on the version of Kubernetes and
 * is not checked.
 */
#ifndef CLOUDSEED_RENDER_MANIFEST_H
#define CLOUDSEED_RENDER_MANIFEST_H

#include "render/inspect.h"

void manifest_check(struct inspect *in, struct str text, struct yaml_documents *ret);

#endif
