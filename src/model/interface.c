/* SPDX-License-Identifier: Apache-2.0 */
#include "model/interface.h"

const char *const interface_kind_names[] = {[INTERFACE_ETHERNET] = "ethernet",
                                            [INTERFACE_BOND] = "bond",
                                            [INTERFACE_BRIDGE] = "bridge",
                                            [INTERFACE_VLAN] = "vlan",
                                            NULL};

const char *const interface_dhcp_names[] = {
    [DHCP_AUTO] = "auto", [DHCP_NONE] = "none", [DHCP_IPV4] = "ipv4",
    [DHCP_IPV6] = "ipv6", [DHCP_BOTH] = "both", NULL};

const char *const interface_choice_names[] = {
    [CHOICE_AUTO] = "auto", [CHOICE_TRUE] = "true", [CHOICE_FALSE] = "false", NULL};

const char *const bond_mode_names[] = {
    [BOND_ACTIVE_BACKUP] = "active-backup", [BOND_802_3AD] = "802.3ad",
    [BOND_BALANCE_RR] = "balance-rr",       [BOND_BALANCE_XOR] = "balance-xor",
    [BOND_BROADCAST] = "broadcast",         [BOND_BALANCE_TLB] = "balance-tlb",
    [BOND_BALANCE_ALB] = "balance-alb",     NULL};

const char *const bond_hash_policy_names[] = {"layer2",   "layer3+4", "layer2+3",
                                              "encap2+3", "encap3+4", NULL};

const char *const bond_lacp_rate_names[] = {"slow", "fast", NULL};

bool interface_is_below(const struct interface *i, const struct interface *above)
{
    if (above->kind == INTERFACE_VLAN)
        return str_eq(above->link, i->name);
    for (uint8_t k = 0; k < above->members_n; k++) {
        if (str_eq(above->members[k], i->name))
            return true;
    }
    return false;
}
