/* SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#define DISTANCE_MAX 64
#define REPLACEMENT 0xFFFD

bool str_in(struct str s, const char *const *list)
{
    while (*list && !str_is(s, *list))
        list++;
    return *list;
}

int str_cmp(struct str a, struct str b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int c = n ? memcmp(a.p, b.p, n) : 0;
    return c ? c : (a.n > b.n) - (a.n < b.n);
}

struct str str_cut(struct str *s, char c)
{
    const char *at = s->n ? memchr(s->p, c, s->n) : NULL;
    struct str head = *s;
    if (!at) {
        *s = (struct str){NULL, 0};
        return head;
    }
    head.n = (size_t)(at - s->p);
    *s = (struct str){at + 1, s->n - head.n - 1};
    return head;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

bool str_to_u64(struct str s, uint64_t max, uint64_t *ret)
{
    if (s.n == 0 || (s.n > 1 && s.p[0] == '0'))
        return false;
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
        uint64_t digit = (uint64_t)(s.p[i] - '0');
        if (v > (UINT64_MAX - digit) / 10)
            return false;
        v = v * 10 + digit;
    }
    if (v > max)
        return false;
    *ret = v;
    return true;
}

struct str str_of_u64(uint64_t v, char text[static STR_U64_SIZE])
{
    char reversed[STR_U64_SIZE];
    size_t n = 0;
    do
        reversed[n++] = (char)('0' + v % 10);
    while (v /= 10);
    for (size_t i = 0; i < n; i++)
        text[i] = reversed[n - 1 - i];
    text[n] = '\0';
    return (struct str){text, n};
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++) {
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    }
    return true;
}

/* Length of the well-formed sequence at `p`, 0 where there is none. */
static size_t utf8_sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : 2;
    if (p[0] < 0xC2 || p[0] > 0xF4 || left < n)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    }
    bool overlong = (p[0] == 0xE0 && p[1] < 0xA0) || (p[0] == 0xF0 && p[1] < 0x90);
    bool surrogate = p[0] == 0xED && p[1] > 0x9F;
    bool beyond = p[0] == 0xF4 && p[1] > 0x8F;
    return overlong || surrogate || beyond ? 0 : n;
}

/* How many of the first bytes are ASCII for certain: eight at a time, since most texts are. */
static size_t ascii_head(struct str s)
{
    const uint64_t high_bits = 0x8080808080808080u;
    uint64_t eight;
    size_t n = 0;
    for (; s.n - n >= sizeof(eight); n += sizeof(eight)) {
        memcpy(&eight, s.p + n, sizeof(eight));
        if (eight & high_bits)
            break;
    }
    return n;
}

bool str_is_utf8(struct str s, size_t *ret_at)
{
    for (size_t i = ascii_head(s); i < s.n; i += ascii_head(str_skip(s, i))) {
        size_t step = utf8_sequence((const unsigned char *)s.p + i, s.n - i);
        if (step == 0) {
            *ret_at = i;
            return false;
        }
        i += step;
    }
    return true;
}

uint32_t str_decode_sequence(struct str s, size_t *ret_n)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t n = utf8_sequence(p, s.n);
    *ret_n = n ? n : 1;
    if (n <= 1)
        return n ? p[0] : REPLACEMENT;
    uint32_t c = p[0] & (0xFFu >> (n + 1));
    for (size_t i = 1; i < n; i++)
        c = c << 6 | (p[i] & 0x3F);
    return c;
}

/* Unicode's categories Cc, Zl and Zp, its property Default_Ignorable_Code_Point and the annotation
 * characters, as pairs of first and last. */
static const uint32_t hidden[][2] = {
    {0x00, 0x1F},     {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},     {0x61C, 0x61C},
    {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},
    {0x2060, 0x206F}, {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
    {0xFFF0, 0xFFFB}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF},
};

bool str_is_hidden(uint32_t c)
{
    size_t i = 0, n = sizeof(hidden) / sizeof(hidden[0]);
    while (i < n && hidden[i][1] < c)
        i++;
    return i < n && hidden[i][0] <= c;
}

struct str str_head(struct str s, size_t max_bytes)
{
    if (s.n <= max_bytes)
        return s;
    size_t n = max_bytes;
    while (n > 0 && max_bytes - n < 3 && ((unsigned char)s.p[n] & 0xC0) == 0x80)
        n--;
    return (struct str){s.p, n};
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned m = a < b ? a : b;
    return m < c ? m : c;
}

unsigned str_distance(struct str a, struct str b)
{
    if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
        return DISTANCE_MAX;
    unsigned d[DISTANCE_MAX + 1][DISTANCE_MAX + 1];
    for (size_t i = 0; i <= a.n; i++) {
        for (size_t j = 0; j <= b.n; j++) {
            if (i == 0 || j == 0) {
                d[i][j] = (unsigned)(i + j);
                continue;
            }
            unsigned cost = fold(a.p[i - 1]) != fold(b.p[j - 1]);
            d[i][j] = min3(d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + cost);
            bool swapped = i > 1 && j > 1 && a.p[i - 1] == b.p[j - 2] && a.p[i - 2] == b.p[j - 1];
            if (swapped && d[i - 2][j - 2] + 1 < d[i][j])
                d[i][j] = d[i - 2][j - 2] + 1;
        }
    }
    return d[a.n][b.n];
}
