/* SPDX-License-Identifier: Apache-2.0 */
/* Signed notes, verifier keys, checkpoints and proof documents. */
#include "base/encoding.h"
#include "base/file.h"
#include "base/json.h"
#include "store/log/log.h"
#include "store/log/proof.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define DATA "tests/data/log/"
#define TILES_KEY "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"
#define FOO_KEY "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
#define FOO_SIGNATURE                                                                              \
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
#define FOO_TEXT "This is an example message.\n"
#define DASH "\xe2\x80\x94 "
#define FOO_LINE DASH "example.com/foo " FOO_SIGNATURE "\n"
#define FOO_NOTE FOO_TEXT "\n" FOO_LINE

static int verify(const char *note, size_t len, const char *vkey)
{
    struct err e = ERR_INIT;
    AUTO_NOTE_KEY struct note_key *key = NULL;
    AUTO_NOTE struct note *n = NULL;
    assert_int_equal(note_key_parse(vkey, strlen(vkey), &key, &e), 0);
    int rc = note_parse(note, len, &n, &e);
    const struct note_key *keys[] = {key};
    return rc < 0 ? rc : note_verify(n, keys, 1, &e);
}

static void test_vectors(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *cases = NULL;
    assert_int_equal(json_read_file(DATA "notes.json", NULL, &cases, &e), 0);
    assert_int_equal(json_array_size(cases), 4);
    for (size_t i = 0; i < 4; i++) {
        const json_t *c = json_array_get(cases, i);
        const char *note = json_string_value(json_object_get(c, "note"));
        const char *vkey = json_string_value(json_object_get(c, "vkey"));
        int rc = verify(note, strlen(note), vkey);
        assert_int_equal(rc, json_is_true(json_object_get(c, "valid")) ? 0 : -ERR_LOG);
    }
}

/* Each is malformed for its own reason. */
static void test_malformed(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "\n",
        "text without a signature\n",
        "text\n\n",                                          /* no signature line */
        FOO_LINE,                                            /* no text */
        FOO_TEXT FOO_LINE,                                   /* no empty line */
        FOO_TEXT "\n" DASH "example.com/foo " FOO_SIGNATURE, /* no last line feed */
        FOO_TEXT "\n" FOO_LINE "\n",                         /* an empty line at the end */
        FOO_TEXT "\n" FOO_LINE "hello\n",                    /* not a signature line */
        FOO_TEXT "\n- example.com/foo " FOO_SIGNATURE "\n",  /* another dash */
        FOO_TEXT "\n" DASH "example.com/foo  " FOO_SIGNATURE "\n",
        FOO_TEXT "\n" DASH "example.com/foo " FOO_SIGNATURE " \n",
        FOO_TEXT "\n" DASH " " FOO_SIGNATURE "\n", /* no name */
        FOO_TEXT "\n" DASH "example.com/f+o " FOO_SIGNATURE "\n",
        FOO_TEXT "\n" DASH "example.com/f\xc2\xa0o " FOO_SIGNATURE "\n", /* no-break space */
        FOO_TEXT "\n" DASH "example.com/f\xe3\x80\x80o " FOO_SIGNATURE "\n",
        FOO_TEXT "\n" DASH "example.com/foo\n",          /* no signature */
        FOO_TEXT "\n" DASH "example.com/foo Uw2QOg==\n", /* key id only */
        FOO_TEXT "\n" DASH "example.com/foo Uw2QOkk\n",  /* no padding */
        FOO_TEXT "\n" DASH "example.com/foo Uw2QOkl=\n", /* trailing bits */
        FOO_TEXT "\n" DASH "example.com/foo Uw2QOk-_\n", /* URL-safe */
        "tab\there\n\n" FOO_LINE,
        "return\r\n\n" FOO_LINE,
        "\xff\n\n" FOO_LINE,
        "\xc0\x80\n\n" FOO_LINE,         /* over-long NUL */
        "\xed\xa0\x80\n\n" FOO_LINE,     /* surrogate */
        "\xf4\x90\x80\x80\n\n" FOO_LINE, /* above U+10FFFF */
        "\xe2\x80\n\n" FOO_LINE,         /* cut off */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (verify(bad[i], strlen(bad[i]), FOO_KEY) != -ERR_INPUT)
            fail_msg("case %zu is not refused as malformed", i);
    const char nul[] = "nul\0\n\n" FOO_LINE;
    assert_int_equal(verify(nul, sizeof(nul) - 1, FOO_KEY), -ERR_INPUT);
}

