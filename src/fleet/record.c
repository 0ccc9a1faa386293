/* SPDX-License-Identifier: Apache-2.0 */
#include "fleet/record.h"

#include "base/json.h"
#include "fleet/fields.h"
#include "model/node.h"

#include <errno.h>

#define VERSION 1

const char *const node_state_names[] = {"registered", "armed", "installing", "booting", "up",
                                        "joining",    "ready", "failed",     NULL};

void record_init(struct record *r)
{
    *r = (struct record){.generation = NODE_FIRST_GENERATION};
}

static void copy_host_keys(struct host_key *keys, uint32_t n, struct arena *a)
{
    for (uint32_t i = 0; i < n; i++) {
        keys[i].kind = arena_str(a, keys[i].kind);
        keys[i].key = arena_str(a, keys[i].key);
    }
}

static const struct tombstone *copy_tombstones(const struct tombstone *from, uint32_t n,
                                               struct arena *a)
{
    struct tombstone *list = n ? ARENA_ARRAY(a, struct tombstone, n) : NULL;
    for (uint32_t i = 0; i < n; i++) {
        list[i] = from[i];
        list[i].vm.endpoint = arena_str(a, from[i].vm.endpoint);
        list[i].vm.host = arena_str(a, from[i].vm.host);
    }
    return list;
}

void record_copy(const struct record *from, struct arena *a, struct record *ret)
{
    *ret = *from;
    if (!ret->has_window)
        ret->window = (struct window){0};
    if (!ret->has_boot)
        ret->boot = (struct boot){0};
    struct str *const texts[] = {
        &ret->name,
        &ret->stage,
        &ret->reason,
        &ret->log,
        &ret->away,
        &ret->waits,
        &ret->alarm,
        &ret->alarm_detail,
        &ret->machine,
        &ret->joined_claim,
        &ret->hostname,
        &ret->fqdn,
        &ret->instance_id,
        &ret->vm.endpoint,
        &ret->vm.host,
        &ret->window.boot_id,
        &ret->window.claim,
        &ret->window.uuid,
        &ret->window.join_key,
        &ret->window.window_key,
        &ret->window.pin,
        &ret->boot.stage,
        &ret->boot.failed,
        &ret->boot.window_key,
        &ret->boot.key_boot_id,
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
        *texts[i] = texts[i]->n ? arena_str(a, *texts[i]) : STR("");
    ret->tombstones = copy_tombstones(ret->tombstones, ret->tombstones_n, a);
    copy_host_keys(ret->host_keys, ret->host_keys_n, a);
    copy_host_keys(ret->offered_keys, ret->offered_keys_n, a);
}

bool record_awaits_disk(const struct record *r)
{
    bool is_built = r->state == STATE_INSTALLING || r->state == STATE_BOOTING ||
                    (r->state == STATE_FAILED && r->has_window);
    return is_built && r->installer && !r->installed;
}

uint64_t window_left_ms(const struct window *w, const struct moment *now)
{
    if (str_eq(w->boot_id, now->boot_id))
        return w->ends_boot_ms > now->boot_ms ? w->ends_boot_ms - now->boot_ms : 0;
    int64_t passed = now->wall_ms - w->opened_wall_ms;
    if (passed < 0)
        passed = 0;
    return (uint64_t)passed < w->length_ms ? w->length_ms - (uint64_t)passed : 0;
}

uint64_t old_key_left_ms(const struct boot *b, const struct moment *now)
{
    const struct window as_window = {.opened_wall_ms = b->key_closed_wall_ms,
                                     .length_ms = OLD_KEY_MS,
                                     .ends_boot_ms = b->key_ends_boot_ms,
                                     .boot_id = b->key_boot_id};
    return b->window_key.n ? window_left_ms(&as_window, now) : 0;
}

/* --- Writing --------------------------------------------------------------------------------- */

static struct value window_value(const struct window *w, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("opened_ms"), value_int(w->opened_wall_ms));
    fields_put(&m, STR("length_ms"), value_int((int64_t)w->length_ms));
    fields_put(&m, STR("ends_boot_ms"), value_int((int64_t)w->ends_boot_ms));
    fields_text(&m, STR("boot_id"), w->boot_id);
    fields_text(&m, STR("join_key"), w->join_key);
    fields_text(&m, STR("window_key"), w->window_key);
    fields_text(&m, STR("claim"), w->claim);
    fields_text(&m, STR("uuid"), w->uuid);
    fields_text(&m, STR("pin"), w->pin);
    return fields_value(&m, a);
}

