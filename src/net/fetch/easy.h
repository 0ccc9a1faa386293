/* SPDX-License-Identifier: Apache-2.0 */
/*
 * easy: one request by libcurl, with the options that the daemon's requests and the tool's share.
 *
 * What libcurl may do is decided only here: protocols, TLS, proxies, what it keeps. Time-outs,
 * limits and what happens to the answer are up to the caller. It must not know libuv: the tool is
 * linked with it too.
 */
#ifndef CLOUDSEED_NET_FETCH_EASY_H
#define CLOUDSEED_NET_FETCH_EASY_H

#include "base/str.h"

#include <curl/curl.h>
#include <stdlib.h>

/* An option that libcurl does not take would leave a request with less safety than was asked for.
 */
#define EASY_SET(easy, option, value)                          \
    do {                                                       \
        if (curl_easy_setopt(easy, option, value) != CURLE_OK) \
            abort();                                           \
    } while (0)

/* Before anything else of libcurl; easy_teardown once for each. From then on all memory that
 * libcurl gives up is overwritten: it copies headers and bodies, which may hold secrets. */
void easy_setup(void);
void easy_teardown(void);

/* Verifies the peer by the system's CAs. Never NULL; the caller frees it by curl_easy_cleanup. */
CURL *easy_new(void);
/* Verifies the peer only by these certificates (PEM, copied). */
void easy_trust(CURL *easy, struct str ca);
/* Shows the peer who we are, by a certificate with what follows it, and its key (PEM, copied). */
void easy_identify(CURL *easy, struct str certificate, struct str key);
/* Does not verify the peer: for what is public, and verified in another way. */
void easy_accept_any(CURL *easy);
/* Ends after the TLS handshake, with any peer: nothing is sent to it. Its certificates are
 * noted. */
void easy_only_look(CURL *easy);
/* Notes the server's certificates of each new connection in CURLINFO_CERTINFO. */
void easy_note_certificates(CURL *easy);
/* The server's own, which was noted: PEM, valid as long as the handle; empty: none was. */
struct str easy_certificate(CURL *easy);
/* `body` is copied; p == NULL: there is none. */
void easy_method(CURL *easy, const char *method, struct str body);

/* The headers of a request, to begin with; `type` of its body, p == NULL without one. The caller
 * frees the list by curl_slist_free_all, after the handle. */
struct curl_slist *easy_headers(struct str type);
/* Without a line end in name or value. Returns the list. */
struct curl_slist *easy_header(struct curl_slist *list, struct str name, struct str value);

#endif
