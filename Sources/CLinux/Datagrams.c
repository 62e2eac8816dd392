// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "Datagrams.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { batch = 32 };

static uint64_t big_endian(uint64_t value) { return __builtin_bswap64(value); }

static socklen_t address_of(struct sockaddr_storage *storage, const struct roost_datagram *datagram) {
    memset(storage, 0, sizeof *storage);
    if (datagram->is_v4) {
        struct sockaddr_in *address = (struct sockaddr_in *)storage;
        address->sin_family = AF_INET;
        address->sin_port = htons(datagram->port);
        address->sin_addr.s_addr = htonl((uint32_t)datagram->low);
        return sizeof *address;
    }
    struct sockaddr_in6 *address = (struct sockaddr_in6 *)storage;
    uint64_t words[2] = {big_endian(datagram->high), big_endian(datagram->low)};
    address->sin6_family = AF_INET6;
    address->sin6_port = htons(datagram->port);
    memcpy(&address->sin6_addr, words, sizeof words);
    return sizeof *address;
}

static size_t send_some(int socket, const uint8_t *bytes, const struct roost_datagram *datagrams, size_t count) {
    struct mmsghdr messages[batch];
    struct iovec parts[batch];
    struct sockaddr_storage addresses[batch];
    memset(messages, 0, sizeof messages[0] * count);
    for (size_t i = 0; i < count; i++) {
        parts[i].iov_base = (void *)(bytes + datagrams[i].start);
        parts[i].iov_len = datagrams[i].length;
        messages[i].msg_hdr.msg_name = &addresses[i];
        messages[i].msg_hdr.msg_namelen = address_of(&addresses[i], &datagrams[i]);
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    size_t sent = 0;
    size_t next = 0;
    while (next < count) {
        int done = sendmmsg(socket, messages + next, (unsigned)(count - next), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done > 0) {
            sent += (size_t)done;
            next += (size_t)done;
        } else if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EBADF) {
            break;
        } else if (errno != EINTR) {
            // The first of the rest cannot be sent: no route, or not allowed. The others may be.
            next += 1;
        }
    }
    return sent;
}

size_t roost_udp_send_many(int socket, const uint8_t *bytes, const struct roost_datagram *datagrams, size_t count) {
    size_t sent = 0;
    for (size_t start = 0; start < count; start += batch) {
        size_t rest = count - start;
        sent += send_some(socket, bytes, datagrams + start, rest < batch ? rest : batch);
    }
    return sent;
}
