/* SPDX-License-Identifier: Apache-2.0 */
#include "render/netconfig.h"

#include "base/guess.h"
#include "model/address.h"
#include "render/fields.h"
#include "render/netplan.h"
#include "render/netplan_rules.h"

/* --- Version 1: rules ---------------------------------------------------------------------- */

#define BOOLEAN INSPECT_BOOL, FIELD_AS_TEXT, .rule = netplan_boolean
#define NUMBER(max) INSPECT_NUMBER, FIELD_AS_TEXT, FIELD_RANGE(0, max)
#define STRING INSPECT_TEXT, FIELD_AS_TEXT
#define LIST INSPECT_LIST
#define MAP INSPECT_MAP
#define NONE INSPECT_NULL

static const struct field_reader cloud_init = {.name = "cloud-init"};

/* The number of leading ones in 255.255.255.0; or of zeros in 0.0.0.255, which counts as well. */
static bool is_mask(struct str text)
{
    struct address a;
    uint64_t prefix;
    if (str_to_u64(text, 128, &prefix))
        return true;
    if (!address_parse(text, &a))
        return false;
    if (a.family == 6)
        return true;
    uint32_t bits = (uint32_t)a.octet[0] << 24 | (uint32_t)a.octet[1] << 16 |
                    (uint32_t)a.octet[2] << 8 | a.octet[3];
    return (bits & (~bits >> 1)) == 0 || (bits & (bits + 1)) == 0;
}

static const char *rule_mask(struct str text)
{
    return is_mask(text) ? NULL : "is not a netmask, like 255.255.255.0";
}

static const char *rule_address(struct str text)
{
    struct address a;
    struct str rest = text;
    struct str host = str_cut(&rest, '/');
    uint64_t prefix;
    bool ok = address_parse(host, &a);
    if (ok && rest.p)
        ok = memchr(rest.p, '.', rest.n) ? a.family == 4 && is_mask(rest)
                                         : str_to_u64(rest, a.family == 4 ? 32 : 128, &prefix);
    return ok ? NULL : "is not an address, like 10.0.20.11/24";
}

static const char *rule_words(struct str text)
{
    struct str rest = text;
    while (rest.p) {
        struct str word = str_cut(&rest, ' ');
        if (word.n && netplan_address(word))
            return "is not a list of IP addresses";
    }
    return NULL;
}

static const char *rule_port_value(struct str text)
{
    struct str rest = str_trim(text);
    uint64_t value;
    str_cut(&rest, ' ');
    return rest.p && str_to_u64(str_trim(rest), UINT32_MAX, &value)
               ? NULL
               : "is not an interface and its number, like 'eth0 50'";
}

/* --- Version 1: references ----------------------------------------------------------------- */

/* Whether an entry of `config` describes that interface. */
static bool is_defined(const struct yaml_node *config, struct str name, struct guess *guess)
{
    bool found = false;
    for (uint32_t i = 0; config && config->kind == YAML_SEQUENCE && i < config->n; i++) {
        const struct yaml_node *y = yaml_get(config->items[i], STR("name"));
        if (!y || y->kind != YAML_SCALAR)
            continue;
        found = found || str_eq(yaml_text(y), name);
        guess_offer(guess, yaml_text(y));
    }
    return found;
}

static void check_reference(const struct field_at *at)
{
    const struct yaml_node *const *root = at->reader->cls;
    struct guess guess;
    guess_init(&guess, yaml_text(at->y));
    if (!is_defined(yaml_get(*root, STR("config")), yaml_text(at->y), &guess))
        field_fault(at, at->y, "no interface %s is defined here%s",
                    yaml_quoted(at->in->arena, yaml_text(at->y)), guess_text(&guess));
}

/* For a member that is not defined, cloud-init makes another bond. */
static void check_member(const struct field_at *at)
{
    bool warned = at->in->warns;
    at->in->warns = true;
    check_reference(at);
    at->in->warns = warned;
}

/* --- Version 1: subnets -------------------------------------------------------------------- */

