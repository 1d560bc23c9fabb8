/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Places that people, servers and configurations name: URLs, references, proxies. What may hold a
 * secret, the user's name and password in front of a host and the query behind a path, is never
 * shown and never written down.
 */
#ifndef ASSAY_BASE_PLACE_H
#define ASSAY_BASE_PLACE_H

#include "base/err.h"

#include <stdbool.h>

enum { PLACE_SHOWN_MAX = 256 };

/*
 * As it may be shown, in `out`, which is returned: "https://…@host/path?…". Where it cannot be
 * told whether a '@' ends a user's name, it does.
 */
const char *place_shown(const char *text, char out[PLACE_SHOWN_MAX]);
/* The same, in an array that lives as long as the block around it. */
#define PLACE_SHOWN(text) place_shown((text), (char[PLACE_SHOWN_MAX]){0})

/* A URL as documents have it: without user, query and fragment; caller frees. */
int place_public(const char *url, char **out, struct err *e);

/*
 * What another program said, in `out`: each URL in it as it may be shown. `env` is the environment
 * that the program had (NULL-terminated; NULL: none): a text with the password of one of its
 * proxies, in whatever place, is left out altogether.
 */
enum { PLACE_MESSAGE_MAX = 512 };
const char *place_message(const char *text, const char *const *env, char out[PLACE_MESSAGE_MAX]);

#endif
