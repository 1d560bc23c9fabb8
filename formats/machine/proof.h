/* SPDX-License-Identifier: Apache-2.0 */
/* Proofs of nodes of the machine's tree, as JSON (docs/formats/machine.md). */
#ifndef ASSAY_FORMATS_MACHINE_PROOF_H
#define ASSAY_FORMATS_MACHINE_PROOF_H

#include "base/json.h"
#include "formats/machine/machine_tree.h"

enum { PROOF_BYTES_MAX = 64 * 1024 };

/* Strict: ERR_INPUT for anything but a proof whose siblings are as many as its level wants. */
int machine_proof_parse(const void *data, size_t len, const char *what, struct machine_proof *out,
                        struct err *e);
/* The document; caller owns *out. */
int machine_proof_format(const struct machine_proof *p, json_t **out, struct err *e);
/* "keccak256:HEX" or "sha256:HEX" into at least 80 bytes; returns `text`. */
char *machine_hash_text(enum machine_hash function, const uint8_t hash[MACHINE_HASH_SIZE],
                        char *text);
/* The reverse; strict. */
bool machine_hash_text_parse(const char *text, enum machine_hash *function,
                             uint8_t hash[MACHINE_HASH_SIZE]);
/* "0x80000000" (lower-case hex) or decimal; no signs, no leading zeros, no more than 64 bits. */
bool machine_address_parse(const char *text, uint64_t *out);

#endif
