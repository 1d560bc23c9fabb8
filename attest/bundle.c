/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading DSSE envelopes, bare or inside a Sigstore bundle (docs/formats/attestations.md,
 * "Bundle"). Both are proto3 JSON, read as Sigstore's own JavaScript client reads it: null is
 * absent, bytes are base64 in any spelling. What counts is what the signature covers, once it is
 * decoded. No key is needed here, nor the libraries that check one: programs that only read what a
 * bundle holds link this file and not dsse.c.
 */
#include "attest/dsse.h"
#include "base/encoding.h"
#include "base/file.h"
#include "base/media_types.h"

#include <string.h>

static const struct json_limits document_limits = {.bytes = DSSE_DOCUMENT_MAX, .depth = 64};

enum { CERTIFICATE_MAX = 64 * 1024, CERTIFICATES_MAX = 32 };
enum bundle_version { BUNDLE_V01, BUNDLE_V02, BUNDLE_V03 };

static const char *const bundle_types[] = {
    MEDIA_SIGSTORE_BUNDLE,
    MEDIA_SIGSTORE_BUNDLE_OLD "0.3",
    MEDIA_SIGSTORE_BUNDLE_OLD "0.2",
    MEDIA_SIGSTORE_BUNDLE_OLD "0.1",
    NULL,
};
static const enum bundle_version bundle_versions[] = {BUNDLE_V03, BUNDLE_V03, BUNDLE_V02,
                                                      BUNDLE_V01};

void dsse_free(struct dsse_envelope *envelope)
{
    if (envelope == NULL)
        return;
    for (size_t i = 0; i < envelope->signature_count; i++) {
        free(envelope->signatures[i].keyid);
        free(envelope->signatures[i].sig);
    }
    free(envelope->signatures);
    free(envelope->payload_type);
    free(envelope->payload);
    free(envelope->bundle_type);
    free(envelope->hint);
    free(envelope);
}

bool dsse_is_intoto(const struct dsse_envelope *envelope)
{
    const char *type = envelope->payload_type;
    return strcmp(type, MEDIA_INTOTO) == 0 ||
           (str_starts(type, MEDIA_INTOTO_PREFIX) && str_ends(type, "+json"));
}

/* A member that is there and not null. */
static bool present(const struct jcur *c, const char *key, struct jcur *out)
{
    return jcur_opt(c, key, out) && !json_is_null(out->value);
}

static int get(const struct jcur *c, const char *key, struct jcur *out, struct err *e)
{
    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    return present(c, key, out) ? 0 : jcur_fail(c, e, "missing key '%s'", key);
}

/* A required base64 member of at most `max` decoded bytes; caller frees. */
static int read_bytes(const struct jcur *c, const char *key, size_t max, uint8_t **out,
                      size_t *out_len, struct err *e)
{
    struct jcur member;
    const char *text;
    AUTO_BUF bytes = BUF_INIT(max);
    int rc = get(c, key, &member, e);
    if (rc < 0 || (rc = jcur_string(&member, max / 3 * 4 + 4, &text, e)) < 0)
        return rc;
    if (base64_decode_lenient(text, json_string_length(member.value), &bytes, e) < 0)
        return jcur_fail(&member, e, "more than %zu bytes", max);
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
    struct jcur member;
    const char *text;
    int rc = get(c, key, &member, e);
    if (rc < 0 || (rc = jcur_string(&member, max, &text, e)) < 0)
        return rc;
    return str_copy(out, text, e);
}

/* The name of a key: a hint, so that one that is absent equals the empty one. */
static int read_hint(const struct jcur *c, const char *key, char **out, struct err *e)
{
    struct jcur member;
    return present(c, key, &member) ? read_copy(c, key, DSSE_KEYID_MAX, out, e)
                                    : str_copy(out, "", e);
}

static int read_signature(const struct jcur *c, struct dsse_signature *out, struct err *e)
{
    int rc = jcur_open_object(c, e);
    if (rc < 0 || (rc = read_hint(c, "keyid", &out->keyid, e)) < 0)
        return rc;
    return read_bytes(c, "sig", DSSE_SIGNATURE_BYTES_MAX, &out->sig, &out->sig_len, e);
}

static int read_envelope(const struct jcur *c, struct dsse_envelope *out, struct err *e)
{
    struct jcur signatures;
    struct jcur type;
    size_t count;
    int rc;
    if ((rc = jcur_open_object(c, e)) < 0 || (rc = get(c, "payloadType", &type, e)) < 0 ||
        (rc = read_copy(c, "payloadType", DSSE_TYPE_MAX, &out->payload_type, e)) < 0)
        return rc;
    if (out->payload_type[0] == '\0')
        return jcur_fail(&type, e, "the type is empty");
    if ((rc = read_bytes(c, "payload", DSSE_PAYLOAD_MAX, &out->payload, &out->payload_len, e)) <
            0 ||
        (rc = get(c, "signatures", &signatures, e)) < 0 ||
        (rc = jcur_array(&signatures, DSSE_SIGNATURES_MAX, &count, e)) < 0)
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

/* ---- bundles ---- */

/* A certificate is not evaluated, but one without bytes is none. */
static int check_certificate(const struct jcur *c, struct err *e)
{
    size_t len = 0;
    AUTO_FREE uint8_t *bytes = NULL;
    int rc = read_bytes(c, "rawBytes", CERTIFICATE_MAX, &bytes, &len, e);
    return rc == 0 && len == 0 ? jcur_fail(c, e, "an empty certificate") : rc;
}

static int check_chain(const struct jcur *c, struct err *e)
{
    struct jcur list;
    size_t count = 0;
    int rc = get(c, "certificates", &list, e);
    if (rc == 0)
        rc = jcur_array(&list, CERTIFICATES_MAX, &count, e);
    if (rc == 0 && count == 0)
        rc = jcur_fail(&list, e, "no certificate");
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        rc = check_certificate(&item, e);
    }
    return rc;
}

