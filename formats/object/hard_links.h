/* SPDX-License-Identifier: Apache-2.0 */
/* Several names of one file, told alike by all readers. */
#ifndef ASSAY_FORMATS_OBJECT_HARD_LINKS_H
#define ASSAY_FORMATS_OBJECT_HARD_LINKS_H

#include "formats/object/object.h"

/* For an object whose members are all there and sorted. Links that lead to no file stay links. */
int hard_links_join(struct object *o, struct err *e);

#endif
