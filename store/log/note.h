/* SPDX-License-Identifier: Apache-2.0 */
/*
 * C2SP signed notes and verifier keys (docs/formats/log.md, "Verifier key and signature").
 *
 * A note is a text and signature lines. A line of an unknown key says nothing
 * and is ignored; a line of a known key that does not verify makes the whole
 * note malformed; a note without a good signature of a known key is refused.
 */
#ifndef ASSAY_STORE_LOG_NOTE_H
#define ASSAY_STORE_LOG_NOTE_H

#include "attest/key.h"
#include "base/buf.h"

enum {
    NOTE_MAX = 1024 * 1024, /* bytes of a whole note */
    NOTE_SIGNATURES_MAX = 64,
    NOTE_NAME_MAX = 255,           /* bytes of a key name */
    NOTE_SIGNATURE_MAX = 8 * 1024, /* bytes of a decoded signature line */
    NOTE_KEY_ID_SIZE = 4,
    NOTE_VKEY_MAX = 4096, /* bytes of a verifier key's text */
};

enum note_key_type { NOTE_ED25519 = 0x01 };

/* A verifier key: who signs, and with what. */
struct note_key {
    char *name;
    uint8_t id[NOTE_KEY_ID_SIZE];
    enum note_key_type type;
    struct public_key *key;
};

struct note_signature {
    char *name;
    uint8_t id[NOTE_KEY_ID_SIZE];
    uint8_t *bytes;
    size_t len;
};

struct note {
    char *text; /* ends with a line feed; NUL-terminated beyond text_len */
    size_t text_len;
    struct note_signature *signatures;
    size_t signature_count;
};

/* A key name: 1 to NOTE_NAME_MAX bytes of UTF-8 without control characters, Unicode spaces and '+'.
 */
bool note_name_valid(const char *name);

/* "name+hex(id)+base64(type || key)"; types other than Ed25519 are ERR_INPUT, as is an id that is
 * not the key's. */
int note_key_parse(const char *text, size_t len, struct note_key **out, struct err *e);
/* The verifier key of an Ed25519 key under a name. */
int note_key_new(const char *name, const struct public_key *key, struct note_key **out,
                 struct err *e);
/* Appends the text form, without a line feed. */
int note_key_format(const struct note_key *key, struct buf *out, struct err *e);
void note_key_free(struct note_key *key);

/* Strict reading; ERR_INPUT. Verifies nothing. */
int note_parse(const void *data, size_t len, struct note **out, struct err *e);
void note_free(struct note *note);
/* ERR_LOG unless every line of a key in `keys` verifies and there is at least one. */
int note_verify(const struct note *note, const struct note_key *const *keys, size_t count,
                struct err *e);
/* Appends the text, which must be a valid note text, and one signature by `key` under the name. */
int note_sign(const char *text, size_t len, const char *name, const struct signing_key *key,
              struct buf *out, struct err *e);

static inline void scope_note(struct note **n)
{
    note_free(*n);
}
static inline void scope_note_key(struct note_key **k)
{
    note_key_free(*k);
}
#define AUTO_NOTE AUTO(scope_note)
#define AUTO_NOTE_KEY AUTO(scope_note_key)

#endif
