/* SPDX-License-Identifier: Apache-2.0 */
#include "render/aptkey.h"

#include "wire/openpgp.h"

#include <time.h>

#define SOON_DAYS 30
#define DAY_S 86400
#define DATE_SIZE 16

unsigned aptkey_count(struct str text)
{
    static const struct str head = {OPENPGP_ARMOR_HEAD, sizeof(OPENPGP_ARMOR_HEAD) - 1};
    unsigned n = 0;
    const char *at;
    for (; text.n && (at = memmem(text.p, text.n, head.p, head.n)); n++)
        text = str_skip(text, (size_t)(at - text.p) + head.n);
    return n;
}

static const char *date_of(uint64_t s, char text[static DATE_SIZE])
{
    time_t t = (time_t)s;
    struct tm tm;
    if (!gmtime_r(&t, &tm) || !strftime(text, DATE_SIZE, "%Y-%m-%d", &tm))
        text[0] = '\0';
    return text;
}

static void check_key(struct inspect *in, const struct yaml_node *y, const struct openpgp_key *key)
{
    char date[DATE_SIZE];
    const char *who = yaml_quoted(in->arena, key->user_id);
    uint64_t now_s = (uint64_t)in->now_s;
    if (key->revoked)
        inspect_warn(in, y, "the OpenPGP key of %s is revoked", who);
    else if (key->expires_s && key->expires_s <= now_s)
        inspect_warn(in, y, "the OpenPGP key of %s expired on %s: apt will refuse what it signed",
                     who, date_of(key->expires_s, date));
    else if (key->expires_s && key->expires_s - now_s <= SOON_DAYS * DAY_S)
        inspect_warn(in, y, "the OpenPGP key of %s expires on %s", who,
                     date_of(key->expires_s, date));
}

static void check_block(struct inspect *in, const struct yaml_node *y, struct str text)
{
    struct str packets;
    struct openpgp_key key;
    struct err e;
    int r = openpgp_unwrap(text, in->arena, &packets, &e);
    while (r >= 0 && (r = openpgp_next(&packets, &key, &e)) > 0) {
        if (in->now_s > 0)
            check_key(in, y, &key);
    }
    if (r < 0)
        inspect_warn(in, y, "an OpenPGP key that apt will not read: %s", e.msg);
}

/* Each block in a text of several. */
static void check_scalar(struct inspect *in, const struct yaml_node *y)
{
    struct str text = yaml_text(y);
    unsigned n = aptkey_count(text);
    if (n)
        inspect_text(in, y);
    for (; n; n--) {
        const char *at = memmem(text.p, text.n, OPENPGP_ARMOR_HEAD, sizeof(OPENPGP_ARMOR_HEAD) - 1);
        text = str_skip(text, (size_t)(at - text.p));
        check_block(in, y, text);
        text = str_skip(text, sizeof(OPENPGP_ARMOR_HEAD) - 1);
    }
}

void aptkey_check(struct inspect *in, const struct yaml_node *root)
{
    if (root->kind == YAML_SCALAR)
        check_scalar(in, root);
    for (uint32_t i = 0; root->kind == YAML_SEQUENCE && i < root->n; i++)
        aptkey_check(in, root->items[i]);
    for (uint32_t i = 0; root->kind == YAML_MAPPING && i < root->n; i++)
        aptkey_check(in, root->pairs[i].value);
}
