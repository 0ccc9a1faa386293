/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/endpoint.h"

#include "base/json.h"
#include "cli/common/known.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* --- URLs -------------------------------------------------------------------------------- */

/* Whether the authority of a URL ends in a port: "[2001:db8::5]" does not. */
static bool has_port(struct str authority)
{
    const char *colon = memrchr(authority.p, ':', authority.n);
    return colon && !memchr(colon, ']', (size_t)(authority.p + authority.n - colon));
}

int pve_endpoint_url(const char *given, struct arena *a, struct str *ret, struct err *e)
{
    struct str rest = str_from(given);
    if (str_starts(rest, STR("http://")))
        return err_set(e, -EINVAL, "'%s': the API speaks HTTPS only", given);
    if (str_starts(rest, STR("https://")))
        rest = str_skip(rest, 8);
    struct str authority = str_cut(&rest, '/');
    if (!authority.n || (rest.p && rest.n) || strpbrk(given, " @?#\t\n"))
        return err_set(e, -EINVAL, "'%s': expected a host, as in https://pve1.home.arpa:8006",
                       given);
    *ret = ARENA_JOIN(a, STR("https://"), authority, has_port(authority) ? STR("") : STR(":8006"));
    return 0;
}

/* --- Names ----------------------------------------------------------------------------------- */

int pve_endpoint_token_path(const char *name, struct arena *a, struct str *ret, struct err *e)
{
    return known_path(KNOWN_PVE, name, "token", a, ret, e);
}

static int only_name(struct arena *a, struct str *ret, struct err *e)
{
    const struct str *names;
    size_t n;
    int r = known_names(KNOWN_PVE, a, &names, &n, e);
    if (r < 0)
        return r;
    if (n != 1)
        return n ? err_set(e, -EINVAL, "there are %zu of them: choose one with --pve NAME", n)
                 : err_set(e, -ENOENT,
                           "no Proxmox host is known yet: run 'cloudseed pve login URL'");
    *ret = names[0];
    return 0;
}

/* --- Tokens ---------------------------------------------------------------------------------- */

/* USER@REALM!ID=SECRET */
static bool is_token(struct str text)
{
    struct str user = str_cut(&text, '!'), realm = user, id = str_cut(&text, '=');
    struct str name = str_cut(&realm, '@');
    return name.n && realm.n && id.n && text.n && !memchr(text.p, '=', text.n) &&
           !memchr(text.p, '\n', text.n) && !memchr(text.p, ' ', text.n);
}

static int check_token(struct str text, const char *where, struct str *ret, struct err *e)
{
    text = str_trim(text);
    if (!is_token(text))
        return err_set(e, -EINVAL, "%s: not an API token: it looks like USER@REALM!ID=SECRET",
                       where);
    *ret = text;
    return 0;
}

static int read_token(const char *path, struct arena *a, struct str *ret, struct err *e)
{
    struct str text;
    int r = known_read_secret(path, a, &text, e);
    return r < 0 ? r : check_token(text, path, ret, e);
}

int pve_endpoint_token(const char *name, const char *token_file, struct arena *a, struct str *ret,
                       struct err *e)
{
    const char *given = getenv("CLOUDSEED_PVE_TOKEN"), *folder = getenv("CREDENTIALS_DIRECTORY");
    struct str path;
    if (token_file)
        return read_token(token_file, a, ret, e);
    if (given)
        return check_token(arena_str(a, str_from(given)), "CLOUDSEED_PVE_TOKEN", ret, e);
    if (folder) {
        path = arena_printf(a, "%s/pve-token", folder);
        if (access(path.p, F_OK) == 0)
            return read_token(path.p, a, ret, e);
    }
    int r = pve_endpoint_token_path(name, a, &path, e);
    if (r == 0 && access(path.p, F_OK) < 0 && errno == ENOENT)
        return err_set(e, -ENOENT,
                       "there is no API token: put it into %s (chmod 600), or name its file with "
                       "--token-file",
                       path.p);
    return r < 0 ? r : read_token(path.p, a, ret, e);
}

/* --- One of them ------------------------------------------------------------------------------ */

int pve_endpoint_find(const char *name, struct arena *a, struct pve_endpoint *ret, struct err *e)
{
    struct str found = str_from(name);
    struct value v;
    int r = name ? 0 : only_name(a, &found, e);
    if (r < 0)
        return r;
    r = known_load(KNOWN_PVE, found.p, a, &v, e);
    if (r == -ENOENT)
        return err_set(e, r,
                       "no Proxmox host is known as '%s': run 'cloudseed pve login URL "
                       "--name %s'",
                       found.p, found.p);
    if (r < 0)
        return r;
    *ret = (struct pve_endpoint){
        .name = found,
        .url = value_get_text(v, STR("url")),
        .ca = value_get_text(v, STR("ca")),
    };
    return 0;
}

int pve_endpoint_load(const char *name, const char *token_file, struct arena *a,
                      struct pve_endpoint *ret, struct err *e)
{
    int r = pve_endpoint_find(name, a, ret, e);
    return r < 0 ? r : pve_endpoint_token(ret->name.p, token_file, a, &ret->token, e);
}

int pve_endpoint_save(const struct pve_endpoint *endpoint, struct arena *a, struct str *ret_path,
                      struct err *e)
{
    const struct value_pair pairs[] = {
        JSON_STR("url", endpoint->url),
        JSON_VALUE("ca", endpoint->ca.n ? value_str(endpoint->ca) : value_none()),
    };
    return known_save(KNOWN_PVE, endpoint->name.p, value_map(pairs, 2), a, ret_path, e);
}
