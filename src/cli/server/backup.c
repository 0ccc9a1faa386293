/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/api.h"

#include <stdio.h>
#include <stdlib.h>

/* The server's working directory is another one. */
static struct str absolute(const char *path, struct arena *a)
{
    char *here = *path == '/' ? NULL : realpath(".", NULL);
    struct str whole = here ? arena_printf(a, "%s/%s", here, path) : str_from(path);
    free(here);
    return whole;
}

static int backup(struct api *api)
{
    struct api_answer answer;
    const struct value_pair body[] = {
        JSON_STR("path", absolute(api->cli->operands[0], api->arena)),
    };
    int status = api_ask(api, "POST", STR("/v1/backup"), value_map(body, 1), STR(""), &answer);
    if (status != CLI_OK)
        return status;
    if (flags_given(&api->cli->flags, "json"))
        cli_print_json(answer.value);
    else
        cli_print_line("%.*s: %lld bytes", STR_ARG(value_text(body[0].value)),
                       (long long)api_number(answer.value, "bytes", 0));
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct api api;
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = backup(&api);
    api_close(&api);
    return status;
}

const struct command command_backup = {
    .name = "backup",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_JSON),
    .summary = "let the server write a copy of its state",
    .help = "The server writes FILE, on its own machine, and must be allowed to: the installed\n"
            "unit lets it write below /var/lib/cloudseed only (a drop-in with ReadWritePaths=\n"
            "adds others). It serves nodes meanwhile. The copy has the nodes, their events\n"
            "and the server's secret and CA, sealed with the sealing key. That key is in it only\n"
            "for a recovery passphrase: make one, or keep a copy of the key elsewhere.\n"
            "\n"
            "Examples:\n"
            "  cloudseed backup /var/lib/cloudseed/backup-$(date +%F).db\n",
    .run = run,
};
