// SPDX-License-Identifier: Apache-2.0
#include "Lanes.h"

#if defined(__x86_64__)
#include <immintrin.h>

// FIPS 180-4 §4.2.2.
static const uint32_t constants[64] __attribute__((aligned(16))) = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

// Four rounds of each lane. Up to round 47 the four message words that were used become those of sixteen rounds later
// (FIPS 180-4 §6.2.2).
#define FOUR_ROUNDS(step)                                                                                                \
    for (int l = 0; l < lanes; l++) {                                                                                    \
        __m128i *w = message[l];                                                                                         \
        __m128i term = _mm_add_epi32(w[step % 4], _mm_load_si128((const __m128i *)constants + step));                    \
        cdgh[l] = _mm_sha256rnds2_epu32(cdgh[l], abef[l], term);                                                         \
        abef[l] = _mm_sha256rnds2_epu32(abef[l], cdgh[l], _mm_shuffle_epi32(term, 0x0e));                                \
        if (step < 12) {                                                                                                 \
            __m128i seventh = _mm_alignr_epi8(w[(step + 3) % 4], w[(step + 2) % 4], 4);                                  \
            __m128i mixed = _mm_add_epi32(_mm_sha256msg1_epu32(w[step % 4], w[(step + 1) % 4]), seventh);                \
            w[step % 4] = _mm_sha256msg2_epu32(mixed, w[(step + 3) % 4]);                                                \
        }                                                                                                                \
    }

// `lanes` is a constant wherever this is used, so that every loop over lanes is unrolled and all state is in registers.
ROOST_SHA_INLINE void addBlocks(int lanes, uint32_t state[][stateWords], const uint8_t *const *from, size_t blocks) {
    const __m128i bigEndian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    const uint8_t *next[ROOST_HASH_LANES];
    // The order in which the processor wants the eight words.
    __m128i abef[ROOST_HASH_LANES], cdgh[ROOST_HASH_LANES];
    for (int l = 0; l < lanes; l++) {
        __m128i badc = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state[l]), 0xb1);
        __m128i hgfe = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state[l] + 4)), 0x1b);
        next[l] = from[l];
        abef[l] = _mm_alignr_epi8(badc, hgfe, 8);
        cdgh[l] = _mm_blend_epi16(hgfe, badc, 0xf0);
    }
    for (; blocks > 0; blocks--) {
        __m128i message[ROOST_HASH_LANES][4], abefBefore[ROOST_HASH_LANES], cdghBefore[ROOST_HASH_LANES];
        for (int l = 0; l < lanes; l++) {
            abefBefore[l] = abef[l];
            cdghBefore[l] = cdgh[l];
            for (int i = 0; i < 4; i++) {
                message[l][i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)next[l] + i), bigEndian);
            }
            next[l] += blockBytes;
        }
        FOUR_ROUNDS(0) FOUR_ROUNDS(1) FOUR_ROUNDS(2) FOUR_ROUNDS(3) FOUR_ROUNDS(4) FOUR_ROUNDS(5)
        FOUR_ROUNDS(6) FOUR_ROUNDS(7) FOUR_ROUNDS(8) FOUR_ROUNDS(9) FOUR_ROUNDS(10) FOUR_ROUNDS(11)
        FOUR_ROUNDS(12) FOUR_ROUNDS(13) FOUR_ROUNDS(14) FOUR_ROUNDS(15)
        for (int l = 0; l < lanes; l++) {
            abef[l] = _mm_add_epi32(abef[l], abefBefore[l]);
            cdgh[l] = _mm_add_epi32(cdgh[l], cdghBefore[l]);
        }
    }
    for (int l = 0; l < lanes; l++) {
        __m128i feba = _mm_shuffle_epi32(abef[l], 0x1b);
        __m128i dchg = _mm_shuffle_epi32(cdgh[l], 0xb1);
        _mm_storeu_si128((__m128i *)state[l], _mm_blend_epi16(feba, dchg, 0xf0));
        _mm_storeu_si128((__m128i *)(state[l] + 4), _mm_alignr_epi8(dchg, feba, 8));
    }
}

ADD_TO(addToTwo, 2)
ADD_TO(addToThree, 3)
ADD_TO(addToFour, 4)

void roost_sha256_lanes(const uint8_t *const *messages, int count, size_t length, uint8_t *digests) {
    static const uint32_t first[] = {
        0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
    };
    AddBlocks add = count == 2 ? addToTwo : count == 3 ? addToThree : addToFour;
    hashTogether(messages, count, length, digests, first, 8, add);
}
#endif
