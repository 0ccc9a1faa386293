/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str: text with its length, owned by something else.
 *
 * A `struct str` is a plain value of two words; it never owns its bytes and need not end in NUL.
 * Parsing helpers read the whole text or fail; none of them stops in the middle.
 */
#ifndef CLOUDSEED_BASE_STR_H
#define CLOUDSEED_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(s) (int)(s).n, (s).p

static inline struct str str_from(const char *z)
{
    return z ? (struct str){z, strlen(z)} : (struct str){"", 0};
}

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_is(struct str a, const char *z)
{
    return str_eq(a, str_from(z));
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

static inline bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n &&
           (suffix.n == 0 || memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0);
}

/* The text from `from` on; empty when it is shorter. */
static inline struct str str_skip(struct str s, size_t from)
{
    if (from > s.n)
        from = s.n;
    return from ? (struct str){s.p + from, s.n - from} : s; /* no sums with a NULL */
}

/* Whether the list, which ends in NULL, holds `s`. */
bool str_in(struct str s, const char *const *list);

/* By bytes, a prefix first: <0, 0, >0. */
int str_cmp(struct str a, struct str b);

/* Cuts `*s` at the first `c`: returns the part before it and leaves the rest in `*s`. Without a `c`
 * it returns everything and leaves `*s` with p == NULL. */
struct str str_cut(struct str *s, char c);

/* Drops spaces, tabs and line ends from both ends. */
struct str str_trim(struct str s);

/* Decimal digits only: no sign, no leading zero except in "0", at most `max`. */
bool str_to_u64(struct str s, uint64_t max, uint64_t *ret);

#define STR_U64_SIZE 21
/* Writes `v` in decimal digits and a NUL; returns what it wrote. */
struct str str_of_u64(uint64_t v, char text[static STR_U64_SIZE]);

/* Ignores the case of ASCII letters only. */
bool str_eq_nocase(struct str a, struct str b);

/* Whether all of `s` is well-formed UTF-8 (RFC 3629); if not, *ret_at is the first bad byte. */
bool str_is_utf8(struct str s, size_t *ret_at);

/* The code point that begins `s`, which must not be empty; *ret_n is its length in bytes. A byte
 * that is not UTF-8 counts as U+FFFD with a length of 1. */
uint32_t str_decode_sequence(struct str s, size_t *ret_n);
static inline uint32_t str_decode(struct str s, size_t *ret_n)
{
    if ((unsigned char)s.p[0] >= 0x80)
        return str_decode_sequence(s, ret_n);
    *ret_n = 1;
    return (unsigned char)s.p[0];
}

/* Whether a code point must not reach a terminal: controls (also those above 127), characters that
 * change the direction of text, ends of lines and paragraphs, and what is never visible. */
bool str_is_hidden(uint32_t c);

/* The beginning of `s`, at most `max_bytes`, that does not end inside a UTF-8 sequence. */
struct str str_head(struct str s, size_t max_bytes);

/* How many edits turn `a` into `b` (insertion, deletion, replacement, swap of neighbours); texts
 * longer than 64 bytes count as 64 edits apart. */
unsigned str_distance(struct str a, struct str b);

#endif
