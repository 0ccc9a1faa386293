/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/shape.h"

#include "cli/common/api.h"
#include "cli/pve/disk.h"
#include "cli/pve/props.h"
#include "crypto/digest.h"

#include <errno.h>
#include <stdlib.h>

#define CPU_DEFAULT STR("x86-64-v2-AES")

/* --- What is declared ------------------------------------------------------------------------- */

static struct str derived_mac(struct str uid, struct arena *a)
{
    char text[DIGEST_TEXT_SIZE];
    struct digest *d = digest_new();
    digest_add(d, STR("cloudseed first card "));
    digest_add(d, uid);
    digest_end(d, text);
    return arena_printf(a, "02:%.2s:%.2s:%.2s:%.2s:%.2s", text, text + 2, text + 4, text + 6,
                        text + 8);
}

struct str pve_first_mac(struct value node, struct arena *a)
{
    struct value macs = value_get(node, STR("macs"));
    return macs.kind == VALUE_LIST && macs.n ? value_text(macs.items[0])
                                             : derived_mac(api_text(node, "uid"), a);
}

struct pve_aim pve_aim(struct value node, const struct node *n, const struct proxmox *plan,
                       struct arena *a)
{
    unsigned vlan = n ? node_access_vlan(n) : 0;
    return (struct pve_aim){
        .name = api_text(node, "name"),
        .plan = plan,
        .mac = pve_first_mac(node, a),
        .uuid = api_text(node, "uuid"),
        .vlan = vlan ? arena_printf(a, "%u", vlan) : STR(""),
    };
}

bool pve_is_ordered(const struct proxmox *p)
{
    return p->startup.order || p->startup.up_s || p->startup.down_s;
}

/* --- Its options ------------------------------------------------------------------------------ */

struct comparison {
    struct pve_changes *changes;
    struct value config;
    struct arena *a;
    bool is_cold; /* of what follows */
};

static void want(struct comparison *c, const char *name, struct str value)
{
    struct str old = pve_text(c->config, name, c->a);
    if (!str_eq(old, value))
        c->changes->list[c->changes->n++] = (struct pve_change){name, old, value, c->is_cold};
}

static void want_number(struct comparison *c, const char *name, uint32_t number)
{
    if (number)
        want(c, name, arena_printf(c->a, "%u", number));
}

