/* SPDX-License-Identifier: Apache-2.0 */
#include "render/netplan_rules.h"

#include "base/guess.h"
#include "model/address.h"

#include <stdio.h>

#define INTERFACE_MAX 15 /* IFNAMSIZ - 1 */

/* --- Addresses ----------------------------------------------------------------------------- */

/* 4 or 6; 0: not an address. Unlike address_parse, it takes ::ffff:10.0.0.1 for what it looks like.
 */
static unsigned family_of(struct str text)
{
    struct address a;
    if (!address_parse(text, &a))
        return 0;
    return memchr(text.p, ':', text.n) ? 6 : 4;
}

/* Cuts "/24" off. False where what follows the slash is not a prefix length of that family. */
static bool cut_prefix(struct str *text, uint64_t *ret_prefix)
{
    struct str rest = *text;
    struct str host = str_cut(&rest, '/');
    unsigned family = family_of(host);
    *text = host;
    return family && rest.p && str_to_u64(rest, family == 4 ? 32 : 128, ret_prefix);
}

const char *netplan_address(struct str text)
{
    uint64_t prefix;
    if (family_of(text))
        return NULL;
    return cut_prefix(&text, &prefix) ? "must not have a prefix length" : "is not an IP address";
}

const char *netplan_address4(struct str text)
{
    return family_of(text) == 4 ? NULL : "is not an IPv4 address, like 10.0.20.1";
}

const char *netplan_address6(struct str text)
{
    return family_of(text) == 6 ? NULL : "is not an IPv6 address, like 2001:db8::1";
}

const char *netplan_interface_address(struct str text)
{
    uint64_t prefix;
    if (family_of(text))
        return "lacks its prefix length; write it like 10.0.20.11/24";
    return cut_prefix(&text, &prefix) && prefix
               ? NULL
               : "is not an address with a prefix length, like 10.0.20.11/24";
}

const char *netplan_network(struct str text)
{
    uint64_t prefix;
    return family_of(text) || cut_prefix(&text, &prefix)
               ? NULL
               : "is not a network, like 10.0.0.0/8; write 0.0.0.0/0 or ::/0 for all";
}

const char *netplan_endpoint(struct str text)
{
    uint64_t port;
    const char *colon = text.n ? memrchr(text.p, ':', text.n) : NULL;
    if (!text.n)
        return NULL; /* it is the peer that calls */
    if (!colon || colon == text.p ||
        !str_to_u64(str_skip(text, (size_t)(colon - text.p) + 1), 65535, &port))
        return "is not a host and its port, like vpn.example.org:51820";
    struct str host = {text.p, (size_t)(colon - text.p)};
    if (host.p[0] == '[')
        return host.p[host.n - 1] == ']' && family_of((struct str){host.p + 1, host.n - 2}) == 6
                   ? NULL
                   : "has no IPv6 address between the brackets";
    for (size_t i = 0; i < host.n; i++) {
        if (host.p[i] == ' ' || host.p[i] == '/')
            return "is not a host and its port, like vpn.example.org:51820";
    }
    return NULL;
}

const char *netplan_controller(struct str text)
{
    static const char *const kinds[] = {"tcp", "ssl", "ptcp", "pssl", "unix", "punix", NULL};
    struct str rest = text, kind = str_cut(&rest, ':');
    uint64_t port;
    bool listens = str_is(kind, "ptcp") || str_is(kind, "pssl");
    struct str number = listens ? str_cut(&rest, ':') : STR("");
    bool ok = rest.p || number.p;
    if (listens && number.n)
        ok = str_to_u64(number, UINT16_MAX, &port);
    return ok && str_in(kind, kinds) ? NULL : "is not a controller, like tcp:127.0.0.1:6653";
}

/* --- Names and numbers --------------------------------------------------------------------- */

static bool is_boolean(struct str text, bool *ret)
{
    static const char *const words[] = {"false", "off", "no", "n", "true", "on", "yes", "y"};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_eq_nocase(text, str_from(words[i]))) {
            *ret = i >= 4;
            return true;
        }
    }
    return false;
}

const char *netplan_boolean(struct str text)
{
    bool value;
    return is_boolean(text, &value) ? NULL : "is not a truth value: write true or false";
}

