/* SPDX-License-Identifier: Apache-2.0 */
#include "core/machine.h"

#include "base/hex.h"
#include "model/placeholder.h"
#include "wire/form.h"

/* What firmware writes into a MAC or a uuid. Nothing else may reach a boot script as it is: iPXE
 * would run a line of its own, or what follows "&&". */
static bool is_harmless(char c)
{
    return hex_digit(c) >= 0 || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           (c && strchr("-:._ {}", c));
}

/* Foreign text that scripts, consoles and events may show: other bytes become \xNN. */
static struct str shown(struct str s, struct arena *a)
{
    s = str_head(s, MACHINE_TEXT_MAX_BYTES);
    char *text = arena_alloc(a, 4 * s.n + 1), *p = text;
    for (size_t i = 0; i < s.n; i++) {
        const uint8_t byte = (uint8_t)s.p[i];
        if (is_harmless(s.p[i])) {
            *p++ = s.p[i];
        } else {
            *p++ = '\\';
            *p++ = 'x';
            p = hex_write(&byte, 1, p);
        }
    }
    *p = '\0';
    return (struct str){text, (size_t)(p - text)};
}

/* An empty value is what a boot program without a card sends. */
static void take_mac(struct machine *m, struct str value, struct arena *a)
{
    struct mac mac;
    if (!value.n)
        return;
    if (!mac_parse(value, &mac) || m->macs_n == MACHINE_MACS_MAX) {
        m->unreadable_mac = shown(value, a);
        return;
    }
    if (!m->has_mac)
        m->mac = mac;
    m->has_mac = true;
    m->macs[m->macs_n++] = mac;
}

/* The first one counts; another one beside it makes it doubtful. */
static void take_uuid(struct machine *m, struct str value, struct arena *a)
{
    char room[UUID_TEXT_SIZE];
    struct str text = shown(uuid_usual(value, room), a);
    if (!text.n)
        return;
    if (m->reported_uuid.n) {
        if (!str_eq(text, m->reported_uuid))
            m->other_uuid = text;
        return;
    }
    m->reported_uuid = text;
    if (placeholder_uuid_text(text))
        m->placeholder_uuid = text;
    else
        m->has_uuid = uuid_parse(text, &m->uuid);
}

static void take(struct machine *m, struct form_field f, struct arena *a)
{
    const struct {
        const char *name;
        struct str *text;
    } texts[] = {{"manufacturer", &m->manufacturer},
                 {"product", &m->product},
                 {"platform", &m->platform},
                 {"arch", &m->arch}};
    if (str_is(f.name, "mac"))
        take_mac(m, f.value, a);
    else if (str_is(f.name, "uuid"))
        take_uuid(m, f.value, a);
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
        take_mac(&m, value, a);
    else if (kind == EVIDENCE_UUID)
        take_uuid(&m, value, a);
    while (form_next(&query, a, &field))
        take(&m, field, a);
    return m;
}

struct machine machine_of_query(struct str query, struct arena *a)
{
    return machine_of_request(EVIDENCE_COUNT, STR(""), query, a);
}
