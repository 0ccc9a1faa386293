/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/api.h"

#include <stdio.h>

static int acknowledge(struct api *api)
{
    struct api_answer answer;
    int status =
        api_ask(api, "POST", STR("/v1/server/acknowledge"), (struct value){0}, STR(""), &answer);
    if (status != CLI_OK)
        return status;
    if (flags_given(&api->cli->flags, "json"))
        cli_print_json(answer.value);
    else
        printf("acknowledged: the state was found at revision %lld, after %lld\n",
               (long long)api_number(answer.value, "found", 0),
               (long long)api_number(answer.value, "noted", 0));
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct api api;
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = acknowledge(&api);
    api_close(&api);
    return status;
}

const struct command command_server_acknowledge = {
    .name = "server acknowledge",
    .operands = "",
    .flags = FLAGS(FLAG_JSON),
    .summary = "accept that the server's state lost changes",
    .help = "A server that finds an older state than it had (its file or the log beside it was\n"
            "removed, cut or replaced while it was stopped) logs event=state-behind at each\n"
            "start, and /readyz answers 503, until this command. Restore a backup instead if\n"
            "one has more. Otherwise look at the nodes first: keys, windows and states are as\n"
            "they were at the older revision.\n"
            "\n"
            "Examples:\n"
            "  cloudseed server acknowledge\n",
    .run = run,
};
