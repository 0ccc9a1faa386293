/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/seedtree.h"
#include "cli/common/term.h"
#include "cli/pve/disk.h"
#include "cli/pve/session.h"
#include "cli/pve/shape.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PRIVS_MAX 24
#define ROLE "Cloudseed"

#define AIMS_MAX 64
#define LOOKED_MAX 256

/* What VMs are to be, of one declared node or of several. Empty: not declared. */
struct aim {
    struct str pool, storage, host, bridge, vlan;
    uint32_t template_vmid;              /* 0: none */
    struct str disks[PROXMOX_DISKS_MAX]; /* storages of disks for data, as far as declared */
    size_t disks_n;
    bool is_ordered;  /* `startup` is declared */
    bool is_anywhere; /* `host: any`; `host` is empty then */
};

struct checking {
    struct pve_session session;
    struct pve_version version;
    struct cli_list json;
    unsigned faults;
    struct aim aims[AIMS_MAX];
    size_t aims_n;
    struct str looked[LOOKED_MAX]; /* what was checked for another aim already */
    size_t looked_n;
};

/* What a path is needed for, and the rights there; `since` and `until` are major versions. */
struct need {
    const char *priv;
    unsigned since;
    const char *why;
};

#define VM_NEEDS                                                                          \
    {"VM.Audit", 7, "see VMs"}, {"VM.Allocate", 7, "make and remove VMs"},                \
        {"VM.Clone", 7, "clone the template"}, {"VM.PowerMgmt", 7, "start and stop VMs"}, \
        {"VM.Config.CPU", 7, "set cores"}, {"VM.Config.Memory", 7, "set memory"},         \
        {"VM.Config.Disk", 7, "set and grow disks"},                                      \
        {"VM.Config.Network", 7, "set MACs and VLANs"},                                   \
        {"VM.Config.HWType", 7, "set the SMBIOS serial"},                                 \
        {"VM.Config.Options", 7, "set names, tags and the agent"},                        \
    {                                                                                     \
        "VM.Config.Cloudinit", 7, "remove what a template brings for cloud-init"          \
    }
static const struct need pool_needs[] = {
    VM_NEEDS,
    {"Datastore.AllocateSpace", 7, "make disks on storages in the pool"},
    {"Pool.Audit", 7, "see the pool"},
    {NULL, 0, NULL},
};
/* Where VMs are in no pool. */
static const struct need vms_needs[] = {VM_NEEDS, {NULL, 0, NULL}};
static const struct need template_needs[] = {
    {"VM.Audit", 7, "see it"},
    {"VM.Clone", 7, "clone it"},
    {NULL, 0, NULL},
};
static const struct need storage_needs[] = {
    {"Datastore.AllocateSpace", 7, "make disks there"},
    {NULL, 0, NULL},
};
static const struct need startup_needs[] = {
    {"Sys.Modify", 7, "set the order of starting"},
    {NULL, 0, NULL},
};
/* All hosts, of which one is chosen. */
static const struct need hosts_needs[] = {
    {"Sys.Audit", 7, "see how much memory hosts have left"},
    {NULL, 0, NULL},
};
static const struct need network_needs[] = {
    {"SDN.Use", 8, "connect VMs to the bridge"},
    {NULL, 0, NULL},
};

/* --- Findings --------------------------------------------------------------------------------- */

#define COMMANDS_MAX 3

struct finding {
    bool ok;
    bool is_optional; /* what is declared works without it, all but that */
    struct str what;
    struct str how[COMMANDS_MAX]; /* commands for root on the host, that fix it */
    size_t how_n;
};

static void say_json(struct checking *k, const struct finding *f)
{
    struct value how[COMMANDS_MAX];
    for (size_t i = 0; i < f->how_n; i++)
        how[i] = value_str(f->how[i]);
    const struct value_pair pairs[] = {JSON_BOOL("ok", f->ok), JSON_BOOL("needed", !f->is_optional),
                                       JSON_STR("what", f->what),
                                       JSON_VALUE("how", value_list(how, f->ok ? 0 : f->how_n))};
    cli_list_item(&k->json, value_map(pairs, 4));
}

