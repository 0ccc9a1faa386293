/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_yaml: a file of the seed tree, read as each kind of file in turn.
 *
 * What comes out must hold what the headers promise: places within the text, faults of one line
 * that a terminal may show, mappings whose keys are scalars and different, nesting with an end.
 */
#include "tree/load.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static uint32_t lines_in(struct str text)
{
    uint32_t n = 2; /* libyaml may see the end as a line of its own */
    for (size_t i = 0; i < text.n; i++)
        n += text.p[i] == '\n' || text.p[i] == '\r' || (unsigned char)text.p[i] >= 0x80;
    return n;
}

static void check_tree(const struct yaml_node *y, unsigned depth, uint32_t lines, unsigned *budget)
{
    need(y->line >= 1 && y->line <= lines && y->column >= 1 && depth <= YAML_DEPTH_MAX);
    if (*budget == 0)
        return;
    --*budget;
    if (y->kind == YAML_SCALAR)
        need(y->text[y->n] == '\0');
    for (uint32_t i = 0; y->kind == YAML_SEQUENCE && i < y->n; i++)
        check_tree(y->items[i], depth + 1, lines, budget);
    for (uint32_t i = 0; y->kind == YAML_MAPPING && i < y->n; i++) {
        need(y->pairs[i].key->kind == YAML_SCALAR);
        for (uint32_t j = 0; j < i && i < 100; j++)
            need(!str_eq(yaml_text(y->pairs[i].key), yaml_text(y->pairs[j].key)));
        check_tree(y->pairs[i].value, depth + 1, lines, budget);
    }
}

static void check_value(struct value v, unsigned *budget)
{
    need(v.kind != VALUE_UNDEFINED);
    if (*budget == 0)
        return;
    --*budget;
    for (uint32_t i = 0; v.kind == VALUE_LIST && i < v.n; i++)
        check_value(v.items[i], budget);
    for (uint32_t i = 0; v.kind == VALUE_MAP && i < v.n; i++) {
        need(v.pairs[i].key.kind == VALUE_STR);
        check_value(v.pairs[i].value, budget);
    }
}

static void check_variables(struct variables vars)
{
    unsigned budget = 10000;
    for (uint32_t i = 0; i < vars.n; i++) {
        need(i == 0 || str_cmp(vars.list[i - 1].name, vars.list[i].name) < 0);
        need(variables_find(vars, vars.list[i].name) == &vars.list[i]);
        check_value(vars.list[i].value, &budget);
    }
}

static void check_faults(const struct faults *faults, uint32_t lines)
{
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *f = &faults->list[i];
        need(f->at.line >= 1 && f->at.line <= lines && f->at.column >= 1 && f->msg[0]);
        for (const char *p = f->msg; *p; p++)
            need((unsigned char)*p >= 0x20 && *p != 0x7F);
    }
}

/* A tree without faults holds what its nodes were read as. */
static void check_nodes(const struct tree *t)
{
    for (uint32_t i = 0; i < t->nodes_n; i++) {
        const struct node *n = &t->nodes[i];
        need(node_name_valid(n->name) && n->role && n->key_epoch);
        need(n->macs_n <= NODE_MACS_MAX && n->addresses_n <= NODE_ADDRESSES_MAX);
        check_variables(n->variables);
    }
    check_variables(t->site.variables);
}

static void load_all(struct load *l, const struct yaml_node *root)
{
    uint32_t n = root->kind == YAML_MAPPING ? root->n : 0;
    l->templates_whole = l->clusters_whole = l->roles_whole = true;
    load_site_node(l, root);
    for (uint32_t i = 0; i < n; i++)
        load_cluster(l, &root->pairs[i]);
    map_done(&l->names);
    for (uint32_t i = 0; i < n; i++)
        load_role(l, &root->pairs[i]);
    load_link_roles(l);
    for (uint32_t i = 0; i < n; i++)
        load_node(l, &root->pairs[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tree *t = calloc(1, sizeof(*t));
    struct faults faults;
    struct load l;
    struct str text = {(const char *)data, size};
    uint32_t lines = lines_in(text);
    unsigned budget = 10000;
    if (!t)
        abort();
    faults_init(&faults);
    load_init(&l, t, &faults);
    const struct yaml_node *root = load_text(&l, "f", text);
    need(root || faults.errors);
    if (root) {
        check_tree(root, 0, lines, &budget);
        load_all(&l, root);
    }
    faults_sort(&faults);
    check_faults(&faults, lines);
    if (faults.errors == 0)
        check_nodes(t);
    load_done(&l);
    tree_free(t);
    faults_done(&faults);
    return 0;
}
