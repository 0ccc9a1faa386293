/* SPDX-License-Identifier: Apache-2.0 */
#include "store/thread.h"

#include <signal.h>

int store_thread_start(pthread_t *ret, void *(*run)(void *cls), void *cls, struct err *e)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int r = pthread_create(ret, NULL, run, cls);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (r)
        return err_errno(e, -r, "a thread for the state");
    pthread_setname_np(*ret, "store");
    return 0;
}
