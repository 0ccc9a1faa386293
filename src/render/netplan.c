/* SPDX-License-Identifier: Apache-2.0 */
#include "render/netplan.h"

#include "render/netplan_rules.h"

/* --- Types --------------------------------------------------------------------------------- */

/* netplan reads each scalar as its text. */
#define BOOLEAN INSPECT_BOOL, FIELD_AS_TEXT, .rule = netplan_boolean
#define NUMBER(max) INSPECT_NUMBER, FIELD_AS_TEXT, FIELD_RANGE(0, max)
#define UINT NUMBER(UINT32_MAX)
#define STRING INSPECT_TEXT, FIELD_AS_TEXT
#define WORD(...) STRING, FIELD_WORDS(__VA_ARGS__)
#define ANY_CASE(...) INSPECT_TEXT, FIELD_AS_TEXT | FIELD_NO_CASE, FIELD_WORDS(__VA_ARGS__)
#define SECRET INSPECT_TEXT, FIELD_AS_TEXT | FIELD_SECRET
/* netplan passes these on as they are; networkd drops what it does not know. */
#define PASSED(...) INSPECT_TEXT, FIELD_AS_TEXT | FIELD_WARN_VALUE, FIELD_WORDS(__VA_ARGS__)
#define INTERVAL INSPECT_TEXT, FIELD_AS_TEXT | FIELD_WARN_VALUE, .rule = netplan_interval
#define LIST INSPECT_LIST
#define MAP INSPECT_MAP

/* Versions since Debian 12's: 0.107 is 107, 1.1 is 1001. */
static const struct field_reader netplan_reader = {
    .name = "netplan", .oldest = 106, .newest = 1002};

/* --- openvswitch, networkmanager ----------------------------------------------------------- */

static const struct field ovs_any[] = {
    {"external-ids", MAP, FIELD_VALUES(STRING)},
    {"other-config", MAP, FIELD_VALUES(STRING)},
    {NULL},
};

static const struct field ovs_protocols[] = {
    {"protocols", LIST,
     FIELD_ITEMS(WORD("OpenFlow10", "OpenFlow11", "OpenFlow12", "OpenFlow13", "OpenFlow14",
                      "OpenFlow15", "OpenFlow16"))},
    {NULL},
};

static const struct field ovs_bond[] = {
    {FIELD_ROWS(ovs_any)},
    {"lacp", WORD("active", "passive", "off")},
    {NULL},
};

static const struct field ovs_controller[] = {
    {"addresses", LIST, FIELD_ITEMS(STRING, .rule = netplan_controller)},
    {"connection-mode", WORD("in-band", "out-of-band")},
    {NULL},
};

static const struct field ovs_bridge[] = {
    {FIELD_ROWS(ovs_any)},
    {FIELD_ROWS(ovs_protocols)},
    {"fail-mode", WORD("secure", "standalone")},
    {"mcast-snooping", BOOLEAN},
    {"rstp", BOOLEAN},
    {"controller", MAP, .fields = ovs_controller},
    {NULL},
};

static const struct field ovs_ssl[] = {
    {"ca-cert", STRING},
    {"certificate", STRING},
    {"private-key", STRING},
    {NULL},
};

static const struct field ovs_global[] = {
    {FIELD_ROWS(ovs_any)},
    {FIELD_ROWS(ovs_protocols)},
    {"ports", LIST, FIELD_ITEMS(LIST, FIELD_ITEMS(STRING), .check = netplan_check_pair)},
    {"ssl", MAP, .fields = ovs_ssl},
    {NULL},
};

static const struct field networkmanager[] = {
    {"name", STRING},
    {"uuid", STRING},
    {"stable-id", STRING},
    {"device", STRING},
    {"passthrough", MAP, FIELD_VALUES(SECRET)},
    {NULL},
};

/* --- All devices --------------------------------------------------------------------------- */

#define RENDERERS "networkd", "NetworkManager"

static const struct field address_options[] = {
    {"lifetime", ANY_CASE("0", "forever")},
    {"label", STRING},
    {NULL},
};

static const struct field nameservers[] = {
    {"addresses", LIST, FIELD_ITEMS(STRING, .rule = netplan_address)},
    {"search", LIST, FIELD_ITEMS(STRING)},
    {NULL},
};

