/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/keyfile.h"

#include "base/fs.h"

#include <errno.h>
#include <sys/stat.h>

int keyfile_read(const char *path, int (*read)(void *cls, struct str text, struct err *e),
                 void *cls, struct err *e)
{
    struct stat st;
    if (stat(path, &st) < 0)
        return err_errno(e, -errno, "%s", path);
    if (st.st_mode & (S_IRWXG | S_IRWXO))
        return err_set(e, -EPERM, "%s: others than its owner may use it; run: chmod 600 %s", path,
                       path);
    struct arena a;
    struct str text;
    arena_init(&a, KEYFILE_MAX_BYTES * 2);
    a.secret = true;
    int r = fs_read(path, KEYFILE_MAX_BYTES, &a, &text, e);
    if (r == 0) {
        r = read(cls, text, e);
        if (r < 0)
            err_prefix(e, "%s", path);
    }
    arena_done(&a);
    return r;
}

int keyfile_create(const char *path, const char *words, const uint8_t *bytes, size_t n,
                   struct err *e)
{
    struct buf text;
    buf_init(&text, KEYFILE_MAX_BYTES);
    text.secret = true;
    buf_str(&text, str_from(words));
    for (size_t i = 0; i < n; i++)
        buf_printf(&text, "%02x", bytes[i]);
    buf_char(&text, '\n');
    int r = fs_create(path, buf_view(&text), 0600, e);
    buf_done(&text);
    return r;
}
