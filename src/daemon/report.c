/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/report.h"

#include "base/log.h"

static void report_fault(const struct fault *f)
{
    struct value_pair fields[4];
    size_t n = 0;
    if (f->at.file)
        fields[n++] = (struct value_pair)LOG_TEXT("file", str_from(f->at.file));
    if (f->at.line) {
        fields[n++] = (struct value_pair)LOG_NUMBER("line", f->at.line);
        fields[n++] = (struct value_pair)LOG_NUMBER("column", f->at.column);
    }
    fields[n++] = (struct value_pair)LOG_TEXT("reason", str_from(f->msg));
    log_event(f->warning ? LOG_WARNING : LOG_ERROR, f->warning ? "warning" : "fault", fields, n);
}

void report_faults(struct faults *faults)
{
    faults_sort(faults);
    for (size_t i = 0; i < faults->kept; i++)
        report_fault(&faults->list[i]);
    size_t all = faults->errors + faults->warnings;
    if (all > faults->kept)
        log_error("more-faults", LOG_NUMBER("unlisted", all - faults->kept));
}

void report_failure(const struct err *e)
{
    log_error("start-failed", LOG_TEXT("reason", str_from(e->msg)));
}
