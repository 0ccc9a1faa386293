/* SPDX-License-Identifier: Apache-2.0 */
/*
 * command: the commands of `cloudseed`.
 *
 * Each is one file that ends in its struct command. Dispatch and help work from these; the man page
 * and the completion are tested against the help.
 */
#ifndef CLOUDSEED_CLI_COMMAND_H
#define CLOUDSEED_CLI_COMMAND_H

#include "cli/common/flags.h"

#include <stdio.h>

struct cli;

struct command {
    const char *name;     /* one word, or a group and a word: "node list" */
    const char *operands; /* "NODE [FILE]" */
    uint8_t operands_min, operands_max;
    const struct flag *flags; /* its own options: FLAGS(…); NULL: none */
    const char *summary;      /* one line in the imperative: "list the nodes" */
    const char *help;         /* whole lines: what it does, and examples */
    const char *serverless;   /* why it asks no server; NULL: it obeys --server */
    int (*run)(struct cli *c);
};

/* All of them, in the order of the help. A new command is a file and a line here. */
#define COMMANDS(X)       \
    X(check)              \
    X(render)             \
    X(diff)               \
    X(node_list)          \
    X(node_show)          \
    X(node_url)           \
    X(dhcp)               \
    X(firewall)           \
    X(reference)          \
    X(asset_add)          \
    X(asset_list)         \
    X(asset_verify)       \
    X(asset_rm)           \
    X(asset_bootloaders)  \
    X(node_add)           \
    X(node_discovered)    \
    X(node_adopt)         \
    X(node_set)           \
    X(node_rm)            \
    X(node_arm)           \
    X(node_disarm)        \
    X(node_unlock)        \
    X(node_rekey)         \
    X(node_reprovision)   \
    X(node_accept_keys)   \
    X(node_join)          \
    X(pve_login)          \
    X(pve_check)          \
    X(pve_list)           \
    X(pve_template)       \
    X(pve_apply)          \
    X(pve_create)         \
    X(pve_destroy)        \
    X(pve_rebuild)        \
    X(pve_replace)        \
    X(pve_register)       \
    X(pve_unregister)     \
    X(pve_start)          \
    X(pve_stop)           \
    X(cluster_list)       \
    X(cluster_show)       \
    X(cluster_kubeconfig) \
    X(cluster_adopt)      \
    X(cluster_certs)      \
    X(cluster_harden)     \
    X(cluster_reset)      \
    X(storm_tree)         \
    X(storm_run)          \
    X(doctor_dhcp)        \
    X(doctor)             \
    X(watch)              \
    X(wait)               \
    X(events)             \
    X(audit)              \
    X(ui)                 \
    X(known_hosts)        \
    X(ssh_config)         \
    X(inventory)          \
    X(login)              \
    X(context_list)       \
    X(context_use)        \
    X(context_remove)     \
    X(token_create)       \
    X(token_list)         \
    X(token_revoke)       \
    X(reload)             \
    X(backup)             \
    X(restore)            \
    X(server_acknowledge) \
    X(ca_show)            \
    X(ca_renew)           \
    X(ca_rotate)          \
    X(complete)           \
    X(help)

#define COMMAND_DECLARE(name) extern const struct command command_##name;
COMMANDS(COMMAND_DECLARE)

/* The command at this index; NULL after the last one. */
const struct command *command_at(size_t i);

/* The command that the words begin with, and in *ret_used how many words name it. NULL if there is
 * none, with the nearest name in the error. */
const struct command *command_find(const char *const *words, size_t n, size_t *ret_used,
                                   struct err *e);

/* Whether the first word of the command's name is this one. */
bool command_begins(const struct command *c, const char *word);
/* Whether that is so for any command of two words. */
bool command_is_group(const char *word);
/* Whether a command has this one word as its name; it may begin others, too. */
bool command_is(const char *word);

/* Whether the command has an option of this name, or every command has. */
bool command_has_flag(const struct command *c, const char *name);

/* Walks through `at`, then through the options of all commands. */
struct command_flags {
    const struct flag *at;
    size_t command;
};
const struct flag *command_flags_next(struct command_flags *w);

/* help.c: prints the help of the command or group that the words name, without words of all. */
int help_show(struct cli *c, const char *const *words, size_t n);
void help_print_all(FILE *f);
/* The commands of the group. */
void help_print_group(FILE *f, const char *word);

#endif