/* 6 octets, or the 20 of InfiniBand. */
const char *netplan_mac(struct str text)
{
    bool ok = text.n == 17 || text.n == 59;
    for (size_t i = 0; ok && i < text.n; i++) {
        unsigned char c = (unsigned char)(text.p[i] | 0x20);
        ok = i % 3 == 2 ? text.p[i] == ':' : (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    }
    return ok ? NULL : "is not a MAC address, like bc:24:11:0a:14:0b";
}

static bool is_printable(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if ((unsigned char)text.p[i] <= ' ' || (unsigned char)text.p[i] >= 0x7F)
            return false;
    }
    return text.n > 0;
}

const char *netplan_pattern(struct str text)
{
    return is_printable(text) ? NULL : "is not an interface name: no blanks, only ASCII";
}

const char *netplan_id(struct str text)
{
    for (size_t i = 0; i < text.n; i++) {
        if (strchr("*[]?", text.p[i]))
            return "has a wildcard, which only 'match: {name: …}' may have";
    }
    return netplan_pattern(text);
}

const char *netplan_interface(struct str text)
{
    if (!is_printable(text) || memchr(text.p, '/', text.n))
        return "is not an interface name";
    return text.n <= INTERFACE_MAX ? NULL : "is not an interface name: 1 to 15 characters";
}

const char *netplan_driver(struct str text)
{
    return text.n && !memchr(text.p, ' ', text.n) ? NULL
                                                  : "is not a driver: one name, without blanks";
}

const char *netplan_interval(struct str text)
{
    static const char *const units[] = {"", "us", "ms", "s", "sec", "m", "min", "h", NULL};
    size_t n = 0;
    while (n < text.n && ((text.p[n] >= '0' && text.p[n] <= '9') || (n && text.p[n] == '.')))
        n++;
    return n && str_in(str_trim(str_skip(text, n)), units)
               ? NULL
               : "is not a time: write a number, with 'ms' or 's' after it";
}

/* --- Secrets ------------------------------------------------------------------------------- */

const char *netplan_passphrase(struct str text)
{
    for (size_t i = 0; text.n == 64 && i < text.n; i++) {
        unsigned char c = (unsigned char)(text.p[i] | 0x20);
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return "has 64 characters, and so must be hexadecimal";
    }
    return text.n >= 8 && text.n <= 64 ? NULL : "is not a passphrase of 8 to 63 characters";
}

const char *netplan_wireguard_key(struct str text)
{
    bool ok = text.n == 44 && text.p[43] == '=';
    for (size_t i = 0; ok && i < 43; i++) {
        char c = text.p[i];
        ok = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '+' || c == '/';
    }
    return ok ? NULL : "is not a WireGuard key: 44 characters of base64";
}

const char *netplan_wireguard_secret(struct str text)
{
    return text.n && text.p[0] == '/' ? NULL : netplan_wireguard_key(text);
}

/* --- Devices ------------------------------------------------------------------------------- */

static struct str device_name(const void *list, uint32_t i)
{
    return ((const struct netplan_device *)list)[i].name;
}

static void add_device(struct netplan *np, struct inspect *in, const char *section,
                       const struct yaml_pair *pair)
{
    struct netplan_device *d = &np->list[np->n];
    *d =
        (struct netplan_device){.name = yaml_text(pair->key), .section = section, .y = pair->value};
    uint32_t first = map_put(&np->map, device_name, np->list, np->n);
    if (first == MAP_NONE)
        np->n++;
    else
        inspect_fault(in, pair->key, "%s: %s is defined in '%s' as well", section,
                      yaml_quoted(in->arena, d->name), np->list[first].section);
}

void netplan_init(struct netplan *np, struct inspect *in, const struct yaml_node *root,
                  const char *const *sections)
{
    static const char ports[] = "openvswitch: ports";
    const struct yaml_node *pairs = yaml_get(yaml_get(root, STR("openvswitch")), STR("ports"));
    size_t room = pairs && pairs->kind == YAML_SEQUENCE ? 2 * (size_t)pairs->n : 0;
    *np = (struct netplan){.root = root};
    for (const char *const *s = sections; *s; s++) {
        const struct yaml_node *y = yaml_get(root, str_from(*s));
        room += y && y->kind == YAML_MAPPING ? y->n : 0;
    }
    np->list = ARENA_ARRAY(in->arena, struct netplan_device, room + 1);
    for (const char *const *s = sections; *s; s++) {
        const struct yaml_node *y = yaml_get(root, str_from(*s));
        for (uint32_t i = 0; y && y->kind == YAML_MAPPING && i < y->n; i++) {
            if (!str_is(yaml_text(y->pairs[i].key), "renderer"))
                add_device(np, in, *s, &y->pairs[i]);
        }
    }
    for (uint32_t i = 0; pairs && pairs->kind == YAML_SEQUENCE && i < pairs->n; i++) {
        const struct yaml_node *pair = pairs->items[i];
        for (uint32_t k = 0; pair->kind == YAML_SEQUENCE && k < 2 && k < pair->n; k++) {
            if (pair->items[k]->kind == YAML_SCALAR)
                add_device(np, in, ports, &(struct yaml_pair){pair->items[k], pair});
        }
    }
}

