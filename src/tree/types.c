/* SPDX-License-Identifier: Apache-2.0 */
#include "tree/types.h"

#include "base/buf.h"
#include "base/guess.h"
#include "model/address.h"
#include "model/mac.h"
#include "model/node.h"
#include "model/uuid.h"

#include <assert.h>

#define TEXT_MAX_BYTES 1024
#define READS(name)                                                         \
    static bool name(struct schema_reader *r, const struct schema_field *f, \
                     const struct yaml_node *y, void *out)

static bool keep_text(struct schema_reader *r, struct str s, void *out)
{
    *(struct str *)out = intern_str(r->texts, s);
    return true;
}

static bool is_one_line(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7F)
            return false;
    }
    return s.n > 0 && s.n <= TEXT_MAX_BYTES;
}

static bool is_printable_word(struct str s)
{
    return is_one_line(s) && !memchr(s.p, ' ', s.n);
}

READS(read_text)
{
    struct str s = yaml_text(y);
    return is_one_line(s) ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

READS(read_label)
{
    struct str s = yaml_text(y);
    return node_name_valid(s) ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

static bool is_label(struct str s)
{
    if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
        return false;
    for (size_t i = 0; i < s.n; i++) {
        char lower = (char)(s.p[i] | 0x20);
        bool letter = lower >= 'a' && lower <= 'z';
        if (!letter && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-')
            return false;
    }
    return true;
}

bool types_domain_valid(struct str s)
{
    if (s.n == 0 || s.n > 253)
        return false;
    while (s.p) {
        if (!is_label(str_cut(&s, '.')))
            return false;
    }
    return true;
}

READS(read_domain)
{
    struct str s = yaml_text(y);
    return types_domain_valid(s) ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

READS(read_path)
{
    struct str s = yaml_text(y);
    bool ok = is_one_line(s) && s.p[0] == '/';
    return ok ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

/* Each path has only one valid form: no ".", "..", or empty segment. */
static bool parts_valid(struct str path)
{
    if (!is_one_line(path))
        return false;
    while (path.p) {
        struct str part = str_cut(&path, '/');
        if (!part.n || str_is(part, ".") || str_is(part, ".."))
            return false;
    }
    return true;
}

READS(read_file)
{
    struct str s = yaml_text(y);
    bool ok = str_starts(s, STR("/")) && parts_valid(str_skip(s, 1));
    return ok ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

/* Characters that need no escape in the path of a URL (RFC 3986). */
static bool is_url_path(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i], lower = (char)(c | 0x20);
        bool plain = (lower >= 'a' && lower <= 'z') || (c >= '0' && c <= '9');
        if (!plain && !strchr("/-._~!$&'()*+,;=:@", c))
            return false;
    }
    return true;
}

READS(read_asset)
{
    struct str s = yaml_text(y);
    return parts_valid(s) && is_url_path(s) ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

/* "NAME:PORT", where NAME may be an address, IPv6 in brackets. With `no_port` the port may be left
 * out. */
static bool host_port_valid(struct str s, bool no_port)
{
    struct endpoint e;
    struct address a;
    uint64_t port;
    if (endpoint_parse(s, &e))
        return e.port != 0;
    if (s.n && s.p[0] == '[')
        return no_port && str_ends(s, STR("]")) && memchr(s.p, ':', s.n) &&
               address_parse((struct str){s.p + 1, s.n - 2}, &a);
    struct str host = str_cut(&s, ':');
    if (!types_domain_valid(host))
        return false;
    return s.p ? str_to_u64(s, UINT16_MAX, &port) && port > 0 : no_port;
}

READS(read_host_port)
{
    struct str s = yaml_text(y);
    return host_port_valid(s, false) ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

/* The text after "http://" or "https://"; p == NULL if it begins with neither. */
static struct str behind_scheme(struct str s)
{
    if (str_starts(s, STR("http://")))
        return str_skip(s, 7);
    return str_starts(s, STR("https://")) ? str_skip(s, 8) : (struct str){0};
}

READS(read_url)
{
    struct str s = yaml_text(y), rest = behind_scheme(s);
    bool ok = is_printable_word(s) && host_port_valid(str_cut(&rest, '/'), true);
    return ok ? keep_text(r, s, out) : schema_refuse(r, f, y);
}

bool types_origin_valid(struct str s)
{
    if (str_ends(s, STR("/")))
        s.n--;
    return host_port_valid(behind_scheme(s), true);
}

READS(read_origin)
{
    struct str s = yaml_text(y);
    struct str host = behind_scheme(s);
    if (!types_origin_valid(s) && host_port_valid(str_cut(&host, '/'), true))
        return schema_fault(r, f, y, "%s has a path; it must end after the host and its port",
                            schema_quoted(r, s));
    if (!types_origin_valid(s))
        return schema_refuse(r, f, y);
    s.n -= str_ends(s, STR("/"));
    return keep_text(r, s, out);
}

static void store_unsigned(void *out, size_t size, uint64_t v)
{
    switch (size) {
    case sizeof(uint8_t): *(uint8_t *)out = (uint8_t)v; break;
    case sizeof(uint16_t): *(uint16_t *)out = (uint16_t)v; break;
    case sizeof(uint32_t): *(uint32_t *)out = (uint32_t)v; break;
    default: assert(size == sizeof(v)); *(uint64_t *)out = v;
    }
}

READS(read_int)
{
    struct str s = yaml_text(y);
    uint64_t v;
    if (!str_to_u64(s, INT64_MAX, &v))
        return schema_refuse(r, f, y);
    if (!y->plain)
        return schema_fault(r, f, y, "%s is quoted, which makes it a text; leave the quotes out",
                            schema_quoted(r, s));
    if ((int64_t)v < f->min || (int64_t)v > f->max)
        return schema_fault(r, f, y, "%s is out of range; it goes from %lld to %lld",
                            schema_quoted(r, s), (long long)f->min, (long long)f->max);
    store_unsigned(out, f->size, v);
    return true;
}

READS(read_bool)
{
    struct str s = yaml_text(y);
    bool yes = str_is(s, "true");
    if (!y->plain || (!yes && !str_is(s, "false")))
        return schema_refuse(r, f, y);
    *(bool *)out = yes;
    return true;
}

static bool refuse_enum(struct schema_reader *r, const struct schema_field *f,
                        const struct yaml_node *y)
{
    struct guess g;
    struct buf all;
    guess_init(&g, yaml_text(y));
    buf_init(&all, 256);
    for (size_t i = 0; f->names[i]; i++) {
        guess_offer(&g, str_from(f->names[i]));
        buf_printf(&all, i ? ", %s" : "%s", f->names[i]);
    }
    schema_fault(r, f, y, "%s is not one of %s%s", schema_quoted(r, yaml_text(y)), all.p,
                 guess_text(&g));
    buf_done(&all);
    return false;
}

READS(read_enum)
{
    int i = 0;
    while (f->names[i] && !str_is(yaml_text(y), f->names[i]))
        i++;
    if (!f->names[i])
        return refuse_enum(r, f, y);
    *(int *)out = i;
    return true;
}

READS(read_mac)
{
    return mac_parse(yaml_text(y), out) || schema_refuse(r, f, y);
}

READS(read_uuid)
{
    return uuid_parse(yaml_text(y), out) || schema_refuse(r, f, y);
}

READS(read_address)
{
    return address_parse(yaml_text(y), out) || schema_refuse(r, f, y);
}

READS(read_cidr)
{
    struct cidr meant = {0};
    char text[CIDR_TEXT_SIZE];
    if (cidr_parse(yaml_text(y), out, &meant))
        return true;
    if (meant.base.family)
        return schema_fault(r, f, y, "%s has bits set after its prefix; the network is %s",
                            schema_quoted(r, yaml_text(y)), cidr_text(meant, text));
    return schema_refuse(r, f, y);
}

READS(read_endpoint)
{
    return endpoint_parse(yaml_text(y), out) || schema_refuse(r, f, y);
}

#define TEXT_TYPE(reader, words)                                  \
    {                                                             \
        .what = words, .size = sizeof(struct str), .read = reader \
    }

const struct schema_type schema_text = TEXT_TYPE(read_text, "a text of one line");
const struct schema_type schema_label =
    TEXT_TYPE(read_label, "a name of lower-case letters, digits and '-' inside, 63 at most");
const struct schema_type schema_domain = TEXT_TYPE(read_domain, "a DNS name, like lab.home.arpa");
const struct schema_type schema_path =
    TEXT_TYPE(read_path, "an absolute path, like /etc/cloudseed/seed");
const struct schema_type schema_file =
    TEXT_TYPE(read_file, "the absolute path of a file, without . or .. in it");
const struct schema_type schema_asset =
    TEXT_TYPE(read_asset, "a path below the server's assets, like k8s/calico.yaml");
const struct schema_type schema_url =
    TEXT_TYPE(read_url, "a URL, like https://example.org/calico.yaml");
const struct schema_type schema_origin =
    TEXT_TYPE(read_origin, "a URL without a path, like http://10.0.10.5:8080");
const struct schema_type schema_host_port =
    TEXT_TYPE(read_host_port, "a DNS name or address and a port, like api.home.arpa:6443");
const struct schema_type schema_int = {.what = "a whole number", .read = read_int};
const struct schema_type schema_bool = {
    .what = "true or false, without quotes", .size = sizeof(bool), .read = read_bool};
const struct schema_type schema_enum = {.what = "a word", .size = sizeof(int), .read = read_enum};
const struct schema_type schema_mac = {.what =
                                           "the MAC address of one card, like bc:24:11:0a:14:0b",
                                       .size = sizeof(struct mac),
                                       .read = read_mac};
const struct schema_type schema_uuid = {
    .what = "a machine's uuid, like 4c4c4544-0042-4810-8054-b4c04f4d5132",
    .size = sizeof(struct uuid),
    .read = read_uuid};
const struct schema_type schema_address = {
    .what = "an IP address, like 10.0.20.11", .size = sizeof(struct address), .read = read_address};
const struct schema_type schema_cidr = {
    .what = "a network, like 10.0.20.0/24", .size = sizeof(struct cidr), .read = read_cidr};
const struct schema_type schema_endpoint = {
    .what = "an address and a port, like 0.0.0.0:8080 or [::]:8080",
    .size = sizeof(struct endpoint),
    .read = read_endpoint};
