/* SPDX-License-Identifier: Apache-2.0 */
/* The tree: random machines against a second implementation that is slow and obvious. */
#include "formats/machine/machine_tree.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

enum { RANGES = 5, PAGE = 4096 };

struct machine {
    struct tree_range ranges[RANGES];
    uint8_t *bytes[RANGES]; /* 2^log2 each: zeros beyond the length */
    size_t count;
};

static uint64_t seed;

static uint64_t next_number(uint64_t below)
{
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    return (seed >> 33) % below;
}

/* ---- the obvious one: no pages, no holes, no batches, one hash at a time ---- */

static void slow_node(const struct machine *m, const struct machine_hasher *h, uint64_t address,
                      unsigned log2, uint8_t *out)
{
    uint8_t in[64] = {0};
    uint64_t last = log2 == 64 ? UINT64_MAX : address + (((uint64_t)1 << log2) - 1);
    const uint8_t *bytes = NULL;
    bool touched = false;
    for (size_t i = 0; i < m->count; i++) {
        uint64_t start = m->ranges[i].start;
        uint64_t end = start + (((uint64_t)1 << m->ranges[i].log2) - 1);
        touched |= start <= last && address <= end;
        if (start <= address && address <= end)
            bytes = m->bytes[i] + (address - start);
    }
    if (log2 == 5) {
        if (bytes != NULL)
            memcpy(in, bytes, 32);
        h->leaves(in, out, 1);
        return;
    }
    uint64_t half = (uint64_t)1 << (log2 - 1);
    slow_node(m, h, address, log2 - 1, in);
    if (touched)
        slow_node(m, h, address + half, log2 - 1, in + 32);
    else
        memcpy(in + 32, in, 32); /* zeros alone: both halves are the same */
    h->pairs(in, out, 1);
}

/* ---- random machines ---- */

static int new_file(void)
{
    int fd = memfd_create("range", MFD_CLOEXEC);
    assert_true(fd >= 0);
    return fd;
}

static void fill_range(struct machine *m, size_t i, uint64_t pages)
{
    struct tree_range *r = &m->ranges[i];
    m->bytes[i] = calloc(1, (size_t)1 << r->log2);
    assert_non_null(m->bytes[i]);
    for (uint64_t p = 0; p < pages; p++) {
        uint64_t kind = next_number(4);
        uint8_t *page = m->bytes[i] + p * PAGE;
        if (kind == 0) /* one byte anywhere */
            page[next_number(PAGE)] = (uint8_t)(1 + next_number(255));
        for (size_t k = 0; kind == 1 && k < PAGE; k++)
            page[k] = (uint8_t)next_number(256);
        /* Otherwise zeros: now a hole, now written. */
        if (kind != 2)
            assert_int_equal(pwrite(r->fd, page, PAGE, (off_t)(p * PAGE)), PAGE);
    }
    assert_int_equal(ftruncate(r->fd, (off_t)r->length), 0);
}

static void make_machine(struct machine *m, uint64_t number)
{
    uint64_t cursor = 0;
    seed = number;
    m->count = 1 + (size_t)next_number(RANGES);
    for (size_t i = 0; i < m->count; i++) {
        uint64_t pages = 1 + next_number(number % 4 == 0 ? 200 : 9);
        unsigned log2 = 12;
        while ((uint64_t)PAGE * pages > (uint64_t)1 << log2)
            log2++;
        uint64_t span = (uint64_t)1 << log2;
        cursor += next_number(3) * span + (next_number(4) == 0 ? (uint64_t)1 << 40 : 0);
        cursor = (cursor + span - 1) / span * span;
        struct tree_range r = {.name = "test",
                               .start = cursor,
                               .length = pages * PAGE,
                               .log2 = log2,
                               .fd = new_file()};
        m->ranges[i] = r;
        fill_range(m, i, pages);
        cursor += span;
    }
}

static void drop_machine(struct machine *m)
{
    for (size_t i = 0; i < m->count; i++) {
        close(m->ranges[i].fd);
        free(m->bytes[i]);
    }
}

static const struct machine_hasher *hasher_of(uint64_t number, enum machine_hash *function)
{
    *function = number % 2 == 0 ? MACHINE_KECCAK256 : MACHINE_SHA256;
    return machine_hasher_best(*function);
}

static void test_random_machines(void **state)
{
    (void)state;
    for (uint64_t number = 1; number <= 24; number++) {
        struct machine m;
        struct machine_tree tree;
        struct err e = ERR_INIT;
        enum machine_hash function;
        size_t paths;
        uint8_t wanted[32];
        uint8_t got[32];
        const struct machine_hasher *best = hasher_of(number, &function);
        make_machine(&m, number);
        slow_node(&m, machine_hasher_paths(function, &paths), 0, 64, wanted);
        machine_tree_init(&tree, best, m.ranges, m.count, 1 + (unsigned)(number % 3));
        assert_int_equal(machine_tree_node(&tree, 0, 64, got, &e), 0);
        assert_memory_equal(got, wanted, 32);
        drop_machine(&m);
    }
}

