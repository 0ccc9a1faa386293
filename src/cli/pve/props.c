/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/props.h"

#include "base/base64.h"

#include <errno.h>

int props_read(struct str text, struct props *ret, struct err *e)
{
    ret->n = 0;
    while (text.p && text.n) {
        struct str part = str_cut(&text, ','), key = str_cut(&part, '=');
        if (!key.n && !part.p)
            continue;
        if (ret->n == PROPS_MAX)
            return err_set(e, -EINVAL, "more than %d properties", PROPS_MAX);
        ret->list[ret->n++] = part.p ? (struct prop){key, part} : (struct prop){{NULL, 0}, key};
    }
    return 0;
}

/* Its place; p->n: there is none. */
static uint32_t find(const struct props *p, const char *key)
{
    uint32_t i = 0;
    while (i < p->n && !(p->list[i].key.p && str_is(p->list[i].key, key)))
        i++;
    return i;
}

struct str props_get(const struct props *p, const char *key)
{
    uint32_t at = find(p, key);
    return at < p->n ? p->list[at].value : (struct str){NULL, 0};
}

int props_set(struct props *p, const char *key, struct str value, struct err *e)
{
    uint32_t at = find(p, key);
    if (at == PROPS_MAX)
        return err_set(e, -EINVAL, "more than %d properties", PROPS_MAX);
    if (at == p->n)
        p->list[p->n++].key = str_from(key);
    p->list[at].value = value;
    return 0;
}

struct str props_text(const struct props *p, struct arena *a)
{
    struct str text = STR("");
    for (uint32_t i = 0; i < p->n; i++) {
        const struct prop *at = &p->list[i];
        text = ARENA_JOIN(a, text, i ? STR(",") : STR(""), at->key.p ? at->key : STR(""),
                          at->key.p ? STR("=") : STR(""), at->value);
    }
    return text;
}

/* --- smbios1 -------------------------------------------------------------------------------- */

static struct str encode(struct str text, struct arena *a)
{
    char *to = arena_alloc(a, base64_length(text.n) + 1);
    base64_write(text, to);
    return str_from(to);
}

static bool is_base64(const struct props *p)
{
    struct str given = props_get(p, "base64");
    return given.p && (str_is(given, "1") || str_is(given, "on") || str_is(given, "yes") ||
                       str_is(given, "true"));
}

static bool is_text(const struct prop *at)
{
    static const char *const texts[] = {"version", "serial", "manufacturer", "product", "sku",
                                        "family",  NULL};
    return at->key.p && str_in(at->key, texts);
}

/* With base64=1 every field is decoded: what was there in plain must be encoded then. */
static int encode_all(struct props *p, struct arena *a, struct err *e)
{
    if (is_base64(p))
        return 0;
    for (uint32_t i = 0; i < p->n; i++) {
        if (is_text(&p->list[i]))
            p->list[i].value = encode(p->list[i].value, a);
    }
    return props_set(p, "base64", STR("1"), e);
}

static int fits(struct str text, struct err *e)
{
    if (text.n <= SMBIOS_MAX)
        return 0;
    return err_set(e, -EMSGSIZE,
                   "smbios1 would have %zu characters, and Proxmox takes %d: shorten the server's "
                   "url, or what else is in smbios1",
                   text.n, SMBIOS_MAX);
}

int smbios_set_serial(struct str smbios1, struct str serial, struct arena *a, struct str *ret,
                      struct err *e)
{
    struct props p;
    int r = props_read(smbios1, &p, e);
    if (r == 0)
        r = encode_all(&p, a, e);
    if (r == 0)
        r = props_set(&p, "serial", encode(serial, a), e);
    struct str text = r == 0 ? props_text(&p, a) : STR("");
    if (r == 0)
        r = fits(text, e);
    if (r == 0)
        *ret = text;
    return r;
}

int smbios_set_uuid(struct str smbios1, struct str uuid, struct arena *a, struct str *ret,
                    struct err *e)
{
    struct props p;
    int r = props_read(smbios1, &p, e);
    struct str text = smbios1;
    if (r == 0 && uuid.n && !str_eq_nocase(props_get(&p, "uuid"), uuid)) {
        r = props_set(&p, "uuid", uuid, e);
        text = r == 0 ? props_text(&p, a) : STR("");
    }
    if (r == 0)
        r = fits(text, e);
    if (r == 0)
        *ret = text;
    return r;
}

int smbios_drop_serial(struct str smbios1, struct arena *a, struct str *ret, struct err *e)
{
    struct props p, kept = {.n = 0};
    int r = props_read(smbios1, &p, e);
    for (uint32_t i = 0; r == 0 && i < p.n; i++) {
        if (!p.list[i].key.p || !str_is(p.list[i].key, "serial"))
            kept.list[kept.n++] = p.list[i];
    }
    if (r == 0)
        *ret = props_text(&kept, a);
    return r;
}

int smbios_read(struct str smbios1, struct arena *a, struct smbios *ret, struct err *e)
{
    struct props p;
    int r = props_read(smbios1, &p, e);
    if (r < 0)
        return r;
    struct str uuid = props_get(&p, "uuid"), serial = props_get(&p, "serial");
    if (serial.n && is_base64(&p) && !base64_read(serial, a, &serial))
        return err_set(e, -EINVAL, "the serial in smbios1 is not base64");
    *ret = (struct smbios){uuid.p ? uuid : STR(""), serial.p ? serial : STR("")};
    return 0;
}

struct str smbios_shown(struct str smbios1, struct arena *a)
{
    struct props p;
    if (props_read(smbios1, &p, NULL) < 0 || !props_get(&p, "serial").n)
        return smbios1;
    props_set(&p, "serial", STR("(masked)"), NULL);
    return props_text(&p, a);
}

/* --- Network cards -------------------------------------------------------------------------- */

static bool is_model(struct str key)
{
    static const char *const models[] = {
        "virtio",   "e1000",  "e1000-82540em", "e1000-82544gc", "e1000-82545em",
        "e1000e",   "i82551", "i82557b",       "i82559er",      "ne2k_isa",
        "ne2k_pci", "pcnet",  "rtl8139",       "vmxnet3",       NULL};
    return str_in(key, models);
}

int card_read(struct str net, struct card *ret, struct err *e)
{
    struct props p;
    int r = props_read(net, &p, e);
    if (r < 0)
        return r;
    struct str mac = props_get(&p, "macaddr"), model = props_get(&p, "model"),
               bridge = props_get(&p, "bridge"), tag = props_get(&p, "tag");
    for (uint32_t i = 0; i < p.n; i++) {
        struct prop at = p.list[i];
        if (at.key.p && is_model(at.key)) {
            model = at.key;
            mac = at.value;
        } else if (!at.key.p && is_model(at.value)) {
            model = at.value;
        }
    }
    if (!model.n)
        return err_set(e, -EINVAL, "a network card without a model: '%.*s'", STR_ARG(net));
    *ret = (struct card){model, mac.p ? mac : STR(""), bridge.p ? bridge : STR(""),
                         tag.p ? tag : STR("")};
    return 0;
}
