/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/snapshot_check.h"

#include "base/digest.h"
#include "base/file.h"
#include "base/json.h"
#include "formats/machine/machine_dtb.h"
#include "formats/machine/machine_state.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

__attribute__((format(printf, 3, 0))) static int push(json_t *list, struct err *e, const char *fmt,
                                                      va_list args)
{
    char text[ERR_FRAME_MAX];
    (void)text_vprint(text, sizeof(text), TEXT_AS_IT_IS, fmt, args);
    json_t *string = json_string(text);
    if (string == NULL) /* not UTF-8: a file's name */
        string = json_string("a name that is no text");
    return json_push(list, string, e);
}

int finding_add(struct findings *f, struct err *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = ++f->count > FINDINGS_MAX ? 0 : push(f->list, e, fmt, args);
    va_end(args);
    return rc;
}

int finding_note(struct findings *f, struct err *e, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int rc = push(f->notes, e, fmt, args);
    va_end(args);
    return rc;
}

/* ---- state ---- */

static int check_zeros(const uint8_t *bytes, size_t from, size_t to, const char *what,
                       struct findings *f, struct err *e)
{
    for (size_t i = from; i < to; i++)
        if (bytes[i] != 0)
            return finding_add(f, e, "%s: padding at 0x%zx is not zero", what, i);
    return 0;
}

static int check_registers(const uint8_t *bytes, const struct machine_register *table, size_t count,
                           const uint64_t *wanted, const char *what, struct findings *f,
                           struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        uint64_t v = machine_word(bytes, i);
        if (v != wanted[i])
            rc = finding_add(f, e, "%s %s%s%s is 0x%" PRIx64 ", in config.json 0x%" PRIx64, what,
                             table[i].group != NULL ? table[i].group : "",
                             table[i].group != NULL ? "." : "", table[i].name, v, wanted[i]);
    }
    return rc;
}

/* What the loader demands of every shadow state. */
static int check_identity(const struct snapshot *s, const uint8_t *state, struct findings *f,
                          struct err *e)
{
    const struct machine_version *v = s->config.version;
    int rc = 0;
    if (machine_word(state, REGISTER_X0) != 0)
        rc = finding_add(f, e, "register x0 is not 0");
    if (rc == 0 && machine_word(state, REGISTER_IUNREP) != 0)
        rc = finding_add(f, e, "iunrep is not 0: an unreproducible machine cannot be stored");
    if (rc == 0 && (machine_word(state, REGISTER_MARCHID) != v->marchid ||
                    machine_word(state, REGISTER_MIMPID) != v->mimpid ||
                    machine_word(state, REGISTER_MVENDORID) != v->mvendorid))
        rc = finding_add(f, e, "mvendorid, marchid and mimpid are not those of emulator %s",
                         v->name);
    if (rc == 0)
        rc = check_zeros(state, v->register_count * 8, MACHINE_REVERT_START, "shadow state", f, e);
    if (rc == 0)
        rc = check_zeros(state, MACHINE_TLB_END, MACHINE_STATE_SIZE, "shadow state", f, e);
    return rc;
}

/* How far the machine is from the one that was configured. */
struct progress {
    bool fresh;    /* nothing has run: everything follows from config.json */
    bool stepping; /* within an instruction, as the micro-architecture executes it */
};

static int check_shadow(const struct snapshot *s, const uint8_t *state, const struct progress *p,
                        struct findings *f, struct err *e)
{
    AUTO_FREE uint8_t *wanted = malloc(MACHINE_STATE_SIZE);
    int rc = wanted == NULL ? err_oom(e) : check_identity(s, state, f, e);
    if (rc < 0)
        return rc;
    if (!p->fresh)
        return finding_note(f, e,
                            "the machine has run to mcycle %" PRIu64
                            ": registers, TLB and device tree are its own",
                            machine_word(state, REGISTER_MCYCLE));
    machine_state_bytes(&s->config, wanted);
    rc = check_registers(state, s->config.version->registers, s->config.version->register_count,
                         s->config.registers, "register", f, e);
    if (rc == 0 && memcmp(state + MACHINE_TLB_START, wanted + MACHINE_TLB_START,
                          MACHINE_TLB_END - MACHINE_TLB_START) != 0)
        rc = finding_add(f, e, "the TLB is not empty in a machine that has not run");
    if (rc == 0)
        rc = check_zeros(state, MACHINE_REVERT_START, MACHINE_TLB_START, "revert root hash", f, e);
    return rc;
}

/* As after a reset, which forgets what was configured. */
static bool uarch_is_reset(const uint8_t *page)
{
    for (size_t i = 0; i < MACHINE_UARCH_REGISTERS; i++)
        if (machine_word(page, i) != machine_uarch_registers[i].initial)
            return false;
    return true;
}

