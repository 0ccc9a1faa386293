/* SPDX-License-Identifier: Apache-2.0 */
#include "render/netconfig.h"

#include "base/guess.h"
#include "model/address.h"
#include "model/mac.h"

#include <stdio.h>

#define WHAT_SIZE 80
#define VLAN_ID_MAX 4094

/* --- Rules --------------------------------------------------------------------------------- */

static const char *rule_mac(struct str text)
{
    struct mac mac;
    return text.n == 17 && mac_parse(text, &mac)
               ? NULL
               : "is no MAC address of a card, like bc:24:11:0a:14:0b";
}

static const char *rule_address(struct str text)
{
    struct address a;
    return address_parse(text, &a) ? NULL : "is no IP address";
}

static bool split_prefix(struct str text, struct address *ret)
{
    struct str rest = text;
    struct str host = str_cut(&rest, '/');
    uint64_t prefix;
    return rest.p && address_parse(host, ret) &&
           str_to_u64(rest, ret->family == 4 ? 32 : 128, &prefix);
}

static const char *rule_interface_address(struct str text)
{
    struct address a;
    if (split_prefix(text, &a))
        return NULL;
    if (address_parse(text, &a))
        return "lacks its prefix length; write it like 10.0.20.11/24";
    return "is no address with a prefix length, like 10.0.20.11/24";
}

static const char *rule_to(struct str text)
{
    struct address a;
    return str_is(text, "default") || split_prefix(text, &a) || address_parse(text, &a)
               ? NULL
               : "is no destination: write 0.0.0.0/0, ::/0, or a network like 10.0.0.0/8";
}

static const char *rule_name(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == '/' || (unsigned char)text.p[i] <= ' ')
            return "is no interface's name";
    }
    return text.n && text.n <= 15 ? NULL : "is no interface's name: 1 to 15 characters";
}

/* --- What devices have in common ------------------------------------------------------------- */

#define COMMON                                                                                   \
    "renderer", "dhcp4", "dhcp6", "ipv6-mtu", "ipv6-privacy", "link-local", "critical",          \
        "dhcp-identifier", "dhcp4-overrides", "dhcp6-overrides", "ra-overrides", "accept-ra",    \
        "addresses", "ipv6-address-generation", "ipv6-address-token", "gateway4", "gateway6",    \
        "nameservers", "macaddress", "mtu", "optional", "optional-addresses", "activation-mode", \
        "routes", "routing-policy", "neigh-suppress", "ignore-carrier", "auth", "openvswitch",   \
        "networkmanager"

/* A device that is being checked. */
struct device {
    struct inspect *in;
    const struct yaml_node *root; /* the mapping that has `version` */
    const struct yaml_node *map;
    const char *name; /* "ethernets: eth0" */
};

static const char *what(const struct device *d, const char *part, char text[static WHAT_SIZE])
{
    snprintf(text, WHAT_SIZE, "%s: %s", d->name, part);
    return text;
}

/* NULL if it is missing, or after reporting that it has another type. */
static const struct yaml_node *get(const struct device *d, const struct yaml_node *map,
                                   const char *key, unsigned types)
{
    char text[WHAT_SIZE];
    const struct yaml_node *y = yaml_get(map, str_from(key));
    return y && !yaml_is_null(y) && inspect_is(d->in, y, types, what(d, key, text)) ? y : NULL;
}

static void check_text(const struct device *d, const struct yaml_node *map, const char *key,
                       inspect_rule_fn rule)
{
    char text[WHAT_SIZE];
    const struct yaml_node *y = yaml_get(map, str_from(key));
    if (y && !yaml_is_null(y))
        inspect_rule(d->in, y, what(d, key, text), rule);
}

static void check_addresses(const struct device *d)
{
    const struct yaml_node *list = get(d, d->map, "addresses", INSPECT_LIST);
    char text[WHAT_SIZE];
    for (uint32_t i = 0; list && i < list->n; i++) {
        const struct yaml_node *y = list->items[i];
        if (y->kind == YAML_MAPPING && y->n == 1)
            y = y->pairs[0].key; /* with a label or lifetime */
        inspect_rule(d->in, y, what(d, "addresses", text), rule_interface_address);
    }
}

static void check_route(const struct device *d, const struct yaml_node *route)
{
    static const char *const keys[] = {
        "to",    "via", "from",  "metric", "on-link",           "type",
        "scope", "mtu", "table", "advmss", "congestion-window", "advertised-receive-window",
        NULL};
    char text[WHAT_SIZE];
    const struct yaml_node *to = yaml_get(route, STR("to")), *via = yaml_get(route, STR("via"));
    inspect_keys(d->in, route, what(d, "routes", text), keys);
    if (to)
        inspect_rule(d->in, to, what(d, "routes: to", text), rule_to);
    else
        inspect_fault(d->in, route, "%s: a route lacks 'to'", d->name);
    if (via)
        inspect_rule(d->in, via, what(d, "routes: via", text), rule_address);
    else if (!yaml_get(route, STR("scope")) && !yaml_get(route, STR("type")))
        inspect_fault(d->in, route, "%s: a route lacks 'via'", d->name);
}

