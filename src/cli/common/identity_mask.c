/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/identity_mask.h"

#define MARK '\x01'

enum { KIND_NAME, KIND_UUID, KIND_SERIAL, KIND_ADDRESS, KIND_MAC = KIND_ADDRESS + 32 };

#define TEXTS_MAX (3 + NODE_ADDRESSES_MAX + NODE_MACS_MAX)

struct texts {
    struct identity_text list[TEXTS_MAX];
    size_t n;
};

static void add(struct texts *t, int kind, struct str text)
{
    if (text.n)
        t->list[t->n++] = (struct identity_text){text, (char)kind};
}

static struct texts texts_of(const struct node *n, struct arena *a)
{
    struct texts t = {.n = 0};
    char text[UUID_TEXT_SIZE + ADDRESS_TEXT_SIZE];
    add(&t, KIND_NAME, n->name);
    if (n->uuid)
        add(&t, KIND_UUID, arena_str(a, str_from(uuid_text(*n->uuid, text))));
    add(&t, KIND_SERIAL, n->serial);
    for (int i = 0; i < n->addresses_n; i++)
        add(&t, KIND_ADDRESS + i, arena_str(a, str_from(address_text(n->addresses[i], text))));
    for (int i = 0; i < n->macs_n; i++)
        add(&t, KIND_MAC + i, arena_str(a, str_from(mac_text(n->macs[i], text))));
    return t;
}

static bool has(const struct texts *t, const struct identity_text *wanted)
{
    for (size_t i = 0; i < t->n; i++) {
        if (t->list[i].kind == wanted->kind && str_eq(t->list[i].text, wanted->text))
            return true;
    }
    return false;
}

struct identity_mask identity_mask_make(const struct node *before, const struct node *now,
                                        struct arena *a)
{
    struct texts old = texts_of(before, a), new = texts_of(now, a);
    struct identity_text *list = ARENA_ARRAY(a, struct identity_text, new.n);
    size_t n = 0;
    for (size_t i = 0; i < new.n; i++) {
        if (has(&old, &new.list[i]))
            list[n++] = new.list[i];
    }
    return (struct identity_mask){list, n};
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* The entry that `s` begins with as a whole word; NULL: none. */
static const struct identity_text *at_beginning(const struct identity_mask *mask, struct str s)
{
    for (size_t i = 0; i < mask->n; i++) {
        struct str text = mask->list[i].text;
        if (str_starts(s, text) && (s.n == text.n || !is_word(s.p[text.n])))
            return &mask->list[i];
    }
    return NULL;
}

void identity_mask_apply(const struct identity_mask *mask, struct str text, struct buf *out)
{
    bool in_word = false;
    while (text.n) {
        const struct identity_text *o = in_word ? NULL : at_beginning(mask, text);
        if (o) {
            buf_char(out, MARK);
            buf_char(out, (char)(o->kind + '0'));
            text = str_skip(text, o->text.n);
            in_word = true;
            continue;
        }
        in_word = is_word(text.p[0]);
        buf_char(out, text.p[0]);
        text = str_skip(text, 1);
    }
}
