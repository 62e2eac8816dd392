// SPDX-License-Identifier: Apache-2.0
// One question to a gateway, and its answer. Addresses are 4 or 16 bytes in network order, `count` says which.
#ifndef ROOST_GATEWAY_H
#define ROOST_GATEWAY_H

#include <stddef.h>
#include <stdint.h>

// Connects a UDP socket to `port` (host order) of `gateway`; `scope` is the interface of a link-local one, else 0; `source` is
// what it is bound to, NULL for the system's choice. Returns the descriptor, with the address of our end in `local`, or -1
// with errno.
int roost_gateway_open(
    const uint8_t *gateway, size_t count, uint32_t scope, uint16_t port, const uint8_t *source, uint8_t *local
);

// The address from which this machine would send to `target`; nothing is sent. Returns 0, or -1 with errno.
int roost_source_address(const uint8_t *target, size_t count, uint8_t *source);

// send(2), then poll(2) for at most `milliseconds` and recv(2). Returns the bytes received, 0 when nothing came in time,
// or -1 with errno.
ptrdiff_t roost_gateway_ask(int socket, const uint8_t *request, size_t length, uint8_t *answer, size_t capacity, int milliseconds);

#endif
