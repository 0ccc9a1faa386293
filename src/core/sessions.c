/* SPDX-License-Identifier: Apache-2.0 */
#include "core/sessions.h"

#include "base/mem.h"

#include <stdlib.h>

/* A code is a session that only begins another one: it lasts for a shorter time, and is used once.
 */
struct table {
    struct session *list;
    size_t n, own_max;
    uint64_t lasts_ms, idle_ms;
};

struct sessions {
    struct session opened[SESSIONS_MAX], codes[CODES_MAX];
    uint64_t last_number;
};

static struct table table_of(struct sessions *s, bool codes)
{
    if (codes)
        return (struct table){s->codes, CODES_MAX, CODES_OWN_MAX, CODE_MS, CODE_MS};
    return (struct table){s->opened, SESSIONS_MAX, SESSIONS_OWN_MAX, SESSION_MS, SESSION_IDLE_MS};
}

struct sessions *sessions_new(void)
{
    return MEM_NEW(struct sessions);
}

void sessions_free(struct sessions *s)
{
    free(s);
}

static bool lasts(const struct table *t, const struct session *s, uint64_t now_ms)
{
    return s->number && now_ms - s->began_ms < t->lasts_ms && now_ms - s->used_ms < t->idle_ms;
}

static bool same_owner(const struct session_owner *a, const struct session_owner *b)
{
    return a->uid == b->uid && str_eq(str_from(a->token), str_from(b->token));
}

/* A free place, or that of the session that was used longest ago: the owner's, if there are as many
 * of that owner as there may be, else anyone's. */
static struct session *place_for(const struct table *t, const struct session_owner *owner,
                                 uint64_t now_ms)
{
    struct session *free_one = NULL, *oldest = NULL, *own = NULL;
    size_t own_n = 0;
    for (struct session *s = t->list; s < t->list + t->n; s++) {
        if (!lasts(t, s, now_ms)) {
            free_one = s;
            continue;
        }
        if (!oldest || s->used_ms < oldest->used_ms)
            oldest = s;
        if (!same_owner(&s->owner, owner))
            continue;
        own_n++;
        if (!own || s->used_ms < own->used_ms)
            own = s;
    }
    if (own_n >= t->own_max)
        return own;
    return free_one ? free_one : oldest;
}

static const struct session *add(struct sessions *s, const struct table *t,
                                 const struct session_owner *owner, enum exchange_listener listener,
                                 uint64_t now_ms, const char *secret)
{
    struct session *place = place_for(t, owner, now_ms);
    *place = (struct session){.number = ++s->last_number,
                              .owner = *owner,
                              .listener = listener,
                              .began_ms = now_ms,
                              .used_ms = now_ms};
    digest_text(str_from(secret), place->digest);
    keys_new_session(place->salt);
    return place;
}

/* All are compared: how long it takes says nothing of which one it was. */
static struct session *find(const struct table *t, struct str secret,
                            enum exchange_listener listener, uint64_t now_ms)
{
    struct session *found = NULL;
    char digest[DIGEST_TEXT_SIZE];
    digest_text(secret, digest);
    for (struct session *s = t->list; s < t->list + t->n; s++) {
        bool is_it = keys_same(str_from(digest), (struct str){s->digest, DIGEST_TEXT_SIZE - 1});
        if (is_it && s->listener == listener && lasts(t, s, now_ms))
            found = s;
    }
    return found;
}

/* --- Sessions -------------------------------------------------------------------------------- */

const struct session *sessions_begin(struct sessions *s, const struct session_owner *owner,
                                     enum exchange_listener listener, uint64_t now_ms,
                                     char secret[SESSION_SECRET_LEN + 1])
{
    const struct table t = table_of(s, false);
    keys_new_session(secret);
    return add(s, &t, owner, listener, now_ms, secret);
}

const struct session *sessions_find(struct sessions *s, struct str secret,
                                    enum exchange_listener listener, uint64_t now_ms)
{
    const struct table t = table_of(s, false);
    struct session *found = find(&t, secret, listener, now_ms);
    if (found)
        found->used_ms = now_ms;
    return found;
}

const struct session *sessions_numbered(struct sessions *s, uint64_t number, uint64_t now_ms)
{
    const struct table t = table_of(s, false);
    for (size_t i = 0; i < t.n; i++) {
        if (t.list[i].number == number && lasts(&t, &t.list[i], now_ms))
            return &t.list[i];
    }
    return NULL;
}

void sessions_end(struct sessions *s, uint64_t number)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (s->opened[i].number == number)
            s->opened[i].number = 0;
    }
}

const char *session_csrf(const struct session *s, struct str secret,
                         char ret[static DIGEST_TEXT_SIZE])
{
    struct digest *d = digest_new();
    digest_add(d, STR("cloudseed csrf "));
    digest_add(d, str_from(s->salt));
    digest_add(d, secret);
    digest_end(d, ret);
    return ret;
}

/* --- Codes ----------------------------------------------------------------------------------- */

void sessions_make_code(struct sessions *s, const struct session_owner *owner,
                        enum exchange_listener listener, uint64_t now_ms,
                        char code[SESSION_CODE_LEN + 1])
{
    const struct table t = table_of(s, true);
    keys_new_code(code);
    add(s, &t, owner, listener, now_ms, code);
}

bool sessions_take_code(struct sessions *s, struct str code, enum exchange_listener listener,
                        uint64_t now_ms, struct session_owner *ret)
{
    const struct table t = table_of(s, true);
    struct session *found = find(&t, code, listener, now_ms);
    if (!found)
        return false;
    *ret = found->owner;
    found->number = 0;
    return true;
}
