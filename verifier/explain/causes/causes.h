/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of the table in cause.c, one file each in this folder. */
#ifndef ASSAY_VERIFIER_EXPLAIN_CAUSES_CAUSES_H
#define ASSAY_VERIFIER_EXPLAIN_CAUSES_CAUSES_H

#include "verifier/explain/cause.h"

extern const struct cause cause_time_mtime;
extern const struct cause cause_time_superblock;
extern const struct cause cause_owner_names;
extern const struct cause cause_owner_uid_gid;
extern const struct cause cause_mode_umask;
extern const struct cause cause_xattr;
extern const struct cause cause_fs_uuid;
extern const struct cause cause_fs_seed;
extern const struct cause cause_host_name;
extern const struct cause cause_path_build;
extern const struct cause cause_tool_version;
extern const struct cause cause_compress_tool;
extern const struct cause cause_archive_format;
extern const struct cause cause_pack_layout;
extern const struct cause cause_pack_checksum;
extern const struct cause cause_signature_embedded;
extern const struct cause cause_order_entries;
extern const struct cause cause_moved;
extern const struct cause cause_absent;
extern const struct cause cause_extra;
extern const struct cause cause_unread;
extern const struct cause cause_content_code;
extern const struct cause cause_elf_build_id;
extern const struct cause cause_time_embedded;
extern const struct cause cause_content_data;

#endif