static void check_route(const struct field_at *at)
{
    if (!yaml_get(at->y, STR("network")) && !yaml_get(at->y, STR("destination")))
        field_fault(at, at->y, "a route lacks 'network'");
}

static const struct field any_route[] = {
    {"destination", STRING, .rule = rule_address},
    {"netmask", INSPECT_TEXT | INSPECT_NUMBER, FIELD_AS_TEXT, .rule = rule_mask},
    {"gateway", STRING, .rule = netplan_address},
    {"metric", NUMBER(UINT32_MAX)},
    {NULL},
};

static const struct field subnet_route[] = {
    {"type", STRING},
    {"network", STRING, .rule = rule_address},
    {"prefix", NUMBER(128)},
    {FIELD_ROWS(any_route)},
    {NULL},
};

static const struct field subnet[] = {
    {"type", INSPECT_TEXT, FIELD_REQUIRED,
     FIELD_WORDS("dhcp", "dhcp4", "dhcp6", "static", "static6", "manual", "ipv6_slaac",
                 "ipv6_dhcpv6-stateless", "ipv6_dhcpv6-stateful")},
    {"address", STRING, .rule = rule_address},
    {"netmask", INSPECT_TEXT | INSPECT_NUMBER, FIELD_AS_TEXT, .rule = rule_mask},
    {"broadcast", STRING},
    {"gateway", INSPECT_TEXT | NONE, FIELD_AS_TEXT, .rule = netplan_address},
    {"dns_nameservers", INSPECT_TEXT | LIST | NONE, FIELD_AS_TEXT, .rule = rule_words,
     FIELD_ITEMS(STRING, .rule = netplan_address)},
    {"dns_search", INSPECT_TEXT | LIST | NONE, FIELD_AS_TEXT, FIELD_ITEMS(STRING)},
    {"routes", LIST,
     FIELD_ITEMS(MAP, FIELD_OTHER_KEYS, .fields = subnet_route, .check = check_route)},
    {"control", INSPECT_TEXT, FIELD_WARN_VALUE, FIELD_WORDS("auto", "manual", "hotplug")},
    {"mtu", NUMBER(UINT32_MAX)},
    {"metric", NUMBER(UINT32_MAX)},
    {"ipv4", BOOLEAN},
    {"ipv6", BOOLEAN},
    {NULL},
};

static void check_subnet(const struct field_at *at)
{
    const struct yaml_node *type = yaml_get(at->y, STR("type"));
    if (type && type->kind == YAML_SCALAR && str_starts(yaml_text(type), STR("static")) &&
        !yaml_get(at->y, STR("address")))
        field_fault(at, at->y, "'address' is missing");
}

/* --- Version 1: entries -------------------------------------------------------------------- */

static const struct field interface[] = {
    {"type", STRING},
    {"name", INSPECT_TEXT, FIELD_REQUIRED, .rule = netplan_interface},
    {"mac_address", INSPECT_TEXT | NONE, .rule = netplan_mac},
    {"mtu", INSPECT_NUMBER | NONE, FIELD_AS_TEXT, FIELD_RANGE(0, UINT32_MAX)},
    {"subnets", LIST | NONE,
     FIELD_ITEMS(MAP, FIELD_OTHER_KEYS, .fields = subnet, .check = check_subnet)},
    {"accept-ra", INSPECT_BOOL | INSPECT_TEXT},
    {NULL},
};

