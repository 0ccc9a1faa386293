/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tls: the certificate of an HTTPS listener, and what libmicrohttpd leaves to us of its sessions.
 *
 * It is the only file that knows GnuTLS, by which libmicrohttpd speaks TLS. It decides which
 * versions and ciphers are spoken, lends each handshake the certificate that was current when it
 * began, and knows when a handshake is done, which libmicrohttpd does not report. It knows no
 * socket and no connection.
 */
#ifndef CLOUDSEED_NET_HTTP_TLS_H
#define CLOUDSEED_NET_HTTP_TLS_H

#include "base/err.h"
#include "base/str.h"

#include <sys/queue.h>

struct tls;
struct tls_identity;

/* Without a certificate every handshake fails. */
struct tls *tls_new(void);
/* After the last session. NULL is accepted. */
void tls_free(struct tls *t);

/* Serves this certificate from now on: `chain_pem` begins with the leaf, `key_pem` is its private
 * key, and both may be overwritten afterwards. Handshakes that have begun keep the previous one.
 * -EINVAL with the previous one kept where they cannot be used. A key that is not served any more
 * is wiped; of one in the form of PKCS #8 ("PRIVATE KEY", not "EC PRIVATE KEY") libtasn1 leaves a
 * copy in freed memory. */
int tls_use(struct tls *t, const char *chain_pem, const char *key_pem, struct err *e);
/* Whether tls_use would take them; may be called on any thread. */
int tls_check(const char *chain_pem, const char *key_pem, struct err *e);

/* For libmicrohttpd: MHD_OPTION_HTTPS_PRIORITIES and MHD_OPTION_HTTPS_CERT_CALLBACK. */
extern const char tls_priorities[];
void *tls_certificate_callback(void);

/* One connection's part. It must not move between tls_session_begin and tls_session_end. */
struct tls_session {
    struct tls *tls;
    void *session;                 /* GnuTLS's, which libmicrohttpd owns; NULL: not TLS */
    struct tls_identity *identity; /* that its handshake uses; NULL: none yet, or it is done */
    unsigned finished;             /* the peer's Finished message and ours */
    void *owner;                   /* the caller's */
    bool is_stalled;
    LIST_ENTRY(tls_session) stalled;
};

/* Before the session's first byte. */
void tls_session_begin(struct tls_session *s, struct tls *t, void *session, void *owner);
/* Whether the handshake is done; then it releases the certificate. */
bool tls_session_is_done(struct tls_session *s);
/* The owner of a session that received a message of TLS and no data, such as one with new keys:
 * libmicrohttpd takes its socket for empty now, where more may be waiting. Each is returned once;
 * NULL: no more. */
void *tls_take_stalled(struct tls *t);
/* Whether an unfinished handshake waits to send, and not to receive. */
bool tls_session_wants_write(const struct tls_session *s);
/* Why the handshake failed, for the log. */
const char *tls_session_failure(const struct tls_session *s);
/* Sends what the socket takes without waiting; then that nothing follows. */
void tls_session_send(struct tls_session *s, struct str text);
void tls_session_close(struct tls_session *s);
/* Where libmicrohttpd's session ends. */
void tls_session_end(struct tls_session *s);

#endif
