/* SPDX-License-Identifier: Apache-2.0 */
#include "store/log/note.h"

#include "base/digest.h"
#include "base/encoding.h"

#include <string.h>

enum { ED25519_KEY_SIZE = 32, ED25519_SIGNATURE_SIZE = 64, KEY_ID_HEX = 8 };

/* U+2014 and a space: how a signature line starts. */
static const char signature_prefix[] = "\xe2\x80\x94 ";
enum { SIGNATURE_PREFIX_LEN = 4 };

/* ---- UTF-8 --------------------------------------------------------------- */

/* One code point; 0 bytes when malformed, over-long, a surrogate or above U+10FFFF. */
static size_t utf8_next(const uint8_t *p, size_t len, uint32_t *out)
{
    static const struct {
        uint8_t mask, lead;
        uint32_t least;
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if ((p[0] & forms[n - 1].mask) != forms[n - 1].lead)
            continue;
        uint32_t c = p[0] & (uint8_t)~forms[n - 1].mask;
        for (size_t i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return 0;
            c = c << 6 | (p[i] & 0x3f);
        }
        if (c < forms[n - 1].least || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
            return 0;
        *out = c;
        return n;
    }
    return 0;
}

/* The White_Space property of Unicode. */
static bool unicode_space(uint32_t c)
{
    return (c >= 0x09 && c <= 0x0d) || c == 0x20 || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f ||
           c == 0x205f || c == 0x3000;
}

static bool name_valid(const char *name, size_t len)
{
    if (len == 0 || len > NOTE_NAME_MAX)
        return false;
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_next((const uint8_t *)name + i, len - i, &c);
        if (n == 0 || c < 0x20 || c == '+' || unicode_space(c))
            return false;
        i += n;
    }
    return true;
}

bool note_name_valid(const char *name)
{
    return name_valid(name, strlen(name));
}

/* UTF-8 without control characters below U+0020 but the line feed. */
static bool text_valid(const uint8_t *text, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint32_t c;
        size_t n = utf8_next(text + i, len - i, &c);
        if (n == 0 || (c < 0x20 && c != '\n'))
            return false;
        i += n;
    }
    return true;
}

static int copy_bytes(const void *data, size_t len, char **out, struct err *e)
{
    char *p = array_new(len + 1, 1);
    if (p == NULL)
        return err_oom(e);
    if (len > 0)
        memcpy(p, data, len);
    *out = p;
    return 0;
}

/* ---- verifier keys --------------------------------------------------------- */

/* First bytes of SHA-256(name || LF || type || public key). */
static int key_id(const char *name, enum note_key_type type, const uint8_t raw[ED25519_KEY_SIZE],
                  uint8_t out[NOTE_KEY_ID_SIZE], struct err *e)
{
    const uint8_t separator[2] = {'\n', (uint8_t)type};
    AUTO_HASHER struct hasher *h = NULL;
    struct digest d;
    int rc = hasher_new(DIGEST_SHA256, &h, e);
    if (rc == 0)
        rc = hasher_update(h, name, strlen(name), e);
    if (rc == 0)
        rc = hasher_update(h, separator, sizeof(separator), e);
    if (rc == 0)
        rc = hasher_update(h, raw, ED25519_KEY_SIZE, e);
    if (rc == 0)
        rc = hasher_final(h, &d, e);
    if (rc == 0)
        memcpy(out, d.bytes, NOTE_KEY_ID_SIZE);
    return rc;
}

static int key_make(char *name_taken, struct public_key *key_taken, struct note_key **out,
                    struct err *e)
{
    AUTO_FREE char *name = name_taken;
    AUTO_PUBLIC_KEY struct public_key *key = key_taken;
    const uint8_t *raw = public_key_ed25519(key);
    if (raw == NULL)
        return err_set(e, ERR_INPUT, "the key of '%s' is not an Ed25519 key", name);
    AUTO_NOTE_KEY struct note_key *k = array_new(1, sizeof(*k));
    if (k == NULL)
        return err_oom(e);
    k->type = NOTE_ED25519;
    int rc = key_id(name, k->type, raw, k->id, e);
    if (rc < 0)
        return rc;
    k->name = steal_ptr(&name);
    k->key = steal_ptr(&key);
    *out = steal_ptr(&k);
    return 0;
}

int note_key_new(const char *name, const struct public_key *key, struct note_key **out,
                 struct err *e)
{
    if (!note_name_valid(name))
        return err_set(e, ERR_INPUT, "'%s' is not a valid key name", name);
    const uint8_t *raw = public_key_ed25519(key);
    if (raw == NULL)
        return err_set(e, ERR_INPUT, "the key of '%s' is not an Ed25519 key", name);
    AUTO_PUBLIC_KEY struct public_key *copy = NULL;
    char *name_copy = NULL;
    int rc = public_key_from_ed25519(raw, &copy, e);
    if (rc == 0)
        rc = str_copy(&name_copy, name, e);
    if (rc == 0)
        rc = key_make(name_copy, steal_ptr(&copy), out, e);
    return rc;
}

