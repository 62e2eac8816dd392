// SPDX-License-Identifier: Apache-2.0
// What both hashes have in common: how a message ends, how words lie in memory, and what is done with several messages.
#ifndef ROOST_LANES_H
#define ROOST_LANES_H

#include "CHashing.h"

#if defined(__x86_64__)
#include <string.h>

#define ROOST_SHA __attribute__((target("sha,sse4.1,ssse3")))
#define ROOST_SHA_INLINE __attribute__((target("sha,sse4.1,ssse3"), always_inline)) static inline

// `stateWords` is the longer of the two states; SHA-1 uses five of them.
enum { blockBytes = 64, stateWords = 8 };

// Adds whole blocks of as many messages as the function is for to their states.
typedef void (*AddBlocks)(uint32_t state[][stateWords], const uint8_t *const *from, size_t blocks);

// Makes one such function of the hash's addBlocks, for a number of messages that is then a constant within it.
#define ADD_TO(name, lanes)                                                                                              \
    ROOST_SHA static void name(uint32_t state[][stateWords], const uint8_t *const *from, size_t blocks) {                 \
        addBlocks(lanes, state, from, blocks);                                                                           \
    }

// What follows a message's last whole block: its rest, one bit, zeros, and its length in bits (FIPS 180-4 §5.1.1).
struct Ending {
    uint8_t bytes[2 * blockBytes];
    size_t blocks;
};

static inline void makeEnding(struct Ending *ending, const uint8_t *message, size_t length) {
    size_t rest = length % blockBytes;
    ending->blocks = rest + 9 <= blockBytes ? 1 : 2;
    memset(ending->bytes, 0, sizeof ending->bytes);
    if (rest) memcpy(ending->bytes, message + (length - rest), rest);
    ending->bytes[rest] = 0x80;
    uint64_t bits = (uint64_t)length * 8;
    for (int i = 0; i < 8; i++) ending->bytes[ending->blocks * blockBytes - 1 - i] = (uint8_t)(bits >> 8 * i);
}

static inline void putWords(uint8_t *digest, const uint32_t *words, int count) {
    for (int i = 0; i < count; i++)
        for (int j = 0; j < 4; j++) digest[4 * i + j] = (uint8_t)(words[i] >> (24 - 8 * j));
}

static inline void hashTogether(
    const uint8_t *const *messages, int count, size_t length, uint8_t *digests, const uint32_t *first, int words, AddBlocks add
) {
    uint32_t state[ROOST_HASH_LANES][stateWords];
    struct Ending endings[ROOST_HASH_LANES];
    const uint8_t *ends[ROOST_HASH_LANES];
    for (int l = 0; l < count; l++) {
        memcpy(state[l], first, sizeof *first * (size_t)words);
        makeEnding(&endings[l], messages[l], length);
        ends[l] = endings[l].bytes;
    }
    add(state, messages, length / blockBytes);
    add(state, ends, endings[0].blocks);
    for (int l = 0; l < count; l++) putWords(digests + 4 * words * l, state[l], words);
}

#endif
#endif