static struct value boot_value(const struct boot *b, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("began_ms"), value_int(b->began_wall_ms));
    fields_put(&m, STR("last_ms"), value_int(b->last_wall_ms));
    fields_count(&m, STR("events"), b->events);
    fields_count(&m, STR("warnings"), b->warnings);
    fields_text(&m, STR("stage"), b->stage);
    fields_text(&m, STR("failed"), b->failed);
    if (b->window_key.n) {
        fields_put(&m, STR("window_key"), value_str(b->window_key));
        fields_put(&m, STR("key_closed_ms"), value_int(b->key_closed_wall_ms));
        fields_put(&m, STR("key_ends_boot_ms"), value_int((int64_t)b->key_ends_boot_ms));
        fields_text(&m, STR("key_boot_id"), b->key_boot_id);
    }
    fields_flag(&m, STR("finished"), b->finished);
    fields_flag(&m, STR("reboot"), b->reboot);
    return fields_value(&m, a);
}

static void put_vm(struct fields *m, const struct vm *v)
{
    fields_put(m, STR("endpoint"), value_str(v->endpoint));
    fields_text(m, STR("host"), v->host);
    fields_put(m, STR("vmid"), value_int(v->vmid));
}

static struct value vm_value(const struct vm *v, struct arena *a)
{
    struct fields m = {.n = 0};
    put_vm(&m, v);
    return fields_value(&m, a);
}

static struct value tombstones_value(const struct record *r, struct arena *a)
{
    struct value *list = ARENA_ARRAY(a, struct value, r->tombstones_n);
    for (uint32_t i = 0; i < r->tombstones_n; i++) {
        struct fields m = {.n = 0};
        put_vm(&m, &r->tombstones[i].vm);
        fields_put(&m, STR("generation"), value_int(r->tombstones[i].generation));
        list[i] = fields_value(&m, a);
    }
    return value_list(list, r->tombstones_n);
}

static struct value host_keys_value(const struct host_key *keys, uint32_t n, struct arena *a)
{
    struct value_pair *list = ARENA_ARRAY(a, struct value_pair, n);
    for (uint32_t i = 0; i < n; i++)
        list[i] = (struct value_pair){value_str(keys[i].kind), value_str(keys[i].key)};
    return value_map(list, n);
}

struct value record_value(const struct record *r, struct arena *a)
{
    struct fields m = {.n = 0};
    fields_put(&m, STR("v"), value_int(VERSION));
    fields_text(&m, STR("name"), r->name);
    fields_put(&m, STR("state"), value_str(str_from(node_state_names[r->state])));
    fields_put(&m, STR("since_ms"), value_int(r->since_wall_ms));
    fields_text(&m, STR("stage"), r->stage);
    fields_text(&m, STR("reason"), r->reason);
    fields_text(&m, STR("log"), r->log);
    fields_put(&m, STR("generation"), value_int(r->generation));
    fields_count(&m, STR("alarms"), r->alarms);
    if (r->alarm.n) {
        fields_put(&m, STR("alarm"), value_str(r->alarm));
        fields_text(&m, STR("alarm_detail"), r->alarm_detail);
        fields_put(&m, STR("alarm_ms"), value_int(r->alarm_wall_ms));
    }
    if (r->burst) {
        fields_put(&m, STR("burst_ms"), value_int(r->burst_wall_ms));
        fields_put(&m, STR("burst"), value_int(r->burst));
    }
    fields_flag(&m, STR("locked"), r->locked);
    fields_text(&m, STR("machine"), r->machine);
    fields_flag(&m, STR("installer"), r->installer);
    fields_flag(&m, STR("installed"), r->installed);
    fields_count(&m, STR("boot_ms"), r->boot_ms);
    fields_flag(&m, STR("joined"), r->joined);
    fields_text(&m, STR("joined_claim"), r->joined_claim);
    fields_flag(&m, STR("handed"), r->handed);
    fields_flag(&m, STR("seen"), r->seen);
    fields_text(&m, STR("waits"), r->waits);
    if (r->away.n) {
        fields_put(&m, STR("away"), value_str(r->away));
        fields_put(&m, STR("away_ms"), value_int(r->away_wall_ms));
    }
    fields_count(&m, STR("joining_ms"), r->joining_ms);
    if (r->vm.endpoint.n)
        fields_put(&m, STR("vm"), vm_value(&r->vm, a));
    if (r->tombstones_n)
        fields_put(&m, STR("tombstones"), tombstones_value(r, a));
    if (r->has_window)
        fields_put(&m, STR("window"), window_value(&r->window, a));
    if (r->has_boot)
        fields_put(&m, STR("boot"), boot_value(&r->boot, a));
    fields_text(&m, STR("hostname"), r->hostname);
    fields_text(&m, STR("fqdn"), r->fqdn);
    fields_text(&m, STR("instance_id"), r->instance_id);
    if (r->host_keys_n)
        fields_put(&m, STR("host_keys"), host_keys_value(r->host_keys, r->host_keys_n, a));
    if (r->offered_keys_n)
        fields_put(&m, STR("offered_keys"), host_keys_value(r->offered_keys, r->offered_keys_n, a));
    return fields_value(&m, a);
}

