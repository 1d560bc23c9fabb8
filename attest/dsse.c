/* SPDX-License-Identifier: Apache-2.0 */
/* DSSE v1.0.2: signing, verifying and writing envelopes. Reading is in bundle.c. */
#include "attest/dsse.h"
#include "base/encoding.h"
#include "base/media_types.h"

#include <string.h>

enum { PAE_OVERHEAD = DSSE_TYPE_MAX + 64 };

int dsse_pae(const char *type, const void *body, size_t len, struct buf *out, struct err *e)
{
    int rc = buf_addf(out, e, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
    return rc < 0 || len == 0 ? rc : buf_add(out, body, len, e);
}

/* Fills the one signature of a new envelope. */
static int sign_into(const struct signing_key *key, struct dsse_envelope *envelope, struct err *e)
{
    AUTO_BUF pae = BUF_INIT(DSSE_PAYLOAD_MAX + PAE_OVERHEAD);
    AUTO_BUF sig = BUF_INIT(KEY_SIGNATURE_MAX);
    int rc = dsse_pae(envelope->payload_type, envelope->payload, envelope->payload_len, &pae, e);
    if (rc < 0 || (rc = signing_key_sign(key, pae.data, pae.len, &sig, e)) < 0)
        return rc;
    envelope->signatures = array_new(1, sizeof(*envelope->signatures));
    if (envelope->signatures == NULL)
        return err_oom(e);
    envelope->signature_count = 1;
    rc = str_copy(&envelope->signatures[0].keyid, public_key_id(signing_key_public(key)), e);
    if (rc < 0)
        return rc;
    envelope->signatures[0].sig_len = sig.len;
    envelope->signatures[0].sig = (uint8_t *)buf_steal(&sig);
    return envelope->signatures[0].sig == NULL ? err_oom(e) : 0;
}

int dsse_sign(const struct signing_key *key, const char *type, const void *body, size_t len,
              struct dsse_envelope **out, struct err *e)
{
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    if (len > DSSE_PAYLOAD_MAX)
        return err_set(e, ERR_INPUT, "the payload is larger than %d bytes", DSSE_PAYLOAD_MAX);
    if (type[0] == '\0' || strlen(type) > DSSE_TYPE_MAX)
        return err_set(e, ERR_INPUT, "the payload's type is empty or too long");
    if ((envelope = array_new(1, sizeof(*envelope))) == NULL ||
        (envelope->payload = array_new(len + 1, 1)) == NULL)
        return err_oom(e);
    if (len > 0)
        memcpy(envelope->payload, body, len);
    envelope->payload[len] = 0;
    envelope->payload_len = len;
    int rc = str_copy(&envelope->payload_type, type, e);
    if (rc < 0 || (rc = sign_into(key, envelope, e)) < 0)
        return rc;
    *out = steal_ptr(&envelope);
    return 0;
}

int dsse_verify(const struct dsse_envelope *envelope, const struct public_key *key, struct err *e)
{
    AUTO_BUF pae = BUF_INIT(DSSE_PAYLOAD_MAX + PAE_OVERHEAD);
    if (envelope->signature_count == 0)
        return err_set(e, ERR_REJECTED, "the envelope has no signature");
    int rc = dsse_pae(envelope->payload_type, envelope->payload, envelope->payload_len, &pae, e);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < envelope->signature_count; i++) {
        const struct dsse_signature *s = &envelope->signatures[i];
        rc = public_key_verify(key, pae.data, pae.len, s->sig, s->sig_len, e);
        if (rc != -ERR_REJECTED)
            return rc;
    }
    if (envelope->signature_count == 1)
        return rc;
    return err_set(e, ERR_REJECTED, "none of its %s verifies with key %s",
                   COUNTED(envelope->signature_count, "signature"), public_key_id(key));
}

struct signature_check {
    const struct buf *pae;
    const struct dsse_signature *signature;
};

/* *good is a value; an error is one of the host. */
static int try_key(const struct signature_check *c, const struct public_key *key, bool *good,
                   struct err *e)
{
    struct err why = ERR_INIT;
    int rc = public_key_verify(key, c->pae->data, c->pae->len, c->signature->sig,
                               c->signature->sig_len, &why);
    *good = rc == 0;
    if (rc == 0 || rc == -ERR_REJECTED)
        return 0;
    *e = why;
    return rc;
}

/* One signature is of one key, which may stand among the keys more than once. */
static int find_signer(const struct signature_check *c, const struct public_key *const *keys,
                       size_t count, bool *signed_by, struct err *e)
{
    bool good = false;
    for (int hinted = 1; hinted >= 0 && !good; hinted--)
        for (size_t k = 0; k < count && !good; k++) {
            if ((strcmp(public_key_id(keys[k]), c->signature->keyid) == 0) != (hinted == 1))
                continue;
            int rc = try_key(c, keys[k], &good, e);
            if (rc != 0)
                return rc;
            for (size_t i = 0; good && i < count; i++)
                signed_by[i] = signed_by[i] || public_key_equal(keys[i], keys[k]);
        }
    return 0;
}

