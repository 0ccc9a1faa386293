/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/layout.h"

#include "base/json.h"

#include <errno.h>
#include <inttypes.h>

#define ID_DIGITS 16

static const char *const class_names[STORE_CLASSES] = {
    [STORE_CHANGE] = "change", [STORE_REPORT] = "report",   [STORE_BY_ADMIN] = "admin",
    [STORE_BY_NODE] = "node",  [STORE_REFUSED] = "refused",
};

static int malformed(struct err *e, const char *what, struct str key)
{
    struct buf name;
    buf_init(&name, 200);
    buf_escaped(&name, key, 100);
    int r =
        err_set(e, -EBADMSG, "etcd: %s '%s' was not written by cloudseed", what, buf_view(&name).p);
    buf_done(&name);
    return r;
}

/* --- The head --------------------------------------------------------------------------------- */

struct str layout_head(struct arena *a, const struct layout_head *head)
{
    const struct value_pair pairs[] = {
        JSON_INT("format", LAYOUT_FORMAT),
        JSON_STR("fleet", head->fleet),
        JSON_INT("revision", (int64_t)head->revision),
        JSON_INT("events", (int64_t)head->last[STORE_EVENTS]),
        JSON_INT("audit", (int64_t)head->last[STORE_AUDIT]),
        JSON_STR("writer", head->writer),
        JSON_INT("sequence", (int64_t)head->sequence),
    };
    struct buf text;
    buf_init(&text, SIZE_MAX - 1);
    json_write(&text, value_map(pairs, sizeof(pairs) / sizeof(pairs[0])), false);
    struct str copy = arena_str(a, buf_view(&text));
    buf_done(&text);
    return copy;
}

static bool read_count(struct value map, const char *name, uint64_t *ret)
{
    struct value v = value_get(map, str_from(name));
    if (v.kind != VALUE_INT || v.i < 0)
        return false;
    *ret = (uint64_t)v.i;
    return true;
}

int layout_read_head(struct str value, struct arena *a, struct layout_head *ret, struct err *e)
{
    struct value map;
    uint64_t format;
    struct layout_head head;
    if (json_read(value, a, &map, NULL) < 0 || !read_count(map, "format", &format))
        return malformed(e, "the key", STR(LAYOUT_HEAD));
    if (format != LAYOUT_FORMAT)
        return err_set(e, -EPROTONOSUPPORT,
                       "etcd: the state has format %" PRIu64 ", and this server knows only %d: "
                       "update cloudseed",
                       format, LAYOUT_FORMAT);
    head.fleet = value_get_text(map, STR("fleet"));
    head.writer = value_get_text(map, STR("writer"));
    if (!head.writer.n || !read_count(map, "revision", &head.revision) ||
        !read_count(map, "events", &head.last[STORE_EVENTS]) ||
        !read_count(map, "audit", &head.last[STORE_AUDIT]) ||
        !read_count(map, "sequence", &head.sequence))
        return malformed(e, "the key", STR(LAYOUT_HEAD));
    *ret = head;
    return 0;
}

/* --- Records ---------------------------------------------------------------------------------- */

struct str layout_record_key(struct arena *a, struct str kind, struct str key)
{
    return ARENA_JOIN(a, STR(LAYOUT_RECORDS), kind, STR("\0"), key);
}

struct str layout_record(struct arena *a, uint64_t revision, struct str bytes)
{
    char text[STR_U64_SIZE];
    return ARENA_JOIN(a, str_of_u64(revision, text), STR("\n"), bytes);
}

static bool is_name(struct str s)
{
    return s.n > 0 && s.n <= STORE_NAME_MAX_BYTES && !memchr(s.p, '\0', s.n);
}

int layout_read_record(struct str key, struct str value, struct store_record *ret, struct err *e)
{
    struct store_record record = {.key = str_skip(key, strlen(LAYOUT_RECORDS)), .bytes = value};
    record.kind = str_cut(&record.key, '\0');
    struct str digits = str_cut(&record.bytes, '\n');
    if (!str_starts(key, STR(LAYOUT_RECORDS)) || !is_name(record.kind) || !is_name(record.key) ||
        digits.n == value.n || !str_to_u64(digits, INT64_MAX, &record.revision) || !record.revision)
        return malformed(e, "the key", key);
    *ret = record;
    return 0;
}

/* --- The journals ----------------------------------------------------------------------------- */

struct str layout_batch_key(struct arena *a, enum store_class class, uint64_t first)
{
    return arena_printf(a, LAYOUT_JOURNAL "%s/%016" PRIx64, class_names[class], first);
}