/* A step moves the cycle and the program counter: one without the other is no step. */
static struct progress measure(const struct snapshot *s, const uint8_t *state, const uint8_t *uarch)
{
    const uint64_t *configured = s->config.uarch_registers;
    struct progress p = {.fresh = machine_word(state, REGISTER_MCYCLE) ==
                                  s->config.registers[REGISTER_MCYCLE]};
    uint64_t cycle = machine_word(uarch, UARCH_REGISTER_CYCLE);
    p.stepping = cycle != 0 && (!p.fresh || cycle != configured[UARCH_REGISTER_CYCLE]) &&
                 machine_word(uarch, UARCH_REGISTER_PC) != configured[UARCH_REGISTER_PC];
    p.fresh = p.fresh && !p.stepping;
    return p;
}

static int check_uarch_state(const struct snapshot *s, const uint8_t *page,
                             const struct progress *p, struct findings *f, struct err *e)
{
    int rc = 0;
    if (p->stepping && machine_word(page, UARCH_REGISTER_X0) != 0)
        rc = finding_add(f, e, "uarch register x0 is not 0");
    else if (p->stepping)
        rc = finding_note(f, e,
                          "the machine is %" PRIu64
                          " steps into an instruction: the uarch state is its own",
                          machine_word(page, UARCH_REGISTER_CYCLE));
    else if (!uarch_is_reset(page))
        rc = check_registers(page, s->config.version->uarch_registers, MACHINE_UARCH_REGISTERS,
                             s->config.uarch_registers, "uarch register", f, e);
    if (rc == 0)
        rc = check_zeros(page, (size_t)MACHINE_UARCH_REGISTERS * 8, MACHINE_PAGE, "uarch state", f,
                         e);
    return rc;
}

static int check_pmas(const struct snapshot *s, struct findings *f, struct err *e)
{
    AUTO_FREE uint8_t *page = NULL;
    uint8_t wanted[MACHINE_PAGE];
    int rc = snapshot_read(s, MACHINE_PMAS, &page, e);
    machine_pmas_bytes(&s->config, wanted);
    for (size_t i = 0; rc == 0 && i < MACHINE_PAGE / 8; i++)
        if (machine_word(page, i) != machine_word(wanted, i))
            return finding_add(f, e,
                               "PMA %zu: 0x%" PRIx64 ", not 0x%" PRIx64 " as config.json gives",
                               i / 2, machine_word(page, i), machine_word(wanted, i));
    return rc;
}

static int check_dtb(const struct snapshot *s, struct findings *f, struct err *e)
{
    AUTO_FREE uint8_t *bytes = NULL;
    AUTO_BUF wanted = BUF_INIT(MACHINE_DTB_SIZE);
    int rc = snapshot_read(s, MACHINE_DTB, &bytes, e);
    if (rc < 0 || (rc = machine_dtb_format(&s->config, &wanted, e)) < 0)
        return rc;
    for (size_t i = 0; i < MACHINE_DTB_SIZE; i++)
        if (bytes[i] != (i < wanted.len ? wanted.data[i] : 0))
            return finding_add(
                f, e, "the device tree is not the one that config.json gives: first at 0x%zx", i);
    return 0;
}

static int check_config(const struct snapshot *s, struct findings *f, struct err *e)
{
    AUTO_BUF wanted = BUF_INIT(MACHINE_CONFIG_BYTES_MAX);
    int rc = machine_config_format(&s->config, &wanted, e);
    if (rc == 0 &&
        (wanted.len != s->text.len || memcmp(wanted.data, s->text.data, wanted.len) != 0))
        rc = finding_add(f, e, "config.json is not in the bytes that the emulator writes");
    return rc;
}

static int check_uarch_ram(const struct snapshot *s, const struct snapshot_check *options,
                           const struct progress *p, struct findings *f, struct err *e)
{
    struct digest d;
    char hex[DIGEST_TEXT_MAX];
    int fd = s->fds[snapshot_range(s, MACHINE_UARCH_RAM)];
    if (fd < 0)
        return options->state_only
                   ? finding_note(f, e, "the uarch RAM is not there: the emulator will not load it")
                   : finding_add(f, e, "the uarch RAM is missing");
    if (p->stepping)
        return finding_note(f, e, "the uarch RAM is in use, and not compared with emulator %s's",
                            s->config.version->name);
    if (lseek(fd, 0, SEEK_SET) != 0)
        return err_os(e, errno, "cannot read the uarch RAM");
    int rc = digest_fd(DIGEST_SHA256, fd, &d, NULL, e);
    if (rc == 0 && strcmp(digest_hex(&d, hex), s->config.version->uarch_ram_sha256) != 0)
        rc = finding_add(f, e, "the uarch RAM is not that of emulator %s", s->config.version->name);
    return rc;
}