static void say(struct checking *k, const struct finding *f)
{
    struct cli *c = k->session.cli;
    bool is_fault = !f->ok && !f->is_optional, is_red = c->color_out && is_fault;
    k->faults += is_fault;
    if (flags_given(&c->flags, "json")) {
        say_json(k, f);
        return;
    }
    cli_print_line("%s%s%s %.*s", is_red ? TERM_RED : "",
                   f->ok      ? "ok  "
                   : is_fault ? "FAIL"
                              : "warn",
                   is_red ? TERM_PLAIN : "", STR_ARG(f->what));
    for (size_t i = 0; !f->ok && i < f->how_n; i++)
        cli_print_line("     %.*s", STR_ARG(f->how[i]));
}

/* Whether that was not looked at before; it is now. */
static bool is_first(struct checking *k, struct str what)
{
    for (size_t i = 0; i < k->looked_n; i++) {
        if (str_eq(k->looked[i], what))
            return false;
    }
    if (k->looked_n < LOOKED_MAX)
        k->looked[k->looked_n++] = what;
    return true;
}

/* --- Rights ----------------------------------------------------------------------------------- */

/* "cloudseed@pve" of "cloudseed@pve!t=…", and "cloudseed@pve!t". */
static struct str user_of(struct str token)
{
    return str_cut(&token, '!');
}

static struct str id_of(struct str token)
{
    return str_cut(&token, '=');
}

static struct str missing_at(struct checking *k, struct value rights, const struct need *needs)
{
    struct arena *a = &k->session.arena;
    struct str text = STR("");
    for (const struct need *at = needs; at->priv; at++) {
        if (k->version.major >= at->since && !pve_truth(rights, at->priv))
            text = ARENA_JOIN(a, text, text.n ? STR(" ") : STR(""), str_from(at->priv));
    }
    return text;
}

/* A token has no more rights than its user, so both get them. */
static void say_rights(struct checking *k, struct str path, const struct need *needs,
                       const char *role, struct str missing)
{
    struct arena *a = &k->session.arena;
    struct str token = k->session.endpoint.token, user = user_of(token), id = id_of(token),
               all = missing_at(k, (struct value){0}, needs);
    say(k,
        &(const struct finding){
            .is_optional = needs == startup_needs || needs == hosts_needs,
            .what = arena_printf(a, "%.*s: the token lacks %.*s", STR_ARG(path), STR_ARG(missing)),
            .how = {arena_printf(a, "pveum role add %s --privs '%.*s'", role, STR_ARG(all)),
                    arena_printf(a, "pveum acl modify %.*s --users '%.*s' --roles %s",
                                 STR_ARG(path), STR_ARG(user), role),
                    arena_printf(a, "pveum acl modify %.*s --tokens '%.*s' --roles %s",
                                 STR_ARG(path), STR_ARG(id), role)},
            .how_n = 3,
        });
}

static int check_rights(struct checking *k, struct str path, const struct need *needs,
                        const char *role)
{
    struct pve_session *s = &k->session;
    struct value rights;
    struct err e;
    if (!is_first(k, path))
        return CLI_OK;
    if (pve_rights(s->pve, path, &s->arena, &rights, &e) < 0)
        return pve_session_fail(s, &e);
    struct str missing = missing_at(k, rights, needs);
    if (missing.n)
        say_rights(k, path, needs, role, missing);
    else
        say(k,
            &(const struct finding){
                .ok = true,
                .what = arena_printf(&s->arena, "%.*s: all rights that are needed", STR_ARG(path)),
            });
    return CLI_OK;
}

/* --- The template ----------------------------------------------------------------------------- */

static bool has_drive(struct value config, const char *sign)
{
    for (uint32_t i = 0; config.kind == VALUE_MAP && i < config.n; i++) {
        struct value v = config.pairs[i].value;
        if (v.kind == VALUE_STR && memmem(v.s, v.n, sign, strlen(sign)))
            return true;
    }
    return false;
}

