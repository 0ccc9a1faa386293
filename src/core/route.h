/* SPDX-License-Identifier: Apache-2.0 */
/*
 * route: what a path asks for. HTTP and TFTP ask here alike; nothing is looked up.
 */
#ifndef CLOUDSEED_CORE_ROUTE_H
#define CLOUDSEED_CORE_ROUTE_H

#include "base/arena.h"
#include "model/role.h"
#include "model/site.h"

enum route_kind {
    ROUTE_NONE,     /* no such path */
    ROUTE_SEED,     /* /s/KEY/FILE, /s/KEYFILE */
    ROUTE_EVIDENCE, /* /nocloud/KIND/VALUE/FILE */
    ROUTE_REPORT,   /* /s/KEY/report */
    ROUTE_PHONE_HOME,
    ROUTE_SCRIPT, /* /boot.ipxe, /ipxe/KIND/VALUE, /grub/grub.cfg, /grub/KIND/VALUE */
    ROUTE_ASSET,  /* /assets/NAME */
    ROUTE_HEALTHZ,
    ROUTE_READYZ,
};

struct route {
    enum route_kind kind;
    struct str key;          /* of all below /s/ */
    enum boot_loader loader; /* of ROUTE_SCRIPT; without a value it is for whoever asks, or whom
                                the query tells of */
    enum evidence evidence;  /* of ROUTE_EVIDENCE and ROUTE_SCRIPT, with its value decoded */
    struct str value;        /* the name of an asset, too */
    struct str base;         /* of the latter, as it came: "/nocloud/KIND/VALUE/" */
    enum seed_file file;
    const char *reason; /* of ROUTE_NONE: one line for a console */
};

/* `path` begins with a slash and has no query. What is decoded lives in the arena. */
struct route route_parse(struct str path, struct arena *a);

/* The same for TFTP: boot scripts, and all else is the name of an asset. Nothing is percent-encoded
 * there, and nobody can send a query. */
struct route route_parse_tftp(struct str path);

#endif
