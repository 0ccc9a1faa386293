/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manifest: documents for kubeadm and for kubectl: any number of objects in one text.
 *
 * Each must say what it is; what a Kubernetes version takes beyond that is kubeadm's to know.
 */
#ifndef CLOUDSEED_RENDER_MANIFEST_H
#define CLOUDSEED_RENDER_MANIFEST_H

#include "render/inspect.h"

void manifest_check(struct inspect *in, struct str text, struct yaml_documents *ret);

#endif
