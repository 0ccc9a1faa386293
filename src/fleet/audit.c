/* SPDX-License-Identifier: Apache-2.0 */
/* Entries wait in a pile. The writer's pile is written batch by batch while the other one fills. */
#include "fleet/internal.h"

#include "base/hash.h"
#include "base/json.h"
#include "base/mem.h"

#include <assert.h>
#include <stdlib.h>

#define PILE_ENTRIES 16384U
#define PILE_URGENT (PILE_ENTRIES / 4) /* does not wait for its time */
#define PILE_BYTES ((size_t)4 << 20)
#define BATCH_ENTRIES 256U /* with all their texts at their longest still a transaction */
#define BATCH_BYTES ((size_t)64 * 1024)
#define FLUSH_MS 1000 /* so much is lost when the process is killed */
#define SENT_MAX (2 * PILE_ENTRIES / BATCH_ENTRIES + 2)
#define KEEP_BYTES ((size_t)256 * 1024) /* of an empty pile */
#define TAG UINT64_MAX                  /* no request's */
#define SHOWN_MAX_BYTES 128             /* of a text, escaped */

enum text { TEXT_UID, TEXT_NODE, TEXT_WHO, TEXT_WHAT, TEXT_AGENT, TEXT_REASON, TEXTS };

/* What makes two entries the same, with their texts behind it. All zero where nothing is: it is
 * compared as bytes. */
struct head {
    int16_t class, status;
    struct address from;
    uint8_t length[TEXTS];
};

#define PACKED_MAX_BYTES (sizeof(struct head) + (size_t)TEXTS * UINT8_MAX)

struct item {
    uint32_t at, n; /* in the pile's bytes */
    uint32_t times;
    int64_t at_ms; /* of the first time */
};

struct pile {
    struct item *items;
    char *bytes;
    uint32_t n, room, of_class[STORE_CLASSES];
    size_t bytes_n, bytes_room;
    uint32_t *slots; /* numbers of items + 1; 0: free */
};

#define SLOTS (2 * PILE_ENTRIES) /* a power of 2 */

struct audit {
    struct pile piles[2];
    struct pile *fills, *leaves;
    uint32_t left; /* how many of those that leave were given to the store */
    struct sent {
        uint32_t n;
        uint64_t untold; /* losses that the batch tells of */
    } sent[SENT_MAX];    /* batches that the store has not answered, in their order */
    uint32_t sent_n;
    bool finishes;        /* as many batches as there are, and none again */
    uint64_t due_boot_ms; /* when the next batch is sent; UINT64_MAX: not by time */
    uint64_t lost, lost_told;
    struct arena arena; /* of a batch */
};

/* --- Piles ----------------------------------------------------------------------------------- */

struct audit *audit_new(void)
{
    struct audit *a = MEM_NEW(struct audit);
    a->fills = &a->piles[0];
    a->leaves = &a->piles[1];
    a->due_boot_ms = UINT64_MAX;
    arena_init(&a->arena, BATCH_BYTES);
    return a;
}

static void pile_done(struct pile *p)
{
    free(p->items);
    free(p->bytes);
    free(p->slots);
    *p = (struct pile){0};
}

void audit_free(struct audit *a)
{
    if (!a)
        return;
    pile_done(&a->piles[0]);
    pile_done(&a->piles[1]);
    arena_done(&a->arena);
    free(a);
}

/* Cut to what a packed length can say, at a character's end. */
static char *pack_text(char *to, uint8_t *ret_n, struct str s)
{
    struct str kept = str_head(s, s.n < UINT8_MAX ? s.n : UINT8_MAX);
    *ret_n = (uint8_t)kept.n;
    if (kept.n)
        memcpy(to, kept.p, kept.n);
    return to + kept.n;
}

static struct str pack(const struct audit_entry *e, char room[static PACKED_MAX_BYTES])
{
    struct head h;
    char *at = room + sizeof(h);
    memset(&h, 0, sizeof(h));
    h.class = (int16_t)e->class;
    h.status = (int16_t)e->status;
    h.from = e->from;
    at = pack_text(at, &h.length[TEXT_UID], e->uid);
    at = pack_text(at, &h.length[TEXT_NODE], e->node);
    at = pack_text(at, &h.length[TEXT_WHO], e->who);
    at = pack_text(at, &h.length[TEXT_WHAT], e->what);
    at = pack_text(at, &h.length[TEXT_AGENT], e->agent);
    at = pack_text(at, &h.length[TEXT_REASON], e->reason);
    memcpy(room, &h, sizeof(h));
    return (struct str){room, (size_t)(at - room)};
}

/* Anyone can cause refusals, and nodes fetch as much as they like: there is always room for what
 * admins do. */
