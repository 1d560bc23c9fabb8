/* SPDX-License-Identifier: Apache-2.0 */
/* The Merkle tree against the public vectors and against a slow, obvious implementation. */
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "store/log/merkle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/sha.h>

#define VECTORS "tests/data/log/merkle-vectors.jsonl"

/* ---- the slow one: RFC 6962 section 2.1 word by word ------------------------- */

enum { SLOW_MAX = 70 };

static struct merkle_hash slow_leaves[SLOW_MAX];

static void slow_setup(void)
{
    for (unsigned i = 0; i < SLOW_MAX; i++) {
        uint8_t data[3] = {0x00, (uint8_t)i, (uint8_t)(i * 7)};
        SHA256(data, sizeof(data), slow_leaves[i].bytes);
    }
}

static struct merkle_hash slow_root(size_t from, size_t to)
{
    struct merkle_hash out;
    if (from == to) {
        SHA256((const uint8_t *)"", 0, out.bytes);
        return out;
    }
    if (to - from == 1)
        return slow_leaves[from];
    size_t k = 1;
    while (k * 2 < to - from)
        k *= 2;
    struct merkle_hash left = slow_root(from, from + k);
    struct merkle_hash right = slow_root(from + k, to);
    uint8_t data[65] = {0x01};
    memcpy(data + 1, left.bytes, 32);
    memcpy(data + 33, right.bytes, 32);
    SHA256(data, sizeof(data), out.bytes);
    return out;
}

/* PATH(m, D[from:to]) */
static void slow_path(size_t m, size_t from, size_t to, struct merkle_proof *out)
{
    if (to - from == 1)
        return;
    size_t k = 1;
    while (k * 2 < to - from)
        k *= 2;
    if (m < k) {
        slow_path(m, from, from + k, out);
        out->hashes[out->count++] = slow_root(from + k, to);
    } else {
        slow_path(m - k, from + k, to, out);
        out->hashes[out->count++] = slow_root(from, from + k);
    }
}

/* SUBPROOF(m, D[from:to], whole) */
static void slow_subproof(size_t m, size_t from, size_t to, bool whole, struct merkle_proof *out)
{
    if (m == to - from) {
        if (!whole)
            out->hashes[out->count++] = slow_root(from, to);
        return;
    }
    size_t k = 1;
    while (k * 2 < to - from)
        k *= 2;
    if (m <= k) {
        slow_subproof(m, from, from + k, whole, out);
        out->hashes[out->count++] = slow_root(from + k, to);
    } else {
        slow_subproof(m - k, from + k, to, false, out);
        out->hashes[out->count++] = slow_root(from, from + k);
    }
}

/* ---- nodes kept in memory ----------------------------------------------------- */

struct memory {
    struct merkle_hash nodes[8][SLOW_MAX];
    uint64_t count[8];
};

static int memory_put(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash,
                      struct err *e)
{
    struct memory *m = context;
    (void)e;
    assert_true(level < 8);
    assert_int_equal(index, m->count[level]);
    m->nodes[level][index] = *hash;
    m->count[level]++;
    return 0;
}

static int memory_get(void *context, unsigned level, uint64_t index, struct merkle_hash *out,
                      struct err *e)
{
    const struct memory *m = context;
    (void)e;
    assert_true(level < 8 && index < m->count[level]);
    *out = m->nodes[level][index];
    return 0;
}

static bool same_proof(const struct merkle_proof *a, const struct merkle_proof *b)
{
    return a->count == b->count &&
           memcmp(a->hashes, b->hashes, a->count * sizeof(a->hashes[0])) == 0;
}

/* Any change of a good proof must be refused. */
static void refuse_changed(uint64_t old_size, uint64_t index, uint64_t size,
                           const struct merkle_proof *good, const struct merkle_hash *a,
                           const struct merkle_hash *root, bool inclusion)
{
    struct err e = ERR_INIT;
    for (size_t i = 0; i <= good->count; i++) {
        struct merkle_proof p = *good;
        struct merkle_hash first = *a;
        if (i < good->count)
            p.hashes[i].bytes[size % 32] ^= 1;
        else
            first.bytes[index % 32] ^= 0x80;
        int rc = inclusion ? merkle_check_inclusion(&first, index, size, &p, root, &e)
                           : merkle_check_consistency(old_size, size, &p, &first, root, &e);
        assert_int_equal(rc, -ERR_LOG);
    }
    struct merkle_proof p = *good;
    p.hashes[p.count++] = *root;
    assert_int_equal(inclusion ? merkle_check_inclusion(a, index, size, &p, root, &e)
                               : merkle_check_consistency(old_size, size, &p, a, root, &e),
                     -ERR_LOG);
    if (good->count == 0)
        return;
    p = *good;
    p.count--;
    assert_int_equal(inclusion ? merkle_check_inclusion(a, index, size, &p, root, &e)
                               : merkle_check_consistency(old_size, size, &p, a, root, &e),
                     -ERR_LOG);
}

