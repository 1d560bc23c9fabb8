/* SPDX-License-Identifier: Apache-2.0 */
#include "attest/dependency.h"

#include "attest/statement.h"

#include <string.h>

enum { URI_MAX = 65536 };

/* Appends `text` with everything but RFC 3986's unreserved characters (and `keep`) escaped. */
static int percent_encode(const char *text, const char *keep, struct buf *out, struct err *e)
{
    for (const char *p = text; *p != '\0'; p++) {
        char c = *p;
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     strchr("-._~", c) != NULL || strchr(keep, c) != NULL;
        int rc = plain ? buf_add(out, p, 1, e) : buf_addf(out, e, "%%%02X", (unsigned char)c);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* The package URL of an input that came from Debian; nothing for others. */
static int input_uri(const json_t *from, struct buf *out, struct err *e)
{
    const json_t *debian = json_object_get(from, "debian");
    if (debian == NULL)
        return 0;
    int rc;
    if ((rc = buf_add_str(out, "pkg:deb/debian/", e)) < 0 ||
        (rc = percent_encode(text_at(debian, "package"), "", out, e)) < 0 ||
        (rc = buf_add_str(out, "@", e)) < 0 ||
        (rc = percent_encode(text_at(debian, "version"), ":", out, e)) < 0 ||
        (rc = buf_add_str(out, "?arch=", e)) < 0)
        return rc;
    return percent_encode(text_at(debian, "architecture"), "", out, e);
}

int dependency_descriptor(const char *id, const struct digest *digest, const json_t *from,
                          json_t **out, struct err *e)
{
    AUTO_BUF uri = BUF_INIT(URI_MAX);
    int rc = input_uri(from, &uri, e);
    return rc < 0
               ? rc
               : resource_descriptor(id, uri.len > 0 ? buf_str(&uri) : NULL, digest, NULL, out, e);
}