static bool has_room(const struct pile *p, enum store_class class, size_t bytes)
{
    uint32_t most = class == STORE_BY_ADMIN ? PILE_ENTRIES : PILE_ENTRIES / 16 * 15;
    size_t most_bytes = class == STORE_BY_ADMIN ? PILE_BYTES : PILE_BYTES / 16 * 15;
    if (class == STORE_REFUSED && p->of_class[class] >= PILE_ENTRIES / 4)
        return false;
    return p->n < most && p->bytes_n + bytes <= most_bytes;
}

/* The slot of the same entry, or a free one. */
static uint32_t *find_slot(const struct pile *p, struct str packed)
{
    uint32_t i = (uint32_t)hash64(packed) & (SLOTS - 1);
    for (; p->slots[i]; i = (i + 1) & (SLOTS - 1)) {
        const struct item *it = &p->items[p->slots[i] - 1];
        if (it->n == packed.n && memcmp(p->bytes + it->at, packed.p, packed.n) == 0)
            break;
    }
    return &p->slots[i];
}

static void add(struct pile *p, uint32_t *slot, struct str packed, int64_t at_ms)
{
    while (p->bytes_n + packed.n > p->bytes_room) {
        p->bytes_room = p->bytes_room ? 2 * p->bytes_room : (size_t)16 * 1024;
        p->bytes = mem_resize(p->bytes, p->bytes_room, 1);
    }
    p->items = mem_grow(p->items, p->n, &p->room, sizeof(*p->items));
    p->items[p->n++] =
        (struct item){(uint32_t)p->bytes_n, (uint32_t)packed.n, .times = 1, .at_ms = at_ms};
    memcpy(p->bytes + p->bytes_n, packed.p, packed.n);
    p->bytes_n += packed.n;
    *slot = p->n;
}

void fleet_audit(struct fleet *f, const struct audit_entry *e)
{
    struct audit *a = f->audit;
    struct pile *p = a->fills;
    char room[PACKED_MAX_BYTES];
    struct str packed = pack(e, room);
    if (!p->slots)
        p->slots = MEM_ARRAY(uint32_t, SLOTS);
    uint32_t *slot = find_slot(p, packed);
    if (*slot) {
        p->items[*slot - 1].times++;
        return;
    }
    if (!has_room(p, e->class, packed.n)) {
        a->lost++;
        return;
    }
    struct moment now;
    f->host.now(f->host.cls, &now);
    add(p, slot, packed, now.wall_ms);
    p->of_class[e->class]++;
    if (p->n == PILE_URGENT) {
        audit_write(f);
    } else if (a->due_boot_ms == UINT64_MAX && !a->sent_n) {
        a->due_boot_ms = now.boot_ms + FLUSH_MS;
        alarm_set(f);
    }
}

uint64_t fleet_audit_lost(const struct fleet *f)
{
    return f->audit->lost;
}

/* --- Writing --------------------------------------------------------------------------------- */

static struct value shown(struct str s, struct arena *a)
{
    struct buf b;
    buf_init(&b, 4 * SHOWN_MAX_BYTES);
    buf_escaped(&b, s, SHOWN_MAX_BYTES);
    struct value v = value_str(arena_str(a, buf_view(&b)));
    buf_done(&b);
    return v;
}

static struct str json(struct value v, struct arena *a)
{
    struct buf b;
    buf_init(&b, 4096);
    json_write(&b, v, false);
    struct str text = arena_str(a, buf_view(&b));
    buf_done(&b);
    return text;
}

static void put(struct value_pair *list, uint32_t *n, const char *key, struct value v)
{
    list[(*n)++] = (struct value_pair){value_str(str_from(key)), v};
}

static const char *kind_of(enum store_class class)
{
    return class == STORE_BY_ADMIN  ? STORE_BY_ADMIN_KIND
           : class == STORE_BY_NODE ? STORE_BY_NODE_KIND
                                    : STORE_REFUSED_KIND;
}

static struct store_event event_of(const struct pile *p, const struct item *it, struct arena *a)
{
    struct head h;
    struct str text[TEXTS];
    char from[ADDRESS_TEXT_SIZE];
    struct value_pair list[7];
    uint32_t n = 0;
    const char *at = p->bytes + it->at + sizeof(h);
    memcpy(&h, p->bytes + it->at, sizeof(h));
    for (int i = 0; i < TEXTS; i++) {
        text[i] = (struct str){at, h.length[i]};
        at += h.length[i];
    }
    if (text[TEXT_NODE].n)
        put(list, &n, "node", value_str(text[TEXT_NODE]));
    put(list, &n, "what", shown(text[TEXT_WHAT], a));
    if (h.status)
        put(list, &n, "status", value_int(h.status));
    if (h.from.family)
        put(list, &n, "from", value_str(arena_str(a, str_from(address_text(h.from, from)))));
    if (text[TEXT_AGENT].n)
        put(list, &n, "agent", shown(text[TEXT_AGENT], a));
    if (text[TEXT_REASON].n)
        put(list, &n, "reason", shown(text[TEXT_REASON], a));
    if (it->times > 1)
        put(list, &n, "times", value_int(it->times));
    return (struct store_event){
        .at_ms = it->at_ms,
        .node = text[TEXT_UID],
        .kind = str_from(kind_of((enum store_class)h.class)),
        .who = value_text(shown(text[TEXT_WHO], a)),
        .bytes = json(value_map(list, n), a),
    };
}

