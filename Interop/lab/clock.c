// SPDX-License-Identifier: Apache-2.0
// Preloaded into the processes of a lab: their wall clock is ahead by what the file named in ROOST_LAB_CLOCK holds, nanoseconds
// as eight bytes. The file is mapped, so that a change is seen at once. What they pass to the kernel as moments of the wall clock is moved back.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t second = 1000000000;
static _Atomic int64_t none, *ahead = &none;

__attribute__((constructor)) static void open_clock(void) {
    const char *path = getenv("ROOST_LAB_CLOCK");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *mapped = mmap(NULL, sizeof *ahead, PROT_READ, MAP_SHARED, file, 0);
    close(file);
    if (mapped != MAP_FAILED) ahead = mapped;
}

static void move(struct timespec *time, int64_t by) {
    int64_t sum = (int64_t)time->tv_sec * second + time->tv_nsec + by;
    time->tv_sec = sum / second;
    time->tv_nsec = sum % second;
}

// A moment of the wall clock as the kernel knows it. Monotonic ones, which some calls take too, are no larger than an uptime.
static struct timespec kernel_time(const struct timespec *time) {
    struct timespec moved = *time;
    if (time->tv_sec > second) move(&moved, -*ahead);
    return moved;
}

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = (__typeof__(name) *)dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t clock, struct timespec *time) {
    REAL(clock_gettime);
    int result = real(clock, time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE || clock == CLOCK_TAI)) move(time, *ahead);
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *result) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (result) *result = now.tv_sec;
    return now.tv_sec;
}

int timespec_get(struct timespec *time, int base) {
    if (base != TIME_UTC) return 0;
    clock_gettime(CLOCK_REALTIME, time);
    return base;
}

int clock_nanosleep(clockid_t clock, int flags, const struct timespec *request, struct timespec *left) {
    REAL(clock_nanosleep);
    if (clock != CLOCK_REALTIME || !(flags & TIMER_ABSTIME)) return real(clock, flags, request, left);
    struct timespec moved = kernel_time(request);
    return real(clock, flags, &moved, left);
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex, const struct timespec *restrict time) {
    REAL(pthread_cond_timedwait);
    struct timespec moved = kernel_time(time);
    return real(condition, mutex, &moved);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict time) {
    REAL(pthread_mutex_timedlock);
    struct timespec moved = kernel_time(time);
    return real(mutex, &moved);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict time) {
    REAL(sem_timedwait);
    struct timespec moved = kernel_time(time);
    return real(semaphore, &moved);
}
