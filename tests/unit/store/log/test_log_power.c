/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The log under power cuts. A layer between SQLite and the files remembers what was written and not
 * yet synced. At some write or sync the power goes: from then on all fails, and of the writes that
 * were not synced any may be on the disk, any may be missing, and any may be there in part. What
 * was acknowledged before must be there afterwards, under checkpoints that continue all earlier
 * ones.
 */
#include "base/file.h"
#include "store/log/log.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define ORIGIN "log.example.org"
#define PASS "correct horse"

enum { CUTS = 24, SECTOR = 512, FILES = 2, KEPT = 4 };

static uint32_t seed = 4711;

static unsigned next_random(unsigned below)
{
    seed = seed * 1664525 + 1013904223;
    return (unsigned)(((uint64_t)seed * below) >> 32);
}

/* ---- files whose unsynced writes are remembered ---------------------------------- */

struct pending {
    sqlite3_int64 offset; /* of the write; or the size to cut to when data is NULL */
    size_t len;
    uint8_t *data;
};

struct image {
    char *path;
    struct buf durable; /* what is on the disk for certain */
    struct pending *writes;
    size_t count, cap;
};

struct shim_file {
    sqlite3_file base;
    struct image *image; /* NULL: a file of no interest */
    sqlite3_file *real;
};

static struct {
    sqlite3_vfs vfs;
    sqlite3_vfs *real;
    struct image images[FILES]; /* the database, its write-ahead log */
    bool recording;
    bool off;
    unsigned long left; /* writes and syncs until the power goes */
    unsigned long cuts_in_sync;
} power;

/* False when there is no power (any more). */
static bool powered(void)
{
    if (!power.recording)
        return true;
    if (!power.off && power.left-- == 0)
        power.off = true;
    return !power.off;
}

static void image_push(struct image *image, const void *data, size_t len, sqlite3_int64 offset)
{
    struct err e = ERR_INIT;
    uint8_t *copy = data == NULL ? NULL : malloc(len);
    if ((data != NULL && copy == NULL) ||
        array_grow(&image->writes, &image->cap, image->count + 1, sizeof(*image->writes), &e) < 0)
        abort();
    if (data != NULL)
        memcpy(copy, data, len);
    image->writes[image->count++] = (struct pending){.offset = offset, .len = len, .data = copy};
}

static void image_forget(struct image *image)
{
    for (size_t i = 0; i < image->count; i++)
        free(image->writes[i].data);
    image->count = 0;
}

static void bytes_resize(struct buf *b, size_t len)
{
    struct err e = ERR_INIT;
    if (len > b->len) {
        if (buf_reserve(b, len - b->len, &e) < 0)
            abort();
        memset(b->data + b->len, 0, len - b->len);
    }
    b->len = len;
}

static void apply(struct buf *b, const struct pending *w, size_t len)
{
    if (w->data == NULL) {
        bytes_resize(b, (size_t)w->offset);
        return;
    }
    if ((size_t)w->offset + len > b->len)
        bytes_resize(b, (size_t)w->offset + len);
    memcpy(b->data + w->offset, w->data, len);
}

static struct shim_file *shim(sqlite3_file *f)
{
    return (struct shim_file *)(void *)f;
}

static int shim_close(sqlite3_file *f)
{
    return shim(f)->real->pMethods->xClose(shim(f)->real);
}

static int shim_read(sqlite3_file *f, void *data, int len, sqlite3_int64 offset)
{
    return shim(f)->real->pMethods->xRead(shim(f)->real, data, len, offset);
}

static int shim_write(sqlite3_file *f, const void *data, int len, sqlite3_int64 offset)
{
    struct shim_file *s = shim(f);
    if (s->image != NULL && power.recording && !power.off)
        image_push(s->image, data, (size_t)len, offset);
    if (s->image != NULL && !powered())
        return SQLITE_IOERR_WRITE;
    return s->real->pMethods->xWrite(s->real, data, len, offset);
}

static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    struct shim_file *s = shim(f);
    if (s->image != NULL && power.recording && !power.off)
        image_push(s->image, NULL, 0, size);
    if (s->image != NULL && !powered())
        return SQLITE_IOERR_TRUNCATE;
    return s->real->pMethods->xTruncate(s->real, size);
}

static int shim_sync(sqlite3_file *f, int flags)
{
    struct shim_file *s = shim(f);
    (void)flags;
    if (s->image == NULL || !power.recording)
        return SQLITE_OK; /* this test cuts no real power */
    bool was_on = !power.off;
    if (!powered()) {
        power.cuts_in_sync += was_on;
        return SQLITE_IOERR_FSYNC;
    }
    for (size_t i = 0; i < s->image->count; i++)
        apply(&s->image->durable, &s->image->writes[i], s->image->writes[i].len);
    image_forget(s->image);
    return SQLITE_OK;
}

