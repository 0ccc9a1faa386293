/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/server.h"

#include <stdlib.h>

static bool is_url(struct str s)
{
    return str_starts(s, STR("http://")) || str_starts(s, STR("https://"));
}

static int take_url(struct cli *c, struct str url, struct server_address *ret)
{
    while (url.n && url.p[url.n - 1] == '/')
        url.n--;
    if (!config_url_valid(url))
        return cli_misuse(c, "the server '%s': expected http://HOST:PORT, or a socket", ret->where);
    ret->url = arena_str(&c->arena, url).p;
    return CLI_OK;
}

int server_find(struct cli *c, const struct config *config, struct server_address *ret)
{
    const char *named = c->flags.value[FLAG_SERVER], *group = config->socket_group.p;
    if (!named)
        named = getenv("CLOUDSEED_SERVER");
    if (named && !*named)
        named = NULL;
    *ret = (struct server_address){
        .where = named ? named : config->socket.p,
        .url = "http://localhost",
        .named = named,
        .group = group && *group ? group : NULL,
    };
    if (strcmp(ret->where, "none") == 0)
        ret->where = NULL;
    else if (is_url(str_from(ret->where)))
        return take_url(c, str_from(ret->where), ret);
    else
        ret->socket = ret->where;
    return CLI_OK;
}
