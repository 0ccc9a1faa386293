/* SPDX-License-Identifier: Apache-2.0 */
#include "model/variable.h"

/* The part that is counted as number `at`. */
static const struct value *find_part(const struct value *v, uint16_t at)
{
    const struct value *found = v->at == at ? v : NULL;
    for (uint32_t i = 0; v->kind == VALUE_LIST && !found && i < v->n; i++)
        found = find_part(&v->items[i], at);
    for (uint32_t i = 0; v->kind == VALUE_MAP && !found && i < v->n; i++) {
        found = find_part(&v->pairs[i].key, at);
        if (!found)
            found = find_part(&v->pairs[i].value, at);
    }
    return found;
}

bool variable_place(const struct variable *from, struct value v, struct place *ret)
{
    if (!v.at || v.at < from->first || v.at - from->first >= from->spots_n)
        return false;
    const struct value *part = find_part(&from->value, v.at);
    if (!part || !value_same(*part, v))
        return false;
    const struct spot *spot = &from->spots[v.at - from->first];
    *ret = (struct place){from->at.file, spot->line, spot->column};
    return true;
}

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