static const struct field dhcp_overrides[] = {
    {"hostname", STRING},       {"route-metric", UINT},
    {"send-hostname", BOOLEAN}, {"use-dns", BOOLEAN},
    {"use-domains", STRING},    {"use-hostname", BOOLEAN},
    {"use-mtu", BOOLEAN},       {"use-ntp", BOOLEAN},
    {"use-routes", BOOLEAN},    {NULL},
};

static const struct field ra_overrides[] = {
    {"table", UINT},
    {"use-dns", BOOLEAN},
    {"use-domains", INSPECT_BOOL, FIELD_AS_TEXT | FIELD_NO_CASE, FIELD_WORDS("route"),
     .rule = netplan_boolean},
    {NULL},
};

static const struct field route[] = {
    {"to", STRING, FIELD_WORDS("default"), .rule = netplan_network},
    {"via", STRING, .rule = netplan_address},
    {"from", STRING, .rule = netplan_network},
    {"on-link", BOOLEAN},
    {"metric", UINT},
    {"type", ANY_CASE("unicast", "anycast", "blackhole", "broadcast", "local", "multicast", "nat",
                      "prohibit", "throw", "unreachable", "xresolve")},
    {"scope", ANY_CASE("global", "link", "host")},
    {"table", UINT},
    {"mtu", UINT},
    {"congestion-window", UINT},
    {"advertised-receive-window", UINT},
    {"advertised-mss", UINT, .since = 1001},
    {NULL},
};

static const struct field policy[] = {
    {"from", STRING, .rule = netplan_network},
    {"to", STRING, .rule = netplan_network},
    {"table", UINT},
    {"priority", UINT},
    {"mark", UINT},
    {"type-of-service", NUMBER(255)},
    {NULL},
};

static const struct field all_but_renderer[] = {
    {"dhcp4", BOOLEAN, .check = netplan_check_dhcp},
    {"dhcp6", BOOLEAN, .check = netplan_check_dhcp},
    {"dhcp4-overrides", MAP, .fields = dhcp_overrides},
    {"dhcp6-overrides", MAP, .fields = dhcp_overrides},
    {"dhcp-identifier", ANY_CASE("duid", "mac")},
    {"accept-ra", BOOLEAN},
    {"ra-overrides", MAP, .since = 1001, .fields = ra_overrides},
    {"ipv6-privacy", BOOLEAN},
    {"ipv6-mtu", UINT},
    {"ipv6-address-generation", WORD("eui64", "stable-privacy")},
    {"ipv6-address-token", STRING, .rule = netplan_address6},
    {"link-local", LIST, FIELD_ITEMS(ANY_CASE("ipv4", "ipv6"))},
    {"addresses", LIST,
     FIELD_ITEMS(INSPECT_TEXT | INSPECT_MAP, FIELD_AS_TEXT, .rule = netplan_interface_address,
                 .key = netplan_interface_address, FIELD_VALUES(MAP, .fields = address_options),
                 .check = netplan_check_address)},
    {"gateway4", STRING, .rule = netplan_address4, .instead = "write a route to 0.0.0.0/0"},
    {"gateway6", STRING, .rule = netplan_address6, .instead = "write a route to ::/0"},
    {"nameservers", MAP, .fields = nameservers, .check = netplan_check_nameservers},
    {"macaddress", STRING, FIELD_WORDS("permanent", "random", "preserve", "stable", "stable-ssid"),
     .rule = netplan_mac, .check = netplan_check_mac},
    {"mtu", UINT},
    {"optional", BOOLEAN},
    {"optional-addresses", LIST,
     FIELD_ITEMS(ANY_CASE("ipv4-ll", "ipv6-ra", "dhcp4", "dhcp6", "static"))},
    {"activation-mode", WORD("manual", "off")},
    {"critical", BOOLEAN},
    {"ignore-carrier", BOOLEAN},
    {"routes", LIST, FIELD_ITEMS(MAP, .fields = route, .check = netplan_check_route)},
    {"routing-policy", LIST, FIELD_ITEMS(MAP, .fields = policy, .check = netplan_check_policy)},
    {"neigh-suppress", BOOLEAN},
    {"hairpin", BOOLEAN, .since = 1000},
    {"port-mac-learning", BOOLEAN, .since = 1000},
    {"networkmanager", MAP, .fields = networkmanager},
    {NULL},
};

static const struct field all[] = {
    {"renderer", WORD(RENDERERS)},
    {FIELD_ROWS(all_but_renderer)},
    {NULL},
};

/* --- Physical devices ---------------------------------------------------------------------- */

