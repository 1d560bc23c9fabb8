/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ISO 9660 images with Rock Ridge, Joliet, El Torito and a hybrid boot record: our own writer
 * (docs/formats/iso.md). iso_names.c makes names, iso_layout.c decides where everything is,
 * iso_rock.c makes the entries of Rock Ridge, iso_directory.c directories, iso_write.c the whole.
 */
#ifndef ASSAY_FORMATS_ISO_ISO_H
#define ASSAY_FORMATS_ISO_ISO_H

#include "base/byte_order.h"
#include "base/progress.h"
#include "formats/stream/sink.h"
#include "formats/tree/view.h"

#include <string.h>

enum {
    ISO_SECTOR = 2048,
    ISO_NAME_MAX = 210, /* bytes of an identifier: Joliet's 103 characters, and ";1" */
    ISO_VOLUME_MAX = 32,
    ISO_MBR_CODE = 432,
    ISO_CATALOG_PATH_MAX = 255,
};

struct iso_params {
    const char *volume;
    uint64_t time; /* of the image's making */
    bool joliet;
    const char *bios;   /* path of the image that a BIOS starts; NULL: none */
    const char *efi;    /* path of the FAT image that EFI starts; NULL: none */
    const uint8_t *mbr; /* ISO_MBR_CODE bytes; NULL: no hybrid */
    uint32_t disk_id;   /* of the hybrid's partition table */
};

/* Both byte orders, one after the other (ECMA-119 7.2.3, 7.3.3). */
static inline void iso_both(uint8_t *p, uint64_t value, size_t bytes)
{
    put_le(p, value, bytes);
    put_be(p + bytes, value, bytes);
}

/* ---- iso_names.c ------------------------------------------------------------ */

enum iso_flavour { ISO_PLAIN, ISO_JOLIET };

struct iso_entry {
    uint32_t node;  /* the view's */
    uint32_t child; /* its directory in iso_tree.dirs; UINT32_MAX: it is none */
    uint32_t name;  /* offset into iso_tree.names */
    uint16_t len;
    uint16_t key_len; /* without ";1", by which they are sorted */
};

struct iso_dir {
    uint32_t node;
    uint32_t parent;
    uint32_t entry; /* the one that names it; UINT32_MAX: the root */
    uint32_t first; /* into iso_tree.entries */
    uint32_t count;
    uint32_t lba;
    uint32_t size;    /* bytes of the directory */
    uint32_t sectors; /* with the continuation areas behind it */
};

/* The directories in the order of path tables, with their entries sorted. */
struct iso_tree {
    enum iso_flavour flavour;
    struct iso_dir *dirs;
    size_t dir_count, dir_cap;
    struct iso_entry *entries;
    size_t entry_count, entry_cap;
    struct buf names;
    uint32_t table_lba; /* the two path tables: little-endian, then big-endian */
    uint32_t table_size;
};

/* Appends the entries of a directory, each with a name of its own, sorted. */
int iso_name_entries(struct iso_tree *t, const struct view *v, uint32_t dir, struct err *e);

/* ---- iso_layout.c ----------------------------------------------------------- */

struct iso_layout {
    const struct view *v;
    const struct iso_params *params;
    struct iso_tree plain;
    struct iso_tree joliet;
    uint32_t *lba;   /* contents, by the view's inode */
    uint32_t *order; /* inodes whose contents are written, in their order */
    size_t order_count;
    uint32_t bios; /* inodes of the boot images; UINT32_MAX: none */
    uint32_t efi;
    uint32_t catalog;  /* LBA */
    uint32_t contents; /* LBA of the first one */
    uint32_t sectors;  /* of the volume */
    uint64_t size;     /* of the image, bytes */
};

int iso_layout(const struct view *v, const struct tree *tree, const struct iso_params *params,
               struct iso_layout *out, struct err *e);
void iso_layout_dispose(struct iso_layout *l);
#define AUTO_ISO_LAYOUT AUTO(iso_layout_dispose) struct iso_layout

static inline uint32_t iso_sectors(uint64_t bytes)
{
    return (uint32_t)((bytes + ISO_SECTOR - 1) / ISO_SECTOR);
}

/* ---- iso_rock.c ------------------------------------------------------------- */

enum { ISO_RECORD_SELF, ISO_RECORD_PARENT, ISO_RECORD_NAMED };

/*
 * Appends the System Use entries of an inode (IEEE P1281, P1282 version 1.09), each of at most 255
 * bytes. `root_self`: the root's own record, which says what system this is. `name`: NULL for "."
 * and "..".
 */
int iso_rock(const struct tree_inode *inode, uint32_t links, const char *name, bool root_self,
             struct buf *out, struct err *e);
/* Seconds as the seven bytes of ECMA-119 9.1.5, in UTC; *fits tells whether they can. */
bool iso_time(int64_t seconds, uint8_t out[7]);

/* ---- iso_directory.c -------------------------------------------------------- */

/*
 * The sectors of a directory, as if it began at sector `lba`: *size bytes of records, padded, then
 * continuation areas. Replaces what is in `out`.
 */
int iso_directory(const struct iso_layout *l, const struct iso_tree *t, uint32_t dir, uint32_t lba,
                  struct buf *out, uint32_t *size, struct err *e);

/* ---- iso_write.c ------------------------------------------------------------ */

int iso_write(const struct iso_layout *l, const struct tree *tree, struct cas *cas,
              struct progress *progress, struct sink sink, struct err *e);

#endif
