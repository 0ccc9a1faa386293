/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/pve.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/common/cli.h"
#include "cli/pve/props.h"
#include "crypto/random.h"
#include "net/fetch/once.h"
#include "wire/uri.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#define CONNECT_MS 10000
#define WHOLE_MS 60000               /* the API's own proxy gives up after 30 s */
#define FILE_MS (6 * 60 * 60 * 1000) /* a file that is sent over a slow line */
#define ANSWER_MAX_BYTES ((size_t)64 << 20)
#define READ_TRIES 5
#define POLL_FIRST_MS 100
#define POLL_MAX_MS 2000
/* A task may not be found right after its begin, and a host may restart its API. */
#define UNSEEN_MS 20000

struct pve {
    struct once *once;
    struct arena arena; /* of what follows */
    struct str name, url, authorization;
    bool is_dry;
};

struct pve *pve_new(const struct pve_endpoint *endpoint)
{
    const struct once_access access = {.ca = endpoint->ca, .answer_max_bytes = ANSWER_MAX_BYTES};
    struct pve *p = MEM_NEW(struct pve);
    arena_init(&p->arena, 4096);
    p->arena.secret = true;
    p->once = once_new(&access);
    p->name = arena_str(&p->arena, endpoint->name);
    p->url = ARENA_JOIN(&p->arena, endpoint->url, STR("/api2/json"));
    p->authorization = ARENA_JOIN(&p->arena, STR("PVEAPIToken="), endpoint->token);
    return p;
}

void pve_free(struct pve *p)
{
    if (!p)
        return;
    once_free(p->once);
    arena_done(&p->arena);
    free(p);
}

void pve_dry_run(struct pve *p)
{
    p->is_dry = true;
}

static void pause_ms(unsigned ms)
{
    uint16_t part;
    random_bytes(&part, sizeof(part));
    /* Half of it is random, so that several do not ask in step. */
    unsigned all = ms / 2 + part % (ms / 2 + 1);
    const struct timespec t = {all / 1000, (long)(all % 1000) * 1000000};
    nanosleep(&t, NULL);
}

void pve_pause(void)
{
    pause_ms(PVE_PAUSE_MS);
}

/* --- What it answers ------------------------------------------------------------------------ */

int64_t pve_number(struct value map, const char *member, int64_t other)
{
    struct value v = value_get(map, str_from(member));
    char text[64], *end;
    double f;
    if (v.kind == VALUE_INT)
        return v.i;
    if (v.kind == VALUE_STR && v.n && v.n < sizeof(text)) {
        memcpy(text, v.s, v.n);
        text[v.n] = 0;
        f = strtod(text, &end);
        if (*end)
            return other;
    } else if (v.kind == VALUE_FLOAT) {
        f = v.f;
    } else {
        return other;
    }
    return fabs(f) < 9e15 ? (int64_t)f : other;
}

bool pve_truth(struct value map, const char *member)
{
    struct value v = value_get(map, str_from(member));
    return v.kind == VALUE_BOOL ? v.b : pve_number(map, member, 0) != 0;
}

struct str pve_text(struct value map, const char *member, struct arena *a)
{
    struct value v = value_get(map, str_from(member));
    if (v.kind == VALUE_STR)
        return value_text(v);
    if (v.kind == VALUE_INT || v.kind == VALUE_FLOAT)
        return arena_printf(a, "%lld", (long long)pve_number(map, member, 0));
    return STR("");
}

/* --- Refusals ------------------------------------------------------------------------------- */

/* Locks that others hold for a while: the same request may be taken later. */
static bool is_lock(struct str text)
{
    static const char *const signs[] = {"got timeout",  "got lock request timeout", "no quorum!",
                                        "VM is locked", "can't lock file",          NULL};
    for (size_t i = 0; signs[i]; i++) {
        if (memmem(text.p, text.n, signs[i], strlen(signs[i])))
            return true;
    }
    return false;
}

static bool is_missing(struct str text)
{
    return memmem(text.p, text.n, "does not exist", 14) && str_starts(text, STR("Configuration"));
}

static int code_of(int status, struct str text)
{
    if (status == 401 || status == 403)
        return -EPERM;
    if (status == 400)
        return -EINVAL;
    if (status == 595)
        return -EHOSTUNREACH;
    if (status >= 596)
        return -ETIMEDOUT;
    if (is_lock(text))
        return -EBUSY;
    return is_missing(text) ? -ENOENT : -EIO;
}