int note_key_parse(const char *text, size_t len, struct note_key **out, struct err *e)
{
    if (len > NOTE_VKEY_MAX)
        return err_set(e, ERR_INPUT, "a verifier key is too long (%zu bytes)", len);
    const char *plus = memchr(text, '+', len);
    size_t name_len = plus == NULL ? 0 : (size_t)(plus - text);
    uint8_t id[NOTE_KEY_ID_SIZE];
    if (plus == NULL || !name_valid(text, name_len) || len - name_len < 1 + KEY_ID_HEX + 1 ||
        !hex_decode(plus + 1, KEY_ID_HEX, id, sizeof(id)) || plus[1 + KEY_ID_HEX] != '+')
        return err_set(e, ERR_INPUT, "not a verifier key (want name+id+key): '%.*s'",
                       (int)(len > 80 ? 80 : len), text);
    const char *coded = plus + 1 + KEY_ID_HEX + 1;
    AUTO_BUF raw = BUF_INIT(NOTE_VKEY_MAX);
    AUTO_FREE char *name = NULL;
    AUTO_PUBLIC_KEY struct public_key *public = NULL;
    AUTO_NOTE_KEY struct note_key *key = NULL;
    int rc = copy_bytes(text, name_len, &name, e);
    if (rc == 0)
        rc = base64_decode(coded, len - (size_t)(coded - text), &raw, e);
    if (rc < 0)
        return err_wrap(e, "cannot read the verifier key of '%.*s'", (int)name_len, text);
    if (raw.len != 1 + ED25519_KEY_SIZE || raw.data[0] != NOTE_ED25519)
        return err_set(e, ERR_INPUT, "the verifier key of '%s' is not an Ed25519 key", name);
    rc = public_key_from_ed25519(raw.data + 1, &public, e);
    if (rc == 0)
        rc = key_make(steal_ptr(&name), steal_ptr(&public), &key, e);
    if (rc < 0 || key == NULL)
        return err_wrap(e, "cannot read the verifier key of '%.*s'", (int)name_len, text);
    if (memcmp(key->id, id, sizeof(id)) != 0)
        return err_set(e, ERR_INPUT, "the verifier key of '%s' does not match its own key id",
                       key->name);
    *out = steal_ptr(&key);
    return 0;
}

int note_key_format(const struct note_key *key, struct buf *out, struct err *e)
{
    uint8_t raw[1 + ED25519_KEY_SIZE];
    raw[0] = (uint8_t)key->type;
    memcpy(raw + 1, public_key_ed25519(key->key), ED25519_KEY_SIZE);
    int rc = buf_addf(out, e, "%s+", key->name);
    if (rc == 0)
        rc = hex_encode(key->id, sizeof(key->id), out, e);
    if (rc == 0)
        rc = buf_add_str(out, "+", e);
    if (rc == 0)
        rc = base64_encode(raw, sizeof(raw), out, e);
    return rc;
}

void note_key_free(struct note_key *key)
{
    if (key == NULL)
        return;
    free(key->name);
    public_key_free(key->key);
    free(key);
}

/* ---- reading --------------------------------------------------------------- */

void note_free(struct note *note)
{
    if (note == NULL)
        return;
    for (size_t i = 0; i < note->signature_count; i++) {
        free(note->signatures[i].name);
        free(note->signatures[i].bytes);
    }
    free(note->signatures);
    free(note->text);
    free(note);
}

/* One line without its line feed: prefix, name, space, base64(id || signature). */
static int parse_signature(const char *line, size_t len, struct note_signature *out, struct err *e)
{
    const char *end = line + len;
    const char *name = line + SIGNATURE_PREFIX_LEN;
    const char *space = NULL;
    if (len > SIGNATURE_PREFIX_LEN && memcmp(line, signature_prefix, SIGNATURE_PREFIX_LEN) == 0)
        space = memchr(name, ' ', (size_t)(end - name));
    if (space == NULL || !name_valid(name, (size_t)(space - name)))
        return err_set(e, ERR_INPUT, "malformed note: a signature line is not in its form");
    AUTO_BUF raw = BUF_INIT(NOTE_SIGNATURE_MAX);
    int rc = base64_decode(space + 1, (size_t)(end - space - 1), &raw, e);
    if (rc < 0)
        return err_wrap(e, "malformed note: signature of '%.*s'", (int)(space - name), name);
    if (raw.len <= NOTE_KEY_ID_SIZE)
        return err_set(e, ERR_INPUT, "malformed note: signature of '%.*s' is too short",
                       (int)(space - name), name);
    AUTO_FREE char *name_copy = NULL;
    char *bytes = NULL;
    size_t sig_len = raw.len - NOTE_KEY_ID_SIZE;
    rc = copy_bytes(name, (size_t)(space - name), &name_copy, e);
    if (rc == 0)
        rc = copy_bytes(raw.data + NOTE_KEY_ID_SIZE, sig_len, &bytes, e);
    if (rc < 0)
        return rc;
    memcpy(out->id, raw.data, NOTE_KEY_ID_SIZE);
    out->name = steal_ptr(&name_copy);
    out->bytes = (uint8_t *)bytes;
    out->len = sig_len;
    return 0;
}

