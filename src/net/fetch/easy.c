/* SPDX-License-Identifier: Apache-2.0 */
#include "net/fetch/easy.h"

#include "base/buf.h"
#include "base/mem.h"

#include <malloc.h>
#include <stdlib.h>
#include <sys/socket.h>

#define KEEPALIVE_IDLE_S 30L
#define KEEPALIVE_INTERVAL_S 10L

/* --- Memory ----------------------------------------------------------------------------------- */

static void wipe_free(void *p)
{
    if (p)
        explicit_bzero(p, malloc_usable_size(p));
    free(p);
}

static void *wipe_realloc(void *p, size_t n)
{
    size_t old = p ? malloc_usable_size(p) : 0;
    void *moved = malloc(n);
    if (!moved)
        return NULL;
    if (old)
        memcpy(moved, p, old < n ? old : n);
    wipe_free(p);
    return moved;
}

void easy_setup(void)
{
    if (curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, wipe_free, wipe_realloc, strdup,
                             calloc) != CURLE_OK)
        abort();
}

void easy_teardown(void)
{
    curl_global_cleanup();
}

/* --- Options ---------------------------------------------------------------------------------- */

static void limit_protocols(CURL *easy)
{
    EASY_SET(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    EASY_SET(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    EASY_SET(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    EASY_SET(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    EASY_SET(easy, CURLOPT_FOLLOWLOCATION, 0L);
    EASY_SET(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
    EASY_SET(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
    /* Nothing of this kind is taken from the environment. */
    EASY_SET(easy, CURLOPT_PROXY, "");
    EASY_SET(easy, CURLOPT_NOPROXY, "");
    EASY_SET(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
}

static void verify_peer(CURL *easy)
{
    EASY_SET(easy, CURLOPT_SSL_VERIFYPEER, 1L);
    EASY_SET(easy, CURLOPT_SSL_VERIFYHOST, 2L);
    EASY_SET(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
}

/* libcurl's own sockets would be passed on to the commands that the process runs. */
static curl_socket_t open_socket(void *cls, curlsocktype purpose, struct curl_sockaddr *address)
{
    (void)cls, (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

CURL *easy_new(void)
{
    CURL *easy = mem_need(curl_easy_init());
    limit_protocols(easy);
    EASY_SET(easy, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    verify_peer(easy);
    EASY_SET(easy, CURLOPT_USERAGENT, "cloudseed/" CLOUDSEED_VERSION);
    EASY_SET(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    EASY_SET(easy, CURLOPT_TCP_KEEPIDLE, KEEPALIVE_IDLE_S);
    EASY_SET(easy, CURLOPT_TCP_KEEPINTVL, KEEPALIVE_INTERVAL_S);
    return easy;
}

/* Without the last option the CAs in the system's folder would be trusted as well. */
void easy_trust(CURL *easy, struct str ca)
{
    struct curl_blob blob = {(void *)(uintptr_t)ca.p, ca.n, CURL_BLOB_COPY};
    EASY_SET(easy, CURLOPT_CAINFO_BLOB, &blob);
    EASY_SET(easy, CURLOPT_CAPATH, NULL);
}

/* Without a password OpenSSL would ask the terminal for that of an encrypted key. */
void easy_identify(CURL *easy, struct str certificate, struct str key)
{
    struct curl_blob chain = {(void *)(uintptr_t)certificate.p, certificate.n, CURL_BLOB_COPY};
    struct curl_blob own = {(void *)(uintptr_t)key.p, key.n, CURL_BLOB_COPY};
    EASY_SET(easy, CURLOPT_SSLCERT_BLOB, &chain);
    EASY_SET(easy, CURLOPT_SSLKEY_BLOB, &own);
    EASY_SET(easy, CURLOPT_KEYPASSWD, "");
}

void easy_note_certificates(CURL *easy)
{
    EASY_SET(easy, CURLOPT_CERTINFO, 1L);
}

struct str easy_certificate(CURL *easy)
{
    struct curl_certinfo *chain = NULL;
    curl_easy_getinfo(easy, CURLINFO_CERTINFO, &chain);
    for (struct curl_slist *at = chain && chain->num_of_certs ? chain->certinfo[0] : NULL; at;
         at = at->next) {
        struct str line = str_from(at->data);
        if (str_starts(line, STR("Cert:")))
            return str_skip(line, 5);
    }
    return STR("");
}

void easy_accept_any(CURL *easy)
{
    EASY_SET(easy, CURLOPT_SSL_VERIFYPEER, 0L);
    EASY_SET(easy, CURLOPT_SSL_VERIFYHOST, 0L);
}

void easy_only_look(CURL *easy)
{
    EASY_SET(easy, CURLOPT_CONNECT_ONLY, 1L);
    easy_accept_any(easy);
    easy_note_certificates(easy);
}

void easy_method(CURL *easy, const char *method, struct str body)
{
    EASY_SET(easy, CURLOPT_HTTPGET, 1L);
    if (body.p || strcmp(method, "POST") == 0) {
        EASY_SET(easy, CURLOPT_POST, 1L);
        EASY_SET(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)body.n);
        EASY_SET(easy, CURLOPT_COPYPOSTFIELDS, body.n ? body.p : "");
    } else if (strcmp(method, "HEAD") == 0) {
        EASY_SET(easy, CURLOPT_NOBODY, 1L);
    }
    EASY_SET(easy, CURLOPT_CUSTOMREQUEST, method);
}

/* --- Headers ---------------------------------------------------------------------------------- */

static struct curl_slist *add(struct curl_slist *list, const char *line)
{
    return mem_need(curl_slist_append(list, line));
}

/* A line without a value suppresses the header: libcurl would wait for '100 Continue' before a
 * large body, and call each body a form. */
struct curl_slist *easy_headers(struct str type)
{
    struct curl_slist *list = add(NULL, "Expect:");
    return type.p ? easy_header(list, STR("Content-Type"), type) : add(list, "Content-Type:");
}

struct curl_slist *easy_header(struct curl_slist *list, struct str name, struct str value)
{
    struct buf line;
    buf_init(&line, SIZE_MAX - 1);
    line.secret = true;
    buf_str(&line, name);
    if (value.n)
        buf_printf(&line, ": %.*s", STR_ARG(value));
    else
        buf_char(&line, ';'); /* how libcurl wants an empty value */
    list = add(list, line.p);
    buf_done(&line);
    return list;
}
