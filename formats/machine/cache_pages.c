/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/cache_pages.h"

#include "base/file.h"
#include "formats/machine/machine_state.h"

#include <inttypes.h>
#include <string.h>

#define NO_ENTRY UINT32_MAX
enum { LINK_SIZE = 16, LITERALS_MAX = 4096 };

static const char file_name[] = "hash_tree.phtc";

void cache_pages_dispose(struct cache_pages *c)
{
    for (size_t i = 0; c->entries != NULL && i < c->count; i++)
        free(c->entries[i].literal);
    free(c->entries);
    free(c->buckets);
    if (c->fd >= 0)
        (void)close(c->fd);
    c->entries = NULL;
    c->buckets = NULL;
    c->fd = -1;
}

/* ---- the map from addresses to entries ---- */

static uint32_t *bucket_of(const struct cache_pages *c, uint64_t address)
{
    uint64_t mixed = (address >> MACHINE_PAGE_LOG2) * 0x9e3779b97f4a7c15U;
    return &c->buckets[(mixed >> 32) & c->bucket_mask];
}

static uint32_t map_find(const struct cache_pages *c, uint64_t address)
{
    uint32_t i = *bucket_of(c, address);
    while (i != NO_ENTRY && c->entries[i].address != address)
        i = c->entries[i].bucket;
    return i;
}

/* Of two entries with one address, the first is found. */
static void map_add(struct cache_pages *c, uint32_t i)
{
    uint32_t *bucket = bucket_of(c, c->entries[i].address);
    if (map_find(c, c->entries[i].address) != NO_ENTRY)
        return;
    c->entries[i].bucket = *bucket;
    *bucket = i;
}

static void map_remove(struct cache_pages *c, uint64_t address)
{
    uint32_t *at = bucket_of(c, address);
    while (*at != NO_ENTRY && c->entries[*at].address != address)
        at = &c->entries[*at].bucket;
    if (*at != NO_ENTRY)
        *at = c->entries[*at].bucket;
}

/* ---- the list ---- */

static void list_remove(struct cache_pages *c, uint32_t i)
{
    struct cache_entry *entry = &c->entries[i];
    c->entries[entry->previous].next = entry->next;
    c->entries[entry->next].previous = entry->previous;
}

static void list_push(struct cache_pages *c, uint32_t i)
{
    struct cache_entry *head = &c->entries[c->count];
    c->entries[i].next = head->next;
    c->entries[i].previous = (uint32_t)c->count;
    c->entries[head->next].previous = i;
    head->next = i;
}

/* The entry that the emulator would take for this page, now the most recently used. */
static uint32_t borrow(struct cache_pages *c, uint64_t address)
{
    uint32_t i = map_find(c, address);
    if (i != NO_ENTRY) {
        list_remove(c, i);
    } else {
        if (c->used < c->count) {
            i = (uint32_t)c->used++;
        } else {
            i = c->entries[c->count].previous;
            list_remove(c, i);
            map_remove(c, c->entries[i].address);
        }
        c->entries[i].address = address;
        map_add(c, i);
    }
    list_push(c, i);
    return i;
}

/* ---- reading ---- */

/* Where a link at `place` leads: an entry, `count` for the list itself, or nothing known. */
static uint32_t link_target(const struct cache_pages *c, uint64_t place, uint64_t link)
{
    uint64_t at = place + link;
    if (at == PHTC_LIST)
        return (uint32_t)c->count;
    uint64_t i = (at - PHTC_ENTRIES) / PHTC_ENTRY;
    return at >= PHTC_ENTRIES && (at - PHTC_ENTRIES) % PHTC_ENTRY == 0 && i < c->count ? (uint32_t)i
                                                                                       : NO_ENTRY;
}

static uint64_t entry_place(size_t i)
{
    return PHTC_ENTRIES + (uint64_t)i * PHTC_ENTRY;
}

static int read_entry(const struct cache_pages *c, size_t i, uint8_t *entry, struct err *e)
{
    uint64_t at = entry_place(i);
    uint64_t len = c->file_size - at < PHTC_ENTRY ? c->file_size - at : (uint64_t)PHTC_ENTRY;
    memset(entry, 0, PHTC_ENTRY);
    return fd_pread_all(c->fd, entry, (size_t)len, at, file_name, e);
}

