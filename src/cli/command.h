/* SPDX-License-Identifier: Apache-2.0 */
/* command: the commands of `cloudseed`, in one table for dispatch and help. */
#ifndef CLOUDSEED_CLI_COMMAND_H
#define CLOUDSEED_CLI_COMMAND_H

#include "cli/common/flags.h"

struct cli;

struct command {
    const char *name;     /* one word, or a group and a word: "node list" */
    const char *operands; /* "NODE [FILE]" */
    uint8_t operands_min, operands_max;
    uint64_t flags;      /* FLAG_BIT of those that not every command takes */
    const char *summary; /* one line, as an order: "list the nodes" */
    const char *help;    /* whole lines: what it does, and examples */
    int (*run)(struct cli *c);
};

/* Each stands in one of the tables: those about the seed tree, about assets, about the
 * server, help. */
extern const struct command command_tree_table[], command_asset_table[], command_server_table[];
extern const size_t command_tree_count, command_asset_count, command_server_count;

int reload_run(struct cli *c);
int backup_run(struct cli *c);
int known_hosts_run(struct cli *c);
int restore_command_run(struct cli *c);

/* All of them, one behind the other; NULL behind the last. */
const struct command *command_at(size_t i);

/* The command that the words begin with; *ret_used words name it. NULL, with what may have been
 * meant, where there is no such command. */
const struct command *command_find(const char *const *words, size_t n, size_t *ret_used,
                                   struct err *e);

/* Whether commands of two words begin with this one. */
bool command_is_group(const char *word);
/* Whether the command's first word is this one. */
bool command_begins(const struct command *c, const char *word);

#endif
