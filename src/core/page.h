/* SPDX-License-Identifier: Apache-2.0 */
/*
 * page: the web page's files as answers (docs/page.md).
 *
 * They hold nothing secret, so every client of a listener for admins gets them. What the page then
 * asks for goes through guard.c.
 */
#ifndef CLOUDSEED_CORE_PAGE_H
#define CLOUDSEED_CORE_PAGE_H

#include "port/exchange.h"

struct page;

struct page *page_new(void);
/* NULL is fine. */
void page_free(struct page *p);

#endif