static void check_routes(const struct device *d)
{
    const struct yaml_node *list = get(d, d->map, "routes", INSPECT_LIST);
    char text[WHAT_SIZE];
    for (uint32_t i = 0; list && i < list->n; i++) {
        if (inspect_is(d->in, list->items[i], INSPECT_MAP, what(d, "routes", text)))
            check_route(d, list->items[i]);
    }
}

static void check_nameservers(const struct device *d)
{
    static const char *const keys[] = {"addresses", "search", NULL};
    const struct yaml_node *map = get(d, d->map, "nameservers", INSPECT_MAP);
    char text[WHAT_SIZE];
    if (!map)
        return;
    inspect_keys(d->in, map, what(d, "nameservers", text), keys);
    const struct yaml_node *addresses = yaml_get(map, STR("addresses"));
    const struct yaml_node *search = yaml_get(map, STR("search"));
    if (addresses)
        inspect_texts(d->in, addresses, what(d, "nameservers", text), rule_address);
    if (search)
        inspect_texts(d->in, search, what(d, "nameservers: search", text), inspect_not_empty);
}

static void check_match(const struct device *d)
{
    static const char *const keys[] = {"name", "macaddress", "driver", NULL};
    const struct yaml_node *map = get(d, d->map, "match", INSPECT_MAP);
    char text[WHAT_SIZE];
    if (!map)
        return;
    inspect_keys(d->in, map, what(d, "match", text), keys);
    if (map->n == 0)
        inspect_fault(d->in, map, "%s: match is empty", d->name);
    check_text(d, map, "macaddress", rule_mac);
    check_text(d, map, "name", inspect_not_empty);
}

static void check_common(const struct device *d)
{
    get(d, d->map, "dhcp4", INSPECT_BOOL);
    get(d, d->map, "dhcp6", INSPECT_BOOL);
    get(d, d->map, "mtu", INSPECT_NUMBER);
    check_text(d, d->map, "macaddress", rule_mac);
    check_text(d, d->map, "gateway4", rule_address);
    check_text(d, d->map, "gateway6", rule_address);
    check_addresses(d);
    check_routes(d);
    check_nameservers(d);
}

/* --- The kinds of device ------------------------------------------------------------------- */

static const char *const sections[] = {
    "ethernets", "bonds",         "bridges", "vlans",  "wifis",
    "tunnels",   "dummy-devices", "vrfs",    "modems", "virtual-ethernets"};
#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static void check_reference(const struct device *d, const struct yaml_node *y, const char *key)
{
    char text[WHAT_SIZE];
    struct guess guess;
    if (!inspect_is(d->in, y, INSPECT_TEXT, what(d, key, text)))
        return;
    struct str name = yaml_text(y);
    guess_init(&guess, name);
    for (size_t i = 0; i < SECTIONS; i++) {
        const struct yaml_node *section = yaml_get(d->root, str_from(sections[i]));
        if (section && yaml_get(section, name))
            return;
        for (uint32_t k = 0; section && section->kind == YAML_MAPPING && k < section->n; k++)
            guess_offer(&guess, yaml_text(section->pairs[k].key));
    }
    inspect_fault(d->in, y, "%s: no interface %s is described here%s", text,
                  yaml_quoted(d->in->arena, name), guess_text(&guess));
}

static void check_members(const struct device *d)
{
    const struct yaml_node *list = get(d, d->map, "interfaces", INSPECT_LIST);
    for (uint32_t i = 0; list && i < list->n; i++)
        check_reference(d, list->items[i], "interfaces");
}

static void check_ethernet(const struct device *d)
{
    static const char *const keys[] = {COMMON,
                                       "match",
                                       "set-name",
                                       "wakeonlan",
                                       "emit-lldp",
                                       "link",
                                       "infiniband-mode",
                                       "virtual-function-count",
                                       "embedded-switch-mode",
                                       "delay-virtual-functions-rebind",
                                       "receive-checksum-offload",
                                       "transmit-checksum-offload",
                                       "tcp-segmentation-offload",
                                       "tcp6-segmentation-offload",
                                       "generic-segmentation-offload",
                                       "generic-receive-offload",
                                       "large-receive-offload",
                                       NULL};
    inspect_keys(d->in, d->map, d->name, keys);
    check_match(d);
    check_text(d, d->map, "set-name", rule_name);
    const struct yaml_node *set_name = yaml_get(d->map, STR("set-name"));
    if (set_name && !yaml_get(d->map, STR("match")))
        inspect_fault(d->in, set_name, "%s: set-name needs a match to say which card is meant",
                      d->name);
}

static void check_wifi(const struct device *d)
{
    static const char *const keys[] = {
        COMMON, "match", "set-name", "access-points", "wakeonlan", "regulatory-domain", NULL};
    inspect_keys(d->in, d->map, d->name, keys);
    check_match(d);
    if (!get(d, d->map, "access-points", INSPECT_MAP))
        inspect_fault(d->in, d->map, "%s: 'access-points' is missing", d->name);
}

