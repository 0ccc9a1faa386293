/* SPDX-License-Identifier: Apache-2.0 */
/* kubeversion: a version of Kubernetes, and which configuration its kubeadm reads. */
#ifndef CLOUDSEED_MODEL_KUBEVERSION_H
#define CLOUDSEED_MODEL_KUBEVERSION_H

#include "base/str.h"

struct kubeversion {
    uint16_t major, minor;
    int patch; /* -1: any */
};

/* "1.29", "1.29.15", and as programs say it: "v1.29.15", "v1.30.2+k3s1", "v1.36.0-rc.1". */
bool kubeversion_parse(struct str s, struct kubeversion *ret);

#define KUBEVERSION_TEXT_SIZE 32
/* "1.29.15", or "1.29" without a patch. Returns `ret`. */
const char *kubeversion_text(struct kubeversion v, char ret[KUBEVERSION_TEXT_SIZE]);

/* kubeadm joins a cluster only of its own minor version, and kubelet comes with it. */
static inline bool kubeversion_same_minor(struct kubeversion a, struct kubeversion b)
{
    return a.major == b.major && a.minor == b.minor;
}

/* kubeadm's configuration: v1beta3 came with 1.22 and went with 1.37, v1beta4 came with 1.31. */
#define KUBEVERSION_OLDEST 22 /* minor versions of 1 */
#define KUBEVERSION_V1BETA4 31
#define KUBEVERSION_WITHOUT_V1BETA3 37
#define KUBEVERSION_NEWEST 37 /* that this server was made for */

#endif
