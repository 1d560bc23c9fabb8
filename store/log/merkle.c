/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/merkle.h"

#include "base/digest.h"

#include <inttypes.h>
#include <string.h>

enum { LEAF_PREFIX = 0x00, NODE_PREFIX = 0x01 };

bool merkle_equal(const struct merkle_hash *a, const struct merkle_hash *b)
{
    return memcmp(a->bytes, b->bytes, MERKLE_HASH_SIZE) == 0;
}

int merkle_leaf(const void *entry, size_t len, struct merkle_hash *out, struct err *e)
{
    static const uint8_t prefix = LEAF_PREFIX;
    AUTO_HASHER struct hasher *h = NULL;
    struct digest d;
    int rc = hasher_new(DIGEST_SHA256, &h, e);
    if (rc == 0)
        rc = hasher_update(h, &prefix, 1, e);
    if (rc == 0 && len > 0)
        rc = hasher_update(h, entry, len, e);
    if (rc == 0)
        rc = hasher_final(h, &d, e);
    if (rc == 0)
        memcpy(out->bytes, d.bytes, MERKLE_HASH_SIZE);
    return rc;
}

static int hash_bytes(const void *data, size_t len, struct merkle_hash *out, struct err *e)
{
    struct digest d;
    int rc = digest_bytes(DIGEST_SHA256, data, len, &d, e);
    if (rc == 0)
        memcpy(out->bytes, d.bytes, MERKLE_HASH_SIZE);
    return rc;
}

int merkle_parent(const struct merkle_hash *left, const struct merkle_hash *right,
                  struct merkle_hash *out, struct err *e)
{
    uint8_t node[1 + 2 * MERKLE_HASH_SIZE];
    node[0] = NODE_PREFIX;
    memcpy(node + 1, left->bytes, MERKLE_HASH_SIZE);
    memcpy(node + 1 + MERKLE_HASH_SIZE, right->bytes, MERKLE_HASH_SIZE);
    return hash_bytes(node, sizeof(node), out, e);
}

/* Number of bits needed for `v`; 0 for 0. */
static unsigned bit_length(uint64_t v)
{
    return v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v);
}

/* The largest power of two strictly below n (n >= 2). */
static uint64_t split_point(uint64_t n)
{
    uint64_t k = 1;
    while (k < n - k)
        k <<= 1;
    return k;
}

/* ---- the append state ------------------------------------------------------ */

int merkle_range_add(struct merkle_range *range, const struct merkle_hash *leaf,
                     const struct merkle_sink *sink, struct err *e)
{
    if (range->size >= MERKLE_SIZE_MAX)
        return err_set(e, ERR_INPUT, "cannot append: the tree is full");
    struct merkle_hash hash = *leaf;
    unsigned level = 0;
    for (;; level++) {
        int rc =
            sink == NULL ? 0 : sink->node(sink->context, level, range->size >> level, &hash, e);
        if (rc < 0)
            return rc;
        if ((range->size >> level & 1) == 0)
            break;
        rc = merkle_parent(&range->nodes[level], &hash, &hash, e);
        if (rc < 0)
            return rc;
    }
    range->nodes[level] = hash;
    range->size++;
    return 0;
}

int merkle_range_load(const struct merkle_source *source, uint64_t size, struct merkle_range *out,
                      struct err *e)
{
    if (size > MERKLE_SIZE_MAX)
        return err_set(e, ERR_INPUT, "a tree of %" PRIu64 " leaves is too large", size);
    struct merkle_range range = {.size = size};
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((size >> level & 1) == 0)
            continue;
        int rc = source->node(source->context, level, (size >> level) - 1, &range.nodes[level], e);
        if (rc < 0)
            return rc;
    }
    *out = range;
    return 0;
}

int merkle_range_root(const struct merkle_range *range, struct merkle_hash *out, struct err *e)
{
    if (range->size == 0)
        return hash_bytes("", 0, out, e);
    struct merkle_hash root;
    bool some = false;
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((range->size >> level & 1) == 0)
            continue;
        int rc = 0;
        if (some)
            rc = merkle_parent(&range->nodes[level], &root, &root, e);
        else
            root = range->nodes[level];
        if (rc < 0)
            return rc;
        some = true;
    }
    *out = root;
    return 0;
}

/* ---- making proofs ---------------------------------------------------------- */

