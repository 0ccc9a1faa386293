/* SPDX-License-Identifier: Apache-2.0 */
/* thread: the thread of a store that waits for its disk or its servers. */
#ifndef CLOUDSEED_STORE_THREAD_H
#define CLOUDSEED_STORE_THREAD_H

#include "base/err.h"

#include <pthread.h>

/* It takes no signals: those are for the loop's thread. The caller joins it. */
int store_thread_start(pthread_t *ret, void *(*run)(void *cls), void *cls, struct err *e);

#endif
