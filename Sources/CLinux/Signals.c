// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Signals.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static atomic_int descriptor = -1;
static atomic_int received;

static void note(int number) {
    if (atomic_fetch_add(&received, 1) > 0) _exit(128 + number);
    int before = errno;
    uint64_t one = 1;
    ssize_t written = write(atomic_load(&descriptor), &one, sizeof one);
    (void)written;
    errno = before;
}

int roost_ending_signals(void) {
    int made = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (made < 0) return -1;
    int none = -1;
    if (!atomic_compare_exchange_strong(&descriptor, &none, made)) {
        close(made);
        return none;
    }
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    if (sigaction(SIGINT, &action, NULL) < 0 || sigaction(SIGTERM, &action, NULL) < 0) return -1;
    return made;
}