/* Hash of the leaves [start, end), where start is a multiple of a power of two >= end - start. */
static int subtree_hash(const struct merkle_source *source, uint64_t start, uint64_t end,
                        struct merkle_hash *out, struct err *e)
{
    struct merkle_hash hash;
    bool some = false;
    uint64_t size = end - start;
    /* From the smallest complete piece, which is the last, to the largest. */
    for (unsigned level = 0; level < MERKLE_LEVELS; level++) {
        if ((size >> level & 1) == 0)
            continue;
        struct merkle_hash piece;
        int rc = source->node(source->context, level, (end >> level) - 1, &piece, e);
        if (rc == 0 && some)
            rc = merkle_parent(&piece, &hash, &hash, e);
        else if (rc == 0)
            hash = piece;
        if (rc < 0)
            return rc;
        some = true;
        end -= (uint64_t)1 << level;
    }
    *out = hash;
    return 0;
}

static int proof_push(struct merkle_proof *proof, const struct merkle_source *source,
                      uint64_t start, uint64_t end, struct err *e)
{
    if (proof->count == MERKLE_PROOF_MAX)
        return err_set(e, ERR_LOG, "a proof has more than %d hashes", MERKLE_PROOF_MAX);
    int rc = subtree_hash(source, start, end, &proof->hashes[proof->count], e);
    if (rc == 0)
        proof->count++;
    return rc;
}

/* The walks below go from the root down; proofs are written from the leaf up. */
static void proof_reverse(const struct merkle_proof *from, struct merkle_proof *to)
{
    to->count = from->count;
    for (size_t i = 0; i < from->count; i++)
        to->hashes[i] = from->hashes[from->count - 1 - i];
}

int merkle_prove_inclusion(const struct merkle_source *source, uint64_t index, uint64_t size,
                           struct merkle_proof *out, struct err *e)
{
    if (size > MERKLE_SIZE_MAX || index >= size)
        return err_set(e, ERR_INPUT, "there is no leaf %" PRIu64 " in a tree of %" PRIu64, index,
                       size);
    struct merkle_proof proof = {.count = 0};
    uint64_t start = 0;
    uint64_t end = size;
    while (end - start > 1) {
        uint64_t middle = start + split_point(end - start);
        int rc = index < middle ? proof_push(&proof, source, middle, end, e)
                                : proof_push(&proof, source, start, middle, e);
        if (rc < 0)
            return rc;
        if (index < middle)
            end = middle;
        else
            start = middle;
    }
    proof_reverse(&proof, out);
    return 0;
}

int merkle_prove_consistency(const struct merkle_source *source, uint64_t old_size, uint64_t size,
                             struct merkle_proof *out, struct err *e)
{
    if (size > MERKLE_SIZE_MAX || old_size == 0 || old_size > size)
        return err_set(e, ERR_INPUT,
                       "there is no consistency proof from size %" PRIu64 " to size %" PRIu64,
                       old_size, size);
    struct merkle_proof proof = {.count = 0};
    uint64_t start = 0;
    uint64_t end = size;
    while (end != old_size) {
        uint64_t middle = start + split_point(end - start);
        int rc = old_size <= middle ? proof_push(&proof, source, middle, end, e)
                                    : proof_push(&proof, source, start, middle, e);
        if (rc < 0)
            return rc;
        if (old_size <= middle)
            end = middle;
        else
            start = middle;
    }
    /* Unless what is left is the old tree itself, whose root the verifier has. */
    int rc = start == 0 ? 0 : proof_push(&proof, source, start, end, e);
    if (rc == 0)
        proof_reverse(&proof, out);
    return rc;
}

/* ---- checking proofs --------------------------------------------------------- */

/* RFC 6962bis: start is a multiple of the least power of two that is >= end - start. */
static bool subtree_valid(uint64_t start, uint64_t end)
{
    if (start >= end || end > MERKLE_SIZE_MAX)
        return false;
    unsigned bits = bit_length(end - start - 1);
    return (start & (((uint64_t)1 << bits) - 1)) == 0;
}

static int length_error(const struct merkle_proof *proof, const char *kind, struct err *e)
{
    return err_set(e, ERR_LOG, "the %s proof has a wrong number of hashes (%zu)", kind,
                   proof->count);
}