static int parse_signatures(const char *p, const char *end, struct note *note, struct err *e)
{
    size_t count = 0;
    for (const char *q = p; q < end; q++)
        count += *q == '\n';
    if (count == 0 || count > NOTE_SIGNATURES_MAX || end[-1] != '\n')
        return err_set(e, ERR_INPUT, "malformed note: %s",
                       count > NOTE_SIGNATURES_MAX ? "too many signatures"
                                                   : "there is no whole signature line");
    note->signatures = array_new(count, sizeof(*note->signatures));
    if (note->signatures == NULL)
        return err_oom(e);
    while (p < end) {
        const char *feed = memchr(p, '\n', (size_t)(end - p));
        int rc =
            parse_signature(p, (size_t)(feed - p), &note->signatures[note->signature_count], e);
        if (rc < 0)
            return rc;
        note->signature_count++;
        p = feed + 1;
    }
    return 0;
}

/* Where the last empty line is: the text ends after the returned line feed. NULL when there is
 * none. */
static const char *last_empty_line(const char *data, size_t len)
{
    for (size_t i = len; i >= 2; i--)
        if (data[i - 1] == '\n' && data[i - 2] == '\n')
            return data + i - 2;
    return NULL;
}

int note_parse(const void *data, size_t len, struct note **out, struct err *e)
{
    if (len > NOTE_MAX)
        return err_set(e, ERR_INPUT, "malformed note: longer than %d bytes", NOTE_MAX);
    if (len == 0 || !text_valid(data, len))
        return err_set(e, ERR_INPUT, "malformed note: empty, not UTF-8, or with control bytes");
    const char *start = data;
    const char *split = last_empty_line(start, len);
    if (split == NULL)
        return err_set(e, ERR_INPUT,
                       "malformed note: there is no empty line before the signatures");
    AUTO_NOTE struct note *note = array_new(1, sizeof(*note));
    if (note == NULL)
        return err_oom(e);
    note->text_len = (size_t)(split - start) + 1;
    int rc = copy_bytes(start, note->text_len, &note->text, e);
    if (rc == 0)
        rc = parse_signatures(split + 2, start + len, note, e);
    if (rc < 0)
        return rc;
    *out = steal_ptr(&note);
    return 0;
}

/* ---- verifying and signing --------------------------------------------------- */

int note_verify(const struct note *note, const struct note_key *const *keys, size_t count,
                struct err *e)
{
    size_t good = 0;
    for (size_t i = 0; i < note->signature_count; i++) {
        const struct note_signature *s = &note->signatures[i];
        for (size_t k = 0; k < count; k++) {
            if (memcmp(s->id, keys[k]->id, sizeof(s->id)) != 0 ||
                strcmp(s->name, keys[k]->name) != 0)
                continue;
            struct err why = ERR_INIT;
            int rc = s->len == ED25519_SIGNATURE_SIZE
                         ? public_key_verify(keys[k]->key, note->text, note->text_len, s->bytes,
                                             s->len, &why)
                         : -ERR_REJECTED;
            if (rc == -ERR_HOST) {
                *e = why;
                return rc;
            }
            if (rc < 0)
                return err_set(e, ERR_LOG, "the signature of '%s' on the note is bad", s->name);
            good++;
        }
    }
    if (good > 0)
        return 0;
    if (count == 1)
        return err_set(e, ERR_LOG, "the note is not signed by '%s' with the key that is expected",
                       keys[0]->name);
    return err_set(e, ERR_LOG, "the note is not signed by any known key");
}

int note_sign(const char *text, size_t len, const char *name, const struct signing_key *key,
              struct buf *out, struct err *e)
{
    if (len == 0 || text[len - 1] != '\n' || !text_valid((const uint8_t *)text, len))
        return err_set(e, ERR_INPUT, "cannot sign: not a valid note text");
    AUTO_NOTE_KEY struct note_key *verifier = NULL;
    AUTO_BUF sig = BUF_INIT(NOTE_SIGNATURE_MAX);
    int rc = note_key_new(name, signing_key_public(key), &verifier, e);
    if (rc == 0)
        rc = buf_add(&sig, verifier->id, sizeof(verifier->id), e);
    if (rc == 0)
        rc = signing_key_sign(key, text, len, &sig, e);
    if (rc == 0)
        rc = buf_add(out, text, len, e);
    if (rc == 0)
        rc = buf_addf(out, e, "\n%s%s ", signature_prefix, name);
    if (rc == 0)
        rc = base64_encode(sig.data, sig.len, out, e);
    if (rc == 0)
        rc = buf_add_str(out, "\n", e);
    return rc;
}
