// SPDX-License-Identifier: Apache-2.0
// One question to a gateway, and its answer.
#ifndef ROOST_GATEWAY_H
#define ROOST_GATEWAY_H

#include <stddef.h>
#include <stdint.h>

// Connects a UDP socket to an IPv4 address, both in host order. Returns the descriptor, with the address of our end in `local`,
// or -1 with errno.
int roost_gateway_open(uint32_t address, uint16_t port, uint32_t *local);

// send(2), then poll(2) for at most `milliseconds` and recv(2). Returns the bytes received, 0 when nothing came in time,
// or -1 with errno.
ptrdiff_t roost_gateway_ask(int socket, const uint8_t *request, size_t length, uint8_t *answer, size_t capacity, int milliseconds);

#endif
