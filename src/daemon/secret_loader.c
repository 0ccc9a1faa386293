/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/secret.h"

#include "base/mem.h"
#include "crypto/recovery.h"
#include "daemon/state.h"

#include <errno.h>
#include <stdlib.h>

#define CHUNK_BYTES 4096

/* --- The server's own secret ---------------------------------------------------------------- */

#define SECRET STR("secret")

/* A new secret would change the keys of every node: the state's copy is used if there is one. */
static int make_server_secret(const struct secret_loader *l, const char *path,
                              struct faults *faults, struct secrets *ret, struct err *e)
{
    struct str kept;
    bool created;
    int r = sealed_cache_get(l->cache, OWN_SERVER, SECRET, &kept);
    if (r == -ENOENT)
        return secrets_load_or_create(path, ret, &created, e);
    if (r < 0)
        return err_set(
            e, r,
            "%s is missing, and the sealing key does not open the copy in the state: put "
            "back the file, or the sealing key that belongs to the state",
            path);
    r = secrets_restore(path, kept, e);
    if (r < 0)
        return r;
    fault_warn(faults, (struct place){0}, "%s was missing; it was put back as the state has it",
               path);
    return secrets_load(path, ret, e);
}

static void keep_server_secret(const struct secret_loader *l, const struct secrets *s,
                               struct faults *faults)
{
    struct str kept;
    if (sealed_cache_get(l->cache, OWN_SERVER, SECRET, &kept) == -EBADMSG)
        fault_warn(
            faults, (struct place){0},
            "the sealing key is not the one that the state was sealed with: windows that are "
            "open and last good values of secrets are lost");
    sealed_cache_put(l->cache, OWN_SERVER, SECRET, secrets_text(s, &l->cache->arena));
}

int secret_load_server(const struct secret_loader *l, struct faults *faults, struct secrets *ret)
{
    char path[STATE_PATH_SIZE];
    struct err e;
    state_path(l->config, "secret", path);
    int r = secrets_load(path, ret, &e);
    if (r == -ENOENT && l->first)
        r = make_server_secret(l, path, faults, ret, &e);
    if (r < 0)
        fault_add(faults, (struct place){0}, "%s", e.msg);
    else
        keep_server_secret(l, ret, faults);
    return r;
}

/* --- The copy of the sealing key for the recovery passphrase ---------------------------------- */

void secret_load_recovery(const struct secret_loader *l, struct faults *faults)
{
    char path[STATE_PATH_SIZE];
    struct recovery recovery;
    struct err e;
    struct str kept = sealed_cache_raw(l->cache, OWN_SERVER, OWN_RECOVERY);
    state_path(l->config, "recovery", path);
    int r = recovery_read(path, &recovery, &e);
    if (r == -ENOENT && kept.n) /* it came with a backup */
        r = recovery_parse(kept, &recovery, &e);
    if (r == 0 && recovery_is_of(&recovery, l->cache->sealer)) {
        sealed_cache_put_raw(l->cache, OWN_SERVER, OWN_RECOVERY, str_from(recovery.line));
    } else if (r == 0) {
        fault_warn(faults, (struct place){0},
                   "the recovery passphrase is of another sealing key, and would not open backups: "
                   "make another with cloudseedd --recovery");
        sealed_cache_put_raw(l->cache, OWN_SERVER, OWN_RECOVERY, STR(""));
    } else if (r != -ENOENT) {
        fault_warn(faults, (struct place){0}, "%s", e.msg);
    }
}

/* --- The values that templates use ---------------------------------------------------------- */

struct reading {
    const struct secret_loader *loader;
    struct faults *faults;
    struct sealed_values *values;
    struct secret_value value;
};

static void report_undefined(struct faults *faults, const struct secret_need *need)
{
    fault_add(faults, need->at,
              "secrets.%.*s: nothing says where its value comes from; define it in "
              "cloudseedd.yaml, as in secrets: {%.*s: {file: /etc/cloudseed/secrets/%.*s}}",
              STR_ARG(need->name), STR_ARG(need->name), STR_ARG(need->name));
}

/* A folder that only the server's user may look into is not examined, and a server that has never
 * run has no files. */
static void check_own_files(const struct config *c, struct faults *faults)
{
    char path[STATE_PATH_SIZE];
    struct secrets secrets = {0};
    struct sealer *sealer = NULL;
    struct err e;
    state_path(c, "secret", path);
    int r = secrets_load(path, &secrets, &e);
    if (r < 0 && r != -ENOENT && r != -EACCES)
        fault_add(faults, (struct place){0}, "%s", e.msg);
    secrets_wipe(&secrets);
    state_key_path(c, path);
    r = sealer_open(path, &sealer, &e);
    if (r < 0 && r != -ENOENT && r != -EACCES)
        fault_add(faults, (struct place){0}, "%s", e.msg);
    sealer_free(sealer);
}

void secret_check(const struct config *c, const struct tree *t, struct faults *faults)
{
    uint32_t n;
    struct arena a;
    arena_init(&a, CHUNK_BYTES);
    const struct secret_need *needs = sealed_needs(t, &a, &n);
    for (uint32_t i = 0; i < n; i++) {
        const struct config_secret *s = config_find_secret(c, needs[i].name);
        struct err e;
        if (!s && needs[i].at.file)
            report_undefined(faults, &needs[i]);
        else if (s && secret_source_check(s, &e) < 0)
            fault_add(faults, s->at, "secret '%.*s' cannot be read: %s", STR_ARG(s->name), e.msg);
    }
    arena_done(&a);
    check_own_files(c, faults);
}

static void fall_back(struct reading *r, const struct config_secret *s, bool needed,
                      const char *why)
{
    struct str last;
    if (r->loader->first && sealed_cache_get(r->loader->cache, OWN_SECRET, s->name, &last) == 0) {
        sealed_values_put(r->values, s->name, last);
        fault_warn(r->faults, s->at,
                   "secret '%.*s' cannot be read, its last good value is used: %s",
                   STR_ARG(s->name), why);
    } else if (needed) {
        fault_add(r->faults, s->at, "secret '%.*s' cannot be read: %s", STR_ARG(s->name), why);
    } else {
        fault_warn(r->faults, s->at, "secret '%.*s' cannot be read: %s", STR_ARG(s->name), why);
    }
}

static void read_one(struct reading *r, const struct secret_need *need)
{
    const struct config_secret *s = config_find_secret(r->loader->config, need->name);
    struct err e;
    if (!s) {
        if (need->at.file)
            report_undefined(r->faults, need);
    } else if (secret_source_read(s, SECRET_COMMAND_MS, r->loader->stop, &r->value, &e) < 0) {
        fall_back(r, s, need->at.file != NULL, e.msg);
    } else {
        const struct str text = {r->value.bytes, r->value.n};
        sealed_values_put(r->values, s->name, text);
        sealed_cache_put(r->loader->cache, OWN_SECRET, s->name, text);
    }
}

struct sealed_values *secret_load_values(const struct secret_loader *l, const struct tree *t,
                                         struct faults *faults)
{
    struct reading *r = MEM_NEW(struct reading);
    struct arena a;
    uint32_t n;
    r->loader = l;
    r->faults = faults;
    r->values = sealed_values_new();
    arena_init(&a, CHUNK_BYTES);
    const struct secret_need *needs = sealed_needs(t, &a, &n);
    for (uint32_t i = 0; i < n && !(l->stop && atomic_load(l->stop)); i++)
        read_one(r, &needs[i]);
    arena_done(&a);
    struct sealed_values *values = r->values;
    explicit_bzero(r, sizeof(*r));
    free(r);
    return values;
}
