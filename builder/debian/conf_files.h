/* SPDX-License-Identifier: Apache-2.0 */
/* How systemd reads a kind of configuration. Private to builder/debian. */
#ifndef ASSAY_BUILDER_DEBIAN_CONF_FILES_H
#define ASSAY_BUILDER_DEBIAN_CONF_FILES_H

#include "builder/debian/installed.h"

enum { CONF_DIRS = 4 };

/* A line without blanks in front, which is neither empty nor a comment; it may be changed. */
typedef int conf_line(void *context, char *line, struct err *e);

/*
 * All '*.conf', by their names; of several with one name that of the first directory alone, none
 * when that is a link to /dev/null. Errors name the file.
 */
int conf_files_read(struct rootfs_writer *w, const char *const dirs[CONF_DIRS], conf_line *take,
                    void *context, struct err *e);

#endif
