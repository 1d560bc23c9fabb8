/* SPDX-License-Identifier: Apache-2.0 */
/* What document.c, document_containers.c and merge.c share. */
#ifndef ASSAY_BUILDER_LINUXKIT_DOCUMENT_INTERNAL_H
#define ASSAY_BUILDER_LINUXKIT_DOCUMENT_INTERNAL_H

#include "builder/linuxkit/document.h"

/* Refuses what is no name of an image, at c. */
int linuxkit_check_image(const struct ycur *c, const char *name, struct err *e);
int linuxkit_read_image(const struct ycur *c, struct linuxkit_image *out, struct err *e);
/* Notes a warning with the place of c; nothing without a YAML document. */
int linuxkit_warn(struct linuxkit *lk, const struct ycur *c, struct err *e, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
/* `volumes`, and onboot, onshutdown, services with their ids, of the document at c. */
int linuxkit_parse_volumes(const struct ycur *c, struct linuxkit *lk, struct err *e);
int linuxkit_parse_containers(const struct ycur *c, struct linuxkit *lk, struct err *e);

#endif
