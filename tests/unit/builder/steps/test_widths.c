/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counts that meet a field's width: every writer takes what is one below a field's limit and at it,
 * and refuses what is one above, in words that say the limit; or it writes a wider form there. The
 * writers themselves are called where such a count can be had, else the check that they call.
 * (Of an image with the most owners, unsquashfs judges in tests/e2e; links of an ISO:
 * tests/unit/formats/iso.)
 */
#include "tests/unit/builder/steps/widths_trees.h"

#include "builder/steps/widths.h"
#include "formats/cpio/cpio_writer.h"
#include "formats/erofs/erofs.h"
#include "formats/ext4/ext4.h"
#include "formats/fat/fat_internal.h"
#include "formats/iso/iso.h"
#include "formats/machine/machine_config.h"
#include "formats/machine/machine_dtb.h"
#include "formats/squashfs/squashfs.h"
#include "formats/stream/blocks.h"
#include "formats/tar/go_tar.h"
#include "formats/tar/tar_header.h"
#include "formats/tar/tar_writer.h"
#include "formats/verity/verity.h"

#include <inttypes.h>
#include <sqfs/dir.h>
#include <stdio.h>

#define KIB(n) (UINT64_C(n) << 10)
#define MIB(n) (UINT64_C(n) << 20)
#define GIB(n) (UINT64_C(n) << 30)
#define TIB(n) (UINT64_C(n) << 40)
/* The last seconds of 2155, and of 34 bits from 1901. */
#define ISO_LAST INT64_C(5869583999)
#define EXT4_LAST ((INT64_C(1) << 34) - (INT64_C(1) << 31) - 1)

/* ---- writers of trees --------------------------------------------------------------------------
 */

/* A count; what is refused above (or, with `low`, below) the limit. */
struct row {
    const char *what;
    int (*run)(const struct row *row, uint64_t value);
    uint64_t field; /* of a tree, or what `run` makes of it */
    uint64_t limit;
    const char *says;
    uint64_t step; /* to the next one; 0: 1 */
    bool low;
};

static int run_squashfs(const struct row *row, uint64_t value)
{
    static const char params[] =
        "{\"compressor\":\"gzip\",\"level\":1,\"blockSize\":131072,\"fragments\":true,"
        "\"exports\":true,\"xattrs\":true,\"time\":0,\"exclude\":[]}";
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    struct step_output out = {0};
    int rc = try_step("encode.squashfs", t, params, 1, &out);
    step_output_dispose(&out);
    return rc;
}

/* One file of these contents is laid out only: nobody has them. */
static bool is_written(const struct row *row)
{
    return row->field != SIZE && row->field != DIRS;
}

static int run_ext4(const struct row *row, uint64_t value)
{
    static const struct ext4_params params = {.label = "", .xattrs = true};
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_VIEW view = {0};
    AUTO_EXT4_LAYOUT l = {0};
    struct tree_reader *reader = NULL;
    view_all(t, &view);
    assert_int_equal(tree_reader_new(t, store, &reader, &e), 0);
    int rc = ext4_layout(&view, &params, reader, &l, &e);
    tree_reader_free(reader);
    if (rc < 0 || !is_written(row))
        return rc;
    return ext4_write(&l, t, store, NULL, (struct sink){.write = keep, .context = kept}, &e);
}

static int run_erofs(const struct row *row, uint64_t value)
{
    static const uint8_t uuid[16] = {1};
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_VIEW view = {0};
    AUTO_EROFS_LAYOUT l = {0};
    view_all(t, &view);
    int rc = erofs_layout(&view, 0, true, NULL, &l, &e);
    if (rc < 0 || !is_written(row))
        return rc;
    return erofs_write(&l, t, store, NULL, uuid, (struct sink){.write = keep, .context = kept}, &e);
}

static int run_iso(const struct row *row, uint64_t value)
{
    static const struct iso_params params = {.volume = "a"};
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_VIEW view = {0};
    AUTO_ISO_LAYOUT l = {0};
    view_all(t, &view);
    int rc = iso_layout(&view, t, &params, &l, &e);
    if (rc < 0 || !is_written(row))
        return rc;
    return iso_write(&l, t, store, NULL, (struct sink){.write = keep, .context = kept}, &e);
}

