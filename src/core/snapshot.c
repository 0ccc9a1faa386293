/* SPDX-License-Identifier: Apache-2.0 */
#include "core/snapshot.h"

#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct key_text {
    char text[SEED_KEY_LEN];
};

/* The nodes of a tree, with their keys and verdicts. */
struct node_set {
    struct tree *tree;
    struct key_text *keys;  /* of all nodes with the first secret, then with the second */
    struct map by_key;      /* index into `keys` */
    atomic_uchar *verdicts; /* enum check_verdict, one for each node */
    uint32_t nodes;
};

struct snapshot_base {
    struct node_set declared;
    struct scope_tables *tables;
    struct secrets secrets;
    struct sealed_values *values;
    atomic_uint refs; /* held by snapshots, which are made on any thread */
};

struct snapshot {
    struct snapshot_base *base;
    struct node_set registered; /* all zero: none */
    uint64_t version;
    uint32_t refs;
};

/* --- Making ---------------------------------------------------------------------------------- */

static struct str key_of(const void *keys, uint32_t number)
{
    const struct key_text *all = keys;
    return (struct str){all[number].text, SEED_KEY_LEN};
}

static void make_key(struct keyer *keyer, const struct node *n, struct key_text *ret)
{
    char key[SEED_KEY_LEN + 1];
    keyer_seed_key(keyer, n->uid, n->key_epoch, key);
    memcpy(ret->text, key, SEED_KEY_LEN);
}

/* The keys with secret number `which`; those of nodes that `before` has as well are copied. */
static void make_keys(struct node_set *p, const struct secret *secret, uint32_t which,
                      const struct node_set *before)
{
    struct keyer *keyer = keyer_new(secret);
    for (uint32_t i = 0; i < p->nodes; i++) {
        uint32_t at = which * p->nodes + i;
        uint32_t old = before ? tree_taken_from(p->tree, i, before->tree) : MAP_NONE;
        if (old == MAP_NONE)
            make_key(keyer, tree_node(p->tree, i), &p->keys[at]);
        else
            p->keys[at] = before->keys[which * before->nodes + old];
        map_put(&p->by_key, key_of, p->keys, at);
    }
    keyer_free(keyer);
}

static void node_set_init(struct node_set *p, struct tree *t, const struct secrets *secrets,
                          const struct node_set *before)
{
    p->tree = t;
    p->nodes = tree_node_count(t);
    uint32_t count = p->nodes * (uint32_t)secrets->n;
    p->keys = mem_zalloc(count ? count : 1, sizeof(*p->keys));
    p->verdicts = mem_zalloc(p->nodes ? p->nodes : 1, sizeof(*p->verdicts));
    map_reserve(&p->by_key, count);
    for (uint32_t i = 0; i < secrets->n; i++)
        make_keys(p, &secrets->list[i], i, before);
}

static void node_set_done(struct node_set *p)
{
    map_done(&p->by_key);
    tree_free(p->tree);
    free(p->verdicts);
    free(p->keys);
}

struct snapshot *snapshot_new(struct tree *t, const struct secrets *secrets)
{
    struct snapshot *s = mem_zalloc(1, sizeof(*s));
    struct snapshot_base *b = mem_zalloc(1, sizeof(*b));
    b->tables = scope_tables_new_for_answers(t);
    b->secrets = *secrets;
    node_set_init(&b->declared, t, secrets, NULL);
    atomic_init(&b->refs, 1);
    s->base = b;
    s->refs = 1;
    return s;
}

void snapshot_take_values(struct snapshot *s, struct sealed_values *values)
{
    s->base->values = values;
}

static void keep_verdicts(struct node_set *p, const struct node_set *before)
{
    for (uint32_t i = 0; i < p->nodes; i++) {
        uint32_t old = tree_taken_from(p->tree, i, before->tree);
        if (old != MAP_NONE)
            atomic_store(&p->verdicts[i], atomic_load(&before->verdicts[old]));
    }
}

struct snapshot *snapshot_extend(const struct snapshot *s, struct tree *registered,
                                 uint64_t version)
{
    struct snapshot *next = mem_zalloc(1, sizeof(*next));
    const struct node_set *before = s->registered.tree ? &s->registered : NULL;
    atomic_fetch_add(&s->base->refs, 1);
    next->base = s->base;
    next->version = version;
    next->refs = 1;
    node_set_init(&next->registered, registered, &s->base->secrets, before);
    if (before)
        keep_verdicts(&next->registered, before);
    return next;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
    s->refs++;
    return s;
}