/* "smbios1: value may only be 512 characters long" of each parameter that is wrong. */
static struct str errors_text(struct value errors, struct arena *a)
{
    struct str text = STR("");
    for (uint32_t i = 0; errors.kind == VALUE_MAP && i < errors.n; i++) {
        const struct value_pair *at = &errors.pairs[i];
        struct str why = at->value.kind == VALUE_STR ? value_text(at->value) : STR("?");
        text = ARENA_JOIN(a, text, i ? STR("; ") : STR(""), value_text(at->key), STR(": "),
                          str_trim(why));
    }
    return text;
}

/* The message is in the body since 8.4, before only in the status line. */
static int refuse(const struct once_answer *answer, struct value body, struct arena *a,
                  struct err *e)
{
    struct str message = str_trim(value_get_text(body, STR("message")));
    struct str errors = errors_text(value_get(body, STR("errors")), a);
    if (!message.n)
        message = answer->reason;
    if (errors.n)
        message = errors;
    if (answer->status == 401)
        message = STR("401: the API token is not valid: wrong, expired, disabled or removed");
    struct str shown = message.n ? message : STR("no reason given");
    int code = code_of(answer->status, message);
    return answer->status == 401 ? err_set(e, code, "%.*s", STR_ARG(shown))
                                 : err_set(e, code, "%d: %.*s", answer->status, STR_ARG(shown));
}

/* --- Requests ------------------------------------------------------------------------------- */

/* Everything is encoded: the API's parser ends a pair at ';' and a value at a second '='. */
static struct str form_of(const struct pve_request *q, struct arena *a)
{
    struct str text = STR("");
    for (size_t i = 0; i < q->fields_n; i++)
        text = ARENA_JOIN(a, text, i ? STR("&") : STR(""),
                          uri_encode_segment(str_from(q->fields[i].name), a), STR("="),
                          uri_encode_segment(q->fields[i].value, a));
    return text;
}

static bool is_read(const struct pve_request *q)
{
    return strcmp(q->method, "GET") == 0;
}

/* The API takes the file from a part of that name, and only as the last one: it does not look at
 * what follows. */
static struct once_form file_form(const struct pve_request *q, struct arena *a)
{
    struct once_header *fields = ARENA_ARRAY(a, struct once_header, q->fields_n);
    for (size_t i = 0; i < q->fields_n; i++)
        fields[i] = (struct once_header){str_from(q->fields[i].name), q->fields[i].value};
    return (struct once_form){
        .fields = fields,
        .fields_n = q->fields_n,
        .name = "filename",
        .file_name = q->file->name,
        .fd = q->file->fd,
        .size = q->file->size,
        .on_read = q->file->on_read,
        .cls = q->file->cls,
    };
}

static int ask_once(struct pve *p, const struct pve_request *q, struct arena *a, struct value *ret,
                    struct err *e)
{
    const struct once_header headers[] = {{STR("Authorization"), p->authorization}};
    bool in_body = strcmp(q->method, "POST") == 0 || strcmp(q->method, "PUT") == 0;
    struct str form = form_of(q, a);
    struct once_request sent = {
        .method = q->method,
        .url = ARENA_JOIN(a, p->url, q->path, !in_body && form.n ? STR("?") : STR(""),
                          in_body ? STR("") : form),
        .headers = headers,
        .headers_n = 1,
        .type = in_body ? STR("application/x-www-form-urlencoded") : (struct str){NULL, 0},
        .body = form,
        .fresh = !is_read(q),
        .connect_ms = CONNECT_MS,
        .whole_ms = WHOLE_MS,
    };
    struct once_answer answer;
    struct once_form file;
    struct value body = {0};
    if (q->file) {
        file = file_form(q, a);
        sent.form = &file;
        sent.whole_ms = FILE_MS;
        sent.silence_ms = WHOLE_MS;
    }
    int r = once_ask(p->once, &sent, a, &answer, e);
    if (r < 0) /* a lost answer */
        return e->code = r == -EIO ? -ETIMEDOUT : r;
    if (answer.body.n && json_read(answer.body, a, &body, e) < 0 && answer.status == 200)
        return err_set(e, -ETIMEDOUT, "its answer is not JSON: is that Proxmox VE?");
    if (answer.status != 200)
        return refuse(&answer, body, a, e);
    *ret = value_get(body, STR("data"));
    return 0;
}

