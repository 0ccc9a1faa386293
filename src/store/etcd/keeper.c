/* SPDX-License-Identifier: Apache-2.0 */
#include "store/etcd/keeper.h"

#include "base/clock.h"

#include <errno.h>
#include <inttypes.h>

#define COMMITS_MAX 64 /* of a group */
#define READ_MS 5000
#define PROBE_MS 1000 /* while etcd refuses or does not answer */
#define LOOK_MS 5000  /* while nothing is written */
#define TIDY_MS 60000
#define TIDY_BUSY_MS 250 /* after a commit */
#define FEED_ANSWERS_MAX 1024
#define PAGE_KEYS 200
#define TAKE_OVERS_MAX 5

void keeper_init(struct keeper *k, struct store_limits limits, struct store_retention keep)
{
    queue_init(&k->queue, limits);
    batches_init(&k->journal);
    group_init(&k->group);
    group_init(&k->fence);
    arena_init(&k->feed.arena, 1024);
    pthread_mutex_init(&k->lock, NULL);
    k->keep = keep;
}

void keeper_done(struct keeper *k)
{
    queue_done(&k->queue);
    gateway_done(&k->gateway);
    batches_done(&k->journal);
    revisions_done(&k->known);
    group_done(&k->group);
    group_done(&k->fence);
    arena_done(&k->feed.arena);
    pthread_mutex_destroy(&k->lock);
}

static void answer(struct keeper *k, struct request *r)
{
    struct request_list one = {0};
    request_list_put(&one, r);
    queue_answer(&k->queue, &one);
}

static void set_health(struct keeper *k, enum store_result health, const struct err *why)
{
    pthread_mutex_lock(&k->lock);
    bool changed = k->health != health;
    k->health = health;
    if (health != STORE_OK)
        k->why = *why;
    pthread_mutex_unlock(&k->lock);
    k->look_at_ms = clock_boot_ms() + (health == STORE_OK ? LOOK_MS : PROBE_MS);
    if (changed)
        answer(k, request_notice(STORE_HEALTH));
}

static bool is_healthy(const struct keeper *k)
{
    return k->health == STORE_OK; /* only this thread writes it */
}

/* --- The head --------------------------------------------------------------------------------- */

/* A head that was found in etcd; `is_there` false: there is none. */
struct found {
    bool is_there;
    struct layout_head head;
    uint64_t mod_revision;
};

static enum store_result read_found(const struct codec_answer *answer, struct arena *a,
                                    struct found *ret, struct err *why)
{
    *ret = (struct found){.is_there = answer->n > 0};
    if (!ret->is_there)
        return STORE_OK;
    ret->mod_revision = answer->kvs[0].mod_revision;
    return layout_read_head(answer->kvs[0].value, a, &ret->head, why) < 0 ? STORE_UNAVAILABLE
                                                                          : STORE_OK;
}

static enum store_result get_head(struct keeper *k, struct arena *a, struct found *ret,
                                  struct err *why)
{
    struct codec_answer answer;
    struct str body = codec_get(a, k->gateway.access.prefix, STR(LAYOUT_HEAD));
    enum store_result r = gateway_ask(&k->gateway, GATEWAY_RANGE, body, READ_MS, a, &answer, why);
    if (r != STORE_OK)
        return STORE_UNAVAILABLE;
    return read_found(&answer, a, ret, why);
}

static bool wrote(const struct keeper *k, const struct group *g, const struct found *found)
{
    return found->is_there && str_is(found->head.writer, k->name) &&
           found->head.sequence == g->head.sequence;
}

/* Where etcd's space ends, it may do what it refuses. */
static enum store_result look_after_full(struct keeper *k, const struct group *g, struct arena *a,
                                         struct found *found)
{
    if (get_head(k, a, found, &(struct err){0}) != STORE_OK)
        return STORE_UNKNOWN;
    return wrote(k, g, found) ? STORE_OK : STORE_FULL;
}

