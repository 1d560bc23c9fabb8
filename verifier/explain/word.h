/* SPDX-License-Identifier: Apache-2.0 */
/* What shape the differing word of a text has. */
#ifndef ASSAY_VERIFIER_EXPLAIN_WORD_H
#define ASSAY_VERIFIER_EXPLAIN_WORD_H

#include "verifier/explain/token.h"

/* A name of a host or a user: letters, digits, dots and hyphens, and not a number alone. */
bool word_is_name(const struct difference *d, bool side_b);
/* "6.1.0-28-amd64", "v12.2.0": numbers with a dot between, and what may follow. */
bool word_is_version(const struct difference *d, bool side_b);
/* 8-4-4-4-12 hexadecimal digits. */
bool word_is_uuid(const struct difference *d, bool side_b);
/* How many hexadecimal digits the word is; 0 when it is anything else. */
size_t word_hex_digits(const struct difference *d, bool side_b);
/* In a line that tells of a build: the user's half, or the host's, of "user@host". */
bool word_before_host(const struct difference *d, bool side_b);
bool word_behind_user(const struct difference *d, bool side_b);
/* "by NAME" in such a line. */
bool word_built_by(const struct difference *d, bool side_b);

#endif
