/* SPDX-License-Identifier: Apache-2.0 */
/* The paths that machine_hash.c chooses from. Used by it only. */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_HASH_PATHS_H
#define ASSAY_FORMATS_MACHINE_MACHINE_HASH_PATHS_H

#include "formats/machine/machine_hash.h"

machine_hash_many keccak_leaves_scalar;
machine_hash_many keccak_pairs_scalar;
machine_hash_many sha256_leaves_scalar;
machine_hash_many sha256_pairs_scalar;

/* FIPS 180-4, section 4.2.2. */
extern const uint32_t sha256_constants[64];

#if defined(__x86_64__)
machine_hash_many keccak_leaves_avx2;
machine_hash_many keccak_pairs_avx2;
machine_hash_many keccak_leaves_avx512;
machine_hash_many keccak_pairs_avx512;
machine_hash_many sha256_leaves_shani;
machine_hash_many sha256_pairs_shani;
#endif

#endif
