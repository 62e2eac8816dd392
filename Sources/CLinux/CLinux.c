// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spawn.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

int roost_open_beneath(int directory, const char *path, uint64_t flags, uint64_t mode) {
    struct open_how how = {
        .flags = flags | O_CLOEXEC,
        .mode = mode,
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
    };
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int roost_clone_file(int destination, int source) {
    return ioctl(destination, FICLONE, source);
}

int roost_set_congestion(int socket, const char *name) {
    return setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, name, (socklen_t)strlen(name));
}

int64_t roost_round_trip(int socket) {
    struct tcp_info info;
    socklen_t size = sizeof info;
    return getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) ? -1 : (int64_t)info.tcpi_rtt;
}

int roost_sync_file_system(int descriptor) {
    return syncfs(descriptor);
}

int roost_punch_hole(int descriptor, int64_t offset, int64_t length) {
    return fallocate(descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, length);
}

ssize_t roost_copy_range(int destination, int source, int64_t offset, size_t count) {
    loff_t from = offset;
    loff_t to = offset;
    return copy_file_range(source, &from, destination, &to, count, 0);
}

int roost_spawn_detached(
    const char *program, char *const arguments[], const char *log, int ready, int secret, pid_t *process) {
    // Moved out of the way of 3 and 4, so that neither takes the other's place.
    ready = fcntl(ready, F_DUPFD_CLOEXEC, 10);
    if (ready < 0) return errno;
    if (secret >= 0 && (secret = fcntl(secret, F_DUPFD_CLOEXEC, 10)) < 0) {
        int failure = errno;
        close(ready);
        return failure;
    }
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    posix_spawn_file_actions_adddup2(&actions, ready, 3);
    if (secret >= 0) posix_spawn_file_actions_adddup2(&actions, secret, 4);
    posix_spawn_file_actions_addclosefrom_np(&actions, secret >= 0 ? 5 : 4);
    int status = posix_spawn(process, program, &actions, &attributes, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ready);
    if (secret >= 0) close(secret);
    return status;
}

static socklen_t roost_socket_address(
    struct sockaddr_storage *storage, const uint8_t *address, size_t count, uint16_t port
) {
    memset(storage, 0, sizeof *storage);
    if (count == 4) {
        struct sockaddr_in *v4 = (struct sockaddr_in *)storage;
        v4->sin_family = AF_INET;
        v4->sin_port = htons(port);
        memcpy(&v4->sin_addr, address, 4);
        return sizeof *v4;
    }
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)storage;
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(port);
    memcpy(&v6->sin6_addr, address, 16);
    return sizeof *v6;
}

int roost_udp_bind(const uint8_t *address, size_t count, uint16_t port) {
    struct sockaddr_storage storage;
    socklen_t length = roost_socket_address(&storage, address, count, port);
    int descriptor = socket(storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    int on = 1;
    int buffer = 2 << 20;
    // Larger buffers are a wish; the system's limit applies.
    (void)setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    (void)setsockopt(descriptor, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if ((count == 16 && setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) < 0)
        || bind(descriptor, (struct sockaddr *)&storage, length) < 0) {
        int failure = errno;
        close(descriptor);
        errno = failure;
        return -1;
    }
    return descriptor;
}

ssize_t roost_udp_send(
    int socket, const uint8_t *address, size_t count, uint16_t port, const uint8_t *bytes, size_t length
) {
    struct sockaddr_storage storage;
    socklen_t size = roost_socket_address(&storage, address, count, port);
    return sendto(socket, bytes, length, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&storage, size);
}

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

_Static_assert(
    sizeof(struct roost_udp_part) == sizeof(struct iovec)
        && offsetof(struct roost_udp_part, count) == offsetof(struct iovec, iov_len),
    "a part is an iovec"
);

ssize_t roost_udp_send_parts(
    int socket, const uint8_t *address, size_t count, uint16_t port, const struct roost_udp_part *parts,
    size_t part_count, uint16_t segment
) {
    struct sockaddr_storage storage;
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control;
    struct msghdr message = {
        .msg_name = &storage,
        .msg_namelen = roost_socket_address(&storage, address, count, port),
        .msg_iov = (struct iovec *)parts,
        .msg_iovlen = part_count,
    };
    if (segment > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = &control;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = IPPROTO_UDP;
        header->cmsg_type = UDP_SEGMENT;
        header->cmsg_len = CMSG_LEN(sizeof(uint16_t));
        memcpy(CMSG_DATA(header), &segment, sizeof segment);
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

int roost_udp_forbid_fragments(int socket, size_t count, int forbid) {
    if (count == 4) {
        int mode = forbid ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT;
        return setsockopt(socket, IPPROTO_IP, IP_MTU_DISCOVER, &mode, sizeof mode);
    }
    int mode = forbid ? IPV6_PMTUDISC_PROBE : IPV6_PMTUDISC_DONT;
    return setsockopt(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &mode, sizeof mode);
}

void roost_limit_allocator(void) {
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 1 << 19);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
}