/* What netplan and ifupdown know of a bond, with '-' for '_'. */
static const char *const bond_parameters[] = {"bond-mode",
                                              "bond-miimon",
                                              "bond-updelay",
                                              "bond-downdelay",
                                              "bond-lacp-rate",
                                              "bond-xmit-hash-policy",
                                              "bond-ad-select",
                                              "bond-min-links",
                                              "bond-primary",
                                              "bond-primary-reselect",
                                              "bond-arp-interval",
                                              "bond-arp-ip-target",
                                              "bond-arp-validate",
                                              "bond-arp-all-targets",
                                              "bond-fail-over-mac",
                                              "bond-num-grat-arp",
                                              "bond-num-unsol-na",
                                              "bond-resend-igmp",
                                              "bond-use-carrier",
                                              "bond-lp-interval",
                                              "bond-queue-id",
                                              "bond-slaves",
                                              "bond-active-slave",
                                              "bond-tlb-dynamic-lb",
                                              "bond-ad-actor-key",
                                              "bond-ad-actor-system",
                                              "bond-ad-actor-sys-prio",
                                              "bond-ad-aggregator",
                                              "bond-ad-num-ports",
                                              "bond-ad-partner-key",
                                              "bond-ad-partner-mac",
                                              "bond-ad-user-port-key",
                                              "bond-all-slaves-active",
                                              "bond-mii-status",
                                              "bond-packets-per-slave",
                                              "bond-peer-notif-delay",
                                              NULL};

static struct str hyphened(struct arena *a, struct str text)
{
    char *copy = arena_alloc(a, text.n + 1);
    for (size_t i = 0; i < text.n; i++)
        copy[i] = text.p[i] == '_' ? '-' : text.p[i];
    return (struct str){copy, text.n};
}

static void check_bond_parameter(const struct field_at *at, const struct yaml_pair *pair)
{
    static const char *const modes[] = {"balance-rr", "active-backup", "balance-xor", "broadcast",
                                        "802.3ad",    "balance-tlb",   "balance-alb", NULL};
    struct str name = hyphened(at->in->arena, yaml_text(pair->key));
    struct guess guess;
    guess_init(&guess, name);
    if (!str_in(name, bond_parameters)) {
        for (const char *const *p = bond_parameters; *p; p++)
            guess_offer(&guess, str_from(*p));
        field_warn(at, pair->key, "unknown parameter %s, which cloud-init passes over%s",
                   yaml_quoted(at->in->arena, yaml_text(pair->key)), guess_text(&guess));
    } else if (str_is(name, "bond-mode") && pair->value->kind == YAML_SCALAR &&
               !str_in(yaml_text(pair->value), modes)) {
        guess_init(&guess, yaml_text(pair->value));
        for (const char *const *m = modes; *m; m++)
            guess_offer(&guess, str_from(*m));
        field_fault(at, pair->value, "%s is not a bond's mode%s",
                    yaml_quoted(at->in->arena, yaml_text(pair->value)),
                    guess.best.n ? guess_text(&guess) : ", like 802.3ad or active-backup");
    }
}

static void check_bond_parameters(const struct field_at *at)
{
    for (uint32_t i = 0; i < at->y->n; i++)
        check_bond_parameter(at, &at->y->pairs[i]);
}

static const struct field bond[] = {
    {FIELD_ROWS(interface)},
    {"bond_interfaces", LIST, FIELD_REQUIRED, FIELD_ITEMS(INSPECT_TEXT, .check = check_member)},
    {"params", MAP, FIELD_REQUIRED, .check = check_bond_parameters},
    {NULL},
};

static const struct field bridge_parameters[] = {
    {"bridge_ageing", STRING},
    {"bridge_bridgeprio", NUMBER(UINT32_MAX)},
    {"bridge_fd", STRING},
    {"bridge_gcint", STRING},
    {"bridge_hello", STRING},
    {"bridge_hw", STRING},
    {"bridge_maxage", STRING},
    {"bridge_maxwait", STRING},
    {"bridge_pathcost", LIST, FIELD_ITEMS(INSPECT_TEXT, .rule = rule_port_value)},
    {"bridge_portprio", LIST, FIELD_ITEMS(INSPECT_TEXT, .rule = rule_port_value)},
    {"bridge_ports"},
    {"bridge_stp", INSPECT_BOOL, FIELD_AS_TEXT,
     FIELD_WORDS("on", "off", "1", "0", "true", "false")},
    {"bridge_waitport"},
    {NULL},
};