/* A proof of any node leads to the root, its target is the slow one's node, and a changed byte of
 * it does not. */
static void test_proofs(void **state)
{
    (void)state;
    for (uint64_t number = 101; number <= 112; number++) {
        struct machine m;
        struct machine_tree tree;
        struct machine_proof proof = {.count = 0};
        struct err e = ERR_INIT;
        size_t paths;
        uint8_t root[32];
        uint8_t node[32];
        const struct machine_hasher *best = hasher_of(number, &proof.function);
        make_machine(&m, number);
        machine_tree_init(&tree, best, m.ranges, m.count, 2);
        assert_int_equal(machine_tree_node(&tree, 0, 64, root, &e), 0);
        for (int k = 0; k < 10; k++) {
            unsigned log2 = 5 + (unsigned)next_number(60);
            uint64_t size = log2 == 64 ? 0 : (uint64_t)1 << log2;
            const struct tree_range *r = &m.ranges[next_number(m.count)];
            uint64_t address = r->start + next_number(r->length);
            address = log2 == 64 ? 0 : address & ~(size - 1);
            assert_int_equal(machine_tree_prove(&tree, address, log2, &proof, &e), 0);
            assert_int_equal(proof.count, 64 - log2);
            assert_memory_equal(proof.root, root, 32);
            slow_node(&m, machine_hasher_paths(proof.function, &paths), address, log2, node);
            assert_memory_equal(proof.target, node, 32);
            if (proof.count > 0) {
                proof.siblings[next_number(proof.count)][next_number(32)] ^= 1;
                machine_proof_root(&proof, node);
                assert_memory_not_equal(node, root, 32);
            }
        }
        drop_machine(&m);
    }
}

/* Every byte counts: a flipped one anywhere changes the root. */
static void test_flips(void **state)
{
    (void)state;
    struct machine m;
    struct machine_tree tree;
    struct err e = ERR_INIT;
    uint8_t root[32];
    uint8_t other[32];
    make_machine(&m, 4);
    machine_tree_init(&tree, machine_hasher_best(MACHINE_SHA256), m.ranges, m.count, 2);
    assert_int_equal(machine_tree_node(&tree, 0, 64, root, &e), 0);
    for (int k = 0; k < 200; k++) {
        size_t i = (size_t)next_number(m.count);
        off_t at = (off_t)next_number(m.ranges[i].length);
        uint8_t byte = (uint8_t)(m.bytes[i][at] ^ (1U << next_number(8)));
        assert_int_equal(pwrite(m.ranges[i].fd, &byte, 1, at), 1);
        assert_int_equal(machine_tree_node(&tree, 0, 64, other, &e), 0);
        assert_memory_not_equal(other, root, 32);
        assert_int_equal(pwrite(m.ranges[i].fd, m.bytes[i] + at, 1, at), 1);
    }
    assert_int_equal(machine_tree_node(&tree, 0, 64, other, &e), 0);
    assert_memory_equal(other, root, 32);
    drop_machine(&m);
}

static void test_refused(void **state)
{
    (void)state;
    static const uint8_t known[32] = {7};
    struct err e = ERR_INIT;
    uint8_t out[32];
    struct machine_proof proof = {.count = 0};
    struct machine_tree tree;
    struct tree_range r = {
        .name = "short", .start = 0x200000, .length = 0x100000, .log2 = 20, .fd = new_file()};
    uint8_t byte = 1;
    assert_int_equal(pwrite(r.fd, &byte, 1, 100), 1); /* 101 bytes, not a MiB */
    machine_tree_init(&tree, machine_hasher_best(MACHINE_KECCAK256), &r, 1, 2);
    assert_int_equal(machine_tree_node(&tree, 0, 64, out, &e), -ERR_INPUT);
    close(r.fd);
    /* Bytes that are not there: their node is known, what is inside is not. */
    r.fd = -1;
    r.known = known;
    assert_int_equal(machine_tree_node(&tree, 0x200000, 20, out, &e), 0);
    assert_memory_equal(out, known, 32);
    assert_int_equal(machine_tree_node(&tree, 0, 64, out, &e), 0);
    assert_int_equal(machine_tree_node(&tree, 0x200000, 19, out, &e), -ERR_INPUT);
    assert_int_equal(machine_tree_prove(&tree, 0x1000, 13, &proof, &e), -ERR_USAGE);
    assert_int_equal(machine_tree_prove(&tree, 0, 4, &proof, &e), -ERR_USAGE);
    assert_int_equal(machine_tree_prove(&tree, 0, 65, &proof, &e), -ERR_USAGE);
    assert_int_equal(machine_tree_prove(&tree, 0x1000, 64, &proof, &e), -ERR_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_machines),
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_flips),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
