// SPDX-License-Identifier: Apache-2.0
// Many datagrams in one system call.
#ifndef ROOST_DATAGRAMS_H
#define ROOST_DATAGRAMS_H

#include <stddef.h>
#include <stdint.h>

// A datagram of `length` bytes from `start` of a buffer, to an address in host order: `low` alone where it is IPv4.
struct roost_datagram {
    size_t start;
    size_t length;
    uint64_t high;
    uint64_t low;
    uint16_t port;
    uint8_t is_v4;
};

// sendmmsg(2) without blocking or a signal. What cannot be sent is left out; a full send queue ends it. Returns how many
// were sent.
size_t roost_udp_send_many(int socket, const uint8_t *bytes, const struct roost_datagram *datagrams, size_t count);

// recvmmsg(2) without blocking: up to `count` datagrams, at most 32, each into its slice of `slice` bytes. `datagrams` says
// where each lies, and who sent it; one that did not fit, or came by another family, has a length of zero. Returns how many,
// 0 where there are none.
size_t roost_udp_receive_many(int socket, uint8_t *bytes, size_t slice, struct roost_datagram *datagrams, size_t count);

#endif
