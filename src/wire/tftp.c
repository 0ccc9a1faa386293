/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tftp.h"

static uint16_t u16_at(const char *p)
{
    return (uint16_t)((uint8_t)p[0] << 8 | (uint8_t)p[1]);
}

static void put_u16(char *to, uint16_t v)
{
    to[0] = (char)(v >> 8);
    to[1] = (char)(v & 0xFF);
}

/* Cuts off the text before the next NUL; false where there is none. */
static bool cut_text(struct str *rest, struct str *ret)
{
    struct str left = *rest;
    struct str text = str_cut(&left, '\0');
    if (!left.p)
        return false;
    *rest = left;
    *ret = text;
    return true;
}

/* --- Options ------------------------------------------------------------------------------- */

struct option {
    const char *name;
    unsigned bit;
    uint64_t min, max;
    bool clamps; /* larger values count as `max` */
};

static const struct option known[] = {
    {"blksize", TFTP_HAS_BLKSIZE, TFTP_BLKSIZE_MIN, TFTP_BLKSIZE_MAX, true},
    {"timeout", TFTP_HAS_TIMEOUT, 1, TFTP_TIMEOUT_MAX_S, false},
    {"tsize", TFTP_HAS_TSIZE, 0, UINT64_MAX, false},
    {"windowsize", TFTP_HAS_WINDOWSIZE, 1, TFTP_WINDOWSIZE_MAX, true},
};

#define KNOWN_N (sizeof(known) / sizeof(known[0]))

static void set_option(struct tftp_options *o, unsigned bit, uint64_t value)
{
    o->has |= bit;
    switch (bit) {
    case TFTP_HAS_BLKSIZE: o->blksize = (uint32_t)value; break;
    case TFTP_HAS_TIMEOUT: o->timeout_s = (uint32_t)value; break;
    case TFTP_HAS_WINDOWSIZE: o->windowsize = (uint32_t)value; break;
    default: o->tsize = value; break;
    }
}

static uint64_t get_option(const struct tftp_options *o, unsigned bit)
{
    switch (bit) {
    case TFTP_HAS_BLKSIZE: return o->blksize;
    case TFTP_HAS_TIMEOUT: return o->timeout_s;
    case TFTP_HAS_WINDOWSIZE: return o->windowsize;
    default: return o->tsize;
    }
}

/* Some ROMs pad numbers with leading zeros. */
static struct str without_zeros(struct str digits)
{
    while (digits.n > 1 && digits.p[0] == '0')
        digits = str_skip(digits, 1);
    return digits;
}

static void take_option(struct tftp_options *o, struct str name, struct str text)
{
    for (size_t i = 0; i < KNOWN_N; i++) {
        uint64_t value;
        if (!str_eq_nocase(name, str_from(known[i].name)) || (o->has & known[i].bit) ||
            !str_to_u64(without_zeros(text), UINT64_MAX, &value) || value < known[i].min)
            continue;
        if (value > known[i].max && known[i].clamps)
            value = known[i].max;
        if (value <= known[i].max)
            set_option(o, known[i].bit, value);
    }
}

/* Anything behind the last whole pair is padding. */
static void parse_options(struct str rest, struct tftp_options *o)
{
    struct str name, text;
    while (cut_text(&rest, &name) && name.n && cut_text(&rest, &text))
        take_option(o, name, text);
}

/* --- Packets ------------------------------------------------------------------------------- */

static enum tftp_mode parse_mode(struct str mode)
{
    if (str_eq_nocase(mode, STR("octet")) || str_eq_nocase(mode, STR("binary")))
        return TFTP_OCTET;
    return str_eq_nocase(mode, STR("netascii")) ? TFTP_NETASCII : TFTP_MODE_OTHER;
}

struct str tftp_name_meant(struct str file)
{
    size_t n = 0;
    while (n < file.n && (unsigned char)file.p[n] >= ' ' && file.p[n] != 0x7F &&
           (unsigned char)file.p[n] != 0xFF)
        n++;
    while (n && file.p[n - 1] == ' ')
        n--;
    return str_head(file, n);
}

