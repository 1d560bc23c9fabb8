/* SPDX-License-Identifier: Apache-2.0 */
/* A directory of this machine as an object; links in it are members, never followed. */
#ifndef ASSAY_FORMATS_OBJECT_DIRECTORY_H
#define ASSAY_FORMATS_OBJECT_DIRECTORY_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_directory;

int object_open_directory(const char *path, struct budget *budget, struct object **out,
                          struct err *e);

#endif
