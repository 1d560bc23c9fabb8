/* SPDX-License-Identifier: Apache-2.0 */
/* Where an exchange goes: a URL's scheme and host, and where it leads from there. */
#ifndef ASSAY_NET_HTTP_HTTP_PLACE_H
#define ASSAY_NET_HTTP_HTTP_PLACE_H

#include "net/http/http.h"

struct http_place {
    char scheme[16];
    char host[300]; /* with its port */
};

/* NULL, or why no exchange can go there: "is no URL", "names a user". */
const char *http_place_read(const char *url, struct http_place *out);
/*
 * http_resolve, with the place that it is; `verb` of the complaints: "redirects", "leads".
 */
int http_place_follow(const char *base, const char *to, const char *verb, char **url,
                      struct http_place *out, struct err *e);

#endif
