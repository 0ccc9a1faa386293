/* SPDX-License-Identifier: Apache-2.0 */
#include "render/verdict.h"

#include "render/aptkey.h"
#include "render/cloudconfig.h"
#include "render/manifest.h"
#include "render/netconfig.h"

enum kind {
    KIND_META_DATA,
    KIND_CONFIG,
    KIND_NETWORK,
    KIND_IPXE,
    KIND_MANIFEST,
    KIND_YAML,
    KIND_OPAQUE
};

static enum kind seed_kind(uint32_t file)
{
    if (file == SEED_META_DATA)
        return KIND_META_DATA;
    return file == SEED_NETWORK_CONFIG ? KIND_NETWORK : KIND_CONFIG;
}

/* Sealed files may be of any form: only names that promise one are held to it. */
static enum kind sealed_kind(struct str path)
{
    bool yaml =
        str_ends(path, STR(".yaml")) || str_ends(path, STR(".yml")) || str_ends(path, STR(".json"));
    return yaml ? KIND_YAML : KIND_OPAQUE;
}

unsigned verdict_kind(const struct node *n, struct document d)
{
    switch (d.kind) {
    case DOCUMENT_SEED: return seed_kind(d.number);
    case DOCUMENT_BOOT: return d.number == LOADER_IPXE ? KIND_IPXE : KIND_OPAQUE;
    case DOCUMENT_SEALED: return sealed_kind(n->role->sealed[d.number].path);
    default: return KIND_MANIFEST;
    }
}

/* The root of those that are one document. */
static void inspect_one(struct inspect *in, enum kind kind, struct str text,
                        const struct yaml_node **ret)
{
    if (kind == KIND_META_DATA)
        cloudconfig_check_meta_data(in, text, ret);
    else if (kind == KIND_CONFIG)
        cloudconfig_check(in, text, ret);
    else
        netconfig_check(in, text, ret);
}

/* By these bytes iPXE knows a script. */
static void check_ipxe(struct inspect *in, struct str text)
{
    if (!str_starts(text, STR("#!ipxe\n")))
        fault_add(in->faults, (struct place){in->file, 1, 1},
                  "iPXE takes it for no script: its first line must be #!ipxe, with nothing before "
                  "it");
}

static void keep_one(struct inspect *in, const struct yaml_node *root, struct yaml_documents *ret)
{
    ret->n = root != NULL;
    ret->list = ARENA_ARRAY(in->arena, const struct yaml_node *, 1);
    ret->list[0] = root;
}

void verdict_inspect(struct inspect *in, const struct node *n, struct document d, struct str text,
                     struct yaml_documents *ret)
{
    const struct yaml_node *root;
    enum kind kind = verdict_kind(n, d);
    *ret = (struct yaml_documents){0};
    switch (kind) {
    case KIND_IPXE: check_ipxe(in, text); break;
    case KIND_MANIFEST: manifest_check(in, text, ret); break;
    case KIND_YAML:
        if (yaml_parse_all(in->file, text, in->arena, in->faults, ret) < 0)
            *ret = (struct yaml_documents){0};
        break;
    case KIND_OPAQUE: break;
    default: inspect_one(in, kind, text, &root); keep_one(in, root, ret);
    }
    for (uint32_t i = 0; i < ret->n; i++)
        aptkey_check(in, ret->list[i]);
}
