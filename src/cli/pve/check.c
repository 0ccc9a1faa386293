/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "cli/common/term.h"
#include "cli/pve/session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define PRIVS_MAX 24
#define ROLE "Cloudseed"

struct checking {
    struct pve_session session;
    struct pve_version version;
    struct cli_list json;
    unsigned faults;
};

/* What a path is needed for, and the rights there; `since` and `until` are major versions. */
struct need {
    const char *priv;
    unsigned since;
    const char *why;
};

static const struct need pool_needs[] = {
    {"VM.Audit", 7, "see VMs"},
    {"VM.Allocate", 7, "make and remove VMs"},
    {"VM.Clone", 7, "clone the template"},
    {"VM.PowerMgmt", 7, "start and stop VMs"},
    {"VM.Config.CPU", 7, "set cores"},
    {"VM.Config.Memory", 7, "set memory"},
    {"VM.Config.Disk", 7, "set and grow disks"},
    {"VM.Config.Network", 7, "set MACs and VLANs"},
    {"VM.Config.HWType", 7, "set the SMBIOS serial"},
    {"VM.Config.Options", 7, "set names, tags and the agent"},
    {"VM.Config.Cloudinit", 7, "remove what a template brings for cloud-init"},
    {"Datastore.AllocateSpace", 7, "make disks on storages in the pool"},
    {"Pool.Audit", 7, "see the pool"},
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
    struct str what;
    struct str how[COMMANDS_MAX]; /* commands for root on the host, that mend it */
    size_t how_n;
};

static void say_json(struct checking *k, const struct finding *f)
{
    struct value how[COMMANDS_MAX];
    for (size_t i = 0; i < f->how_n; i++)
        how[i] = value_str(f->how[i]);
    const struct value_pair pairs[] = {JSON_BOOL("ok", f->ok), JSON_STR("what", f->what),
                                       JSON_VALUE("how", value_list(how, f->ok ? 0 : f->how_n))};
    cli_list_item(&k->json, value_map(pairs, 3));
}

static void say(struct checking *k, const struct finding *f)
{
    struct cli *c = k->session.cli;
    bool is_red = c->color_out && !f->ok;
    k->faults += !f->ok;
    if (flags_given(&c->flags, "json")) {
        say_json(k, f);
        return;
    }
    cli_print_line("%s%s%s %.*s", is_red ? TERM_RED : "", f->ok ? "ok  " : "FAIL",
                   is_red ? TERM_PLAIN : "", STR_ARG(f->what));
    for (size_t i = 0; !f->ok && i < f->how_n; i++)
        cli_print_line("     %.*s", STR_ARG(f->how[i]));
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
    const struct pve_field fields[] = {{"path", path}};
    const struct pve_request q = {"GET", STR("/access/permissions"), fields, 1};
    struct value answer;
    struct err e;
    if (pve_ask(s->pve, &q, &s->arena, &answer, &e) < 0)
        return pve_session_fail(s, &e);
    struct str missing = missing_at(k, value_get(answer, path), needs);
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

static void say_option(struct checking *k, bool ok, const char *what, struct str how)
{
    say(k, &(const struct finding){ok, str_from(what), {how}, 1});
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
    if (str_is(pve_text(config, "bios", a), "ovmf"))
        say_option(k, value_get(config, STR("rng0")).kind != VALUE_UNDEFINED,
                   "it has a VirtIO RNG, without which UEFI boots from no network",
                   arena_printf(a, "qm set %u --rng0 source=/dev/urandom", vm->vmid));
}

static int check_template(struct checking *k, const char *text)
{
    struct pve_session *s = &k->session;
    struct value config;
    struct pve_vm vm;
    struct err e;
    uint64_t vmid;
    if (!str_to_u64(str_from(text), 999999999, &vmid))
        return cli_misuse(s->cli, "--template '%s': expected a VM's id", text);
    int r = pve_find_vm(s->pve, (uint32_t)vmid, &s->arena, &vm, &e);
    if (r == 0)
        r = pve_vm_config(s->pve, &vm, &s->arena, &config, &e);
    if (r == -ENOENT || r == -EPERM) {
        say_option(k, false, e.msg, STR("pveum pool modify POOL --vms VMID"));
        return CLI_OK;
    }
    if (r < 0)
        return pve_session_fail(s, &e);
    check_template_options(k, &vm, config);
    return CLI_OK;
}

/* --- All of it -------------------------------------------------------------------------------- */

static int check_all(struct checking *k)
{
    struct pve_session *s = &k->session;
    const struct flags *f = &s->cli->flags;
    const char *pool = flags_value(f, "pool"), *bridge = flags_value(f, "bridge"),
               *vlan = flags_value(f, "vlan"), *template = flags_value(f, "template");
    struct err e;
    int status = CLI_OK;
    if (pve_version(s->pve, &s->arena, &k->version, &e) < 0)
        return pve_session_fail(s, &e);
    say(k, &(const struct finding){
               .ok = k->version.major >= 7,
               .what = arena_printf(&s->arena, "Proxmox VE %u.%u answers and knows the token",
                                    k->version.major, k->version.minor),
           });
    if (pool)
        status = check_rights(k, arena_printf(&s->arena, "/pool/%s", pool), pool_needs, ROLE);
    if (status == CLI_OK && bridge && k->version.major >= 8)
        status = check_rights(k,
                              arena_printf(&s->arena, "/sdn/zones/localnetwork/%s%s%s", bridge,
                                           vlan ? "/" : "", vlan ? vlan : ""),
                              network_needs, ROLE "Network");
    if (status == CLI_OK && template)
        status = check_template(k, template);
    return status;
}

static int run(struct cli *c)
{
    struct checking k = {0};
    int status = pve_session_open(c, &k.session);
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
                   {"vlan", "TAG", "its VLAN, where the bridge has some"},
                   {"template", "VMID", "the template that VMs are cloned from"}, FLAG_PVE,
                   FLAG_TOKEN, FLAG_JSON),
    .summary = "check what a token may do, and a template",
    .help =
        "Asks the host what rights the token has, and prints the commands that give it what it\n"
        "lacks, for root on the host. A template is looked at for what its clones would\n"
        "inherit. The exit status is 1 if something is wrong.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve check --pool k8s --bridge vmbr0 --vlan 20 --template 9000\n",
    .run = run,
};