/* "1", "enabled=1,type=virtio". */
static bool has_agent(struct value config, struct arena *a)
{
    struct str text = pve_text(config, "agent", a), first = str_cut(&text, ',');
    return str_is(first, "1") || str_is(first, "enabled=1");
}

static void say_option(struct checking *k, bool ok, const char *what, struct str how)
{
    say(k, &(const struct finding){.ok = ok, .what = str_from(what), .how = {how}, .how_n = 1});
}

static void check_template_options(struct checking *k, const struct pve_vm *vm, struct value config)
{
    struct arena *a = &k->session.arena;
    struct str smbios1 = value_get_text(config, STR("smbios1"));
    struct smbios smbios = {STR(""), STR("")};
    smbios_read(smbios1, a, &smbios, NULL);
    say_option(k, vm->is_template, "the VM is a template",
               arena_printf(a, "qm template %u", vm->vmid));
    say_option(k, !smbios.serial.n, "it has no SMBIOS serial, which every clone would get",
               arena_printf(a, "qm set %u --smbios1 uuid=%.*s", vm->vmid, STR_ARG(smbios.uuid)));
    say_option(k, !has_drive(config, "cloudinit"),
               "it has no cloud-init drive, whose data would win over ours",
               arena_printf(a, "qm set %u --delete ide2  (or wherever it is)", vm->vmid));
    say_option(k, !pve_truth(config, "protection"), "it is not protected, as its clones would be",
               arena_printf(a, "qm set %u --protection 0", vm->vmid));
    say_option(k, value_get(config, STR("serial0")).kind != VALUE_UNDEFINED,
               "it has a serial console, to which cloud images write",
               arena_printf(a, "qm set %u --serial0 socket --vga serial0", vm->vmid));
    say_option(k, has_agent(config, a), "it has the guest agent switched on",
               arena_printf(a, "qm set %u --agent 1", vm->vmid));
    if (str_is(pve_text(config, "bios", a), "ovmf"))
        say_option(k, value_get(config, STR("rng0")).kind != VALUE_UNDEFINED,
                   "it has a VirtIO RNG, without which UEFI boots from no network",
                   arena_printf(a, "qm set %u --rng0 source=/dev/urandom", vm->vmid));
}

/* What lists of a host have: storages or networks. VALUE_UNDEFINED: it is not in them, for this
 * token. */
