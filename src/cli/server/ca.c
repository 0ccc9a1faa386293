/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/api.h"

#include <stdio.h>

#define FLAG_PEM                                              \
    {                                                         \
        "pem", NULL, "print only the CA's certificates (PEM)" \
    }

static void print_rotation(struct value rotation)
{
    long long windows = (long long)api_number(rotation, "windows", 0);
    if (rotation.kind != VALUE_MAP)
        return;
    cli_print_line("rotation     waits for %lld window%s with the former pin:", windows,
                   windows == 1 ? "" : "s");
    cli_print_line("             %.*s", STR_ARG(api_text(rotation, "former_pin")));
}

static void print_ca(struct value ca, struct arena *a)
{
    struct value certificate = value_get(ca, STR("certificate"));
    struct value warnings = value_get(ca, STR("warnings"));
    struct str names = api_list_text(certificate, "names", a);
    bool provided = value_get(ca, STR("provided")).b;
    cli_print_line("pin          %.*s", STR_ARG(api_text(ca, "pin")));
    if (provided)
        cli_print_line("CA           provided in files (tls in cloudseedd.yaml)");
    else
        cli_print_line("CA           the server's own, until %.*s",
                       STR_ARG(api_when(ca, "until", a)));
    cli_print_line("certificate  until %.*s%s%.*s", STR_ARG(api_when(certificate, "until", a)),
                   names.n ? ", for " : "", STR_ARG(names));
    print_rotation(value_get(ca, STR("rotation")));
    for (uint32_t i = 0; warnings.kind == VALUE_LIST && i < warnings.n; i++)
        cli_print_line("warning      %.*s", STR_ARG(value_text(warnings.items[i])));
}

static int ask(struct cli *c, const char *method, struct str target, struct value body)
{
    struct api api;
    struct api_answer answer;
    int status = api_open(c, &api);
    if (status == CLI_OK)
        status = api_ask(&api, method, target, body, STR(""), &answer);
    if (status == CLI_OK && flags_given(&c->flags, "json"))
        cli_print_json(answer.value);
    else if (status == CLI_OK && flags_given(&c->flags, "pem"))
        fwrite(api_text(answer.value, "pem").p, 1, api_text(answer.value, "pem").n, stdout);
    else if (status == CLI_OK)
        print_ca(answer.value, api.arena);
    api_close(&api);
    return status;
}

static int run_show(struct cli *c)
{
    return ask(c, "GET", STR("/v1/ca"), (struct value){0});
}

const struct command command_ca_show = {
    .name = "ca show",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, FLAG_PEM),
    .summary = "show the CA that nodes check the server by",
    .help = "Nodes bootstrap over TLS, and know the server's CA by a pin in their SMBIOS serial.\n"
            "Shows the pin, how long the CA and the server's certificate are valid, for which\n"
            "names, whether a rotation is under way, and what is wrong with any of it.\n"
            "\n"
            "Examples:\n"
            "  cloudseed ca show\n"
            "  cloudseed ca show --pem >/usr/local/share/ca-certificates/cloudseed.crt\n",
    .run = run_show,
};

static int run_renew(struct cli *c)
{
    return ask(c, "POST", STR("/v1/ca/renew"), (struct value){0});
}

const struct command command_ca_renew = {
    .name = "ca renew",
    .operands = "",
    .flags = FLAGS(FLAG_JSON),
    .summary = "prolong the server's CA, with the same key",
    .help = "The pin stays, and windows that are open stay usable. The server does this by\n"
            "itself when two thirds of the CA's ten years have passed.\n"
            "\n"
            "Examples:\n"
            "  cloudseed ca renew\n",
    .run = run_renew,
};

static int run_rotate(struct cli *c)
{
    const struct value_pair now[] = {JSON_BOOL("now", flags_given(&c->flags, "now"))};
    return ask(c, "POST", STR("/v1/ca/rotate"), value_map(now, 1));
}

const struct command command_ca_rotate = {
    .name = "ca rotate",
    .operands = "",
    .flags = FLAGS(FLAG_JSON, {"now", NULL, "do not wait for windows that are open"}),
    .summary = "replace the key of the server's CA",
    .help = "Windows that are opened from now on have the new pin. The former CA stays valid\n"
            "until the last window is closed that has its pin; then the server drops it. With\n"
            "--now, for a key that others may know, it is dropped at once: nodes that are being\n"
            "built refuse the server, until they are armed again and have the new serial.\n"
            "\n"
            "Examples:\n"
            "  cloudseed ca rotate\n",
    .run = run_rotate,
};
