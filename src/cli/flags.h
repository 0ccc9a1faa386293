/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags: the options of the command line, in one table for parsing, help and completion.
 *
 * Options may stand anywhere among the words. Which command takes which is the commands' business.
 */
#ifndef CLOUDSEED_CLI_FLAGS_H
#define CLOUDSEED_CLI_FLAGS_H

#include "base/err.h"
#include "base/str.h"

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
    FLAG_CONFIG,
    FLAG_SEED,
    FLAG_TEMPLATES,
    FLAG_STATE,
    FLAG_URL,
    FLAG_COLOR,
    FLAG_HELP,
    FLAG_VERSION,
    FLAG_COUNT
};

#define FLAG_BIT(id) (1u << (id))
/* Taken by every command, of use to it or not, so that an alias may hold them. */
#define FLAGS_EVERYWHERE (~0u << FLAG_CONFIG)

struct flag {
    const char *name;
    const char *value; /* what its value is called, NULL: it takes none */
    const char *help;
};

extern const struct flag flag_table[FLAG_COUNT];

struct flags {
    unsigned given;                /* FLAG_BIT of each */
    const char *value[FLAG_COUNT]; /* argv's; NULL: not given */
};

static inline bool flags_given(const struct flags *f, enum flag_id id)
{
    return f->given & FLAG_BIT(id);
}

/* Sorts argv[1…] into options and words; `words` has room for argc of them. Where an option is
 * given twice the last one counts; after "--" all are words. -EINVAL for what cannot be meant. */
int flags_parse(int argc, char **argv, struct flags *ret, const char **words, size_t *ret_words_n,
                struct err *e);

#endif
