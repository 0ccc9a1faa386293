/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the daemon's configuration file, cloudseedd.yaml.
 *
 * It is described by tables like those of the seed tree, with the defaults. Files named in it are
 * not opened here. Options of the command line, which win over it, are applied by the caller.
 */
#ifndef CLOUDSEED_CONFIG_CONFIG_H
#define CLOUDSEED_CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "model/address.h"
#include "tree/tree.h"

#define CONFIG_PATH_DEFAULT CLOUDSEED_CONFIG_DIR "/cloudseedd.yaml"

struct config_log {
    enum log_format format;
    enum log_level level;
};

struct config_limits {
    uint32_t connections;             /* total */
    uint32_t connections_per_address; /* from one peer */
    uint32_t request_seconds;         /* until a request must be complete */
    uint32_t answer_seconds;          /* until an answer must have been received */
    uint32_t shutdown_seconds;        /* for requests in progress when we stop */
    uint32_t hold_seconds;            /* for a node that waits for its cluster */
    uint32_t tftp_transfers;          /* total */
    uint32_t tftp_transfers_per_address;
    uint32_t tftp_windowsize; /* the largest that is granted */
};

/* Inclusive; 0: any port. */
struct config_ports {
    uint16_t first, last;
};

/* Where the value of `secrets.NAME` comes from: exactly one of the three. */
struct config_secret {
    struct str name;
    struct place at;
    struct str file;
    struct str env;
    const struct str *command; /* command[0] is a path; no shell is used */
    uint32_t command_n;
};

/* A certificate for TLS that an admin provides: files; all empty: we have a CA of our own. */
struct config_tls {
    struct str certificate, key, ca;
};

/* Where boots are sent to as traces. */
struct config_traces {
    struct str url; /* of a collector, without OTLP's own path; empty: nowhere */
    struct str ca;  /* a file; empty: the system's CAs */
};

/* How much of the nodes' events is kept. */
struct config_history {
    uint32_t days;
    uint32_t events, reports; /* reports are not among the events */
    uint32_t per_node;        /* of each of the two */
};

/* How much of the audit is kept. */
struct config_audit {
    uint32_t days;
    uint32_t entries, refusals; /* refusals are not among the entries */
    uint32_t per_node;
};

/* Every text ends in NUL and lives in the arena given to config_load. */
struct config {
    struct str seed_dir;
    struct str templates_dir; /* or several with ':' between (tree/overlay.h) */
    struct str state_dir;
    bool volatile_state; /* keep the states of nodes only in memory: for measurements */
    struct str assets_dir;
    struct str sealing_key;  /* a file; empty: "sealing-key" in the state folder */
    struct str socket;       /* for admins; "none": there is none */
    struct str socket_group; /* its members are admins; empty: the daemon's own group */
    const struct endpoint *http;
    uint32_t http_n; /* at least 1 */
    const struct endpoint *https;
    uint32_t https_n; /* 0: no HTTPS */
    const struct endpoint *admin;
    uint32_t admin_n; /* 0: admins are answered only at the socket */
    const struct endpoint *tftp;
    uint32_t tftp_n; /* 0: no TFTP */
    struct config_ports tftp_ports;
    const struct cidr *proxies; /* whose connections begin with a PROXY head */
    uint32_t proxies_n;
    struct str url;   /* without a slash at its end, instead of the site's; empty: the site's */
    struct str user;  /* to become when started as root */
    struct str group; /* empty: the user's own */
    const struct config_secret *secrets;
    uint32_t secrets_n;
    struct config_log log;
    struct config_limits limits;
    struct config_history history;
    struct config_audit audit;
    struct config_tls tls;
    struct config_traces traces;
};

/* Reads `path`, which must exist, or, if it is NULL, CONFIG_PATH_DEFAULT, which need not. "" means
 * only the defaults. Reports all faults; -EINVAL if there is one, with *ret untouched. */
int config_load(const char *path, struct faults *faults, struct arena *arena, struct config *ret);

/* The seed tree, for tree_load. */
struct tree_source config_tree(const struct config *c);

/* NULL if there is none of that name. */
const struct config_secret *config_find_secret(const struct config *c, struct str name);

/* Whether `url` is valid as the configuration's `url`: http or https, a host, perhaps a port, and
 * perhaps one slash. */
bool config_url_valid(struct str url);

/* The reference page of the format, in Markdown. */
void config_reference(struct buf *out);

#endif
