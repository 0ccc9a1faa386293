/* SPDX-License-Identifier: Apache-2.0 */
/* The steps of a node's VM in Proxmox VE: what it is, what it will boot with. */
#include "cli/doctor/doctor.h"
#include "cli/pve/props.h"
#include "cli/pve/pve.h"
#include "cli/pve/snippets.h"
#include "crypto/keys.h"

#include <stdio.h>

#define CARDS_MAX 32

static struct value config_of(const struct doctor_facts *f)
{
    return value_get(f->vm, STR("config"));
}

static struct str option_of(const struct doctor_facts *f, const char *name)
{
    return pve_text(config_of(f), name, f->arena);
}

static long long vmid_of(const struct doctor_facts *f)
{
    return (long long)api_number(f->vm, "vmid", 0);
}

static bool is_running(const struct doctor_facts *f)
{
    return str_is(api_text(f->vm, "status"), "running");
}

static bool is_by_snippets(const struct doctor_facts *f)
{
    return snippets_are_of(option_of(f, "cicustom"), f->name);
}

static bool is_ready(const struct doctor_facts *f)
{
    return str_is(api_text(f->node, "state"), "ready");
}

#define COMMAND(f, text) arena_printf((f)->arena, text, STR_ARG((f)->name))

/* --- vm, identity ---------------------------------------------------------------------------- */

struct finding doctor_vm(const struct doctor_facts *f)
{
    struct str trouble = doctor_trouble(f->vm), how = api_text(f->vm, "how");
    if (f->vm.kind != VALUE_MAP)
        return finding_unseen(f->arena, "no Proxmox VE is known here ('cloudseed pve login')");
    if (trouble.n && !how.n)
        return finding_unseen(f->arena, "%.*s", STR_ARG(trouble));
    if (trouble.n)
        return finding_wrong(f->arena, how, "%.*s", STR_ARG(trouble));
    return finding_ok(f->arena, "VM %lld on %.*s (%.*s), %.*s", vmid_of(f),
                      STR_ARG(api_text(f->vm, "host")), STR_ARG(api_text(f->vm, "endpoint")),
                      STR_ARG(api_text(f->vm, "status")));
}

/* The card with that MAC, and its option: "net0". */
static bool find_card(const struct doctor_facts *f, struct str mac, struct card *ret,
                      struct str *ret_option, struct str *ret_text)
{
    for (unsigned i = 0; i < CARDS_MAX; i++) {
        struct str option = arena_printf(f->arena, "net%u", i), text = option_of(f, option.p);
        if (text.n && card_read(text, ret, NULL) == 0 && str_eq_nocase(ret->mac, mac)) {
            *ret_option = option;
            *ret_text = text;
            return true;
        }
    }
    return false;
}

static struct str first_foreign_mac(const struct doctor_facts *f)
{
    struct value macs = value_get(f->node, STR("macs"));
    struct card card;
    struct str option, text;
    for (uint32_t i = 0; macs.kind == VALUE_LIST && i < macs.n; i++) {
        if (!find_card(f, value_text(macs.items[i]), &card, &option, &text))
            return value_text(macs.items[i]);
    }
    return STR("");
}

struct finding doctor_identity(const struct doctor_facts *f)
{
    struct str name = option_of(f, "name"), uuid = api_text(f->node, "uuid"),
               mac = first_foreign_mac(f);
    struct smbios smbios = {STR(""), STR("")};
    smbios_read(option_of(f, "smbios1"), f->arena, &smbios, NULL);
    if (pve_truth(config_of(f), "template"))
        return finding_wrong(f->arena,
                             COMMAND(f, "clone it ('cloudseed pve create %.*s'): a template cannot "
                                        "start, and its clones get its serial"),
                             "VM %lld is a template", vmid_of(f));
    if (!str_eq(name, f->name))
        return finding_wrong(f->arena,
                             COMMAND(f,
                                     "rename it in Proxmox, or name the right one with 'cloudseed "
                                     "pve register %.*s --vmid N'"),
                             "VM %lld is named %.*s", vmid_of(f), STR_ARG(name));
    if (uuid.n && !str_eq_nocase(uuid, smbios.uuid))
        return finding_wrong(
            f->arena,
            STR("correct 'uuid' of the node; of a clone, remove it: its machine is "
                "refused as one"),
            "its uuid is %.*s, and the node's is %.*s", STR_ARG(smbios.uuid), STR_ARG(uuid));
    if (mac.n)
        return finding_wrong(
            f->arena, STR("correct 'macs' of the node, or set the MAC of the card in Proxmox"),
            "it has no card with the node's MAC %.*s", STR_ARG(mac));
    return finding_ok(f->arena, "its name, uuid and MACs are the node's");
}

/* --- serial ---------------------------------------------------------------------------------- */

/* "http://10.0.10.5:8080/s/KEY/" of a discovery string; empty: it has none. */
static struct str url_in(struct str serial)
{
    struct str rest = serial, word = str_cut(&rest, ' ');
    while (word.p && word.n) {
        struct str part = str_cut(&word, ';');
        if (str_starts(part, STR("s=")))
            return str_skip(part, 2);
    }
    return STR("");
}

