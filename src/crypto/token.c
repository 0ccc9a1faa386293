/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/token.h"

#include "crypto/random.h"

#include <assert.h>

static const char characters[] = "abcdefghijklmnopqrstuvwxyz0123456789";

#define CHARACTERS (sizeof(characters) - 1)
#define BYTE_END \
    (256 / CHARACTERS * CHARACTERS) /* bytes from here on would favour some characters */

void token_new(char ret[TOKEN_LEN + 1])
{
    uint8_t bytes[2 * TOKEN_LEN];
    size_t n = 0;
    while (n < TOKEN_LEN) {
        random_bytes(bytes, sizeof(bytes));
        for (size_t i = 0; i < sizeof(bytes) && n < TOKEN_LEN; i++) {
            if (bytes[i] < BYTE_END)
                ret[n++] = characters[bytes[i] % CHARACTERS];
        }
    }
    explicit_bzero(bytes, sizeof(bytes));
    ret[TOKEN_ID_LEN] = '.';
    ret[TOKEN_LEN] = '\0';
}

bool token_valid(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (i == TOKEN_ID_LEN ? s.p[i] != '.' : !memchr(characters, s.p[i], CHARACTERS))
            return false;
    }
    return s.n == TOKEN_LEN;
}

struct str token_id(struct str token)
{
    assert(token.n == TOKEN_LEN);
    return (struct str){token.p, TOKEN_ID_LEN};
}

struct str token_secret(struct str token)
{
    assert(token.n == TOKEN_LEN);
    return str_skip(token, TOKEN_ID_LEN + 1);
}
