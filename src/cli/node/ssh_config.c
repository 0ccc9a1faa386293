/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/node/roster.h"

#include <ctype.h>
#include <stdio.h>

/* ssh_config(5) has no escapes that all its keywords read: what is not plain is left out. */
static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (!isalnum((unsigned char)s.p[i]) && !memchr(".-_:@", s.p[i], 5))
            return false;
    }
    return s.n > 0 && s.p[0] != '-';
}

/* A path may hold anything but what ends or expands it. */
static bool is_path(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < ' ' || memchr("\"%$\\", s.p[i], 4))
            return false;
    }
    return s.n > 0;
}

static void print_host(const struct roster_node *n, struct str user, const char *known_hosts)
{
    struct str address = roster_address(n);
    printf("Host %.*s", STR_ARG(n->name));
    if (is_plain(n->fqdn) && !str_eq(n->fqdn, n->name))
        printf(" %.*s", STR_ARG(n->fqdn));
    printf("\n");
    if (is_plain(address))
        printf("    HostName %.*s\n", STR_ARG(address));
    printf("    HostKeyAlias %.*s\n", STR_ARG(n->name));
    if (is_plain(user))
        printf("    User %.*s\n", STR_ARG(user));
    if (known_hosts)
        printf("    UserKnownHostsFile \"%s\"\n", known_hosts);
}

static int run(struct cli *c)
{
    struct roster roster;
    const char *user = flags_value(&c->flags, "user");
    const char *known_hosts = flags_value(&c->flags, "known-hosts");
    const char *only = c->operands_n ? c->operands[0] : NULL;
    if (user && !is_plain(str_from(user)))
        return cli_misuse(c, "--user: '%s' is not a user's name", user);
    if (known_hosts && !is_path(str_from(known_hosts)))
        return cli_misuse(c, "--known-hosts: ssh reads '\"', '%%', '$' and '\\' in a file's name "
                             "itself; give another name");
    int status = roster_gather(c, only, &roster);
    if (status != CLI_OK)
        return status;
    if (only && !roster_find(&roster, only))
        return cli_fail(c, "there is no node '%s'; 'cloudseed node list' shows them", only);
    for (size_t i = 0; i < roster.n; i++) {
        const struct roster_node *n = &roster.list[i];
        if (is_plain(n->name) && (!only || str_is(n->name, only)))
            print_host(n, user ? str_from(user) : n->user, known_hosts);
    }
    return CLI_OK;
}

const struct command command_ssh_config = {
    .name = "ssh-config",
    .operands = "[NODE]",
    .operands_max = 1,
    .flags = FLAGS({"user", "USER", "log in as USER, instead of the tree's admin_user"},
                   {"known-hosts", "FILE", "let ssh look for host keys only in FILE"}),
    .summary = "print ssh_config's Host blocks for the nodes",
    .help =
        "A block for each node, by its name and its fully qualified name: HostName is its\n"
        "first address, User the variable admin_user of the seed tree. HostKeyAlias is the\n"
        "node's name, under which 'cloudseed known-hosts' prints its keys: a key is found\n"
        "whatever the address is.\n"
        "\n"
        "Examples:\n"
        "  cloudseed ssh-config >~/.ssh/cloudseed.conf\n"
        "  cloudseed ssh-config --user root --known-hosts ~/.ssh/cloudseed_hosts k8s-worker-2\n",
    .run = run,
};
