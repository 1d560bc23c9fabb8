/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids that formats want and nobody cares about (UUIDs, serials, hash seeds): given in the plan,
 * or derived from the digest of what the step encodes, so that equal contents have equal ids and
 * others have others (docs/formats/plan.md, "Derived ids").
 */
#ifndef ASSAY_BUILDER_STEPS_IDS_H
#define ASSAY_BUILDER_STEPS_IDS_H

#include "builder/plan/step_kind.h"

enum { UUID_SIZE = 16, UUID_TEXT_MAX = 37 };

/* What a parameter says instead of an id. */
#define ID_DERIVED "derived"

/*
 * SHA-256 of "https://assay.example/derived-id/v1", `purpose` ("encode.erofs uuid") and the
 * input's digest as text, each followed by a NUL.
 */
int id_derive(const struct digest *input, const char *purpose, uint8_t out[DIGEST_SHA256_SIZE],
              struct err *e);
/* The first 16 bytes of it, as a UUID of version 8 (RFC 9562). */
int id_derive_uuid(const struct digest *input, const char *purpose, uint8_t out[UUID_SIZE],
                   struct err *e);

/* 36 characters, lower case; false when it is anything else. */
bool uuid_parse(const char *text, uint8_t out[UUID_SIZE]);
/* Returns text. */
char *uuid_format(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT_MAX]);

/* A parameter that is a UUID or ID_DERIVED, and what it means: of that input, for that purpose. */
extern const struct param_text param_text_uuid;
int id_uuid(const char *text, const struct digest *input, const char *purpose,
            uint8_t out[UUID_SIZE], struct err *e);

#endif
