// SPDX-License-Identifier: Apache-2.0
// Linux calls that the Glibc module does not show. No logic lives here.
#ifndef ROOST_CLINUX_H
#define ROOST_CLINUX_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS. Returns a descriptor, or -1 with errno.
int roost_open_beneath(int directory, const char *path, uint64_t flags, uint64_t mode);

// ioctl(2) FICLONE: makes `destination` share the blocks of `source`. Returns 0, or -1 with errno.
int roost_clone_file(int destination, int source);

// setsockopt(2) TCP_CONGESTION. Returns 0, or -1 with errno.
int roost_set_congestion(int socket, const char *name);

#endif