/* What follows the URL of a server: "s/KEY/"; empty: it is another server's. */
static struct str below(struct str url, struct str server)
{
    if (!str_starts(url, server) || url.n == server.n || url.p[server.n] != '/')
        return STR("");
    return str_skip(url, server.n + 1);
}

static struct finding judge_serial(const struct doctor_facts *f, struct str serial)
{
    struct str how = COMMAND(f, "run 'cloudseed pve register %.*s', then stop and start the VM");
    struct str url = url_in(serial), server = api_text(f->server, "url"),
               wanted = api_text(f->serial, "serial");
    if (!serial.n)
        return finding_wrong(f->arena, how,
                             "VM %lld has no SMBIOS serial: cloud-init finds no seed", vmid_of(f));
    if (!str_starts(serial, STR("ds=nocloud")) || !url.n)
        return finding_wrong(f->arena, how,
                             "its SMBIOS serial is not ours: it does not begin with "
                             "ds=nocloud and a URL");
    if (!str_starts(serial, STR(KEYS_DISCOVERY)))
        return finding_wrong(f->arena, how,
                             "its serial does not begin with " KEYS_DISCOVERY
                             ": cloud-init before 23.1 ignores it");
    if (!below(url, server).n)
        return finding_wrong(f->arena, how,
                             "its serial leads to another server, %.*s instead of %.*s",
                             STR_ARG(str_head(url, server.n)), STR_ARG(server));
    if (!str_eq(url, api_text(f->node, "seed_url")))
        return finding_wrong(
            f->arena, how, "the seed key in its serial is not this node's (any more): it gets 404");
    if (wanted.n && !str_eq(serial, wanted))
        return finding_wrong(f->arena, how,
                             "its serial has the join key or the pin of an earlier build window");
    return finding_ok(f->arena, "its SMBIOS serial leads here, with the keys of now");
}

struct finding doctor_serial(const struct doctor_facts *f)
{
    struct str text = option_of(f, "smbios1");
    struct smbios smbios;
    struct err e;
    if (is_by_snippets(f))
        return finding_ok(f->arena, "it needs none: its seed is on its cloud-init drive");
    if (text.n > SMBIOS_MAX)
        return finding_wrong(f->arena, STR("shorten its other SMBIOS fields, or the server's url"),
                             "its smbios1 has %zu bytes, and Proxmox takes %d", text.n, SMBIOS_MAX);
    if (smbios_read(text, f->arena, &smbios, &e) < 0)
        return finding_wrong(f->arena,
                             COMMAND(f,
                                     "clear its SMBIOS fields in Proxmox, then run 'cloudseed pve "
                                     "register %.*s'"),
                             "its smbios1 cannot be read: %s", e.msg);
    return judge_serial(f, smbios.serial);
}

/* --- cold-start ------------------------------------------------------------------------------ */

/* "smbios1, memory" */
static struct str pending_text(const struct doctor_facts *f)
{
    struct value list = value_get(f->vm, STR("pending"));
    struct str text = STR("");
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        struct value item = list.items[i];
        bool waits =
            value_get(item, STR("pending")).kind != VALUE_UNDEFINED || pve_truth(item, "delete");
        if (waits)
            text = arena_printf(f->arena, "%.*s%s%.*s", STR_ARG(text), text.n ? ", " : "",
                                STR_ARG(pve_text(item, "key", f->arena)));
    }
    return text;
}

struct finding doctor_pending(const struct doctor_facts *f)
{
    struct str waits = is_running(f) ? pending_text(f) : STR("");
    if (waits.n && is_ready(f))
        return finding_ok(f->arena, "the next cold start changes %.*s", STR_ARG(waits));
    if (waits.n)
        return finding_wrong(f->arena,
                             arena_printf(f->arena,
                                          "run 'cloudseed pve stop %.*s' and 'cloudseed pve start "
                                          "%.*s': a reboot inside the guest is not enough",
                                          STR_ARG(f->name), STR_ARG(f->name)),
                             "the VM runs without its new %.*s", STR_ARG(waits));
    return finding_ok(f->arena, "no change waits for one");
}

/* --- drives ---------------------------------------------------------------------------------- */

struct finding doctor_drives(const struct doctor_facts *f)
{
    struct value config = config_of(f);
    if (is_by_snippets(f))
        return finding_ok(f->arena, "its snippets are those of 'pve register --via cicustom'");
    for (uint32_t i = 0; config.kind == VALUE_MAP && i < config.n; i++) {
        struct value v = config.pairs[i].value;
        struct str key = value_text(config.pairs[i].key);
        bool is_ours = v.kind == VALUE_STR && memmem(v.s, v.n, "cloudinit", 9) &&
                       memmem(v.s, v.n, "media=cdrom", 11);
        if (is_ours)
            return finding_wrong(
                f->arena,
                arena_printf(f->arena, "run 'qm set %lld --delete %.*s' on its host", vmid_of(f),
                             STR_ARG(key)),
                "%.*s is Proxmox's cloud-init drive: its instance-id wins over ours", STR_ARG(key));
    }
    if (option_of(f, "cicustom").n)
        return finding_wrong(
            f->arena,
            arena_printf(f->arena, "run 'qm set %lld --delete cicustom' on its host", vmid_of(f)),
            "it has snippets (cicustom), which win over our seed");
    return finding_ok(f->arena, "none brings another seed");
}

