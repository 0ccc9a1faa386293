/* SPDX-License-Identifier: Apache-2.0 */
#include "core/snapshot.h"

#include "base/map.h"

#include <stdlib.h>

struct key_text {
    char text[SEED_KEY_LEN];
};

struct snapshot {
    struct tree *tree;
    struct scope_tables *tables;
    char *url;
    struct key_text *keys;  /* of all nodes by the first secret, then by the second */
    struct map by_key;      /* to a number of keys */
    atomic_uchar *verdicts; /* enum check_verdict, of each node */
    uint32_t nodes;
    uint32_t refs;
};

static void *need(void *p)
{
    if (!p)
        abort();
    return p;
}

static struct str key_of(const void *keys, uint32_t number)
{
    const struct key_text *all = keys;
    return (struct str){all[number].text, SEED_KEY_LEN};
}

static void make_keys(struct snapshot *s, const struct secret *secret, uint32_t first)
{
    struct keyer *keyer = keyer_new(secret);
    for (uint32_t i = 0; i < s->nodes; i++) {
        const struct node *n = tree_node(s->tree, i);
        char key[SEED_KEY_LEN + 1];
        keyer_seed_key(keyer, n->uid, n->key_epoch, key);
        memcpy(s->keys[first + i].text, key, SEED_KEY_LEN);
        map_put(&s->by_key, key_of, s->keys, first + i);
    }
    keyer_free(keyer);
}

struct snapshot *snapshot_new(struct tree *t, const struct secrets *secrets, struct str url)
{
    struct snapshot *s = need(calloc(1, sizeof(*s)));
    s->tree = t;
    s->tables = scope_tables_new(t);
    s->url = need(strndup(url.p, url.n));
    s->nodes = tree_node_count(t);
    s->refs = 1;
    uint32_t count = s->nodes * (uint32_t)secrets->n;
    s->keys = need(calloc(count ? count : 1, sizeof(*s->keys)));
    s->verdicts = need(calloc(s->nodes ? s->nodes : 1, sizeof(*s->verdicts)));
    map_reserve(&s->by_key, count);
    for (uint32_t i = 0; i < secrets->n; i++)
        make_keys(s, &secrets->list[i], i * s->nodes);
    return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    s->refs++;
    return s;
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || --s->refs)
        return;
    map_done(&s->by_key);
    scope_tables_free(s->tables);
    tree_free(s->tree);
    free(s->verdicts);
    free(s->keys);
    free(s->url);
    free(s);
}

const struct tree *snapshot_tree(const struct snapshot *s)
{
    return s->tree;
}

const struct scope_tables *snapshot_tables(const struct snapshot *s)
{
    return s->tables;
}

struct str snapshot_url(const struct snapshot *s)
{
    return str_from(s->url);
}

/* The table compares texts only where 32 bits of their hash agree: how long that takes tells a
 * guesser nothing about a key that he does not have. */
const struct node *snapshot_find_key(const struct snapshot *s, struct str key)
{
    uint32_t number = map_find(&s->by_key, key_of, s->keys, key);
    return number == MAP_NONE ? NULL : tree_node(s->tree, number % s->nodes);
}

const struct node *snapshot_find_name(const struct snapshot *s, struct str name)
{
    return tree_find_name(s->tree, name);
}

const struct node *snapshot_next(const struct snapshot *s, struct str name)
{
    uint32_t low = 0, high = s->nodes;
    while (name.p && low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (str_cmp(tree_node(s->tree, middle)->name, name) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < s->nodes ? tree_node(s->tree, low) : NULL;
}

const struct node *snapshot_find_uid(const struct snapshot *s, struct str uid)
{
    return tree_find_name(s->tree, uid); /* a declared node's uid is its name */
}

struct str snapshot_node_key(const struct snapshot *s, const struct node *n)
{
    return key_of(s->keys, tree_node_number(s->tree, n));
}

enum check_verdict snapshot_verdict(const struct snapshot *s, const struct node *n)
{
    return atomic_load_explicit(&s->verdicts[tree_node_number(s->tree, n)], memory_order_relaxed);
}

void snapshot_set_verdict(struct snapshot *s, uint32_t number, enum check_verdict verdict)
{
    atomic_store_explicit(&s->verdicts[number], (unsigned char)verdict, memory_order_relaxed);
}
