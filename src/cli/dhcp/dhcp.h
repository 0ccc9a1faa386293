/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dhcp: the parts of `cloudseed dhcp`: what the DHCP server of a site must say, and its settings in
 * the syntax of several DHCP servers.
 *
 * The plan is made from the seed tree and the nodes that are registered with its server. It is
 * about IPv4 or IPv6, as the server's URL is: what is left out is listed, with the reason.
 */
#ifndef CLOUDSEED_CLI_DHCP_DHCP_H
#define CLOUDSEED_CLI_DHCP_DHCP_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "cli/common/cli.h"
#include "tree/tree.h"

/* --- The plan ------------------------------------------------------------------------------- */

/* A kind of client, recognized by its DHCP options, and the file that it loads. A client is of one
 * kind: iPXE also sends an architecture, but must not count as that, or it would load itself
 * forever. */
struct dhcp_boot {
    const char *name;  /* for names of classes and tags: "bios" */
    const char *what;  /* for people */
    bool is_ipxe;      /* recognized by user class "iPXE" (option 77) */
    uint16_t archs[2]; /* otherwise by architecture (option 93, RFC 4578) */
    uint8_t archs_n;   /* 0: for none, unless it is iPXE */
    bool echoes_http;  /* must be sent "HTTPClient" as option 60; of IPv6, 16 */
    struct str file;   /* below TFTP's root, or a URL */
};

/* Those behind UEFI's are not in a plan for Secure Boot. */
enum {
    DHCP_BOOT_IPXE,
    DHCP_BOOT_BIOS,
    DHCP_BOOT_UEFI,
    DHCP_BOOT_ARM64,
    DHCP_BOOT_HTTP,
    DHCP_BOOT_HTTP_ARM64,
    DHCP_BOOT_COUNT
};

#define DHCP_USER_CLASS "iPXE"
#define DHCP_HTTP_CLASS "HTTPClient"
/* The same as option 16 of IPv6, whole: with Intel's enterprise number, 343, as EDK II sends it. */
#define DHCP_HTTP_CLASS6 "00:00:01:57:00:0a:48:54:54:50:43:6c:69:65:6e:74"
#define DHCP_LEASE_SECONDS 3600

struct dhcp_reservation {
    const struct node *node;
    struct mac mac;
    struct address address;
};

struct dhcp_network {
    const struct network *net;
    uint32_t id; /* from 1, in the order of the site's networks */
    struct dhcp_reservation *list;
    uint32_t n;
};

struct dhcp_plan {
    struct arena *arena;
    struct str url;         /* of the server, without a slash at its end */
    struct str next_server; /* its address, for TFTP */
    uint8_t family;         /* of that, and so of the whole plan: 4 or 6 */
    bool secure_boot;       /* UEFI loads shim, and that grub */
    struct dhcp_boot boot[DHCP_BOOT_COUNT];
    int boot_n;
    struct dhcp_network *networks;
    uint32_t networks_n;
    struct str *left_out; /* lines for people */
    uint32_t left_out_n;
};

/* `registered` is an extension of the tree, or NULL. `network` NULL: all networks of the site.
 * `secure_boot`: UEFI has it switched on. -ENOENT: there is no such network; -EINVAL: no network of
 * the family, or a site's url that boot programs cannot use. Everything is in the arena. */
int dhcp_plan_make(const struct tree *t, const struct tree *registered, const char *network,
                   bool secure_boot, struct arena *a, struct dhcp_plan *ret, struct err *e);

/* False for a kind that the plan's family does not have. */
bool dhcp_boots(const struct dhcp_boot *b);
struct str dhcp_address_text(const struct dhcp_plan *p, struct address address);
struct str dhcp_mac_text(const struct dhcp_plan *p, struct mac mac);
/* "255.255.255.0" */
struct str dhcp_netmask_text(const struct dhcp_plan *p, struct cidr cidr);
struct str dhcp_cidr_text(const struct dhcp_plan *p, struct cidr cidr);
/* The network's name servers of the plan's family, and its search domains, separated by `between`.
 */
struct str dhcp_dns_text(const struct dhcp_plan *p, const struct network *net, const char *between);
struct str dhcp_search_text(const struct dhcp_plan *p, const struct network *net,
                            const char *between);
/* Of IPv4: in IPv6 routers announce themselves. */
bool dhcp_has_router(const struct network *net);

/* The plan as JSON. */
struct value dhcp_plan_value(const struct dhcp_plan *p);

/* --- Its forms ---------------------------------------------------------------------------------
 *
 * They contain only names of nodes and networks, domains, addresses and the server's URL: the seed
 * tree accepts none of these with a character that is special to dnsmasq or in a comment.
 */

/* A file for /etc/dnsmasq.d. */
void dhcp_dnsmasq(const struct dhcp_plan *p, struct buf *out);
/* The same for a dnsmasq beside another DHCP server, which assigns the addresses. */
void dhcp_dnsmasq_proxy(const struct dhcp_plan *p, struct buf *out);
/* The same for a plan of IPv6. */
void dhcp_dnsmasq6(const struct dhcp_plan *p, struct buf *out);
/* kea-dhcp4.conf */
void dhcp_kea(const struct dhcp_plan *p, struct buf *out);
/* kea-dhcp6.conf, for a plan of IPv6 */
void dhcp_kea6(const struct dhcp_plan *p, struct buf *out);
/* Values for OPNsense's web pages, and a file for its dnsmasq. */
void dhcp_opnsense(const struct dhcp_plan *p, struct buf *out);

/* Parts that they share. `mark` is what begins a comment line. */
void dhcp_write_needs(const struct dhcp_plan *p, const char *mark, struct buf *out);
void dhcp_write_left_out(const struct dhcp_plan *p, const char *mark, struct buf *out);
/* dnsmasq's lines that recognize clients and send them their file, if the tag "cloudseed" is set.
 */
void dhcp_dnsmasq_boot(const struct dhcp_plan *p, bool proxy, struct buf *out);
void dhcp_dnsmasq_hosts(const struct dhcp_plan *p, const struct dhcp_network *n, struct buf *out);

#endif
