/* SPDX-License-Identifier: Apache-2.0 */
#include "render/manifest.h"

static void check_object(struct inspect *in, const struct yaml_node *y)
{
    const struct yaml_node *version, *kind;
    if (yaml_is_null(y) || !inspect_is(in, y, INSPECT_MAP, "a Kubernetes object"))
        return;
    version = yaml_get(y, STR("apiVersion"));
    kind = yaml_get(y, STR("kind"));
    if (version)
        inspect_rule(in, version, "apiVersion", inspect_not_empty);
    else
        inspect_fault(in, y, "'apiVersion' is missing from this object");
    if (kind)
        inspect_rule(in, kind, "kind", inspect_not_empty);
    else
        inspect_fault(in, y, "'kind' is missing from this object");
}

void manifest_check(struct inspect *in, struct str text, struct yaml_documents *ret)
{
    *ret = (struct yaml_documents){0};
    if (yaml_parse_all(in->file, text, in->arena, in->faults, ret) < 0)
        return;
    for (uint32_t i = 0; i < ret->n; i++)
        check_object(in, ret->list[i]);
}
