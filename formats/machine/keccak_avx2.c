/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-256, four instances side by side with AVX2. */
#include "formats/machine/machine_hash_paths.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define KECCAK_TARGET __attribute__((target("avx2")))
#define LANE __m256i
#define LANE_XOR(a, b) _mm256_xor_si256(a, b)
#define LANE_XOR3(a, b, c) _mm256_xor_si256(_mm256_xor_si256(a, b), c)
#define LANE_ROL(a, n) _mm256_or_si256(_mm256_slli_epi64(a, n), _mm256_srli_epi64(a, 64 - (n)))
#define LANE_CHI(a, b, c) _mm256_xor_si256(a, _mm256_andnot_si256(b, c))
#define LANE_CONSTANT(v) _mm256_set1_epi64x((long long)(v))
#include "formats/machine/keccak_rounds.h"

#define WIDTH ((size_t)4)

KECCAK_TARGET static inline __attribute__((always_inline)) void
keccak_many(const uint8_t *in, size_t words, uint8_t *out)
{
    uint64_t lanes[8][WIDTH] __attribute__((aligned(32)));
    LANE state[25];
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t w = 0; w < words; w++)
            memcpy(&lanes[w][i], in + 8 * (words * i + w), 8);
#pragma GCC unroll 25
    for (size_t w = 0; w < 25; w++)
        state[w] = w < words ? _mm256_load_si256((const __m256i *)(const void *)lanes[w])
                             : _mm256_setzero_si256();
    state[words] = LANE_CONSTANT(1);
    state[16] = LANE_XOR(state[16], LANE_CONSTANT((uint64_t)1 << 63));
    keccak_rounds(state);
    for (size_t w = 0; w < 4; w++)
        _mm256_store_si256((__m256i *)(void *)lanes[w], state[w]);
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t w = 0; w < 4; w++)
            memcpy(out + 32 * i + 8 * w, &lanes[w][i], 8);
}

KECCAK_TARGET void keccak_leaves_avx2(const uint8_t *in, uint8_t *out, size_t count)
{
    for (; count >= WIDTH; count -= WIDTH, in += 32 * WIDTH, out += 32 * WIDTH)
        keccak_many(in, 4, out);
    keccak_leaves_scalar(in, out, count);
}

KECCAK_TARGET void keccak_pairs_avx2(const uint8_t *in, uint8_t *out, size_t count)
{
    for (; count >= WIDTH; count -= WIDTH, in += 64 * WIDTH, out += 32 * WIDTH)
        keccak_many(in, 8, out);
    keccak_pairs_scalar(in, out, count);
}
#endif
