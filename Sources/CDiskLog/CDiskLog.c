// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CDiskLog.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// The C library's own, looked up at the first call.
#define REAL(result, name, ...)                                                                     \
    static _Atomic(result (*)(__VA_ARGS__)) real_##name;                                            \
    static result (*get_##name(void))(__VA_ARGS__) {                                                \
        result (*found)(__VA_ARGS__) = atomic_load_explicit(&real_##name, memory_order_relaxed);    \
        if (!found) {                                                                               \
            found = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name);                                \
            atomic_store_explicit(&real_##name, found, memory_order_relaxed);                       \
        }                                                                                           \
        return found;                                                                               \
    }

REAL(int, openat, int, const char *, int, ...)
REAL(ssize_t, write, int, const void *, size_t)
REAL(ssize_t, writev, int, const struct iovec *, int)
REAL(ssize_t, pwrite, int, const void *, size_t, off_t)
REAL(int, ftruncate, int, off_t)
REAL(int, fallocate, int, int, off_t, off_t)
REAL(int, fsync, int)
REAL(int, fdatasync, int)
REAL(int, syncfs, int)
REAL(int, renameat, int, const char *, int, const char *)
REAL(int, linkat, int, const char *, int, const char *, int)
REAL(int, unlinkat, int, const char *, int)
REAL(int, mkdirat, int, const char *, mode_t)
REAL(ssize_t, copy_file_range, int, off_t *, int, off_t *, size_t, unsigned)
REAL(int, ioctl, int, unsigned long, ...)
REAL(long, syscall, long, ...)

// Calls that change something follow one another while a record is made, so that its order is theirs.
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_bool recording;
static char root[PATH_MAX];
static size_t root_length;
static uint8_t *record;
static size_t used, room;
static uint64_t changes, full_from;

// MARK: the record

static void put(const void *bytes, size_t count) {
    if (used + count > room) {
        room = (used + count) * 2;
        uint8_t *larger = realloc(record, room);
        if (!larger) abort();
        record = larger;
    }
    memcpy(record + used, bytes, count);
    used += count;
}

static void note(uint8_t kind, uint64_t file, int64_t number, const void *one, size_t one_count, const void *two, size_t two_count) {
    uint32_t counts[2] = {(uint32_t)one_count, (uint32_t)two_count};
    put(&kind, 1);
    put(&file, 8);
    put(&number, 8);
    put(counts, 8);
    put(one, one_count);
    put(two, two_count);
}

static void note_path(uint8_t kind, uint64_t file, const char *path) {
    note(kind, file, 0, path, strlen(path), "", 0);
}

void roost_disk_begin(const char *path) {
    free(roost_disk_end(&used));
    pthread_mutex_lock(&lock);
    snprintf(root, sizeof root, "%s", path);
    root_length = strlen(root);
    used = 0;
    changes = 0;
    full_from = 0;
    atomic_store(&recording, true);
    pthread_mutex_unlock(&lock);
}

void roost_disk_mark(const char *text) {
    pthread_mutex_lock(&lock);
    if (atomic_load(&recording)) note_path(ROOST_DISK_MARK, 0, text);
    pthread_mutex_unlock(&lock);
}

void roost_disk_sync_all(void) {
    pthread_mutex_lock(&lock);
    if (atomic_load(&recording)) note(ROOST_DISK_SYNC_ALL, 0, 0, "", 0, "", 0);
    pthread_mutex_unlock(&lock);
}

void roost_disk_fill(uint64_t first) {
    pthread_mutex_lock(&lock);
    full_from = first;
    pthread_mutex_unlock(&lock);
}

uint64_t roost_disk_changes(void) {
    pthread_mutex_lock(&lock);
    uint64_t count = changes;
    pthread_mutex_unlock(&lock);
    return count;
}

uint8_t *roost_disk_end(size_t *count) {
    pthread_mutex_lock(&lock);
    atomic_store(&recording, false);
    uint8_t *bytes = record;
    *count = used;
    record = NULL;
    used = room = 0;
    pthread_mutex_unlock(&lock);
    return bytes;
}

// MARK: what a call is about

static bool below_root(const char *path) {
    return strncmp(path, root, root_length) == 0 && (path[root_length] == '/' || path[root_length] == 0);
}

// The path of an open file; false where it is none below the root.
static bool path_of(int descriptor, char path[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t count = readlink(link, path, PATH_MAX - 1);
    if (count <= 0) return false;
    path[count] = 0;
    return below_root(path);
}

static bool path_at(int folder, const char *name, char path[PATH_MAX]) {
    if (name[0] == '/') {
        snprintf(path, PATH_MAX, "%s", name);
        return below_root(path);
    }
    if (folder == AT_FDCWD) return false;
    char base[PATH_MAX];
    if (!path_of(folder, base)) return false;
    size_t length = strlen(base);
    if (length + strlen(name) + 2 > PATH_MAX) return false;
    memcpy(path, base, length);
    path[length] = '/';
    strcpy(path + length + 1, name);
    return true;
}

static uint64_t number_of(int descriptor, mode_t *mode) {
    struct stat status;
    if (fstat(descriptor, &status) != 0) return 0;
    if (mode) *mode = status.st_mode;
    return status.st_ino;
}

// Counts a change that needs room. Returns whether there is none; `first`: whether this is the first to fail.
static bool is_full(bool *first) {
    changes++;
    *first = full_from > 0 && changes == full_from;
    return full_from > 0 && changes >= full_from;
}

#define GUARDED(condition, passed)                                      \
    if (!atomic_load_explicit(&recording, memory_order_relaxed) || !(condition)) return passed; \
    pthread_mutex_lock(&lock);                                          \
    int failure = errno;                                                \
    bool first = false;

#define RETURN(value)                   \
    do {                                \
        if ((value) < 0) failure = errno; \
        pthread_mutex_unlock(&lock);    \
        errno = failure;                \
        return value;                   \
    } while (0)

#define FULL(value)                   \
    do {                              \
        pthread_mutex_unlock(&lock);  \
        errno = ENOSPC;               \
        return value;                 \
    } while (0)

// MARK: files

static int opened(int descriptor, bool existed, int flags) {
    char path[PATH_MAX];
    mode_t mode = 0;
    if (descriptor < 0 || !path_of(descriptor, path)) return descriptor;
    uint64_t file = number_of(descriptor, &mode);
    if (!S_ISREG(mode)) return descriptor;
    if (!existed) note_path(ROOST_DISK_CREATE, file, path);
    else if (flags & O_TRUNC) note(ROOST_DISK_TRUNCATE, file, 0, "", 0, "", 0);
    return descriptor;
}

static int do_open(int folder, const char *name, int flags, mode_t mode) {
    char path[PATH_MAX];
    bool changes_files = flags & (O_CREAT | O_TRUNC);
    GUARDED(changes_files && path_at(folder, name, path), get_openat()(folder, name, flags, mode))
    struct stat status;
    bool existed = fstatat(folder, name, &status, 0) == 0;
    if (!existed && is_full(&first)) FULL(-1);
    int descriptor = opened(get_openat()(folder, name, flags, mode), existed, flags);
    RETURN(descriptor);
}

#define MODE(flags)                                  \
    mode_t mode = 0;                                 \
    if ((flags) & (O_CREAT | O_TMPFILE)) {           \
        va_list arguments;                           \
        va_start(arguments, flags);                  \
        mode = (mode_t)va_arg(arguments, int);       \
        va_end(arguments);                           \
    }

int open(const char *name, int flags, ...) { MODE(flags) return do_open(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE(flags) return do_open(AT_FDCWD, name, flags, mode); }
int openat(int folder, const char *name, int flags, ...) { MODE(flags) return do_open(folder, name, flags, mode); }
int openat64(int folder, const char *name, int flags, ...) { MODE(flags) return do_open(folder, name, flags, mode); }

long syscall(long number, ...) {
    va_list arguments;
    va_start(arguments, number);
    long a[6];
    for (int index = 0; index < 6; index++) a[index] = va_arg(arguments, long);
    va_end(arguments);
    const struct open_how *how = (const struct open_how *)a[2];
    char path[PATH_MAX];
    GUARDED(number == SYS_openat2 && (how->flags & (O_CREAT | O_TRUNC)) && path_at((int)a[0], (const char *)a[1], path),
            get_syscall()(number, a[0], a[1], a[2], a[3], a[4], a[5]))
    struct stat status;
    bool existed = fstatat((int)a[0], (const char *)a[1], &status, 0) == 0;
    if (!existed && is_full(&first)) FULL(-1);
    long descriptor = get_syscall()(number, a[0], a[1], a[2], a[3]);
    opened((int)descriptor, existed, (int)how->flags);
    RETURN(descriptor);
}

static bool is_ours(int descriptor) {
    char path[PATH_MAX];
    return path_of(descriptor, path);
}

static void wrote(int descriptor, int64_t offset, const void *bytes, ssize_t count) {
    if (count > 0) note(ROOST_DISK_WRITE, number_of(descriptor, NULL), offset, "", 0, bytes, (size_t)count);
}

ssize_t pwrite(int descriptor, const void *bytes, size_t count, off_t offset) {
    GUARDED(is_ours(descriptor), get_pwrite()(descriptor, bytes, count, offset))
    if (is_full(&first)) {
        if (!first || count < 2) FULL(-1);
        count /= 2;
    }
    ssize_t done = get_pwrite()(descriptor, bytes, count, offset);
    wrote(descriptor, offset, bytes, done);
    RETURN(done);
}
ssize_t pwrite64(int descriptor, const void *bytes, size_t count, off64_t offset) {
    return pwrite(descriptor, bytes, count, offset);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    GUARDED(is_ours(descriptor), get_write()(descriptor, bytes, count))
    if (is_full(&first)) {
        if (!first || count < 2) FULL(-1);
        count /= 2;
    }
    ssize_t done = get_write()(descriptor, bytes, count);
    if (done > 0) wrote(descriptor, lseek(descriptor, 0, SEEK_CUR) - done, bytes, done);
    RETURN(done);
}

ssize_t writev(int descriptor, const struct iovec *parts, int count) {
    GUARDED(is_ours(descriptor), get_writev()(descriptor, parts, count))
    if (is_full(&first)) FULL(-1);
    ssize_t done = get_writev()(descriptor, parts, count);
    int64_t offset = done > 0 ? lseek(descriptor, 0, SEEK_CUR) - done : 0;
    ssize_t left = done;
    for (int index = 0; index < count && left > 0; index++) {
        ssize_t part = (ssize_t)parts[index].iov_len < left ? (ssize_t)parts[index].iov_len : left;
        wrote(descriptor, offset, parts[index].iov_base, part);
        offset += part;
        left -= part;
    }
    RETURN(done);
}

int ftruncate(int descriptor, off_t length) {
    GUARDED(is_ours(descriptor), get_ftruncate()(descriptor, length))
    int result = get_ftruncate()(descriptor, length);
    if (result == 0) note(ROOST_DISK_TRUNCATE, number_of(descriptor, NULL), length, "", 0, "", 0);
    RETURN(result);
}
int ftruncate64(int descriptor, off64_t length) { return ftruncate(descriptor, length); }

int fallocate(int descriptor, int mode, off_t offset, off_t length) {
    GUARDED(is_ours(descriptor), get_fallocate()(descriptor, mode, offset, length))
    struct stat status;
    // A hole gives room and takes none.
    bool is_hole = mode & FALLOC_FL_PUNCH_HOLE;
    if (is_full(&first) && !is_hole) FULL(-1);
    int result = get_fallocate()(descriptor, mode, offset, length);
    if (result == 0 && is_hole) {
        uint8_t *zeros = calloc(1, length);
        if (!zeros) abort();
        wrote(descriptor, offset, zeros, length);
        free(zeros);
    } else if (result == 0 && fstat(descriptor, &status) == 0) {
        note(ROOST_DISK_TRUNCATE, status.st_ino, status.st_size, "", 0, "", 0);
    }
    RETURN(result);
}
int posix_fallocate(int descriptor, off_t offset, off_t length) {
    return fallocate(descriptor, 0, offset, length) == 0 ? 0 : errno;
}

// What was copied inside the kernel is read back; the descriptor itself may be for writing only.
static void copied(int descriptor, int64_t offset, int64_t count) {
    static uint8_t buffer[1 << 16];
    char path[PATH_MAX];
    if (count <= 0 || !path_of(descriptor, path)) return;
    int reader = get_openat()(AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
    while (count > 0) {
        ssize_t part = pread(reader, buffer, count < (int64_t)sizeof buffer ? (size_t)count : sizeof buffer, offset);
        if (part <= 0) break;
        wrote(descriptor, offset, buffer, part);
        offset += part;
        count -= part;
    }
    close(reader);
}

ssize_t copy_file_range(int source, off_t *from, int target, off_t *to, size_t count, unsigned flags) {
    GUARDED(is_ours(target), get_copy_file_range()(source, from, target, to, count, flags))
    if (is_full(&first)) FULL(-1);
    int64_t offset = to ? *to : lseek(target, 0, SEEK_CUR);
    ssize_t done = get_copy_file_range()(source, from, target, to, count, flags);
    copied(target, offset, done);
    RETURN(done);
}

int ioctl(int descriptor, unsigned long request, ...) {
    va_list arguments;
    va_start(arguments, request);
    void *argument = va_arg(arguments, void *);
    va_end(arguments);
    GUARDED(request == FICLONE && is_ours(descriptor), get_ioctl()(descriptor, request, argument))
    struct stat status;
    if (is_full(&first)) FULL(-1);
    int result = get_ioctl()(descriptor, request, argument);
    if (result == 0 && fstat(descriptor, &status) == 0) copied(descriptor, 0, status.st_size);
    RETURN(result);
}

// MARK: syncing

static void synced(int descriptor) {
    char path[PATH_MAX];
    mode_t mode = 0;
    uint64_t file = number_of(descriptor, &mode);
    if (!path_of(descriptor, path)) return;
    if (S_ISDIR(mode)) note_path(ROOST_DISK_SYNC_FOLDER, 0, path);
    else note(ROOST_DISK_SYNC, file, 0, "", 0, "", 0);
}

// Nothing is lost for real while a record is made, so the device need not be waited for.
int fsync(int descriptor) {
    GUARDED(is_ours(descriptor), get_fsync()(descriptor))
    synced(descriptor);
    RETURN(0);
}
int fdatasync(int descriptor) {
    GUARDED(is_ours(descriptor), get_fdatasync()(descriptor))
    synced(descriptor);
    RETURN(0);
}
int syncfs(int descriptor) {
    GUARDED(is_ours(descriptor), get_syncfs()(descriptor))
    note(ROOST_DISK_SYNC_ALL, 0, 0, "", 0, "", 0);
    RETURN(0);
}

// MARK: names

#define TWO_PATHS                                              \
    char one[PATH_MAX], two[PATH_MAX];                         \
    bool ours = atomic_load_explicit(&recording, memory_order_relaxed) && path_at(from_folder, from, one) \
        && path_at(to_folder, to, two);

int renameat(int from_folder, const char *from, int to_folder, const char *to) {
    TWO_PATHS
    GUARDED(ours, get_renameat()(from_folder, from, to_folder, to))
    if (is_full(&first)) FULL(-1);
    int result = get_renameat()(from_folder, from, to_folder, to);
    if (result == 0) note(ROOST_DISK_RENAME, 0, 0, one, strlen(one), two, strlen(two));
    RETURN(result);
}
int rename(const char *from, const char *to) { return renameat(AT_FDCWD, from, AT_FDCWD, to); }

int linkat(int from_folder, const char *from, int to_folder, const char *to, int flags) {
    TWO_PATHS
    GUARDED(ours, get_linkat()(from_folder, from, to_folder, to, flags))
    if (is_full(&first)) FULL(-1);
    int result = get_linkat()(from_folder, from, to_folder, to, flags);
    if (result == 0) note(ROOST_DISK_LINK, 0, 0, one, strlen(one), two, strlen(two));
    RETURN(result);
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int folder, const char *name, int flags) {
    char path[PATH_MAX];
    GUARDED(path_at(folder, name, path), get_unlinkat()(folder, name, flags))
    int result = get_unlinkat()(folder, name, flags);
    if (result == 0) note_path(flags & AT_REMOVEDIR ? ROOST_DISK_RMDIR : ROOST_DISK_UNLINK, 0, path);
    RETURN(result);
}
int unlink(const char *name) { return unlinkat(AT_FDCWD, name, 0); }
int rmdir(const char *name) { return unlinkat(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdirat(int folder, const char *name, mode_t mode) {
    char path[PATH_MAX];
    GUARDED(path_at(folder, name, path), get_mkdirat()(folder, name, mode))
    struct stat status;
    if (fstatat(folder, name, &status, 0) != 0 && is_full(&first)) FULL(-1);
    int result = get_mkdirat()(folder, name, mode);
    if (result == 0) note_path(ROOST_DISK_MKDIR, 0, path);
    RETURN(result);
}
int mkdir(const char *name, mode_t mode) { return mkdirat(AT_FDCWD, name, mode); }
