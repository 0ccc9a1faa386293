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

/* Answers with the asset `name`. */
enum exchange_verdict asset_answer(struct exchange *x, const char *folder, struct str name,
                                   const struct work_port *work);

/* Content-Type by the name's ending. */
const char *asset_type(struct str name);

#endif
