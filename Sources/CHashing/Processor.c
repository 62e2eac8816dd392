// SPDX-License-Identifier: Apache-2.0
#include "CHashing.h"

#if defined(__x86_64__)
#include <cpuid.h>

int roost_hash_has_lanes(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) return 0;
    // SSSE3 and SSE4.1; every x86-64 system keeps their registers.
    if (!(c & (1u << 9)) || !(c & (1u << 19))) return 0;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29)) != 0;
}
#else
int roost_hash_has_lanes(void) { return 0; }
void roost_sha1_lanes(const uint8_t *const *messages, int count, size_t length, uint8_t *digests) {}
void roost_sha256_lanes(const uint8_t *const *messages, int count, size_t length, uint8_t *digests) {}
#endif