static void test_verify(void **state)
{
    (void)state;
    static const char other[] = FOO_TEXT "\n" DASH "example.com/bar " FOO_SIGNATURE "\n";
    static const char both[] = FOO_TEXT "\n" DASH "example.com/bar " FOO_SIGNATURE "\n" FOO_LINE;
    static const char good_then_bad[] = FOO_TEXT "\n" FOO_LINE DASH "example.com/foo "
                                                 "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTg"
                                                 "K7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72Ineyaaa=\n";
    static const char cut[] = FOO_TEXT "\n" FOO_LINE DASH "example.com/foo Uw2QOkn8srV1\n";
    static const char empty_lines[] = "\n\n" FOO_TEXT "\n" FOO_LINE;
    assert_int_equal(verify(FOO_NOTE, strlen(FOO_NOTE), FOO_KEY), 0);
    assert_int_equal(verify(other, strlen(other), FOO_KEY), -ERR_LOG);
    assert_int_equal(verify(both, strlen(both), FOO_KEY), 0); /* an unknown key is ignored */
    assert_true(verify(good_then_bad, strlen(good_then_bad), FOO_KEY) < 0);
    assert_int_equal(verify(cut, strlen(cut), FOO_KEY), -ERR_LOG);
    /* The text starts at the first byte, and the last empty line ends it. */
    assert_int_equal(verify(empty_lines, strlen(empty_lines), FOO_KEY), -ERR_LOG);
    assert_int_equal(verify(FOO_NOTE, strlen(FOO_NOTE), TILES_KEY), -ERR_LOG);
}

/* Flipping any bit of a good note never gives a good note. */
static void test_every_bit(void **state)
{
    (void)state;
    char note[] = FOO_NOTE;
    for (size_t i = 0; i < 8 * (sizeof(note) - 1); i++) {
        note[i / 8] = (char)(note[i / 8] ^ (1 << i % 8));
        assert_true(verify(note, sizeof(note) - 1, FOO_KEY) < 0);
        note[i / 8] = (char)(note[i / 8] ^ (1 << i % 8));
    }
    assert_int_equal(verify(note, sizeof(note) - 1, FOO_KEY), 0);
}

static void test_bounds(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    for (size_t lines = NOTE_SIGNATURES_MAX - 1; lines <= NOTE_SIGNATURES_MAX + 1; lines++) {
        AUTO_BUF b = BUF_INIT(NOTE_MAX);
        assert_int_equal(buf_add_str(&b, FOO_TEXT "\n", &e), 0);
        for (size_t i = 0; i + 1 < lines; i++)
            assert_int_equal(buf_addf(&b, &e, DASH "other%zu Uw2QOkn8srV1\n", i), 0);
        assert_int_equal(buf_add_str(&b, FOO_LINE, &e), 0);
        assert_int_equal(verify(buf_str(&b), b.len, FOO_KEY),
                         lines <= NOTE_SIGNATURES_MAX ? 0 : -ERR_INPUT);
    }
    AUTO_FREE char *big = malloc(NOTE_MAX + 1);
    assert_non_null(big);
    memset(big, 'x', NOTE_MAX + 1);
    assert_int_equal(verify(big, NOTE_MAX + 1, FOO_KEY), -ERR_INPUT);
}

static void test_vkeys(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const char *const bad[] = {
        "",
        "+",
        "example.com/foo",
        "example.com/foo+530d903a",
        "example.com/foo+530d903a+",
        "+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
        "example.com/foo+530D903A+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* upper case */
        "example.com/foo+530d903b+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* other id */
        "example.com/fop+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* other name */
        "example.com/foo+530d903a+AukyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k", /* type 2 */
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U0=", /* 31 bytes */
        "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k\n",
        "example.com foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct note_key *key = NULL;
        if (note_key_parse(bad[i], strlen(bad[i]), &key, &e) != -ERR_INPUT || key != NULL)
            fail_msg("verifier key %zu is not refused", i);
    }
    static const char *const good[] = {FOO_KEY, TILES_KEY};
    for (size_t i = 0; i < 2; i++) {
        AUTO_NOTE_KEY struct note_key *key = NULL;
        AUTO_BUF text = BUF_INIT(NOTE_VKEY_MAX);
        assert_int_equal(note_key_parse(good[i], strlen(good[i]), &key, &e), 0);
        assert_int_equal(note_key_format(key, &text, &e), 0);
        assert_string_equal(buf_str(&text), good[i]);
    }
}