static int find_at(struct checking *k, struct str host, const char *list, const char *member,
                   struct str name, struct value *ret)
{
    struct pve_session *s = &k->session;
    struct str path = arena_printf(&s->arena, "/nodes/%.*s/%s", STR_ARG(host), list);
    struct value found;
    struct err e;
    *ret = (struct value){0};
    if (pve_get(s->pve, path, &s->arena, &found, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; found.kind == VALUE_LIST && i < found.n; i++) {
        if (str_eq(pve_text(found.items[i], member, &s->arena), name))
            *ret = found.items[i];
    }
    return CLI_OK;
}

/* Thick LVM and iSCSI have no linked clones. */
static bool can_link(struct value storage, struct arena *a)
{
    static const char *const none[] = {"lvm", "iscsi", "iscsidirect", NULL};
    return !str_in(pve_text(storage, "type", a), none);
}

static int check_template_disk(struct checking *k, const struct aim *aim, const struct pve_vm *vm,
                               struct str key, struct str volume)
{
    struct arena *a = &k->session.arena;
    struct str rest = volume, name = str_cut(&rest, ':');
    bool moves = aim->host.n && !str_eq(aim->host, vm->host);
    struct value storage;
    int status = find_at(k, vm->host, "storage", "storage", name, &storage);
    if (status == CLI_OK && !aim->storage.n)
        status =
            check_rights(k, ARENA_JOIN(a, STR("/storage/"), name), storage_needs, ROLE "Storage");
    if (status != CLI_OK || storage.kind != VALUE_MAP)
        return status;
    if (!aim->storage.n)
        say_option(
            k, can_link(storage, a),
            arena_printf(a, "its disk %.*s on %.*s can be linked to", STR_ARG(key), STR_ARG(name))
                .p,
            STR("declare 'storage' under 'proxmox', for full copies"));
    if (moves)
        say_option(k, pve_truth(storage, "shared"),
                   arena_printf(a, "its disk %.*s on %.*s is shared with %.*s", STR_ARG(key),
                                STR_ARG(name), STR_ARG(aim->host))
                       .p,
                   arena_printf(a, "make a template on %.*s, and declare that one there",
                                STR_ARG(aim->host)));
    return CLI_OK;
}

static int check_template_disks(struct checking *k, const struct aim *aim, const struct pve_vm *vm,
                                struct value config)
{
    int status = CLI_OK;
    for (uint32_t i = 0; status == CLI_OK && config.kind == VALUE_MAP && i < config.n; i++) {
        struct str key = value_text(config.pairs[i].key), text = value_get_text(config, key);
        if (disk_has_data(config, key))
            status = check_template_disk(k, aim, vm, key, str_cut(&text, ','));
    }
    return status;
}

/* --- Storages, networks ------------------------------------------------------------------------
 */

static int check_storage(struct checking *k, struct str host, struct str name)
{
    struct arena *a = &k->session.arena;
    struct str path = ARENA_JOIN(a, STR("/storage/"), name);
    struct value found;
    int status = check_rights(k, path, storage_needs, ROLE "Storage");
    if (status != CLI_OK || !is_first(k, ARENA_JOIN(a, path, STR("@"), host)))
        return status;
    status = find_at(k, host, "storage", "storage", name, &found);
    struct str content = pve_text(found, "content", a);
    bool takes = memmem(content.p, content.n, "images", 6) != NULL;
    if (status == CLI_OK)
        say_option(
            k, takes,
            arena_printf(a, "the storage %.*s of %.*s takes disks", STR_ARG(name), STR_ARG(host)).p,
            found.kind == VALUE_MAP ? arena_printf(a, "pvesm set %.*s --content %.*s,images",
                                                   STR_ARG(name), STR_ARG(content))
                                    : STR("pvesm status  (lists those that are there)"));
    return status;
}

/* A bridge of a zone is not listed as one of the host. */
static int check_network(struct checking *k, struct str host, struct str bridge, struct str vlan)
{
    struct arena *a = &k->session.arena;
    struct str path =
        ARENA_JOIN(a, STR("/sdn/zones/localnetwork/"), bridge, vlan.n ? STR("/") : STR(""), vlan);
    struct value found;
    int status = CLI_OK;
    if (k->version.major >= 8)
        status = check_rights(k, path, network_needs, ROLE "Network");
    if (status != CLI_OK || !host.n || !is_first(k, ARENA_JOIN(a, bridge, STR("@"), host)))
        return status;
    status = find_at(k, host, "network", "iface", bridge, &found);
    if (status == CLI_OK)
        say_option(k, found.kind == VALUE_MAP,
                   arena_printf(a, "%.*s has the bridge %.*s, for this token", STR_ARG(host),
                                STR_ARG(bridge))
                       .p,
                   STR("ip -br link show type bridge  (lists those that are there)"));
    return status;
}

/* --- What the VMs are to be --------------------------------------------------------------------
 */

static int find_template(struct checking *k, const struct aim *aim, struct pve_vm *ret,
                         struct value *ret_config)
{
    struct pve_session *s = &k->session;
    struct err e;
    int r = pve_find_vm(s->pve, aim->template_vmid, &s->arena, ret, &e);
    if (r == 0)
        r = pve_vm_config(s->pve, ret, &s->arena, ret_config, &e);
    if (r == -ENOENT || r == -EPERM) {
        ret->vmid = 0;
        say_option(k, false, e.msg,
                   arena_printf(&s->arena, "pveum pool modify %s --vms %u",
                                aim->pool.n ? aim->pool.p : "POOL", aim->template_vmid));
        return CLI_OK;
    }
    return r < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

static int check_template(struct checking *k, struct aim *aim)
{
    struct arena *a = &k->session.arena;
    struct str path = arena_printf(a, "/vms/%u", aim->template_vmid);
    struct card card = {.bridge = STR(""), .tag = STR("")};
    struct value config;
    struct pve_vm vm;
    int status = find_template(k, aim, &vm, &config);
    if (status != CLI_OK || !vm.vmid)
        return status;
    if (is_first(k, ARENA_JOIN(a, STR("template "), path)))
        check_template_options(k, &vm, config);
    status = check_rights(k, path, template_needs, ROLE);
    if (status == CLI_OK)
        status = check_template_disks(k, aim, &vm, config);
    if (!aim->host.n)
        aim->host = vm.host;
    card_read(value_get_text(config, STR("net0")), &card, NULL);
    if (!aim->bridge.n)
        aim->bridge = card.bridge;
    /* A clone begins with the template's own card. */
    return status == CLI_OK && card.bridge.n ? check_network(k, vm.host, card.bridge, card.tag)
                                             : status;
}

static int check_aim(struct checking *k, struct aim *aim)
{
    struct arena *a = &k->session.arena;
    int status = CLI_OK;
    if (aim->pool.n)
        status = check_rights(k, ARENA_JOIN(a, STR("/pool/"), aim->pool), pool_needs, ROLE);
    else if (aim->template_vmid && !flags_given(&k->session.cli->flags, "template"))
        status = check_rights(k, STR("/vms"), vms_needs, ROLE);
    if (status == CLI_OK && aim->template_vmid)
        status = check_template(k, aim);
    if (status == CLI_OK && aim->storage.n && aim->host.n)
        status = check_storage(k, aim->host, aim->storage);
    for (size_t i = 0; status == CLI_OK && aim->host.n && i < aim->disks_n; i++)
        status = check_storage(k, aim->host, aim->disks[i]);
    if (status == CLI_OK && aim->is_anywhere)
        status = check_rights(k, STR("/nodes"), hosts_needs, ROLE "Hosts");
    if (status == CLI_OK && aim->is_ordered)
        status = check_rights(k, STR("/"), startup_needs, ROLE "Startup");
    if (status == CLI_OK && aim->bridge.n)
        status = check_network(k, aim->host, aim->bridge, aim->vlan);
    return status;
}

static bool same_aim(const struct aim *x, const struct aim *y)
{
    bool same = x->disks_n == y->disks_n && x->is_ordered == y->is_ordered &&
                x->is_anywhere == y->is_anywhere;
    for (size_t i = 0; same && i < x->disks_n; i++)
        same = str_eq(x->disks[i], y->disks[i]);
    return same && str_eq(x->pool, y->pool) && str_eq(x->storage, y->storage) &&
           str_eq(x->host, y->host) && str_eq(x->bridge, y->bridge) && str_eq(x->vlan, y->vlan) &&
           x->template_vmid == y->template_vmid;
}

static void add_aim(struct checking *k, const struct aim *aim)
{
    for (size_t i = 0; i < k->aims_n; i++) {
        if (same_aim(&k->aims[i], aim))
            return;
    }
    if (k->aims_n < AIMS_MAX)
        k->aims[k->aims_n++] = *aim;
    else if (is_first(k, STR("aims")))
        cli_note(k->session.cli, "only the first %d kinds of declared VMs are checked", AIMS_MAX);
}

static void aim_at_node(struct checking *k, const struct node *n)
{
    const struct proxmox *p = n->proxmox;
    struct arena *a = &k->session.arena;
    uint16_t vlan = n->networks && n->networks[0] ? n->networks[0]->vlan : 0;
    if (!p || (p->endpoint.n && !str_eq(p->endpoint, k->session.endpoint.name)))
        return;
    struct aim aim = {
        .pool = arena_str(a, p->pool),
        .storage = arena_str(a, p->storage),
        .is_anywhere = str_is(p->host, "any"),
        .host = str_is(p->host, "any") ? STR("") : arena_str(a, p->host),
        .bridge = arena_str(a, p->bridge),
        .vlan = vlan ? arena_printf(a, "%u", vlan) : STR(""),
        .template_vmid = p->template_vmid,
        .is_ordered = pve_is_ordered(p),
    };
    for (uint32_t i = 0; i < p->disks_n; i++) {
        if (p->disks[i].storage.n)
            aim.disks[aim.disks_n++] = arena_str(a, p->disks[i].storage);
    }
    add_aim(k, &aim);
}

static struct str flag_text(const struct flags *f, const char *name)
{
    const char *given = flags_value(f, name);
    return given ? str_from(given) : STR("");
}

/* What the options say, or else the seed tree of its nodes. */
static int aim(struct checking *k)
{
    struct cli *c = k->session.cli;
    const struct flags *f = &c->flags;
    struct aim given = {.pool = flag_text(f, "pool"),
                        .storage = flag_text(f, "storage"),
                        .host = flag_text(f, "host"),
                        .bridge = flag_text(f, "bridge"),
                        .vlan = flag_text(f, "vlan")};
    struct config config;
    struct tree *tree;
    int status = pve_given_id(c, "template", &given.template_vmid);
    if (status != CLI_OK)
        return status;
    if (given.storage.n && !given.host.n && !given.template_vmid)
        return cli_misuse(c, "name the host of that storage with --host");
    if (!same_aim(&given, &(const struct aim){.vlan = given.vlan})) {
        add_aim(k, &given);
        return CLI_OK;
    }
    status = seedtree_configure(c, &config);
    if (status == CLI_OK && !(tree = seedtree_load(c, &config, NULL)))
        status = CLI_FAILED;
    for (uint32_t i = 0; status == CLI_OK && i < tree_node_count(tree); i++)
        aim_at_node(k, tree_node(tree, i));
    if (status == CLI_OK)
        tree_free(tree);
    return status;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int check_all(struct checking *k)
{
    struct pve_session *s = &k->session;
    struct err e;
    if (pve_version(s->pve, &s->arena, &k->version, &e) < 0)
        return pve_session_fail(s, &e);
    say(k, &(const struct finding){
               .ok = k->version.major >= 7,
               .what = arena_printf(&s->arena, "Proxmox VE %u.%u answers and knows the token",
                                    k->version.major, k->version.minor),
           });
    int status = aim(k);
    for (size_t i = 0; status == CLI_OK && i < k->aims_n; i++)
        status = check_aim(k, &k->aims[i]);
    return status;
}

static int run(struct cli *c)
{
    struct checking k = {0};
    int status = pve_session_reach(c, &k.session);
    if (status == CLI_OK)
        status = check_all(&k);
    if (status == CLI_OK && flags_given(&c->flags, "json"))
        cli_list_end(&k.json);
    pve_session_close(&k.session);
    return status == CLI_OK && k.faults ? CLI_FAILED : status;
}

const struct command command_pve_check = {
    .name = "pve check",
    .operands = "",
    .flags = FLAGS({"pool", "POOL", "the pool of the nodes' VMs, their template and storage"},
                   {"bridge", "BRIDGE", "the bridge of their network"},
                   {"vlan", "TAG", "its VLAN, if the bridge is VLAN-aware"},
                   {"template", "VMID", "the template that VMs are cloned from"},
                   {"storage", "STORAGE", "the storage of their disks, where they are full copies"},
                   {"host", "TARGET", "the host that they are made on"}, FLAG_PVE, FLAG_TOKEN,
                   FLAG_JSON),
    .summary = "check the API token, templates, storages, bridges",
    .help =
        "Checks that the token has all rights that the VMs of declared nodes need, and prints\n"
        "the commands that grant missing ones, to be run as root on the host. Templates are\n"
        "checked for settings that their clones would inherit; storages and bridges must exist.\n"
        "If options are given, only what they name is checked. The exit status is 1 if\n"
        "something is wrong.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve check\n"
        "  cloudseed pve check --pool k8s --bridge vmbr0 --vlan 20 --template 9000\n",
    .serverless = "it asks only Proxmox, and reads the seed tree",
    .run = run,
};
