/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/api.h"
#include "cli/common/faultview.h"

#include <stdio.h>

static void take_faults(struct value list, struct faults *faults, struct arena *a)
{
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        struct value f = list.items[i];
        struct str file = api_text(f, "file"), text = api_text(f, "message");
        struct place at = {
            .file = file.n ? arena_str(a, file).p : NULL,
            .line = (uint32_t)api_number(f, "line", 0),
            .column = (uint32_t)api_number(f, "column", 0),
        };
        fault_add(faults, at, "%.*s", STR_ARG(text));
    }
}

/* Prints faults like `check`, with excerpts if the files are readable here too. */
static int refuse(struct api *api, const struct api_answer *answer)
{
    struct value list = value_get(answer->value, STR("faults"));
    struct faults faults;
    if (list.kind != VALUE_LIST)
        return api_refused(api, answer);
    faults_init(&faults);
    take_faults(list, &faults, api->arena);
    faultview_print(stderr, &faults, api->cli->color_err);
    faults_done(&faults);
    return cli_fail(api->cli, "%.*s", STR_ARG(api_text(answer->value, "detail")));
}

static int reload(struct api *api)
{
    struct api_answer answer;
    struct err e;
    if (api_try(api, "POST", STR("/v1/reload"), (struct value){0}, STR(""), &answer, &e) < 0)
        return cli_fail(api->cli, "%s", e.msg);
    if (answer.status != 200)
        return refuse(api, &answer);
    if (flags_given(&api->cli->flags, "json"))
        cli_print_json(answer.value);
    else
        printf("the seed tree is in use: %lld nodes, loaded in %lld ms\n",
               (long long)api_number(answer.value, "nodes", 0),
               (long long)api_number(answer.value, "ms", 0));
    return CLI_OK;
}

static int run(struct cli *c)
{
    struct api api;
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = reload(&api);
    api_close(&api);
    return status;
}

const struct command command_reload = {
    .name = "reload",
    .operands = "",
    .flags = FLAGS(FLAG_JSON),
    .summary = "let the server read its seed tree again",
    .help =
        "Waits until the new tree is in use. A tree with faults is refused: they are printed as\n"
        "`check` prints them, and the previous tree stays in use.\n"
        "\n"
        "Examples:\n"
        "  cloudseed check && cloudseed reload\n",
    .run = run,
};
