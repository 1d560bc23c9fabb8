/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Keccak-f[1600] over lanes of any width: the includer defines
 *   LANE           the type of one state word (one or several instances side by side)
 *   LANE_XOR3(a, b, c), LANE_XOR(a, b), LANE_ROL(a, n), LANE_CHI(a, b, c) = a ^ (~b & c)
 *   LANE_CONSTANT(u64)   the word in every instance
 *   KECCAK_TARGET        the function attribute
 * and gets static keccak_rounds(LANE state[25]). State words in the order of FIPS 202: x + 5 y.
 */
static const uint64_t keccak_round_constants[24] = {
    0x0000000000000001, 0x0000000000008082, 0x800000000000808a, 0x8000000080008000,
    0x000000000000808b, 0x0000000080000001, 0x8000000080008081, 0x8000000000008009,
    0x000000000000008a, 0x0000000000000088, 0x0000000080008009, 0x000000008000000a,
    0x000000008000808b, 0x800000000000008b, 0x8000000000008089, 0x8000000000008003,
    0x8000000000008002, 0x8000000000000080, 0x000000000000800a, 0x800000008000000a,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
};

/* One row of chi: five words of the permuted state become row `y` of the new one. */
#define KECCAK_CHI_ROW(to, y)                                                                      \
    to[y] = LANE_CHI(b0, b1, b2);                                                                  \
    to[y + 1] = LANE_CHI(b1, b2, b3);                                                              \
    to[y + 2] = LANE_CHI(b2, b3, b4);                                                              \
    to[y + 3] = LANE_CHI(b3, b4, b0);                                                              \
    to[y + 4] = LANE_CHI(b4, b0, b1)

/* One round, from one array to another: with constant indexes both live in registers. */
KECCAK_TARGET static inline __attribute__((always_inline)) void
keccak_round(const LANE from[25], LANE to[25], uint64_t constant)
{
    LANE c0 = LANE_XOR3(LANE_XOR3(from[0], from[5], from[10]), from[15], from[20]);
    LANE c1 = LANE_XOR3(LANE_XOR3(from[1], from[6], from[11]), from[16], from[21]);
    LANE c2 = LANE_XOR3(LANE_XOR3(from[2], from[7], from[12]), from[17], from[22]);
    LANE c3 = LANE_XOR3(LANE_XOR3(from[3], from[8], from[13]), from[18], from[23]);
    LANE c4 = LANE_XOR3(LANE_XOR3(from[4], from[9], from[14]), from[19], from[24]);
    LANE d0 = LANE_XOR(c4, LANE_ROL(c1, 1));
    LANE d1 = LANE_XOR(c0, LANE_ROL(c2, 1));
    LANE d2 = LANE_XOR(c1, LANE_ROL(c3, 1));
    LANE d3 = LANE_XOR(c2, LANE_ROL(c4, 1));
    LANE d4 = LANE_XOR(c3, LANE_ROL(c0, 1));
    /* rho and pi: row y of the result takes word (x + 3y) mod 5 of row x. */
    LANE b0 = LANE_XOR(from[0], d0);
    LANE b1 = LANE_ROL(LANE_XOR(from[6], d1), 44);
    LANE b2 = LANE_ROL(LANE_XOR(from[12], d2), 43);
    LANE b3 = LANE_ROL(LANE_XOR(from[18], d3), 21);
    LANE b4 = LANE_ROL(LANE_XOR(from[24], d4), 14);
    KECCAK_CHI_ROW(to, 0);
    to[0] = LANE_XOR(to[0], LANE_CONSTANT(constant));
    b0 = LANE_ROL(LANE_XOR(from[3], d3), 28);
    b1 = LANE_ROL(LANE_XOR(from[9], d4), 20);
    b2 = LANE_ROL(LANE_XOR(from[10], d0), 3);
    b3 = LANE_ROL(LANE_XOR(from[16], d1), 45);
    b4 = LANE_ROL(LANE_XOR(from[22], d2), 61);
    KECCAK_CHI_ROW(to, 5);
    b0 = LANE_ROL(LANE_XOR(from[1], d1), 1);
    b1 = LANE_ROL(LANE_XOR(from[7], d2), 6);
    b2 = LANE_ROL(LANE_XOR(from[13], d3), 25);
    b3 = LANE_ROL(LANE_XOR(from[19], d4), 8);
    b4 = LANE_ROL(LANE_XOR(from[20], d0), 18);
    KECCAK_CHI_ROW(to, 10);
    b0 = LANE_ROL(LANE_XOR(from[4], d4), 27);
    b1 = LANE_ROL(LANE_XOR(from[5], d0), 36);
    b2 = LANE_ROL(LANE_XOR(from[11], d1), 10);
    b3 = LANE_ROL(LANE_XOR(from[17], d2), 15);
    b4 = LANE_ROL(LANE_XOR(from[23], d3), 56);
    KECCAK_CHI_ROW(to, 15);
    b0 = LANE_ROL(LANE_XOR(from[2], d2), 62);
    b1 = LANE_ROL(LANE_XOR(from[8], d3), 55);
    b2 = LANE_ROL(LANE_XOR(from[14], d4), 39);
    b3 = LANE_ROL(LANE_XOR(from[15], d0), 41);
    b4 = LANE_ROL(LANE_XOR(from[21], d1), 2);
    KECCAK_CHI_ROW(to, 20);
}

KECCAK_TARGET static inline __attribute__((always_inline)) void keccak_rounds(LANE state[25])
{
    LANE a[25];
    LANE b[25];
#pragma GCC unroll 25
    for (int i = 0; i < 25; i++)
        a[i] = state[i];
#pragma GCC unroll 1
    for (int round = 0; round < 24; round += 2) {
        keccak_round(a, b, keccak_round_constants[round]);
        keccak_round(b, a, keccak_round_constants[round + 1]);
    }
#pragma GCC unroll 25
    for (int i = 0; i < 25; i++)
        state[i] = a[i];
}

#undef KECCAK_CHI_ROW
