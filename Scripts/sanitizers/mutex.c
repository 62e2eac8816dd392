// SPDX-License-Identifier: Apache-2.0
// Tells the thread sanitizer what `Synchronization.Mutex` does when it has to wait.
//
// An uncontended lock is an atomic operation in our own code, which the sanitizer sees. A contended one is taken and given by
// the kernel (FUTEX_LOCK_PI) inside libswiftSynchronization, which is not instrumented: without this, every contended mutex
// reads as a race. Loaded with LD_PRELOAD by Scripts/sanitize; a process without the sanitizer is not changed by it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

extern void __tsan_acquire(void *address) __attribute__((weak));
extern void __tsan_release(void *address) __attribute__((weak));

#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"
#define SELF __attribute__((swift_context)) void *self

typedef __attribute__((swiftcall)) void (*lock_function)(uint32_t thread, SELF);
typedef __attribute__((swiftcall)) bool (*try_lock_function)(SELF);
typedef __attribute__((swiftcall)) void (*unlock_function)(SELF);

__attribute__((swiftcall)) void roost_lock(uint32_t thread, SELF) __asm__(LOCK);
__attribute__((swiftcall)) bool roost_try_lock(SELF) __asm__(TRY_LOCK);
__attribute__((swiftcall)) void roost_unlock(SELF) __asm__(UNLOCK);

__attribute__((swiftcall)) void roost_lock(uint32_t thread, SELF) {
    ((lock_function)dlsym(RTLD_NEXT, LOCK))(thread, self);
    if (__tsan_acquire) __tsan_acquire(self);
}

__attribute__((swiftcall)) bool roost_try_lock(SELF) {
    bool taken = ((try_lock_function)dlsym(RTLD_NEXT, TRY_LOCK))(self);
    if (taken && __tsan_acquire) __tsan_acquire(self);
    return taken;
}

__attribute__((swiftcall)) void roost_unlock(SELF) {
    if (__tsan_release) __tsan_release(self);
    ((unlock_function)dlsym(RTLD_NEXT, UNLOCK))(self);
}
