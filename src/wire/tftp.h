/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tftp: packets of TFTP (RFC 1350) with options (RFC 2347, 2348, 2349, 7440), and netascii.
 *
 * A pure codec: it knows no sockets, no files and no clock. What is parsed points into the packet.
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

/* False for what is no TFTP packet. Unknown options and values that make no sense are as if they
 * were not there; of an option given twice the first counts. Sizes beyond the largest are taken as
 * the largest: an answer may be smaller than what was asked for. */
bool tftp_parse(struct str bytes, struct tftp_packet *ret);

/* Appends the packet; false where it does not fit, and then nothing is in. Options come in the
 * order of their bits. TFTP_MODE_OTHER cannot be written. */
bool tftp_write(struct buf *b, const struct tftp_packet *p);

/* What stands before a block's bytes. */
void tftp_data_header(char to[static TFTP_HEADER_BYTES], uint16_t number);

/* LF becomes CR LF, CR becomes CR NUL. All zero at the text's beginning. */
struct tftp_netascii {
    bool owes; /* the second octet of a pair */
    char owed;
};

/* Converts the beginning of `*from`, which it cuts off, into at most `room` octets; returns how
 * many. Where it is less than `room`, all of `*from` was taken. */
size_t tftp_netascii(struct tftp_netascii *s, struct str *from, char *to, size_t room);

#endif