static int run_cpio(const struct row *row, uint64_t value)
{
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_VIEW view = {0};
    view_all(t, &view);
    if (!is_written(row))
        return cpio_check(view_inode(&view, 1), "n", &e);
    return cpio_write(t, &view, store, NULL, (struct sink){.write = keep, .context = kept}, &e);
}

static int run_tar(const struct row *row, uint64_t value)
{
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_VIEW view = {0};
    view_all(t, &view);
    const struct tar_options options = {.tree = t, .cas = store};
    return tar_write(&options, &view, (struct sink){.write = keep, .context = kept}, &e);
}

/* ---- parts of writers --------------------------------------------------------------------------
 */

static int run_squashfs_blocks(const struct row *row, uint64_t value)
{
    return squashfs_check_blocks(value, (uint32_t)row->field, &e);
}

static int run_squashfs_reference(const struct row *row, uint64_t value)
{
    (void)row;
    return squashfs_check_reference(value << 16 | 8191, "inodes", &e);
}

/* An index of names of one byte. */
static int run_squashfs_index(const struct row *row, uint64_t value)
{
    size_t size = (size_t)value * (sizeof(sqfs_dir_index_t) + 1);
    sqfs_inode_generic_t *dir = calloc(1, sizeof(*dir) + size);
    (void)row;
    assert_non_null(dir);
    dir->payload_bytes_used = (sqfs_u32)size;
    int rc = squashfs_check_index(dir, &e);
    free(dir);
    return rc;
}

static int run_ext4_directory(const struct row *row, uint64_t value)
{
    (void)row;
    return ext4_check_directory(value, &e);
}

static int run_ext4_extents(const struct row *row, uint64_t value)
{
    struct ext4_node n = {.blocks = (uint32_t)value};
    (void)row;
    return ext4_check_extents(&n, &e);
}

/* The smallest file system with so many blocks of data, or so many inodes. */
enum { OF_DATA, OF_INODES, OF_SIZE };

static int run_ext4_size(const struct row *row, uint64_t value)
{
    const struct view view = {.inode_count = row->field == OF_INODES ? (size_t)value : 1};
    const struct ext4_params params = {.size = row->field == OF_SIZE ? value : 0};
    struct ext4_layout l = {
        .v = &view, .params = &params, .data = row->field == OF_DATA ? value : 1};
    int rc = ext4_size(&l, &e);
    if (rc < 0)
        return rc;
    /* What the super block says is what there is. */
    assert_in_range(l.blocks, l.data, UINT32_MAX);
    assert_in_range((uint64_t)l.group_count * l.group_inodes, ext4_inodes_used(&l), UINT32_MAX);
    if (value == row->limit && row->field != OF_INODES)
        assert_int_equal(l.blocks, UINT32_MAX);
    return 0;
}

/* An ISO image of so many sectors: files of nearly 4 GiB that nobody has, and a last one. */
static int run_iso_sectors(const struct row *row, uint64_t value)
{
    enum { FILES = 2049 };
    static const uint8_t mbr[ISO_MBR_CODE] = {0};
    const uint64_t most = (UINT64_C(1) << 21) - 1;
    const struct iso_params params = {.volume = "a", .mbr = row->field != 0 ? mbr : NULL};
    AUTO_TREE struct tree *t = new_tree();
    struct tree_inode *inodes[FILES];
    uint64_t fixed = 0;
    for (unsigned i = 0; i < FILES; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "%u", i);
        inodes[i] = add(t, "", name, TREE_FILE, 0644)->inode;
        inodes[i]->content.size = 1;
        memcpy(inodes[i]->content.sha256, &i, sizeof(i));
    }
    for (unsigned pass = 0;; pass++) {
        AUTO_VIEW view = {0};
        AUTO_ISO_LAYOUT l = {0};
        const struct iso_params plain = {.volume = "a"};
        view_all(t, &view);
        int rc = iso_layout(&view, t, pass == 0 ? &plain : &params, &l, &e);
        if (pass == 1)
            return rc;
        assert_int_equal(rc, 0);
        fixed = l.sectors - FILES;
        uint64_t left = value - fixed;
        for (unsigned i = 0; i < FILES; i++) {
            uint64_t rest = left - (FILES - 1 - i);
            uint64_t part = rest < most ? rest : most;
            inodes[i]->content.size = part * ISO_SECTOR;
            left -= part;
        }
        assert_int_equal(left, 0);
    }
}

