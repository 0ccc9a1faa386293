/* SPDX-License-Identifier: Apache-2.0 */
/* answer: lines of text for consoles, JSON for admins, and refusals of both kinds (RFC 9457). */
#ifndef CLOUDSEED_CORE_ANSWER_H
#define CLOUDSEED_CORE_ANSWER_H

#include "base/fault.h"
#include "base/json.h"
#include "port/exchange.h"

/* A refusal: one plain line that says why, to be read on a console. `reason` is static or lives in
 * the exchange's arena. A 503 asks the peer to come again. */
void answer_refuse(struct exchange *x, int status, const char *reason);

/* One plain line that is not worth a line in the log. */
void answer_line(struct exchange *x, int status, const char *line);

/* The entity tag of these bytes in the answer's encoding. Equal bytes have equal tags on every
 * machine and in every release. */
const char *answer_tag(struct exchange *x, struct str bytes);
/* The same for bytes of which `digest` was made. */
const char *answer_tag_of(struct exchange *x, uint64_t digest);

/* Answers an admin with out.body and its entity tag; 304 if the peer has it already. */
void answer_body(struct exchange *x, int status, const char *type);

/* --- JSON ------------------------------------------------------------------------------------ */

#define JSON_NONE(key)                    \
    {                                     \
        value_str(STR(key)), value_none() \
    }

/* A map of the pairs, in the arena. */
struct value json_map(const struct value_pair *pairs, size_t n, struct arena *a);
#define JSON_MAP(a, ...)                               \
    json_map((const struct value_pair[]){__VA_ARGS__}, \
             sizeof((const struct value_pair[]){__VA_ARGS__}) / sizeof(struct value_pair), (a))

/* A time as RFC 3339 in UTC with milliseconds. */
struct value json_time(int64_t wall_ms, struct arena *a);

/* Answers with the value and its entity tag; 304 if the peer has it already. */
void answer_json(struct exchange *x, int status, struct value v);
/* The entity tag that answer_json would give to this value. */
struct str answer_json_tag(struct exchange *x, struct value v);

/* A page of a list as the answer, written item by item: {"MEMBER": [ITEM...], and then the members
 * of `rest`}. Pages end early where items are large: answer_list_item returns false for an item
 * that does not fit, and leaves it out. The first one is never left out. */
void answer_list_begin(struct exchange *x, const char *member);
bool answer_list_item(struct exchange *x, struct value item);
void answer_list_end(struct exchange *x, const struct value_pair *rest, size_t n);

/* `detail` is one line, static or in the exchange's arena. */
void answer_problem(struct exchange *x, int status, const char *detail);
/* The same with a word for programs. */
void answer_reason(struct exchange *x, int status, const char *reason, const char *detail);
/* The same with the faults of a file. */
void answer_faults(struct exchange *x, int status, const char *detail, const struct faults *faults);

/* The same with the faults of a definition, each with the member that it is about. `members` ends
 * with NULL. */
void answer_definition_faults(struct exchange *x, int status, const char *detail,
                              const char *const *members, const struct faults *faults);

#endif
