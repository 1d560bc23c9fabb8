/* SPDX-License-Identifier: Apache-2.0 */
/* Proof documents: what parses is formatted back to the same bytes, and checking never accepts
 * garbage. */
#include "store/log/proof.h"

#include <stdlib.h>
#include <string.h>

#define VKEY "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct note_key *known_key(void)
{
    static struct note_key *key;
    struct err e = ERR_INIT;
    if (key == NULL && note_key_parse(VKEY, strlen(VKEY), &key, &e) != 0)
        abort();
    return key;
}

static void same(const struct buf *text, const uint8_t *data, size_t size)
{
    if (text->len != size || memcmp(text->data, data, size) != 0)
        abort();
}

static void try_inclusion(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_PROOF struct tlog_proof *proof = NULL;
    AUTO_BUF text = BUF_INIT(PROOF_MAX);
    struct checkpoint c;
    int rc = proof_parse(data, size, &proof, &e);
    if (rc != 0) {
        if (rc != -ERR_INPUT || proof != NULL)
            abort();
        return;
    }
    if (proof_format(proof, &text, &e) != 0)
        abort();
    same(&text, data, size);
    /* No log of that key has this entry. */
    rc = proof_check(proof, known_key(), "never logged", 12, &c, &e);
    if (rc != -ERR_LOG && rc != -ERR_INPUT)
        abort();
}

static void try_consistency(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_CONSISTENCY struct tlog_consistency *proof = NULL;
    AUTO_BUF text = BUF_INIT(PROOF_MAX);
    struct checkpoint c;
    const struct checkpoint old = {.origin = "example.com/log/testdata", .size = 3};
    int rc = consistency_parse(data, size, &proof, &e);
    if (rc != 0) {
        if (rc != -ERR_INPUT || proof != NULL)
            abort();
        return;
    }
    if (consistency_format(proof, &text, &e) != 0)
        abort();
    same(&text, data, size);
    /* No tree has a root of zeros. */
    rc = consistency_check(proof, known_key(), &old, &c, &e);
    if (rc != -ERR_LOG && rc != -ERR_INPUT)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_inclusion(data, size);
    try_consistency(data, size);
    return 0;
}
