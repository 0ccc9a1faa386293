/* SPDX-License-Identifier: Apache-2.0 */
#include "model/placeholder.h"

#include <strings.h>

static const char *const uuids[] = {
    "03000200-0400-0500-0006-000700080009", /* AMI's default: many mini PCs and boards */
    "01020304-0506-0708-090a-0b0c0d0e0f10",
    "01234567-89ab-cdef-0123-456789abcdef",
    "12345678-1234-5678-90ab-cddeefaabbcc", /* MSI, Gigabyte */
    "12345678-1234-1234-1234-123456789abc",
    "12345678-1234-5678-1234-567812345678",
    "12345678-9012-3456-7890-123456789012",
    "00112233-4455-6677-8899-aabbccddeeff",
    "00010203-0405-0607-0809-0a0b0c0d0e0f",
    "4c4c4544-0000-2010-8020-80c04f202020", /* Dell's, without a service tag */
    "ffffff00-ffff-ffff-ffff-ffffffffffff",
    "00000000-0000-0000-0000-000000000001",
    "deadbeef-dead-beef-dead-beefdeadbeef",
};

/* Without what is neither a letter nor a digit: boards differ in that. */
static const char *const serials[] = {
    "tobefilledbyoem",
    "defaultstring",
    "default",
    "systemserialnumber",
    "serialnumber",
    "baseboardserialnumber",
    "chassisserialnumber",
    "boardserialnumber",
    "mb1234567890",
    "none",
    "null",
    "notspecified",
    "notapplicable",
    "notavailable",
    "notset",
    "notsettable",
    "notpresent",
    "unknown",
    "unspecified",
    "undefined",
    "invalid",
    "empty",
    "na",
    "oem",
    "oemdefault",
    "oemserialnumber",
    "sernum",
    "serno",
    "sn",
    "tbd",
    "test",
    "123456",
    "1234567",
    "12345678",
    "123456789",
    "1234567890",
    "0123456789",
    "01234567890",
    "0123456789abcdef",
    "0123456789012345",
    "012345678",
    "01234567",
    "notdefined",
    "noserialnumber",
    "productserialnumber",
};

/* What erased flash and unset fields give. */
static bool is_one_byte_repeated(const void *bytes, size_t n)
{
    const char *p = bytes;
    return n > 0 && memcmp(p, p + 1, n - 1) == 0;
}

bool placeholder_uuid(struct uuid u)
{
    struct uuid swapped = uuid_swapped(u), listed;
    for (size_t i = 0; i < sizeof(uuids) / sizeof(uuids[0]); i++) {
        if (uuid_parse(str_from(uuids[i]), &listed) &&
            (uuid_same(listed, u) || uuid_same(listed, swapped)))
            return true;
    }
    return is_one_byte_repeated(u.octet, sizeof(u.octet));
}

bool placeholder_uuid_text(struct str s)
{
    struct uuid u;
    if (uuid_parse(s, &u))
        return placeholder_uuid(u);
    return str_is(s, "00000000-0000-0000-0000-000000000000") ||
           (s.n == UUID_TEXT_SIZE - 1 &&
            strncasecmp(s.p, "ffffffff-ffff-ffff-ffff-ffffffffffff", s.n) == 0);
}

/* The next letter (in lower case), digit or byte beyond ASCII of `s`, which is shortened; 0: none.
 */
static char next_that_counts(struct str *s)
{
    while (s->n) {
        char c = *s->p;
        *s = str_skip(*s, 1);
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80))
            return c;
    }
    return 0;
}

static bool is_said(struct str s, const char *listed)
{
    while (*listed && next_that_counts(&s) == *listed)
        listed++;
    return !*listed && !next_that_counts(&s);
}

/* Also spaces, dots, zeros, 'xx-xx': what unset strings give. */
static bool says_one_thing(struct str s)
{
    char first = next_that_counts(&s), next = first;
    while (next && next == first)
        next = next_that_counts(&s);
    return !next;
}

bool placeholder_serial(struct str s)
{
    for (size_t i = 0; i < sizeof(serials) / sizeof(serials[0]); i++) {
        if (is_said(s, serials[i]))
            return true;
    }
    return says_one_thing(s);
}