/* STORE_OK: *found is the head that there is now, the group's own if etcd has done it. */
static enum store_result write_group(struct keeper *k, struct group *g, struct arena *a,
                                     struct found *found, struct err *why)
{
    struct codec_answer answer;
    struct str body = group_request(g, &k->journal, k->gateway.access.prefix, k->mod_revision);
    enum store_result r =
        gateway_ask(&k->gateway, GATEWAY_TXN, body, k->patience_ms, a, &answer, why);
    if (r == STORE_FULL)
        return look_after_full(k, g, a, found);
    if (r != STORE_OK)
        return r;
    if (!answer.succeeded)
        return read_found(&answer, a, found, why);
    *found = (struct found){.is_there = true, .head = g->head, .mod_revision = answer.revision};
    return STORE_OK;
}

static void adopt(struct keeper *k, struct group *g, const struct found *found)
{
    group_apply(g, &k->known, &k->journal);
    k->mod_revision = found->mod_revision;
    k->head = g->head;
}

static enum store_result displace(struct keeper *k, const struct found *found, struct err *why)
{
    k->displaced = true;
    if (!found->is_there)
        err_set(why, -ESTALE,
                "the state in etcd was deleted: restore etcd, or restart this server "
                "to begin with an empty state");
    else if (str_is(found->head.writer, k->name))
        err_set(why, -ESTALE,
                "etcd has an older state than this server: restart it, if etcd was "
                "restored");
    else
        err_set(why, -ESTALE,
                "another cloudseedd has taken over the state in etcd: stop one of "
                "them, then restart the other");
    return STORE_UNAVAILABLE;
}

/* Writes k->group. STORE_OK: done and applied. */
static enum store_result write_and_adopt(struct keeper *k, struct err *why)
{
    struct arena a;
    struct found found;
    arena_init(&a, 16 << 10);
    enum store_result r = write_group(k, &k->group, &a, &found, why);
    if (r == STORE_OK && wrote(k, &k->group, &found))
        adopt(k, &k->group, &found);
    else if (r == STORE_OK)
        r = displace(k, &found, why);
    k->in_doubt = r == STORE_UNKNOWN;
    arena_done(&a);
    return r;
}

/* --- After a failure -------------------------------------------------------------------------- */

static void feed_begin(struct keeper *k)
{
    k->feed.begun = false;
    k->feed.after = STR("");
    arena_reset(&k->feed.arena);
    atomic_store(&k->feed.active, true);
}

/* A group whose answer was lost may still come to pass. Another one in its place, for which etcd's
 * comparison succeeds only if the lost one does not, settles it. */
static enum store_result settle(struct keeper *k, struct err *why)
{
    struct arena a;
    struct found found;
    arena_init(&a, 4096);
    group_begin(&k->fence, &k->head);
    k->fence.head.sequence = k->group.head.sequence + 1;
    enum store_result r = write_group(k, &k->fence, &a, &found, why);
    if (r == STORE_OK && wrote(k, &k->group, &found))
        adopt(k, &k->group, &found);
    else if (r == STORE_OK && wrote(k, &k->fence, &found))
        adopt(k, &k->fence, &found);
    else if (r == STORE_OK)
        r = displace(k, &found, why);
    arena_done(&a);
    if (r == STORE_OK) {
        k->in_doubt = false;
        if (k->group.bytes)
            feed_begin(k);
    }
    return r;
}

static void probe(struct keeper *k)
{
    struct err why = {0};
    enum store_result r;
    if (k->in_doubt) {
        r = settle(k, &why);
    } else {
        group_begin(&k->group, &k->head);
        r = write_and_adopt(k, &why);
    }
    set_health(k, r, &why);
}

/* Whether the head is still the one that we wrote, or took over. */
static enum store_result check_head(struct keeper *k, struct err *why)
{
    struct arena a;
    struct found found = {0};
    arena_init(&a, 4096);
    enum store_result r = get_head(k, &a, &found, why);
    if (r == STORE_OK && (!found.is_there || found.mod_revision != k->mod_revision))
        r = displace(k, &found, why);
    arena_done(&a);
    return r;
}

