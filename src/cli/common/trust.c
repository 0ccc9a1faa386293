/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/common/trust.h"

#include <stdio.h>
#include <unistd.h>

static int ask(const struct cli *c, const struct trust_question *q, const char *found)
{
    char answer[8];
    fprintf(stderr, "%c%s\n  %s\nCompare it with %s.\nIs it the same? [y/N] ",
            q->what[0] - 'a' + 'A', q->what + 1, found, q->compare);
    if (fgets(answer, sizeof(answer), stdin) && (answer[0] == 'y' || answer[0] == 'Y'))
        return CLI_OK;
    return cli_fail(c, "not confirmed: nothing was saved");
}

int trust_confirm(const struct cli *c, const struct trust_question *q, const char *found)
{
    const char *given = flags_value(&c->flags, q->flag);
    struct str trimmed = str_trim(str_from(given));
    if (given && (q->any_case ? str_eq_nocase(trimmed, str_from(found)) : str_is(trimmed, found)))
        return CLI_OK;
    if (given)
        return cli_fail(c, "that is not it: %s %s", q->what, found);
    if (isatty(STDIN_FILENO))
        return ask(c, q, found);
    return cli_fail(c, "%s %s: compare it with %s, and confirm it with --%s", q->what, found,
                    q->compare, q->flag);
}
