/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading DSSE envelopes, bare or inside a Sigstore bundle (docs/formats/attestations.md,
 * "Bundle").
 */
#include "attest/dsse.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/media_types.h"

#include <string.h>

static const struct json_limits document_limits = {.bytes = DSSE_DOCUMENT_MAX, .depth = 64};

static const char *const bundle_types[] = {
    MEDIA_SIGSTORE_BUNDLE,
    MEDIA_SIGSTORE_BUNDLE_OLD "0.3",
    MEDIA_SIGSTORE_BUNDLE_OLD "0.2",
    MEDIA_SIGSTORE_BUNDLE_OLD "0.1",
    NULL,
};

/* A required base64 member of at most `max` decoded bytes; caller frees. */
static int read_bytes(const struct jcur *c, const char *key, size_t max, uint8_t **out,
                      size_t *out_len, struct err *e)
{
    struct jcur member;
    const char *text;
    AUTO_BUF bytes = BUF_INIT(max);
    int rc = jcur_get(c, key, &member, e);
    if (rc != 0 || (rc = jcur_string(&member, max / 3 * 4 + 4, &text, e)) != 0)
        return rc;
    if (base64_decode_any(text, json_string_length(member.value), &bytes, e) != 0)
        return jcur_fail(&member, e, "malformed base64, or more than %zu bytes", max);
    size_t len = bytes.len;
    uint8_t *data = (uint8_t *)buf_steal(&bytes);
    if (data == NULL)
        return err_oom(e);
    *out = data;
    *out_len = len;
    return 0;
}

static int read_copy(const struct jcur *c, const char *key, size_t max, char **out, struct err *e)
{
    const char *text;
    int rc = jcur_get_string(c, key, max, &text, e);
    return rc != 0 ? rc : str_copy(out, text, e);
}

static int read_signature(const struct jcur *c, struct dsse_signature *out, struct err *e)
{
    struct jcur keyid;
    int rc = jcur_open_object(c, e);
    if (rc != 0)
        return rc;
    /* An absent keyid equals an empty one. */
    rc = jcur_opt(c, "keyid", &keyid) ? read_copy(c, "keyid", DSSE_KEYID_MAX, &out->keyid, e)
                                      : str_copy(&out->keyid, "", e);
    return rc != 0 ? rc
                   : read_bytes(c, "sig", DSSE_SIGNATURE_BYTES_MAX, &out->sig, &out->sig_len, e);
}

static int read_envelope(const struct jcur *c, struct dsse_envelope *out, struct err *e)
{
    struct jcur signatures;
    struct jcur type;
    size_t count;
    int rc;
    if ((rc = jcur_open_object(c, e)) != 0 || (rc = jcur_get(c, "payloadType", &type, e)) != 0 ||
        (rc = read_copy(c, "payloadType", DSSE_TYPE_MAX, &out->payload_type, e)) != 0)
        return rc;
    if (out->payload_type[0] == '\0')
        return jcur_fail(&type, e, "the type is empty");
    if ((rc = read_bytes(c, "payload", DSSE_PAYLOAD_MAX, &out->payload, &out->payload_len, e)) !=
            0 ||
        (rc = jcur_get(c, "signatures", &signatures, e)) != 0 ||
        (rc = jcur_array(&signatures, DSSE_SIGNATURES_MAX, &count, e)) != 0)
        return rc;
    out->signatures = array_new(count > 0 ? count : 1, sizeof(*out->signatures));
    if (out->signatures == NULL)
        return err_oom(e);
    out->signature_count = count; /* zeroed ones can be freed */
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&signatures, i);
        rc = read_signature(&item, &out->signatures[i], e);
    }
    return rc;
}

/* Who may have signed: a hint at a plain key, or a certificate (which Assay does not evaluate). */
static int read_material(const struct jcur *bundle, struct dsse_envelope *out, struct err *e)
{
    struct jcur material;
    struct jcur key;
    struct jcur hint;
    struct jcur other;
    int rc = jcur_get(bundle, "verificationMaterial", &material, e);
    if (rc != 0 || (rc = jcur_open_object(&material, e)) != 0 ||
        !jcur_opt(&material, "publicKey", &key))
        return rc;
    if (jcur_opt(&material, "certificate", &other) ||
        jcur_opt(&material, "x509CertificateChain", &other))
        return jcur_fail(&material, e, "it names both a key and a certificate");
    if ((rc = jcur_open_object(&key, e)) != 0 || !jcur_opt(&key, "hint", &hint))
        return rc;
    return read_copy(&key, "hint", DSSE_KEYID_MAX, &out->hint, e);
}

static int read_bundle(const struct jcur *c, struct dsse_envelope *out, struct err *e)
{
    struct jcur type;
    struct jcur envelope;
    struct jcur other;
    size_t which;
    int rc;
    if ((rc = jcur_get(c, "mediaType", &type, e)) != 0 ||
        (rc = jcur_choice(&type, bundle_types, &which, e)) != 0 ||
        (rc = str_copy(&out->bundle_type, bundle_types[which], e)) != 0 ||
        (rc = read_material(c, out, e)) != 0)
        return rc;
    if (jcur_opt(c, "messageSignature", &other))
        return jcur_fail(&other, e,
                         "a bundle of a message signature; one of a DSSE envelope is "
                         "needed");
    if ((rc = jcur_get(c, "dsseEnvelope", &envelope, e)) != 0 ||
        (rc = read_envelope(&envelope, out, e)) != 0)
        return rc;
    if (out->signature_count != 1)
        return jcur_fail(&envelope, e, "%zu signatures, a bundle holds exactly one",
                         out->signature_count);
    return 0;
}

int dsse_parse(const void *data, size_t len, const char *what, struct dsse_envelope **out,
               struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    struct jcur member;
    int rc = json_parse(data, len, what, &document_limits, &document, e);
    if (rc != 0)
        return rc;
    if ((envelope = array_new(1, sizeof(*envelope))) == NULL)
        return err_oom(e);
    struct jcur root = jcur_root(document, what);
    if ((rc = jcur_open_object(&root, e)) != 0)
        return rc;
    bool bundle = jcur_opt(&root, "mediaType", &member) || jcur_opt(&root, "dsseEnvelope", &member);
    if ((rc = bundle ? read_bundle(&root, envelope, e) : read_envelope(&root, envelope, e)) != 0)
        return rc;
    *out = steal_ptr(&envelope);
    return 0;
}

int dsse_read(const char *path, struct dsse_envelope **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DSSE_DOCUMENT_MAX);
    int rc = file_read(path, &text, e);
    return rc != 0 ? rc : dsse_parse(text.data, text.len, path, out, e);
}
