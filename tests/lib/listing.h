/* SPDX-License-Identifier: Apache-2.0 */
/* listing: faults as lines of text, "FILE:LINE:COLUMN: MESSAGE", for comparing. */
#ifndef CLOUDSEED_TESTS_LIB_LISTING_H
#define CLOUDSEED_TESTS_LIB_LISTING_H

#include "base/buf.h"
#include "base/fault.h"

static inline void listing_write(struct buf *out, const struct faults *faults)
{
    for (size_t i = 0; i < faults->kept; i++) {
        const struct fault *f = &faults->list[i];
        if (f->at.file)
            buf_printf(out, "%s:", f->at.file);
        if (f->at.line)
            buf_printf(out, "%u:%u:", f->at.line, f->at.column);
        buf_printf(out, "%s%s\n", f->warning ? " warning: " : " ", f->msg);
        if (f->excerpt)
            buf_printf(out, "%s\n", f->excerpt);
    }
}

#endif
