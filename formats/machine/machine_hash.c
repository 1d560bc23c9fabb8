/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_hash.h"

#include "formats/machine/machine_hash_paths.h"

#include <string.h>

static bool always(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2");
}

static bool has_avx512(void)
{
    return __builtin_cpu_supports("avx512f") && has_avx2();
}

/* GCC's list of features has no "sha": CPUID leaf 7, EBX bit 29. */
static bool has_sha(void)
{
    unsigned a = 7;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    __asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
    return (b >> 29 & 1) != 0 && __builtin_cpu_supports("sse4.1");
}
#endif

static const struct machine_hasher keccak_paths[] = {
    {"scalar", always, keccak_leaves_scalar, keccak_pairs_scalar},
#if defined(__x86_64__)
    {"avx2", has_avx2, keccak_leaves_avx2, keccak_pairs_avx2},
    {"avx512", has_avx512, keccak_leaves_avx512, keccak_pairs_avx512},
#endif
};

static const struct machine_hasher sha256_paths[] = {
    {"scalar", always, sha256_leaves_scalar, sha256_pairs_scalar},
#if defined(__x86_64__)
    {"sha-ni", has_sha, sha256_leaves_shani, sha256_pairs_shani},
#endif
};

const struct machine_hasher *machine_hasher_paths(enum machine_hash function, size_t *count)
{
    bool keccak = function == MACHINE_KECCAK256;
    *count = keccak ? sizeof(keccak_paths) / sizeof(keccak_paths[0])
                    : sizeof(sha256_paths) / sizeof(sha256_paths[0]);
    return keccak ? keccak_paths : sha256_paths;
}

const struct machine_hasher *machine_hasher_best(enum machine_hash function)
{
    size_t count;
    const struct machine_hasher *paths = machine_hasher_paths(function, &count);
    while (!paths[count - 1].usable())
        count--;
    return &paths[count - 1];
}

const char *machine_hash_name(enum machine_hash function)
{
    return function == MACHINE_KECCAK256 ? "keccak256" : "sha256";
}

bool machine_hash_parse(const char *name, enum machine_hash *out)
{
    for (int f = MACHINE_KECCAK256; f <= MACHINE_SHA256; f++)
        if (strcmp(machine_hash_name((enum machine_hash)f), name) == 0) {
            *out = (enum machine_hash)f;
            return true;
        }
    return false;
}