int merkle_check_subtree_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t start,
                                   uint64_t end, const struct merkle_proof *proof,
                                   const struct merkle_hash *subtree, struct err *e)
{
    if (!subtree_valid(start, end) || index < start || index >= end)
        return err_set(e, ERR_LOG, "leaf %" PRIu64 " is not in the leaves %" PRIu64 " to %" PRIu64,
                       index, start, end);
    uint64_t i = index - start;
    unsigned inner = bit_length(i ^ (end - start - 1));
    unsigned border = (unsigned)__builtin_popcountll(i >> inner);
    if (proof->count != inner + border)
        return length_error(proof, "inclusion", e);
    struct merkle_hash hash = *leaf;
    for (unsigned j = 0; j < proof->count; j++) {
        const struct merkle_hash *sibling = &proof->hashes[j];
        bool left = j >= inner || (i >> j & 1) != 0;
        int rc = left ? merkle_parent(sibling, &hash, &hash, e)
                      : merkle_parent(&hash, sibling, &hash, e);
        if (rc < 0)
            return rc;
    }
    if (!merkle_equal(&hash, subtree))
        return err_set(e, ERR_LOG, "the inclusion proof of leaf %" PRIu64 " gives another root",
                       index);
    return 0;
}

int merkle_check_inclusion(const struct merkle_hash *leaf, uint64_t index, uint64_t size,
                           const struct merkle_proof *proof, const struct merkle_hash *root,
                           struct err *e)
{
    return merkle_check_subtree_inclusion(leaf, index, 0, size, proof, root, e);
}

/* The empty subtree is part of every tree that reaches it, and has one hash and one, empty, proof.
 */
static int check_empty_subtree(const struct merkle_proof *proof, const struct merkle_hash *subtree,
                               struct err *e)
{
    struct merkle_hash empty;
    int rc = hash_bytes("", 0, &empty, e);
    if (rc == 0 && proof->count != 0)
        rc = length_error(proof, "consistency", e);
    else if (rc == 0 && !merkle_equal(subtree, &empty))
        rc = err_set(e, ERR_LOG, "the hash of an empty subtree is not the empty tree's");
    return rc;
}

/* The three numbers of the RFC's walk: first and last leaf of the old part, last leaf of the tree.
 */
struct walk {
    uint64_t first, last, end;
};

static void walk_up(struct walk *w)
{
    w->first >>= 1;
    w->last >>= 1;
    w->end >>= 1;
}

int merkle_check_subtree(uint64_t start, uint64_t end, uint64_t size,
                         const struct merkle_proof *proof, const struct merkle_hash *subtree,
                         const struct merkle_hash *root, struct err *e)
{
    if (start == end && end <= size && size <= MERKLE_SIZE_MAX)
        return check_empty_subtree(proof, subtree, e);
    if (!subtree_valid(start, end) || end > size || size > MERKLE_SIZE_MAX)
        return err_set(e, ERR_LOG,
                       "there is no consistency proof from size %" PRIu64 " to size %" PRIu64, end,
                       size);
    struct walk w = {.first = start, .last = end - 1, .end = size - 1};
    /* Go up to the largest node that both trees have in common and that ends where the old part
     * ends. */
    if (w.last == w.end)
        while (w.first != w.last)
            walk_up(&w);
    else
        while (w.first != w.last && (w.last & 1) != 0)
            walk_up(&w);
    size_t next = 0;
    if (w.first != w.last && proof->count == 0)
        return length_error(proof, "consistency", e);
    struct merkle_hash old_hash = w.first == w.last ? *subtree : proof->hashes[next++];
    struct merkle_hash new_hash = old_hash;
    for (; next < proof->count; next++) {
        const struct merkle_hash *p = &proof->hashes[next];
        if (w.end == 0)
            return length_error(proof, "consistency", e);
        int rc = 0;
        if ((w.last & 1) != 0 || w.last == w.end) {
            if (w.first < w.last)
                rc = merkle_parent(p, &old_hash, &old_hash, e);
            if (rc == 0)
                rc = merkle_parent(p, &new_hash, &new_hash, e);
            while (w.last != 0 && (w.last & 1) == 0)
                walk_up(&w);
        } else {
            rc = merkle_parent(&new_hash, p, &new_hash, e);
        }
        if (rc < 0)
            return rc;
        walk_up(&w);
    }
    if (w.end != 0)
        return length_error(proof, "consistency", e);
    if (!merkle_equal(&old_hash, subtree))
        return err_set(e, ERR_LOG, "the consistency proof gives another root for the old tree");
    if (!merkle_equal(&new_hash, root))
        return err_set(e, ERR_LOG, "the consistency proof gives another root for the new tree");
    return 0;
}

int merkle_check_consistency(uint64_t old_size, uint64_t size, const struct merkle_proof *proof,
                             const struct merkle_hash *old_root, const struct merkle_hash *root,
                             struct err *e)
{
    if (old_size == 0)
        return err_set(e, ERR_LOG, "there is no consistency proof from the empty tree");
    return merkle_check_subtree(0, old_size, size, proof, old_root, root, e);
}
