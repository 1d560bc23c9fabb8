/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of an image, from its boot record to its padding. */
#include "base/host.h"
#include "formats/iso/iso.h"
#include "formats/tree/image_writer.h"

#include <string.h>

enum {
    SYSTEM_SECTORS = 16,
    PVD_LBA = 16,
    LOAD_SECTORS = 4, /* of 512 bytes that a BIOS loads, as boot loaders for CDs want */
    TABLE_OFFSET = 8, /* of the boot information table in the boot image */
    TABLE_END = 64,
    MBR_SIZE = 512,
    HEADS = 64,
    TRACK = 32,
    PLATFORM_BIOS = 0,
    PLATFORM_EFI = 0xef,
};

struct writer {
    const struct iso_layout *l;
    struct image_writer out;
};

/* ---- system area ------------------------------------------------------------------ */

/* A partition from sector `start`, of `count`, of 512 bytes; its cylinders end at 1024. */
static void partition(uint8_t *p, uint8_t type, bool active, uint64_t start, uint64_t count)
{
    uint64_t last = start + count - 1;
    uint64_t chs[2] = {start, last};

    p[0] = active ? 0x80 : 0;
    p[4] = type;
    for (size_t i = 0; i < 2; i++) {
        uint64_t cylinder = chs[i] / (HEADS * TRACK);
        if (cylinder > 1023)
            cylinder = 1023;
        uint8_t *at = p + 1 + 4 * i;
        at[0] = (uint8_t)(chs[i] / TRACK % HEADS);
        at[1] = (uint8_t)(chs[i] % TRACK + 1 + ((cylinder >> 8) << 6));
        at[2] = (uint8_t)cylinder;
    }
    put_le32(p + 8, (uint32_t)start);
    put_le32(p + 12, (uint32_t)count);
}

static uint64_t file_size(const struct iso_layout *l, uint32_t inode)
{
    return l->v->inodes[inode].inode->content.size;
}

/* As isohybrid does: the code, where the boot image is, and partitions over the whole and EFI's. */
static int write_system_area(struct writer *w, struct err *e)
{
    const struct iso_layout *l = w->l;
    uint8_t mbr[MBR_SIZE] = {0};

    if (l->params->mbr != NULL) {
        memcpy(mbr, l->params->mbr, ISO_MBR_CODE);
        put_le32(mbr + ISO_MBR_CODE, l->lba[l->bios] * 4);
        put_le32(mbr + 440, l->params->disk_id);
        partition(mbr + 446, 0x17, true, 0, l->size / 512);
        if (l->efi != UINT32_MAX)
            partition(mbr + 462, 0xef, false, (uint64_t)l->lba[l->efi] * 4,
                      (file_size(l, l->efi) + 511) / 512);
        mbr[510] = 0x55;
        mbr[511] = 0xaa;
    }
    int rc = image_put(&w->out, mbr, sizeof(mbr), e);
    if (rc < 0)
        return rc;
    return image_zeros_to(&w->out, SYSTEM_SECTORS * ISO_SECTOR, e);
}

/* ---- descriptors ------------------------------------------------------------------ */

/* Text padded with spaces; as UCS-2 for Joliet. */
static void put_text(uint8_t *p, const char *text, size_t size, enum iso_flavour flavour)
{
    size_t unit = flavour == ISO_JOLIET ? 2 : 1;
    size_t len = strlen(text);

    for (size_t i = 0; i + unit <= size; i += unit)
        put_be(p + i, i / unit < len ? (uint8_t)text[i / unit] : ' ', unit);
}

/* ECMA-119 8.4.26.1: digits and a zone of 0; without a time all is '0'. */
static void put_date(uint8_t *p, uint64_t seconds)
{
    uint8_t t[7];

    memset(p, '0', 16);
    p[16] = 0;
    if (!iso_time((int64_t)seconds, t))
        return;
    unsigned year = 1900U + t[0];
    const unsigned parts[] = {year / 100, year % 100, t[1], t[2], t[3], t[4], t[5]};
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        p[2 * i] = (uint8_t)('0' + parts[i] / 10);
        p[2 * i + 1] = (uint8_t)('0' + parts[i] % 10);
    }
}

static void put_root(const struct iso_tree *t, int64_t mtime, uint8_t *p)
{
    p[0] = 34;
    iso_both(p + 2, t->dirs[0].lba, 4);
    iso_both(p + 10, t->dirs[0].size, 4);
    (void)iso_time(mtime, p + 18);
    p[25] = 2;
    iso_both(p + 28, 1, 2);
    p[32] = 1;
}

