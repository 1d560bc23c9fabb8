/* SPDX-License-Identifier: Apache-2.0 */
/* The headers of an answer, line by line as they come. */
#ifndef ASSAY_NET_HTTP_HTTP_ANSWER_H
#define ASSAY_NET_HTTP_HTTP_ANSWER_H

#include "net/http/http.h"

/* As before the first line. */
void http_answer_clear(struct http_answer *a);
/*
 * One line; those that are not known change nothing, a status line begins a new answer. NULL, or
 * the name of the header that is longer than there is room for.
 */
const char *http_answer_line(struct http_answer *a, const char *line, size_t len);

#endif