static int run_go_tar(const struct row *row, uint64_t value)
{
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    char name[] = "n";
    char none[] = "";
    const struct sink sink = {.write = keep, .context = kept};
    const struct go_tar_header h = {.type = '3',
                                    .name = name,
                                    .link = none,
                                    .uname = none,
                                    .gname = none,
                                    .major = row->field == MAJOR ? (int64_t)value : 0,
                                    .minor = row->field == MINOR ? (int64_t)value : 0};
    return go_tar_write_header(&sink, &h, &e);
}

/* ---- FAT ------------------------------------------------------------------------------------- */

static int try_fat(const struct fat_options *options, const struct fat_file *files, size_t count)
{
    AUTO_FAT struct fat *f = NULL;
    return fat_new(options, files, count, &f, &e);
}

static int run_fat_file(const struct row *row, uint64_t value)
{
    const struct fat_options options = {.label = "A"};
    const struct fat_file file = {.path = "a", .size = value};
    (void)row;
    return try_fat(&options, &file, 1);
}

static int run_fat_sectors(const struct row *row, uint64_t value)
{
    const struct fat_options options = {
        .type = FAT_32, .cluster = FAT_CLUSTER_MAX, .size = value * FAT_SECTOR, .label = "A"};
    (void)row;
    return try_fat(&options, NULL, 0);
}

/* The smallest volume of the kind with so many clusters. */
static int run_fat_clusters(const struct row *row, uint64_t value)
{
    struct fat_options options = {
        .type = (enum fat_type)row->field, .cluster = FAT_SECTOR, .label = "A"};
    /* With tables that hold no more than the entries, which is the least. */
    uint64_t sectors = value + 2 * (value * (uint64_t)row->field / 8 / FAT_SECTOR);
    for (;; sectors++) {
        AUTO_FAT struct fat *f = NULL;
        options.size = sectors * FAT_SECTOR;
        int rc = fat_new(&options, NULL, 0, &f, &e);
        if (rc < 0 || f->clusters >= value)
            return rc;
    }
}

static int run_fat_root(const struct row *row, uint64_t value)
{
    const struct fat_options options = {.label = "A"};
    static char names[FAT_FILES_MAX + 1][8];
    struct fat_file files[FAT_FILES_MAX + 1] = {{0}};
    for (size_t i = 0; i < value; i++) {
        const char *dir = row->field != 0 ? (i % 2 == 0 ? "A/" : "B/") : "";
        (void)snprintf(names[i], sizeof(names[i]), "%s%zu", dir, i);
        files[i].path = names[i];
    }
    return try_fat(&options, files, (size_t)value);
}

/* ---- disks -------------------------------------------------------------------------------------
 */

static int run_blocks(const struct row *row, uint64_t value)
{
    AUTO_BLOCKS b = {.fd = -1};
    struct digest digest;
    (void)row;
    assert_int_equal(cas_put(store, "x", 1, &digest, &e), 0);
    return blocks_open(store, &digest, value, 0, BLOCKS_SECTOR, BLOCKS_MIB, &b, &e);
}

/* A disk of one byte that is not zero, and of so many. */
static int run_container(const char *kind_name, const char *more, uint64_t value)
{
    AUTO_JSON json_t *params = NULL;
    AUTO_FREE char *text = NULL;
    const struct step_kind *kind = step_kind_find(&builder_steps, kind_name);
    struct step_input input = {.id = "in", .kind = VALUE_BLOB, .size = 1};
    struct step_context context = {.cas = store, .jobs = 1};
    struct step_output out = {0};
    assert_non_null(kind);
    assert_int_equal(cas_put(store, "x", 1, &input.digest, &e), 0);
    assert_int_equal(str_format(&text, &e, "{%s\"size\":%" PRIu64 "}", more, value), 0);
    assert_int_equal(json_parse(text, strlen(text), "params", NULL, &params, &e), 0);
    struct jcur root = jcur_root(params, "params");
    int rc = step_run(&builder_runners, kind, &context, &root, &input, 1, &out, &e);
    step_output_dispose(&out);
    return rc;
}

