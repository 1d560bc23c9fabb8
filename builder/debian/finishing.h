/* SPDX-License-Identifier: Apache-2.0 */
/* The doings of finish.c. Private to builder/debian. */
#ifndef ASSAY_BUILDER_DEBIAN_FINISHING_H
#define ASSAY_BUILDER_DEBIAN_FINISHING_H

#include "builder/debian/finish.h"
#include "builder/debian/installed.h"

/* What a doing is: what is there already stays, unless its contract says otherwise. */
typedef int finish_doing(struct rootfs_writer *w, const struct finish_options *o, struct err *e);

finish_doing finish_base;       /* finish_texts.c */
finish_doing finish_shells;     /* finish_texts.c */
finish_doing finish_machine_id; /* finish_texts.c */
finish_doing finish_hostname;   /* finish_texts.c */
finish_doing finish_certificates;
finish_doing finish_pam;       /* finish_pam.c */
finish_doing finish_ssh;       /* finish_units.c */
finish_doing finish_units;     /* finish_units.c */
finish_doing finish_libraries; /* finish_libraries.c */
finish_doing finish_sysusers;
finish_doing finish_modules; /* finish_modules.c */
finish_doing finish_tmpfiles;

/* ---- library.c: what ldconfig asks of a file ---- */

enum { LIBRARY_SONAME_MAX = 255 };

/* What the machine of ELF files is called there. */
enum library_machine { LIBRARY_AMD64 = 62, LIBRARY_ARM64 = 183, LIBRARY_RISCV64 = 243 };
int finish_machine(const char *arch, uint16_t *out, struct err *e);

/*
 * *is is whether the file is a shared object of the machine; its soname, "" when it has none. What
 * is damaged is no library.
 */
int library_read(struct tree_reader *reader, const struct tree_content *content, uint16_t machine,
                 bool *is, char soname[LIBRARY_SONAME_MAX + 1], struct err *e);
/* Numbers in names by their value: negative, 0 or positive. */
int library_compare(const char *a, const char *b);

#endif