static const struct field bridge[] = {
    {FIELD_ROWS(interface)},
    {"bridge_interfaces", LIST, FIELD_REQUIRED,
     FIELD_ITEMS(INSPECT_TEXT, .check = check_reference)},
    {"params", MAP, FIELD_OTHER_KEYS, .fields = bridge_parameters},
    {NULL},
};

static const struct field vlan[] = {
    {FIELD_ROWS(interface)},
    {"vlan_id", INSPECT_NUMBER, FIELD_AS_TEXT | FIELD_REQUIRED, FIELD_RANGE(0, 4094)},
    {"vlan_link", INSPECT_TEXT, FIELD_REQUIRED, .check = check_reference},
    {NULL},
};

static const struct field nameserver[] = {
    {"type", STRING},
    {"address", INSPECT_TEXT | LIST, FIELD_AS_TEXT | FIELD_REQUIRED, .rule = netplan_address,
     FIELD_ITEMS(STRING, .rule = netplan_address)},
    {"search", INSPECT_TEXT | LIST, FIELD_AS_TEXT, FIELD_ITEMS(STRING)},
    {"interface", INSPECT_TEXT, .check = check_reference},
    {NULL},
};

static void check_destination(const struct field_at *at)
{
    if (!yaml_get(at->y, STR("destination")))
        field_fault(at, at->y, "'destination' is missing");
}

static const struct field route[] = {
    {"type", STRING},
    {FIELD_ROWS(any_route)},
    {NULL},
};

#define ENTRY(fields_) "", MAP, FIELD_OTHER_KEYS, .fields = fields_

static const struct entry {
    const char *type;
    struct field row;
} entries[] = {
    {"physical", {ENTRY(interface)}},    {"bond", {ENTRY(bond)}},
    {"bridge", {ENTRY(bridge)}},         {"vlan", {ENTRY(vlan)}},
    {"nameserver", {ENTRY(nameserver)}}, {"route", {ENTRY(route), .check = check_destination}},
    {"loopback", {ENTRY(interface)}},    {"infiniband", {ENTRY(interface)}},
};
#define ENTRIES (sizeof(entries) / sizeof(entries[0]))

static void check_entry(const struct field_at *at)
{
    const struct yaml_node *type = yaml_get(at->y, STR("type"));
    struct guess guess;
    if (!type || type->kind != YAML_SCALAR) {
        field_fault(at, at->y, "an entry lacks 'type', like physical or nameserver");
        return;
    }
    guess_init(&guess, yaml_text(type));
    for (size_t i = 0; i < ENTRIES; i++) {
        guess_offer(&guess, str_from(entries[i].type));
        if (str_is(yaml_text(type), entries[i].type)) {
            field_check(at, &entries[i].row);
            return;
        }
    }
    field_fault(at, type, "cloud-init knows no entry of type %s%s",
                yaml_quoted(at->in->arena, yaml_text(type)), guess_text(&guess));
}

static const struct field version_1[] = {
    {"version"},
    {"config", LIST, FIELD_REQUIRED, FIELD_ITEMS(MAP, .check = check_entry)},
    {NULL},
};

static void check_version_1(struct inspect *in, const struct yaml_node *root)
{
    static const struct field top = {"", MAP, FIELD_OTHER_KEYS, .fields = version_1};
    struct field_reader reader = cloud_init;
    reader.cls = &root;
    fields_check(in, &reader, &top, root);
}

/* --- The whole ----------------------------------------------------------------------------- */

static void check_version(struct inspect *in, const struct yaml_node *root)
{
    const struct yaml_node *version = yaml_get(root, STR("version"));
    const struct yaml_node *config = yaml_get(root, STR("config"));
    if (config && config->kind == YAML_SCALAR && str_is(yaml_text(config), "disabled"))
        return; /* the network is left as it is */
    if (!version) {
        inspect_fault(in, root, "network-config: 'version' is missing; write version: 2");
        return;
    }
    const char *why;
    bool number = inspect_type(version, &why) == INSPECT_NUMBER;
    struct str text = version->kind == YAML_SCALAR ? yaml_text(version) : STR("");
    if (number && str_is(text, "2"))
        netplan_check(in, root);
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
