/* SPDX-License-Identifier: Apache-2.0 */
/* site: what all nodes share: the server's URL, networks, variables. */
#ifndef CLOUDSEED_MODEL_SITE_H
#define CLOUDSEED_MODEL_SITE_H

#include "model/network.h"
#include "model/proxmox.h"
#include "model/variable.h"

/* Ways to identify a machine that anyone on the network can forge. */
enum evidence { EVIDENCE_MAC, EVIDENCE_UUID, EVIDENCE_SERIAL, EVIDENCE_NAME, EVIDENCE_COUNT };

extern const char *const evidence_names[]; /* "mac", "uuid", "serial", "name", and NULL behind */

/* What an alarm does besides being recorded. */
enum alarms { ALARMS_NOTE, ALARMS_LOCK, ALARMS_COUNT };

extern const char *const alarms_names[]; /* "note", "lock", and NULL behind */

/* Which nodes may join with the key of their window, which anyone on the network may have. */
enum window_key_joins { WINDOW_KEY_JOINS_NONE, WINDOW_KEY_JOINS_WORKERS, WINDOW_KEY_JOINS_ALL };

extern const char *const window_key_joins_names[]; /* "none", "workers", "all", and NULL behind */

/* The answer to an unregistered machine that asks what to boot. */
enum unknown { UNKNOWN_WAIT, UNKNOWN_LOCAL };

extern const char *const unknown_names[]; /* "wait", "local", and NULL behind */

struct site {
    struct str name;
    struct str url;      /* "http://10.0.10.5:8080", without a slash at its end */
    struct str node_url; /* where nodes bootstrap, over TLS: "https://10.0.10.5:8443" */
    const struct network *networks;
    uint32_t networks_n;
    bool evidence[EVIDENCE_COUNT]; /* kinds of weak evidence that are accepted */
    enum alarms alarms;
    enum window_key_joins window_key_joins;
    enum unknown unknown;
    struct proxmox proxmox;
    struct variables variables;
    struct place at;
};

#endif