static int run_qcow2(const struct row *row, uint64_t value)
{
    (void)row;
    return run_container("encode.qcow2", "", value);
}

static int run_vdi(const struct row *row, uint64_t value)
{
    (void)row;
    return run_container("encode.vdi", "\"type\":\"dynamic\",", value);
}

static int run_vhd(const struct row *row, uint64_t value)
{
    (void)row;
    return run_container("encode.vhd", "\"type\":\"dynamic\",\"time\":0,", value);
}

static int run_vmdk(const struct row *row, uint64_t value)
{
    (void)row;
    return run_container("encode.vmdk", "", value);
}

static int run_vmdk_sector(const struct row *row, uint64_t value)
{
    uint32_t sector = 0;
    (void)row;
    int rc = width_vmdk(value, &sector, &e);
    if (rc == 0)
        assert_int_equal(sector, value / 512);
    return rc;
}

static int run_mbr(const struct row *row, uint64_t value)
{
    (void)row;
    return width_mbr(value, &e);
}

static int run_uimage(const struct row *row, uint64_t value)
{
    (void)row;
    return width_uimage(value, &e);
}

static int run_verity(const struct row *row, uint64_t value)
{
    struct verity_layout l = {0};
    (void)row;
    int rc = verity_check(value, &e);
    if (rc == 0)
        verity_layout((value - 1) / VERITY_BLOCK + 1, &l);
    assert_in_range(l.levels, 0, VERITY_LEVELS_MAX);
    return rc;
}

/* A device tree of so many bytes: its texts make up what is missing. */
static int run_dtb(const struct row *row, uint64_t value)
{
    AUTO_BUF out = BUF_INIT(4 << 20);
    AUTO_FREE char *text = calloc(1, (size_t)value + 1);
    struct machine_config c = {.version = machine_version_find(7), .bootargs = "", .init = ""};
    (void)row;
    assert_non_null(text);
    assert_non_null(c.version);
    c.entrypoint = text;
    assert_int_equal(machine_dtb_format(&c, &out, &e), 0);
    memset(text, 'x', (size_t)(value - out.len));
    out.len = 0;
    int rc = machine_dtb_format(&c, &out, &e);
    if (rc == 0)
        assert_int_equal(out.len, value);
    return rc;
}

/* ---- what is refused --------------------------------------------------------------------------
 */

#define TREE(writer, field, ...)                                                                   \
    {                                                                                              \
#writer ": " #field, run_##writer, field, __VA_ARGS__                                      \
    }

