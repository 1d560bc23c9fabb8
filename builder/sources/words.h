/* SPDX-License-Identifier: Apache-2.0 */
/* The words by which recipes name sources: repositories, commits, URLs. Text only. */
#ifndef ASSAY_BUILDER_SOURCES_WORDS_H
#define ASSAY_BUILDER_SOURCES_WORDS_H

#include "base/err.h"

#include <stdbool.h>

enum { WORDS_COMMIT_MAX = 255, WORDS_URL_MAX = 2048 };

/* "main", "pkg@1.0.0", "refs/tags/v1", an id: what git takes for the name of a ref (git
 * check-ref-format --allow-onelevel), but for one that begins with '-'. */
bool commit_valid(const char *text);
/* 40 or 64 lower-case hex digits. */
bool object_id_valid(const char *text);

/* Begins with https:// or http://. */
bool url_is_remote(const char *text);
/* Begins with file: . */
bool url_is_file(const char *text);
/* https://HOST[:PORT]/PATH[?QUERY] or http://…; no user, no fragment, no control bytes, no spaces.
 */
bool url_remote_valid(const char *text);
/* Of a valid remote URL: "HOST[:PORT]"; caller frees. */
int url_host(const char *url, char **out, struct err *e);
/* What a plan says of a URL: the path without scheme, host, query and the slashes at both ends (""
 * is "index"); of file: the last component. Caller frees. */
int url_name(const char *url, char **out, struct err *e);

#endif
