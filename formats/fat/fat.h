/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FAT12, FAT16 and FAT32 volumes, written front to back (docs/formats/fat.md;
 * Microsoft, "FAT: General Overview of On-Disk Format", 1.03; the UEFI
 * specification's 13.3 for what firmware reads).
 *
 * Everything is laid out before the first byte is written: every directory and
 * file is one run of clusters, directories first, then files in the order of
 * their paths. The number of clusters agrees with the kind of FAT, which is all
 * that readers go by. Nothing in it depends on anything but the arguments.
 */
#ifndef ASSAY_FORMATS_FAT_FAT_H
#define ASSAY_FORMATS_FAT_FAT_H

#include "formats/stream/sink.h"
#include "formats/tree/tree.h"

enum fat_type { FAT_AUTO = 0, FAT_12 = 12, FAT_16 = 16, FAT_32 = 32 };

enum {
    FAT_SECTOR = 512,
    FAT_FILES_MAX = 1024,
    FAT_DEPTH_MAX = 16,
    FAT_LABEL_MAX = 11,
    FAT_CLUSTER_MAX = 32768 /* bytes */
};

enum fat_attribute { FAT_READ_ONLY = 1, FAT_HIDDEN = 2, FAT_SYSTEM = 4 };

struct fat_file {
    const char *path;    /* "EFI/BOOT/BOOTX64.EFI"; its directories are made */
    const uint8_t *data; /* `size` bytes; NULL: the blob `digest` of the store */
    struct digest digest;
    uint64_t size;
    unsigned attributes;
};

struct fat_options {
    enum fat_type type; /* FAT_AUTO: the smallest that holds the files, or what fits the size */
    uint64_t size;      /* bytes, a multiple of 512; 0: the smallest that holds the files */
    uint32_t cluster;   /* bytes, a power of two from 512; 0: by the size */
    const char *label;  /* at most 11 of A-Z 0-9 _ - and space */
    int64_t time;       /* of every entry; before 1980 it is 1980, after 2107 2107 */
    uint32_t hidden;    /* sectors before the volume on its disk */
};

struct fat;

/* A label that volumes can have. */
bool fat_label_valid(const char *label);
/* 1 to 255 of the printable ASCII characters that long names may hold per component, no component
 * that ends in a space or a dot, at most FAT_DEPTH_MAX of them. */
bool fat_path_valid(const char *path);

/*
 * Lays the volume out. `files` and what they point to are borrowed until
 * fat_free(); file.data may still change its bytes until fat_write(), not its
 * size. ERR_INPUT: two files with the same name but for the case of letters, a
 * file of 4 GiB, or too little room.
 */
int fat_new(const struct fat_options *options, const struct fat_file *files, size_t count,
            struct fat **out, struct err *e);
void fat_free(struct fat *f);
uint64_t fat_size(const struct fat *f); /* bytes */
/* Where a file (not an empty one) begins, in sectors from the start of the volume; it is one run.
 */
uint32_t fat_file_sector(const struct fat *f, size_t file);
/*
 * Writes it. `boot` is a boot sector whose jump, OEM name and code (from offset 90) are taken; NULL
 * for a volume that nothing boots from. `serial` is the volume's.
 */
int fat_write(const struct fat *f, struct cas *cas, uint32_t serial, const uint8_t *boot,
              struct sink out, struct err *e);

static inline void scope_fat(struct fat **f)
{
    fat_free(*f);
}
#define AUTO_FAT AUTO(scope_fat)

#endif
