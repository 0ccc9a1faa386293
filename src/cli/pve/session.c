/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/session.h"

#include "cli/pve/shape.h"
#include "cli/pve/tomb.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

static void begin(struct cli *c, struct pve_session *ret)
{
    *ret = (struct pve_session){.cli = c};
    arena_init(&ret->arena, 65536);
    ret->arena.secret = true;
}

int pve_session_host(struct pve_session *s, struct str endpoint)
{
    struct cli *c = s->cli;
    const char *given = flags_value(&c->flags, "pve");
    struct err e;
    if (!given && endpoint.n)
        given = arena_str(&s->arena, endpoint).p;
    if (pve_endpoint_load(given, flags_value(&c->flags, "token-file"), &s->arena, &s->endpoint,
                          &e) < 0)
        return cli_fail(c, "%s", e.msg);
    s->pve = pve_new(&s->endpoint);
    if (pve_session_is_dry(s))
        pve_dry_run(s->pve);
    return CLI_OK;
}

int pve_session_server(struct cli *c, struct pve_session *ret)
{
    begin(c, ret);
    return api_open(c, &ret->api);
}

int pve_session_reach(struct cli *c, struct pve_session *ret)
{
    begin(c, ret);
    return pve_session_host(ret, STR(""));
}

int pve_session_open(struct cli *c, struct pve_session *ret)
{
    int status = pve_session_reach(c, ret);
    return status == CLI_OK ? api_open(c, &ret->api) : status;
}

bool pve_session_is_dry(const struct pve_session *s)
{
    return flags_given(&s->cli->flags, "dry-run");
}

void pve_session_close(struct pve_session *s)
{
    if (s->api.cli)
        api_close(&s->api);
    pve_free(s->pve);
    arena_done(&s->arena);
}

static const char *advice(const struct err *e)
{
    switch (e->code) {
    case -EACCES:
        return ": if its certificate was replaced, compare the fingerprint and run 'cloudseed pve "
               "login' again";
    case -ETIMEDOUT: return ": it may have been done: run the command again, it looks first";
    case -EBUSY: return ": try again in a moment";
    case -EHOSTUNREACH: return ": the host that the VM is on is away";
    default: return "";
    }
}

int pve_session_fail(const struct pve_session *s, const struct err *e)
{
    return cli_fail(s->cli, "%s%s", e->msg, advice(e));
}

/* --- What our server knows -------------------------------------------------------------------- */

int pve_session_node(struct pve_session *s, const char *name, struct value *ret)
{
    struct value answer;
    int status = api_get(&s->api, api_node(&s->api, name, ""), &answer);
    if (status != CLI_OK)
        return status;
    *ret = value_copy(&s->arena, answer);
    tomb_disarm(s, *ret);
    return CLI_OK;
}

int pve_session_tell(struct pve_session *s, const char *method, struct str target,
                     struct value body, struct api_answer *ret)
{
    if (!pve_session_is_dry(s))
        return api_ask(&s->api, method, target, body, STR(""), ret);
    *ret = (struct api_answer){.status = 200};
    cli_print_line("cloudseedd: %s %.*s", method, STR_ARG(target));
    return CLI_OK;
}

int pve_session_remember(struct pve_session *s, struct str name, const struct pve_vm *vm)
{
    const struct value_pair pairs[] = {
        JSON_STR("endpoint", s->endpoint.name),
        JSON_STR("host", vm->host),
        JSON_INT("vmid", vm->vmid),
    };
    struct api_answer answer;
    return pve_session_tell(s, "POST", api_node(&s->api, arena_str(&s->arena, name).p, "vm"),
                            value_map(pairs, 3), &answer);
}

int pve_session_forget(struct pve_session *s, struct str name)
{
    struct api_answer answer;
    return pve_session_tell(s, "DELETE", api_node(&s->api, arena_str(&s->arena, name).p, "vm"),
                            (struct value){0}, &answer);
}

int pve_session_url(struct pve_session *s, struct str *ret)
{
    struct value server;
    int status = api_get(&s->api, STR("/v1/server"), &server);
    if (status == CLI_OK)
        *ret = arena_str(&s->arena, api_text(server, "url"));
    return status;
}

