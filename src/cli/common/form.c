/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/form.h"

#include "base/guess.h"
#include "base/json.h"

#include <stdio.h>

/* "opnsense, kea or dnsmasq" */
static struct str list_of(struct arena *a, const char *const *names)
{
    struct str text = str_from(names[0]);
    for (size_t i = 1; names[i]; i++)
        text = ARENA_JOIN(a, text, str_from(names[i + 1] ? ", " : " or "), str_from(names[i]));
    return text;
}

int form_choose(struct cli *c, const char *what, const char *const *names, int *ret)
{
    const char *name = flags_value(&c->flags, "for");
    struct guess guess;
    *ret = -1;
    if (!name && !flags_given(&c->flags, "json"))
        return cli_misuse(c, "say for which %s: --for %s", what, list_of(&c->arena, names).p);
    guess_init(&guess, str_from(name));
    for (int i = 0; name && names[i]; i++) {
        if (strcmp(name, names[i]) == 0)
            *ret = i;
        guess_offer(&guess, str_from(names[i]));
    }
    if (name && *ret < 0)
        return cli_misuse(c, "--for '%s': expected %s%s", name, list_of(&c->arena, names).p,
                          guess_text(&guess));
    return CLI_OK;
}

void form_print(struct cli *c, struct value data, const struct buf *text)
{
    if (!flags_given(&c->flags, "json")) {
        fwrite(text->p, 1, text->n, stdout);
        return;
    }
    struct value_pair *pairs = ARENA_ARRAY(&c->arena, struct value_pair, data.n + 1);
    memcpy(pairs, data.pairs, data.n * sizeof(*pairs));
    if (text)
        pairs[data.n] = (struct value_pair)JSON_STR("text", buf_view(text));
    cli_print_json(value_map(pairs, data.n + (text != NULL)));
}
