/* SPDX-License-Identifier: Apache-2.0 */
/* pairs: values for templates from what the model holds. Texts of the model are not copied. */
#ifndef CLOUDSEED_RENDER_PAIRS_H
#define CLOUDSEED_RENDER_PAIRS_H

#include "base/value.h"
#include "model/network.h"

#define PAIRS_MAX 20

/* A map under construction; templates list its pairs in this order. */
struct pairs {
    struct value_pair list[PAIRS_MAX];
    size_t n;
};

void pairs_put(struct pairs *m, struct str key, struct value v);
struct value pairs_value(const struct pairs *m, struct arena *a);

/* None where the text is empty, the number 0, the address of no family. */
struct value pairs_text(struct str s);
struct value pairs_number(uint32_t n);
struct value pairs_address(struct address addr, struct arena *a);
struct value pairs_cidr(struct cidr c, struct arena *a);

struct value pairs_texts(const struct str *list, uint32_t n, struct arena *a);
struct value pairs_addresses(const struct address *list, uint32_t n, struct arena *a);
struct value pairs_route(const struct network_route *r, struct arena *a);

#endif