/* Who may have signed: a hint at a plain key, or a certificate (which Assay does not evaluate). */
static int read_signer(const struct jcur *material, enum bundle_version version,
                       struct dsse_envelope *out, struct err *e)
{
    struct jcur key;
    struct jcur certificate;
    struct jcur chain;
    bool has_key = present(material, "publicKey", &key);
    bool has_certificate = present(material, "certificate", &certificate);
    bool has_chain = present(material, "x509CertificateChain", &chain);
    if (has_key + has_certificate + has_chain == 0)
        return jcur_fail(material, e, "it names neither a key nor a certificate");
    if (has_key + has_certificate + has_chain > 1)
        return jcur_fail(material, e, "it names both a key and a certificate");
    out->certificate = !has_key;
    if (has_certificate)
        return check_certificate(&certificate, e);
    if (has_chain)
        return version == BUNDLE_V03 ? jcur_fail(&chain, e, "version 0.3 has no chains")
                                     : check_chain(&chain, e);
    int rc = jcur_open_object(&key, e);
    return rc < 0 ? rc : read_hint(&key, "hint", &out->hint, e);
}

/* What an entry has to have by its version of the format; whether it is true is not looked at. */
static int check_log_entry(const struct jcur *entry, enum bundle_version version, struct err *e)
{
    struct jcur member;
    struct jcur checkpoint;
    int rc;
    if ((rc = get(entry, "logId", &member, e)) < 0 ||
        (rc = get(entry, "kindVersion", &member, e)) < 0)
        return rc;
    if (version == BUNDLE_V01)
        return get(entry, "inclusionPromise", &member, e);
    rc = get(entry, "inclusionProof", &member, e);
    return rc < 0 ? rc : get(&member, "checkpoint", &checkpoint, e);
}

/* Entries of logs and time stamps: counted, so that it can be said that nobody checked them. */
static int read_log_evidence(const struct jcur *material, enum bundle_version version,
                             struct dsse_envelope *out, struct err *e)
{
    struct jcur list;
    struct jcur data;
    int rc = 0;
    if (present(material, "tlogEntries", &list))
        rc = jcur_array(&list, DSSE_LOG_ENTRIES_MAX, &out->log_entries, e);
    for (size_t i = 0; rc == 0 && i < out->log_entries; i++) {
        struct jcur entry = jcur_item(&list, i);
        rc = check_log_entry(&entry, version, e);
    }
    if (rc < 0 || !present(material, "timestampVerificationData", &data))
        return rc;
    if ((rc = jcur_open_object(&data, e)) == 0 && present(&data, "rfc3161Timestamps", &list))
        rc = jcur_array(&list, DSSE_LOG_ENTRIES_MAX, &out->timestamps, e);
    return rc;
}

static int read_material(const struct jcur *bundle, enum bundle_version version,
                         struct dsse_envelope *out, struct err *e)
{
    struct jcur material;
    int rc = get(bundle, "verificationMaterial", &material, e);
    if (rc < 0 || (rc = jcur_open_object(&material, e)) < 0 ||
        (rc = read_signer(&material, version, out, e)) < 0)
        return rc;
    return read_log_evidence(&material, version, out, e);
}

static int read_bundle(const struct jcur *c, struct dsse_envelope *out, struct err *e)
{
    struct jcur type;
    struct jcur envelope;
    struct jcur other;
    size_t which;
    int rc;
    if ((rc = get(c, "mediaType", &type, e)) < 0 ||
        (rc = jcur_choice(&type, bundle_types, &which, e)) < 0 ||
        (rc = str_copy(&out->bundle_type, bundle_types[which], e)) < 0 ||
        (rc = read_material(c, bundle_versions[which], out, e)) < 0)
        return rc;
    if (present(c, "messageSignature", &other))
        return jcur_fail(&other, e,
                         "a bundle of a message signature; one of a DSSE envelope is "
                         "needed");
    if ((rc = get(c, "dsseEnvelope", &envelope, e)) < 0 ||
        (rc = read_envelope(&envelope, out, e)) < 0)
        return rc;
    if (out->signature_count != 1)
        return jcur_fail(&envelope, e, "%zu signatures, a bundle holds exactly one",
                         out->signature_count);
    if (out->payload_len == 0 || out->signatures[0].sig_len == 0)
        return jcur_fail(&envelope, e, "an empty %s", out->payload_len == 0 ? "payload" : "sig");
    return 0;
}

int dsse_parse(const void *data, size_t len, const char *what, struct dsse_envelope **out,
               struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    struct jcur member;
    int rc = json_parse(data, len, what, &document_limits, &document, e);
    if (rc < 0)
        return rc;
    if ((envelope = array_new(1, sizeof(*envelope))) == NULL)
        return err_oom(e);
    struct jcur root = jcur_root(document, what);
    if ((rc = jcur_open_object(&root, e)) < 0)
        return rc;
    bool bundle = present(&root, "mediaType", &member) || present(&root, "dsseEnvelope", &member);
    if ((rc = bundle ? read_bundle(&root, envelope, e) : read_envelope(&root, envelope, e)) < 0)
        return rc;
    *out = steal_ptr(&envelope);
    return 0;
}

int dsse_read(const char *path, struct dsse_envelope **out, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DSSE_DOCUMENT_MAX);
    int rc = file_read(path, &text, e);
    return rc < 0 ? rc : dsse_parse(text.data, text.len, path, out, e);
}