static void test_sign(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_SIGNING_KEY struct signing_key *key = NULL;
    AUTO_SIGNING_KEY struct signing_key *p256 = NULL;
    AUTO_NOTE_KEY struct note_key *public = NULL;
    AUTO_BUF vkey = BUF_INIT(NOTE_VKEY_MAX);
    AUTO_BUF note = BUF_INIT(NOTE_MAX);
    assert_int_equal(signing_key_generate(KEY_ED25519, &key, &e), 0);
    assert_int_equal(note_key_new("a.example/log", signing_key_public(key), &public, &e), 0);
    assert_int_equal(note_key_format(public, &vkey, &e), 0);
    assert_int_equal(note_sign(FOO_TEXT, strlen(FOO_TEXT), "a.example/log", key, &note, &e), 0);
    assert_int_equal(verify(buf_str(&note), note.len, buf_str(&vkey)), 0);
    AUTO_BUF none = BUF_INIT(NOTE_MAX);
    assert_int_equal(note_sign("no line feed", 12, "a.example/log", key, &none, &e), -ERR_INPUT);
    assert_int_equal(note_sign("a\tb\n", 4, "a.example/log", key, &none, &e), -ERR_INPUT);
    assert_int_equal(note_sign("a\n", 2, "a log", key, &none, &e), -ERR_INPUT);
    assert_int_equal(signing_key_generate(KEY_P256, &p256, &e), 0);
    assert_int_equal(note_sign("a\n", 2, "a.example/log", p256, &none, &e), -ERR_INPUT);
    assert_int_equal(none.len, 0);
}

/* ---- checkpoints --------------------------------------------------------------- */

#define ROOT "rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs="
#define EMPTY_ROOT "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="

