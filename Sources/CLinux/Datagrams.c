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

static void describe(struct roost_datagram *datagram, const struct mmsghdr *message, const struct sockaddr_in6 *address) {
    datagram->high = 0;
    datagram->low = 0;
    datagram->port = ntohs(address->sin6_port);
    datagram->length = message->msg_hdr.msg_flags & MSG_TRUNC ? 0 : message->msg_len;
    datagram->is_v4 = address->sin6_family == AF_INET;
    if (datagram->is_v4) {
        datagram->low = ntohl(((const struct sockaddr_in *)address)->sin_addr.s_addr);
    } else if (address->sin6_family == AF_INET6) {
        uint64_t words[2];
        memcpy(words, &address->sin6_addr, sizeof words);
        datagram->high = big_endian(words[0]);
        datagram->low = big_endian(words[1]);
    } else {
        datagram->length = 0;
    }
}

size_t roost_udp_receive_many(int socket, uint8_t *bytes, size_t slice, struct roost_datagram *datagrams, size_t count) {
    struct mmsghdr messages[batch];
    struct iovec parts[batch];
    struct sockaddr_in6 addresses[batch];
    if (count > batch) count = batch;
    memset(messages, 0, sizeof messages[0] * count);
    for (size_t i = 0; i < count; i++) {
        parts[i].iov_base = bytes + i * slice;
        parts[i].iov_len = slice;
        addresses[i].sin6_family = AF_UNSPEC;
        messages[i].msg_hdr.msg_name = &addresses[i];
        messages[i].msg_hdr.msg_namelen = sizeof addresses[i];
        messages[i].msg_hdr.msg_iov = &parts[i];
        messages[i].msg_hdr.msg_iovlen = 1;
    }
    int received;
    do {
        received = recvmmsg(socket, messages, (unsigned)count, MSG_DONTWAIT, NULL);
    } while (received < 0 && errno == EINTR);
    for (int i = 0; i < received; i++) {
        datagrams[i].start = (size_t)i * slice;
        describe(&datagrams[i], &messages[i], &addresses[i]);
    }
    return received < 0 ? 0 : (size_t)received;
}
