/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/tree.h"

#include "tree/extend.h"
#include "tree/load.h"

#include <stdlib.h>

void tree_free(struct tree *t)
{
    if (!t)
        return;
    index_done(&t->index);
    template_set_free(t->words);
    template_set_free(t->templates);
    free(t->nodes);
    if (!t->extension)
        free(t->clusters);
    extension_free(t->extension);
    arena_done(&t->arena);
    free(t);
}

const struct site *tree_site(const struct tree *t)
{
    return &t->site;
}

const struct template *tree_script(const struct tree *t, enum boot_loader loader,
                                   enum script_for whom)
{
    static const char *const names[LOADERS][3] = {
        [LOADER_IPXE] = {"ipxe/first", "ipxe/node", "ipxe/unknown"},
        [LOADER_GRUB] = {"grub/first", "grub/node", "grub/unknown"},
    };
    return t->templates ? template_set_find(t->templates, str_from(names[loader][whom])) : NULL;
}

uint32_t tree_node_count(const struct tree *t)
{
    return t->nodes_n;
}

const struct node *tree_node(const struct tree *t, uint32_t number)
{
    return &t->nodes[number];
}

uint32_t tree_node_number(const struct tree *t, const struct node *n)
{
    return (uint32_t)(n - t->nodes);
}

bool tree_has(const struct tree *t, const struct node *n)
{
    return (uintptr_t)n - (uintptr_t)t->nodes < t->nodes_n * sizeof(*t->nodes);
}

const struct node *tree_next(const struct tree *t, struct str after)
{
    uint32_t low = 0, high = t->nodes_n;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (str_cmp(t->nodes[middle].name, after) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < t->nodes_n ? &t->nodes[low] : NULL;
}

uint32_t tree_cluster_count(const struct tree *t)
{
    return t->clusters_n;
}

const struct cluster *tree_cluster(const struct tree *t, uint32_t number)
{
    return &t->clusters[number];
}

uint32_t tree_role_count(const struct tree *t)
{
    return t->roles_n;
}

const struct role *tree_role(const struct tree *t, uint32_t number)
{
    return &t->roles[number];
}

uint32_t tree_secret_count(const struct tree *t)
{
    return t->secrets_n;
}

struct str tree_secret(const struct tree *t, uint32_t number)
{
    return t->secrets[number];
}

static int compare_role(const void *name, const void *role)
{
    return str_cmp(*(const struct str *)name, ((const struct role *)role)->name);
}

const struct role *tree_find_role(const struct tree *t, struct str name)
{
    return t->roles_n ? bsearch(&name, t->roles, t->roles_n, sizeof(*t->roles), compare_role)
                      : NULL;
}

static int compare_cluster(const void *name, const void *cluster)
{
    return str_cmp(*(const struct str *)name, ((const struct cluster *)cluster)->name);
}

const struct cluster *tree_find_cluster(const struct tree *t, struct str name)
{
    return t->clusters_n
               ? bsearch(&name, t->clusters, t->clusters_n, sizeof(*t->clusters), compare_cluster)
               : NULL;
}

static const struct node *numbered(const struct tree *t, uint32_t number)
{
    return number == MAP_NONE ? NULL : &t->nodes[number];
}

const struct node *tree_find_name(const struct tree *t, struct str name)
{
    return numbered(t, index_find_name(&t->index, t->nodes, name));
}

const struct node *tree_find_mac(const struct tree *t, struct mac mac)
{
    return numbered(t, index_find_mac(&t->index, mac));
}

const struct node *tree_find_uuid(const struct tree *t, struct uuid uuid)
{
    return numbered(t, index_find_uuid(&t->index, t->nodes, uuid));
}

const struct node *tree_find_serial(const struct tree *t, struct str serial)
{
    return numbered(t, index_find_serial(&t->index, t->nodes, serial));
}

const struct node *tree_find_address(const struct tree *t, struct address address)
{
    return numbered(t, index_find_address(&t->index, t->nodes, address));
}

const struct node *tree_find_uid(const struct tree *t, struct str uid)
{
    return t->extension ? numbered(t, extension_find_uid(t->extension, uid))
                        : tree_find_name(t, uid); /* a declared node's uid is its name */
}
