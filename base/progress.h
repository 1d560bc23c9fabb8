/* SPDX-License-Identifier: Apache-2.0 */
/* Progress of long work on stderr: on a terminal only, never with --quiet or --json; at most ten
 * updates a second. */
#ifndef ASSAY_BASE_PROGRESS_H
#define ASSAY_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress; /* NULL is a valid progress that shows nothing */

struct progress *progress_start(bool allowed); /* NULL when stderr is no terminal or !allowed */
/* "label  done/total"; total 0 = unknown. Thread-safe. */
void progress_show(struct progress *p, const char *label, uint64_t done, uint64_t total);
/* Any one line. */
void progress_say(struct progress *p, const char *text);
void progress_end(struct progress *p); /* clears the line, frees */

#endif
