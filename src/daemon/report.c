/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/report.h"

#include "base/log.h"

static void report_fault(const struct fault *f, enum log_level level, const char *event)
{
    struct value_pair fields[6];
    size_t n = 0;
    if (f->at.file)
        fields[n++] = (struct value_pair)LOG_TEXT("file", str_from(f->at.file));
    if (f->at.line) {
        fields[n++] = (struct value_pair)LOG_NUMBER("line", f->at.line);
        fields[n++] = (struct value_pair)LOG_NUMBER("column", f->at.column);
    }
    if (f->owner)
        fields[n++] = (struct value_pair)LOG_TEXT("node", str_from(f->owner));
    if (f->part)
        fields[n++] = (struct value_pair)LOG_TEXT("document", str_from(f->part));
    fields[n++] = (struct value_pair)LOG_TEXT("reason", str_from(f->msg));
    log_event(f->warning ? LOG_WARNING : level, f->warning ? "warning" : event, fields, n);
}

static void report_all(struct faults *faults, enum log_level level, const char *event)
{
    faults_sort(faults);
    for (size_t i = 0; i < faults->kept; i++)
        report_fault(&faults->list[i], level, event);
    size_t all = faults->errors + faults->warnings;
    if (all > faults->kept)
        log_event(level, "more-faults", LOG_FIELDS(LOG_NUMBER("unlisted", all - faults->kept)));
}

void report_faults(struct faults *faults)
{
    report_all(faults, LOG_ERROR, "fault");
}

void report_found(struct faults *faults)
{
    report_all(faults, LOG_WARNING, "document-fault");
}
