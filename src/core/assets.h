/* SPDX-License-Identifier: Apache-2.0 */
/*
 * assets: answers with files of the assets folder, whole or in parts.
 *
 * The folder may lie on a share that went away, so that opening is work for another thread; what
 * is not opened in time is refused, and the loop never waits.
 */
#ifndef CLOUDSEED_CORE_ASSETS_H
#define CLOUDSEED_CORE_ASSETS_H

#include "port/exchange.h"
#include "port/work.h"

struct asset_request;

/* What the exchange keeps of it; all zero at first. */
struct asset_call {
    struct asset_request *request;
    struct exchange_file file;
};

/* A step of an exchange that wants the asset `name`. */
enum exchange_verdict asset_step(struct exchange *x, struct asset_call *call, const char *folder,
                                 struct str name, const struct work_port *work);
/* At the exchange's end, whatever was begun. */
void asset_end(struct asset_call *call);

/* Content-Type by the name's ending. */
const char *asset_type(struct str name);

#endif
