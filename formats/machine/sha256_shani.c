/* SPDX-License-Identifier: Apache-2.0 */
/* SHA-256 with the SHA extensions, two messages interleaved to hide the instructions' latency. */
#include "formats/machine/machine_hash_paths.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

#define TARGET __attribute__((target("sha,sse4.1,ssse3")))

#define STREAMS ((size_t)2)

/* The state in the order that sha256rnds2 wants: (A B E F) and (C D G H). */
struct stream {
    __m128i abef;
    __m128i cdgh;
};

/* Four rounds; `wk` is four message words plus their constants. */
TARGET static inline void four_rounds(struct stream *s, __m128i wk)
{
    s->cdgh = _mm_sha256rnds2_epu32(s->cdgh, s->abef, wk);
    s->abef = _mm_sha256rnds2_epu32(s->abef, s->cdgh, _mm_shuffle_epi32(wk, 0x0e));
}

TARGET static inline __m128i constants(size_t i)
{
    return _mm_loadu_si128((const __m128i *)(const void *)(sha256_constants + 4 * i));
}

/* w[0..3] are the last sixteen message words; returns the next four. */
TARGET static inline __m128i schedule(const __m128i w[4], size_t i)
{
    __m128i a = w[i & 3];
    __m128i b = w[(i + 1) & 3];
    __m128i c = w[(i + 2) & 3];
    __m128i d = w[(i + 3) & 3];
    __m128i t = _mm_add_epi32(_mm_sha256msg1_epu32(a, b), _mm_alignr_epi8(d, c, 4));
    return _mm_sha256msg2_epu32(t, d);
}

TARGET static inline void compress(struct stream s[STREAMS], __m128i w[STREAMS][4])
{
    struct stream before[STREAMS];
    memcpy(before, s, sizeof(before));
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++)
        for (size_t k = 0; k < STREAMS; k++) {
            if (i >= 4)
                w[k][i & 3] = schedule(w[k], i);
            four_rounds(&s[k], _mm_add_epi32(w[k][i & 3], constants(i)));
        }
    for (size_t k = 0; k < STREAMS; k++) {
        s[k].abef = _mm_add_epi32(s[k].abef, before[k].abef);
        s[k].cdgh = _mm_add_epi32(s[k].cdgh, before[k].cdgh);
    }
}

/* The second block of a 64-byte message is padding alone: the same words, so scheduled once. */
static uint32_t pair_padding[64] __attribute__((aligned(16)));

__attribute__((constructor)) static void schedule_padding(void)
{
    uint32_t w[64] = {0x80000000};
    w[15] = 64 * 8;
    for (size_t i = 16; i < 64; i++) {
        uint32_t a = w[i - 15];
        uint32_t b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + ((a >> 7 | a << 25) ^ (a >> 18 | a << 14) ^ a >> 3) +
               ((b >> 17 | b << 15) ^ (b >> 19 | b << 13) ^ b >> 10);
    }
    for (size_t i = 0; i < 64; i++)
        pair_padding[i] = w[i] + sha256_constants[i];
}

TARGET static inline void compress_padding(struct stream s[STREAMS])
{
    struct stream before[STREAMS];
    memcpy(before, s, sizeof(before));
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++)
        for (size_t k = 0; k < STREAMS; k++)
            four_rounds(&s[k],
                        _mm_load_si128((const __m128i *)(const void *)(pair_padding + 4 * i)));
    for (size_t k = 0; k < STREAMS; k++) {
        s[k].abef = _mm_add_epi32(s[k].abef, before[k].abef);
        s[k].cdgh = _mm_add_epi32(s[k].cdgh, before[k].cdgh);
    }
}

TARGET static inline void start(struct stream s[STREAMS])
{
    for (size_t k = 0; k < STREAMS; k++) {
        s[k].abef = _mm_set_epi32(0x6a09e667, (int)0xbb67ae85, 0x510e527f, (int)0x9b05688c);
        s[k].cdgh = _mm_set_epi32(0x3c6ef372, (int)0xa54ff53a, 0x1f83d9ab, 0x5be0cd19);
    }
}

TARGET static inline __m128i byte_order(void)
{
    return _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
}

TARGET static inline void finish(const struct stream *s, uint8_t *out)
{
    __m128i feba = _mm_shuffle_epi32(s->abef, 0x1b);
    __m128i dchg = _mm_shuffle_epi32(s->cdgh, 0xb1);
    __m128i abcd = _mm_blend_epi16(feba, dchg, 0xf0);
    __m128i efgh = _mm_alignr_epi8(dchg, feba, 8);
    _mm_storeu_si128((__m128i *)(void *)out, _mm_shuffle_epi8(abcd, byte_order()));
    _mm_storeu_si128((__m128i *)(void *)(out + 16), _mm_shuffle_epi8(efgh, byte_order()));
}

TARGET static inline __m128i load(const uint8_t *in)
{
    return _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(const void *)in), byte_order());
}

TARGET void sha256_leaves_shani(const uint8_t *in, uint8_t *out, size_t count)
{
    for (; count >= STREAMS; count -= STREAMS, in += 32 * STREAMS, out += 32 * STREAMS) {
        struct stream s[STREAMS];
        __m128i w[STREAMS][4];
        start(s);
        for (size_t k = 0; k < STREAMS; k++) {
            w[k][0] = load(in + 32 * k);
            w[k][1] = load(in + 32 * k + 16);
            w[k][2] = _mm_set_epi32(0, 0, 0, (int)0x80000000);
            w[k][3] = _mm_set_epi32(32 * 8, 0, 0, 0);
        }
        compress(s, w);
        for (size_t k = 0; k < STREAMS; k++)
            finish(&s[k], out + 32 * k);
    }
    sha256_leaves_scalar(in, out, count);
}

TARGET void sha256_pairs_shani(const uint8_t *in, uint8_t *out, size_t count)
{
    for (; count >= STREAMS; count -= STREAMS, in += 64 * STREAMS, out += 32 * STREAMS) {
        struct stream s[STREAMS];
        __m128i w[STREAMS][4];
        start(s);
        for (size_t k = 0; k < STREAMS; k++)
            for (size_t i = 0; i < 4; i++)
                w[k][i] = load(in + 64 * k + 16 * i);
        compress(s, w);
        compress_padding(s);
        for (size_t k = 0; k < STREAMS; k++)
            finish(&s[k], out + 32 * k);
    }
    sha256_pairs_scalar(in, out, count);
}
#endif