static bool read_hex(struct str digits, uint64_t *ret)
{
    uint64_t n = 0;
    if (digits.n != ID_DIGITS)
        return false;
    for (size_t i = 0; i < ID_DIGITS; i++) {
        const char *at = digits.p[i] ? strchr("0123456789abcdef", digits.p[i]) : NULL;
        if (!at)
            return false;
        n = n << 4 | (uint64_t)(at - "0123456789abcdef");
    }
    *ret = n;
    return true;
}

int layout_read_batch_key(struct str key, enum store_class *ret_class, uint64_t *ret_first,
                          struct err *e)
{
    struct str id = str_skip(key, strlen(LAYOUT_JOURNAL));
    struct str name = str_cut(&id, '/');
    for (enum store_class c = 0; c < STORE_CLASSES; c++) {
        if (str_starts(key, STR(LAYOUT_JOURNAL)) && str_is(name, class_names[c]) &&
            read_hex(id, ret_first)) {
            *ret_class = c;
            return 0;
        }
    }
    return malformed(e, "the key", key);
}

void layout_entry(struct buf *batch, const struct store_entry *entry)
{
    const struct store_event *ev = &entry->event;
    buf_printf(batch, "%" PRIu64 " %" PRIu64 " %" PRId64 " %zu %zu %zu %zu\n", entry->id,
               entry->revision, ev->at_ms, ev->node.n, ev->kind.n, ev->who.n, ev->bytes.n);
    buf_str(batch, ev->node);
    buf_str(batch, ev->kind);
    buf_str(batch, ev->who);
    buf_str(batch, ev->bytes);
    buf_char(batch, '\n');
}

static bool read_time(struct str text, int64_t *ret)
{
    uint64_t n;
    bool negative = text.n && text.p[0] == '-';
    if (!str_to_u64(str_skip(text, negative), INT64_MAX, &n))
        return false;
    *ret = negative ? -(int64_t)n : (int64_t)n;
    return true;
}

/* A text of the entry; the number is its length. */
static bool read_text(struct str number, struct str *rest, struct str *ret)
{
    uint64_t n;
    if (!str_to_u64(number, rest->n, &n))
        return false;
    *ret = (struct str){rest->p, (size_t)n};
    *rest = str_skip(*rest, (size_t)n);
    return true;
}

int layout_read_entry(struct str *batch, struct store_entry *ret, struct err *e)
{
    struct str rest = *batch, line = str_cut(&rest, '\n');
    struct store_entry entry;
    struct store_event *ev = &entry.event;
    if (!str_to_u64(str_cut(&line, ' '), INT64_MAX, &entry.id) || !entry.id ||
        !str_to_u64(str_cut(&line, ' '), INT64_MAX, &entry.revision) ||
        !read_time(str_cut(&line, ' '), &ev->at_ms) ||
        !read_text(str_cut(&line, ' '), &rest, &ev->node) ||
        !read_text(str_cut(&line, ' '), &rest, &ev->kind) ||
        !read_text(str_cut(&line, ' '), &rest, &ev->who) || !read_text(line, &rest, &ev->bytes) ||
        !str_starts(rest, STR("\n")))
        return malformed(e, "a batch of", STR(LAYOUT_JOURNAL));
    *batch = str_skip(rest, 1);
    *ret = entry;
    return 0;
}

/* --- What retention removed ------------------------------------------------------------------- */

struct str layout_removed_key(struct arena *a, struct str node)
{
    return ARENA_JOIN(a, STR(LAYOUT_REMOVED), node);
}

struct str layout_removed(struct arena *a, const uint64_t removed[static STORE_CLASSES])
{
    struct buf text;
    buf_init(&text, (STR_U64_SIZE + 1) * STORE_CLASSES);
    for (enum store_class c = 0; c < STORE_CLASSES; c++)
        buf_printf(&text, "%s%" PRIu64, c ? " " : "", removed[c]);
    buf_char(&text, '\n');
    struct str copy = arena_str(a, buf_view(&text));
    buf_done(&text);
    return copy;
}

int layout_read_removed(struct str key, struct str value, struct str *ret_node,
                        uint64_t ret[static STORE_CLASSES], struct err *e)
{
    struct str node = str_skip(key, strlen(LAYOUT_REMOVED)), line = str_cut(&value, '\n');
    uint64_t removed[STORE_CLASSES];
    bool ok = str_starts(key, STR(LAYOUT_REMOVED)) && (!node.n || is_name(node)) && !value.n;
    for (enum store_class c = 0; c < STORE_CLASSES && ok; c++)
        ok = str_to_u64(str_cut(&line, ' '), INT64_MAX, &removed[c]);
    if (!ok || line.n)
        return malformed(e, "the key", key);
    memcpy(ret, removed, sizeof(removed));
    *ret_node = node;
    return 0;
}
