/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-256, one instance at a time, on any processor. */
#include "formats/machine/machine_hash_paths.h"

#include <endian.h>
#include <string.h>

#define LANE uint64_t
#define LANE_XOR(a, b) ((a) ^ (b))
#define LANE_XOR3(a, b, c) ((a) ^ (b) ^ (c))
#define LANE_ROL(a, n) ((a) << (n) | (a) >> (64 - (n)))
#define LANE_CHI(a, b, c) ((a) ^ (~(b) & (c)))
#define LANE_CONSTANT(v) (v)
#define KECCAK_TARGET
#include "formats/machine/keccak_rounds.h"

static void keccak_one(const uint8_t *in, size_t words, uint8_t *out)
{
    uint64_t state[25] = {0};
    for (size_t i = 0; i < words; i++) {
        uint64_t v;
        memcpy(&v, in + 8 * i, 8);
        state[i] = le64toh(v);
    }
    state[words] = 1;               /* the original padding begins */
    state[16] ^= (uint64_t)1 << 63; /* and ends at the rate of 136 bytes */
    keccak_rounds(state);
    for (size_t i = 0; i < 4; i++) {
        uint64_t v = htole64(state[i]);
        memcpy(out + 8 * i, &v, 8);
    }
}

void keccak_leaves_scalar(const uint8_t *in, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        keccak_one(in + 32 * i, 4, out + 32 * i);
}

void keccak_pairs_scalar(const uint8_t *in, uint8_t *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        keccak_one(in + 64 * i, 8, out + 32 * i);
}