int dsse_signers(const struct dsse_envelope *envelope, const struct public_key *const *keys,
                 size_t count, bool *signed_by, struct err *e)
{
    AUTO_BUF pae = BUF_INIT(DSSE_PAYLOAD_MAX + PAE_OVERHEAD);
    int rc = dsse_pae(envelope->payload_type, envelope->payload, envelope->payload_len, &pae, e);
    for (size_t k = 0; k < count; k++)
        signed_by[k] = false;
    for (size_t i = 0; rc == 0 && i < envelope->signature_count; i++) {
        const struct signature_check c = {.pae = &pae, .signature = &envelope->signatures[i]};
        rc = find_signer(&c, keys, count, signed_by, e);
    }
    return rc;
}

const char *dsse_log_evidence(const struct dsse_envelope *envelope)
{
    return envelope->log_entries + envelope->timestamps == 0 ? "none" : "not checked";
}

int dsse_put_log_evidence(json_t *report, const struct dsse_envelope *envelope, struct err *e)
{
    json_t *o = json_object();
    int rc = json_put(report, "logEvidence", o, e); /* owns it */
    if (rc == 0)
        rc = json_put_string(o, "status", dsse_log_evidence(envelope), e);
    if (rc == 0)
        rc = json_put_u64(o, "entries", envelope->log_entries, e);
    if (rc == 0)
        rc = json_put_u64(o, "timestamps", envelope->timestamps, e);
    return rc;
}

static int put_base64(json_t *object, const char *key, const void *data, size_t len, struct err *e)
{
    AUTO_BUF text = BUF_INIT(DSSE_DOCUMENT_MAX);
    int rc = base64_encode(data, len, &text, e);
    return rc < 0 ? rc : json_put(object, key, json_stringn(buf_str(&text), text.len), e);
}

static int envelope_json(const struct dsse_envelope *envelope, json_t **out, struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    json_t *signatures = json_array(); /* owned by `object` from the next line on */
    int rc = json_put(object, "signatures", signatures, e);
    for (size_t i = 0; rc == 0 && i < envelope->signature_count; i++) {
        const struct dsse_signature *s = &envelope->signatures[i];
        json_t *one = json_object();
        rc = json_push(signatures, one, e);
        if (rc == 0 && s->keyid[0] != '\0')
            rc = json_put_string(one, "keyid", s->keyid, e);
        if (rc == 0)
            rc = put_base64(one, "sig", s->sig, s->sig_len, e);
    }
    if (rc < 0 || (rc = json_put_string(object, "payloadType", envelope->payload_type, e)) < 0 ||
        (rc = put_base64(object, "payload", envelope->payload, envelope->payload_len, e)) < 0)
        return rc;
    *out = steal_ptr(&object);
    return 0;
}

int dsse_format(const struct dsse_envelope *envelope, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *object = NULL;
    int rc = envelope_json(envelope, &object, e);
    return rc < 0 ? rc : jcs_format(object, out, e);
}

static int material_json(const char *hint, json_t **out, struct err *e)
{
    AUTO_JSON json_t *material = json_object();
    json_t *key = json_object();
    int rc = json_put(material, "publicKey", key, e); /* owns `key` */
    if (rc < 0 || (rc = json_put_string(key, "hint", hint, e)) < 0)
        return rc;
    *out = steal_ptr(&material);
    return 0;
}

int bundle_format(const struct dsse_envelope *envelope, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *bundle = json_object();
    json_t *part = NULL;
    if (envelope->signature_count != 1)
        return err_set(e, ERR_INPUT, "a bundle holds exactly one signature, not %zu",
                       envelope->signature_count);
    if (envelope->payload_len == 0 || envelope->signatures[0].sig_len == 0)
        return err_set(e, ERR_INPUT, "a bundle holds no empty %s",
                       envelope->payload_len == 0 ? "payload" : "signature");
    int rc = json_put_string(bundle, "mediaType", MEDIA_SIGSTORE_BUNDLE, e);
    if (rc < 0 || (rc = material_json(envelope->signatures[0].keyid, &part, e)) < 0 ||
        (rc = json_put(bundle, "verificationMaterial", part, e)) < 0 ||
        (rc = envelope_json(envelope, &part, e)) < 0 ||
        (rc = json_put(bundle, "dsseEnvelope", part, e)) < 0)
        return rc;
    return jcs_format(bundle, out, e);
}