void netplan_done(struct netplan *np)
{
    map_done(&np->map);
}

static struct netplan *netplan_of(const struct field_at *at)
{
    return at->reader->cls;
}

static struct netplan_device *find_device(const struct field_at *at, struct str name)
{
    struct netplan *np = netplan_of(at);
    uint32_t i = map_find(&np->map, device_name, np->list, name);
    return i == MAP_NONE ? NULL : &np->list[i];
}

/* The device in which this stands. */
static const struct field_at *device_of(const struct field_at *at)
{
    while (at->parent && at->parent->parent && at->parent->parent->parent)
        at = at->parent;
    return at;
}

static struct str scalar_of(const struct yaml_node *map, const char *key)
{
    const struct yaml_node *y = yaml_get(map, str_from(key));
    return y && y->kind == YAML_SCALAR ? yaml_text(y) : STR("");
}

static bool is_true(const struct yaml_node *map, const char *key)
{
    bool value = false;
    is_boolean(scalar_of(map, key), &value);
    return value;
}

/* Its own renderer, or that of its section, or of all. */
static bool uses_networkmanager(const struct field_at *at)
{
    const struct field_at *device = device_of(at);
    struct str name = scalar_of(device->y, "renderer");
    if (!name.n && device->parent)
        name = scalar_of(device->parent->y, "renderer");
    if (!name.n)
        name = scalar_of(netplan_of(at)->root, "renderer");
    return str_is(name, "NetworkManager");
}

/* --- References ---------------------------------------------------------------------------- */

static void report_undefined(const struct field_at *at, const struct yaml_node *y, bool warning)
{
    const struct netplan *np = netplan_of(at);
    struct guess guess;
    const char *name = yaml_quoted(at->in->arena, yaml_text(y));
    guess_init(&guess, yaml_text(y));
    for (uint32_t i = 0; i < np->n; i++)
        guess_offer(&guess, np->list[i].name);
    if (warning)
        field_warn(at, y, "no interface %s is defined here; older netplan (0.106) stops at that%s",
                   name, guess_text(&guess));
    else
        field_fault(at, y, "no interface %s is defined here%s", name, guess_text(&guess));
}

static struct netplan_device *check_name(const struct field_at *at, const struct yaml_node *y)
{
    if (y->kind != YAML_SCALAR)
        return NULL;
    struct netplan_device *d = find_device(at, yaml_text(y));
    if (!d)
        report_undefined(at, y, false);
    return d;
}

void netplan_check_reference(const struct field_at *at)
{
    const struct field_at *device = device_of(at);
    bool vlan = device->parent && str_is(yaml_text(device->parent->key), "vlans");
    struct netplan_device *d = find_device(at, yaml_text(at->y));
    if (!d)
        report_undefined(at, at->y, vlan && uses_networkmanager(at));
}

static void claim(const struct field_at *at, const struct yaml_node *y,
                  const struct yaml_node **owner, const char *what)
{
    const struct yaml_node *here = device_of(at)->key;
    if (*owner && !str_eq(yaml_text(*owner), yaml_text(here)))
        field_fault(at, y, "%s is already %s of %s", yaml_quoted(at->in->arena, yaml_text(y)), what,
                    yaml_quoted(at->in->arena, yaml_text(*owner)));
    else
        *owner = here;
}

void netplan_check_members(const struct field_at *at)
{
    for (uint32_t i = 0; i < at->y->n; i++) {
        struct netplan_device *d = check_name(at, at->y->items[i]);
        if (d)
            claim(at, at->y->items[i], &d->member_of, "a member");
    }
}

void netplan_check_vrf_members(const struct field_at *at)
{
    for (uint32_t i = 0; i < at->y->n; i++) {
        struct netplan_device *d = check_name(at, at->y->items[i]);
        if (d)
            claim(at, at->y->items[i], &d->vrf, "a member");
    }
}