int snapshot_check_state(const struct snapshot *s, const struct snapshot_check *options,
                         struct findings *f, struct err *e)
{
    AUTO_FREE uint8_t *state = NULL;
    AUTO_FREE uint8_t *uarch = NULL;
    int rc = snapshot_read(s, MACHINE_STATE, &state, e);
    if (rc < 0 || (rc = snapshot_read(s, MACHINE_UARCH_STATE, &uarch, e)) < 0)
        return rc;
    struct progress p = measure(s, state, uarch);
    if ((rc = check_config(s, f, e)) < 0 || (rc = check_shadow(s, state, &p, f, e)) < 0 ||
        (rc = check_uarch_state(s, uarch, &p, f, e)) < 0 ||
        (rc = check_uarch_ram(s, options, &p, f, e)) < 0 || (rc = check_pmas(s, f, e)) < 0)
        return rc;
    if (!p.fresh || options->custom_dtb)
        return 0;
    return s->config.version->whole
               ? check_dtb(s, f, e)
               : finding_note(f, e, "the device tree is not compared with emulator %s's",
                              s->config.version->name);
}

/* ---- files ---- */

struct expected {
    char name[48];
    uint64_t size;
    bool cache;
    bool read_only;
    bool seen;
};
enum { EXPECTED_MAX = 3 + 3 * MACHINE_RANGES_MAX };

static void expect(struct expected *list, size_t *n, const char *name, uint64_t size, bool cache)
{
    struct expected *x = &list[(*n)++];
    memset(x, 0, sizeof(*x));
    snprintf(x->name, sizeof(x->name), "%s", name);
    x->size = size;
    x->cache = cache;
}

static size_t expected_files(const struct snapshot *s, struct expected *list)
{
    size_t n = 0;
    char name[48];
    expect(list, &n, "config.json", s->text.len, false);
    expect(list, &n, "hash_tree.sht", machine_sht_size(s->ranges, s->count), true);
    expect(list, &n, "hash_tree.phtc", machine_phtc_file_size(&s->config), true);
    for (size_t i = 0; i < s->count; i++) {
        const struct machine_range *r = &s->ranges[i];
        expect(list, &n, machine_range_file(r->start, r->length, "bin", name), r->length, false);
        list[n - 1].read_only = r->read_only || r->kind == MACHINE_PMAS;
        list[n - 1].seen = s->fds[i] < 0; /* said elsewhere */
        expect(list, &n, machine_range_file(r->start, r->length, "dht", name),
               machine_dht_size(r->length), true);
        expect(list, &n, machine_range_file(r->start, r->length, "dpt", name),
               machine_dpt_size(r->length), true);
    }
    return n;
}

static int check_file(const struct snapshot *s, struct expected *list, size_t count,
                      const char *name, struct findings *f, struct err *e)
{
    struct stat st;
    size_t i = 0;
    while (i < count && strcmp(list[i].name, name) != 0)
        i++;
    if (i == count)
        return finding_add(f, e, "'%s' is no file of this machine", name);
    list[i].seen = true;
    if (fstatat(s->dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return err_os(e, errno, "cannot stat '%s'", name);
    if (!S_ISREG(st.st_mode))
        return finding_add(f, e, "'%s' is not a regular file", name);
    if ((uint64_t)st.st_size != list[i].size)
        return finding_add(f, e, "'%s' has %" PRIu64 " bytes, not %" PRIu64, name,
                           (uint64_t)st.st_size, list[i].size);
    if (list[i].read_only && (st.st_mode & 0222) != 0)
        return finding_note(f, e, "'%s' can be written, though its range is read-only", name);
    return 0;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int snapshot_check_files(const struct snapshot *s, const struct snapshot_check *options,
                         struct findings *f, struct err *e)
{
    struct expected list[EXPECTED_MAX];
    size_t count = expected_files(s, list);
    struct dirent **entries = NULL;
    int n = scandirat(s->dirfd, ".", &entries, NULL, by_name);
    int rc = n < 0 ? err_os(e, errno, "cannot list '%s'", s->path) : 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        if (rc == 0 && strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            rc = check_file(s, list, count, name, f, e);
        free(entries[i]);
    }
    free(entries);
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (!list[i].seen && !(list[i].cache && options->state_only))
            rc = finding_add(f, e, "'%s' is missing: the emulator will not load it", list[i].name);
    return rc;
}