/* `skip` bytes at the end of the hashes are not looked at; `page` is spoilt. */
static bool hashes_are_true(const struct cache_pages *c, uint8_t *page, const uint8_t *hashes,
                            size_t skip)
{
    static const uint8_t zeros[MACHINE_PAGE];
    size_t len = sizeof(c->pristine) - MACHINE_HASH_SIZE;
    if (memcmp(page, zeros, sizeof(zeros)) == 0)
        return memcmp(hashes + MACHINE_HASH_SIZE, c->pristine + MACHINE_HASH_SIZE, len - skip) == 0;
    c->hasher->leaves(page, page, PHTC_LEAVES);
    for (size_t n = PHTC_LEAVES; n > 0; n /= 2) {
        size_t level = n * MACHINE_HASH_SIZE - (n == PHTC_LEAVES ? skip : 0);
        if (memcmp(page, hashes + n * MACHINE_HASH_SIZE, level) != 0)
            return false;
        c->hasher->pairs(page, page, n / 2);
    }
    return true;
}

/* An entry whose hashes are true gives true ones for whatever page comes next: only the others are
 * kept byte by byte. */
static int keep_literal(struct cache_pages *c, size_t i, struct findings *f, struct err *e)
{
    if (c->literals == LITERALS_MAX) {
        c->sound = false;
        return finding_add(f, e, "%s: more than %d entries have false hashes", file_name,
                           LITERALS_MAX);
    }
    c->entries[i].literal = malloc(PHTC_ENTRY);
    if (c->entries[i].literal == NULL)
        return err_oom(e);
    c->literals++;
    return read_entry(c, i, c->entries[i].literal, e);
}

static int load_hashes(struct cache_pages *c, size_t i, uint8_t *entry, struct findings *f,
                       struct err *e)
{
    size_t lost = i + 1 == c->count ? (size_t)(entry_place(c->count) - c->file_size) : 0;
    bool stored = hashes_are_true(c, entry + PHTC_PAGE, entry + PHTC_HASHES, lost);
    bool loaded = stored && lost == 0;
    if (stored && lost > 0) { /* the emulator reads zeros where it could not write */
        int rc = read_entry(c, i, entry, e);
        if (rc < 0)
            return rc;
        loaded = hashes_are_true(c, entry + PHTC_PAGE, entry + PHTC_HASHES, 0);
    }
    int rc = loaded ? 0 : keep_literal(c, i, f, e);
    if (rc == 0 && !stored)
        rc = finding_add(f, e,
                         "%s: entry %zu (page 0x%" PRIx64 ") has hashes that are not of its bytes",
                         file_name, i, c->entries[i].address);
    return rc;
}

static int wrong_list(struct cache_pages *c, struct findings *f, struct err *e, const char *what,
                      size_t i)
{
    c->sound = false;
    return finding_add(f, e, "%s: %s %zu: the emulator would refuse it or run astray", file_name,
                       what, i);
}

static int load_entry(struct cache_pages *c, size_t i, uint8_t *entry, struct findings *f,
                      struct err *e)
{
    struct cache_entry *out = &c->entries[i];
    int rc = read_entry(c, i, entry, e);
    if (rc < 0)
        return rc;
    uint64_t next = machine_word(entry + PHTC_LINK_NEXT, 0);
    uint64_t previous = machine_word(entry + PHTC_LINK_PREVIOUS, 0);
    out->address = machine_word(entry + PHTC_ADDRESS, 0);
    if (i < c->used) {
        out->next = link_target(c, entry_place(i) + PHTC_LINK_NEXT, next);
        out->previous = link_target(c, entry_place(i) + PHTC_LINK_PREVIOUS, previous);
        if (out->next == NO_ENTRY || out->previous == NO_ENTRY)
            return wrong_list(c, f, e, "a link leads astray in entry", i);
    } else if (next != PHTC_NO_LINK || previous != PHTC_NO_LINK) {
        return wrong_list(c, f, e, "an unused entry has links: entry", i);
    }
    if (machine_word(entry + PHTC_BORROWED, 0) != 0)
        return wrong_list(c, f, e, "in use by a program that is gone: entry", i);
    return load_hashes(c, i, entry, f, e);
}