static void base_unref(struct snapshot_base *b)
{
    if (atomic_fetch_sub(&b->refs, 1) > 1)
        return;
    sealed_values_free(b->values);
    scope_tables_free(b->tables);
    node_set_done(&b->declared);
    secrets_wipe(&b->secrets);
    free(b);
}

void snapshot_unref(struct snapshot *s)
{
    if (!s || --s->refs)
        return;
    node_set_done(&s->registered);
    base_unref(s->base);
    free(s);
}

/* --- What it is of --------------------------------------------------------------------------- */

const struct tree *snapshot_tree(const struct snapshot *s)
{
    return s->base->declared.tree;
}

const struct tree *snapshot_registered(const struct snapshot *s)
{
    return s->registered.tree;
}

const struct scope_tables *snapshot_tables(const struct snapshot *s)
{
    return s->base->tables;
}

const struct sealed_values *snapshot_values(const struct snapshot *s)
{
    return s->base->values;
}

struct str snapshot_url(const struct snapshot *s)
{
    return tree_site(snapshot_tree(s))->url;
}

uint64_t snapshot_version(const struct snapshot *s)
{
    return s->version;
}

bool snapshot_same_base(const struct snapshot *a, const struct snapshot *b)
{
    return a->base == b->base;
}

uint32_t snapshot_node_count(const struct snapshot *s)
{
    return s->base->declared.nodes + s->registered.nodes;
}

const struct node *snapshot_next(const struct snapshot *s, struct str after)
{
    const struct node *a = tree_next(s->base->declared.tree, after);
    const struct node *b = s->registered.tree ? tree_next(s->registered.tree, after) : NULL;
    if (!a || !b)
        return a ? a : b;
    return str_cmp(a->name, b->name) < 0 ? a : b;
}

bool snapshot_is_declared(const struct snapshot *s, const struct node *n)
{
    return tree_has(s->base->declared.tree, n);
}

/* --- Finding --------------------------------------------------------------------------------- */

/* The map compares texts only if 32 bits of their hashes agree, so that the time it takes reveals
 * nothing about a key to somebody who guesses. */
static const struct node *find_key(const struct node_set *p, struct str key)
{
    uint32_t number = map_find(&p->by_key, key_of, p->keys, key);
    return number == MAP_NONE ? NULL : tree_node(p->tree, number % p->nodes);
}

const struct node *snapshot_find_key(const struct snapshot *s, struct str key)
{
    const struct node *n = find_key(&s->base->declared, key);
    return n || !s->registered.tree ? n : find_key(&s->registered, key);
}

#define FIND(what, value)                                                     \
    const struct node *n = tree_find_##what(s->base->declared.tree, (value)); \
    return n || !s->registered.tree ? n : tree_find_##what(s->registered.tree, (value))

const struct node *snapshot_find_uid(const struct snapshot *s, struct str uid)
{
    FIND(uid, uid);
}

const struct node *snapshot_find_name(const struct snapshot *s, struct str name)
{
    FIND(name, name);
}

const struct node *snapshot_find_mac(const struct snapshot *s, struct mac mac)
{
    FIND(mac, mac);
}

const struct node *snapshot_find_uuid(const struct snapshot *s, struct uuid uuid)
{
    FIND(uuid, uuid);
}

const struct node *snapshot_find_serial(const struct snapshot *s, struct str serial)
{
    FIND(serial, serial);
}

const struct node *snapshot_find_address(const struct snapshot *s, struct address address)
{
    FIND(address, address);
}

/* --- What is known of a node ----------------------------------------------------------------- */

static const struct node_set *node_set_of(const struct snapshot *s, const struct node *n)
{
    return snapshot_is_declared(s, n) ? &s->base->declared : &s->registered;
}

static atomic_uchar *verdict_of(const struct snapshot *s, const struct node *n)
{
    const struct node_set *p = node_set_of(s, n);
    return &p->verdicts[tree_node_number(p->tree, n)];
}

struct str snapshot_node_key(const struct snapshot *s, const struct node *n)
{
    const struct node_set *p = node_set_of(s, n);
    return key_of(p->keys, tree_node_number(p->tree, n));
}

enum check_verdict snapshot_verdict(const struct snapshot *s, const struct node *n)
{
    return atomic_load_explicit(verdict_of(s, n), memory_order_relaxed);
}

void snapshot_set_verdict(struct snapshot *s, const struct node *n, enum check_verdict verdict)
{
    atomic_store_explicit(verdict_of(s, n), (unsigned char)verdict, memory_order_relaxed);
}
