/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/object.h"

#include "base/base64.h"

/* Any list there may be null or missing. */
static uint32_t items_of(struct value list)
{
    return list.kind == VALUE_LIST ? list.n : 0;
}

static void read_ready(struct value status, struct arena *a, struct object_node *n)
{
    struct value conditions = value_get(status, STR("conditions"));
    n->reason = STR("it has not reported yet");
    for (uint32_t i = 0; i < items_of(conditions); i++) {
        struct value c = conditions.items[i];
        if (!str_is(value_get_text(c, STR("type")), "Ready"))
            continue;
        n->ready = str_is(value_get_text(c, STR("status")), "True");
        n->reason = ARENA_JOIN(a, value_get_text(c, STR("reason")), STR(": "),
                               value_get_text(c, STR("message")));
    }
    if (n->ready)
        n->reason = STR("");
}

static void read_addresses(struct value status, struct object_node *n)
{
    struct value list = value_get(status, STR("addresses"));
    for (uint32_t i = 0; i < items_of(list) && n->addresses_n < OBJECT_ADDRESSES_MAX; i++) {
        if (str_is(value_get_text(list.items[i], STR("type")), "InternalIP") &&
            address_parse(value_get_text(list.items[i], STR("address")),
                          &n->addresses[n->addresses_n]))
            n->addresses_n++;
    }
}

bool object_node(struct value v, struct arena *a, struct object_node *ret)
{
    struct value meta = value_get(v, STR("metadata")), status = value_get(v, STR("status"));
    struct object_node n = {
        .name = value_get_text(meta, STR("name")),
        .uid = value_get_text(meta, STR("uid")),
        .version = value_get_text(meta, STR("resourceVersion")),
        .kubelet = value_get_text(value_get(status, STR("nodeInfo")), STR("kubeletVersion")),
    };
    if (!n.name.n)
        return false;
    read_ready(status, a, &n);
    read_addresses(status, &n);
    *ret = n;
    return true;
}

static bool read_texts(struct value list, struct str *to, uint32_t max, uint32_t *ret_n)
{
    if (items_of(list) > max)
        return false;
    for (uint32_t i = 0; i < items_of(list); i++) {
        if (list.items[i].kind != VALUE_STR)
            return false;
        to[i] = value_text(list.items[i]);
    }
    *ret_n = items_of(list);
    return true;
}

bool object_csr(struct value v, struct arena *a, struct object_csr *ret)
{
    struct value meta = value_get(v, STR("metadata")), spec = value_get(v, STR("spec"));
    struct object_csr c = {
        .name = value_get_text(meta, STR("name")),
        .uid = value_get_text(meta, STR("uid")),
        .version = value_get_text(meta, STR("resourceVersion")),
        .signer = value_get_text(spec, STR("signerName")),
        .username = value_get_text(spec, STR("username")),
        .decided = items_of(value_get(value_get(v, STR("status")), STR("conditions"))) > 0,
    };
    if (!c.name.n || !c.version.n || !c.signer.n || !c.username.n ||
        !read_texts(value_get(spec, STR("groups")), c.groups, OBJECT_GROUPS_MAX, &c.groups_n) ||
        !read_texts(value_get(spec, STR("usages")), c.usages, OBJECT_USAGES_MAX, &c.usages_n) ||
        !base64_read(value_get_text(spec, STR("request")), a, &c.pem) || !c.pem.n)
        return false;
    *ret = c;
    return true;
}
