// SPDX-License-Identifier: Apache-2.0
// Tells the thread sanitizer what the Swift runtime, which is not instrumented, does and does not say. Loaded with LD_PRELOAD by
// Scripts/sanitize; a process without the sanitizer is not changed by it.
//
// `Synchronization.Mutex`: an uncontended lock is an atomic operation in our own code, which the sanitizer sees. A contended one
// is taken and given by the kernel (FUTEX_LOCK_PI) inside libswiftSynchronization: without this, every contended mutex reads as
// a race.
//
// Continuations: the runtime says that a resume happens before its task goes on (a release in swift_continuation_resume and its
// sisters), and that a task that was suspended has seen it (an acquire in runJobInEstablishedExecutorContext). A task that comes
// to wait when it has been resumed already goes on at once, in swift_continuation_await, and there the acquire is missing: the
// next continuation in the same place of the task's memory reads as a race with that resume. Seen with Swift 6.3, in a program
// of twenty lines that starts a task and resumes it from a queue.
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

// What the runtime keeps of a continuation (ContinuationAsyncContext, stable ABI), as far as it concerns us.
struct continuation {
    void *parent;
    __attribute__((swiftasynccall)) void (*go_on)(__attribute__((swift_async_context)) void *);
    uint32_t flags;
};
#define HAS_EXECUTOR 2

typedef __attribute__((swiftasynccall)) void (*go_on_function)(__attribute__((swift_async_context)) void *);
typedef __attribute__((swiftasynccall)) void (*await_function)(struct continuation *continuation);

extern void *swift_task_getCurrent(void) __attribute__((weak));
static _Thread_local go_on_function go_on;

// Between the resume and what the task does next.
static __attribute__((swiftasynccall)) void go_on_seen(__attribute__((swift_async_context)) void *context) {
    __tsan_acquire(swift_task_getCurrent());
    __attribute__((musttail)) return go_on(context);
}

__attribute__((swiftasynccall)) void swift_continuation_await(struct continuation *continuation) {
    static await_function next;
    await_function known = __atomic_load_n(&next, __ATOMIC_RELAXED);
    if (!known) {
        known = (await_function)dlsym(RTLD_NEXT, "swift_continuation_await");
        __atomic_store_n(&next, known, __ATOMIC_RELAXED);
    }
    // Only who goes on at once, and on this thread, goes on through the continuation: a task that is suspended has noted where to
    // before, and one that changes its executor is seen to by swift_task_switch.
    if (__tsan_acquire && swift_task_getCurrent && !(continuation->flags & HAS_EXECUTOR)) {
        go_on = continuation->go_on;
        continuation->go_on = go_on_seen;
    }
    __attribute__((musttail)) return known(continuation);
}
