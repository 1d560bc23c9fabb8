/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/steps/ids.h"

#include "base/encoding.h"
#include "base/version.h"

#include <string.h>

static int add_text(struct hasher *h, const char *text, struct err *e)
{
    return hasher_update(h, text, strlen(text) + 1, e);
}

int id_derive(const struct digest *input, const char *purpose, uint8_t out[DIGEST_SHA256_SIZE],
              struct err *e)
{
    AUTO_HASHER struct hasher *h = NULL;
    struct digest d;
    char text[DIGEST_TEXT_MAX];
    int rc;

    if ((rc = hasher_new(DIGEST_SHA256, &h, e)) < 0 ||
        (rc = add_text(h, ASSAY_URI "derived-id/v1", e)) < 0 ||
        (rc = add_text(h, purpose, e)) < 0 ||
        (rc = add_text(h, digest_format(input, text), e)) < 0 || (rc = hasher_final(h, &d, e)) < 0)
        return rc;
    memcpy(out, d.bytes, DIGEST_SHA256_SIZE);
    return 0;
}

int id_derive_uuid(const struct digest *input, const char *purpose, uint8_t out[UUID_SIZE],
                   struct err *e)
{
    uint8_t bytes[DIGEST_SHA256_SIZE];

    int rc = id_derive(input, purpose, bytes, e);
    if (rc < 0)
        return rc;
    memcpy(out, bytes, UUID_SIZE);
    out[6] = (uint8_t)(0x80 | (out[6] & 0x0f));
    out[8] = (uint8_t)(0x80 | (out[8] & 0x3f));
    return 0;
}

bool uuid_parse(const char *text, uint8_t out[UUID_SIZE])
{
    static const uint8_t groups[] = {4, 2, 2, 2, 6};
    uint8_t uuid[UUID_SIZE];
    size_t done = 0;

    if (strlen(text) != UUID_TEXT_MAX - 1)
        return false;
    for (size_t i = 0; i < sizeof(groups); i++) {
        if ((i > 0 && *text++ != '-') ||
            !hex_decode(text, 2 * (size_t)groups[i], uuid + done, groups[i]))
            return false;
        text += 2 * (size_t)groups[i];
        done += groups[i];
    }
    memcpy(out, uuid, UUID_SIZE);
    return true;
}

char *uuid_format(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT_MAX])
{
    static const char digits[] = "0123456789abcdef";
    size_t at = 0;

    for (size_t i = 0; i < UUID_SIZE; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            text[at++] = '-';
        text[at++] = digits[uuid[i] >> 4];
        text[at++] = digits[uuid[i] & 15];
    }
    text[at] = '\0';
    return text;
}

static bool uuid_or_derived(const char *text)
{
    uint8_t uuid[UUID_SIZE];
    return strcmp(text, ID_DERIVED) == 0 || uuid_parse(text, uuid);
}

const struct param_text param_text_uuid = {
    .max = UUID_TEXT_MAX,
    .valid = uuid_or_derived,
    .is = "neither a UUID in lower case nor '" ID_DERIVED "'",
    .definition = "uuid",
    .pattern = "^(derived|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})$",
};

int id_uuid(const char *text, const struct digest *input, const char *purpose,
            uint8_t out[UUID_SIZE], struct err *e)
{
    return uuid_parse(text, out) ? 0 : id_derive_uuid(input, purpose, out, e);
}
