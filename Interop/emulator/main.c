// SPDX-License-Identifier: Apache-2.0
// The loop: wait for the next packet or the next moment, then do all that is due. Ends with its standard input.
#define _GNU_SOURCE
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "emulator.h"

static void work(void) {
    struct packet *packet;
    uint64_t now = clock_now();
    while ((packet = due(now))) network_step(packet, now);
    for (int i = 0; i < port_count; i++) port_flush(ports[i]);
}

static int wait_for_more(struct pollfd *polled) {
    polled[0] = (struct pollfd){STDIN_FILENO, POLLIN, 0};
    for (int i = 0; i < port_count; i++) polled[i + 1] = (struct pollfd){ports[i]->socket, POLLIN, 0};
    uint64_t next = next_due(), now = clock_now(), left = next > now ? next - now : 0;
    struct timespec timeout = {(time_t)(left / 1000000000), (long)(left % 1000000000)};
    return ppoll(polled, (nfds_t)(1 + port_count), next == UINT64_MAX ? NULL : &timeout, NULL);
}

int main(void) {
    struct pollfd polled[1 + ports_largest];
    signal(SIGPIPE, SIG_IGN);
    // The kernel may be 50 µs late by default.
    prctl(PR_SET_TIMERSLACK, 1ul);
    for (;;) {
        int count = port_count;
        if (wait_for_more(polled) > 0) {
            for (int i = 0; i < count; i++)
                if (polled[i + 1].revents) port_receive(ports[i]);
            if (polled[0].revents && !control_read()) return 0;
        }
        work();
    }
}