static void print_request(const struct pve_request *q, struct arena *a)
{
    cli_print_line("%s %.*s", q->method, STR_ARG(q->path));
    for (size_t i = 0; i < q->fields_n; i++) {
        const struct pve_field *f = &q->fields[i];
        struct str value = strcmp(f->name, "smbios1") == 0 ? smbios_shown(f->value, a) : f->value;
        cli_print_line("    %s=%.*s", f->name, STR_ARG(value));
    }
    if (q->file)
        cli_print_line("    filename=%s (%llu bytes)", q->file->name,
                       (unsigned long long)q->file->size);
}

int pve_ask(struct pve *p, const struct pve_request *q, struct arena *a, struct value *ret,
            struct err *e)
{
    struct value data = {0};
    int r = 0;
    if (p->is_dry && !is_read(q)) {
        print_request(q, a);
        *ret = data;
        return 0;
    }
    for (unsigned tries = 0; tries < (is_read(q) ? READ_TRIES : 1); tries++) {
        if (tries)
            pause_ms(PVE_PAUSE_MS << tries);
        r = ask_once(p, q, a, &data, e);
        if (r != -ETIMEDOUT && r != -EBUSY)
            break;
    }
    if (r < 0)
        return err_prefix(e, "%.*s", STR_ARG(p->name));
    *ret = data;
    return 0;
}

int pve_get(struct pve *p, struct str path, struct arena *a, struct value *ret, struct err *e)
{
    return pve_ask(p, &(const struct pve_request){.method = "GET", .path = path}, a, ret, e);
}

/* --- Tasks ---------------------------------------------------------------------------------- */

/* "UPID:pve1:…": the host is the second part. */
static struct str task_path(struct str upid, struct arena *a)
{
    struct str rest = upid;
    str_cut(&rest, ':');
    return ARENA_JOIN(a, STR("/nodes/"), str_cut(&rest, ':'), STR("/tasks/"),
                      uri_encode_segment(upid, a), STR("/status"));
}

static int task_ended(struct value status, unsigned *ret_warnings, struct err *e)
{
    struct str how = value_get_text(status, STR("exitstatus")), count = how;
    uint64_t n = 0;
    if (str_is(how, "OK"))
        return 0;
    if (str_starts(how, STR("WARNINGS: "))) {
        str_to_u64(str_skip(count, 10), UINT32_MAX, &n);
        *ret_warnings = (unsigned)n;
        return 0;
    }
    return err_set(e, is_lock(how) ? -EBUSY : -EIO, "%.*s", STR_ARG(how.n ? how : STR("failed")));
}

int pve_wait(struct pve *p, struct str upid, uint32_t within_ms, unsigned *ret_warnings,
             struct err *e)
{
    uint64_t began = clock_boot_ms(), seen = began, now;
    unsigned pause = POLL_FIRST_MS;
    struct value status;
    struct arena a;
    int r;
    *ret_warnings = 0;
    arena_init(&a, 16384);
    for (;; pause = pause < POLL_MAX_MS ? pause * 2 : POLL_MAX_MS) {
        arena_reset(&a);
        r = pve_get(p, task_path(upid, &a), &a, &status, e);
        now = clock_boot_ms();
        if (r == 0 && str_is(value_get_text(status, STR("status")), "stopped")) {
            r = task_ended(status, ret_warnings, e);
            break;
        }
        if (r == 0)
            seen = now;
        else if (now - seen > UNSEEN_MS) {
            r = e->code = -ETIMEDOUT;
            break;
        }
        if (now - began > within_ms) {
            r = err_set(e, -ETIMEDOUT, "the task still runs after %u s: %.*s", within_ms / 1000,
                        STR_ARG(upid));
            break;
        }
        pause_ms(pause);
    }
    arena_done(&a);
    return r;
}

int pve_do(struct pve *p, const struct pve_request *q, uint32_t within_ms, unsigned *ret_warnings,
           struct err *e)
{
    struct value data;
    struct arena a;
    arena_init(&a, 4096);
    *ret_warnings = 0;
    int r = pve_ask(p, q, &a, &data, e);
    if (r == 0 && data.kind == VALUE_STR && str_starts(value_text(data), STR("UPID:")))
        r = pve_wait(p, value_text(data), within_ms, ret_warnings, e);
    arena_done(&a);
    return r;
}

/* --- Version, VMs ---------------------------------------------------------------------------- */

