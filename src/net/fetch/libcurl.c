/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcurl: its functions under their own names, loaded when the first one is called.
 *
 * libcurl brings 25 libraries with it, 2.3 MB of memory and most of the time that it takes to start
 * a program. Most commands ask no server, and a daemon none until a cluster is made. So nothing is
 * linked with it. These functions hide no libcurl's: a program exports none of its own to
 * libraries.
 */
#define CURL_DISABLE_TYPECHECK
#define curl_url_get curl_url_get_of_header /* newer ones have a const in it */
#include <curl/curl.h>
#undef curl_url_get
#include <dlfcn.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Has not changed since 2006. */
#define LIBRARY "libcurl.so.4"

/* clang-format off */
#define FUNCTIONS(X) \
    X(curl_easy_cleanup) X(curl_easy_getinfo) X(curl_easy_header) X(curl_easy_init) \
    X(curl_easy_pause) X(curl_easy_perform) X(curl_easy_setopt) X(curl_easy_strerror) \
    X(curl_free) X(curl_global_cleanup) X(curl_global_init_mem) \
    X(curl_mime_addpart) X(curl_mime_data) X(curl_mime_data_cb) X(curl_mime_filename) \
    X(curl_mime_free) X(curl_mime_init) X(curl_mime_name) \
    X(curl_multi_add_handle) X(curl_multi_assign) X(curl_multi_cleanup) \
    X(curl_multi_info_read) X(curl_multi_init) X(curl_multi_perform) X(curl_multi_poll) \
    X(curl_multi_remove_handle) X(curl_multi_setopt) X(curl_multi_socket_action) \
    X(curl_slist_append) X(curl_slist_free_all) \
    X(curl_url) X(curl_url_cleanup) X(curl_url_get) X(curl_url_set)
/* clang-format on */

CURLUcode curl_url_get(CURLU *url, CURLUPart part, char **ret, unsigned flags);

struct functions {
#define MEMBER(name) __typeof__(&(name)) name;
    FUNCTIONS(MEMBER)
};

static struct functions loaded;

static void *need(void *p)
{
    if (p)
        return p;
    fprintf(stderr, "cannot load libcurl: %s: install the package libcurl4\n", dlerror());
    abort();
}

static void load(void)
{
    void *library = need(dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL));
#define FIND(name) *(void **)&loaded.name = need(dlsym(library, #name));
    FUNCTIONS(FIND)
}

static const struct functions *library(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return &loaded;
}

#define FORWARD(type, name, parameters, ...) \
    type(name) parameters                    \
    {                                        \
        return library()->name(__VA_ARGS__); \
    }
#define FORWARD_VOID(name, parameters, ...) \
    void(name) parameters                   \
    {                                       \
        library()->name(__VA_ARGS__);       \
    }

/* An option's number says what kind of value it takes. Pointers to functions are passed as others.
 */
#define FORWARD_OPTION(type, name, handle_type, option_type)                         \
    type(name)(handle_type * handle, option_type option, ...)                        \
    {                                                                                \
        va_list ap;                                                                  \
        type code;                                                                   \
        va_start(ap, option);                                                        \
        if ((int)option < CURLOPTTYPE_OBJECTPOINT)                                   \
            code = library()->name(handle, option, va_arg(ap, long));                \
        else if ((int)option >= CURLOPTTYPE_OFF_T && (int)option < CURLOPTTYPE_BLOB) \
            code = library()->name(handle, option, va_arg(ap, curl_off_t));          \
        else                                                                         \
            code = library()->name(handle, option, va_arg(ap, void *));              \
        va_end(ap);                                                                  \
        return code;                                                                 \
    }

FORWARD(CURL *, curl_easy_init, (void), )
FORWARD_VOID(curl_easy_cleanup, (CURL * easy), easy)
FORWARD_OPTION(CURLcode, curl_easy_setopt, CURL, CURLoption)
FORWARD(CURLcode, curl_easy_perform, (CURL * easy), easy)
FORWARD(CURLcode, curl_easy_pause, (CURL * easy, int what), easy, what)
FORWARD(const char *, curl_easy_strerror, (CURLcode code), code)
FORWARD(CURLHcode, curl_easy_header,
        (CURL * easy, const char *name, size_t index, unsigned origin, int request,
         struct curl_header **ret),
        easy, name, index, origin, request, ret)

CURLcode(curl_easy_getinfo)(CURL *easy, CURLINFO info, ...)
{
    va_list ap;
    va_start(ap, info);
    CURLcode code = library()->curl_easy_getinfo(easy, info, va_arg(ap, void *));
    va_end(ap);
    return code;
}

FORWARD(CURLcode, curl_global_init_mem,
        (long flags, curl_malloc_callback m, curl_free_callback f, curl_realloc_callback r,
         curl_strdup_callback s, curl_calloc_callback c),
        flags, m, f, r, s, c)
FORWARD_VOID(curl_global_cleanup, (void), )
FORWARD_VOID(curl_free, (void *p), p)

FORWARD(curl_mime *, curl_mime_init, (CURL * easy), easy)
FORWARD_VOID(curl_mime_free, (curl_mime * mime), mime)
FORWARD(curl_mimepart *, curl_mime_addpart, (curl_mime * mime), mime)
FORWARD(CURLcode, curl_mime_name, (curl_mimepart * part, const char *name), part, name)
FORWARD(CURLcode, curl_mime_filename, (curl_mimepart * part, const char *name), part, name)
FORWARD(CURLcode, curl_mime_data, (curl_mimepart * part, const char *data, size_t n), part, data, n)
FORWARD(CURLcode, curl_mime_data_cb,
        (curl_mimepart * part, curl_off_t size, curl_read_callback read, curl_seek_callback seek,
         curl_free_callback free, void *cls),
        part, size, read, seek, free, cls)

FORWARD(CURLM *, curl_multi_init, (void), )
FORWARD(CURLMcode, curl_multi_cleanup, (CURLM * multi), multi)
FORWARD_OPTION(CURLMcode, curl_multi_setopt, CURLM, CURLMoption)
FORWARD(CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL *easy), multi, easy)
FORWARD(CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL *easy), multi, easy)
FORWARD(CURLMcode, curl_multi_assign, (CURLM * multi, curl_socket_t fd, void *cls), multi, fd, cls)
FORWARD(CURLMcode, curl_multi_perform, (CURLM * multi, int *running), multi, running)
FORWARD(CURLMcode, curl_multi_socket_action,
        (CURLM * multi, curl_socket_t fd, int what, int *running), multi, fd, what, running)
FORWARD(CURLMcode, curl_multi_poll,
        (CURLM * multi, struct curl_waitfd extra[], unsigned n, int timeout_ms, int *ret), multi,
        extra, n, timeout_ms, ret)
FORWARD(CURLMsg *, curl_multi_info_read, (CURLM * multi, int *left), multi, left)

FORWARD(struct curl_slist *, curl_slist_append, (struct curl_slist * list, const char *line), list,
        line)
FORWARD_VOID(curl_slist_free_all, (struct curl_slist * list), list)

FORWARD(CURLU *, curl_url, (void), )
FORWARD_VOID(curl_url_cleanup, (CURLU * url), url)
FORWARD(CURLUcode, curl_url_get, (CURLU * url, CURLUPart part, char **ret, unsigned flags), url,
        part, ret, flags)
FORWARD(CURLUcode, curl_url_set, (CURLU * url, CURLUPart part, const char *text, unsigned flags),
        url, part, text, flags)
