/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/act.h"

#include <errno.h>

#define TASK_MS 120000
#define SHUTDOWN_MS 240000
#define RUNNING_MS 60000

/* A VM under HA is started and stopped later than its task ends, and another client may have been
 * faster: only the VM's own state counts. */
static int state_is(struct pve_session *s, const struct pve_vm *vm, const char *state, bool *ret,
                    struct err *e)
{
    struct value current;
    int r = pve_get(s->pve, pve_vm_path(vm, "/status/current", &s->arena), &s->arena, &current, e);
    *ret = r == 0 && str_is(value_get_text(current, STR("status")), state);
    return r;
}

static int await_state(struct pve_session *s, const struct pve_vm *vm, const char *state,
                       struct err *e)
{
    bool there = false;
    int r = 0;
    for (unsigned waited = 0; r == 0 && !there && waited < RUNNING_MS; waited += PVE_PAUSE_MS) {
        if (waited)
            pve_pause();
        r = state_is(s, vm, state, &there, e);
    }
    return r < 0 || there ? r : err_set(e, -ETIMEDOUT, "VM %u is not %s yet", vm->vmid, state);
}

struct power {
    const char *action; /* of the API: "start" */
    const char *state;  /* that it leads to */
    uint32_t within_ms;
    bool forces; /* shutdown: cuts its power if it does not obey */
};

static int act(struct pve_session *s, const struct pve_vm *vm, const struct power *power,
               struct err *e)
{
    static const struct pve_field forcing[] = {{"timeout", STR("60")}, {"forceStop", STR("1")}};
    struct str path = pve_vm_path(vm, "/status/", &s->arena);
    const struct pve_request q = {
        .method = "POST",
        .path = ARENA_JOIN(&s->arena, path, str_from(power->action)),
        .fields = forcing,
        .fields_n = power->forces ? 2 : 0,
    };
    unsigned warnings = 0;
    bool there;
    if (pve_session_is_dry(s))
        return pve_do(s->pve, &q, power->within_ms, &warnings, e);
    int r = state_is(s, vm, power->state, &there, e);
    if (r < 0 || there)
        return r;
    r = pve_do(s->pve, &q, power->within_ms, &warnings, e);
    if (r < 0) { /* "VM 101 already running" is what was asked for */
        struct err other;
        if (state_is(s, vm, power->state, &there, &other) == 0 && there)
            return 0;
        return r;
    }
    if (warnings)
        cli_note(s->cli, "VM %u: the task has %u warning%s: see its log in Proxmox", vm->vmid,
                 warnings, warnings == 1 ? "" : "s");
    return await_state(s, vm, power->state, e);
}

static const struct power power_on = {"start", "running", TASK_MS, false},
                          power_off = {"stop", "stopped", TASK_MS, false},
                          power_down = {"shutdown", "stopped", SHUTDOWN_MS, false},
                          power_down_at_last = {"shutdown", "stopped", SHUTDOWN_MS, true};

int pve_start(struct pve_session *s, const struct pve_vm *vm)
{
    struct err e;
    return act(s, vm, &power_on, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

int pve_stop_hard(struct pve_session *s, const struct pve_vm *vm)
{
    struct err e;
    return act(s, vm, &power_off, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

int pve_shut_down(struct pve_session *s, const struct pve_vm *vm)
{
    struct err e;
    return act(s, vm, &power_down_at_last, &e) < 0 ? pve_session_fail(s, &e) : CLI_OK;
}

static int run(struct cli *c, const struct power *power)
{
    struct pve_session s;
    struct pve_vm vm;
    struct value node;
    struct err e;
    int status = pve_session_open(c, &s);
    if (status == CLI_OK)
        status = pve_session_node(&s, c->operands[0], &node);
    if (status == CLI_OK)
        status = pve_session_find(&s, node, &vm);
    if (status == CLI_OK && act(&s, &vm, power, &e) < 0)
        status = pve_session_fail(&s, &e);
    if (status == CLI_OK)
        pve_session_report(
            &s, c->operands[0], &vm,
            arena_printf(&s.arena, "VM %u on %.*s is %s", vm.vmid, STR_ARG(vm.host), power->state));
    pve_session_close(&s);
    return status;
}

static int run_start(struct cli *c)
{
    return run(c, &power_on);
}

static int run_stop(struct cli *c)
{
    return run(c, flags_given(&c->flags, "hard") ? &power_off : &power_down);
}

const struct command command_pve_start = {
    .name = "pve start",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS(FLAG_VMID, FLAG_DRY_RUN, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "start a node's VM",
    .help =
        "Waits until the VM runs; a running VM is not touched. The token needs VM.PowerMgmt for\n"
        "the VM.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve start k8s-worker-2 && cloudseed wait k8s-worker-2\n",
    .run = run_start,
};

const struct command command_pve_stop = {
    .name = "pve stop",
    .operands = "NODE",
    .operands_min = 1,
    .operands_max = 1,
    .flags = FLAGS({"hard", NULL, "cut its power instead of asking it to shut down"}, FLAG_VMID,
                   FLAG_DRY_RUN, FLAG_PVE, FLAG_TOKEN, FLAG_JSON),
    .summary = "stop a node's VM",
    .help =
        "Shuts the machine down and waits until it is off. Changes that wait for a cold start,\n"
        "such as a new serial, take effect when it is started again.\n"
        "\n"
        "Examples:\n"
        "  cloudseed pve stop k8s-worker-2\n"
        "  cloudseed pve stop k8s-worker-2 --hard\n",
    .run = run_stop,
};