/* The entries that are used are the first ones, each once, and both directions agree. */
static int check_list(struct cache_pages *c, struct findings *f, struct err *e)
{
    uint32_t last = (uint32_t)c->count;
    size_t length = 0;
    for (uint32_t i = c->entries[last].next; i != c->count; i = c->entries[i].next) {
        if (i >= c->used || c->entries[i].listed || c->entries[i].previous != last)
            return wrong_list(c, f, e, "the list is broken at entry", i);
        c->entries[i].listed = true;
        map_add(c, i);
        last = i;
        length++;
    }
    if (length != c->used || c->entries[c->count].previous != last)
        return wrong_list(c, f, e, "the list is broken after entry", last);
    return 0;
}

static int load_file(struct cache_pages *c, struct findings *f, struct err *e)
{
    uint8_t head[PHTC_ENTRIES];
    AUTO_FREE uint8_t *entry = malloc(PHTC_ENTRY);
    int rc = entry == NULL ? err_oom(e) : fd_pread_all(c->fd, head, sizeof(head), 0, file_name, e);
    if (rc < 0 || machine_word(head + PHTC_TAG, 0) == 0)
        return rc; /* not filled yet */
    struct cache_entry *list = &c->entries[c->count];
    uint64_t used = machine_word(head + PHTC_USED, 0);
    list->next = link_target(c, PHTC_LIST + PHTC_LINK_NEXT,
                             machine_word(head + PHTC_LIST + PHTC_LINK_NEXT, 0));
    list->previous = link_target(c, PHTC_LIST + PHTC_LINK_PREVIOUS,
                                 machine_word(head + PHTC_LIST + PHTC_LINK_PREVIOUS, 0));
    if (machine_word(head + PHTC_TAG, 0) != PHTC_INITIALISED || used > c->count ||
        list->next == NO_ENTRY || list->previous == NO_ENTRY) {
        c->sound = false;
        return finding_add(f, e, "%s has a head that the emulator does not load", file_name);
    }
    c->used = (size_t)used;
    for (size_t i = 0; rc == 0 && i < c->count; i++)
        rc = load_entry(c, i, entry, f, e);
    return rc == 0 && c->sound ? check_list(c, f, e) : rc;
}

int cache_pages_load(struct cache_pages *out, const struct snapshot *s,
                     const struct machine_tree *tree, struct findings *f, struct err *e)
{
    size_t buckets = 1;
    memset(out, 0, sizeof(*out));
    out->hasher = tree->hasher;
    out->count = (size_t)s->config.phtc_size;
    out->file_size = machine_phtc_file_size(&s->config);
    out->fd = cache_open(s, file_name, out->file_size);
    out->sound = true;
    while (buckets < 2 * out->count)
        buckets *= 2;
    out->bucket_mask = buckets - 1;
    out->entries = calloc(out->count + 1, sizeof(*out->entries));
    out->buckets = malloc(buckets * sizeof(*out->buckets));
    if (out->entries == NULL || out->buckets == NULL)
        return err_oom(e);
    memset(out->buckets, 0xff, buckets * sizeof(*out->buckets));
    out->entries[out->count].next = (uint32_t)out->count;
    out->entries[out->count].previous = (uint32_t)out->count;
    for (unsigned level = 0, log2 = MACHINE_PAGE_LOG2; log2 >= MACHINE_LEAF_LOG2; level++, log2--)
        for (size_t i = (size_t)1 << level; i < (size_t)2 << level; i++)
            memcpy(out->pristine + i * MACHINE_HASH_SIZE, tree->pristine[log2], MACHINE_HASH_SIZE);
    return out->fd < 0 ? 0 : load_file(out, f, e);
}

/* ---- use ---- */

static void drop_literal(struct cache_pages *c, struct cache_entry *entry)
{
    free(entry->literal);
    entry->literal = NULL;
    c->literals--;
}

