/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log: one line for each outcome, as logfmt or JSON, on standard error.
 *
 * Only net/ and daemon/ call it. A line is an event's name and fields; foreign text is escaped,
 * secrets are never logged. Lines are queued, and a thread writes them: the caller never waits for
 * whatever standard error is. The queue is bounded. Lines that do not fit, or that could not be
 * written, are counted, and `log-lost` reports their number in the place where they are missing.
 */
#ifndef CLOUDSEED_BASE_LOG_H
#define CLOUDSEED_BASE_LOG_H

#include "base/value.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_NOTICE, LOG_WARNING, LOG_ERROR };
enum log_format { LOG_LOGFMT, LOG_JSON };

/* Lines below `level` are not written. Under systemd's journal lines begin with its <priority> and
 * have no time of their own. */
void log_init(enum log_format format, enum log_level level);
bool log_wants(enum log_level level);

/* Fields in the given order; use the macros below. */
void log_event(enum log_level level, const char *event, const struct value_pair *fields, size_t n);

/* Has queued lines written soon. The first call starts the thread: not before privileges are
 * dropped. */
void log_flush(void);
/* Has all lines written, and waits for that at most two seconds; what is left then is
 * lost. For the end of the process. */
void log_drain(void);

#define LOG_TEXT(key, text)                  \
    {                                        \
        value_str(STR(key)), value_str(text) \
    }
#define LOG_NUMBER(key, number)                           \
    {                                                     \
        value_str(STR(key)), value_int((int64_t)(number)) \
    }

#define LOG_FIELDS(...)                       \
    (const struct value_pair[]){__VA_ARGS__}, \
        sizeof((const struct value_pair[]){__VA_ARGS__}) / sizeof(struct value_pair)
#define log_debug(event, ...) log_event(LOG_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...) log_event(LOG_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_notice(event, ...) log_event(LOG_NOTICE, event, LOG_FIELDS(__VA_ARGS__))
#define log_warning(event, ...) log_event(LOG_WARNING, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(event, ...) log_event(LOG_ERROR, event, LOG_FIELDS(__VA_ARGS__))

#endif