static void check_inclusions(const struct merkle_source *source, size_t n,
                             const struct merkle_hash *root)
{
    struct err e = ERR_INIT;
    for (size_t i = 0; i < n; i++) {
        struct merkle_proof proof;
        struct merkle_proof slow = {.count = 0};
        assert_int_equal(merkle_prove_inclusion(source, i, n, &proof, &e), 0);
        slow_path(i, 0, n, &slow);
        assert_true(same_proof(&proof, &slow));
        assert_int_equal(merkle_check_inclusion(&slow_leaves[i], i, n, &proof, root, &e), 0);
        refuse_changed(0, i, n, &proof, &slow_leaves[i], root, true);
        for (size_t other = 0; other < n; other++)
            if (other != i)
                assert_int_equal(
                    merkle_check_inclusion(&slow_leaves[i], other, n, &proof, root, &e), -ERR_LOG);
    }
}

static void check_consistencies(const struct merkle_source *source, size_t n,
                                const struct merkle_hash *root)
{
    struct err e = ERR_INIT;
    for (size_t m = 1; m <= n; m++) {
        struct merkle_proof proof;
        struct merkle_proof slow = {.count = 0};
        struct merkle_hash old = slow_root(0, m);
        assert_int_equal(merkle_prove_consistency(source, m, n, &proof, &e), 0);
        slow_subproof(m, 0, n, true, &slow);
        assert_true(same_proof(&proof, &slow));
        assert_int_equal(merkle_check_consistency(m, n, &proof, &old, root, &e), 0);
        refuse_changed(m, 0, n, &proof, &old, root, false);
    }
}

static void test_against_slow(void **state)
{
    (void)state;
    static struct memory memory;
    struct err e = ERR_INIT;
    struct merkle_range range = {.size = 0};
    const struct merkle_sink sink = {&memory, memory_put};
    const struct merkle_source source = {&memory, memory_get};
    slow_setup();
    for (size_t n = 0; n <= SLOW_MAX; n++) {
        struct merkle_hash root;
        struct merkle_hash want = slow_root(0, n);
        struct merkle_range loaded;
        assert_int_equal(merkle_range_root(&range, &root, &e), 0);
        assert_true(merkle_equal(&root, &want));
        assert_int_equal(merkle_range_load(&source, n, &loaded, &e), 0);
        assert_int_equal(merkle_range_root(&loaded, &root, &e), 0);
        assert_true(merkle_equal(&root, &want));
        check_inclusions(&source, n, &root);
        check_consistencies(&source, n, &root);
        if (n < SLOW_MAX)
            assert_int_equal(merkle_range_add(&range, &slow_leaves[n], &sink, &e), 0);
    }
}

static void test_leaf(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct merkle_hash leaf;
    struct merkle_hash want;
    assert_int_equal(merkle_leaf("ab", 2, &leaf, &e), 0);
    SHA256((const uint8_t *)"\0ab", 3, want.bytes);
    assert_true(merkle_equal(&leaf, &want));
    assert_int_equal(merkle_leaf(NULL, 0, &leaf, &e), 0);
    SHA256((const uint8_t *)"\0", 1, want.bytes);
    assert_true(merkle_equal(&leaf, &want));
}

static void test_bounds(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct merkle_proof proof = {.count = 0};
    struct merkle_hash h = {{0}};
    const struct merkle_source none = {NULL, memory_get};
    assert_int_equal(merkle_prove_inclusion(&none, 0, 0, &proof, &e), -ERR_INPUT);
    assert_int_equal(merkle_prove_inclusion(&none, 5, 5, &proof, &e), -ERR_INPUT);
    assert_int_equal(merkle_prove_consistency(&none, 0, 5, &proof, &e), -ERR_INPUT);
    assert_int_equal(merkle_prove_consistency(&none, 6, 5, &proof, &e), -ERR_INPUT);
    assert_int_equal(merkle_prove_inclusion(&none, 0, UINT64_MAX, &proof, &e), -ERR_INPUT);
    assert_int_equal(merkle_check_inclusion(&h, UINT64_MAX - 1, UINT64_MAX, &proof, &h, &e),
                     -ERR_LOG);
    assert_int_equal(merkle_check_consistency(UINT64_MAX, UINT64_MAX, &proof, &h, &h, &e),
                     -ERR_LOG);
    assert_int_equal(merkle_check_consistency(0, 5, &proof, &h, &h, &e), -ERR_LOG);
    assert_int_equal(merkle_check_consistency(6, 5, &proof, &h, &h, &e), -ERR_LOG);
    struct merkle_range full = {.size = MERKLE_SIZE_MAX};
    assert_int_equal(merkle_range_add(&full, &h, NULL, &e), -ERR_INPUT);
    assert_int_equal(full.size, MERKLE_SIZE_MAX);
}

