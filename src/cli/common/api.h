/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: what commands ask of the server (docs/formats/api.md), and how its refusals are told.
 */
#ifndef CLOUDSEED_CLI_COMMON_API_H
#define CLOUDSEED_CLI_COMMON_API_H

#include "base/json.h"
#include "cli/common/cli.h"
#include "cli/common/client.h"
#include "config/config.h"

struct api {
    struct cli *cli;
    struct config config;
    struct server_address server;
    struct client *client;
    const char *about; /* what refusals are about, where several things are asked; NULL: no word */
    struct arena *arena; /* of answers: the call's, unless somebody sets another */
};

struct api_answer {
    int status;
    struct str etag;
    struct value value; /* VALUE_UNDEFINED: there is no body */
};

/* --server, else $CLOUDSEED_SERVER, else the configuration's socket. CLI_MISUSED after saying what
 * is wrong with it. */
int api_find_server(struct cli *c, const struct config *config, struct server_address *ret);

/* CLI_FAILED or CLI_MISUSED after saying why. Nothing is sent yet; to be closed in any case. */
int api_open(struct cli *c, struct api *ret);
void api_close(struct api *api);

/* Asks; any status is an answer. `body` may be VALUE_UNDEFINED, `if_match` empty. -errno where
 * there is no answer, and why. */
int api_try(struct api *api, const char *method, struct str target, struct value body,
            struct str if_match, struct api_answer *ret, struct err *e);
/* The same, but CLI_FAILED after saying why where it is not 2xx, or there is no answer. */
int api_ask(struct api *api, const char *method, struct str target, struct value body,
            struct str if_match, struct api_answer *ret);
int api_get(struct api *api, struct str target, struct value *ret);

/* Says what an answer that is not 2xx says; returns CLI_FAILED. */
int api_refused(struct api *api, const struct api_answer *answer);

/* "/v1/nodes/NAME", and with "/ACTION" where `action` is not empty. */
struct str api_node(struct api *api, const char *name, const char *action);

/* Goes through all pages of a list: `target` has its query already ("…?limit=1000"), `member` is
 * what it is called. Ends early where on_item says so (not 0), with what it said. */
int api_each(struct api *api, struct str target, const char *member,
             int (*on_item)(void *cls, struct value item), void *cls);

/* Members of answers: the text, empty where it is none; the number, or `other`. */
struct str api_text(struct value map, const char *member);
int64_t api_number(struct value map, const char *member, int64_t other);
/* A time, in milliseconds since 1970; -1: there is none. */
int64_t api_time(struct value map, const char *member);
/* How long ago that was: "12:04"; empty: there is no time. */
struct str api_age(struct value map, const char *member, struct arena *a);
/* "10.0.20.11,fd00:20::11" of a list of texts. */
struct str api_list_text(struct value map, const char *member, struct arena *a);

#endif
