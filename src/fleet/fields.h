/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fields: a record's members, written to and read from a JSON map.
 *
 * Members that say nothing are left out; unknown ones are passed over.
 */
#ifndef CLOUDSEED_FLEET_FIELDS_H
#define CLOUDSEED_FLEET_FIELDS_H

#include "base/value.h"

#define FIELDS_MAX 40
/* In both directions: no sum of two of them overflows. */
#define FIELDS_TIME_MAX_MS ((int64_t)1 << 53)

struct fields {
    struct value_pair list[FIELDS_MAX];
    size_t n;
};

void fields_put(struct fields *m, struct str key, struct value v);
/* Nothing if the text is empty, the count 0, the flag not set. */
void fields_text(struct fields *m, struct str key, struct str text);
void fields_count(struct fields *m, struct str key, uint64_t n);
void fields_flag(struct fields *m, struct str key, bool set);
struct value fields_value(const struct fields *m, struct arena *a);

/* A map that is read member by member; remembers the first one that is wrong. */
struct fields_reader {
    struct value map;
    const char *wrong;
};

/* Undefined if it is missing or of another kind, which is wrong. */
struct value fields_get(struct fields_reader *rd, const char *key, enum value_kind kind);
struct str fields_get_text(struct fields_reader *rd, const char *key);
int64_t fields_get_int(struct fields_reader *rd, const char *key, int64_t min, int64_t max);
bool fields_get_flag(struct fields_reader *rd, const char *key);
/* The number of one of the names, which end in NULL; missing: wrong. */
int fields_get_name(struct fields_reader *rd, const char *key, const char *const *names);
struct fields_reader fields_get_map(struct fields_reader *rd, const char *key);
void fields_end_map(struct fields_reader *rd, const struct fields_reader *inner);

#endif