static void test_checkpoint_text(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    struct checkpoint c;
    static const char *const bad[] = {
        "",
        "origin\n",
        "origin\n15\n",
        "origin\n15\n" ROOT,
        "\n15\n" ROOT "\n",
        "origin\n015\n" ROOT "\n",
        "origin\n+15\n" ROOT "\n",
        "origin\n-1\n" ROOT "\n",
        "origin\n 15\n" ROOT "\n",
        "origin\n15 \n" ROOT "\n",
        "origin\n0x0f\n" ROOT "\n",
        "origin\n\n" ROOT "\n",
        "origin\n9223372036854775808\n" ROOT "\n",
        "origin\n18446744073709551631\n" ROOT "\n",
        "origin\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs\n",
        "origin\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383c==\n",
        "origin\n15\nrKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383ct=\n", /* trailing bits */
        "origin\n15\n" ROOT "\n\n",
        "origin\n15\n" ROOT "\nextension",
        "origin\n0\n" ROOT "\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (checkpoint_parse(bad[i], strlen(bad[i]), &c, &e) != -ERR_INPUT)
            fail_msg("checkpoint %zu is not refused", i);
    static const char good[] = "origin\n15\n" ROOT "\n";
    static const char extended[] = "origin\n15\n" ROOT "\nextension\nanother\n";
    static const char empty[] = "origin\n0\n" EMPTY_ROOT "\n";
    AUTO_BUF text = BUF_INIT(NOTE_MAX);
    assert_int_equal(checkpoint_parse(empty, strlen(empty), &c, &e), 0);
    assert_int_equal(checkpoint_parse(extended, strlen(extended), &c, &e), 0);
    assert_int_equal(c.size, 15);
    assert_int_equal(checkpoint_parse(good, strlen(good), &c, &e), 0);
    assert_string_equal(c.origin, "origin");
    assert_int_equal(checkpoint_format(&c, &text, &e), 0);
    assert_string_equal(buf_str(&text), good);
}

/* The go.sum database signs as another name than its origin: a good note, and not a log of ours. */
static void test_checkpoint_origin(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    AUTO_JSON json_t *cases = NULL;
    AUTO_NOTE_KEY struct note_key *key = NULL;
    struct checkpoint c;
    assert_int_equal(json_read_file(DATA "notes.json", NULL, &cases, &e), 0);
    const json_t *sum = json_array_get(cases, 1);
    const char *note = json_string_value(json_object_get(sum, "note"));
    const char *vkey = json_string_value(json_object_get(sum, "vkey"));
    assert_int_equal(note_key_parse(vkey, strlen(vkey), &key, &e), 0);
    assert_int_equal(checkpoint_open(note, strlen(note), key, &c, &e), -ERR_LOG);
}

/* ---- the tiles of another implementation ------------------------------------------ */

enum { TILES = 15 };

struct tiles {
    struct note_key *key;
    struct checkpoint checkpoints[TILES + 1];
    struct buf notes[TILES + 1];
    struct buf entries;
    struct buf hashes;
};

static int tiles_setup(void **state)
{
    static struct tiles t;
    struct err e = ERR_INIT;
    if (note_key_parse(TILES_KEY, strlen(TILES_KEY), &t.key, &e) < 0)
        return -1;
    t.entries = (struct buf)BUF_INIT(65536);
    t.hashes = (struct buf)BUF_INIT(65536);
    if (file_read(DATA "tiles/entries", &t.entries, &e) < 0 ||
        file_read(DATA "tiles/hashes", &t.hashes, &e) < 0)
        return -1;
    for (size_t i = 0; i <= TILES; i++) {
        AUTO_FREE char *path = NULL;
        t.notes[i] = (struct buf)BUF_INIT(NOTE_MAX);
        if (str_format(&path, &e, DATA "tiles/checkpoint.%zu", i) < 0 ||
            file_read(path, &t.notes[i], &e) < 0 ||
            checkpoint_open(t.notes[i].data, t.notes[i].len, t.key, &t.checkpoints[i], &e) < 0)
            return -1;
    }
    *state = &t;
    return 0;
}

static int tiles_teardown(void **state)
{
    struct tiles *t = *state;
    note_key_free(t->key);
    buf_dispose(&t->entries);
    buf_dispose(&t->hashes);
    for (size_t i = 0; i <= TILES; i++)
        buf_dispose(&t->notes[i]);
    return 0;
}

struct leaves {
    struct merkle_hash levels[4][16];
};

static int leaves_put(void *context, unsigned level, uint64_t index, const struct merkle_hash *hash,
                      struct err *e)
{
    struct leaves *l = context;
    (void)e;
    l->levels[level][index] = *hash;
    return 0;
}

static int leaves_get(void *context, unsigned level, uint64_t index, struct merkle_hash *out,
                      struct err *e)
{
    const struct leaves *l = context;
    (void)e;
    *out = l->levels[level][index];
    return 0;
}

static bool tile_entry(struct reader *r, const uint8_t **entry, uint16_t *len)
{
    return reader_be16(r, len) && reader_take(r, *len, entry);
}

/* Their checkpoints verify, and our tree over their entries has their hashes and roots. */
static void test_tiles(void **state)
{
    const struct tiles *t = *state;
    struct err e = ERR_INIT;
    struct leaves leaves;
    struct merkle_range range = {.size = 0};
    struct reader r = {t->entries.data, t->entries.data + t->entries.len};
    const struct merkle_sink sink = {&leaves, leaves_put};
    assert_int_equal(t->hashes.len, TILES * MERKLE_HASH_SIZE);
    for (size_t i = 0; i <= TILES; i++) {
        struct merkle_hash root;
        struct merkle_hash leaf;
        const uint8_t *entry;
        uint16_t len;
        assert_int_equal(t->checkpoints[i].size, i);
        assert_int_equal(merkle_range_root(&range, &root, &e), 0);
        assert_true(merkle_equal(&root, &t->checkpoints[i].root));
        if (i == TILES)
            break;
        assert_true(tile_entry(&r, &entry, &len));
        assert_int_equal(merkle_leaf(entry, len, &leaf, &e), 0);
        assert_memory_equal(leaf.bytes, t->hashes.data + i * MERKLE_HASH_SIZE, MERKLE_HASH_SIZE);
        assert_int_equal(merkle_range_add(&range, &leaf, &sink, &e), 0);
    }
    assert_int_equal(reader_left(&r), 0);
}

static void tiles_tree(const struct tiles *t, struct leaves *leaves)
{
    struct err e = ERR_INIT;
    struct merkle_range range = {.size = 0};
    const struct merkle_sink sink = {leaves, leaves_put};
    for (size_t i = 0; i < TILES; i++) {
        struct merkle_hash leaf;
        memcpy(leaf.bytes, t->hashes.data + i * MERKLE_HASH_SIZE, MERKLE_HASH_SIZE);
        assert_int_equal(merkle_range_add(&range, &leaf, &sink, &e), 0);
    }
}

/* ---- proof documents ---------------------------------------------------------------- */

static void proof_round(const struct tiles *t, const struct leaves *leaves, size_t index,
                        const uint8_t *entry, size_t len)
{
    struct err e = ERR_INIT;
    union {
        const struct leaves *in;
        void *out;
    } context = {leaves};
    const struct merkle_source source = {context.out, leaves_get};
    static const uint8_t extra[] = {1, 2, 3};
    struct tlog_proof proof = {
        .index = index, .checkpoint = t->notes[TILES].data, .checkpoint_len = t->notes[TILES].len};
    union {
        const uint8_t *in;
        uint8_t *out;
    } extra_bytes = {extra};
    if (index % 2 == 1) {
        proof.extra = extra_bytes.out;
        proof.extra_len = sizeof(extra);
    }
    AUTO_BUF text = BUF_INIT(PROOF_MAX);
    AUTO_BUF again = BUF_INIT(PROOF_MAX);
    AUTO_PROOF struct tlog_proof *read = NULL;
    uint64_t got_index;
    uint64_t size;
    assert_int_equal(merkle_prove_inclusion(&source, index, TILES, &proof.path, &e), 0);
    assert_int_equal(proof_format(&proof, &text, &e), 0);
    assert_int_equal(proof_parse(text.data, text.len, &read, &e), 0);
    assert_int_equal(proof_format(read, &again, &e), 0);
    assert_string_equal(buf_str(&text), buf_str(&again));
    assert_int_equal(
        tlog_proof_check(text.data, text.len, TILES_KEY, entry, len, &got_index, &size, &e), 0);
    assert_int_equal(got_index, index);
    assert_int_equal(size, TILES);
    assert_int_equal(
        tlog_proof_check(text.data, text.len, TILES_KEY, entry, len - 1, &got_index, &size, &e),
        -ERR_LOG);
    assert_int_equal(
        tlog_proof_check(text.data, text.len, FOO_KEY, entry, len, &got_index, &size, &e),
        -ERR_LOG);
}

static void test_proofs(void **state)
{
    const struct tiles *t = *state;
    struct leaves leaves;
    struct reader r = {t->entries.data, t->entries.data + t->entries.len};
    tiles_tree(t, &leaves);
    for (size_t i = 0; i < TILES; i++) {
        const uint8_t *entry;
        uint16_t len;
        assert_true(tile_entry(&r, &entry, &len));
        proof_round(t, &leaves, i, entry, len);
    }
}

#define HASH_LINE ROOT "\n"

static void test_proof_malformed(void **state)
{
    (void)state;
    struct err e = ERR_INIT;
    static const char *const bad[] = {
        "",
        PROOF_HEADER,
        PROOF_HEADER "\n",
        "c2sp.org/tlog-proof@v2\nindex 0\n\nx\n",
        PROOF_HEADER "\nindex 0\n",
        PROOF_HEADER "\nindex 0\n\n",
        PROOF_HEADER "\nindex 00\n\nx\n",
        PROOF_HEADER "\nindex -1\n\nx\n",
        PROOF_HEADER "\nindex\n\nx\n",
        PROOF_HEADER "\nIndex 1\n\nx\n",
        PROOF_HEADER "\nextra AQI\nindex 1\n\nx\n",
        PROOF_HEADER "\nextra AQID\nextra AQID\nindex 1\n\nx\n",
        PROOF_HEADER "\nindex 1\nextra AQID\n\nx\n",
        PROOF_HEADER "\nindex 1\nshort=\n\nx\n",
        PROOF_HEADER "\nindex 1\n" ROOT " \n\nx\n",
        PROOF_HEADER "\r\nindex 1\n\nx\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct tlog_proof *p = NULL;
        if (proof_parse(bad[i], strlen(bad[i]), &p, &e) != -ERR_INPUT || p != NULL)
            fail_msg("proof %zu is not refused", i);
    }
    for (size_t n = MERKLE_PROOF_MAX; n <= MERKLE_PROOF_MAX + 1; n++) {
        AUTO_BUF text = BUF_INIT(PROOF_MAX);
        AUTO_PROOF struct tlog_proof *p = NULL;
        assert_int_equal(buf_add_str(&text, PROOF_HEADER "\nindex 1\n", &e), 0);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(buf_add_str(&text, HASH_LINE, &e), 0);
        assert_int_equal(buf_add_str(&text, "\nx\n", &e), 0);
        assert_int_equal(proof_parse(text.data, text.len, &p, &e),
                         n == MERKLE_PROOF_MAX ? 0 : -ERR_INPUT);
    }
}

static void test_consistency(void **state)
{
    const struct tiles *t = *state;
    struct err e = ERR_INIT;
    struct leaves leaves;
    tiles_tree(t, &leaves);
    const struct merkle_source source = {&leaves, leaves_get};
    for (size_t old = 0; old <= TILES; old++) {
        struct tlog_consistency proof = {.old_size = old,
                                         .checkpoint = t->notes[TILES].data,
                                         .checkpoint_len = t->notes[TILES].len};
        AUTO_BUF text = BUF_INIT(PROOF_MAX);
        AUTO_CONSISTENCY struct tlog_consistency *read = NULL;
        struct checkpoint c;
        if (old > 0)
            assert_int_equal(merkle_prove_consistency(&source, old, TILES, &proof.path, &e), 0);
        assert_int_equal(consistency_format(&proof, &text, &e), 0);
        assert_int_equal(consistency_parse(text.data, text.len, &read, &e), 0);
        assert_int_equal(consistency_check(read, t->key, &t->checkpoints[old], &c, &e), 0);
        assert_int_equal(c.size, TILES);
        for (size_t other = 0; other <= TILES; other++)
            if (other != old)
                assert_int_equal(consistency_check(read, t->key, &t->checkpoints[other], &c, &e),
                                 -ERR_LOG);
        struct checkpoint forked = t->checkpoints[old];
        forked.root.bytes[0] ^= 1;
        if (old > 0)
            assert_int_equal(consistency_check(read, t->key, &forked, &c, &e), -ERR_LOG);
        struct checkpoint foreign = t->checkpoints[old];
        foreign.origin[0] = 'E';
        assert_int_equal(consistency_check(read, t->key, &foreign, &c, &e), -ERR_LOG);
    }
    static const char from_nothing[] = "old 0\n" HASH_LINE "\n";
    AUTO_BUF text = BUF_INIT(PROOF_MAX);
    AUTO_CONSISTENCY struct tlog_consistency *read = NULL;
    struct checkpoint c;
    assert_int_equal(buf_add_str(&text, from_nothing, &e), 0);
    assert_int_equal(buf_add(&text, t->notes[TILES].data, t->notes[TILES].len, &e), 0);
    assert_int_equal(consistency_parse(text.data, text.len, &read, &e), 0);
    assert_int_equal(consistency_check(read, t->key, &t->checkpoints[0], &c, &e), -ERR_LOG);
    struct tlog_consistency *none = NULL;
    assert_int_equal(consistency_parse("old 01\n\nx\n", 10, &none, &e), -ERR_INPUT);
    assert_int_equal(consistency_parse("new 1\n\nx\n", 9, &none, &e), -ERR_INPUT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_every_bit),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_vkeys),
        cmocka_unit_test(test_sign),
        cmocka_unit_test(test_checkpoint_text),
        cmocka_unit_test(test_checkpoint_origin),
        cmocka_unit_test(test_tiles),
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_proof_malformed),
        cmocka_unit_test(test_consistency),
    };
    return cmocka_run_group_tests(tests, tiles_setup, tiles_teardown);
}
