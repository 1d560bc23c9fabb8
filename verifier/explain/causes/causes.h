/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The causes, one file each in this folder: `time_mtime` is cause_time_mtime of time_mtime.c. The
 * first that explains a difference has it, so what is special stands before what is general.
 */
#ifndef ASSAY_VERIFIER_EXPLAIN_CAUSES_CAUSES_H
#define ASSAY_VERIFIER_EXPLAIN_CAUSES_CAUSES_H

#include "verifier/explain/cause.h"

/* One row a line: rows that are added side by side do not conflict. */
/* clang-format off */
#define CAUSES(row) \
    row(gzip_header) \
    row(time_mtime) \
    row(time_superblock) \
    row(owner_names) \
    row(owner_uid_gid) \
    row(mode_umask) \
    row(xattr) \
    row(fs_uuid) \
    row(fs_seed) \
    row(compress_level) \
    row(compress_threads) \
    row(compress_tool) \
    row(archive_format) \
    row(pack_layout) \
    row(pack_checksum) \
    row(signature_embedded) \
    row(input_drift) \
    row(order_symbols) \
    row(locale) \
    row(order_entries) \
    row(order_hash) \
    row(moved) \
    row(absent) \
    row(extra) \
    row(unread) \
    row(content_code) \
    row(elf_build_id_only) \
    row(elf_build_id) \
    row(tz) \
    row(time_embedded) \
    row(path_build) \
    row(host_name) \
    row(user_name) \
    row(kernel_uname) \
    row(cpu_count) \
    row(random_id) \
    row(tool_version) \
    row(content)
/* clang-format on */

#define CAUSE_DECLARED(name) extern const struct cause cause_##name;
CAUSES(CAUSE_DECLARED)

#endif
