/* SPDX-License-Identifier: Apache-2.0 */
#include "port/closer.h"

#include "base/mem.h"

#include <stdlib.h>
#include <unistd.h>

struct closing {
    struct work work;
    int fd;
};

static void on_run(struct work *w)
{
    close(((struct closing *)w)->fd);
}

static void on_ended(struct work *w, bool ran)
{
    (void)ran; /* if it never will, the process ends and closes it */
    free(w);
}

void closer_close(const struct work_port *work, int fd)
{
    struct closing *c = mem_alloc(sizeof(*c));
    *c = (struct closing){.work = {.run = on_run, .ended = on_ended, .is_patient = true}, .fd = fd};
    if (work->start(work->cls, &c->work))
        return;
    close(fd); /* no thread is left for it */
    free(c);
}
