/* SPDX-License-Identifier: Apache-2.0 */
#include "model/kubeversion.h"

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