void pve_session_report(const struct pve_session *s, const char *name, const struct pve_vm *vm,
                        struct str message)
{
    const struct value_pair pairs[] = {
        JSON_STR("name", str_from(name)),
        JSON_INT("vmid", vm->vmid),
        JSON_STR("host", vm->host),
        JSON_STR("message", message),
    };
    if (pve_session_is_dry(s))
        return;
    if (flags_given(&s->cli->flags, "json"))
        cli_print_json(value_map(pairs, 4));
    else
        cli_print_line("%s: %.*s", name, STR_ARG(message));
}

/* --- A node's VM ------------------------------------------------------------------------------ */

int pve_given_id(const struct cli *c, const char *option, uint32_t *ret)
{
    const char *text = flags_value(&c->flags, option);
    uint64_t number = 0;
    if (text && (!str_to_u64(str_from(text), 999999999, &number) || number < 100))
        return cli_misuse(c, "--%s '%s': expected a number from 100 to 999999999", option, text);
    *ret = (uint32_t)number;
    return CLI_OK;
}

static int find_by_name(struct pve_session *s, struct str node, uint32_t *ret)
{
    struct value list;
    struct err e;
    unsigned found = 0;
    if (pve_list_vms(s->pve, &s->arena, &list, &e) < 0)
        return pve_session_fail(s, &e);
    for (uint32_t i = 0; i < list.n; i++) {
        struct value item = list.items[i];
        if (!str_eq(pve_text(item, "name", &s->arena), node) || pve_truth(item, "template"))
            continue;
        *ret = (uint32_t)pve_number(item, "vmid", 0);
        found++;
    }
    if (found == 1)
        return CLI_OK;
    return found ? cli_fail(s->cli, "%u VMs are named %.*s: choose one with --vmid", found,
                            STR_ARG(node))
                 : cli_fail(s->cli,
                            "no VM that the token sees is named %.*s: give its id with --vmid",
                            STR_ARG(node));
}