static const struct row rows[] = {
    TREE(squashfs, MTIME, UINT32_MAX, .says = "outside of 0 to 2^32-1"),
    TREE(squashfs, MTIME, 0, .says = "outside of 0 to 2^32-1", .low = true),
    TREE(squashfs, MAJOR, 4095, .says = "up to 4095:1048575"),
    TREE(squashfs, MINOR, 1048575, .says = "up to 4095:1048575"),
    TREE(squashfs, TARGET, 4095, .says = "at most 4095"),
    {"squashfs: a file, blocks of 4 KiB", run_squashfs_blocks, 4096, TIB(2) - 1,
     .says = "less than 2199023255552"},
    {"squashfs: a file, blocks of 1 MiB", run_squashfs_blocks, 1 << 20, TIB(512) - 1,
     .says = "less than 562949953421312"},
    {"squashfs: a reference", run_squashfs_reference, 0, UINT32_MAX, .says = "at most 4 GiB"},
    {"squashfs: an index", run_squashfs_index, 0, UINT16_MAX, .says = "at most 65535"},

    TREE(ext4, MTIME, EXT4_LAST, .says = "1901 to 2446"),
    TREE(ext4, MTIME, (uint64_t)INT32_MIN, .says = "1901 to 2446", .low = true),
    TREE(ext4, MAJOR, 4095, .says = "up to 4095:1048575"),
    TREE(ext4, MINOR, 1048575, .says = "up to 4095:1048575"),
    TREE(ext4, TARGET, 4095, .says = "at most 4095"),
    TREE(ext4, LINKS, 65000, .says = "more than 65000 names"),
    /* A header, an entry, a name and an end before the value, in a block. */
    TREE(ext4, XATTR, 4096 - 32 - 16 - 4 - 4, .says = "a block of ext4 holds 4064"),
    {"ext4: a directory", run_ext4_directory, 0, UINT32_MAX, .says = "less than 4 GiB"},
    {"ext4: a file", run_ext4_extents, 0, 339 * 16384 - 1, .says = "340 runs"},
    /* 131,072 groups: two bitmaps and a block of inodes in each, the super block and 1,024 blocks
     * of descriptors in 25. */
    {"ext4: blocks", run_ext4_size, OF_DATA, UINT32_MAX - 131072 * 3 - 25 * 1025,
     .says = "less than 16 TiB"},
    {"ext4: inodes", run_ext4_size, OF_INODES, UINT64_C(131071) * 32768 - 9, .says = "2^32 inodes"},
    {"ext4: a size", run_ext4_size, OF_SIZE, TIB(16) - KIB(4), .says = "less than 16 TiB",
     .step = KIB(4)},

    TREE(erofs, MAJOR, 4095, .says = "up to 4095:1048575"),
    TREE(erofs, MINOR, 1048575, .says = "up to 4095:1048575"),
    TREE(erofs, XATTR, UINT16_MAX, .says = "at most 65535"),
    TREE(erofs, XATTRS, 65523, .says = "at most 262148"),
    /* Behind the super block and a block of inodes. */
    TREE(erofs, SIZE, TIB(16) - 3 * KIB(4), .says = "less than 16 TiB", .step = KIB(4)),

    TREE(iso, MTIME, ISO_LAST, .says = "1900 to 2155"),
    TREE(iso, MTIME, (uint64_t)INT64_C(-2208988800), .says = "1900 to 2155", .low = true),
    TREE(iso, MAJOR, 4095, .says = "up to 4095:1048575"),
    TREE(iso, MINOR, 1048575, .says = "up to 4095:1048575"),
    TREE(iso, NAME, 253, .says = "more than 253 bytes"),
    TREE(iso, TARGET, 1023, .says = "1023"),
    TREE(iso, SIZE, UINT32_MAX, .says = "4 GiB or more"),
    TREE(iso, DIRS, UINT16_MAX, .says = "more than 65535 directories"),
    {"iso: sectors", run_iso_sectors, 0, UINT32_MAX, .says = "less than 8 TiB"},
    {"iso: sectors of a hybrid", run_iso_sectors, 1, (TIB(2) - MIB(1)) / ISO_SECTOR,
     .says = "less than 2 TiB"},

    TREE(cpio, MTIME, UINT32_MAX, .says = "0 to 2^32-1"),
    TREE(cpio, MTIME, 0, .says = "0 to 2^32-1", .low = true),
    TREE(cpio, MAJOR, 4095, .says = "up to 4095:1048575"),
    TREE(cpio, MINOR, 1048575, .says = "up to 4095:1048575"),
    TREE(cpio, SIZE, UINT32_MAX, .says = "less than 4 GiB"),

    TREE(tar, MAJOR, 2097151, .says = "up to 2097151"),
    TREE(tar, MINOR, 2097151, .says = "up to 2097151"),
    TREE(go_tar, MAJOR, 2097151, .says = "above 2097151"),
    TREE(go_tar, MINOR, 2097151, .says = "above 2097151"),

    {"fat: a file", run_fat_file, 0, UINT32_MAX, .says = "below 4 GiB"},
    {"fat: sectors", run_fat_sectors, 0, UINT32_MAX, .says = "less than 2 TiB"},
    {"fat: clusters of FAT12", run_fat_clusters, FAT_12, 4085 - 16,
     .says = "at most 4069 clusters"},
    {"fat: clusters of FAT16", run_fat_clusters, FAT_16, 65525 - 16,
     .says = "at most 65509 clusters"},
    {"fat: clusters of FAT32", run_fat_clusters, FAT_32, 0x0ffffff0,
     .says = "at most 268435440 clusters"},
    {"fat: entries of the root", run_fat_root, 0, 511, .says = "room for 512"},
    {"fat: files", run_fat_root, 1, FAT_FILES_MAX, .says = "more than 1024 files"},

    {"disk: sectors of an MBR", run_mbr, 0, UINT32_MAX, .says = "2 TiB and more"},
    {"container: bytes", run_blocks, 0, TIB(16), .says = "1 byte to 16 TiB"},
    {"qcow2: a size", run_qcow2, 0, TIB(16), .says = "17592186044416", .step = 512},
    {"vdi: a size", run_vdi, 0, TIB(16), .says = "17592186044416", .step = 512},
    {"vhd: a size", run_vhd, 0, GIB(2040), .says = "at most 2040 GiB", .step = MIB(1)},
    {"vmdk: a size", run_vmdk, 0, TIB(16), .says = "17592186044416", .step = KIB(64)},
    {"vmdk: a sector", run_vmdk_sector, 0, TIB(2) - 1, .says = "less than 2 TiB"},
    {"uimage: bytes", run_uimage, 0, UINT32_MAX - 8, .says = "1 to 4294967287 bytes"},
    {"verity: bytes", run_verity, 0, UINT64_C(1) << 63, .says = "up to 9223372036854775808"},
    {"dtb: bytes", run_dtb, 0, MACHINE_DTB_SIZE, .says = "1 MiB", .step = 8},
};