/* Nothing else would notice that etcd is away, or that the state is another server's by now. */
static void look(struct keeper *k)
{
    struct err why = {0};
    enum store_result r = check_head(k, &why);
    set_health(k, r, &why);
}

/* --- Commits ---------------------------------------------------------------------------------- */

static void fail_all(struct request_list *list, enum store_result result, const struct err *why)
{
    for (struct request *r = list->first; r; r = r->next)
        request_fail(r, result, why);
}

static void count(struct keeper *k, const struct request_list *list, bool written)
{
    pthread_mutex_lock(&k->lock);
    for (const struct request *r = list->first; r; r = r->next) {
        k->stats.commits += r->notice.result == STORE_OK;
        k->stats.conflicts += r->notice.result == STORE_CONFLICT;
    }
    k->stats.groups += written;
    pthread_mutex_unlock(&k->lock);
}

static void write_list(struct keeper *k, struct request_list *list)
{
    struct err why = {0};
    bool writes = group_changes_anything(&k->group);
    enum store_result r = writes ? write_and_adopt(k, &why) : STORE_OK;
    /* Conflicts, too: they may have been with writes of the group. */
    if (r != STORE_OK)
        fail_all(list, r, &why);
    count(k, list, writes && r == STORE_OK);
    if (writes)
        set_health(k, r, &why);
    queue_answer(&k->queue, list);
    uint64_t soon = clock_boot_ms() + TIDY_BUSY_MS;
    if (k->tidy_at_ms > soon)
        k->tidy_at_ms = soon;
}

static void refuse(struct keeper *k, struct request_list *list)
{
    fail_all(list, k->health == STORE_FULL ? STORE_FULL : STORE_UNAVAILABLE, &k->why);
    queue_answer(&k->queue, list);
}

/* As many groups as it takes. */
static void commit(struct keeper *k, struct request_list *list)
{
    struct request *r;
    while (list->n && is_healthy(k)) {
        struct request_list part = {0};
        group_begin(&k->group, &k->head);
        while ((r = list->first) && group_add(&k->group, &k->known, r))
            request_list_put(&part, request_list_take(list));
        write_list(k, &part);
    }
    if (list->n)
        refuse(k, list);
}

static void refuse_backup(struct keeper *k, struct request *r)
{
    struct err why;
    err_set(&why, -EOPNOTSUPP, "the state is in etcd: run: etcdctl snapshot save FILE");
    request_fail(r, STORE_UNAVAILABLE, &why);
    answer(k, r);
}

/* --- Pages of keys ---------------------------------------------------------------------------- */

static enum store_result ask_page(struct keeper *k, const char *folder, struct str after,
                                  struct arena *a, struct codec_answer *ret, struct err *why)
{
    struct str body = codec_page(a, k->gateway.access.prefix, str_from(folder), after, PAGE_KEYS);
    return gateway_ask(&k->gateway, GATEWAY_RANGE, body, READ_MS * 4, a, ret, why);
}

static bool feed_can_go_on(struct keeper *k)
{
    return atomic_load(&k->feed.active) && is_healthy(k) &&
           queue_answers(&k->queue) < FEED_ANSWERS_MAX;
}

static int feed_page(const struct codec_answer *page, struct request_list *list, struct err *why)
{
    struct store_record record;
    for (size_t i = 0; i < page->n; i++) {
        int r = layout_read_record(page->kvs[i].key, page->kvs[i].value, &record, why);
        if (r < 0)
            return r;
        request_list_put(list, request_record(STORE_CHANGED, &record));
    }
    if (!page->more)
        request_list_put(list, request_notice(STORE_IN_STEP));
    return 0;
}

