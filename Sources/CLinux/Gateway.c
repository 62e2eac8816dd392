// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Gateway.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

// The length of the socket address, or 0 for another count of bytes.
static socklen_t fill(struct sockaddr_storage *to, const uint8_t *address, size_t count, uint16_t port, uint32_t scope) {
    memset(to, 0, sizeof *to);
    if (count == 4) {
        struct sockaddr_in *in = (struct sockaddr_in *)to;
        in->sin_family = AF_INET;
        in->sin_port = htons(port);
        memcpy(&in->sin_addr, address, 4);
        return sizeof *in;
    }
    if (count != 16) return 0;
    struct sockaddr_in6 *in = (struct sockaddr_in6 *)to;
    in->sin6_family = AF_INET6;
    in->sin6_port = htons(port);
    in->sin6_scope_id = scope;
    memcpy(&in->sin6_addr, address, 16);
    return sizeof *in;
}

int roost_gateway_open(
    const uint8_t *gateway, size_t count, uint32_t scope, uint16_t port, const uint8_t *source, uint8_t *local
) {
    struct sockaddr_storage to, from, ours;
    socklen_t length = fill(&to, gateway, count, port, scope), size = sizeof ours;
    if (!length) {
        errno = EINVAL;
        return -1;
    }
    int descriptor = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -1;
    if ((source && bind(descriptor, (const struct sockaddr *)&from, fill(&from, source, count, 0, 0)) < 0)
        || connect(descriptor, (const struct sockaddr *)&to, length) < 0
        || getsockname(descriptor, (struct sockaddr *)&ours, &size) < 0) {
        close(descriptor);
        return -1;
    }
    if (count == 4) memcpy(local, &((struct sockaddr_in *)&ours)->sin_addr, 4);
    else memcpy(local, &((struct sockaddr_in6 *)&ours)->sin6_addr, 16);
    return descriptor;
}

int roost_source_address(const uint8_t *target, size_t count, uint8_t *source) {
    int descriptor = roost_gateway_open(target, count, 0, 9, NULL, source);
    if (descriptor < 0) return -1;
    close(descriptor);
    return 0;
}

ptrdiff_t roost_gateway_ask(int descriptor, const uint8_t *request, size_t length, uint8_t *answer, size_t capacity, int milliseconds) {
    if (send(descriptor, request, length, MSG_NOSIGNAL) < 0) return -1;
    struct pollfd wanted = {.fd = descriptor, .events = POLLIN};
    int ready = poll(&wanted, 1, milliseconds);
    if (ready <= 0) return ready;
    return recv(descriptor, answer, capacity, 0);
}