static void test_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        uint64_t step = row->step == 0 ? 1 : row->step;
        uint64_t inside = row->low ? row->limit + step : row->limit - step;
        uint64_t outside = row->low ? row->limit - step : row->limit + step;
        char line[ERR_FRAMES * ERR_FRAME_MAX] = "";
        if (row->run(row, inside) < 0 || row->run(row, row->limit) < 0)
            fail_msg("%s: %s", row->what, err_line(&e, line, sizeof(line)));
        int rc = row->run(row, outside);
        if (rc != -ERR_INPUT || strstr(err_line(&e, line, sizeof(line)), row->says) == NULL)
            fail_msg("%s, one more: %d '%s' does not say '%s'", row->what, rc, line, row->says);
    }
}

/* ---- what has a wider form ---------------------------------------------------------------------
 */

/* Up to the limit a number stands in its field; above, in the wider form that the format has. */
struct wider {
    const char *what;
    bool (*is_wide)(const struct wider *row, uint64_t value);
    int field;
    uint64_t limit;
};

/* A record of an extended header stands before the entry's own. */
static bool wide_tar(const struct wider *row, uint64_t value)
{
    enum { PLACES = 4 };
    static const enum tar_place places[PLACES] = {TAR_UID, TAR_SIZE, TAR_MTIME, TAR_NAME};
    static const int fields[PLACES] = {UID, SIZE, MTIME, NAME};
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_VIEW view = {0};
    view_all(t, &view);
    const struct tar_options options = {.tree = t, .cas = store};
    /* The content of a large file is not there: what comes first has been written. */
    int rc = tar_write(&options, &view, (struct sink){.write = keep, .context = kept}, &e);
    assert_true(rc == 0 || row->field == SIZE);
    if (kept->data[tar_fields[TAR_TYPE].start] == 'x')
        return true;
    for (size_t i = 0; i < PLACES; i++) {
        int64_t number = 0;
        if (fields[i] != row->field || row->field == NAME)
            continue;
        assert_true(tar_number(kept->data, places[i], &number));
        assert_int_equal(number, value);
    }
    return false;
}

static bool wide_erofs(const struct wider *row, uint64_t value)
{
    AUTO_TREE struct tree *t = tree_with((enum field)row->field, value);
    AUTO_VIEW view = {0};
    AUTO_EROFS_LAYOUT l = {0};
    view_all(t, &view);
    assert_int_equal(erofs_layout(&view, 0, true, NULL, &l, &e), 0);
    return !l.inodes[view.nodes[1].inode].compact;
}