static bool parse_request(struct str rest, struct tftp_packet *p)
{
    struct str mode;
    if (!cut_text(&rest, &p->file) || !p->file.n || !cut_text(&rest, &mode))
        return false;
    p->mode = parse_mode(mode);
    parse_options(rest, &p->options);
    return true;
}

/* The text of an ERROR should end in NUL, but often does not. */
static bool parse_numbered(struct str rest, struct tftp_packet *p)
{
    if (rest.n < 2)
        return false;
    p->number = u16_at(rest.p);
    p->rest = str_skip(rest, 2);
    if (p->opcode == TFTP_ERROR)
        p->rest = str_cut(&p->rest, '\0');
    else if (p->opcode == TFTP_ACK)
        p->rest = STR("");
    return true;
}

bool tftp_parse(struct str bytes, struct tftp_packet *ret)
{
    if (bytes.n < 2)
        return false;
    struct tftp_packet p = {.opcode = (enum tftp_opcode)u16_at(bytes.p)};
    struct str rest = str_skip(bytes, 2);
    bool good = false;
    switch (p.opcode) {
    case TFTP_RRQ:
    case TFTP_WRQ: good = parse_request(rest, &p); break;
    case TFTP_DATA:
    case TFTP_ACK:
    case TFTP_ERROR: good = parse_numbered(rest, &p); break;
    case TFTP_OACK:
        parse_options(rest, &p.options);
        good = true;
        break;
    }
    if (good)
        *ret = p;
    return good;
}

static void write_options(struct buf *b, const struct tftp_options *o)
{
    char digits[STR_U64_SIZE];
    for (size_t i = 0; i < KNOWN_N; i++) {
        if (!(o->has & known[i].bit))
            continue;
        buf_append(b, known[i].name, strlen(known[i].name) + 1);
        struct str value = str_of_u64(get_option(o, known[i].bit), digits);
        buf_append(b, value.p, value.n + 1);
    }
}

static void write_numbered(struct buf *b, const struct tftp_packet *p)
{
    char number[2];
    put_u16(number, p->number);
    buf_append(b, number, sizeof(number));
    if (p->opcode != TFTP_ACK)
        buf_str(b, p->rest);
    if (p->opcode == TFTP_ERROR)
        buf_char(b, '\0');
}

bool tftp_write(struct buf *b, const struct tftp_packet *p)
{
    char opcode[2];
    size_t before = b->n;
    put_u16(opcode, (uint16_t)p->opcode);
    buf_append(b, opcode, sizeof(opcode));
    if (p->opcode == TFTP_RRQ || p->opcode == TFTP_WRQ) {
        const char *mode = p->mode == TFTP_NETASCII ? "netascii" : "octet";
        buf_str(b, p->file);
        buf_char(b, '\0');
        buf_append(b, mode, strlen(mode) + 1);
        write_options(b, &p->options);
    } else if (p->opcode == TFTP_OACK) {
        write_options(b, &p->options);
    } else {
        write_numbered(b, p);
    }
    if (b->full)
        b->n = before;
    return !b->full;
}

void tftp_data_header(char to[static TFTP_HEADER_BYTES], uint16_t number)
{
    put_u16(to, TFTP_DATA);
    put_u16(to + 2, number);
}

/* --- Netascii ------------------------------------------------------------------------------ */

size_t tftp_netascii(struct tftp_netascii *s, struct str *from, char *to, size_t room)
{
    size_t n = 0, taken = 0;
    while (n < room && (s->owes || taken < from->n)) {
        if (s->owes) {
            to[n++] = s->owed;
            s->owes = false;
            continue;
        }
        char c = from->p[taken++];
        s->owes = c == '\n' || c == '\r';
        s->owed = c == '\n' ? '\n' : '\0';
        to[n++] = s->owes ? '\r' : c;
    }
    *from = str_skip(*from, taken);
    return n;
}
