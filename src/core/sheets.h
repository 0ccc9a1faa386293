/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sheets: what documents are put together in (render/piece.h), kept from one answer to the next.
 */
#ifndef CLOUDSEED_CORE_SHEETS_H
#define CLOUDSEED_CORE_SHEETS_H

#include "port/exchange.h"
#include "render/piece.h"

struct sheets;

struct sheets *sheets_new(void);
/* Every exchange that took one has ended. */
void sheets_free(struct sheets *s);

/* Until the exchange ends. */
struct piece_sheet *sheets_take(struct sheets *s, struct exchange *x);

#endif