static int shim_size(sqlite3_file *f, sqlite3_int64 *out)
{
    return shim(f)->real->pMethods->xFileSize(shim(f)->real, out);
}
static int shim_lock(sqlite3_file *f, int level)
{
    return shim(f)->real->pMethods->xLock(shim(f)->real, level);
}
static int shim_unlock(sqlite3_file *f, int level)
{
    return shim(f)->real->pMethods->xUnlock(shim(f)->real, level);
}
static int shim_check_lock(sqlite3_file *f, int *out)
{
    return shim(f)->real->pMethods->xCheckReservedLock(shim(f)->real, out);
}
static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return shim(f)->real->pMethods->xFileControl(shim(f)->real, op, arg);
}
static int shim_sector(sqlite3_file *f)
{
    return shim(f)->real->pMethods->xSectorSize(shim(f)->real);
}
static int shim_device(sqlite3_file *f)
{
    return shim(f)->real->pMethods->xDeviceCharacteristics(shim(f)->real);
}
static int shim_map(sqlite3_file *f, int region, int size, int extend, void volatile **out)
{
    return shim(f)->real->pMethods->xShmMap(shim(f)->real, region, size, extend, out);
}
static int shim_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
    return shim(f)->real->pMethods->xShmLock(shim(f)->real, offset, n, flags);
}
static void shim_barrier(sqlite3_file *f)
{
    shim(f)->real->pMethods->xShmBarrier(shim(f)->real);
}
static int shim_unmap(sqlite3_file *f, int delete_it)
{
    return shim(f)->real->pMethods->xShmUnmap(shim(f)->real, delete_it);
}

static const sqlite3_io_methods shim_methods = {
    .iVersion = 2,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_check_lock,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device,
    .xShmMap = shim_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_barrier,
    .xShmUnmap = shim_unmap,
};

static int shim_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
    (void)vfs;
    struct shim_file *s = shim(f);
    *s = (struct shim_file){.real = (sqlite3_file *)(void *)(s + 1)};
    int rc = power.real->xOpen(power.real, name, s->real, flags, out_flags);
    for (size_t i = 0; name != NULL && i < FILES; i++)
        if (power.images[i].path != NULL && str_ends(name, path_base(power.images[i].path)))
            s->image = &power.images[i];
    if (rc == SQLITE_OK || s->real->pMethods != NULL)
        f->pMethods = &shim_methods;
    return rc;
}

static void shim_register(void)
{
    power.real = sqlite3_vfs_find(NULL);
    assert_non_null(power.real);
    power.vfs = *power.real;
    power.vfs.pNext = NULL;
    power.vfs.zName = "power";
    power.vfs.szOsFile = (int)sizeof(struct shim_file) + power.real->szOsFile;
    power.vfs.xOpen = shim_open;
    assert_int_equal(sqlite3_vfs_register(&power.vfs, 1), SQLITE_OK);
}

/* ---- the power goes, and comes back ------------------------------------------------- */

static void power_on(unsigned long until)
{
    struct err e = ERR_INIT;
    for (size_t i = 0; i < FILES; i++) {
        struct image *image = &power.images[i];
        image_forget(image);
        buf_dispose(&image->durable);
        image->durable = (struct buf)BUF_INIT(1u << 30);
        assert_int_equal(file_read(image->path, &image->durable, &e), 0);
    }
    power.off = false;
    power.left = until;
    power.recording = true;
}

