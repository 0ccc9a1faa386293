/* SPDX-License-Identifier: Apache-2.0 */
#include "core/machine.h"

#include "wire/form.h"

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
        m->has_mac = mac_parse(f.value, &m->mac);
    else if (str_is(f.name, "uuid"))
        m->has_uuid = uuid_parse(f.value, &m->uuid);
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (str_is(f.name, texts[i].name))
            *texts[i].text = str_head(f.value, MACHINE_TEXT_MAX_BYTES);
    }
}

struct machine machine_of_query(struct str query, struct arena *a)
{
    struct machine m = {0};
    struct form_field field;
    while (form_next(&query, a, &field))
        take(&m, field);
    return m;
}

struct machine machine_of_evidence(enum evidence kind, struct str value)
{
    struct machine m = {0};
    m.has_mac = kind == EVIDENCE_MAC && mac_parse(value, &m.mac);
    m.has_uuid = kind == EVIDENCE_UUID && uuid_parse(value, &m.uuid);
    return m;
}
