/* SPDX-License-Identifier: Apache-2.0 */
#include "model/node.h"

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool node_name_valid(struct str name)
{
    if (name.n == 0 || name.n > NODE_NAME_MAX)
        return false;
    for (size_t i = 0; i < name.n; i++) {
        bool edge = i == 0 || i == name.n - 1;
        if (!is_letter_or_digit(name.p[i]) && (edge || name.p[i] != '-'))
            return false;
    }
    return true;
}
