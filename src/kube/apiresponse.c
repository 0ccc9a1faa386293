/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/apiresponse.h"

#include "base/clock.h"
#include "base/json.h"
#include "crypto/jws.h"
#include "crypto/token.h"

#include <errno.h>
#include <stdlib.h>

#define MESSAGE_MAX 512
#define RETRY_MAX_S 300

struct apiresponse_failure apiresponse_failure(struct str body, struct arena *a)
{
    struct value status;
    if (json_read(body, a, &status, NULL) == 0 &&
        str_is(value_get_text(status, STR("kind")), "Status")) {
        return (struct apiresponse_failure){
            value_get_text(status, STR("reason")),
            str_head(value_get_text(status, STR("message")), MESSAGE_MAX)};
    }
    struct str rest = str_trim(body);
    struct str line = str_trim(str_cut(&rest, '\n'));
    return (struct apiresponse_failure){STR(""), arena_str(a, str_head(line, MESSAGE_MAX))};
}

unsigned apiresponse_retry_after(struct str header)
{
    uint64_t seconds;
    if (!str_to_u64(str_trim(header), UINT32_MAX, &seconds))
        return 0;
    return seconds < RETRY_MAX_S ? (unsigned)seconds : RETRY_MAX_S;
}

/* It is cut to the second. */
bool apiresponse_clock(struct str header, int64_t wall_ms, int64_t *ret_ahead_ms)
{
    int64_t date_ms;
    if (!clock_read_http(header, &date_ms))
        return false;
    int64_t ahead_ms = date_ms - wall_ms;
    *ret_ahead_ms = ahead_ms < -1000 ? ahead_ms + 1000 : ahead_ms > 0 ? ahead_ms : 0;
    return true;
}

/* A body that must be a JSON object, of that kind unless it is NULL. */
static int read_object(struct str body, const char *kind, struct arena *a, struct value *ret,
                       struct err *e)
{
    struct value v;
    if (json_read(body, a, &v, NULL) < 0 || v.kind != VALUE_MAP)
        return err_set(e, -EINVAL, "the API server's answer is not a JSON object");
    if (kind && !str_is(value_get_text(v, STR("kind")), kind))
        return err_set(e, -EINVAL, "the API server's answer is not of kind %s", kind);
    *ret = v;
    return 0;
}

int apiresponse_version(struct str body, struct arena *a, struct kubeversion *ret, struct err *e)
{
    struct value v;
    struct kubeversion version;
    int r = read_object(body, NULL, a, &v, e);
    if (r < 0)
        return r;
    if (!kubeversion_parse(value_get_text(v, STR("gitVersion")), &version) || !version.major)
        return err_set(e, -EINVAL, "the API server's answer names no version of Kubernetes");
    *ret = version;
    return 0;
}

int apiresponse_kubeconfig(struct str body, struct arena *a, struct str *ret, struct err *e)
{
    struct value v;
    int r = read_object(body, "ConfigMap", a, &v, e);
    if (r < 0)
        return r;
    struct str config = value_get_text(value_get(v, STR("data")), STR("kubeconfig"));
    if (!config.n)
        return err_set(e, -EINVAL, "the API server's cluster-info holds no kubeconfig");
    *ret = config;
    return 0;
}

#define JWS_KEY STR("jws-kubeconfig-")

static int by_id(const void *a, const void *b)
{
    const struct apiresponse_jws *one = a, *other = b;
    return str_cmp(one->id, other->id);
}

int apiresponse_cluster_info(struct str body, struct arena *a, struct apiresponse_info *ret,
                             struct err *e)
{
    struct value v;
    int r = read_object(body, "ConfigMap", a, &v, e);
    if (r < 0)
        return r;
    struct value data = value_get(v, STR("data"));
    uint32_t n = 0, max = data.kind == VALUE_MAP ? data.n : 0;
    struct apiresponse_jws *list = ARENA_ARRAY(a, struct apiresponse_jws, max);
    for (uint32_t i = 0; i < max; i++) {
        struct str key = value_text(data.pairs[i].key);
        if (str_starts(key, JWS_KEY) && data.pairs[i].value.kind == VALUE_STR)
            list[n++] =
                (struct apiresponse_jws){str_skip(key, JWS_KEY.n), value_text(data.pairs[i].value)};
    }
    qsort(list, n, sizeof(*list), by_id);
    *ret = (struct apiresponse_info){value_get_text(data, STR("kubeconfig")), list, n};
    return 0;
}

static const struct apiresponse_jws *find_jws(const struct apiresponse_info *info, struct str id)
{
    const struct apiresponse_jws key = {.id = id};
    return info->n ? bsearch(&key, info->list, info->n, sizeof(key), by_id) : NULL;
}

bool apiresponse_has(const struct apiresponse_info *info, struct str id)
{
    return find_jws(info, id) != NULL;
}

enum apiresponse_signature apiresponse_signature(const struct apiresponse_info *info,
                                                 struct str token)
{
    const struct apiresponse_jws *jws = find_jws(info, token_id(token));
    if (!info->kubeconfig.n || !jws || !jws->text.n)
        return APIRESPONSE_UNSIGNED;
    return jws_verify(jws->text, info->kubeconfig, token_id(token), token_secret(token))
               ? APIRESPONSE_SIGNED
               : APIRESPONSE_FOREIGN;
}

int apiresponse_renewed(struct str body, struct arena *a, struct apiresponse_token *ret,
                        struct err *e)
{
    struct value v;
    int64_t end;
    int r = read_object(body, "TokenRequest", a, &v, e);
    if (r < 0)
        return r;
    struct value status = value_get(v, STR("status"));
    struct str token = value_get_text(status, STR("token"));
    if (!token.n || !clock_read_text(value_get_text(status, STR("expirationTimestamp")), &end))
        return err_set(e, -EINVAL, "the API server's answer holds no token with an end");
    *ret = (struct apiresponse_token){token, end};
    return 0;
}

int apiresponse_list(struct str body, struct arena *a, struct apiresponse_list *ret, struct err *e)
{
    struct value v;
    int r = read_object(body, NULL, a, &v, e);
    if (r < 0)
        return r;
    struct value items = value_get(v, STR("items")), meta = value_get(v, STR("metadata"));
    struct str version = value_get_text(meta, STR("resourceVersion"));
    /* An empty list may be null. */
    if (!str_ends(value_get_text(v, STR("kind")), STR("List")) || !version.n ||
        (items.kind != VALUE_LIST && items.kind != VALUE_NONE))
        return err_set(e, -EINVAL, "the API server's answer is not a list with a version");
    *ret = (struct apiresponse_list){items.kind == VALUE_LIST ? items.items : NULL, items.n,
                                     version, value_get_text(meta, STR("continue"))};
    return 0;
}

int apiresponse_autoapproves(struct str body, struct arena *a, bool *ret, struct err *e)
{
    struct value v;
    int r = read_object(body, "ClusterRoleBinding", a, &v, e);
    if (r < 0)
        return r;
    struct value subjects = value_get(v, STR("subjects"));
    *ret = subjects.kind == VALUE_LIST && subjects.n;
    return 0;
}
