// SPDX-License-Identifier: Apache-2.0
// Linux calls that the Glibc module does not show. No logic lives here.
#ifndef ROOST_CLINUX_H
#define ROOST_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "Datagrams.h"
#include "Gateway.h"
#include "Signals.h"

// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. Returns a descriptor, or -1 with errno.
int roost_open_beneath(int directory, const char *path, uint64_t flags, uint64_t mode);

// ioctl(2) FICLONE: makes `destination` share the blocks of `source`. Returns 0, or -1 with errno.
int roost_clone_file(int destination, int source);

// setsockopt(2) TCP_CONGESTION. Returns 0, or -1 with errno.
int roost_set_congestion(int socket, const char *name);

// getsockopt(2) TCP_INFO: the smoothed round trip of a connected TCP socket in microseconds, or -1 with errno.
int64_t roost_round_trip(int socket);

// syncfs(2): everything written to the file system of `descriptor` reaches the device. Returns 0, or -1 with errno.
int roost_sync_file_system(int descriptor);

/// fallocate(2) that gives a range of a file back to the disk; it reads as zeros from then on and the length stays.
int roost_punch_hole(int descriptor, int64_t offset, int64_t length);

// copy_file_range(2) from `offset` of `source` to the same offset of `destination`. Returns the bytes copied, 0 at the
// end of `source`, or -1 with errno.
ssize_t roost_copy_range(int destination, int source, int64_t offset, size_t count);

// posix_spawn(3) of `program` in a session of its own, with no descriptors but these: nothing on standard input, output
// and errors appended to `log`, `ready` as descriptor 3, `secret` as descriptor 4 unless it is negative. Returns 0, or an
// errno.
int roost_spawn_detached(
    const char *program, char *const arguments[], const char *log, int ready, int secret, pid_t *process);

// socket(2) and bind(2) for UDP: `count` is 4 or 16 bytes of address in network order, `port` in host order. IPv6 sockets
// take IPv6 only. Returns a non-blocking descriptor, or -1 with errno.
int roost_udp_bind(const uint8_t *address, size_t count, uint16_t port);

// sendto(2) without blocking or a signal, to an address given as above. Returns the count sent, or -1 with errno.
ssize_t roost_udp_send(
    int socket, const uint8_t *address, size_t count, uint16_t port, const uint8_t *bytes, size_t length
);

// A stretch of memory that goes into a datagram: struct iovec by another name.
struct roost_udp_part {
    const void *bytes;
    size_t count;
};

// sendmsg(2) without blocking or a signal: gathers `parts` and sends them to an address given as above, in one datagram, or
// with `segment` above 0 in datagrams of that many bytes, of which the last may be shorter (udp(7) UDP_SEGMENT). Returns the
// count sent, or -1 with errno.
ssize_t roost_udp_send_parts(
    int socket, const uint8_t *address, size_t count, uint16_t port, const struct roost_udp_part *parts,
    size_t part_count, uint16_t segment
);

// setsockopt(2) IP_MTU_DISCOVER or IPV6_MTU_DISCOVER: `forbid` for datagrams that are never fragmented, whatever the system
// believes of the path, else for those that are where it must be. Returns 0, or -1 with errno.
int roost_udp_forbid_fragments(int socket, size_t count, int forbid);

// mallopt(3): two arenas, and blocks of half a MiB and more mapped one by one, so that memory which is given up goes back to
// the system. Call it before any thread is made.
void roost_limit_allocator(void);

#endif