static int write_volume(struct writer *w, const struct iso_tree *t, struct err *e)
{
    const struct iso_layout *l = w->l;
    uint8_t d[ISO_SECTOR] = {0};

    d[0] = t->flavour == ISO_PLAIN ? 1 : 2;
    memcpy(d + 1, "CD001\x01", 6);
    put_text(d + 8, "LINUX", 32, t->flavour);
    put_text(d + 40, l->params->volume, 32, t->flavour);
    iso_both(d + 80, l->sectors, 4);
    if (t->flavour == ISO_JOLIET)
        memcpy(d + 88, "%/E", 3);
    iso_both(d + 120, 1, 2);
    iso_both(d + 124, 1, 2);
    iso_both(d + 128, ISO_SECTOR, 2);
    iso_both(d + 132, t->table_size, 4);
    put_le32(d + 140, t->table_lba);
    put_be32(d + 148, t->table_lba + iso_sectors(t->table_size));
    put_root(t, view_inode(l->v, 0)->mtime, d + 156);
    put_text(d + 190, "", 128, t->flavour); /* volume set */
    put_text(d + 318, "", 128, t->flavour); /* publisher */
    put_text(d + 446, "", 128, t->flavour); /* preparer */
    put_text(d + 574, "ASSAY", 128, t->flavour);
    put_text(d + 702, "", 37, t->flavour);
    put_text(d + 739, "", 37, t->flavour);
    put_text(d + 776, "", 37, t->flavour);
    put_date(d + 813, l->params->time);
    put_date(d + 830, l->params->time);
    put_date(d + 847, UINT64_MAX >> 1);
    put_date(d + 864, l->params->time);
    d[881] = 1;
    return image_put(&w->out, d, sizeof(d), e);
}

static bool bootable(const struct iso_layout *l)
{
    return l->bios != UINT32_MAX || l->efi != UINT32_MAX;
}

static int write_descriptors(struct writer *w, struct err *e)
{
    uint8_t boot[ISO_SECTOR] = {0};
    uint8_t end[ISO_SECTOR] = {0xff, 'C', 'D', '0', '0', '1', 1};
    int rc;

    memcpy(boot, "\0CD001\x01", 7);
    memcpy(boot + 7, "EL TORITO SPECIFICATION", 23);
    put_le32(boot + 71, w->l->catalog);
    if ((rc = write_volume(w, &w->l->plain, e)) < 0 ||
        (bootable(w->l) && (rc = image_put(&w->out, boot, sizeof(boot), e)) < 0) ||
        (w->l->params->joliet && (rc = write_volume(w, &w->l->joliet, e)) < 0))
        return rc;
    return image_put(&w->out, end, sizeof(end), e);
}

/* ---- path tables and directories -------------------------------------------------- */

static int write_table(struct writer *w, const struct iso_tree *t, bool big, struct err *e)
{
    void (*put)(uint8_t *, uint64_t, size_t) = big ? put_be : put_le;

    for (size_t i = 0; i < t->dir_count; i++) {
        uint8_t record[8 + ISO_NAME_MAX + 2] = {0};
        size_t len = 1;
        if (i > 0) {
            const struct iso_entry *x = &t->entries[t->dirs[i].entry];
            len = x->len;
            memcpy(record + 8, t->names.data + x->name, len);
        }
        record[0] = (uint8_t)len;
        put(record + 2, t->dirs[i].lba, 4);
        put(record + 6, t->dirs[i].parent + 1, 2);
        int rc = image_put(&w->out, record, 8 + len + len % 2, e);
        if (rc < 0)
            return rc;
    }
    return image_align(&w->out, ISO_SECTOR, e);
}

static int write_tables(struct writer *w, const struct iso_tree *t, struct err *e)
{
    int rc = write_table(w, t, false, e);
    return rc < 0 ? rc : write_table(w, t, true, e);
}

static int write_dirs(struct writer *w, const struct iso_tree *t, struct err *e)
{
    AUTO_BUF bytes = BUF_INIT(UINT32_MAX);

    for (uint32_t i = 0; i < t->dir_count; i++) {
        uint32_t size = 0;
        int rc;
        if ((rc = iso_directory(w->l, t, i, t->dirs[i].lba, &bytes, &size, e)) < 0 ||
            (rc = image_put(&w->out, bytes.data, bytes.len, e)) < 0)
            return rc;
    }
    return 0;
}

/* ---- El Torito -------------------------------------------------------------------- */

static void boot_entry(const struct iso_layout *l, uint32_t inode, bool bios, uint8_t *p)
{
    uint64_t sectors = (file_size(l, inode) + 511) / 512;

    p[0] = 0x88;
    /* Of EFI's image firmware takes all; where 16 bits do not hold it, 0 says so. */
    put_le16(p + 6, (uint32_t)(bios ? LOAD_SECTORS : sectors <= UINT16_MAX ? sectors : 0));
    put_le32(p + 8, l->lba[inode]);
}

