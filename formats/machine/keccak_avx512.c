/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-256, eight instances side by side with AVX-512 (three-way logic and rotates in one
 * instruction). */
#include "formats/machine/machine_hash_paths.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define KECCAK_TARGET __attribute__((target("avx512f")))
#define LANE __m512i
#define LANE_XOR(a, b) _mm512_xor_si512(a, b)
#define LANE_XOR3(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0x96)
#define LANE_ROL(a, n) _mm512_rol_epi64(a, n)
#define LANE_CHI(a, b, c) _mm512_ternarylogic_epi64(a, b, c, 0xd2)
#define LANE_CONSTANT(v) _mm512_set1_epi64((long long)(v))
#include "formats/machine/keccak_rounds.h"

#define WIDTH ((size_t)8)

KECCAK_TARGET static inline __attribute__((always_inline)) void
keccak_many(const uint8_t *in, size_t words, uint8_t *out)
{
    uint64_t lanes[4][WIDTH] __attribute__((aligned(64)));
    LANE state[25];
    long long step = (long long)words;
    __m512i index =
        _mm512_set_epi64(7 * step, 6 * step, 5 * step, 4 * step, 3 * step, 2 * step, step, 0);
#pragma GCC unroll 25
    for (size_t w = 0; w < 25; w++)
        state[w] =
            w < words ? _mm512_i64gather_epi64(index, in + 8 * w, 8) : _mm512_setzero_si512();
    state[words] = LANE_CONSTANT(1);
    state[16] = LANE_XOR(state[16], LANE_CONSTANT((uint64_t)1 << 63));
    keccak_rounds(state);
    for (size_t w = 0; w < 4; w++)
        _mm512_store_si512(lanes[w], state[w]);
    for (size_t i = 0; i < WIDTH; i++)
        for (size_t w = 0; w < 4; w++)
            memcpy(out + 32 * i + 8 * w, &lanes[w][i], 8);
}

KECCAK_TARGET void keccak_leaves_avx512(const uint8_t *in, uint8_t *out, size_t count)
{
    for (; count >= WIDTH; count -= WIDTH, in += 32 * WIDTH, out += 32 * WIDTH)
        keccak_many(in, 4, out);
    keccak_leaves_avx2(in, out, count);
}

KECCAK_TARGET void keccak_pairs_avx512(const uint8_t *in, uint8_t *out, size_t count)
{
    for (; count >= WIDTH; count -= WIDTH, in += 64 * WIDTH, out += 32 * WIDTH)
        keccak_many(in, 8, out);
    keccak_pairs_avx2(in, out, count);
}
#endif
