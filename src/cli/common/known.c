/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/known.h"

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#define FILE_MAX_BYTES ((size_t)256 * 1024)
#define SECRET_MAX_BYTES 1024
#define NAME_MAX_LEN 63
#define NAME_CHARACTERS "abcdefghijklmnopqrstuvwxyz0123456789-"

/* --- Names ----------------------------------------------------------------------------------- */

struct str known_default_name(struct str url, struct str other, struct arena *a)
{
    struct str rest = str_skip(url, STR("https://").n), host = str_cut(&rest, ':');
    struct str label = str_cut(&host, '.');
    char *text = (char *)arena_str(a, label).p;
    bool is_number = label.n && strspn(text, "0123456789") == label.n;
    for (char *at = text; *at; at++)
        *at = *at >= 'A' && *at <= 'Z' ? (char)(*at + 32) : *at;
    return is_number || strspn(text, NAME_CHARACTERS) != label.n ? other : str_from(text);
}

static int check_name(const char *name, struct err *e)
{
    size_t n = strspn(name, NAME_CHARACTERS);
    if (n && !name[n] && n <= NAME_MAX_LEN && name[0] != '-')
        return 0;
    return err_set(e, -EINVAL, "'%s': a name has a-z, 0-9 and -, at most %d characters", name,
                   NAME_MAX_LEN);
}

/* --- Folders --------------------------------------------------------------------------------- */

static int folder_of(const char *kind, struct arena *a, struct str *ret, struct err *e)
{
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    if (config && config[0] == '/')
        *ret = arena_printf(a, "%s/cloudseed/%s", config, kind);
    else if (home && home[0] == '/')
        *ret = arena_printf(a, "%s/.config/cloudseed/%s", home, kind);
    else
        return err_set(e, -ENOENT, "neither XDG_CONFIG_HOME nor HOME is set");
    return 0;
}

int known_path(const char *kind, const char *name, const char *end, struct arena *a,
               struct str *ret, struct err *e)
{
    struct str folder;
    int r = check_name(name, e);
    if (r == 0)
        r = folder_of(kind, a, &folder, e);
    if (r == 0)
        *ret = arena_printf(a, "%s/%s.%s", folder.p, name, end);
    return r;
}

int known_names(const char *kind, struct arena *a, const struct str **ret, size_t *ret_n,
                struct err *e)
{
    const struct fs_entry *list = NULL;
    struct str folder, *names;
    size_t n = 0, count = 0;
    int r = folder_of(kind, a, &folder, e);
    if (r == 0)
        r = fs_list(folder.p, a, &list, &n, e);
    if (r < 0 && r != -ENOENT)
        return r;
    names = ARENA_ARRAY(a, struct str, n);
    for (size_t i = 0; i < n; i++) {
        struct str name = str_from(list[i].name);
        if (str_ends(name, STR(".json")))
            names[count++] = arena_str(a, str_head(name, name.n - 5));
    }
    *ret = names;
    *ret_n = count;
    return 0;
}

static int make_folder(const char *kind, struct arena *a, struct err *e)
{
    struct str folder;
    int r = folder_of(kind, a, &folder, e);
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

/* --- Files ----------------------------------------------------------------------------------- */

int known_load(const char *kind, const char *name, struct arena *a, struct value *ret,
               struct err *e)
{
    struct str path, text;
    int r = known_path(kind, name, "json", a, &path, e);
    if (r == 0)
        r = fs_read(path.p, FILE_MAX_BYTES, a, &text, e);
    if (r < 0)
        return r;
    if (json_read(text, a, ret, e) < 0)
        return err_prefix(e, "%s", path.p);
    if (str_starts(value_get_text(*ret, STR("url")), STR("https://")))
        return 0;
    return err_set(e, -EINVAL, "%s: its url is missing", path.p);
}

int known_write(const char *kind, struct str path, struct str text, struct arena *a, struct err *e)
{
    int r = make_folder(kind, a, e);
    return r < 0 ? r : fs_replace(path.p, text, 0600, e);
}

int known_save(const char *kind, const char *name, struct value v, struct arena *a,
               struct str *ret_path, struct err *e)
{
    struct str path;
    struct buf text;
    int r = known_path(kind, name, "json", a, &path, e);
    if (r < 0)
        return r;
    buf_init(&text, FILE_MAX_BYTES);
    json_write(&text, v, true);
    buf_char(&text, '\n');
    r = known_write(kind, path, buf_view(&text), a, e);
    buf_done(&text);
    if (r == 0)
        *ret_path = path;
    return r;
}

int known_read_secret(const char *path, struct arena *a, struct str *ret, struct err *e)
{
    struct stat st;
    struct str text;
    int r = fs_read(path, SECRET_MAX_BYTES, a, &text, e);
    if (r < 0)
        return r;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & 077))
        return err_set(e, -EPERM, "%s: others can read it: run 'chmod 600 %s'", path, path);
    *ret = str_trim(text);
    return 0;
}
