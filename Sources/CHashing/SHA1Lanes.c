// SPDX-License-Identifier: Apache-2.0
#include "Lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>

// Four rounds of each lane; `function` is 0...3 for rounds 0...19, 20...39, and so on. Up to round 63 the four message words that
// were used become those of sixteen rounds later (FIPS 180-4 §6.1.2).
#define FOUR_ROUNDS(step, function)                                                                                      \
    for (int l = 0; l < lanes; l++) {                                                                                    \
        __m128i *w = message[l], before = abcd[l];                                                                       \
        __m128i term = step == 0 ? _mm_add_epi32(e[l], w[0]) : _mm_sha1nexte_epu32(e[l], w[step % 4]);                    \
        abcd[l] = _mm_sha1rnds4_epu32(before, term, function);                                                           \
        e[l] = before;                                                                                                   \
        if (step < 16) {                                                                                                 \
            __m128i mixed = _mm_xor_si128(_mm_sha1msg1_epu32(w[step % 4], w[(step + 1) % 4]), w[(step + 2) % 4]);         \
            w[step % 4] = _mm_sha1msg2_epu32(mixed, w[(step + 3) % 4]);                                                  \
        }                                                                                                                \
    }

// `lanes` is a constant wherever this is used, so that every loop over lanes is unrolled and all state is in registers.
ROOST_SHA_INLINE void addBlocks(int lanes, uint32_t state[][stateWords], const uint8_t *const *from, size_t blocks) {
    const __m128i bigEndian = _mm_set_epi64x(0x0001020304050607, 0x08090a0b0c0d0e0f);
    const uint8_t *next[ROOST_HASH_LANES];
    __m128i abcd[ROOST_HASH_LANES], e[ROOST_HASH_LANES];
    for (int l = 0; l < lanes; l++) {
        next[l] = from[l];
        abcd[l] = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state[l]), 0x1b);
        e[l] = _mm_set_epi32((int)state[l][4], 0, 0, 0);
    }
    for (; blocks > 0; blocks--) {
        __m128i message[ROOST_HASH_LANES][4], abcdBefore[ROOST_HASH_LANES], eBefore[ROOST_HASH_LANES];
        for (int l = 0; l < lanes; l++) {
            abcdBefore[l] = abcd[l];
            eBefore[l] = e[l];
            for (int i = 0; i < 4; i++) {
                message[l][i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)next[l] + i), bigEndian);
            }
            next[l] += blockBytes;
        }
        FOUR_ROUNDS(0, 0) FOUR_ROUNDS(1, 0) FOUR_ROUNDS(2, 0) FOUR_ROUNDS(3, 0) FOUR_ROUNDS(4, 0)
        FOUR_ROUNDS(5, 1) FOUR_ROUNDS(6, 1) FOUR_ROUNDS(7, 1) FOUR_ROUNDS(8, 1) FOUR_ROUNDS(9, 1)
        FOUR_ROUNDS(10, 2) FOUR_ROUNDS(11, 2) FOUR_ROUNDS(12, 2) FOUR_ROUNDS(13, 2) FOUR_ROUNDS(14, 2)
        FOUR_ROUNDS(15, 3) FOUR_ROUNDS(16, 3) FOUR_ROUNDS(17, 3) FOUR_ROUNDS(18, 3) FOUR_ROUNDS(19, 3)
        for (int l = 0; l < lanes; l++) {
            abcd[l] = _mm_add_epi32(abcd[l], abcdBefore[l]);
            e[l] = _mm_sha1nexte_epu32(e[l], eBefore[l]);
        }
    }
    for (int l = 0; l < lanes; l++) {
        _mm_storeu_si128((__m128i *)state[l], _mm_shuffle_epi32(abcd[l], 0x1b));
        state[l][4] = (uint32_t)_mm_extract_epi32(e[l], 3);
    }
}

ADD_TO(addToTwo, 2)
ADD_TO(addToThree, 3)
ADD_TO(addToFour, 4)

void roost_sha1_lanes(const uint8_t *const *messages, int count, size_t length, uint8_t *digests) {
    static const uint32_t first[] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
    AddBlocks add = count == 2 ? addToTwo : count == 3 ? addToThree : addToFour;
    hashTogether(messages, count, length, digests, first, 5, add);
}
#endif
