/* SPDX-License-Identifier: Apache-2.0 */
/* References of images: what parses has valid parts, and reads the same when written out. */
#include "net/registry/reference.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct reference r;
    struct reference back;
    char digest[DIGEST_TEXT_MAX] = "";
    char text[1024];
    AUTO_FREE char *input = malloc(size + 1);
    if (input == NULL)
        return 0;
    if (size > 0)
        memcpy(input, data, size);
    input[size] = '\0';
    if (reference_parse(input, NULL, &r, &e) != 0) {
        if (e.code != ERR_INPUT)
            abort();
        return 0;
    }
    if (r.digest.alg != 0)
        (void)digest_format(&r.digest, digest);
    (void)snprintf(text, sizeof(text), "%s/%s%s%s%s%s", r.host, r.path, r.tag[0] ? ":" : "", r.tag,
                   digest[0] ? "@" : "", digest);
    if (strlen(text) > REFERENCE_MAX)
        return 0;
    /* A host of one plain word cannot have come from the text, the default has dots. */
    if (!reference_host_valid(r.host) || reference_parse(text, NULL, &back, &e) != 0 ||
        strcmp(r.host, back.host) != 0 || strcmp(r.path, back.path) != 0 ||
        strcmp(r.tag, back.tag) != 0 || r.digest.alg != back.digest.alg)
        abort();
    return 0;
}