/* Commits may come between two steps: their notices take their place among the feed's. */
static void feed_step(struct keeper *k)
{
    struct feed *f = &k->feed;
    struct request_list list = {0};
    struct codec_answer page;
    struct err why = {0};
    struct arena a;
    arena_init(&a, 64 << 10);
    if (!f->begun)
        answer(k, request_notice(STORE_START_OVER));
    f->begun = true;
    enum store_result r = ask_page(k, LAYOUT_RECORDS, f->after, &a, &page, &why);
    if (r == STORE_OK && feed_page(&page, &list, &why) < 0)
        r = STORE_UNAVAILABLE;
    if (r == STORE_OK && page.n) {
        arena_reset(&f->arena);
        f->after = arena_str(&f->arena, page.kvs[page.n - 1].key);
    }
    if (r == STORE_OK && !page.more)
        atomic_store(&f->active, false);
    if (r != STORE_OK) {
        request_list_free(&list);
        set_health(k, STORE_UNAVAILABLE, &why);
    }
    queue_answer(&k->queue, &list);
    arena_done(&a);
}

/* --- Loading ---------------------------------------------------------------------------------- */

typedef int (*on_kv)(struct keeper *k, const struct codec_kv *kv, void *cls, struct err *e);

static int each_key(struct keeper *k, const char *folder, on_kv take, void *cls, struct err *e)
{
    struct codec_answer page = {.more = true};
    struct arena a, names;
    struct err why = {0};
    struct str after = STR("");
    int r = 0;
    arena_init(&a, 64 << 10);
    arena_init(&names, 1024);
    while (r >= 0 && page.more) {
        arena_reset(&a);
        if (ask_page(k, folder, after, &a, &page, &why) != STORE_OK)
            r = err_set(e, -EIO, "%s", why.msg);
        for (size_t i = 0; r >= 0 && i < page.n; i++)
            r = take(k, &page.kvs[i], cls, e);
        if (r < 0 || !page.n)
            break;
        arena_reset(&names);
        after = arena_str(&names, page.kvs[page.n - 1].key);
    }
    arena_done(&a);
    arena_done(&names);
    return r;
}

static int take_removed(struct keeper *k, const struct codec_kv *kv, void *cls, struct err *e)
{
    uint64_t removed[STORE_CLASSES];
    struct str node;
    (void)cls;
    int r = layout_read_removed(kv->key, kv->value, &node, removed, e);
    if (r == 0)
        batches_note_removed(&k->journal, node, removed);
    return r;
}

static int take_batch(struct keeper *k, const struct codec_kv *kv, void *cls, struct err *e)
{
    enum store_class class;
    uint64_t first;
    (void)cls;
    int r = layout_read_batch_key(kv->key, &class, &first, e);
    return r == 0 ? batches_add(&k->journal, class, first, kv->value, e) : r;
}

struct loading {
    store_on_record on_record;
    void *cls;
};

static int take_record(struct keeper *k, const struct codec_kv *kv, void *cls, struct err *e)
{
    const struct loading *l = cls;
    struct store_record record;
    int r = layout_read_record(kv->key, kv->value, &record, e);
    if (r < 0)
        return r;
    revisions_set(&k->known, kv->key, record.revision);
    return l->on_record ? l->on_record(l->cls, &record, e) : 0;
}

/* Every writer writes the head: if that is the same afterwards, all pages are of one state. */
static int check_unchanged(struct keeper *k, struct err *e)
{
    struct err why = {0};
    enum store_result r = check_head(k, &why);
    return r == STORE_OK ? 0 : err_set(e, -EIO, "%s", why.msg);
}

int keeper_load(struct keeper *k, store_on_record on_record, void *cls, struct err *e)
{
    struct loading l = {on_record, cls};
    revisions_done(&k->known);
    batches_done(&k->journal);
    batches_init(&k->journal);
    int r = each_key(k, LAYOUT_REMOVED, take_removed, NULL, e);
    if (r >= 0)
        r = each_key(k, LAYOUT_JOURNAL, take_batch, NULL, e);
    if (r >= 0)
        r = each_key(k, LAYOUT_RECORDS, take_record, &l, e);
    if (r >= 0)
        r = check_unchanged(k, e);
    batches_set_last(&k->journal, k->head.last);
    return r < 0 ? r : 0;
}

