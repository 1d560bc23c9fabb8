/* SPDX-License-Identifier: Apache-2.0 */
/* What iso_object.c and iso_rock_reader.c share: a record of a directory, and what Rock Ridge says
 * of it. */
#ifndef ASSAY_FORMATS_ISO_ISO_READER_H
#define ASSAY_FORMATS_ISO_ISO_READER_H

#include "formats/stream/bytes.h"

/* ECMA-119 §9.1: offsets within a record. Numbers stand in both byte orders; the little one is
 * read.
 */
enum iso_record_fields {
    ISO_R_LENGTH = 0,
    ISO_R_XATTR_LENGTH = 1,
    ISO_R_EXTENT = 2,
    ISO_R_SIZE = 10,
    ISO_R_TIME = 18,
    ISO_R_FLAGS = 25,
    ISO_R_UNIT = 26,
    ISO_R_GAP = 27,
    ISO_R_NAME_LENGTH = 32,
    ISO_R_NAME = 33,
    ISO_FLAG_HIDDEN = 1,
    ISO_FLAG_DIRECTORY = 2,
    ISO_FLAG_MORE = 0x80, /* of one file: another extent follows */
    ISO_SECTOR = 2048,
};

struct iso_rock {
    bool there;
    bool has_name;
    bool relocated; /* RE: it stands elsewhere, too */
    uint32_t child; /* CL: the directory that it stands for; 0: none */
    uint32_t mode;  /* with the type, as stat's */
    uint32_t uid;
    uint32_t gid;
    uint64_t device;  /* major << 32 | minor */
    int64_t times[7]; /* TF's, in its order: created, modified, read, changed, … */
    bool has_time[7];
    struct buf name;
    struct buf target;
};
void iso_rock_dispose(struct iso_rock *r);
#define AUTO_ISO_ROCK AUTO(iso_rock_dispose) struct iso_rock

/*
 * Entries of the system use area (SUSP 1.12, RRIP 1.12), those elsewhere (CE) included. `skip` is
 * what SP says; `used` is told of areas elsewhere. ERR_INPUT when they are damaged.
 */
int iso_rock_read(const struct bytes *image, const uint8_t *area, size_t len, size_t skip,
                  int (*used)(void *context, uint64_t start, uint64_t len, struct err *e),
                  void *context, struct iso_rock *out, struct err *e);
/* Seven bytes of local time and a zone in quarters of an hour. */
int64_t iso_short_time(const uint8_t time[7]);

#endif
