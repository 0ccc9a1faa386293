/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tftp: packets of TFTP (RFC 1350) with options (RFC 2347, 2348, 2349, 7440), and netascii.
 *
 * A pure codec: it knows no sockets, files or clock. What it parses points into the packet.
 */
#ifndef CLOUDSEED_WIRE_TFTP_H
#define CLOUDSEED_WIRE_TFTP_H

#include "base/buf.h"

enum tftp_opcode {
    TFTP_RRQ = 1,
    TFTP_WRQ,
    TFTP_DATA,
    TFTP_ACK,
    TFTP_ERROR,
    TFTP_OACK,
};

enum tftp_code {
    TFTP_UNDEFINED,
    TFTP_NOT_FOUND,
    TFTP_ACCESS,
    TFTP_DISK_FULL,
    TFTP_ILLEGAL,
    TFTP_UNKNOWN_TID,
    TFTP_EXISTS,
    TFTP_NO_USER,
    TFTP_OPTIONS,
};

#define TFTP_HEADER_BYTES 4 /* of DATA, ACK and ERROR */
#define TFTP_BLKSIZE_DEFAULT 512
#define TFTP_BLKSIZE_MIN 8
#define TFTP_BLKSIZE_MAX 65464
#define TFTP_WINDOWSIZE_MAX 65535
#define TFTP_TIMEOUT_MAX_S 255

enum tftp_mode { TFTP_OCTET, TFTP_NETASCII, TFTP_MODE_OTHER };

enum { TFTP_HAS_BLKSIZE = 1, TFTP_HAS_TIMEOUT = 2, TFTP_HAS_TSIZE = 4, TFTP_HAS_WINDOWSIZE = 8 };

struct tftp_options {
    unsigned has; /* which of them are there */
    uint32_t blksize, timeout_s, windowsize;
    uint64_t tsize;
};

struct tftp_packet {
    enum tftp_opcode opcode;
    struct str file;             /* RRQ, WRQ */
    enum tftp_mode mode;         /* RRQ, WRQ */
    struct tftp_options options; /* RRQ, WRQ, OACK */
    uint16_t number;             /* the block of DATA and ACK, the code of ERROR */
    struct str rest;             /* the bytes of DATA, the text of ERROR */
};

/* False where it is not a TFTP packet. Unknown options and invalid values are ignored; the first of
 * a repeated option counts. Sizes above the maximum count as the maximum: an answer may be smaller
 * than the request. */
bool tftp_parse(struct str bytes, struct tftp_packet *ret);

/* A name without what does not belong to it. Old ROMs take the boot file's name from the DHCP
 * answer together with what follows it there: the octet that ends the options (255), or others. */
struct str tftp_name_meant(struct str file);

/* Appends the packet; where it does not fit, appends nothing and returns false. Options are written
 * in the order of their bits. TFTP_MODE_OTHER cannot be written. */
bool tftp_write(struct buf *b, const struct tftp_packet *p);

/* The header before the bytes of a block. */
void tftp_data_header(char to[static TFTP_HEADER_BYTES], uint16_t number);

/* LF becomes CR LF, CR becomes CR NUL. All zero at the beginning of a text. */
struct tftp_netascii {
    bool owes; /* the second octet of a pair is still to be written */
    char owed;
};

/* Cuts off the beginning of `*from` and writes it as at most `room` octets; returns how many. With
 * fewer than `room`, all of `*from` was converted. */
size_t tftp_netascii(struct tftp_netascii *s, struct str *from, char *to, size_t room);

#endif