void netplan_check_primary(const struct field_at *at)
{
    struct netplan_device *d = check_name(at, at->y);
    if (d)
        claim(at, at->y, &d->primary_of, "the primary interface");
}

void netplan_check_ports(const struct field_at *at)
{
    for (uint32_t i = 0; i < at->y->n; i++)
        check_name(at, at->y->pairs[i].key);
}

/* --- Single nodes -------------------------------------------------------------------------- */

void netplan_check_driver(const struct field_at *at)
{
    if (at->y->kind == YAML_SEQUENCE && !at->y->n)
        field_fault(at, at->y, "is an empty list");
}

void netplan_check_pair(const struct field_at *at)
{
    if (at->y->n != 2)
        field_fault(at, at->y, "a port and its peer are two names");
}

static bool is_psk(const struct yaml_node *auth)
{
    return str_starts(scalar_of(auth, "key-management"), STR("psk"));
}

void netplan_check_auth(const struct field_at *at)
{
    const struct yaml_node *password = yaml_get(at->y, STR("password"));
    const char *why = password && password->kind == YAML_SCALAR && is_psk(at->y)
                          ? netplan_passphrase(yaml_text(password))
                          : NULL;
    if (why && !uses_networkmanager(at))
        field_fault(at, password, "password: this %s", why);
}

void netplan_check_wowlan(const struct field_at *at)
{
    for (uint32_t i = 0; i < at->y->n; i++) {
        struct str word =
            at->y->items[i]->kind == YAML_SCALAR ? yaml_text(at->y->items[i]) : STR("");
        if (str_eq_nocase(word, STR("default")) && at->y->n > 1)
            field_fault(at, at->y->items[i], "'default' excludes all others");
        else if (str_eq_nocase(word, STR("tcp")) && !uses_networkmanager(at))
            field_fault(at, at->y->items[i], "only NetworkManager knows 'tcp'");
    }
}

/* Where cloud-init reads version 2 itself, any text is true. */
void netplan_check_dhcp(const struct field_at *at)
{
    const char *why;
    bool value = true;
    if (inspect_type(at->y, &why) == INSPECT_TEXT && is_boolean(yaml_text(at->y), &value) && !value)
        field_warn(at, at->y,
                   "%s is a text, which cloud-init takes for true where it does not use netplan; "
                   "write false",
                   yaml_quoted(at->in->arena, yaml_text(at->y)));
}

void netplan_check_16_bits(const struct field_at *at)
{
    uint64_t value;
    if (!str_to_u64(yaml_text(at->y), UINT16_MAX, &value))
        field_warn(at, at->y, "%s is not a number from 0 to 65535",
                   yaml_quoted(at->in->arena, yaml_text(at->y)));
}

void netplan_check_mac(const struct field_at *at)
{
    static const char *const theirs[] = {"preserve", "stable", "stable-ssid", NULL};
    struct str text = yaml_text(at->y);
    const struct field_at *section = device_of(at)->parent;
    bool wifi = section && str_is(yaml_text(section->key), "wifis");
    if (str_in(text, theirs) && !uses_networkmanager(at))
        field_fault(at, at->y, "only NetworkManager knows %s", yaml_quoted(at->in->arena, text));
    else if (str_is(text, "stable-ssid") && !wifi)
        field_fault(at, at->y, "'stable-ssid' is only for wifi devices");
    else if (str_is(text, "00:00:00:00:00:00") ||
             (text.n == 17 && strchr("13579bdfBDF", text.p[1])))
        field_warn(at, at->y, "no card has the MAC address %s", yaml_quoted(at->in->arena, text));
}

void netplan_check_stp(const struct field_at *at)
{
    const char *why;
    if (inspect_type(at->y, &why) == INSPECT_TEXT && !str_is(yaml_text(at->y), "on") &&
        !str_is(yaml_text(at->y), "off"))
        field_warn(at, at->y,
                   "cloud-init stops at this text where it does not use netplan; write "
                   "true or false, without quotes");
}

/* To cloud-init an address is a text. */
void netplan_check_address(const struct field_at *at)
{
    if (at->y->kind != YAML_MAPPING)
        return;
    if (uses_networkmanager(at))
        field_fault(at, at->y, "NetworkManager knows no options of addresses");
    else
        field_warn(at, at->y,
                   "cloud-init stops at an address with options where it does not use "
                   "netplan (RPM systems, ifupdown)");
}

