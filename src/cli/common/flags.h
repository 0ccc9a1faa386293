/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flags: the options of the command line: parsed, and looked up by name.
 *
 * The options that every command accepts are declared here, those of one command in its file.
 */
#ifndef CLOUDSEED_CLI_COMMON_FLAGS_H
#define CLOUDSEED_CLI_COMMON_FLAGS_H

#include "base/arena.h"
#include "base/err.h"

struct flag {
    const char *name;  /* without the dashes; NULL ends a list */
    const char *value; /* what the help calls its value; NULL: it takes none */
    const char *help;
};

/* A command's own options. */
/* clang-format off */
#define FLAGS(...) (const struct flag[]){__VA_ARGS__, {NULL, NULL, NULL}}
#define FLAG_JSON {"json", NULL, "print JSON"}
#define FLAG_WIDE {"wide", NULL, "print all columns in full"}
#define FLAG_NAMES {"names", NULL, "print only names, one per line"}
/* clang-format on */

/* Every command accepts these, even if it has no use for them, so that an alias may contain them.
 * Only --server is refused by a command that asks none. */
extern const struct flag flags_everywhere[];

struct flag_use {
    const struct flag *flag;
    const char *value; /* in argv; NULL: the option takes none */
};

struct flags {
    const struct flag_use *uses; /* as often as they were given, in order */
    size_t n;
};

/* Whether the option was given. */
bool flags_given(const struct flags *f, const char *name);
/* Its value, the last one if it was given several times; NULL: it was not given. */
const char *flags_value(const struct flags *f, const char *name);

/* Which FORMAT of "-o FORMAT" the option is, NULL if none: "name" of "names". */
const char *flags_output_form(const char *name);

/* Sorts argv[1…] into options, which may stand anywhere, and words; both live in the arena. All
 * arguments after "--" are words. -EINVAL if an option is unknown, or its value missing or wrong.
 * Whether the command has the option is not checked. */
int flags_parse(int argc, char **argv, struct arena *a, struct flags *ret,
                const char *const **ret_words, size_t *ret_words_n, struct err *e);

#endif
