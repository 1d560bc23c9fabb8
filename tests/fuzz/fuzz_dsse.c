/* SPDX-License-Identifier: Apache-2.0 */
/* Envelopes and bundles: what is read can be written and read again, and is then the same. */
#include "attest/dsse.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void same(const struct dsse_envelope *a, const struct dsse_envelope *b)
{
    if (strcmp(a->payload_type, b->payload_type) != 0 || a->payload_len != b->payload_len ||
        memcmp(a->payload, b->payload, a->payload_len) != 0 ||
        a->signature_count != b->signature_count)
        abort();
    for (size_t i = 0; i < a->signature_count; i++)
        if (strcmp(a->signatures[i].keyid, b->signatures[i].keyid) != 0 ||
            a->signatures[i].sig_len != b->signatures[i].sig_len ||
            memcmp(a->signatures[i].sig, b->signatures[i].sig, a->signatures[i].sig_len) != 0)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_DSSE struct dsse_envelope *envelope = NULL;
    AUTO_DSSE struct dsse_envelope *again = NULL;
    AUTO_BUF text = BUF_INIT(DSSE_DOCUMENT_MAX);
    if (dsse_parse(data, size, "fuzz", &envelope, &e) != 0)
        return 0;
    bool bundle = envelope->signature_count == 1;
    /* A bundle holds no empty payload or signature, so none is written. */
    if (bundle && (envelope->payload_len == 0 || envelope->signatures[0].sig_len == 0)) {
        if (bundle_format(envelope, &text, &e) == 0)
            abort();
        buf_cut(&text, 0);
        bundle = false;
    }
    if ((bundle ? bundle_format(envelope, &text, &e) : dsse_format(envelope, &text, &e)) != 0 ||
        dsse_parse(text.data, text.len, "again", &again, &e) != 0)
        abort();
    same(envelope, again);
    return 0;
}
