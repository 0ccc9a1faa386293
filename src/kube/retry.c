/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/retry.h"

#include "base/buf.h"
#include "crypto/random.h"
#include "kube/apiresponse.h"

#include <errno.h>

#define SHOWN_MAX ((size_t)16 << 10) /* of what a failure says; longer ones are not a Status */
#define QUOTED_MAX 120

uint64_t retry_pause_ms(uint64_t first_ms, uint32_t times, uint64_t max_ms)
{
    uint64_t ms = times < 16 ? first_ms << times : max_ms;
    uint32_t r;
    ms = ms < max_ms ? ms : max_ms;
    random_bytes(&r, sizeof(r));
    return ms / 2 + r % (ms / 2 + 1);
}

static bool repeats(struct str text, struct str secret, size_t piece)
{
    for (; secret.n >= piece; secret = str_skip(secret, piece))
        if (memmem(text.p, text.n, secret.p, piece))
            return true;
    return false;
}

/* Webhooks and proxies may send back what they were sent, API servers what they cannot read. */
static bool repeats_any(struct str text, const struct retry_secret *secrets, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (repeats(text, secrets[i].text, secrets[i].piece))
            return true;
    return false;
}

void retry_describe(const char *what, int status, struct str body,
                    const struct retry_secret *secrets, size_t n, struct arena *a, struct err *ret)
{
    struct buf text = {.max_bytes = 4096};
    struct str shown = {body.p, body.n < SHOWN_MAX ? body.n : SHOWN_MAX};
    struct apiresponse_failure f = apiresponse_failure(shown, a);
    buf_printf(&text, "API server cannot %s: HTTP %d", what, status);
    if (repeats_any(shown, secrets, n))
        buf_str(&text, STR(" (its text repeats a secret and is not shown)"));
    else if (f.message.n && buf_str(&text, STR(": ")))
        buf_escaped(&text, f.message, QUOTED_MAX);
    if (status == 401) /* it has ended, or its account was deleted */
        buf_str(&text, STR("; 'cloudseed cluster adopt' makes another token"));
    err_set(ret, -EPROTO, "%s", buf_view(&text).p);
    buf_done(&text);
}
