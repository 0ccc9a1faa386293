/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/pve/endpoint.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES ((size_t)256 * 1024)
#define TOKEN_MAX_BYTES 1024
#define NAME_MAX_LEN 63

/* --- Names and URLs -------------------------------------------------------------------------- */

static int check_name(const char *name, struct err *e)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (n && !name[n] && n <= NAME_MAX_LEN && name[0] != '-')
        return 0;
    return err_set(e, -EINVAL, "'%s': a name has a-z, 0-9 and -, at most %d characters", name,
                   NAME_MAX_LEN);
}

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

/* --- Files ----------------------------------------------------------------------------------- */

static int folder_of(struct arena *a, struct str *ret, struct err *e)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && config[0] == '/')
        *ret = arena_printf(a, "%s/cloudseed/pve", config);
    else if (home && home[0] == '/')
        *ret = arena_printf(a, "%s/.config/cloudseed/pve", home);
    else
        return err_set(e, -ENOENT, "neither XDG_CONFIG_HOME nor HOME is set");
    return 0;
}

static int path_of(const char *name, const char *end, struct arena *a, struct str *ret,
                   struct err *e)
{
    struct str folder;
    int r = check_name(name, e);
    if (r == 0)
        r = folder_of(a, &folder, e);
    if (r == 0)
        *ret = arena_printf(a, "%s/%s.%s", folder.p, name, end);
    return r;
}

int pve_endpoint_token_path(const char *name, struct arena *a, struct str *ret, struct err *e)
{
    return path_of(name, "token", a, ret, e);
}

static bool ends_in_json(const char *name)
{
    return str_ends(str_from(name), STR(".json"));
}

static int only_name(struct arena *a, struct str *ret, struct err *e)
{
    const struct fs_entry *list = NULL;
    struct str folder, found = STR("");
    size_t n = 0, count = 0;
    int r = folder_of(a, &folder, e);
    if (r < 0)
        return r;
    r = fs_list(folder.p, a, &list, &n, e);
    for (size_t i = 0; r == 0 && i < n; i++) {
        if (!ends_in_json(list[i].name))
            continue;
        found = arena_str(a, (struct str){list[i].name, strlen(list[i].name) - 5});
        count++;
    }
    if ((r < 0 && r != -ENOENT) || count == 1) {
        *ret = found;
        return r;
    }
    return count
               ? err_set(e, -EINVAL, "there are %zu of them: choose one with --pve NAME", count)
               : err_set(e, -ENOENT, "no Proxmox host is known yet: run 'cloudseed pve login URL'");
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
    struct stat st;
    struct str text;
    int r = fs_read(path, TOKEN_MAX_BYTES, a, &text, e);
    if (r < 0)
        return r;
    if (stat(path, &st) == 0 && (st.st_mode & 077))
        return err_set(e, -EPERM, "%s: others can read it: run 'chmod 600 %s'", path, path);
    return check_token(text, path, ret, e);
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
    struct str path, text, found = str_from(name);
    struct value v;
    int r = name ? 0 : only_name(a, &found, e);
    if (r == 0)
        r = path_of(found.p, "json", a, &path, e);
    if (r == 0 && access(path.p, F_OK) < 0 && errno == ENOENT)
        return err_set(e, -ENOENT,
                       "no Proxmox host is known as '%s': run 'cloudseed pve login URL "
                       "--name %s'",
                       found.p, found.p);
    if (r == 0)
        r = fs_read(path.p, FILE_MAX_BYTES, a, &text, e);
    if (r < 0)
        return r;
    if (json_read(text, a, &v, e) < 0)
        return err_prefix(e, "%s", path.p);
    *ret = (struct pve_endpoint){
        .name = found,
        .url = value_get_text(v, STR("url")),
        .ca = value_get_text(v, STR("ca")),
    };
    if (!str_starts(ret->url, STR("https://")))
        return err_set(e, -EINVAL, "%s: its url is missing", path.p);
    return 0;
}

int pve_endpoint_load(const char *name, const char *token_file, struct arena *a,
                      struct pve_endpoint *ret, struct err *e)
{
    int r = pve_endpoint_find(name, a, ret, e);
    return r < 0 ? r : pve_endpoint_token(ret->name.p, token_file, a, &ret->token, e);
}

static int make_folder(struct arena *a, struct err *e)
{
    struct str folder;
    int r = folder_of(a, &folder, e);
    for (char *at = r == 0 ? strchr(folder.p + 1, '/') : NULL; at; at = strchr(at + 1, '/')) {
        *at = 0;
        int made = mkdir(folder.p, 0755);
        *at = '/';
        if (made < 0 && errno != EEXIST)
            return err_errno(e, -errno, "%s", folder.p);
    }
    if (r == 0 && mkdir(folder.p, 0700) < 0 && errno != EEXIST)
        return err_errno(e, -errno, "%s", folder.p);
    return r;
}

int pve_endpoint_save(const struct pve_endpoint *endpoint, struct arena *a, struct str *ret_path,
                      struct err *e)
{
    const struct value_pair pairs[] = {
        JSON_STR("url", endpoint->url),
        JSON_VALUE("ca", endpoint->ca.n ? value_str(endpoint->ca) : value_none()),
    };
    struct str path;
    struct buf text;
    int r = path_of(endpoint->name.p, "json", a, &path, e);
    if (r == 0)
        r = make_folder(a, e);
    if (r < 0)
        return r;
    buf_init(&text, FILE_MAX_BYTES);
    json_write(&text, value_map(pairs, 2), true);
    buf_char(&text, '\n');
    r = fs_replace(path.p, buf_view(&text), 0600, e);
    buf_done(&text);
    if (r == 0)
        *ret_path = path;
    return r;
}
