/* SPDX-License-Identifier: Apache-2.0 */
/* interface: a network interface of a node, where the seed tree declares more than MACs and
 * addresses. */
#ifndef CLOUDSEED_MODEL_INTERFACE_H
#define CLOUDSEED_MODEL_INTERFACE_H

#include "model/mac.h"
#include "model/network.h"

#define INTERFACE_NAME_MAX 15 /* IFNAMSIZ - 1 */
#define INTERFACE_MEMBERS_MAX 16
#define INTERFACE_ADDRESSES_MAX 16

enum interface_kind { INTERFACE_ETHERNET, INTERFACE_BOND, INTERFACE_BRIDGE, INTERFACE_VLAN };

extern const char *const interface_kind_names[]; /* "ethernet", …, and NULL behind */

/* Which families it asks DHCP for. AUTO: IPv4, where it has neither an address nor another
 * interface on it. */
enum interface_dhcp { DHCP_AUTO, DHCP_NONE, DHCP_IPV4, DHCP_IPV6, DHCP_BOTH };

extern const char *const interface_dhcp_names[]; /* "auto", "none", … */

enum interface_choice { CHOICE_AUTO, CHOICE_TRUE, CHOICE_FALSE };

extern const char *const interface_choice_names[]; /* "auto", "true", "false" */

enum bond_mode {
    BOND_ACTIVE_BACKUP,
    BOND_802_3AD,
    BOND_BALANCE_RR,
    BOND_BALANCE_XOR,
    BOND_BROADCAST,
    BOND_BALANCE_TLB,
    BOND_BALANCE_ALB
};

extern const char *const bond_mode_names[];
extern const char *const bond_hash_policy_names[]; /* the kernel's; the first is its default */
extern const char *const bond_lacp_rate_names[];   /* "slow", "fast" */

struct interface {
    struct str name;
    enum interface_kind kind;
    struct mac mac;                     /* of an ethernet card; all zero: not declared */
    const struct address *addresses;    /* a part of the node's */
    const struct address *dns;          /* if any, instead of the networks' */
    const struct str *search;           /* the same */
    const struct network_route *routes; /* besides the networks' */
    const struct str *members;          /* of a bond or bridge: names of interfaces */
    uint32_t dns_n, search_n, routes_n;
    uint8_t addresses_n, members_n;
    uint16_t mtu; /* 0: its networks' */
    enum interface_dhcp dhcp;
    enum interface_choice optional;      /* whether a boot goes on without it */
    enum interface_choice default_route; /* AUTO: the first that can have it */
    uint16_t vlan;                       /* of a VLAN: its number */
    struct str link;                     /* of a VLAN: the interface that it is on */
    enum bond_mode mode;
    struct str primary; /* of a bond: the preferred member, or empty */
    int hash_policy, lacp_rate;
    bool stp; /* of a bridge */
    struct place at;
};

/* Whether it is a member of `above`, or the link of that VLAN. */
bool interface_is_below(const struct interface *i, const struct interface *above);

#endif
