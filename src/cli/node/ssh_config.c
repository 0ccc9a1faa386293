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

static struct value plain_or_none(struct str s)
{
    return is_plain(s) ? value_str(s) : value_none();
}

static void list_host(struct cli_list *list, const struct roster_node *n, struct str user)
{
    const struct value_pair pairs[] = {
        JSON_STR("name", n->name),
        JSON_VALUE("fqdn", plain_or_none(n->fqdn)),
        JSON_VALUE("host_name", plain_or_none(roster_address(n))),
        JSON_STR("host_key_alias", n->name),
        JSON_VALUE("user", plain_or_none(user)),
    };
    cli_list_item(list, value_map(pairs, 5));
}

static int run(struct cli *c)
{
    struct roster roster;
    struct cli_list list = {0};
    bool is_json = flags_given(&c->flags, "json");
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
    for (size_t i = 0; i < roster.n; i++) {
        const struct roster_node *n = &roster.list[i];
        struct str who = user ? str_from(user) : n->user;
        if (!is_plain(n->name) || (only && !str_is(n->name, only)))
            continue;
        if (is_json)
            list_host(&list, n, who);
        else
            print_host(n, who, known_hosts);
    }
    if (is_json)
        cli_list_end(&list);
    return CLI_OK;
}

const struct command command_ssh_config = {
    .name = "ssh-config",
    .operands = "[NODE]",
    .operands_max = 1,
    .flags = FLAGS({"user", "USER", "log in as USER, instead of the tree's admin_user"},
                   {"known-hosts", "FILE", "let ssh look for host keys only in FILE"}, FLAG_JSON),
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
