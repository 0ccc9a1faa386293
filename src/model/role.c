/* SPDX-License-Identifier: Apache-2.0 */
#include "model/role.h"

const char *const seed_file_names[SEED_FILE_COUNT] = {
    [SEED_META_DATA] = "meta-data",
    [SEED_USER_DATA] = "user-data",
    [SEED_VENDOR_DATA] = "vendor-data",
    [SEED_NETWORK_CONFIG] = "network-config",
};

const char *const bootstrap_names[] = {
    [BOOTSTRAP_NONE] = "none",
    [BOOTSTRAP_MASTER] = "master",
    [BOOTSTRAP_WORKER] = "worker",
    [BOOTSTRAP_COUNT] = NULL,
};

enum seed_file seed_file_parse(struct str name)
{
    unsigned file = 0;
    while (file < SEED_FILE_COUNT && !str_is(name, seed_file_names[file]))
        file++;
    return (enum seed_file)file;
}