/* The files become what a disk may hold after a cut. */
static void power_cut(const char *shm)
{
    power.recording = false;
    for (size_t i = 0; i < FILES; i++) {
        struct image *image = &power.images[i];
        struct err e = ERR_INIT;
        /* How careless this disk is: it keeps nothing, all, or some. */
        unsigned kept = next_random(5);
        for (size_t w = 0; w < image->count; w++) {
            const struct pending *p = &image->writes[w];
            unsigned fate = kept == 0 ? 0 : kept == 1 ? 1 : next_random(3);
            if (fate == 1)
                apply(&image->durable, p, p->len);
            else if (fate == 2 && p->data != NULL && p->len > SECTOR)
                apply(&image->durable, p, SECTOR * (1 + next_random((unsigned)(p->len / SECTOR))));
        }
        image_forget(image);
        AUTO_CLOSE int fd = open(image->path, O_WRONLY | O_TRUNC | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(fd_write_all(fd, image->durable.data, image->durable.len, image->path, &e),
                         0);
    }
    (void)unlink(shm); /* it was in memory */
}

static void entry_bytes(uint64_t index, uint8_t *out, size_t *len)
{
    *len = 1 + (size_t)(index * 2654435761u % 9000);
    for (size_t i = 0; i < *len; i++)
        out[i] = (uint8_t)(index * 31 + i);
}

/* Appends until the power goes; returns how many entries were acknowledged, in all. */
static uint64_t append_until_cut(const char *path, uint64_t size, unsigned long until)
{
    struct err e = ERR_INIT;
    AUTO_TLOG struct tlog *log = NULL;
    static uint8_t data[LOG_ENTRY_MAX];
    size_t len;
    power_on(until);
    if (tlog_open(path, PASS, &log, &e) < 0) {
        assert_true(power.off);
        return size;
    }
    assert_int_equal(tlog_size(log), size);
    for (;;) {
        uint64_t index;
        entry_bytes(size, data, &len);
        int rc = tlog_append(log, data, len, &index, &e);
        if (rc == 0) {
            assert_int_equal(index, size);
            size++;
        } else {
            assert_true(power.off);
            assert_int_equal(rc, -ERR_HOST);
        }
        if (power.off)
            return size;
    }
}

static void check_entries(struct tlog *log, uint64_t from)
{
    struct err e = ERR_INIT;
    static uint8_t data[LOG_ENTRY_MAX];
    size_t len;
    for (uint64_t i = from; i < tlog_size(log); i++) {
        AUTO_BUF entry = BUF_INIT(LOG_ENTRY_MAX);
        entry_bytes(i, data, &len);
        assert_int_equal(tlog_entry(log, i, &entry, &e), 0);
        assert_int_equal(entry.len, len);
        assert_memory_equal(entry.data, data, len);
    }
}

static void audit(const char *path, const struct buf *against)
{
    struct err e = ERR_INIT;
    struct tlog_audit result;
    const struct tlog_audit_options options = {.against = against->data,
                                               .against_len = against->len};
    char line[4096];
    if (tlog_audit(path, &options, &result, &e) < 0)
        fail_msg("%s", err_line(&e, line, sizeof(line)));
}

static void test_power(void **state)
{
    const char *path = *state;
    struct err e = ERR_INIT;
    AUTO_FREE char *shm = NULL;
    struct buf notes[KEPT] = {{0}};
    uint64_t size = 0;
    assert_int_equal(path_join(&shm, path, "log.db-shm", &e), 0);
    for (unsigned cut = 0; cut < CUTS; cut++) {
        unsigned long until = cut % 6 == 5 ? next_random(3000) : next_random(90);
        uint64_t acknowledged = append_until_cut(path, size, until);
        power_cut(shm);
        AUTO_TLOG struct tlog *log = NULL;
        char line[4096];
        if (tlog_open(path, NULL, &log, &e) < 0)
            fail_msg("cut %u: %s", cut, err_line(&e, line, sizeof(line)));
        assert_true(tlog_size(log) == acknowledged || tlog_size(log) == acknowledged + 1);
        check_entries(log, size);
        size = tlog_size(log);
        struct buf *note = &notes[cut % KEPT];
        buf_dispose(note);
        *note = (struct buf)BUF_INIT(NOTE_MAX);
        assert_int_equal(tlog_checkpoint(log, note, &e), 0);
        for (size_t i = 0; i < KEPT; i++) {
            AUTO_BUF proof = BUF_INIT(1 << 20);
            if (notes[i].len > 0)
                assert_int_equal(
                    tlog_prove_consistency(log, notes[i].data, notes[i].len, &proof, &e), 0);
        }
        if (cut % 8 == 7)
            audit(path, note);
    }
    /* The test is worth something: it got far, and cuts fell into syncs too. */
    assert_true(size > 100);
    assert_true(power.cuts_in_sync > 0);
    for (size_t i = 0; i < KEPT; i++)
        buf_dispose(&notes[i]);
}

/* Were the promise "synced" a lie, this test would see it: a disk that forgets synced bytes loses
 * entries. */
static void test_lying_disk(void **state)
{
    const char *path = *state;
    struct err e = ERR_INIT;
    AUTO_FREE char *shm = NULL;
    AUTO_TLOG struct tlog *log = NULL;
    assert_int_equal(tlog_open(path, NULL, &log, &e), 0);
    uint64_t before = tlog_size(log);
    tlog_close(steal_ptr(&log));
    assert_int_equal(path_join(&shm, path, "log.db-shm", &e), 0);
    uint64_t acknowledged = append_until_cut(path, before, 400);
    assert_true(acknowledged > before);
    /* All that was written since the power came on is gone, synced or not. */
    for (size_t i = 0; i < FILES; i++)
        image_forget(&power.images[i]);
    assert_true(power.images[1].durable.len > 100);
    bytes_resize(&power.images[1].durable, 0);
    power_cut(shm);
    int rc = tlog_open(path, NULL, &log, &e);
    assert_true(rc < 0 || tlog_size(log) < acknowledged);
}

static int setup(void **state)
{
    struct err e = ERR_INIT;
    static const char *const names[FILES] = {"log.db", "log.db-wal"};
    char *top = NULL;
    char *path = NULL;
    if (dir_make_temp("/tmp", "assay-test-power-", &top, &e) < 0 ||
        path_join(&path, top, "log", &e) < 0 || tlog_create(path, ORIGIN, PASS, &e) < 0)
        return -1;
    free(top);
    for (size_t i = 0; i < FILES; i++) {
        if (path_join(&power.images[i].path, path, names[i], &e) < 0)
            return -1;
    }
    shim_register();
    *state = path;
    return 0;
}

static int teardown(void **state)
{
    struct err e = ERR_INIT;
    char *path = *state;
    for (size_t i = 0; i < FILES; i++) {
        image_forget(&power.images[i]);
        free(power.images[i].writes);
        buf_dispose(&power.images[i].durable);
        free(power.images[i].path);
    }
    path[strlen(path) - strlen("/log")] = '\0';
    int rc = dir_remove(path, &e);
    free(path);
    return rc;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_lying_disk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