/* A directory of ext4 with too many links says 1. */
static bool wide_ext4_links(const struct wider *row, uint64_t value)
{
    static const struct ext4_params params = {.label = ""};
    AUTO_TREE struct tree *t = new_tree();
    AUTO_VIEW view = {0};
    AUTO_EXT4_LAYOUT l = {0};
    char name[32];
    (void)row;
    for (uint64_t i = 2; i < value; i++) {
        (void)snprintf(name, sizeof(name), "%" PRIu64, i);
        (void)add(t, "", name, TREE_DIR, 0755);
    }
    view_all(t, &view);
    assert_int_equal(ext4_layout(&view, &params, NULL, &l, &e), 0);
    assert_true(l.nodes[0].links == value || l.nodes[0].links == 1);
    return l.nodes[0].links == 1;
}

/* Sectors of a volume: 16 bits, or behind them 32. */
static bool wide_fat(const struct wider *row, uint64_t value)
{
    const struct fat_options options = {
        .type = FAT_16, .cluster = 1024, .size = value * FAT_SECTOR, .label = "A"};
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_FAT struct fat *f = NULL;
    (void)row;
    assert_int_equal(fat_new(&options, NULL, 0, &f, &e), 0);
    assert_int_equal(
        fat_write(f, store, 0, NULL, (struct sink){.write = keep, .context = kept}, &e), 0);
    assert_int_equal(kept->len, value * FAT_SECTOR);
    uint64_t narrow = get_le(kept->data + 19, 2);
    uint64_t wide = get_le(kept->data + 32, 4);
    assert_int_equal(narrow + wide, value);
    return narrow == 0;
}

/* The EFI image's sectors in El Torito's catalog: 16 bits, or 0. */
static bool wide_iso(const struct wider *row, uint64_t value)
{
    const struct iso_params params = {.volume = "a", .efi = "efi"};
    AUTO_TREE struct tree *t = new_tree();
    AUTO_FREE uint8_t *image = calloc((size_t)value, 512);
    AUTO_FREE struct kept *kept = calloc(1, sizeof(*kept));
    AUTO_VIEW view = {0};
    AUTO_ISO_LAYOUT l = {0};
    struct tree_packer *p = new_packer(t);
    (void)row;
    fill(p, add(t, "", "efi", TREE_FILE, 0644), image, (size_t)value * 512);
    commit(p);
    view_all(t, &view);
    assert_int_equal(iso_layout(&view, t, &params, &l, &e), 0);
    assert_int_equal(
        iso_write(&l, t, store, NULL, (struct sink){.write = keep, .context = kept}, &e), 0);
    const uint8_t *entry = kept->data + (size_t)l.catalog * ISO_SECTOR + 32;
    assert_int_equal(entry[0], 0x88);
    uint64_t sectors = get_le(entry + 6, 2);
    assert_true(sectors == 0 || sectors == value);
    return sectors == 0;
}

static const struct wider widers[] = {
    {"tar: uid", wide_tar, UID, 2097151},
    {"tar: size", wide_tar, SIZE, GIB(8) - 1},
    {"tar: mtime", wide_tar, MTIME, GIB(8) - 1},
    {"tar: name", wide_tar, NAME, 100},
    {"erofs: uid", wide_erofs, UID, UINT16_MAX},
    {"erofs: links", wide_erofs, LINKS, UINT16_MAX},
    {"erofs: size", wide_erofs, SIZE, UINT32_MAX},
    {"ext4: links of a directory", wide_ext4_links, 0, 64999},
    {"fat: sectors", wide_fat, 0, UINT16_MAX},
    {"iso: sectors of EFI's image", wide_iso, 0, UINT16_MAX},
};

static void test_wider(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(widers) / sizeof(widers[0]); i++) {
        const struct wider *row = &widers[i];
        if (row->is_wide(row, row->limit - 1) || row->is_wide(row, row->limit))
            fail_msg("%s: the wider form where the field holds it", row->what);
        if (!row->is_wide(row, row->limit + 1))
            fail_msg("%s: not the wider form", row->what);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_wider),
    };
    return cmocka_run_group_tests_name("steps/widths", tests, setup, teardown);
}