void netplan_check_nameservers(const struct field_at *at)
{
    if (yaml_get(at->y, STR("search")) && !yaml_get(at->y, STR("addresses")))
        field_warn(at, at->y,
                   "without 'addresses' cloud-init ignores 'search' where it does not "
                   "use netplan (RPM systems, ifupdown)");
}

void netplan_check_elsewhere(const struct field_at *at)
{
    field_warn(at, at->key,
               "cloud-init stops at this where it does not use netplan (RPM systems, "
               "ifupdown)");
}

/* --- Routes -------------------------------------------------------------------------------- */

static unsigned family_at(const struct yaml_node *map, const char *key)
{
    struct str text = scalar_of(map, key), rest = text;
    return text.n ? family_of(str_cut(&rest, '/')) : 0;
}

static void check_families(const struct field_at *at, const char *what, const char *const *keys)
{
    unsigned family = 0;
    for (; *keys; keys++) {
        unsigned found = family_at(at->y, *keys);
        if (family && found && family != found)
            field_fault(at, yaml_get(at->y, str_from(*keys)),
                        "an IPv4 and an IPv6 address in one %s", what);
        family = family ? family : found;
    }
}

void netplan_check_route(const struct field_at *at)
{
    static const char *const addresses[] = {"to", "via", "from", NULL};
    struct str type = scalar_of(at->y, "type"), scope = scalar_of(at->y, "scope");
    const struct yaml_node *to = yaml_get(at->y, STR("to"));
    bool unicast = !type.n || str_eq_nocase(type, STR("unicast"));
    check_families(at, "route", addresses);
    if (!to)
        field_fault(at, at->y, "a route lacks 'to'");
    else if (str_is(scalar_of(at->y, "to"), "default"))
        field_warn(at, to,
                   "'default' is unknown to cloud-init where it does not use netplan; "
                   "write 0.0.0.0/0 or ::/0");
    if (!unicast && uses_networkmanager(at))
        field_fault(at, yaml_get(at->y, STR("type")), "NetworkManager knows only unicast routes");
    if (!to || yaml_get(at->y, STR("via")))
        return;
    if (unicast && str_eq_nocase(scope, STR("global")))
        field_fault(at, at->y, "a route of scope 'global' lacks 'via'");
    else
        field_warn(at, at->y,
                   "a route lacks 'via': cloud-init stops at that where it does not use "
                   "netplan (RPM systems)");
}

void netplan_check_policy(const struct field_at *at)
{
    static const char *const addresses[] = {"from", "to", NULL};
    check_families(at, "rule", addresses);
    if (!yaml_get(at->y, STR("from")) && !yaml_get(at->y, STR("to")))
        field_fault(at, at->y, "a rule lacks 'from' or 'to'");
}

/* --- Whole devices ------------------------------------------------------------------------- */

/* What an override says, with its default: truth values may be written in many ways. */
static struct str override_of(const struct yaml_node *map, struct str key)
{
    const struct yaml_node *y = yaml_get(map, key);
    struct str text = y && y->kind == YAML_SCALAR ? yaml_text(y) : STR("");
    bool value = true, plain = str_starts(key, STR("use-")) || str_starts(key, STR("send-"));
    if (!plain || str_is(key, "use-domains"))
        return text;
    is_boolean(text, &value);
    return value ? STR("true") : STR("false");
}

static void compare_overrides(const struct field_at *at, const struct yaml_node *from,
                              const struct yaml_node *with)
{
    for (uint32_t i = 0; from && from->kind == YAML_MAPPING && i < from->n; i++) {
        struct str key = yaml_text(from->pairs[i].key);
        if (str_eq(override_of(from, key), override_of(with, key)))
            continue;
        field_fault(at, from->pairs[i].key,
                    "networkd wants the same %s in dhcp4-overrides and dhcp6-overrides",
                    yaml_quoted(at->in->arena, key));
        return;
    }
}

static void check_dhcp(const struct field_at *at)
{
    const struct yaml_node *four = yaml_get(at->y, STR("dhcp4-overrides"));
    const struct yaml_node *six = yaml_get(at->y, STR("dhcp6-overrides"));
    uint32_t before = (uint32_t)at->in->faults->errors;
    if (!is_true(at->y, "dhcp4") || !is_true(at->y, "dhcp6") || uses_networkmanager(at))
        return;
    compare_overrides(at, four, six);
    if (before == at->in->faults->errors)
        compare_overrides(at, six, four);
}