static void check_group(const struct device *d)
{
    static const char *const keys[] = {COMMON, "interfaces", "parameters", NULL};
    inspect_keys(d->in, d->map, d->name, keys);
    get(d, d->map, "parameters", INSPECT_MAP);
    check_members(d);
}

static const char *rule_vlan_id(struct str text)
{
    uint64_t id;
    return str_to_u64(text, VLAN_ID_MAX, &id) ? NULL : "is no VLAN's number: 0 to 4094";
}

static void check_vlan(const struct device *d)
{
    static const char *const keys[] = {COMMON, "id", "link", NULL};
    const struct yaml_node *id = yaml_get(d->map, STR("id")), *link = yaml_get(d->map, STR("link"));
    inspect_keys(d->in, d->map, d->name, keys);
    if (!id)
        inspect_fault(d->in, d->map, "%s: 'id' is missing", d->name);
    else if (id->kind != YAML_SCALAR || rule_vlan_id(yaml_text(id)))
        inspect_fault(d->in, id, "%s: id: %s", d->name, "write the VLAN's number, 0 to 4094");
    if (link)
        check_reference(d, link, "link");
    else
        inspect_fault(d->in, d->map, "%s: 'link' is missing", d->name);
}

static void check_section(struct inspect *in, const struct yaml_node *root, const char *section,
                          void (*check)(const struct device *d))
{
    const struct yaml_node *all = yaml_get(root, str_from(section));
    if (!all || yaml_is_null(all) || !inspect_is(in, all, INSPECT_MAP, section))
        return;
    for (uint32_t i = 0; i < all->n; i++) {
        struct str key = yaml_text(all->pairs[i].key);
        char name[WHAT_SIZE / 2];
        snprintf(name, sizeof(name), "%s: %.*s", section, (int)(key.n > 20 ? 20 : key.n), key.p);
        struct device d = {in, root, all->pairs[i].value, name};
        if (yaml_is_null(d.map) || !inspect_is(in, d.map, INSPECT_MAP, name))
            continue;
        check_common(&d);
        check(&d);
    }
}

/* --- The whole ----------------------------------------------------------------------------- */

static void check_version_2(struct inspect *in, const struct yaml_node *root)
{
    static const char *const keys[] = {
        "version",    "renderer",    "ethernets", "modems", "wifis",         "bridges",
        "bonds",      "tunnels",     "vlans",     "vrfs",   "dummy-devices", "virtual-ethernets",
        "nm-devices", "openvswitch", NULL};
    inspect_keys(in, root, "network-config", keys);
    check_section(in, root, "ethernets", check_ethernet);
    check_section(in, root, "wifis", check_wifi);
    check_section(in, root, "bonds", check_group);
    check_section(in, root, "bridges", check_group);
    check_section(in, root, "vlans", check_vlan);
}

static void check_version_1(struct inspect *in, const struct yaml_node *root)
{
    const struct yaml_node *config = yaml_get(root, STR("config"));
    if (!config)
        inspect_fault(in, root, "network-config: version 1 needs 'config'");
    else if (inspect_is(in, config, INSPECT_LIST | INSPECT_TEXT, "network-config: config"))
        for (uint32_t i = 0; config->kind == YAML_SEQUENCE && i < config->n; i++)
            inspect_is(in, config->items[i], INSPECT_MAP, "network-config: config");
}

static void check_version(struct inspect *in, const struct yaml_node *root)
{
    const struct yaml_node *version = yaml_get(root, STR("version"));
    if (!version) {
        inspect_fault(in, root, "network-config: 'version' is missing; write version: 2");
        return;
    }
    const char *why;
    bool number = inspect_type(version, &why) == INSPECT_NUMBER;
    struct str text = version->kind == YAML_SCALAR ? yaml_text(version) : STR("");
    if (number && str_is(text, "2"))
        check_version_2(in, root);
    else if (number && str_is(text, "1"))
        check_version_1(in, root);
    else
        inspect_fault(in, version, "network-config: version is 2 or 1, without quotes");
}

void netconfig_check(struct inspect *in, struct str text, const struct yaml_node **ret)
{
    struct yaml_documents docs;
    *ret = NULL;
    if (yaml_parse_all(in->file, text, in->arena, in->faults, &docs) < 0 || docs.n == 0 ||
        !inspect_is(in, docs.list[0], INSPECT_MAP, "network-config"))
        return;
    *ret = docs.list[0];
    if (docs.n > 1)
        inspect_fault(in, docs.list[1],
                      "a second YAML document begins; cloud-init reads one: drop the '---'");
    const struct yaml_node *inner = yaml_get(*ret, STR("network"));
    if (!inner)
        check_version(in, *ret);
    else if (inspect_is(in, inner, INSPECT_MAP, "network"))
        check_version(in, inner);
}
