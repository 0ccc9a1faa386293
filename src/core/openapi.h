/* SPDX-License-Identifier: Apache-2.0 */
/*
 * openapi: the description of all that is answered over HTTP (OpenAPI 3.1), for /v1/openapi.json.
 *
 * What requests and answers hold is written in openapi.json and schemas.json beside this file, one
 * operation for each row and method of the table in route.c. That table says the rest: on which
 * listeners an operation is answered, who may ask for it, how large a body may be, and the refusals
 * that follow from this.
 */
#ifndef CLOUDSEED_CORE_OPENAPI_H
#define CLOUDSEED_CORE_OPENAPI_H

#include "base/value.h"

/* The two files: of operations, and of schemas. */
extern const char openapi_text[], schemas_text[];

/* Where machines reach the boot and the node listener: "http://10.0.10.5:8080". */
struct openapi_urls {
    struct str boot, node;
};

/* In the arena. An operation without a row has no "x-cloudseed-identity": a test looks for those.
 */
struct value openapi_document(const struct openapi_urls *urls, struct arena *a);

#endif
