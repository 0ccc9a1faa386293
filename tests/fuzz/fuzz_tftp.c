/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fuzz_tftp: parses the input as a packet, and encodes it as netascii.
 */
#include "base/mem.h"
#include "wire/tftp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void need(bool true_always)
{
    if (!true_always)
        abort();
}

static void check_options(const struct tftp_options *o)
{
    need(!(o->has & TFTP_HAS_BLKSIZE) ||
         (o->blksize >= TFTP_BLKSIZE_MIN && o->blksize <= TFTP_BLKSIZE_MAX));
    need(!(o->has & TFTP_HAS_WINDOWSIZE) ||
         (o->windowsize >= 1 && o->windowsize <= TFTP_WINDOWSIZE_MAX));
    need(!(o->has & TFTP_HAS_TIMEOUT) || (o->timeout_s >= 1 && o->timeout_s <= TFTP_TIMEOUT_MAX_S));
}

/* A packet that is written is read as the same packet. */
static void check_packet(const struct tftp_packet *p)
{
    struct buf b;
    struct tftp_packet again;
    check_options(&p->options);
    if (p->mode == TFTP_MODE_OTHER)
        return;
    buf_init(&b, 1 << 20);
    need(tftp_write(&b, p));
    need(tftp_parse(buf_view(&b), &again));
    need(again.opcode == p->opcode && again.number == p->number && again.mode == p->mode);
    need(str_eq(again.file, p->file) && str_eq(again.rest, p->rest));
    need(again.options.has == p->options.has && again.options.tsize == p->options.tsize &&
         again.options.blksize == p->options.blksize &&
         again.options.windowsize == p->options.windowsize &&
         again.options.timeout_s == p->options.timeout_s);
    buf_done(&b);
}

/* Blocks of 8 and of 512 octets must give the same text. */
static void check_netascii(struct str text)
{
    char *eights = mem_alloc(2 * text.n + 8), *whole = mem_alloc(2 * text.n + 512);
    struct tftp_netascii s = {0}, t = {0};
    struct str a = text, b = text;
    size_t n = 0, m = 0, got;
    while ((got = tftp_netascii(&s, &a, eights + n, 8)) > 0)
        n += got;
    while ((got = tftp_netascii(&t, &b, whole + m, 512)) > 0)
        m += got;
    need(n == m && n >= text.n && n <= 2 * text.n && memcmp(eights, whole, n) == 0);
    free(eights);
    free(whole);
}

static void check_name(struct str file)
{
    struct str name = tftp_name_meant(file);
    need(str_starts(file, name) && str_eq(tftp_name_meant(name), name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str bytes = {(const char *)data, size};
    struct tftp_packet p;
    if (tftp_parse(bytes, &p))
        check_packet(&p);
    check_netascii(bytes);
    check_name(bytes);
    return 0;
}
