/* SPDX-License-Identifier: Apache-2.0 */
#include "core/discovered.h"

#include "base/mem.h"

#include <stdlib.h>

struct discovered_text {
    char bytes[MACHINE_TEXT_MAX_BYTES];
};

struct discovered_entry {
    struct discovered_machine machine;
    struct discovered_text manufacturer, product, platform,
        arch; /* the machine's texts point here */
};

/* No map: a machine that waits asks again and again, and is found near the front. */
struct discovered {
    struct discovered_entry *order[DISCOVERED_MAX]; /* the last seen first */
    uint32_t n;
};

struct discovered *discovered_new(void)
{
    struct discovered *d = MEM_NEW(struct discovered);
    return d;
}

void discovered_free(struct discovered *d)
{
    if (!d)
        return;
    for (uint32_t i = 0; i < d->n; i++)
        free(d->order[i]);
    free(d);
}

/* Its place in the order; d->n if it is new. */
static uint32_t find(const struct discovered *d, struct mac mac)
{
    uint32_t i = 0;
    while (i < d->n && memcmp(&d->order[i]->machine.said.mac, &mac, sizeof(mac)) != 0)
        i++;
    return i;
}

/* Adds one at the end of the order, in place of the last if the table is full. */
static void make_room(struct discovered *d)
{
    if (d->n == DISCOVERED_MAX)
        free(d->order[--d->n]);
    d->order[d->n++] = MEM_NEW(struct discovered_entry);
}

static struct discovered_entry *to_front(struct discovered *d, uint32_t i)
{
    struct discovered_entry *e = d->order[i];
    memmove(d->order + 1, d->order, i * sizeof(*d->order));
    d->order[0] = e;
    return e;
}

static void keep(struct str *kept, struct discovered_text *room, struct str given)
{
    if (!given.n)
        return;
    struct str text = str_head(str_cut(&given, '\0'), sizeof(room->bytes));
    if (text.n)
        memcpy(room->bytes, text.p, text.n);
    *kept = (struct str){room->bytes, text.n};
}

static void keep_said(struct discovered_entry *e, const struct machine *m)
{
    struct machine *said = &e->machine.said;
    said->has_mac = true;
    said->mac = m->mac;
    if (m->has_uuid) {
        said->has_uuid = true;
        said->uuid = m->uuid;
    }
    keep(&said->manufacturer, &e->manufacturer, m->manufacturer);
    keep(&said->product, &e->product, m->product);
    keep(&said->platform, &e->platform, m->platform);
    keep(&said->arch, &e->arch, m->arch);
}

bool discovered_note(struct discovered *d, const struct machine *m, struct address peer,
                     int64_t wall_ms)
{
    if (!m->has_mac)
        return false;
    uint32_t at = find(d, m->mac);
    bool is_new = at == d->n;
    if (is_new) {
        make_room(d);
        at = d->n - 1;
    }
    struct discovered_entry *e = to_front(d, at);
    keep_said(e, m);
    e->machine.peer = peer;
    e->machine.first_wall_ms = is_new ? wall_ms : e->machine.first_wall_ms;
    e->machine.last_wall_ms = wall_ms;
    e->machine.times++;
    return is_new;
}

const struct discovered_machine *discovered_at(const struct discovered *d, uint32_t i)
{
    return i < d->n ? &d->order[i]->machine : NULL;
}