/* ---- the vectors ----------------------------------------------------------------- */

/*
 * Roots and leaves of the vectors are opaque strings at times ("don't care 1"):
 * a short one is padded. An empty one, and one of another length within a proof, does not exist
 * for us (false).
 */
static bool vector_hash(const json_t *value, bool opaque, struct merkle_hash *out)
{
    struct err e = ERR_INIT;
    AUTO_BUF raw = BUF_INIT(4096);
    const char *text = json_string_value(value);
    assert_non_null(text);
    assert_int_equal(base64_decode(text, strlen(text), &raw, &e), 0);
    if (raw.len > MERKLE_HASH_SIZE || (raw.len < MERKLE_HASH_SIZE && (!opaque || raw.len == 0)))
        return false;
    memset(out->bytes, 0, MERKLE_HASH_SIZE);
    if (raw.len > 0)
        memcpy(out->bytes, raw.data, raw.len);
    return true;
}

static bool vector_proof(const json_t *list, struct merkle_proof *out)
{
    out->count = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (out->count == MERKLE_PROOF_MAX ||
            !vector_hash(json_array_get(list, i), false, &out->hashes[out->count]))
            return false;
        out->count++;
    }
    return true;
}

/* Some cases have 2^64 - 1, which jansson reads as a real only; the others are small and so exact.
 */
static uint64_t number(const json_t *c, const char *key)
{
    const json_t *v = json_object_get(c, key);
    assert_true(json_is_real(v));
    double d = json_real_value(v);
    return d >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)d;
}

static bool holds(const json_t *c, const char *path)
{
    struct err e = ERR_INIT;
    struct merkle_proof proof;
    struct merkle_hash a;
    struct merkle_hash b;
    bool inclusion = strstr(path, "inclusion/") != NULL;
    if (!vector_proof(json_object_get(c, "proof"), &proof) ||
        !vector_hash(json_object_get(c, inclusion ? "leafHash" : "root1"), true, &a) ||
        !vector_hash(json_object_get(c, inclusion ? "root" : "root2"), true, &b))
        return false;
    int rc;
    if (strncmp(path, "inclusion/", 10) == 0)
        rc =
            merkle_check_inclusion(&a, number(c, "leafIdx"), number(c, "treeSize"), &proof, &b, &e);
    else if (strncmp(path, "consistency/", 12) == 0)
        rc = merkle_check_consistency(number(c, "size1"), number(c, "size2"), &proof, &a, &b, &e);
    else if (inclusion)
        rc = merkle_check_subtree_inclusion(&a, number(c, "leafIdx"), number(c, "start"),
                                            number(c, "end"), &proof, &b, &e);
    else
        rc = merkle_check_subtree(number(c, "start"), number(c, "end"), number(c, "size"), &proof,
                                  &a, &b, &e);
    assert_true(rc == 0 || rc == -ERR_LOG);
    return rc == 0;
}

static void test_vectors(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_BUF file = BUF_INIT(1 << 20);
    assert_int_equal(file_read(VECTORS, &file, &e), 0);
    size_t trees = 0;
    size_t subtrees = 0;
    const char *line = buf_str(&file);
    while (*line != '\0') {
        size_t len = strcspn(line, "\n");
        AUTO_JSON json_t *c = json_loadb(line, len, JSON_DECODE_INT_AS_REAL, NULL);
        assert_non_null(c);
        const char *path = json_string_value(json_object_get(c, "path"));
        bool refuse = json_is_true(json_object_get(c, "wantErr"));
        if (holds(c, path) == refuse)
            fail_msg("%s: %s, and should not be", path, refuse ? "accepted" : "refused");
        if (strncmp(path, "subtree", 7) == 0)
            subtrees++;
        else
            trees++;
        line += len + (line[len] == '\n');
    }
    assert_int_equal(trees, 196);
    assert_int_equal(subtrees, 322);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaf),
        cmocka_unit_test(test_against_slow),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_vectors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
