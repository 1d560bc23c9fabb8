/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs: any bytes are parsed or refused; what was parsed is written and read again the same, and
 * leads to some root. */
#include "formats/machine/proof.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct machine_proof *proof)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_BUF text = BUF_INIT(PROOF_BYTES_MAX);
    struct machine_proof again;
    struct err e = ERR_INIT;
    uint8_t root[MACHINE_HASH_SIZE];
    machine_proof_root(proof, root);
    if (machine_proof_format(proof, &document, &e) < 0 || json_pretty(document, &text, &e) < 0 ||
        machine_proof_parse(buf_str(&text), text.len, "again", &again, &e) < 0 ||
        again.address != proof->address || again.log2 != proof->log2 ||
        again.count != proof->count ||
        memcmp(again.siblings, proof->siblings, proof->count * MACHINE_HASH_SIZE) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct machine_proof proof;
    struct err e = ERR_INIT;
    int rc = machine_proof_parse(data, size, "proof", &proof, &e);
    if (rc == 0)
        use(&proof);
    else if (rc != -ERR_INPUT)
        abort();
    return 0;
}
