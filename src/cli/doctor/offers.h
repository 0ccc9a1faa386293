/* SPDX-License-Identifier: Apache-2.0 */
/*
 * offers: what DHCP servers offer to machines that boot, compared with what `cloudseed dhcp` sets.
 *
 * Pure: asking is up to dhcp.c.
 */
#ifndef CLOUDSEED_CLI_DOCTOR_OFFERS_H
#define CLOUDSEED_CLI_DOCTOR_OFFERS_H

#include "cli/dhcp/dhcp.h"
#include "cli/doctor/finding.h"
#include "wire/dhcp.h"

/* A machine as which it is asked. */
struct offers_kind {
    const char *name; /* of its step: "uefi" */
    int boot;         /* DHCP_BOOT_… */
    uint16_t arch;
};

#define OFFERS_KINDS 5
extern const struct offers_kind offers_kinds[OFFERS_KINDS];

/* The question; `xid` and MAC are the caller's. */
struct dhcp_discover offers_question(const struct offers_kind *kind, uint32_t xid, struct mac mac);

#define OFFERS_MAX 64

struct offers {
    struct arena *arena;
    const struct dhcp_plan *plan; /* NULL: the seed tree cannot be read here */
    const struct node *node;      /* whose MAC it is; NULL: it is nobody's */
    const char *interface;
    bool boots; /* a role, or the node's, boots from the network */
    struct offers_seen {
        uint8_t kind; /* in offers_kinds */
        struct dhcp_offer offer;
    } list[OFFERS_MAX];
    size_t n;
};

/* Takes an offer, with copies of its texts, unless that server's for that kind is there already. */
void offers_add(struct offers *o, uint8_t kind, const struct dhcp_offer *offer);

void offers_judge(const struct offers *o, struct finding_list *ret);

/* [{"kind", "server", "address", "next_server", "router", "file"}] */
struct value offers_value(const struct offers *o);

/* "10.0.20.1", or an empty text. */
struct str offers_address(const struct offers *o, struct address address);

#endif