static int check_fleet(const struct keeper *k, const struct layout_head *head, struct err *e)
{
    if (str_is(head->fleet, k->fleet))
        return 0;
    return err_set(e, -EPERM,
                   "etcd: the state below %.*s is sealed by another key: give this server the same "
                   "sealing key, or another prefix",
                   STR_ARG(k->gateway.access.prefix));
}

static int take_over(struct keeper *k, struct arena *a, struct err *e)
{
    struct found found = {0};
    struct err why = {0};
    if (get_head(k, a, &found, &why) != STORE_OK)
        return err_set(e, why.code, "%s", why.msg);
    int r = found.is_there ? check_fleet(k, &found.head, e) : 0;
    if (r < 0)
        return r;
    k->head = found.head; /* all zero for a new state */
    k->head.fleet = str_from(k->fleet);
    k->head.writer = str_from(k->name);
    k->mod_revision = found.mod_revision;
    group_begin(&k->group, &k->head);
    enum store_result result = write_and_adopt(k, &why);
    if (result == STORE_OK)
        return 1;
    if (k->displaced)
        return 0; /* another one was faster */
    return err_set(e, why.code, "%s", why.msg);
}

int keeper_take_over(struct keeper *k, struct err *e)
{
    struct arena a;
    int r = 0;
    arena_init(&a, 4096);
    for (int i = 0; i < TAKE_OVERS_MAX && r == 0; i++) {
        k->displaced = false;
        r = take_over(k, &a, e);
    }
    arena_done(&a);
    if (r == 0)
        return err_set(e, -EBUSY, "etcd: other servers write the state below %.*s all the time",
                       STR_ARG(k->gateway.access.prefix));
    return r < 0 ? r : 0;
}

/* --- Upkeep ----------------------------------------------------------------------------------- */

static void tidy(struct keeper *k, uint64_t now_ms)
{
    struct err why = {0};
    pthread_mutex_lock(&k->lock);
    struct store_retention keep = k->keep;
    k->keep_changed = false;
    pthread_mutex_unlock(&k->lock);
    group_begin(&k->group, &k->head);
    k->group.trims = batches_trim_choose(&k->journal, &keep, clock_wall_ms(), &k->group.trim);
    k->tidy_at_ms = now_ms + (k->group.trims ? 0 : TIDY_MS);
    if (k->group.trims)
        set_health(k, write_and_adopt(k, &why), &why);
}

static bool tidy_is_due(struct keeper *k, uint64_t now_ms, bool idle)
{
    pthread_mutex_lock(&k->lock);
    bool asked = k->keep_changed;
    pthread_mutex_unlock(&k->lock);
    return asked || (idle && now_ms >= k->tidy_at_ms);
}

static void look_after(struct keeper *k, bool idle)
{
    uint64_t now_ms = clock_boot_ms();
    if (k->displaced)
        return;
    if (now_ms >= k->look_at_ms) {
        if (is_healthy(k))
            look(k);
        else
            probe(k);
    }
    if (is_healthy(k) && tidy_is_due(k, now_ms, idle))
        tidy(k, now_ms);
}

static uint64_t wait_ms(struct keeper *k)
{
    uint64_t now_ms = clock_boot_ms(), next_ms = k->look_at_ms;
    if (k->displaced)
        return TIDY_MS;
    if (is_healthy(k) && k->tidy_at_ms < next_ms)
        next_ms = k->tidy_at_ms;
    if (feed_can_go_on(k) || next_ms <= now_ms)
        return 0;
    return next_ms - now_ms;
}

void *keeper_run(void *cls)
{
    struct keeper *k = cls;
    k->look_at_ms = clock_boot_ms() + LOOK_MS;
    for (;;) {
        struct queue_work work = queue_wait(&k->queue, COMMITS_MAX, wait_ms(k));
        bool idle = !work.commits.n && !work.behind.n;
        if (work.stop)
            break;
        if (work.commits.n)
            commit(k, &work.commits);
        if (work.behind.n)
            commit(k, &work.behind);
        if (work.read)
            refuse_backup(k, work.read);
        if (feed_can_go_on(k))
            feed_step(k);
        look_after(k, idle);
    }
    return NULL;
}
