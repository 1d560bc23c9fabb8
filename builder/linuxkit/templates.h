/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What LinuxKit does to every scalar of a local file before it decodes it
 * (docs/formats/linuxkit.md, section 2): what starts with '@' is a template, and the file is
 * written out again for the sake of those, and read once more. Neither leaves every text as it was.
 */
#ifndef ASSAY_BUILDER_LINUXKIT_TEMPLATES_H
#define ASSAY_BUILDER_LINUXKIT_TEMPLATES_H

#include "base/yaml/yaml.h"

struct linuxkit_templates {
    json_t *warnings; /* a text with its place for each scalar that changed; NULL: not noted */
    bool packages;    /* leave @pkg: as it is; otherwise ERR_UNDECIDED */
};

/* yaml_doc_parse_go and yaml_doc_read_go with both. ERR_INPUT also for what LinuxKit cannot read
 * again. */
int linuxkit_templates_parse(const void *data, size_t len, const char *file,
                             struct linuxkit_templates *t, struct yaml_doc **out, struct err *e);
int linuxkit_templates_read(const char *path, struct linuxkit_templates *t, struct yaml_doc **out,
                            struct err *e);

#endif
