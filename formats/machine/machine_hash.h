/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash of a Cartesi machine's tree, many inputs at a time: Keccak-256 (the
 * original padding, not SHA3-256) or SHA-256 of 32-byte leaves and of 64-byte
 * pairs (docs/formats/machine.md, section 5). The processor's widest instructions
 * are chosen at run time; every path gives the same bytes.
 */
#ifndef ASSAY_FORMATS_MACHINE_MACHINE_HASH_H
#define ASSAY_FORMATS_MACHINE_MACHINE_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MACHINE_HASH_SIZE = 32 };
enum machine_hash { MACHINE_KECCAK256, MACHINE_SHA256 };

/* `count` inputs stand side by side; so do the outputs. `out` may be `in`. */
typedef void machine_hash_many(const uint8_t *in, uint8_t *out, size_t count);

struct machine_hasher {
    const char *path; /* "scalar", "avx2", "avx512", "sha-ni" */
    bool (*usable)(void);
    machine_hash_many *leaves; /* 32 bytes each */
    machine_hash_many *pairs;  /* 64 bytes each */
};

/* The fastest path that this processor can run. Static. */
const struct machine_hasher *machine_hasher_best(enum machine_hash function);
/* All of them, slowest first; the first always runs. Static. */
const struct machine_hasher *machine_hasher_paths(enum machine_hash function, size_t *count);

const char *machine_hash_name(enum machine_hash function);
bool machine_hash_parse(const char *name, enum machine_hash *out);

#endif