/* What netplan cannot tell NetworkManager. */
static void check_networkmanager(const struct field_at *at)
{
    const struct yaml_node *mtu = yaml_get(at->y, STR("ipv6-mtu"));
    const struct yaml_node *driver = yaml_get(yaml_get(at->y, STR("match")), STR("driver"));
    const struct yaml_node *mode = yaml_get(at->y, STR("activation-mode"));
    if (mtu)
        field_fault(at, mtu, "NetworkManager does not set ipv6-mtu");
    if (driver && !yaml_get(at->y, STR("set-name")))
        field_fault(at, driver, "NetworkManager does not match by 'driver'");
    if (str_is(scalar_of(at->y, "activation-mode"), "off"))
        field_fault(at, mode, "NetworkManager does not know activation-mode: off");
}

static void check_common(const struct field_at *at)
{
    const struct yaml_node *set_name = yaml_get(at->y, STR("set-name"));
    const struct yaml_node *token = yaml_get(at->y, STR("ipv6-address-token"));
    const struct yaml_node *nm = yaml_get(at->y, STR("networkmanager"));
    if (set_name && !yaml_get(at->y, STR("match")))
        field_fault(at, set_name, "set-name needs a match to say which card is meant");
    if (token && yaml_get(at->y, STR("ipv6-address-generation")))
        field_fault(at, token, "either ipv6-address-token or ipv6-address-generation, not both");
    bool has_settings = nm && nm->n;
    if (has_settings && !uses_networkmanager(at))
        field_fault(at, nm, "networkmanager is only for renderer: NetworkManager");
    else if (has_settings && !yaml_get(at->y, STR("renderer")))
        field_warn(at, nm,
                   "newer netplan (1.1) stops at this, as cloud-init sorts the keys: write "
                   "renderer: NetworkManager into this interface as well");
    check_dhcp(at);
    if (uses_networkmanager(at))
        check_networkmanager(at);
}

void netplan_check_ethernet(const struct field_at *at)
{
    static const char *const parts[] = {"virtual-function-count", "embedded-switch-mode"};
    const struct netplan *np = netplan_of(at);
    const struct yaml_node *rebind = yaml_get(at->y, STR("delay-virtual-functions-rebind"));
    bool physical = yaml_get(at->y, str_from(parts[0])) || yaml_get(at->y, str_from(parts[1]));
    check_common(at);
    if (physical || !is_true(at->y, "delay-virtual-functions-rebind"))
        return;
    for (uint32_t i = 0; i < np->n; i++) {
        if (str_eq(scalar_of(np->list[i].y, "link"), yaml_text(at->key)))
            return;
    }
    field_fault(at, rebind,
                "delay-virtual-functions-rebind is for cards with virtual functions: "
                "write virtual-function-count");
}

/* The kernel is asked for a device of this name. */
void netplan_check_virtual(const struct field_at *at)
{
    const char *why = netplan_interface(yaml_text(at->key));
    if (why)
        field_fault(at, at->key, "%s %s", yaml_quoted(at->in->arena, yaml_text(at->key)), why);
    check_common(at);
}

/* Channels that networkd's side of netplan knows. */
static bool is_channel(struct str band, uint64_t channel)
{
    static const uint8_t wide[] = {7,   8,   9,   11,  12,  16,  32,  34,  36,  38,  40,  42,
                                   44,  46,  48,  50,  52,  54,  56,  58,  60,  62,  64,  68,
                                   96,  100, 102, 104, 106, 108, 110, 112, 114, 116, 118, 120,
                                   122, 124, 126, 128, 132, 134, 136, 138, 140, 142, 144, 149,
                                   151, 153, 155, 157, 159, 161, 165, 169, 173};
    if (str_starts(band, STR("2.4G")))
        return channel >= 1 && channel <= 14;
    return !str_starts(band, STR("5G")) ||
           (channel <= UINT8_MAX && memchr(wide, (int)channel, sizeof(wide)));
}

static void check_channel(const struct field_at *at, const struct yaml_node *y)
{
    struct str band = scalar_of(y, "band");
    uint64_t channel;
    if (str_to_u64(scalar_of(y, "channel"), UINT32_MAX, &channel) && channel &&
        !is_channel(band, channel))
        field_fault(at, yaml_get(y, STR("channel")), "there is no such channel at %s",
                    str_starts(band, STR("5")) ? "5 GHz" : "2.4 GHz");
}

