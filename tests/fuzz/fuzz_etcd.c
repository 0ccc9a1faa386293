/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz_etcd: what etcd's gateway answers, and the values that lie in etcd. */
#include "store/etcd/codec.h"
#include "store/etcd/layout.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

/* What was read is written as it was. */
static void read_batch(struct str bytes)
{
    struct store_entry entry;
    struct buf again;
    buf_init(&again, SIZE_MAX - 1);
    struct str rest = bytes;
    while (rest.n && layout_read_entry(&rest, &entry, NULL) == 0)
        layout_entry(&again, &entry);
    need(again.n <= bytes.n - rest.n || memchr(bytes.p, '-', bytes.n));
    buf_done(&again);
}

static void read_values(struct str key, struct str value, struct arena *a)
{
    struct layout_head head;
    struct store_record record;
    uint64_t removed[STORE_CLASSES], first;
    enum store_class class;
    struct str node;
    if (layout_read_head(value, a, &head, NULL) == 0)
        need(head.writer.n > 0);
    if (layout_read_record(key, value, &record, NULL) == 0)
        need(record.revision > 0 && record.kind.n && record.key.n);
    layout_read_removed(key, value, &node, removed, NULL);
    if (layout_read_batch_key(key, &class, &first, NULL) == 0)
        need(str_eq(layout_batch_key(a, class, first), key));
    read_batch(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = {(const char *)data, size};
    struct codec_answer answer;
    struct err why;
    struct arena a;
    arena_init(&a, 4096);
    if (codec_read(text, STR("/cloudseed/"), &a, &answer, NULL) == 0) {
        need(answer.revision > 0);
        for (size_t i = 0; i < answer.n; i++)
            read_values(answer.kvs[i].key, answer.kvs[i].value, &a);
    }
    codec_read_refusal(400, text, &why);
    read_values(STR("record/a\0b"), text, &a);
    arena_done(&a);
    return 0;
}