int pve_session_find(struct pve_session *s, struct value node, struct pve_vm *ret)
{
    struct value known = value_get(node, STR("vm"));
    uint32_t vmid;
    struct err e;
    int status = pve_given_id(s->cli, "vmid", &vmid);
    if (status != CLI_OK)
        return status;
    if (vmid)
        status = CLI_OK;
    else if (str_eq(api_text(known, "endpoint"), s->endpoint.name))
        vmid = (uint32_t)api_number(known, "vmid", 0);
    else if (known.kind == VALUE_MAP)
        return cli_fail(s->cli, "%.*s has a VM at %.*s: choose that with --pve",
                        STR_ARG(api_text(node, "name")), STR_ARG(api_text(known, "endpoint")));
    else
        status = find_by_name(s, api_text(node, "name"), &vmid);
    if (status != CLI_OK)
        return status;
    return pve_find_vm(s->pve, vmid, &s->arena, ret, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

bool pve_has_mac(struct value config, struct str mac)
{
    for (unsigned i = 0; i < 32; i++) {
        char key[8];
        struct card card;
        snprintf(key, sizeof(key), "net%u", i);
        struct str text = value_get_text(config, str_from(key));
        if (text.n && card_read(text, &card, NULL) == 0 && str_eq_nocase(card.mac, mac))
            return true;
    }
    return false;
}

static int match_macs(struct pve_session *s, struct value node, const struct pve_vm *vm,
                      struct value config)
{
    struct value macs = value_get(node, STR("macs"));
    for (uint32_t i = 0; macs.kind == VALUE_LIST && i < macs.n; i++) {
        if (!pve_has_mac(config, value_text(macs.items[i])))
            return cli_fail(s->cli,
                            "VM %u has no network card with the MAC %.*s of %.*s: is it another "
                            "machine?",
                            vm->vmid, STR_ARG(value_text(macs.items[i])),
                            STR_ARG(api_text(node, "name")));
    }
    return CLI_OK;
}

int pve_session_match_made(struct pve_session *s, struct value node, const struct pve_vm *vm,
                           struct value config)
{
    struct str name = api_text(node, "name"), vm_name = pve_text(config, "name", &s->arena);
    if (vm->is_template || pve_truth(config, "template"))
        return cli_fail(s->cli, "VM %u is a template: every clone would get this node's serial",
                        vm->vmid);
    if (!str_eq(vm_name, name))
        return cli_fail(s->cli,
                        "VM %u is named '%.*s', not %.*s: is it another machine? Rename it in "
                        "Proxmox if it is not",
                        vm->vmid, STR_ARG(vm_name), STR_ARG(name));
    return match_macs(s, node, vm, config);
}

int pve_session_match(struct pve_session *s, struct value node, const struct pve_vm *vm,
                      struct value config)
{
    struct str name = api_text(node, "name"), uuid = api_text(node, "uuid");
    struct smbios smbios;
    struct err e;
    int status = pve_session_match_made(s, node, vm, config);
    if (status != CLI_OK)
        return status;
    if (smbios_read(value_get_text(config, STR("smbios1")), &s->arena, &smbios, &e) < 0)
        return cli_fail(s->cli, "VM %u: %s", vm->vmid, e.msg);
    if (uuid.n && !str_eq_nocase(uuid, smbios.uuid))
        return cli_fail(s->cli, "VM %u has the uuid %.*s, and %.*s has %.*s: is it a clone?",
                        vm->vmid, STR_ARG(smbios.uuid), STR_ARG(name), STR_ARG(uuid));
    return CLI_OK;
}

bool pve_session_owns(struct pve_session *s, struct value node, struct value config)
{
    struct str text = value_get_text(config, STR("description")),
               line = arena_printf(&s->arena, "of cloudseed (uid %.*s)",
                                   STR_ARG(api_text(node, "uid")));
    return memmem(text.p, text.n, line.p, line.n) != NULL;
}

bool pve_may_be(struct pve_session *s, struct value node, struct value config)
{
    struct str mac = pve_first_mac(node, &s->arena);
    return str_eq(pve_text(config, "name", &s->arena), api_text(node, "name")) ||
           pve_has_mac(config, mac);
}

int pve_session_idle(const struct pve_session *s, struct value node, const char *option)
{
    const struct cli *c = s->cli;
    const char *name = c->operands[0];
    struct value kubernetes = value_get(node, STR("kubernetes"));
    bool has_left = kubernetes.kind == VALUE_MAP && !value_get(kubernetes, STR("ready")).b;
    if (!str_is(api_text(node, "state"), "ready") || has_left || flags_given(&c->flags, option))
        return CLI_OK;
    return cli_fail(c,
                    "%s is ready: run 'kubectl drain %s --ignore-daemonsets "
                    "--delete-emptydir-data' and 'kubectl delete node %s', or give --%s if nothing "
                    "runs on it",
                    name, name, name, option);
}

int pve_session_rebuildable(const struct pve_session *s, struct value node)
{
    struct str state = api_text(node, "state");
    bool is_master = str_is(api_text(node, "bootstrap"), "master");
    if (is_master && (str_is(state, "ready") || str_is(state, "joining")))
        return cli_fail(s->cli,
                        "%s is a master: remove its etcd member and its Node from the cluster "
                        "first, then disarm, reset and arm it",
                        s->cli->operands[0]);
    return pve_session_idle(s, node, "drained");
}

int pve_session_confirm(const struct pve_session *s, struct str what)
{
    const struct cli *c = s->cli;
    const char *name = c->operands[0];
    char answer[80];
    if (flags_given(&c->flags, "yes") || pve_session_is_dry(s))
        return CLI_OK;
    if (!isatty(STDIN_FILENO))
        return cli_misuse(c, "this %.*s: confirm it with --yes", STR_ARG(what));
    fprintf(stderr, "This %.*s. Type the node's name to go on: ", STR_ARG(what));
    if (fgets(answer, sizeof(answer), stdin) && strncmp(answer, name, strlen(name)) == 0 &&
        answer[strlen(name)] == '\n')
        return CLI_OK;
    return cli_fail(c, "not confirmed: nothing was done");
}
