/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/dhcp/plan.h"

/* Parts of a plan as texts and as data. */

struct str dhcp_address_text(const struct dhcp_plan *p, struct address address)
{
    char text[ADDRESS_TEXT_SIZE];
    return arena_str(p->arena, str_from(address_text(address, text)));
}

struct str dhcp_mac_text(const struct dhcp_plan *p, struct mac mac)
{
    char text[MAC_TEXT_SIZE];
    return arena_str(p->arena, str_from(mac_text(mac, text)));
}

struct str dhcp_cidr_text(const struct dhcp_plan *p, struct cidr cidr)
{
    char text[CIDR_TEXT_SIZE];
    return arena_str(p->arena, str_from(cidr_text(cidr, text)));
}

struct str dhcp_netmask_text(const struct dhcp_plan *p, struct cidr cidr)
{
    struct address mask = {.family = 4};
    for (uint8_t bit = 0; bit < cidr.prefix; bit++)
        mask.octet[bit / 8] = (uint8_t)(mask.octet[bit / 8] | 0x80 >> bit % 8);
    return dhcp_address_text(p, mask);
}

bool dhcp_has_router(const struct network *net)
{
    return net->gateway.family == 4;
}

struct str dhcp_dns_text(const struct dhcp_plan *p, const struct network *net, const char *between)
{
    struct str text = STR("");
    for (uint32_t i = 0; i < net->dns_n; i++) {
        if (net->dns[i].family == 4)
            text = ARENA_JOIN(p->arena, text, str_from(text.n ? between : ""),
                              dhcp_address_text(p, net->dns[i]));
    }
    return text;
}

struct str dhcp_search_text(const struct dhcp_plan *p, const struct network *net,
                            const char *between)
{
    struct str text = STR("");
    for (uint32_t i = 0; i < net->search_n; i++)
        text = ARENA_JOIN(p->arena, text, str_from(i ? between : ""), net->search[i]);
    return text;
}

/* --- As data ------------------------------------------------------------------------------- */

static struct value boot_value(const struct dhcp_plan *p, const struct dhcp_boot *b)
{
    struct value *archs = ARENA_ARRAY(p->arena, struct value, b->archs_n);
    for (uint8_t i = 0; i < b->archs_n; i++)
        archs[i] = value_int(b->archs[i]);
    const struct value_pair pairs[] = {
        JSON_STR("name", str_from(b->name)),
        JSON_VALUE("user_class", b->is_ipxe ? value_str(STR(DHCP_USER_CLASS)) : value_none()),
        JSON_VALUE("architectures", value_list(archs, b->archs_n)),
        JSON_STR("file", b->file),
        JSON_VALUE("vendor_class", b->echoes_http ? value_str(STR(DHCP_HTTP_CLASS)) : value_none()),
    };
    return value_copy(p->arena, value_map(pairs, 5));
}

static struct value reservations_value(const struct dhcp_plan *p, const struct dhcp_network *net)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, net->n);
    for (uint32_t i = 0; i < net->n; i++) {
        const struct dhcp_reservation *r = &net->list[i];
        const struct value_pair pairs[] = {
            JSON_STR("name", r->node->name),
            JSON_STR("mac", dhcp_mac_text(p, r->mac)),
            JSON_STR("address", dhcp_address_text(p, r->address)),
        };
        items[i] = value_copy(p->arena, value_map(pairs, 3));
    }
    return value_list(items, net->n);
}

static struct value dns_value(const struct dhcp_plan *p, const struct network *net)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, net->dns_n);
    size_t n = 0;
    for (uint32_t i = 0; i < net->dns_n; i++) {
        if (net->dns[i].family == 4)
            items[n++] = value_str(dhcp_address_text(p, net->dns[i]));
    }
    return value_list(items, n);
}

static struct value texts_value(const struct dhcp_plan *p, const struct str *list, uint32_t n)
{
    struct value *items = ARENA_ARRAY(p->arena, struct value, n);
    for (uint32_t i = 0; i < n; i++)
        items[i] = value_str(list[i]);
    return value_list(items, n);
}

static struct value network_value(const struct dhcp_plan *p, const struct dhcp_network *n)
{
    const struct network *net = n->net;
    const struct value_pair pairs[] = {
        JSON_STR("name", net->name),
        JSON_STR("subnet", dhcp_cidr_text(p, net->cidr)),
        JSON_VALUE("vlan", net->vlan ? value_int(net->vlan) : value_none()),
        JSON_VALUE("router", dhcp_has_router(net) ? value_str(dhcp_address_text(p, net->gateway))
                                                  : value_none()),
        JSON_VALUE("dns", dns_value(p, net)),
        JSON_VALUE("search", texts_value(p, net->search, net->search_n)),
        JSON_VALUE("reservations", reservations_value(p, n)),
    };
    return value_copy(p->arena, value_map(pairs, 7));
}

struct value dhcp_plan_value(const struct dhcp_plan *p)
{
    struct value boot[DHCP_BOOT_COUNT];
    struct value *networks = ARENA_ARRAY(p->arena, struct value, p->networks_n);
    for (int i = 0; i < DHCP_BOOT_COUNT; i++)
        boot[i] = boot_value(p, &p->boot[i]);
    for (uint32_t i = 0; i < p->networks_n; i++)
        networks[i] = network_value(p, &p->networks[i]);
    const struct value_pair pairs[] = {
        JSON_STR("url", p->url),
        JSON_STR("next_server", p->next_server),
        JSON_VALUE("boot", value_list(boot, DHCP_BOOT_COUNT)),
        JSON_VALUE("networks", value_list(networks, p->networks_n)),
        JSON_VALUE("left_out", texts_value(p, p->left_out, p->left_out_n)),
    };
    return value_copy(p->arena, value_map(pairs, 5));
}
