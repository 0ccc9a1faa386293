/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/context.h"

#include "base/fs.h"
#include "base/json.h"
#include "cli/common/known.h"
#include "crypto/keys.h"

#include <errno.h>
#include <unistd.h>

#define NAME_MAX_BYTES 256

int context_read_token(struct str text, const char *where, struct str *ret, struct err *e)
{
    struct str token = str_trim(text);
    if (!keys_access_valid(token))
        return err_set(e, -EINVAL,
                       "%s: not a token of cloudseed: it is '" ACCESS_TOKEN_PREFIX
                       "' and 52 characters",
                       where);
    *ret = token;
    return 0;
}

static int read_token(const char *name, struct arena *a, struct str *ret, struct err *e)
{
    struct str path, text;
    int r = known_path(KNOWN_CONTEXTS, name, "token", a, &path, e);
    if (r == 0)
        r = known_read_secret(path.p, a, &text, e);
    return r < 0 ? r : context_read_token(text, path.p, ret, e);
}

int context_load(const char *name, struct arena *a, struct context *ret, struct err *e)
{
    struct value v;
    int r = known_load(KNOWN_CONTEXTS, name, a, &v, e);
    if (r == -ENOENT)
        err_set(e, r, "there is no context '%s': 'cloudseed context list' shows those there are",
                name);
    if (r < 0)
        return r;
    struct context k = {
        .name = arena_str(a, str_from(name)),
        .url = value_get_text(v, STR("url")),
        .ca = value_get_text(v, STR("ca")),
    };
    r = read_token(name, a, &k.token, e);
    if (r == 0)
        *ret = k;
    return r == -ENOENT ? err_set(e, -EINVAL, "%s", e->msg) : r;
}

int context_names(struct arena *a, const struct str **ret, size_t *ret_n, struct err *e)
{
    return known_names(KNOWN_CONTEXTS, a, ret, ret_n, e);
}

int context_find(struct str url, struct arena *a, struct context *ret, struct err *e)
{
    const struct str *names = NULL;
    size_t n = 0;
    int r = context_names(a, &names, &n, e);
    for (size_t i = 0; r == 0 && i < n; i++) {
        struct value v;
        if (known_load(KNOWN_CONTEXTS, names[i].p, a, &v, e) == 0 &&
            str_eq(value_get_text(v, STR("url")), url))
            return context_load(names[i].p, a, ret, e);
    }
    return r < 0 ? r : -ENOENT;
}

int context_save(const struct context *k, struct arena *a, struct str *ret_path, struct err *e)
{
    const struct value_pair pairs[] = {
        JSON_STR("url", k->url),
        JSON_VALUE("ca", k->ca.n ? value_str(k->ca) : value_none()),
    };
    struct str path;
    int r = known_path(KNOWN_CONTEXTS, k->name.p, "token", a, &path, e);
    if (r == 0)
        r = known_write(KNOWN_CONTEXTS, path, k->token, a, e);
    return r < 0 ? r : known_save(KNOWN_CONTEXTS, k->name.p, value_map(pairs, 2), a, ret_path, e);
}

int context_remove(const char *name, struct arena *a, struct err *e)
{
    static const char *const ends[] = {"token", "json"};
    struct str path;
    for (size_t i = 0; i < 2; i++) {
        int r = known_path(KNOWN_CONTEXTS, name, ends[i], a, &path, e);
        if (r == 0 && unlink(path.p) < 0 && (errno != ENOENT || i == 1))
            r = errno == ENOENT ? err_set(e, -ENOENT, "there is no context '%s'", name)
                                : err_errno(e, -errno, "%s", path.p);
        if (r < 0)
            return r;
    }
    return str_is(context_current(a), name) ? context_use(NULL, a, e) : 0;
}

/* --- The one in use -------------------------------------------------------------------------- */

struct str context_current(struct arena *a)
{
    struct str path, text;
    struct err e;
    if (known_path(KNOWN_CONTEXTS, "current", "name", a, &path, &e) < 0 ||
        fs_read(path.p, NAME_MAX_BYTES, a, &text, &e) < 0)
        return STR("");
    return arena_str(a, str_trim(text));
}

int context_use(const char *name, struct arena *a, struct err *e)
{
    struct str path;
    int r = known_path(KNOWN_CONTEXTS, "current", "name", a, &path, e);
    if (r < 0)
        return r;
    if (name)
        return known_write(KNOWN_CONTEXTS, path, ARENA_JOIN(a, str_from(name), STR("\n")), a, e);
    if (unlink(path.p) < 0 && errno != ENOENT)
        return err_errno(e, -errno, "%s", path.p);
    return 0;
}
