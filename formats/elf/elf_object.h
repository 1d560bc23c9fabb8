/* SPDX-License-Identifier: Apache-2.0 */
/* An ELF file as an object: its sections are members (docs/formats/elf.md). */
#ifndef ASSAY_FORMATS_ELF_ELF_OBJECT_H
#define ASSAY_FORMATS_ELF_ELF_OBJECT_H

#include "formats/object/object.h"

extern const struct object_kind object_kind_elf;

/* The symbol that an offset in a section is in: "main", with *distance bytes from its start; ""
 * when none is known. Appends. */
int elf_symbol_at(struct object *o, const struct member *section, uint64_t offset, struct buf *name,
                  uint64_t *distance, struct err *e);

#endif
