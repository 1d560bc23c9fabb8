/* SPDX-License-Identifier: Apache-2.0 */
/* Where what stands in ext4's structures (Linux, Documentation/filesystems/ext4). All numbers are
 * little-endian. */
#ifndef ASSAY_FORMATS_EXT4_EXT4_FORMAT_H
#define ASSAY_FORMATS_EXT4_EXT4_FORMAT_H

enum ext4_super_fields {
    EXT4_SUPER = 1024, /* where it begins, and its size */
    EXT4_S_INODES = 0,
    EXT4_S_BLOCKS = 4,
    EXT4_S_FIRST_DATA_BLOCK = 20,
    EXT4_S_LOG_BLOCK = 24,
    EXT4_S_GROUP_BLOCKS = 32,
    EXT4_S_GROUP_INODES = 40,
    EXT4_S_MOUNT_TIME = 44,
    EXT4_S_WRITE_TIME = 48,
    EXT4_S_MOUNTS = 52,
    EXT4_S_MOUNTS_MAX = 54,
    EXT4_S_MAGIC = 56,
    EXT4_S_STATE = 58,
    EXT4_S_ERRORS = 60,
    EXT4_S_CHECK_TIME = 64,
    EXT4_S_CHECK_INTERVAL = 68,
    EXT4_S_CREATOR = 72,
    EXT4_S_REVISION = 76,
    EXT4_S_RESERVED_UID = 80,
    EXT4_S_RESERVED_GID = 82,
    EXT4_S_INODE_SIZE = 88,
    EXT4_S_COMPATIBLE = 92,
    EXT4_S_INCOMPATIBLE = 96,
    EXT4_S_READ_ONLY = 100,
    EXT4_S_UUID = 104,
    EXT4_S_LABEL = 120,
    EXT4_S_LAST_MOUNTED = 136,
    EXT4_S_JOURNAL_UUID = 208,
    EXT4_S_HASH_SEED = 236,
    EXT4_S_HASH_VERSION = 252,
    EXT4_S_DESCRIPTOR_SIZE = 254,
    EXT4_S_MOUNT_OPTIONS = 256,
    EXT4_S_FIRST_META_GROUP = 260,
    EXT4_S_MADE_TIME = 264,
    EXT4_S_BLOCKS_HIGH = 336,
    EXT4_S_FLAGS = 352,
    EXT4_S_PROTECTION_BLOCK = 360,
    EXT4_S_WRITTEN = 376,
    EXT4_S_BACKUP_GROUPS = 588,
    EXT4_S_CHECKSUM_SEED = 624,
    EXT4_S_ORPHANS = 640,
    EXT4_S_CHECKSUM = 1020,
    EXT4_MAGIC = 0xef53,
};

enum ext4_features {
    EXT4_ORPHAN_FILE = 0x1000, /* compatible */
    EXT4_TWO_BACKUPS = 0x200,  /* compatible: of the super block, in groups that it names */
    EXT4_FEW_BACKUPS = 1,      /* read-only: in groups 0, 1 and powers of 3, 5 and 7 */
    EXT4_META_GROUPS = 0x10,   /* incompatible, as what follows */
    EXT4_64BIT = 0x80,
    EXT4_PROTECTION = 0x100,           /* against being mounted twice */
    EXT4_INCOMPATIBLE_KNOWN = 0x3e7d6, /* all but compression, journal devices and directory data */
};

enum ext4_descriptor_fields {
    EXT4_D_BLOCK_MAP = 0,
    EXT4_D_INODE_MAP = 4,
    EXT4_D_INODE_TABLE = 8,
    EXT4_D_BLOCK_MAP_HIGH = 32,
    EXT4_D_INODE_MAP_HIGH = 36,
    EXT4_D_INODE_TABLE_HIGH = 40,
    EXT4_DESCRIPTOR_MIN = 32,
    EXT4_DESCRIPTOR_64BIT = 64,
};

enum ext4_inode_fields {
    EXT4_I_MODE = 0,
    EXT4_I_UID = 2,
    EXT4_I_SIZE = 4,
    EXT4_I_ATIME = 8,
    EXT4_I_CTIME = 12,
    EXT4_I_MTIME = 16,
    EXT4_I_GID = 24,
    EXT4_I_LINKS = 26,
    EXT4_I_FLAGS = 32,
    EXT4_I_BLOCK = 40,
    EXT4_I_BLOCK_SIZE = 60,
    EXT4_I_GENERATION = 100,
    EXT4_I_XATTR = 104,
    EXT4_I_SIZE_HIGH = 108,
    EXT4_I_XATTR_HIGH = 118,
    EXT4_I_UID_HIGH = 120,
    EXT4_I_GID_HIGH = 122,
    EXT4_I_OLD = 128, /* bytes of the oldest */
    EXT4_I_EXTRA = 128,
    EXT4_I_CTIME_EXTRA = 132,
    EXT4_I_MTIME_EXTRA = 136,
    EXT4_I_ATIME_EXTRA = 140,
    EXT4_I_MADE_TIME = 144,
    EXT4_I_MADE_TIME_EXTRA = 148,
    EXT4_I_PROJECT = 156,
};

enum ext4_inode_flags {
    EXT4_FLAGS_OF_LAYOUT = 0x106c1000, /* how it is stored; all others mean something to users */
    EXT4_FLAG_EXTENTS = 0x80000,
    EXT4_FLAG_INLINE = 0x10000000,
};

enum ext4_inode_numbers { EXT4_INODE_ROOT = 2, EXT4_INODE_RESIZE = 7, EXT4_INODE_JOURNAL = 8 };

enum ext4_extent_fields {
    EXT4_E_MAGIC = 0,
    EXT4_E_ENTRIES = 2,
    EXT4_E_DEPTH = 6,
    EXT4_E_HEADER = 12, /* its size, and that of each entry */
    EXT4_E_AT = 0,
    EXT4_E_LEN = 4, /* of a leaf */
    EXT4_E_START_HIGH = 6,
    EXT4_E_START = 8,
    EXT4_E_CHILD = 4, /* of an index */
    EXT4_E_CHILD_HIGH = 8,
    EXT4_E_LEN_MAX = 32768, /* more: room that was never written to */
    EXT4_E_DEPTH_MAX = 5,
    EXT4_EXTENT_MAGIC = 0xf30a,
};

enum ext4_entry_fields {
    EXT4_N_INODE = 0,
    EXT4_N_LENGTH = 4,
    EXT4_N_NAME_LENGTH = 6,
    EXT4_N_NAME = 8,
};

enum ext4_xattr_fields {
    EXT4_X_BLOCK_HEADER = 32,
    EXT4_X_NAME_LENGTH = 0,
    EXT4_X_INDEX = 1,
    EXT4_X_OFFSET = 2,
    EXT4_X_INODE = 4,
    EXT4_X_SIZE = 8,
    EXT4_X_NAME = 16,
    EXT4_X_SYSTEM = 7, /* the index of "system." */
};
#define EXT4_XATTR_MAGIC UINT32_C(0xea020000)

#endif
