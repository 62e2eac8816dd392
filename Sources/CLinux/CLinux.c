// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
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

int roost_sync_file_system(int descriptor) {
    return syncfs(descriptor);
}

ssize_t roost_copy_range(int destination, int source, int64_t offset, size_t count) {
    loff_t from = offset;
    loff_t to = offset;
    return copy_file_range(source, &from, destination, &to, count, 0);
}
