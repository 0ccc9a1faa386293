/* SPDX-License-Identifier: Apache-2.0 */
/*
 * netplan_rules: what netplan and networkd want of single texts, and how devices depend on each
 * other. For the tables in netplan.c.
 */
#ifndef CLOUDSEED_RENDER_NETPLAN_RULES_H
#define CLOUDSEED_RENDER_NETPLAN_RULES_H

#include "base/map.h"
#include "render/fields.h"

/* A device that is defined, in any section. */
struct netplan_device {
    struct str name;
    const char *section;               /* "ethernets" */
    const struct yaml_node *y;         /* its mapping */
    const struct yaml_node *member_of; /* the name of its bond or bridge; NULL: of none */
    const struct yaml_node *vrf;       /* the same for a VRF */
    const struct yaml_node *primary_of;
};

/* All of a document; the `cls` of its field_reader. */
struct netplan {
    const struct yaml_node *root; /* the mapping that has `version` */
    struct netplan_device *list;
    uint32_t n;
    struct map map;
};

/* Lists the devices of these sections (NULL behind the last), and reports those that are defined
 * twice. netplan_done frees what it made. */
void netplan_init(struct netplan *np, struct inspect *in, const struct yaml_node *root,
                  const char *const *sections);
void netplan_done(struct netplan *np);

/* Rules of texts. */
const char *netplan_address(struct str text); /* 10.0.20.1 */
const char *netplan_address4(struct str text);
const char *netplan_address6(struct str text);
const char *netplan_interface_address(struct str text); /* 10.0.20.11/24 */
const char *netplan_network(struct str text);           /* with a prefix length or without */
const char *netplan_boolean(struct str text);
const char *netplan_mac(struct str text);
const char *netplan_id(struct str text);        /* of a device in the document */
const char *netplan_pattern(struct str text);   /* the same, with * and ? */
const char *netplan_interface(struct str text); /* a name that Linux takes */
const char *netplan_driver(struct str text);
const char *netplan_interval(struct str text); /* 100, 100ms, 1s */
const char *netplan_passphrase(struct str text);
const char *netplan_wireguard_key(struct str text);
const char *netplan_wireguard_secret(struct str text); /* a key, or the path of its file */
const char *netplan_controller(struct str text);       /* of Open vSwitch */
const char *netplan_endpoint(struct str text);         /* HOST:PORT */

/* Checks of nodes. */
void netplan_check_dhcp(const struct field_at *at);
void netplan_check_stp(const struct field_at *at);
void netplan_check_address(const struct field_at *at);
void netplan_check_nameservers(const struct field_at *at);
void netplan_check_16_bits(const struct field_at *at);
void netplan_check_mac(const struct field_at *at);
void netplan_check_reference(const struct field_at *at);
void netplan_check_primary(const struct field_at *at);
void netplan_check_driver(const struct field_at *at);
void netplan_check_auth(const struct field_at *at);
void netplan_check_wowlan(const struct field_at *at);
void netplan_check_pair(const struct field_at *at);    /* of Open vSwitch's ports */
void netplan_check_members(const struct field_at *at); /* of a bond or bridge */
void netplan_check_vrf_members(const struct field_at *at);
void netplan_check_ports(const struct field_at *at);     /* a mapping of members to numbers */
void netplan_check_elsewhere(const struct field_at *at); /* what cloud-init gives only to netplan */
void netplan_check_route(const struct field_at *at);
void netplan_check_policy(const struct field_at *at);

/* Checks of devices, with what all of them have in common. */
void netplan_check_ethernet(const struct field_at *at);
void netplan_check_virtual(const struct field_at *at);
void netplan_check_wifi(const struct field_at *at);
void netplan_check_modem(const struct field_at *at);
void netplan_check_vlan(const struct field_at *at);
void netplan_check_tunnel(const struct field_at *at);
void netplan_check_vrf(const struct field_at *at);
void netplan_check_peer(const struct field_at *at);
void netplan_check_nm(const struct field_at *at);

#endif