static const struct field match[] = {
    {"name", STRING, .rule = netplan_pattern},
    {"macaddress", STRING, .rule = netplan_mac, .check = netplan_check_mac},
    {"driver", INSPECT_TEXT | INSPECT_LIST, FIELD_AS_TEXT, .rule = netplan_driver,
     FIELD_ITEMS(STRING, .rule = netplan_driver), .check = netplan_check_driver},
    {NULL},
};

static const struct field physical[] = {
    {"match", MAP, .fields = match},
    {"set-name", STRING, .rule = netplan_interface},
    {"wakeonlan", BOOLEAN},
    {"wakeonwlan", LIST,
     FIELD_ITEMS(ANY_CASE("default", "any", "disconnect", "magic_pkt", "gtk_rekey_failure",
                          "eap_identity_req", "four_way_handshake", "rfkill_release", "tcp")),
     .check = netplan_check_wowlan},
    {"emit-lldp", BOOLEAN},
    {"receive-checksum-offload", BOOLEAN},
    {"transmit-checksum-offload", BOOLEAN},
    {"tcp-segmentation-offload", BOOLEAN},
    {"tcp6-segmentation-offload", BOOLEAN},
    {"generic-segmentation-offload", BOOLEAN},
    {"generic-receive-offload", BOOLEAN},
    {"large-receive-offload", BOOLEAN},
    {NULL},
};

static const struct field auth[] = {
    {"key-management",
     WORD("none", "psk", "psk-sha256", "eap", "eap-sha256", "eap-suite-b-192", "sae", "802.1x")},
    {"method", WORD("tls", "peap", "ttls", "leap", "pwd")},
    {"identity", STRING},
    {"anonymous-identity", STRING},
    {"password", SECRET},
    {"ca-certificate", STRING},
    {"client-certificate", STRING},
    {"client-key", STRING},
    {"client-key-password", SECRET},
    {"phase2-auth", STRING},
    {NULL},
};

static const struct field ethernet[] = {
    {FIELD_ROWS(all)},
    {FIELD_ROWS(physical)},
    {"openvswitch", MAP, .fields = ovs_any},
    {"auth", MAP, .fields = auth, .check = netplan_check_auth},
    {"link", STRING, .check = netplan_check_reference},
    {"virtual-function-count", UINT},
    {"embedded-switch-mode", WORD("switchdev", "legacy")},
    {"delay-virtual-functions-rebind", BOOLEAN},
    {"infiniband-mode", WORD("datagram", "connected")},
    {NULL},
};

static const struct field access_point[] = {
    {"mode", WORD("infrastructure", "ap", "adhoc")},
    {"password", SECRET, .rule = netplan_passphrase},
    {"auth", MAP, .fields = auth, .check = netplan_check_auth},
    {"bssid", STRING, .rule = netplan_mac},
    {"band", WORD("5GHz", "5G", "2.4GHz", "2.4G")},
    {"channel", UINT},
    {"hidden", BOOLEAN},
    {"networkmanager", MAP, .fields = networkmanager},
    {NULL},
};

static const struct field wifi[] = {
    {FIELD_ROWS(all)},
    {FIELD_ROWS(physical)},
    {"openvswitch", MAP, .fields = ovs_any},
    {"access-points", MAP, FIELD_VALUES(MAP, .fields = access_point)},
    {"auth", MAP, .fields = auth, .check = netplan_check_auth},
    {"regulatory-domain", STRING},
    {NULL},
};

static const struct field modem[] = {
    {FIELD_ROWS(all)},
    {FIELD_ROWS(physical)},
    {"openvswitch", MAP, .fields = ovs_any},
    {"apn", STRING},
    {"auto-config", BOOLEAN},
    {"device-id", STRING},
    {"network-id", STRING},
    {"number", STRING},
    {"password", SECRET},
    {"pin", SECRET},
    {"sim-id", STRING},
    {"sim-operator-id", STRING},
    {"username", STRING},
    {NULL},
};

/* --- Bonds, bridges, VLANs, VRFs ----------------------------------------------------------- */

/* Parameters without which cloud-init knows a bond, where netplan is not used. */
#define NETPLAN_ONLY .check = netplan_check_elsewhere

