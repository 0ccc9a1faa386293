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
    atomic_uint counts[CHECK_VERDICTS]; /* of the verdicts */
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
    /* What is not as it was in another one. */
    const struct snapshot *compared; /* NULL: none */
    struct snapshot_change *changes;
    uint32_t changes_n, changes_room;
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
    atomic_store(&p->counts[CHECK_UNCHECKED], p->nodes);
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

static void set_verdict(struct node_set *p, uint32_t i, unsigned char verdict)
{
    unsigned char before = atomic_exchange_explicit(&p->verdicts[i], verdict, memory_order_relaxed);
    atomic_fetch_sub_explicit(&p->counts[before], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&p->counts[verdict], 1, memory_order_relaxed);
}

static void keep_verdicts(struct node_set *p, const struct node_set *before)
{
    for (uint32_t i = 0; i < p->nodes; i++) {
        uint32_t old = tree_taken_from(p->tree, i, before->tree);
        if (old != MAP_NONE)
            set_verdict(p, i, atomic_load(&before->verdicts[old]));
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
    free(s->changes);
    base_unref(s->base);
    free(s);
}

/* --- What has changed ------------------------------------------------------------------------ */

static void note_change(struct snapshot *s, const struct node *before, const struct node *now)
{
    s->changes = mem_grow(s->changes, s->changes_n, &s->changes_room, sizeof(*s->changes));
    s->changes[s->changes_n++] = (struct snapshot_change){before, now};
}

static bool same_group(const struct node *a, const struct node *b)
{
    struct str none = {"", 0};
    return str_eq(a->role->name, b->role->name) &&
           str_eq(a->cluster ? a->cluster->name : none, b->cluster ? b->cluster->name : none);
}

/* Those of `t`, a tree of `s`. */
static void note_new(struct snapshot *s, const struct tree *t, const struct snapshot *before)
{
    for (uint32_t i = 0; t && i < tree_node_count(t); i++) {
        const struct node *now = tree_node(t, i), *old = snapshot_find_uid(before, now->uid);
        if (!old || !same_group(old, now))
            note_change(s, old, now);
    }
}

static void note_gone(struct snapshot *s, const struct tree *t)
{
    for (uint32_t i = 0; t && i < tree_node_count(t); i++) {
        const struct node *old = tree_node(t, i);
        if (!snapshot_find_uid(s, old->uid))
            note_change(s, old, NULL);
    }
}

void snapshot_compare(struct snapshot *s, const struct snapshot *before)
{
    s->changes_n = 0;
    s->compared = before;
    note_new(s, s->registered.tree, before);
    note_gone(s, before->registered.tree);
    if (s->base == before->base)
        return;
    note_new(s, s->base->declared.tree, before);
    note_gone(s, before->base->declared.tree);
}

const struct snapshot_change *snapshot_changes(const struct snapshot *s,
                                               const struct snapshot *before, uint32_t *ret_n)
{
    static const struct snapshot_change none;
    if (s->compared != before)
        return NULL;
    *ret_n = s->changes_n;
    return s->changes ? s->changes : &none;
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

struct str snapshot_node_key(const struct snapshot *s, const struct node *n)
{
    const struct node_set *p = node_set_of(s, n);
    return key_of(p->keys, tree_node_number(p->tree, n));
}

enum check_verdict snapshot_verdict(const struct snapshot *s, const struct node *n)
{
    const struct node_set *p = node_set_of(s, n);
    return atomic_load_explicit(&p->verdicts[tree_node_number(p->tree, n)], memory_order_relaxed);
}

void snapshot_set_verdict(struct snapshot *s, const struct node *n, enum check_verdict verdict)
{
    struct node_set *p = snapshot_is_declared(s, n) ? &s->base->declared : &s->registered;
    set_verdict(p, tree_node_number(p->tree, n), (unsigned char)verdict);
}

uint32_t snapshot_verdicts(const struct snapshot *s, enum check_verdict verdict)
{
    return atomic_load_explicit(&s->base->declared.counts[verdict], memory_order_relaxed) +
           atomic_load_explicit(&s->registered.counts[verdict], memory_order_relaxed);
}

const struct node *snapshot_next_verdict(const struct snapshot *s, enum check_verdict verdict,
                                         uint32_t *at)
{
    uint32_t declared = s->base->declared.nodes, all = declared + s->registered.nodes;
    while (*at < all) {
        uint32_t i = (*at)++;
        const struct node_set *p = i < declared ? &s->base->declared : &s->registered;
        i -= i < declared ? 0 : declared;
        if (atomic_load_explicit(&p->verdicts[i], memory_order_relaxed) == verdict)
            return tree_node(p->tree, i);
    }
    return NULL;
}
