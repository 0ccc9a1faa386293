/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ca: our own certificate authority, and the certificates that it issues for this server.
 *
 * An authority is a value that never changes: each step makes the next one of it. During a rotation
 * it consists of two CAs: the new one, whose pin new windows carry, and the former one, which goes
 * on issuing until the rotation is finished. docs/why/ca.md says how nodes with either pin accept
 * what is served. Every function takes the time, in seconds since 1970: the wall clock may be
 * wrong, and a time before the build date counts as the build date.
 */
#ifndef CLOUDSEED_CRYPTO_CA_H
#define CLOUDSEED_CRYPTO_CA_H

#include "crypto/certificate.h"

struct ca;

#define CA_DAY_S ((int64_t)24 * 3600)
#define CA_DAYS 3652           /* ten years */
#define CA_CERTIFICATE_DAYS 90 /* of what it issues */

/* Whether the clock has passed the date of this build. */
bool ca_clock_is_sane(int64_t now_s);

struct ca *ca_new(int64_t now_s);
/* With the same keys, so that the pins stay. */
struct ca *ca_renew(const struct ca *ca, int64_t now_s);
/* With a new key, beside the one in force. Only if no rotation is under way. */
struct ca *ca_rotate(const struct ca *ca, int64_t now_s);
/* Without the former CA. */
struct ca *ca_finish(const struct ca *ca, int64_t now_s);
/* Accepts NULL. */
void ca_free(struct ca *ca);

/* Its keys and certificates as PEM, in an arena that must be secret. */
struct str ca_text(const struct ca *ca, struct arena *a);
/* Reads what ca_text writes. */
int ca_read(struct str text, struct ca **ret, struct err *e);

/* Of the CA in force. */
const char *ca_pin(const struct ca *ca);
int64_t ca_since_s(const struct ca *ca);
int64_t ca_until_s(const struct ca *ca);
/* NULL: no rotation is under way. */
const char *ca_former_pin(const struct ca *ca);
/* Whether it should be renewed: two thirds of its time have passed, or the clock is before its
 * beginning. */
bool ca_is_due(const struct ca *ca, int64_t now_s);

/* Issues a certificate of CA_CERTIFICATE_DAYS for a new key. */
void ca_issue(const struct ca *ca, const struct certificate_name *names, size_t n, int64_t now_s,
              struct certificate *ret);
/* The same as ca_is_due, for what ca_issue made. */
bool ca_is_certificate_due(const struct certificate *c, int64_t now_s);

#endif
