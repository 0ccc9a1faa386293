/* SPDX-License-Identifier: Apache-2.0 */
/*
 * api: requests of the commands to the server (docs/formats/api.md), and its error answers.
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
    const char *about;   /* prefix of error messages; NULL: none */
    struct arena *arena; /* for answers; api_open sets the command's own */
};

struct api_answer {
    int status;
    struct str etag;
    struct value value; /* VALUE_UNDEFINED: no body, or none in JSON */
    struct str line;    /* the first line of a body that is not JSON */
};

/* The server's address from --server, $CLOUDSEED_SERVER, the context in use or the configuration,
 * in this order: a URL, a context or a socket. CLI_MISUSED after printing what is wrong with it. */
int api_find_server(struct cli *c, const struct config *config, struct server_address *ret);

/* CLI_FAILED or CLI_MISUSED after printing the reason. Sends nothing. Call api_close in any case.
 */
int api_open(struct cli *c, struct api *ret);
void api_close(struct api *api);

/* Sends a request and returns the answer, whatever its status. `body` may be VALUE_UNDEFINED,
 * `if_match` empty. -errno and the reason if there is no answer. */
int api_try(struct api *api, const char *method, struct str target, struct value body,
            struct str if_match, struct api_answer *ret, struct err *e);
/* The same, but without an answer or with a status other than 2xx, CLI_FAILED after printing the
 * reason. */
int api_ask(struct api *api, const char *method, struct str target, struct value body,
            struct str if_match, struct api_answer *ret);
int api_get(struct api *api, struct str target, struct value *ret);

/* A file that is not JSON; CLI_FAILED after printing the reason. */
int api_file(struct api *api, struct str target, struct str *ret);

/* Prints the error in an answer that is not 2xx; returns CLI_FAILED. */
int api_refused(struct api *api, const struct api_answer *answer);

/* "/v1/nodes/NAME", or "/v1/nodes/NAME/ACTION" if `action` is not empty. */
struct str api_node(struct api *api, const char *name, const char *action);

/* Calls on_item for each item of a list, page by page. An item, and what on_item allocates from
 * api->arena, is gone with its page. `target` must have a query ("…?limit=1000");
 * `member` is the list's name in the answer. Stops when on_item returns something other than 0, and
 * returns that. */
int api_each(struct api *api, struct str target, const char *member,
             int (*on_item)(void *cls, struct value item), void *cls);

/* Asks for a list that comes in one answer and prints it: as JSON with --json, its items' names
 * with
 * --names, else by `print`. */
int api_print_list(struct cli *c, struct str target, const char *member,
                   void (*print)(struct cli *c, struct value list));

/* Sets *ret to the id of the newest event, "0" if there is none. CLI_FAILED after printing the
 * reason. */
int api_last_event(struct api *api, char text[static STR_U64_SIZE], struct str *ret);

/* Prints a note when the stream has lost its connection: once, *noted remembers it. */
void api_note_trouble(const struct api *api, const struct client_stream *s, bool *noted);

/* Members of answers: the text, empty if it is missing or not a text; the number, or `other`. */
struct str api_text(struct value map, const char *member);
int64_t api_number(struct value map, const char *member, int64_t other);
/* Whether it is true; false if it is missing. */
bool api_is(struct value map, const char *member);
/* A time, in milliseconds since 1970; -1 if it is missing. */
int64_t api_time(struct value map, const char *member);
/* That time in the local zone: "2026-11-30 10:12:04 CET"; empty if it is missing. */
struct str api_when(struct value map, const char *member, struct arena *a);
/* How long ago that time was: "12:04"; empty if it is missing. */
struct str api_age(struct value map, const char *member, struct arena *a);
/* "10.0.20.11,fd00:20::11" of a list of texts. */
struct str api_list_text(struct value map, const char *member, struct arena *a);

#endif
