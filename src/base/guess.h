/* SPDX-License-Identifier: Apache-2.0 */
/* guess: suggestions for a misspelled word: "did you mean 'worker'?" */
#ifndef CLOUDSEED_BASE_GUESS_H
#define CLOUDSEED_BASE_GUESS_H

#include "base/str.h"

struct guess {
    struct str word; /* as it was written */
    struct str best; /* n == 0: nothing is near */
    unsigned distance;
    char text[96];
};

void guess_init(struct guess *g, struct str word);
void guess_offer(struct guess *g, struct str candidate);
/* "; did you mean 'x'?", or nothing where no candidate was near. It lives in `g`. */
const char *guess_text(struct guess *g);

#endif