/* --- network --------------------------------------------------------------------------------- */

static bool has_bridge(const struct doctor_facts *f, struct str bridge)
{
    struct value list = value_get(f->vm, STR("bridges"));
    for (uint32_t i = 0; list.kind == VALUE_LIST && i < list.n; i++) {
        if (str_eq(value_text(list.items[i]), bridge))
            return true;
    }
    return list.kind != VALUE_LIST || !list.n; /* the token may see none */
}

static struct finding judge_vlan(const struct doctor_facts *f, const struct card *card,
                                 struct str option)
{
    int64_t vlan = api_number(f->declared, "vlan", 0);
    struct str network = api_text(f->declared, "network");
    struct str tag = arena_printf(f->arena, "%lld", (long long)vlan);
    if (vlan && !card->tag.n)
        return finding_wrong(f->arena,
                             arena_printf(f->arena,
                                          "set the tag %.*s in Proxmox; if %.*s itself is in that "
                                          "VLAN, remove 'vlan' of the network in site.yaml",
                                          STR_ARG(tag), STR_ARG(card->bridge)),
                             "%.*s is untagged on %.*s, and the network %.*s is VLAN %.*s",
                             STR_ARG(option), STR_ARG(card->bridge), STR_ARG(network),
                             STR_ARG(tag));
    if (vlan ? !str_eq(card->tag, tag) : f->declared.kind == VALUE_MAP && card->tag.n)
        return finding_wrong(f->arena,
                             arena_printf(f->arena,
                                          "set its tag to %s%.*s in Proxmox, or correct "
                                          "'vlan' of the network in site.yaml",
                                          vlan ? "" : "none, not ",
                                          STR_ARG(vlan ? tag : card->tag)),
                             "%.*s is in VLAN %.*s, and the network %.*s is %s%.*s",
                             STR_ARG(option), STR_ARG(card->tag), STR_ARG(network),
                             vlan ? "VLAN " : "untagged", STR_ARG(vlan ? tag : STR("")));
    return finding_ok(f->arena, "%.*s: bridge %.*s, %s%.*s", STR_ARG(option), STR_ARG(card->bridge),
                      card->tag.n ? "VLAN " : "untagged", STR_ARG(card->tag));
}

static struct finding judge_card(const struct doctor_facts *f, struct str mac)
{
    struct props props;
    struct card card;
    struct str option, text, bridge = api_text(f->declared, "bridge");
    if (!find_card(f, mac, &card, &option, &text))
        return finding_unseen(f->arena, "it depends on 'identity'");
    if (props_read(text, &props, NULL) == 0 && str_is(props_get(&props, "link_down"), "1"))
        return finding_wrong(f->arena, STR("connect it in Proxmox (link_down=0)"),
                             "%.*s is disconnected", STR_ARG(option));
    if (!has_bridge(f, card.bridge))
        return finding_wrong(
            f->arena, STR("choose another bridge for the card, or make that one on the host"),
            "%.*s is on %.*s, and its host has no such bridge", STR_ARG(option),
            STR_ARG(card.bridge));
    if (bridge.n && !str_eq(bridge, card.bridge))
        return finding_wrong(f->arena,
                             STR("set the bridge in Proxmox, or correct 'bridge' under 'proxmox'"),
                             "%.*s is on %.*s, and %.*s is declared", STR_ARG(option),
                             STR_ARG(card.bridge), STR_ARG(bridge));
    return judge_vlan(f, &card, option);
}

struct finding doctor_network(const struct doctor_facts *f)
{
    struct value macs = value_get(f->node, STR("macs"));
    struct card card;
    if (macs.kind == VALUE_LIST && macs.n)
        return judge_card(f, value_text(macs.items[0]));
    if (card_read(option_of(f, "net0"), &card, NULL) < 0)
        return finding_wrong(f->arena, STR("add a network card in Proxmox"), "VM %lld has no net0",
                             vmid_of(f));
    return judge_card(f, card.mac);
}

/* --- power ----------------------------------------------------------------------------------- */

struct finding doctor_power(const struct doctor_facts *f)
{
    if (!is_running(f))
        return finding_wrong(f->arena, COMMAND(f, "run 'cloudseed pve start %.*s'"),
                             "VM %lld is %.*s", vmid_of(f), STR_ARG(api_text(f->vm, "status")));
    return finding_ok(f->arena, "VM %lld runs", vmid_of(f));
}
