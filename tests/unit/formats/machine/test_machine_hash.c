/* SPDX-License-Identifier: Apache-2.0 */
/* The machine's hash: every path the processor can run gives what the scalar one gives, and known
 * values. */
#include "formats/machine/machine_hash.h"

#include "base/digest.h"
#include "base/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { MANY = 67 };

/* Bytes that no pattern of ours repeats: a linear congruential generator, fixed. */
static void fill(uint8_t *p, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005U + 1442695040888963407U;
        p[i] = (uint8_t)(seed >> 56);
    }
}

static void assert_hex(const uint8_t *hash, const char *hex)
{
    uint8_t wanted[MACHINE_HASH_SIZE];
    assert_true(hex_decode(hex, strlen(hex), wanted, sizeof(wanted)));
    assert_memory_equal(hash, wanted, sizeof(wanted));
}

/* Every count around the widths, in place and not: each path against the scalar one. */
static void test_paths_agree(void **state)
{
    (void)state;
    static uint8_t in[64 * MANY];
    static uint8_t wanted[32 * MANY];
    static uint8_t got[64 * MANY];
    for (int f = MACHINE_KECCAK256; f <= MACHINE_SHA256; f++) {
        size_t paths;
        const struct machine_hasher *path = machine_hasher_paths((enum machine_hash)f, &paths);
        assert_string_equal(path[0].path, "scalar");
        for (size_t p = 1; p < paths; p++) {
            if (!path[p].usable())
                continue;
            for (size_t count = 0; count <= MANY; count++) {
                fill(in, sizeof(in), count + 1000 * p);
                path[0].leaves(in, wanted, count);
                path[p].leaves(in, got, count);
                assert_memory_equal(got, wanted, 32 * count);
                path[0].pairs(in, wanted, count);
                memcpy(got, in, sizeof(got));
                path[p].pairs(got, got, count);
                assert_memory_equal(got, wanted, 32 * count);
                assert_memory_equal(got + 64 * count, in + 64 * count, 64 * (MANY - count));
            }
        }
    }
}

/* The zero leaf and its pair (docs/formats/machine.md, section 5). */
static void test_known_keccak(void **state)
{
    (void)state;
    size_t paths;
    const struct machine_hasher *path = machine_hasher_paths(MACHINE_KECCAK256, &paths);
    uint8_t counting[64];
    for (size_t i = 0; i < sizeof(counting); i++)
        counting[i] = (uint8_t)i;
    for (size_t p = 0; p < paths; p++) {
        if (!path[p].usable())
            continue;
        uint8_t in[64] = {0};
        uint8_t out[32];
        path[p].leaves(in, out, 1);
        assert_hex(out, "290decd9548b62a8d60345a988386fc84ba6bc95484008f6362f93160ef3e563");
        memcpy(in, out, 32);
        memcpy(in + 32, out, 32);
        path[p].pairs(in, out, 1);
        assert_hex(out, "633dc4d7da7256660a892f8f1604a44b5432649cc8ec5cb3ced4c4e6ac94dd1d");
        path[p].leaves(counting, out, 1);
        assert_hex(out, "8ae1aa597fa146ebd3aa2ceddf360668dea5e526567e92b0321816a4e895bd2d");
        path[p].pairs(counting, out, 1);
        assert_hex(out, "002030bde3d4cf89919649775cd71875c4d0ab1708a380e03fefc3a28aa24831");
    }
}

static void test_sha256_is_openssl(void **state)
{
    (void)state;
    static uint8_t in[64 * MANY];
    static uint8_t out[32 * MANY];
    fill(in, sizeof(in), 7);
    const struct machine_hasher *best = machine_hasher_best(MACHINE_SHA256);
    for (size_t size = 32; size <= 64; size += 32) {
        (size == 32 ? best->leaves : best->pairs)(in, out, MANY);
        for (size_t i = 0; i < MANY; i++) {
            struct err e = ERR_INIT;
            struct digest d;
            assert_int_equal(digest_bytes(DIGEST_SHA256, in + size * i, size, &d, &e), 0);
            assert_memory_equal(out + 32 * i, d.bytes, 32);
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    enum machine_hash f = MACHINE_KECCAK256;
    assert_true(machine_hash_parse("sha256", &f));
    assert_int_equal(f, MACHINE_SHA256);
    assert_true(machine_hash_parse("keccak256", &f));
    assert_int_equal(f, MACHINE_KECCAK256);
    assert_false(machine_hash_parse("sha3-256", &f));
    assert_string_equal(machine_hash_name(MACHINE_SHA256), "sha256");
    assert_true(machine_hasher_best(MACHINE_KECCAK256)->usable());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_agree),
        cmocka_unit_test(test_known_keccak),
        cmocka_unit_test(test_sha256_is_openssl),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