static int write_catalog(struct writer *w, struct err *e)
{
    const struct iso_layout *l = w->l;
    bool both = l->bios != UINT32_MAX && l->efi != UINT32_MAX;
    uint8_t c[ISO_SECTOR] = {1, l->bios != UINT32_MAX ? PLATFORM_BIOS : PLATFORM_EFI};
    uint16_t sum = 0;

    if (!bootable(l))
        return 0;
    c[30] = 0x55;
    c[31] = 0xaa;
    for (size_t i = 0; i < 32; i += 2)
        sum = (uint16_t)(sum + get_le16(c + i));
    put_le16(c + 28, (uint16_t)(0x10000 - sum));
    boot_entry(l, l->bios != UINT32_MAX ? l->bios : l->efi, l->bios != UINT32_MAX, c + 32);
    if (both) {
        c[64] = 0x91; /* the last section */
        c[65] = PLATFORM_EFI;
        c[66] = 1;
        boot_entry(l, l->efi, false, c + 96);
    }
    return image_put(&w->out, c, sizeof(c), e);
}

/* ---- contents --------------------------------------------------------------------- */

/* What the loader learns of its own place: where the volume and itself are, its length, its sum. */
static int patch_boot_image(struct writer *w, const struct tree_content *c, uint8_t *first,
                            struct err *e)
{
    uint32_t sum = 0;

    if (c->size < TABLE_END)
        return err_set(e, ERR_INPUT, "the boot image is too short for its information table");
    for (uint64_t at = TABLE_END; at < c->size;) {
        size_t len = c->size - at < IMAGE_CHUNK ? (size_t)(c->size - at) : IMAGE_CHUNK;
        int rc = tree_reader_read(w->out.reader, c, at, w->out.chunk, len, e);
        if (rc < 0)
            return rc;
        for (size_t i = 0; i < len; i++)
            sum += (uint32_t)w->out.chunk[i] << (8 * (i % 4));
        at += len;
    }
    memset(first + TABLE_OFFSET, 0, TABLE_END - TABLE_OFFSET);
    put_le32(first + 8, PVD_LBA);
    put_le32(first + 12, w->l->lba[w->l->bios]);
    put_le32(first + 16, (uint32_t)c->size);
    put_le32(first + 20, sum);
    return 0;
}

static int write_content(struct writer *w, uint32_t inode, struct err *e)
{
    const struct tree_content *c = &w->l->v->inodes[inode].inode->content;
    uint64_t at = 0;
    int rc;

    if (inode == w->l->bios) {
        uint8_t first[TABLE_END] = {0};
        if ((rc = tree_reader_read(w->out.reader, c, 0, first,
                                   c->size < TABLE_END ? c->size : TABLE_END, e)) < 0 ||
            (rc = patch_boot_image(w, c, first, e)) < 0 ||
            (rc = image_put(&w->out, first, sizeof(first), e)) < 0)
            return rc;
        at = TABLE_END;
    }
    if ((rc = image_content(&w->out, c, at, c->size, e)) < 0)
        return rc;
    return image_align(&w->out, ISO_SECTOR, e);
}

static int write_all(struct writer *w, struct err *e)
{
    const struct iso_layout *l = w->l;
    int rc;

    if ((rc = write_system_area(w, e)) < 0 || (rc = write_descriptors(w, e)) < 0 ||
        (rc = write_tables(w, &l->plain, e)) < 0 ||
        (l->params->joliet && (rc = write_tables(w, &l->joliet, e)) < 0) ||
        (rc = write_dirs(w, &l->plain, e)) < 0 ||
        (l->params->joliet && (rc = write_dirs(w, &l->joliet, e)) < 0) ||
        (rc = write_catalog(w, e)) < 0)
        return rc;
    for (size_t i = 0; i < l->order_count; i++) {
        if ((rc = write_content(w, l->order[i], e)) < 0)
            return rc;
    }
    return image_zeros_to(&w->out, l->size, e);
}

int iso_write(const struct iso_layout *l, const struct tree *tree, struct cas *cas,
              struct progress *progress, struct sink sink, struct err *e)
{
    struct writer w = {.l = l};

    int rc = image_writer_open(&w.out, tree, cas, sink, e);
    w.out.progress = progress;
    w.out.what = "iso";
    w.out.total = l->size;
    if (rc == 0)
        rc = write_all(&w, e);
    image_writer_dispose(&w.out);
    return rc;
}