/* What could not be written is an entry, too. */
static struct store_event event_of_lost(uint64_t n, int64_t wall_ms, struct arena *a)
{
    const struct value_pair list[] = {JSON_STR("what", STR("lost")), JSON_INT("times", (int64_t)n)};
    return (struct store_event){
        .at_ms = wall_ms,
        .node = STR(""),
        .kind = STR(STORE_BY_ADMIN_KIND),
        .who = STR("server"),
        .bytes = json(value_map(list, 2), a),
    };
}

static void turn_over(struct audit *a)
{
    struct pile *emptied = a->leaves;
    if (emptied->bytes_room > KEEP_BYTES)
        pile_done(emptied);
    emptied->n = 0;
    emptied->bytes_n = 0;
    memset(emptied->of_class, 0, sizeof(emptied->of_class));
    if (emptied->slots)
        memset(emptied->slots, 0, SLOTS * sizeof(*emptied->slots));
    a->leaves = a->fills;
    a->fills = emptied;
    a->left = 0;
}

static bool is_anything_left(const struct audit *a)
{
    return a->fills->n || a->left < a->leaves->n || a->lost > a->lost_told;
}

/* Hands the next batch to the store. False: the store takes none now. */
static bool send_batch(struct fleet *f)
{
    struct audit *a = f->audit;
    struct store_event events[BATCH_ENTRIES + 1];
    struct moment now;
    size_t n = 0;
    f->host.now(f->host.cls, &now);
    arena_reset(&a->arena);
    if (a->left == a->leaves->n)
        turn_over(a);
    uint64_t untold = a->lost - a->lost_told;
    if (untold)
        events[n++] = event_of_lost(untold, now.wall_ms, &a->arena);
    uint32_t at = a->left;
    while (at < a->leaves->n && at - a->left < BATCH_ENTRIES)
        events[n++] = event_of(a->leaves, &a->leaves->items[at++], &a->arena);
    const struct store_txn txn = {.tag = TAG, .events = events, .n_events = n, .behind = true};
    if (store_commit(f->store, &txn) < 0)
        return false;
    a->sent[a->sent_n++] = (struct sent){at - a->left, untold};
    a->left = at;
    a->lost_told += untold;
    return true;
}

/* One batch at a time: what comes meanwhile shares the next one. */
void audit_write(struct fleet *f)
{
    struct audit *a = f->audit;
    struct moment now;
    a->due_boot_ms = UINT64_MAX;
    if (!a->sent_n && is_anything_left(a) && (!fleet_healthy(f, NULL) || !send_batch(f))) {
        f->host.now(f->host.cls, &now);
        a->due_boot_ms = now.boot_ms + FLUSH_MS;
    }
    alarm_set(f);
}

bool audit_is_tag(uint64_t tag)
{
    return tag == TAG;
}

/* A batch that was certainly not written is written again. */
static void take_answer(struct audit *a, enum store_result result)
{
    assert(a->sent_n);
    struct sent sent = a->sent[0];
    memmove(a->sent, a->sent + 1, --a->sent_n * sizeof(sent));
    if (result == STORE_OK)
        return;
    a->lost_told -= sent.untold;
    if (result == STORE_UNKNOWN || a->finishes)
        a->lost += sent.n;
    else
        a->left -= sent.n;
}

void audit_on_notice(struct fleet *f, const struct store_notice *n)
{
    struct audit *a = f->audit;
    struct moment now;
    take_answer(a, n->result);
    if (a->finishes)
        return;
    if (n->result == STORE_OK && (a->left < a->leaves->n || a->fills->n >= PILE_URGENT)) {
        audit_write(f);
    } else if (is_anything_left(a)) {
        f->host.now(f->host.cls, &now);
        a->due_boot_ms = now.boot_ms + FLUSH_MS;
        alarm_set(f);
    }
}

uint64_t audit_due(const struct fleet *f)
{
    return f->audit->due_boot_ms;
}

void audit_finish(struct fleet *f)
{
    struct audit *a = f->audit;
    a->finishes = true;
    while (is_anything_left(a) && a->sent_n < SENT_MAX && fleet_healthy(f, NULL) && send_batch(f))
        ;
    a->lost += a->leaves->n - a->left + a->fills->n;
    a->left = a->leaves->n;
    a->fills->n = 0;
}
