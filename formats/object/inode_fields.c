/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/object/inode_fields.h"

#include <sys/stat.h>

enum member_type member_type_of_mode(uint32_t mode)
{
    static const struct {
        mode_t format;
        enum member_type type;
    } types[] = {{S_IFDIR, MEMBER_DIRECTORY}, {S_IFLNK, MEMBER_SYMLINK}, {S_IFCHR, MEMBER_CHAR},
                 {S_IFBLK, MEMBER_BLOCK},     {S_IFIFO, MEMBER_FIFO},    {S_IFSOCK, MEMBER_SOCKET}};
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if ((mode & S_IFMT) == types[i].format)
            return types[i].type;
    return MEMBER_FILE;
}

uint64_t member_device(uint32_t packed)
{
    return (uint64_t)(packed >> 8 & 0xfff) << 32 | (packed & 0xff) | (packed >> 12 & 0xfff00);
}

int object_inode_fields(struct object *o, enum member_type type, const struct inode_fields *inode,
                        struct err *e)
{
    bool device = type == MEMBER_CHAR || type == MEMBER_BLOCK;
    bool link = type == MEMBER_SYMLINK || type == MEMBER_HARDLINK;
    const struct {
        bool has;
        struct field field;
    } all[] = {
        {type != MEMBER_SYMLINK, {"mode", FIELD_MODE, FIELD_OCTAL, .number = inode->mode}},
        {true, {"uid", FIELD_OWNER, FIELD_NUMBER, .number = inode->uid}},
        {true, {"gid", FIELD_OWNER, FIELD_NUMBER, .number = inode->gid}},
        {true, {"mtime", FIELD_TIME, FIELD_SECONDS, .number = (uint64_t)inode->mtime}},
        {inode->mtime_ns != 0, {"mtime.ns", FIELD_TIME, FIELD_NUMBER, .number = inode->mtime_ns}},
        {device, {"device", FIELD_MEANING, FIELD_NUMBER, .number = inode->device}},
        {link,
         {"link", FIELD_MEANING, FIELD_TEXT, .data = (const uint8_t *)inode->target,
          .len = inode->target_len}},
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i].has)
            rc = object_member_field(o, all[i].field, e);
    return rc;
}

int object_inode_xattr(struct object *o, const char *name, const void *value, size_t len,
                       struct err *e)
{
    AUTO_FREE char *full = NULL;
    int rc = str_format(&full, e, "xattr.%s", name);
    if (rc < 0)
        return rc;
    return object_member_field(
        o,
        (struct field){
            .name = full, .class = FIELD_XATTR, .form = FIELD_BYTES, .data = value, .len = len},
        e);
}
