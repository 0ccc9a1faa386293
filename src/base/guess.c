/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guess.h"

#include <limits.h>
#include <stdio.h>

void guess_init(struct guess *g, struct str word)
{
    *g = (struct guess){.word = word, .distance = UINT_MAX};
}

/* The most edits in a misspelled word: one or two in a short one, else one for three letters. */
static unsigned near_enough(size_t n)
{
    return n < 6 ? 1 + (n > 3) : (unsigned)n / 3;
}

/* Candidates may come from a document, and end up in a message. */
static bool is_shown(struct str s)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        if (str_is_hidden(str_decode(str_skip(s, i), &n)))
            return false;
    }
    return true;
}

void guess_offer(struct guess *g, struct str candidate)
{
    unsigned distance = str_distance(g->word, candidate);
    if (candidate.n > 64 || distance > near_enough(g->word.n) || distance >= candidate.n)
        return;
    if (distance < g->distance && is_shown(candidate)) {
        g->distance = distance;
        g->best = candidate;
    }
}

const char *guess_text(struct guess *g)
{
    if (g->best.n)
        snprintf(g->text, sizeof(g->text), "; did you mean '%.*s'?", STR_ARG(g->best));
    return g->text;
}
