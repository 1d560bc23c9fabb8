/* SPDX-License-Identifier: Apache-2.0 */
/* Keccak-256, one instance at a time, on any processor. */
#include "formats/machine/machine_hash_paths.h"

#include "base/byte_order.h"

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
    for (size_t i = 0; i < words; i++)
        state[i] = get_le64(in + 8 * i);
    state[words] = 1;               /* the original padding begins */
    state[16] ^= (uint64_t)1 << 63; /* and ends at the rate of 136 bytes */
    keccak_rounds(state);
    for (size_t i = 0; i < 4; i++)
        put_le64(out + 8 * i, state[i]);
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