static void check_access_point(const struct field_at *at, const struct yaml_node *y)
{
    const struct yaml_node *mode = yaml_get(y, STR("mode"));
    const struct yaml_node *nm = yaml_get(y, STR("networkmanager"));
    if (mode && mode->kind == YAML_SCALAR && str_is(yaml_text(mode), "ap"))
        field_fault(at, mode, "only NetworkManager makes an access point (mode: ap)");
    if (nm && nm->n)
        field_fault(at, nm, "networkmanager is only for renderer: NetworkManager");
}

void netplan_check_wifi(const struct field_at *at)
{
    const struct yaml_node *points = yaml_get(at->y, STR("access-points"));
    const struct yaml_node *match = yaml_get(at->y, STR("match"));
    check_common(at);
    if (!points || (points->kind == YAML_MAPPING && !points->n))
        field_fault(at, at->y, "'access-points' is missing");
    for (uint32_t i = 0; points && points->kind == YAML_MAPPING && i < points->n; i++)
        check_channel(at, points->pairs[i].value);
    if (uses_networkmanager(at))
        return;
    if (match)
        field_fault(at, match, "networkd finds wifi devices only by their name, not by 'match'");
    for (uint32_t i = 0; points && points->kind == YAML_MAPPING && i < points->n; i++)
        check_access_point(at, points->pairs[i].value);
}

void netplan_check_modem(const struct field_at *at)
{
    check_common(at);
    if (!uses_networkmanager(at))
        field_fault(at, at->key,
                    "only NetworkManager knows modems: write renderer: NetworkManager");
}

void netplan_check_vlan(const struct field_at *at)
{
    netplan_check_virtual(at);
    if (!yaml_get(at->y, STR("id")))
        field_fault(at, at->y, "'id' is missing");
    if (!yaml_get(at->y, STR("link")))
        field_fault(at, at->y, "'link' is missing");
}

static void check_tables(const struct field_at *at, const char *key)
{
    const struct yaml_node *list = yaml_get(at->y, str_from(key));
    struct str own = scalar_of(at->y, "table");
    for (uint32_t i = 0; list && list->kind == YAML_SEQUENCE && i < list->n; i++) {
        const struct yaml_node *table = yaml_get(list->items[i], STR("table"));
        if (own.n && table && table->kind == YAML_SCALAR && !str_eq(own, yaml_text(table)))
            field_fault(at, table, "%s: the VRF has another table", key);
    }
}

void netplan_check_vrf(const struct field_at *at)
{
    netplan_check_virtual(at);
    check_tables(at, "routes");
    check_tables(at, "routing-policy");
}

void netplan_check_peer(const struct field_at *at)
{
    const struct yaml_node *peer = yaml_get(at->y, STR("peer"));
    netplan_check_virtual(at);
    if (!peer) {
        field_fault(at, at->y, "'peer' is missing");
    } else if (peer->kind == YAML_SCALAR) {
        const struct netplan_device *d = find_device(at, yaml_text(peer));
        if (!d)
            report_undefined(at, peer, uses_networkmanager(at));
        else if (strcmp(d->section, "virtual-ethernets") != 0 || d->y == at->y ||
                 !str_eq(scalar_of(d->y, "peer"), yaml_text(at->key)))
            field_fault(at, peer, "the peer must be another virtual Ethernet, whose peer is %s",
                        yaml_quoted(at->in->arena, yaml_text(at->key)));
    }
}

void netplan_check_nm(const struct field_at *at)
{
    const struct yaml_node *nm = yaml_get(at->y, STR("networkmanager"));
    if (!scalar_of(yaml_get(nm, STR("passthrough")), "connection.type").n)
        field_fault(at, at->y, "'networkmanager: passthrough: connection.type' is missing");
}

/* --- Tunnels ------------------------------------------------------------------------------- */

static void check_end(const struct field_at *at, const char *key, unsigned family)
{
    const struct yaml_node *y = yaml_get(at->y, str_from(key));
    unsigned found = family_at(at->y, key);
    if (y && found && found != family)
        field_fault(at, y, "%s must be an IPv%u address in this mode", key, family);
}

