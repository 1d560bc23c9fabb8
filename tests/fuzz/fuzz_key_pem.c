/* SPDX-License-Identifier: Apache-2.0 */
/* Key files, public and private. */
#include "attest/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_PUBLIC_KEY struct public_key *key = NULL;
    AUTO_PUBLIC_KEY struct public_key *again = NULL;
    AUTO_SIGNING_KEY struct signing_key *private_key = NULL;
    AUTO_BUF pem = BUF_INIT(KEY_FILE_MAX);
    if (public_key_parse(data, size, &key, &e) == 0) {
        if (public_key_format(key, &pem, &e) != 0 ||
            public_key_parse(pem.data, pem.len, &again, &e) != 0 || !public_key_equal(key, again))
            abort();
        /* The same bytes as a signature: any verdict, no crash. */
        (void)public_key_verify(key, data, size, data, size < 80 ? size : 72, &e);
    }
    if (signing_key_parse(data, size, "correct horse", &private_key, &e) == 0 &&
        public_key_id(signing_key_public(private_key))[0] == '\0')
        abort();
    return 0;
}