int pve_version(struct pve *p, struct arena *a, struct pve_version *ret, struct err *e)
{
    struct value v;
    int r = pve_get(p, STR("/version"), a, &v, e);
    if (r < 0)
        return r;
    struct str text = value_get_text(v, STR("version")), rest = text;
    struct str major = str_cut(&rest, '.'), minor = str_cut(&rest, '.');
    uint64_t n = 0, m = 0;
    if (!str_to_u64(major, 99, &n) || !str_to_u64(minor.p ? minor : STR("0"), 99, &m))
        return err_set(e, -EIO, "%.*s: its version is '%.*s': is that Proxmox VE?",
                       STR_ARG(p->name), STR_ARG(text));
    *ret = (struct pve_version){(unsigned)n, (unsigned)m};
    return 0;
}

int pve_rights(struct pve *p, struct str path, struct arena *a, struct value *ret, struct err *e)
{
    const struct pve_field fields[] = {{"path", path}};
    const struct pve_request q = {"GET", STR("/access/permissions"), fields, 1};
    struct value answer;
    int r = pve_ask(p, &q, a, &answer, e);
    if (r == 0)
        *ret = value_get(answer, path);
    return r;
}

int pve_next_id(struct pve *p, uint32_t *ret, struct err *e)
{
    struct value answer;
    struct arena a;
    arena_init(&a, 1024);
    int64_t id = 0;
    int r = pve_get(p, STR("/cluster/nextid"), &a, &answer, e);
    if (r == 0) {
        const struct value_pair pair[] = {{value_str(STR("id")), answer}};
        id = pve_number(value_map(pair, 1), "id", 0);
    }
    arena_done(&a);
    if (r < 0)
        return r;
    if (id < 100 || id > 999999999)
        return err_set(e, -EIO, "%.*s: it says no id that is free", STR_ARG(p->name));
    *ret = (uint32_t)id;
    return 0;
}

int pve_id_is_taken(struct pve *p, uint32_t vmid, bool *ret, struct err *e)
{
    struct value answer;
    struct arena a;
    arena_init(&a, 1024);
    const struct pve_field fields[] = {{"vmid", arena_printf(&a, "%u", vmid)}};
    const struct pve_request q = {"GET", STR("/cluster/nextid"), fields, 1};
    int r = pve_ask(p, &q, &a, &answer, e);
    arena_done(&a);
    if (r < 0 && r != -EINVAL)
        return r;
    *ret = r == -EINVAL;
    return 0;
}

static struct pve_vm vm_of(struct value item, struct arena *a)
{
    return (struct pve_vm){
        .vmid = (uint32_t)pve_number(item, "vmid", 0),
        .host = pve_text(item, "node", a),
        .name = pve_text(item, "name", a),
        .status = pve_text(item, "status", a),
        .is_template = pve_truth(item, "template"),
    };
}

static int list_resources(struct pve *p, const struct pve_field *fields, size_t n, struct arena *a,
                          struct value *ret, struct err *e)
{
    const struct pve_request q = {"GET", STR("/cluster/resources"), fields, n};
    struct value list;
    int r = pve_ask(p, &q, a, &list, e);
    if (r == 0)
        *ret = list.kind == VALUE_LIST ? list : value_list(NULL, 0);
    return r;
}

int pve_list_resources(struct pve *p, struct arena *a, struct value *ret, struct err *e)
{
    return list_resources(p, NULL, 0, a, ret, e);
}

int pve_list_vms(struct pve *p, struct arena *a, struct value *ret, struct err *e)
{
    const struct pve_field fields[] = {{"type", STR("vm")}};
    return list_resources(p, fields, 1, a, ret, e);
}

int pve_find_vm(struct pve *p, uint32_t vmid, struct arena *a, struct pve_vm *ret, struct err *e)
{
    struct value list = {0};
    int r = pve_list_vms(p, a, &list, e);
    for (uint32_t i = 0; r == 0 && i < list.n; i++) {
        if (pve_number(list.items[i], "vmid", 0) == vmid &&
            str_is(pve_text(list.items[i], "type", a), "qemu")) {
            *ret = vm_of(list.items[i], a);
            return 0;
        }
    }
    return r < 0 ? r
                 : err_set(e, -ENOENT,
                           "%.*s: there is no VM %u that the token sees: does it have VM.Audit "
                           "there, or is the VM not in its pool?",
                           STR_ARG(p->name), vmid);
}

struct str pve_vm_path(const struct pve_vm *vm, const char *more, struct arena *a)
{
    return arena_printf(a, "/nodes/%.*s/qemu/%u%s", STR_ARG(vm->host), vm->vmid, more);
}

int pve_vm_config(struct pve *p, const struct pve_vm *vm, struct arena *a, struct value *ret,
                  struct err *e)
{
    return pve_get(p, pve_vm_path(vm, "/config", a), a, ret, e);
}