static const struct field bond_parameters[] = {
    {"mode", WORD("balance-rr", "active-backup", "balance-xor", "broadcast", "802.3ad",
                  "balance-tlb", "balance-alb", "balance-tcp", "balance-slb")},
    {"lacp-rate", WORD("slow", "fast")},
    {"mii-monitor-interval", INTERVAL},
    {"min-links", UINT},
    {"transmit-hash-policy",
     PASSED("layer2", "layer3+4", "layer2+3", "encap2+3", "encap3+4", "vlan+srcmac")},
    {"ad-select", PASSED("stable", "bandwidth", "count")},
    {"all-members-active", BOOLEAN},
    {"all-slaves-active", BOOLEAN},
    {"arp-interval", INTERVAL},
    {"arp-ip-targets", LIST, FIELD_ITEMS(STRING, .rule = netplan_address4), NETPLAN_ONLY},
    {"arp-validate", PASSED("none", "active", "backup", "all")},
    {"arp-all-targets", PASSED("any", "all"), NETPLAN_ONLY},
    {"up-delay", INTERVAL},
    {"down-delay", INTERVAL},
    {"fail-over-mac-policy", PASSED("none", "active", "follow")},
    {"gratuitous-arp", UINT},
    {"gratuitious-arp", UINT}, /* as older versions spell it */
    {"packets-per-member", UINT, NETPLAN_ONLY},
    {"packets-per-slave", UINT, NETPLAN_ONLY},
    {"primary-reselect-policy", PASSED("always", "better", "failure")},
    {"resend-igmp", UINT, NETPLAN_ONLY},
    {"learn-packet-interval", INTERVAL, NETPLAN_ONLY},
    {"primary", STRING, .check = netplan_check_primary},
    {NULL},
};

static const struct field bond[] = {
    {FIELD_ROWS(all)},
    {"openvswitch", MAP, .fields = ovs_bond},
    {"interfaces", LIST, FIELD_ITEMS(STRING), .check = netplan_check_members},
    {"parameters", MAP, .fields = bond_parameters},
    {NULL},
};

static const struct field bridge_parameters[] = {
    {"ageing-time", INTERVAL},
    {"aging-time", INTERVAL},
    {"priority", UINT, .check = netplan_check_16_bits},
    {"port-priority", MAP, FIELD_VALUES(NUMBER(63)), .check = netplan_check_ports},
    {"forward-delay", INTERVAL},
    {"hello-time", INTERVAL},
    {"max-age", INTERVAL},
    {"path-cost", MAP, FIELD_VALUES(UINT), .check = netplan_check_ports},
    {"stp", BOOLEAN, .check = netplan_check_stp},
    {NULL},
};

static const struct field bridge[] = {
    {FIELD_ROWS(all)},
    {"openvswitch", MAP, .fields = ovs_bridge},
    {"interfaces", LIST, FIELD_ITEMS(STRING), .check = netplan_check_members},
    {"parameters", MAP, .fields = bridge_parameters},
    {NULL},
};

static const struct field vlan[] = {
    {"renderer", WORD(RENDERERS, "sriov")},
    {FIELD_ROWS(all_but_renderer)},
    {"openvswitch", MAP, .fields = ovs_any},
    {"id", NUMBER(4094)},
    {"link", STRING, .check = netplan_check_reference},
    {NULL},
};

static const struct field vrf[] = {
    {FIELD_ROWS(all)},
    {"openvswitch", MAP, .fields = ovs_any},
    {"interfaces", LIST, FIELD_ITEMS(STRING), .check = netplan_check_vrf_members},
    {"table", INSPECT_NUMBER, FIELD_AS_TEXT | FIELD_REQUIRED, FIELD_RANGE(0, UINT32_MAX)},
    {NULL},
};

static const struct field dummy[] = {
    {FIELD_ROWS(all)},
    {"openvswitch", MAP, .fields = ovs_any},
    {NULL},
};

static const struct field veth[] = {
    {FIELD_ROWS(all)},
    {"openvswitch", MAP, .fields = ovs_any},
    {"peer", STRING},
    {NULL},
};

/* --- Tunnels ------------------------------------------------------------------------------- */

static const struct field tunnel_keys[] = {
    {"input", SECRET},
    {"output", SECRET},
    {"private", SECRET},
    {"private-key-flags", LIST, .since = 107,
     FIELD_ITEMS(ANY_CASE("agent-owned", "not-saved", "not-required"))},
    {NULL},
};

static const struct field peer_keys[] = {
    {"public", STRING, .rule = netplan_wireguard_key},
    {"shared", SECRET, .rule = netplan_wireguard_secret},
    {NULL},
};