static void check_ends(const struct field_at *at, struct str mode)
{
    static const char *const six[] = {"ipip6", "ip6ip6", "ip6gre", "ip6gretap", "vti6", NULL};
    unsigned family = str_in(mode, six) ? 6 : 4;
    if (str_is(mode, "vxlan")) {
        unsigned local = family_at(at->y, "local"), remote = family_at(at->y, "remote");
        if (local && remote && local != remote)
            field_fault(at, at->y, "'local' and 'remote' must both be IPv4 or IPv6");
        return;
    }
    if (!yaml_get(at->y, STR("remote")))
        field_fault(at, at->y, "'remote' is missing");
    check_end(at, "local", family);
    check_end(at, "remote", family);
}

static const char *rule_tunnel_key(struct str text)
{
    uint64_t number;
    return str_to_u64(text, UINT32_MAX, &number) || family_of(text) == 4
               ? NULL
               : "this is not a tunnel's key: a number, or one that looks like an IPv4 address";
}

/* `key` and `keys` are the same: a text for all, or a mapping. */
static void check_keys(const struct field_at *at, const char *name, bool wireguard)
{
    const struct yaml_node *y = yaml_get(at->y, str_from(name));
    const char *why = NULL;
    if (y && y->kind == YAML_MAPPING) {
        const struct yaml_node *private = yaml_get(y, STR("private"));
        if (private && private->kind == YAML_SCALAR && wireguard)
            why = netplan_wireguard_secret(yaml_text(private));
    } else if (y && y->kind == YAML_SCALAR) {
        why = wireguard ? netplan_wireguard_secret(yaml_text(y)) : rule_tunnel_key(yaml_text(y));
    }
    if (why)
        field_fault(at, y, "%s: %s%s", name, wireguard ? "what stands here " : "", why);
}

static void check_keyless(const struct field_at *at, struct str mode, const char *name)
{
    static const char *const keyed[] = {"gre",       "ip6gre", "gretap", "ip6gretap",
                                        "wireguard", "vti",    "vti6",   NULL};
    const struct yaml_node *y = yaml_get(at->y, str_from(name));
    bool keys = str_in(mode, keyed);
    if (uses_networkmanager(at))
        keys = keys && !str_starts(mode, STR("vti"));
    if (y && !keys)
        field_fault(at, y, "tunnels of mode %s have no keys", yaml_quoted(at->in->arena, mode));
}

static void check_wireguard(const struct field_at *at)
{
    const struct yaml_node *peers = yaml_get(at->y, STR("peers"));
    if (!yaml_get(at->y, STR("key")) && !yaml_get(at->y, STR("keys")))
        field_warn(at, at->y,
                   "'key' (the private one) is missing: older netplan (0.106) stops at that");
    if (!peers)
        field_warn(at, at->y, "'peers' is missing: older netplan (0.106) stops at that");
    for (uint32_t i = 0; peers && peers->kind == YAML_SEQUENCE && i < peers->n; i++) {
        const struct yaml_node *keys = yaml_get(peers->items[i], STR("keys"));
        if (!yaml_get(keys, STR("public")))
            field_fault(at, peers->items[i], "peers: 'keys: {public: …}' is missing");
        if (!yaml_get(peers->items[i], STR("allowed-ips")))
            field_warn(at, peers->items[i],
                       "peers: 'allowed-ips' is missing: nothing is sent to it");
    }
}

void netplan_check_tunnel(const struct field_at *at)
{
    struct str mode = scalar_of(at->y, "mode");
    bool wireguard = str_is(mode, "wireguard");
    const struct yaml_node *ports = yaml_get(at->y, STR("port-range"));
    netplan_check_virtual(at);
    if (!yaml_get(at->y, STR("mode")))
        field_fault(at, at->y, "'mode' is missing");
    if (!mode.n)
        return;
    if (wireguard)
        check_wireguard(at);
    else
        check_ends(at, mode);
    check_keys(at, "key", wireguard);
    check_keys(at, "keys", wireguard);
    check_keyless(at, mode, "key");
    check_keyless(at, mode, "keys");
    if (str_is(mode, "isatap") && !uses_networkmanager(at))
        field_fault(at, yaml_get(at->y, STR("mode")), "only NetworkManager makes such tunnels");
    if (str_is(mode, "vxlan") && (!scalar_of(at->y, "id").n || str_is(scalar_of(at->y, "id"), "0")))
        field_fault(at, at->y, "'id' is missing: the number of the VXLAN, from 1 on");
    if (ports && ports->kind == YAML_SEQUENCE && ports->n != 2)
        field_fault(at, ports, "port-range: write two numbers, the lowest and the highest port");
}
