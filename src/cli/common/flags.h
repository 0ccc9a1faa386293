/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags: the options of the command line, in one table for parsing, help and completion.
 *
 * Options may stand anywhere among the words. Which command takes which is the commands' business.
 */
#ifndef CLOUDSEED_CLI_COMMON_FLAGS_H
#define CLOUDSEED_CLI_COMMON_FLAGS_H

#include "base/arena.h"
#include "base/err.h"

enum flag_id {
    FLAG_JSON,
    FLAG_NAMES,
    FLAG_DISCOVERY,
    FLAG_PROVENANCE,
    FLAG_ALL,
    FLAG_AGAINST,
    FLAG_EACH,
    FLAG_MARKDOWN,
    FLAG_CHECK,
    FLAG_SHA256,
    FLAG_ROLE,
    FLAG_CLUSTER,
    FLAG_MAC,
    FLAG_ADDRESS,
    FLAG_UUID,
    FLAG_SERIAL,
    FLAG_VAR,
    FLAG_UNSET,
    FLAG_ARM,
    FLAG_FOR,
    FLAG_NETWORK,
    FLAG_PROXY,
    FLAG_TIMEOUT,
    FLAG_KIND,
    FLAG_SINCE,
    FLAG_FOLLOW,
    FLAG_SEALING_KEY,
    FLAG_SERVER,
    FLAG_CONFIG,
    FLAG_SEED,
    FLAG_TEMPLATES,
    FLAG_STATE,
    FLAG_ASSETS,
    FLAG_URL,
    FLAG_COLOR,
    FLAG_HELP,
    FLAG_VERSION,
    FLAG_COUNT
};

#define FLAG_BIT(id) (UINT64_C(1) << (id))
/* Taken by every command, of use to it or not, so that an alias may hold them. */
#define FLAGS_EVERYWHERE (~UINT64_C(0) << FLAG_SERVER)

struct flag {
    const char *name;
    const char *value; /* what its value is called, NULL: it takes none */
    const char *help;
};

extern const struct flag flag_table[FLAG_COUNT];

struct flag_use {
    enum flag_id id;
    const char *value;
};

struct flags {
    uint64_t given;                /* FLAG_BIT of each */
    const char *value[FLAG_COUNT]; /* argv's; NULL: not given */
    const struct flag_use *uses;   /* those with a value, as often as they were given, in order */
    size_t uses_n;
};

static inline bool flags_given(const struct flags *f, enum flag_id id)
{
    return f->given & FLAG_BIT(id);
}

/* Sorts argv[1…] into options and words; both live in the arena. Where an option is given twice
 * `value` has the last one; after "--" all are words. -EINVAL for what cannot be meant. */
int flags_parse(int argc, char **argv, struct arena *a, struct flags *ret,
                const char *const **ret_words, size_t *ret_words_n, struct err *e);

#endif