static int by_text(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

/* As Proxmox keeps them: sorted, with semicolons. */
static struct str tags_text(const struct proxmox *p, struct arena *a)
{
    struct str sorted[PROXMOX_TAGS_MAX], text = STR("");
    for (uint32_t i = 0; i < p->tags_n; i++)
        sorted[i] = p->tags[i];
    if (p->tags_n)
        qsort(sorted, p->tags_n, sizeof(*sorted), by_text);
    for (uint32_t i = 0; i < p->tags_n; i++)
        text = ARENA_JOIN(a, text, i ? STR(";") : STR(""), sorted[i]);
    return text;
}

static struct str upper(struct str mac, struct arena *a)
{
    char *text = (char *)arena_str(a, mac).p;
    for (char *at = text; *at; at++)
        *at = *at >= 'a' && *at <= 'f' ? (char)(*at - 32) : *at;
    return str_from(text);
}

/* What the card has beside model, MAC, bridge and VLAN stays. */
static int want_card(struct comparison *c, const struct pve_aim *aim, struct err *e)
{
    struct str old = value_get_text(c->config, STR("net0"));
    struct props p, made = {.n = 0};
    struct card card;
    int r = props_read(old, &p, e);
    if (r == 0 && card_read(old, &card, e) < 0)
        r = err_set(e, -EINVAL, "the VM has no network card net0: give its template one");
    if (r == 0)
        r = props_set(&made, arena_str(c->a, card.model).p, upper(aim->mac, c->a), e);
    for (uint32_t i = 0; r == 0 && i < p.n; i++) {
        struct prop at = p.list[i];
        bool is_first = !at.key.p || str_eq(at.key, card.model);
        if (!is_first && !str_is(at.key, "tag") && !str_is(at.key, "macaddr") &&
            !str_is(at.key, "model"))
            r = props_set(&made, arena_str(c->a, at.key).p, at.value, e);
    }
    if (r == 0 && aim->plan->bridge.n)
        r = props_set(&made, "bridge", aim->plan->bridge, e);
    if (r == 0 && aim->vlan.n)
        r = props_set(&made, "tag", aim->vlan, e);
    if (r == 0)
        want(c, "net0", props_text(&made, c->a));
    return r;
}

static int want_smbios(struct comparison *c, const struct pve_aim *aim, struct err *e)
{
    struct str old = value_get_text(c->config, STR("smbios1"));
    struct str text = aim->smbios1.n ? aim->smbios1 : old;
    int r = smbios_set_uuid(text, aim->uuid, c->a, &text, e);
    if (r == 0 && !str_eq(text, old))
        want(c, "smbios1", text);
    return r;
}

/* --- Firmware and TPM ------------------------------------------------------------------------- */

/* A volume of the firmware's is put beside the system's disk, unless a storage is declared. */
static struct str new_volume(const struct comparison *c, const struct proxmox *p, const char *more)
{
    struct str disk = value_get_text(c->config, disk_of_boot(c->config));
    struct str storage = p->storage.n ? p->storage : str_cut(&disk, ':');
    return ARENA_JOIN(c->a, storage, STR(":1,"), str_from(more));
}

/* Its disk is made once and never replaced: it holds what the machine has set up to boot. */
static int want_efidisk(struct comparison *c, const struct pve_aim *aim, struct err *e)
{
    bool is_secure = str_is(aim->plan->firmware, "secure-boot");
    struct str old = value_get_text(c->config, STR("efidisk0"));
    struct props p;
    if (!old.n) {
        const char *more = !is_secure         ? "efitype=4m,pre-enrolled-keys=0"
                           : aim->has_ms_cert ? "efitype=4m,pre-enrolled-keys=1,ms-cert=2023k"
                                              : "efitype=4m,pre-enrolled-keys=1";
        want(c, "efidisk0", new_volume(c, aim->plan, more));
        return 0;
    }
    int r = props_read(old, &p, e);
    if (r == 0 && is_secure && !str_is(props_get(&p, "pre-enrolled-keys"), "1"))
        return err_set(e, -EINVAL,
                       "its efidisk0 has no keys for Secure Boot: declare 'firmware: ovmf', or "
                       "remove the disk from VM and template, and it is made with them");
    return r;
}

static int want_firmware(struct comparison *c, const struct pve_aim *aim, struct err *e)
{
    const struct proxmox *p = aim->plan;
    bool is_uefi = p->firmware.n && !str_is(p->firmware, "seabios");
    struct str old = pve_text(c->config, "bios", c->a);
    if (p->tpm.n && !value_get_text(c->config, STR("tpmstate0")).n)
        want(c, "tpmstate0", new_volume(c, p, "version=v2.0"));
    if (p->firmware.n && is_uefi != str_is(old, "ovmf"))
        want(c, "bios", is_uefi ? STR("ovmf") : STR("seabios"));
    return is_uefi ? want_efidisk(c, aim, e) : 0;
}

/* --- Disks ------------------------------------------------------------------------------------ */

static void stays(struct comparison *c, struct str what)
{
    struct str *text = &c->changes->stays;
    *text = ARENA_JOIN(c->a, *text, text->n ? STR("; ") : STR(""), what);
}

static void want_size(struct comparison *c, struct str disk, uint32_t gib)
{
    struct pve_changes *changes = c->changes;
    uint32_t has = disk_gib(value_get_text(c->config, disk));
    if (gib > has)
        changes->grown[changes->grown_n++] = (struct pve_growth){disk, has, gib};
    else if (gib && gib < has)
        stays(c,
              arena_printf(c->a, "%.*s has %u GiB, and is not made smaller", STR_ARG(disk), has));
}

/* "ceph:100,discard=on" */
static struct str new_disk(struct comparison *c, const struct proxmox *p,
                           const struct proxmox_disk *d)
{
    struct str boot = value_get_text(c->config, disk_of_boot(c->config));
    struct str storage = d->storage.n   ? d->storage
                         : p->storage.n ? p->storage
                                        : str_cut(&boot, ':');
    return arena_printf(c->a, "%.*s:%u%s%.*s%s%s%s", STR_ARG(storage), d->gib,
                        d->format.n ? ",format=" : "", STR_ARG(d->format),
                        d->discard ? ",discard=on" : "", d->ssd ? ",ssd=1" : "",
                        d->backup ? "" : ",backup=0");
}

static int want_disk(struct comparison *c, const struct proxmox *p, uint32_t number, struct err *e)
{
    struct str slot = arena_str(c->a, proxmox_disk_slot(p, number, c->a));
    const struct proxmox_disk *d = &p->disks[number];
    if (str_eq(slot, disk_of_boot(c->config)))
        return err_set(e, -EINVAL,
                       "it boots from %s: declare another 'slot' for that disk of 'disks'", slot.p);
    if (!value_get_text(c->config, slot).n)
        want(c, slot.p, new_disk(c, p, d));
    else if (disk_has_data(c->config, slot))
        want_size(c, slot, d->gib);
    else
        return err_set(e, -EINVAL,
                       "it has a drive at %s: declare another 'slot' for that disk of 'disks'",
                       slot.p);
    return 0;
}

static bool is_declared(struct comparison *c, const struct proxmox *p, struct str slot)
{
    bool found = str_eq(slot, disk_of_boot(c->config));
    for (uint32_t i = 0; i < p->disks_n; i++)
        found |= str_eq(slot, proxmox_disk_slot(p, i, c->a));
    return found;
}

static int want_disks(struct comparison *c, const struct proxmox *p, struct err *e)
{
    int r = 0;
    want_size(c, disk_of_boot(c->config), p->disk_gib);
    for (uint32_t i = 0; r == 0 && i < p->disks_n; i++)
        r = want_disk(c, p, i, e);
    for (uint32_t i = 0; c->config.kind == VALUE_MAP && i < c->config.n; i++) {
        struct str slot = value_text(c->config.pairs[i].key);
        if (disk_has_data(c->config, slot) && !str_starts(slot, STR("unused")) &&
            !is_declared(c, p, slot))
            stays(c, ARENA_JOIN(c->a, slot, STR(" is not declared, and stays")));
    }
    return r;
}

/* --- All of it -------------------------------------------------------------------------------- */

/* "order=2,up=30,down=60", where a single number is the order. */
static bool is_startup(struct str text, const struct proxmox_startup *s)
{
    struct proxmox_startup has = {0};
    struct props p;
    if (props_read(text, &p, NULL) < 0)
        return false;
    for (uint32_t i = 0; i < p.n; i++) {
        struct prop at = p.list[i];
        uint64_t number = 0;
        str_to_u64(at.value, UINT32_MAX, &number);
        if (!at.key.p || str_is(at.key, "order"))
            has.order = (uint32_t)number;
        else if (str_is(at.key, "up"))
            has.up_s = (uint32_t)number;
        else if (str_is(at.key, "down"))
            has.down_s = (uint32_t)number;
    }
    return has.order == s->order && has.up_s == s->up_s && has.down_s == s->down_s;
}

static struct str startup_text(const struct proxmox_startup *s, struct arena *a)
{
    struct str order = s->order ? arena_printf(a, ",order=%u", s->order) : STR(""),
               up = s->up_s ? arena_printf(a, ",up=%u", s->up_s) : STR(""),
               down = s->down_s ? arena_printf(a, ",down=%u", s->down_s) : STR("");
    return str_skip(ARENA_JOIN(a, order, up, down), 1);
}

static void want_startup(struct comparison *c, const struct pve_aim *aim)
{
    const struct proxmox_startup *s = &aim->plan->startup;
    if (!pve_is_ordered(aim->plan) || is_startup(pve_text(c->config, "startup", c->a), s))
        return;
    if (aim->may_order)
        want(c, "startup", startup_text(s, c->a));
    else
        stays(c, STR("startup is not set, as the token lacks Sys.Modify on /"));
}

/* A clone has its template's protection, tags and start at boot: what is ours counts. */
int pve_compare(const struct pve_aim *aim, struct value config, struct arena *a,
                struct pve_changes *ret, struct err *e)
{
    const struct proxmox *p = aim->plan;
    struct comparison c = {ret, config, a, false};
    *ret = (struct pve_changes){.n = 0};
    want(&c, "name", aim->name);
    want(&c, "onboot", STR("1"));
    if (pve_truth(config, "protection"))
        want(&c, "protection", STR("0"));
    want(&c, "tags", tags_text(p, a));
    want_startup(&c, aim);
    int r = want_card(&c, aim, e);
    c.is_cold = true;
    want_number(&c, "cores", p->cores);
    want_number(&c, "memory", p->memory_mib);
    want(&c, "cpu", p->cpu.n ? p->cpu : CPU_DEFAULT);
    if (r == 0)
        r = want_smbios(&c, aim, e);
    if (r == 0)
        r = want_firmware(&c, aim, e);
    return r == 0 ? want_disks(&c, p, e) : r;
}
