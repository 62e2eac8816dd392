// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Gateway.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

int roost_gateway_open(uint32_t address, uint16_t port, uint32_t *local) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
    struct sockaddr_in ours;
    socklen_t length = sizeof ours;
    if (connect(descriptor, (const struct sockaddr *)&to, sizeof to) < 0
        || getsockname(descriptor, (struct sockaddr *)&ours, &length) < 0) {
        close(descriptor);
        return -1;
    }
    *local = ntohl(ours.sin_addr.s_addr);
    return descriptor;
}

ptrdiff_t roost_gateway_ask(int descriptor, const uint8_t *request, size_t length, uint8_t *answer, size_t capacity, int milliseconds) {
    if (send(descriptor, request, length, MSG_NOSIGNAL) < 0) return -1;
    struct pollfd wanted = {.fd = descriptor, .events = POLLIN};
    int ready = poll(&wanted, 1, milliseconds);
    if (ready <= 0) return ready;
    return recv(descriptor, answer, capacity, 0);
}
