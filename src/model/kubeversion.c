/* SPDX-License-Identifier: Apache-2.0 */
#include "model/kubeversion.h"

#include <stdio.h>

#define PART_MAX 9999

/* What stands behind the patch: "-rc.1", "+k3s1". */
static struct str without_suffix(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '-' && s.p[n] != '+')
        n++;
    return (struct str){s.p, n};
}

bool kubeversion_parse(struct str s, struct kubeversion *ret)
{
    uint64_t major, minor, patch;
    struct str rest = str_starts(s, STR("v")) ? str_skip(s, 1) : s;
    if (!str_to_u64(str_cut(&rest, '.'), PART_MAX, &major) || !rest.p ||
        !str_to_u64(str_cut(&rest, '.'), PART_MAX, &minor))
        return false;
    if (rest.p && !str_to_u64(without_suffix(rest), PART_MAX, &patch))
        return false;
    *ret = (struct kubeversion){(uint16_t)major, (uint16_t)minor, rest.p ? (int)patch : -1};
    return true;
}

const char *kubeversion_text(struct kubeversion v, char ret[KUBEVERSION_TEXT_SIZE])
{
    if (v.patch < 0)
        snprintf(ret, KUBEVERSION_TEXT_SIZE, "%u.%u", v.major, v.minor);
    else
        snprintf(ret, KUBEVERSION_TEXT_SIZE, "%u.%u.%d", v.major, v.minor, v.patch);
    return ret;
}
