/* SPDX-License-Identifier: Apache-2.0 */
#include "core/machine.h"

#include "model/placeholder.h"
#include "wire/form.h"

/* An empty value is what a boot program without a card sends. */
static void take_mac(struct machine *m, struct str value)
{
    struct mac mac;
    if (!value.n)
        return;
    if (!mac_parse(value, &mac) || m->macs_n == MACHINE_MACS_MAX) {
        m->unreadable_mac = str_head(value, MACHINE_TEXT_MAX_BYTES);
        return;
    }
    if (!m->has_mac)
        m->mac = mac;
    m->has_mac = true;
    m->macs[m->macs_n++] = mac;
}

static void take_uuid(struct machine *m, struct str value)
{
    if (placeholder_uuid_text(value))
        m->placeholder_uuid = value;
    else
        m->has_uuid = uuid_parse(value, &m->uuid);
}

static void take(struct machine *m, struct form_field f)
{
    const struct {
        const char *name;
        struct str *text;
    } texts[] = {{"manufacturer", &m->manufacturer},
                 {"product", &m->product},
                 {"platform", &m->platform},
                 {"arch", &m->arch}};
    if (str_is(f.name, "mac"))
        take_mac(m, f.value);
    else if (str_is(f.name, "uuid"))
        take_uuid(m, f.value);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (str_is(f.name, texts[i].name))
            *texts[i].text = str_head(f.value, MACHINE_TEXT_MAX_BYTES);
    }
}

struct machine machine_of_request(enum evidence kind, struct str value, struct str query,
                                  struct arena *a)
{
    struct machine m = {0};
    struct form_field field;
    if (kind == EVIDENCE_MAC)
        take_mac(&m, value);
    else if (kind == EVIDENCE_UUID)
        take_uuid(&m, value);
    while (form_next(&query, a, &field))
        take(&m, field);
    return m;
}

struct machine machine_of_query(struct str query, struct arena *a)
{
    return machine_of_request(EVIDENCE_COUNT, STR(""), query, a);
}
