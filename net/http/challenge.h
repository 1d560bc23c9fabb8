/* SPDX-License-Identifier: Apache-2.0 */
/* WWW-Authenticate (RFC 9110 section 11.6.1) as registries send it: Bearer and Basic. */
#ifndef ASSAY_NET_HTTP_CHALLENGE_H
#define ASSAY_NET_HTTP_CHALLENGE_H

#include "base/err.h"

#include <stdbool.h>

enum { CHALLENGE_TEXT_MAX = 2048, CHALLENGE_HEADER_MAX = 8192 };

enum challenge_scheme { CHALLENGE_NONE, CHALLENGE_BASIC, CHALLENGE_BEARER };

struct challenge {
    enum challenge_scheme scheme;
    char realm[CHALLENGE_TEXT_MAX];
    char service[CHALLENGE_TEXT_MAX]; /* "" when absent */
    char scope[CHALLENGE_TEXT_MAX];
};

/*
 * One header's value, which may hold several challenges: Bearer is preferred to
 * Basic, others are passed over (CHALLENGE_NONE when nothing else is there). ERR_INPUT when it is
 * malformed, when a value is too long or has control bytes, when a parameter stands twice, or when
 * Bearer has no realm.
 */
int challenge_parse(const char *text, struct challenge *out, struct err *e);

#endif
