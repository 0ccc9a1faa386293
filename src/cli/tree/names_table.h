/* SPDX-License-Identifier: Apache-2.0 */
/* names_table: the names that templates see besides variables, for the reference. */
#ifndef CLOUDSEED_CLI_TREE_NAMES_TABLE_H
#define CLOUDSEED_CLI_TREE_NAMES_TABLE_H

#include <stddef.h>

/* A name, or something below one: "networks.NAME.cidr", "node.interfaces[].mac". Below a list or
 * a mapping of the user's names there is [] or NAME. */
struct names_row {
    const char *path;
    const char *what;    /* a text, a list …, and what it is; none where there may be none */
    const char *example; /* as `{{ … | tojson }}` shows it; NULL for what has parts of its own */
};

extern const struct names_row names_table[];
extern const size_t names_count;

#endif
