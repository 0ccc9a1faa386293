/* SPDX-License-Identifier: Apache-2.0 */
/*
 * config: the daemon's own configuration, as its file says it.
 *
 * It reads cloudseedd.yaml by the same kind of tables as the seed tree, and knows each default. It
 * opens nothing that the file names; the command line's flags win over it, which is the daemon's
 * work.
 */
#ifndef CLOUDSEED_CONFIG_CONFIG_H
#define CLOUDSEED_CONFIG_CONFIG_H

#include "base/buf.h"
#include "base/fault.h"
#include "base/log.h"
#include "model/address.h"

#define CONFIG_PATH_DEFAULT CLOUDSEED_CONFIG_DIR "/cloudseedd.yaml"

struct config_log {
    enum log_format format;
    enum log_level level;
};

struct config_limits {
    uint32_t connections;             /* in all */
    uint32_t connections_per_address; /* of one peer */
    uint32_t request_seconds;         /* for a request to come in whole */
    uint32_t answer_seconds;          /* for an answer to be taken */
    uint32_t shutdown_seconds;        /* for what is under way when we stop */
    uint32_t tftp_transfers;          /* in all */
    uint32_t tftp_transfers_per_address;
    uint32_t tftp_windowsize; /* the largest that is granted */
};

/* Both may be used; 0: any port. */
struct config_ports {
    uint16_t first, last;
};

/* Where the value of `secrets.NAME` comes from: exactly one of the three. */
struct config_secret {
    struct str name;
    struct place at;
    struct str file;
    struct str env;
    const struct str *command; /* command[0] is a path; no shell comes between */
    uint32_t command_n;
};

/* How much of the nodes' events is kept. */
struct config_history {
    uint32_t days;
    uint32_t events;
};

/* Every text ends in NUL; all of it lives in the arena given to config_load. */
struct config {
    struct str seed_dir;
    struct str templates_dir;
    struct str state_dir;
    bool volatile_state; /* nodes' states are kept only in memory: for measurements */
    struct str assets_dir;
    struct str sealing_key;  /* a file; empty: "sealing-key" in the state folder */
    struct str socket;       /* of admins; "none": none */
    struct str socket_group; /* whose members are admins; empty: the daemon's own alone */
    const struct endpoint *http;
    uint32_t http_n; /* at least 1 */
    const struct endpoint *tftp;
    uint32_t tftp_n; /* 0: no TFTP */
    struct config_ports tftp_ports;
    struct str url;   /* without a slash at its end; empty: the site's */
    struct str user;  /* to become when started as root */
    struct str group; /* empty: the user's own */
    const struct config_secret *secrets;
    uint32_t secrets_n;
    struct config_log log;
    struct config_limits limits;
    struct config_history history;
};

/* Reads `path`, or the default place where `path` is NULL: no file there means defaults, whereas a
 * file that was asked for must be there. "" reads nothing: the defaults alone. All faults are
 * reported; -EINVAL when there is one, and *ret is untouched. */
int config_load(const char *path, struct faults *faults, struct arena *arena, struct config *ret);

/* NULL: there is none of that name. */
const struct config_secret *config_find_secret(const struct config *c, struct str name);

/* Whether `url` would do as a `url`: http or https, a host, perhaps a port, and a slash at most. */
bool config_url_valid(struct str url);

/* The reference page of the format, in Markdown. */
void config_reference(struct buf *out);

#endif
