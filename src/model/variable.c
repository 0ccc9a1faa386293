/* SPDX-License-Identifier: Apache-2.0 */
#include "model/variable.h"

const struct variable *variables_find(struct variables vars, struct str name)
{
    uint32_t from = 0, to = vars.n;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        int c = str_cmp(vars.list[middle].name, name);
        if (c == 0)
            return &vars.list[middle];
        if (c < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}