/* Words that differ are copied and hashed, then everything above them; the rest is believed. */
static void update_literal(const struct cache_pages *c, uint8_t *entry, const uint8_t *page)
{
    bool touched[2 * PHTC_LEAVES] = {false};
    uint8_t *hashes = entry + PHTC_HASHES;
    for (size_t i = 0; i < PHTC_LEAVES; i++) {
        uint8_t *word = entry + PHTC_PAGE + i * MACHINE_HASH_SIZE;
        if (memcmp(word, page + i * MACHINE_HASH_SIZE, MACHINE_HASH_SIZE) == 0)
            continue;
        memcpy(word, page + i * MACHINE_HASH_SIZE, MACHINE_HASH_SIZE);
        c->hasher->leaves(word, hashes + (PHTC_LEAVES + i) * MACHINE_HASH_SIZE, 1);
        touched[PHTC_LEAVES + i] = true;
    }
    for (size_t i = PHTC_LEAVES - 1; i > 0; i--) {
        touched[i] = touched[2 * i] || touched[2 * i + 1];
        if (touched[i])
            c->hasher->pairs(hashes + 2 * i * MACHINE_HASH_SIZE, hashes + i * MACHINE_HASH_SIZE, 1);
    }
}

int cache_pages_hash(struct cache_pages *c, const struct cache_page *page,
                     uint8_t out[MACHINE_HASH_SIZE], struct err *e)
{
    static const uint8_t zeros[MACHINE_PAGE];
    uint8_t bytes[MACHINE_PAGE];
    struct cache_entry *entry = &c->entries[borrow(c, page->address)];
    entry->current = true;
    memcpy(out, page->truth, MACHINE_HASH_SIZE);
    if (entry->literal == NULL)
        return 0;
    int rc = fd_pread_all(page->fd, bytes, sizeof(bytes), page->offset, file_name, e);
    if (rc < 0)
        return rc;
    if (memcmp(bytes, zeros, sizeof(bytes)) == 0) {
        drop_literal(c, entry); /* set to zeros with all its hashes */
        return 0;
    }
    update_literal(c, entry->literal, bytes);
    memcpy(out, entry->literal + PHTC_HASHES + MACHINE_HASH_SIZE, MACHINE_HASH_SIZE);
    return 0;
}

void cache_pages_pass(struct cache_pages *c, uint64_t address)
{
    c->entries[borrow(c, address)].current = true;
}

/* ---- afterwards ---- */

static int check_page(const struct cache_pages *c, const struct snapshot *s, uint32_t i,
                      uint8_t *entry, struct findings *f, struct err *e)
{
    uint8_t bytes[MACHINE_PAGE];
    uint64_t address = c->entries[i].address;
    size_t range = 0;
    while (range < s->count && (address < s->ranges[range].start ||
                                address - s->ranges[range].start >= s->ranges[range].length))
        range++;
    if (range == s->count || address % MACHINE_PAGE != 0)
        return finding_add(f, e, "%s: entry %u is of 0x%" PRIx64 ", which is no page", file_name, i,
                           address);
    if (s->fds[range] < 0)
        return 0;
    int rc = read_entry(c, i, entry, e);
    if (rc == 0)
        rc = fd_pread_all(s->fds[range], bytes, sizeof(bytes), address - s->ranges[range].start,
                          s->ranges[range].name, e);
    if (rc == 0 && memcmp(bytes, entry + PHTC_PAGE, sizeof(bytes)) != 0)
        rc = finding_add(f, e,
                         "%s: entry %u holds other bytes than page 0x%" PRIx64
                         ", and proofs are made of it",
                         file_name, i, address);
    return rc;
}

int cache_pages_check(const struct cache_pages *c, const struct snapshot *s, struct findings *f,
                      struct err *e)
{
    AUTO_FREE uint8_t *entry = malloc(PHTC_ENTRY);
    int rc = entry == NULL ? err_oom(e) : 0;
    for (uint32_t i = c->entries[c->count].next; rc == 0 && i != c->count; i = c->entries[i].next)
        if (!c->entries[i].current && map_find(c, c->entries[i].address) == i)
            rc = check_page(c, s, i, entry, f, e);
    return rc;
}