/* --- Reading --------------------------------------------------------------------------------- */

static void read_window(struct fields_reader *rd, struct record *ret)
{
    struct fields_reader in = fields_get_map(rd, "window");
    ret->has_window = in.map.kind == VALUE_MAP;
    if (!ret->has_window)
        return;
    ret->window = (struct window){
        .opened_wall_ms = fields_get_int(&in, "opened_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS),
        .length_ms = (uint64_t)fields_get_int(&in, "length_ms", 0, FIELDS_TIME_MAX_MS),
        .ends_boot_ms = (uint64_t)fields_get_int(&in, "ends_boot_ms", 0, FIELDS_TIME_MAX_MS),
        .boot_id = fields_get_text(&in, "boot_id"),
        .join_key = fields_get_text(&in, "join_key"),
        .window_key = fields_get_text(&in, "window_key"),
        .claim = fields_get_text(&in, "claim"),
        .uuid = fields_get_text(&in, "uuid"),
        .pin = fields_get_text(&in, "pin"),
    };
    fields_end_map(rd, &in);
}

static void read_boot(struct fields_reader *rd, struct record *ret)
{
    struct fields_reader in = fields_get_map(rd, "boot");
    ret->has_boot = in.map.kind == VALUE_MAP;
    if (!ret->has_boot)
        return;
    ret->boot = (struct boot){
        .began_wall_ms = fields_get_int(&in, "began_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS),
        .last_wall_ms = fields_get_int(&in, "last_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS),
        .events = (uint32_t)fields_get_int(&in, "events", 0, UINT32_MAX),
        .warnings = (uint32_t)fields_get_int(&in, "warnings", 0, UINT32_MAX),
        .stage = fields_get_text(&in, "stage"),
        .failed = fields_get_text(&in, "failed"),
        .window_key = fields_get_text(&in, "window_key"),
        .key_closed_wall_ms =
            fields_get_int(&in, "key_closed_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS),
        .key_ends_boot_ms =
            (uint64_t)fields_get_int(&in, "key_ends_boot_ms", 0, FIELDS_TIME_MAX_MS),
        .key_boot_id = fields_get_text(&in, "key_boot_id"),
        .finished = fields_get_flag(&in, "finished"),
        .reboot = fields_get_flag(&in, "reboot"),
    };
    fields_end_map(rd, &in);
}

static struct vm vm_in(struct fields_reader *in)
{
    return (struct vm){
        .endpoint = fields_get_text(in, "endpoint"),
        .host = fields_get_text(in, "host"),
        .vmid = (uint32_t)fields_get_int(in, "vmid", 0, UINT32_MAX),
    };
}

static void read_vm(struct fields_reader *rd, struct record *ret)
{
    struct fields_reader in = fields_get_map(rd, "vm");
    if (in.map.kind != VALUE_MAP)
        return;
    ret->vm = vm_in(&in);
    fields_end_map(rd, &in);
}

static void read_tombstones(struct fields_reader *rd, struct record *ret, struct arena *a)
{
    struct value list = fields_get(rd, "tombstones", VALUE_LIST);
    if (list.kind != VALUE_LIST)
        return;
    if (list.n > RECORD_TOMBSTONES_MAX) {
        rd->wrong = rd->wrong ? rd->wrong : "tombstones";
        return;
    }
    struct tombstone *to = ARENA_ARRAY(a, struct tombstone, list.n);
    for (uint32_t i = 0; i < list.n; i++) {
        struct fields_reader in = {.map = list.items[i],
                                   .wrong = list.items[i].kind == VALUE_MAP ? NULL : "tombstones"};
        to[i].vm = vm_in(&in);
        to[i].generation = (uint32_t)fields_get_int(&in, "generation", 0, UINT32_MAX);
        fields_end_map(rd, &in);
    }
    ret->tombstones = to;
    ret->tombstones_n = list.n;
}

static void read_host_keys(struct fields_reader *rd, const char *member, struct host_key *ret,
                           uint32_t *ret_n)
{
    struct value keys = fields_get(rd, member, VALUE_MAP);
    if (keys.kind != VALUE_MAP)
        return;
    for (uint32_t i = 0; i < keys.n; i++) {
        if (i == RECORD_HOST_KEYS_MAX || keys.pairs[i].value.kind != VALUE_STR) {
            rd->wrong = rd->wrong ? rd->wrong : member;
            return;
        }
        ret[(*ret_n)++] =
            (struct host_key){value_text(keys.pairs[i].key), value_text(keys.pairs[i].value)};
    }
}

int record_read(struct str json, struct arena *a, struct record *ret, struct err *e)
{
    struct fields_reader rd = {.wrong = NULL};
    struct record r = {.host_keys_n = 0};
    int result = json_read(json, a, &rd.map, e);
    if (result < 0)
        return result;
    fields_get_int(&rd, "v", VERSION, VERSION);
    r.name = fields_get_text(&rd, "name");
    r.state = (enum node_state)fields_get_name(&rd, "state", node_state_names);
    r.since_wall_ms = fields_get_int(&rd, "since_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS);
    r.stage = fields_get_text(&rd, "stage");
    r.reason = fields_get_text(&rd, "reason");
    r.log = fields_get_text(&rd, "log");
    r.generation = (uint32_t)fields_get_int(&rd, "generation", NODE_FIRST_GENERATION, UINT32_MAX);
    r.alarms = (uint32_t)fields_get_int(&rd, "alarms", 0, UINT32_MAX);
    r.alarm = fields_get_text(&rd, "alarm");
    r.alarm_detail = fields_get_text(&rd, "alarm_detail");
    r.alarm_wall_ms = fields_get_int(&rd, "alarm_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS);
    r.burst_wall_ms = fields_get_int(&rd, "burst_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS);
    r.burst = (uint32_t)fields_get_int(&rd, "burst", 0, UINT32_MAX);
    r.locked = fields_get_flag(&rd, "locked");
    r.machine = fields_get_text(&rd, "machine");
    r.installer = fields_get_flag(&rd, "installer");
    r.installed = fields_get_flag(&rd, "installed");
    r.boot_ms = (uint64_t)fields_get_int(&rd, "boot_ms", 0, FIELDS_TIME_MAX_MS);
    r.joined = fields_get_flag(&rd, "joined");
    r.joined_claim = fields_get_text(&rd, "joined_claim");
    r.handed = fields_get_flag(&rd, "handed");
    r.seen = fields_get_flag(&rd, "seen");
    r.waits = fields_get_text(&rd, "waits");
    r.away = fields_get_text(&rd, "away");
    r.away_wall_ms = fields_get_int(&rd, "away_ms", -FIELDS_TIME_MAX_MS, FIELDS_TIME_MAX_MS);
    r.joining_ms = (uint64_t)fields_get_int(&rd, "joining_ms", 0, FIELDS_TIME_MAX_MS);
    read_vm(&rd, &r);
    read_tombstones(&rd, &r, a);
    read_window(&rd, &r);
    read_boot(&rd, &r);
    r.hostname = fields_get_text(&rd, "hostname");
    r.fqdn = fields_get_text(&rd, "fqdn");
    r.instance_id = fields_get_text(&rd, "instance_id");
    read_host_keys(&rd, "host_keys", r.host_keys, &r.host_keys_n);
    read_host_keys(&rd, "offered_keys", r.offered_keys, &r.offered_keys_n);
    if (rd.wrong)
        return err_set(e, -EINVAL, "a node's record has no such '%s'", rd.wrong);
    *ret = r;
    return 0;
}