static const struct field peer[] = {
    {"endpoint", STRING, .rule = netplan_endpoint},
    {"allowed-ips", LIST, FIELD_ITEMS(STRING, .rule = netplan_network)},
    {"keepalive", NUMBER(65535)},
    {"keys", MAP, .fields = peer_keys},
    {NULL},
};

#define TUNNEL_KEYS INSPECT_TEXT | INSPECT_MAP, FIELD_AS_TEXT | FIELD_SECRET, .fields = tunnel_keys

static const struct field tunnel[] = {
    {FIELD_ROWS(all)},
    {"openvswitch", MAP, .fields = ovs_any},
    {"mode", WORD("ipip", "gre", "sit", "isatap", "vti", "ip6ip6", "ipip6", "ip6gre", "vti6",
                  "gretap", "ip6gretap", "vxlan", "wireguard")},
    {"local", STRING, .rule = netplan_address},
    {"remote", STRING, .rule = netplan_address},
    {"ttl", NUMBER(255)},
    {"key", TUNNEL_KEYS},
    {"keys", TUNNEL_KEYS},
    /* wireguard */
    {"mark", UINT},
    {"port", UINT, .check = netplan_check_16_bits},
    {"peers", LIST, FIELD_ITEMS(MAP, .fields = peer)},
    /* vxlan */
    {"id", NUMBER(16777215)},
    {"link", STRING, .check = netplan_check_reference},
    {"ageing", UINT},
    {"aging", UINT},
    {"limit", UINT},
    {"type-of-service", UINT},
    {"flow-label", NUMBER(1048575)},
    {"do-not-fragment", BOOLEAN},
    {"short-circuit", BOOLEAN},
    {"arp-proxy", BOOLEAN},
    {"mac-learning", BOOLEAN},
    {"notifications", LIST, FIELD_ITEMS(ANY_CASE("l2-miss", "l3-miss"))},
    {"checksums", LIST,
     FIELD_ITEMS(ANY_CASE("udp", "zero-udp6-tx", "zero-udp6-rx", "remote-tx", "remote-rx"))},
    {"extensions", LIST, FIELD_ITEMS(ANY_CASE("group-policy", "generic-protocol"))},
    {"port-range", LIST, FIELD_ITEMS(UINT)},
    {NULL},
};

/* --- The whole ----------------------------------------------------------------------------- */

static const struct field section[] = {{"renderer", WORD(RENDERERS), NETPLAN_ONLY}, {NULL}};

#define DEVICES(table, function) \
    MAP, .fields = section, .key = netplan_id, FIELD_VALUES(MAP, .fields = table, .check = function)

static const struct field network[] = {
    {"version"},
    {"renderer", WORD(RENDERERS)},
    {"ethernets", DEVICES(ethernet, netplan_check_ethernet)},
    {"wifis", DEVICES(wifi, netplan_check_wifi)},
    {"modems", DEVICES(modem, netplan_check_modem), NETPLAN_ONLY},
    {"bonds", DEVICES(bond, netplan_check_virtual)},
    {"bridges", DEVICES(bridge, netplan_check_virtual)},
    {"vlans", DEVICES(vlan, netplan_check_vlan)},
    {"vrfs", DEVICES(vrf, netplan_check_vrf), NETPLAN_ONLY},
    {"tunnels", DEVICES(tunnel, netplan_check_tunnel), NETPLAN_ONLY},
    {"dummy-devices", DEVICES(dummy, netplan_check_virtual), NETPLAN_ONLY, .since = 107},
    {"virtual-ethernets", DEVICES(veth, netplan_check_peer), NETPLAN_ONLY, .since = 107},
    {"nm-devices", DEVICES(ethernet, netplan_check_nm), NETPLAN_ONLY},
    {"openvswitch", MAP, .fields = ovs_global, NETPLAN_ONLY},
    {NULL},
};

void netplan_check(struct inspect *in, const struct yaml_node *root)
{
    static const struct field top = {"", MAP, .fields = network};
    static const char *const sections[] = {
        "ethernets",  "wifis", "modems",  "bonds",         "bridges",
        "vlans",      "vrfs",  "tunnels", "dummy-devices", "virtual-ethernets",
        "nm-devices", NULL};
    struct netplan np;
    struct field_reader reader = netplan_reader;
    netplan_init(&np, in, root, sections);
    reader.cls = &np;
    fields_check(in, &reader, &top, root);
    netplan_done(&np);
}
