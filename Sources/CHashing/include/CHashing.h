// SPDX-License-Identifier: Apache-2.0
// SHA-1 and SHA-256 (FIPS 180-4) of several messages of one length at once.
//
// One message keeps the processor's SHA unit busy for less than half of the time: each step waits for the one before. Messages
// that do not depend on each other fill the gaps (docs/decisions/0028-messages-hashed-in-lanes.md). For public data only: nothing
// is wiped.
#ifndef ROOST_HASHING_H
#define ROOST_HASHING_H

#include <stddef.h>
#include <stdint.h>

// The most messages at once.
#define ROOST_HASH_LANES 4

// Whether this processor has what the functions below need. They must not be called where it is 0.
int roost_hash_has_lanes(void);

// Hashes `count` messages, 2...ROOST_HASH_LANES, each of `length` bytes; writes digests of 20 or 32 bytes one after the other.
void roost_sha1_lanes(const uint8_t *const *messages, int count, size_t length, uint8_t *digests);
void roost_sha256_lanes(const uint8_t *const *messages, int count, size_t length, uint8_t *digests);

#endif
