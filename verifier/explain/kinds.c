/* SPDX-License-Identifier: Apache-2.0 */
#include "verifier/explain/kinds.h"

#include "formats/ar/ar_object.h"
#include "formats/compressed/compressed_object.h"
#include "formats/cpio/cpio_object.h"
#include "formats/disk/disk_object.h"
#include "formats/disk/image_object.h"
#include "formats/elf/elf_object.h"
#include "formats/erofs/erofs_object.h"
#include "formats/ext4/ext4_object.h"
#include "formats/fat/fat_object.h"
#include "formats/iso/iso_object.h"
#include "formats/json/json_object.h"
#include "formats/object/directory.h"
#include "formats/oci/oci_object.h"
#include "formats/pe/pe_object.h"
#include "formats/python/pyc_object.h"
#include "formats/squashfs/squashfs_object.h"
#include "formats/tar/tar_object.h"
#include "formats/zip/zip_object.h"

#include <errno.h>
#include <sys/stat.h>

/* One row a line. What is told by few bytes, or by bytes far inside, stands last. */
/* clang-format off */
const struct object_kind *const object_kinds[] = {
    &object_kind_squashfs,
    &object_kind_gzip,
    &object_kind_xz,
    &object_kind_zstd,
    &object_kind_lz4,
    &object_kind_bzip2,
    &object_kind_elf,
    &object_kind_zip,
    &object_kind_pe,
    &object_kind_pyc,
    &object_kind_ar,
    &object_kind_cpio,
    &object_kind_tar,
    &object_kind_qcow2,
    &object_kind_vdi,
    &object_kind_iso,
    &object_kind_vhd,
    &object_kind_gpt,
    &object_kind_ext4,
    &object_kind_erofs,
    &object_kind_fat,
    &object_kind_mbr,
    &object_kind_json,
    NULL,
};
/* clang-format on */
const size_t object_kind_count = sizeof(object_kinds) / sizeof(object_kinds[0]) - 1;

int kind_of(const struct bytes *bytes, const struct object_kind **out, struct err *e)
{
    uint8_t head[OBJECT_HEAD_MAX];
    size_t got = 0;
    *out = NULL;
    int rc = bytes_peek(bytes, 0, head, sizeof(head), &got, e);
    for (size_t i = 0; rc == 0 && *out == NULL && i < object_kind_count; i++)
        if (object_kinds[i]->is(bytes, head, got))
            *out = object_kinds[i];
    return rc;
}

int kind_open_path(const char *path, struct budget *budget, struct bytes **bytes,
                   struct object **directory, struct err *e)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return err_os_code(e, ERR_INPUT, errno, "cannot open '%s'", path);
    if (!S_ISDIR(st.st_mode))
        return bytes_open(path, bytes, e);
    int rc = oci_object_open(path, budget, directory, e);
    return rc < 0 || *directory != NULL ? rc : object_open_directory(path, budget, directory, e);
}
