/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_config.h"

#include "formats/machine/machine_numbers.h"

#include <string.h>

enum { TEXT_MAX = 1 << 20, BOOTARGS_MAX = 4096, PHTC_MAX = 1 << 20, PHTC_DEFAULT = 4096 };

void machine_config_dispose(struct machine_config *c)
{
    json_decref(c->document);
    c->document = NULL;
}

/* ---- reading: every key is optional, so a reader leaves the default when it is absent ---- */

static int opt_string(const struct jcur *c, const char *key, size_t max, const char **out,
                      struct err *e)
{
    struct jcur child;
    return jcur_opt(c, key, &child) ? jcur_string(&child, max, out, e) : 0;
}

static int opt_u64(const struct jcur *c, const char *key, uint64_t *out, struct err *e)
{
    struct jcur child;
    return jcur_opt(c, key, &child) ? machine_json_u64(&child, out, e) : 0;
}

static int opt_bool(const struct jcur *c, const char *key, bool *out, struct err *e)
{
    struct jcur child;
    return jcur_opt(c, key, &child) ? jcur_bool(&child, out, e) : 0;
}

/* An optional object with these keys only; *present says whether it is there. */
static int opt_object(const struct jcur *c, const char *key, const char *const *keys,
                      struct jcur *out, bool *present, struct err *e)
{
    *present = jcur_opt(c, key, out);
    return *present ? jcur_object(out, keys, e) : 0;
}

static int read_backing(const struct jcur *up, struct machine_backing *out, struct err *e)
{
    static const char *const keys[] = {
        "create", "data_filename", "dht_filename", "dpt_filename", "shared", "truncate", NULL};
    struct jcur c;
    bool present;
    bool ignored = false;
    const char *name = "";
    int rc = opt_object(up, "backing_store", keys, &c, &present, e);
    if (rc < 0 || !present)
        return rc;
    if ((rc = opt_string(&c, "data_filename", MACHINE_FILE_NAME_MAX, &out->data, e)) < 0 ||
        (rc = opt_string(&c, "dht_filename", MACHINE_FILE_NAME_MAX, &name, e)) < 0 ||
        (rc = opt_string(&c, "dpt_filename", MACHINE_FILE_NAME_MAX, &name, e)) < 0 ||
        (rc = opt_bool(&c, "create", &ignored, e)) < 0 ||
        (rc = opt_bool(&c, "truncate", &ignored, e)) < 0)
        return rc;
    return opt_bool(&c, "shared", &out->shared, e);
}

/* An object that is a backing store and nothing more: {"backing_store": …}. */
static int read_backed(const struct jcur *up, const char *key, struct machine_backing *out,
                       struct err *e)
{
    static const char *const keys[] = {"backing_store", NULL};
    struct jcur c;
    bool present;
    int rc = opt_object(up, key, keys, &c, &present, e);
    return rc < 0 || !present ? rc : read_backing(&c, out, e);
}

static bool known_register(const struct machine_register *table, size_t count, const char *group,
                           const char *name)
{
    for (size_t i = 0; i < count; i++) {
        bool same_group = group == NULL
                              ? table[i].group == NULL
                              : table[i].group != NULL && strcmp(table[i].group, group) == 0;
        if (same_group && strcmp(table[i].name, name) == 0)
            return true;
        if (group == NULL && table[i].group != NULL && strcmp(table[i].group, name) == 0)
            return true;
    }
    return false;
}

/* An object of registers (or of one group of them): no key that the table does not have. */
static int check_register_keys(const struct jcur *c, const struct machine_register *table,
                               size_t count, const char *group, struct err *e)
{
    const char *key;
    json_t *member;
    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    json_object_foreach(c->value, key, member)
    {
        if (!known_register(table, count, group, key))
            return jcur_fail(c, e, "unknown register '%.64s'", key);
    }
    return 0;
}

static int read_registers(const struct jcur *up, const struct machine_register *table, size_t count,
                          uint64_t *out, struct err *e)
{
    struct jcur c;
    if (!jcur_opt(up, "registers", &c))
        return 0;
    int rc = check_register_keys(&c, table, count, NULL, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur group;
        if (table[i].group == NULL)
            rc = opt_u64(&c, table[i].name, &out[i], e);
        else if (jcur_opt(&c, table[i].group, &group) &&
                 (rc = check_register_keys(&group, table, count, table[i].group, e)) == 0)
            rc = opt_u64(&group, table[i].name, &out[i], e);
    }
    return rc;
}

static int read_processor(const struct jcur *config, struct machine_config *out, struct err *e)
{
    static const char *const keys[] = {"backing_store", "registers", NULL};
    const struct machine_version *v = out->version;
    struct jcur c;
    bool present;
    int rc = opt_object(config, "processor", keys, &c, &present, e);
    if (rc < 0 || !present)
        return rc;
    if ((rc = read_backing(&c, &out->backing[MACHINE_STATE], e)) < 0 ||
        (rc = read_registers(&c, v->registers, v->register_count, out->registers, e)) < 0)
        return rc;
    const uint64_t *g = out->registers;
    if (g[REGISTER_MARCHID] != v->marchid || g[REGISTER_MIMPID] != v->mimpid ||
        g[REGISTER_MVENDORID] != v->mvendorid)
        return jcur_fail(&c, e, "mvendorid, marchid and mimpid are not those of emulator %s",
                         v->name);
    if (g[REGISTER_X0] != 0)
        return jcur_fail(&c, e, "register x0 is not 0");
    if (g[REGISTER_IUNREP] != 0)
        return jcur_fail(&c, e, "iunrep is not 0: an unreproducible machine cannot be stored");
    return 0;
}

static int read_uarch(const struct jcur *config, struct machine_config *out, struct err *e)
{
    static const char *const keys[] = {"processor", "ram", NULL};
    static const char *const processor_keys[] = {"backing_store", "registers", NULL};
    struct jcur c;
    struct jcur processor;
    bool present;
    int rc = opt_object(config, "uarch", keys, &c, &present, e);
    if (rc < 0 || !present)
        return rc;
    if ((rc = read_backed(&c, "ram", &out->backing[MACHINE_UARCH_RAM], e)) < 0 ||
        (rc = opt_object(&c, "processor", processor_keys, &processor, &present, e)) < 0 || !present)
        return rc;
    if ((rc = read_backing(&processor, &out->backing[MACHINE_UARCH_STATE], e)) < 0)
        return rc;
    return read_registers(&processor, out->version->uarch_registers, MACHINE_UARCH_REGISTERS,
                          out->uarch_registers, e);
}

static int read_dtb(const struct jcur *config, struct machine_config *out, struct err *e)
{
    static const char *const keys[] = {"backing_store", "bootargs", "entrypoint", "init", NULL};
    struct jcur c;
    bool present;
    int rc = opt_object(config, "dtb", keys, &c, &present, e);
    if (rc < 0 || !present)
        return rc;
    if ((rc = read_backing(&c, &out->backing[MACHINE_DTB], e)) < 0 ||
        (rc = opt_string(&c, "bootargs", BOOTARGS_MAX, &out->bootargs, e)) < 0 ||
        (rc = opt_string(&c, "init", TEXT_MAX, &out->init, e)) < 0)
        return rc;
    return opt_string(&c, "entrypoint", TEXT_MAX, &out->entrypoint, e);
}

static int read_hash_tree(const struct jcur *config, struct machine_config *out, struct err *e)
{
    static const char *const keys[] = {
        "create", "hash_function", "phtc_filename", "phtc_size", "shared", "sht_filename", NULL};
    struct jcur c;
    bool present;
    bool ignored = false;
    const char *function = machine_hash_name(MACHINE_KECCAK256);
    const char *name = "";
    int rc = opt_object(config, "hash_tree", keys, &c, &present, e);
    if (rc < 0 || !present)
        return rc;
    if ((rc = opt_string(&c, "hash_function", 64, &function, e)) < 0 ||
        (rc = opt_string(&c, "phtc_filename", MACHINE_FILE_NAME_MAX, &name, e)) < 0 ||
        (rc = opt_string(&c, "sht_filename", MACHINE_FILE_NAME_MAX, &name, e)) < 0 ||
        (rc = opt_bool(&c, "create", &ignored, e)) < 0 ||
        (rc = opt_bool(&c, "shared", &out->hash_shared, e)) < 0 ||
        (rc = opt_u64(&c, "phtc_size", &out->phtc_size, e)) < 0)
        return rc;
    if (!machine_hash_parse(function, &out->hash))
        return jcur_fail(&c, e, "the hash function '%s' is neither keccak256 nor sha256", function);
    if (out->phtc_size == 0 || out->phtc_size > PHTC_MAX)
        return jcur_fail(&c, e, "phtc_size is not between 1 and %d", PHTC_MAX);
    return 0;
}

/* "flashdrive3", "nvram12": names that the machine gives by itself. */
static bool label_reserved(const char *label)
{
    static const char *const own[] = {"flashdrive", "nvram"};
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        size_t n = strlen(own[i]);
        if (strncmp(label, own[i], n) == 0 && label[n] != 0 &&
            strspn(label + n, "0123456789") == strlen(label + n))
            return true;
    }
    return false;
}

static bool label_valid(const char *label)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    size_t n = strlen(label);
    return n == 0 || (n <= MACHINE_LABEL_MAX && label[0] >= 'a' && label[0] <= 'z' &&
                      strspn(label, letters) == n && !label_reserved(label));
}

static bool label_taken(const struct machine_drive *drives, size_t count, const char *label)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(drives[i].label, label) == 0)
            return true;
    return false;
}

static int read_drive(const struct jcur *c, const struct machine_config *config,
                      struct machine_drive *out, struct err *e)
{
    static const char *const keys[] = {"backing_store", "label", "length",
                                       "read_only",     "start", NULL};
    static const char *const keys_v6[] = {"backing_store", "length", "read_only", "start", NULL};
    struct machine_drive d = {
        .backing = {.data = ""}, .label = "", .start = MACHINE_AUTO, .length = MACHINE_AUTO};
    int rc = jcur_object(c, config->version->nvrams ? keys : keys_v6, e);
    if (rc < 0 || (rc = read_backing(c, &d.backing, e)) < 0 ||
        (rc = opt_string(c, "label", 4096, &d.label, e)) < 0 ||
        (rc = opt_u64(c, "length", &d.length, e)) < 0 ||
        (rc = opt_u64(c, "start", &d.start, e)) < 0 ||
        (rc = opt_bool(c, "read_only", &d.read_only, e)) < 0)
        return rc;
    if (!label_valid(d.label))
        return jcur_fail(c, e, "bad label '%.64s'", d.label);
    if (d.label[0] != 0 && (label_taken(config->drives, config->drive_count, d.label) ||
                            label_taken(config->nvrams, config->nvram_count, d.label)))
        return jcur_fail(c, e, "the label '%s' occurs twice", d.label);
    *out = d;
    return 0;
}

static int read_drives(const struct jcur *config, const char *key, struct machine_config *all,
                       struct machine_drive *out, size_t *count, struct err *e)
{
    struct jcur c;
    size_t n;
    if (!jcur_opt(config, key, &c))
        return 0;
    int rc = jcur_array(&c, MACHINE_DRIVES_MAX, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct jcur item = jcur_item(&c, i);
        rc = read_drive(&item, all, &out[i], e);
        if (rc == 0)
            *count = i + 1;
    }
    return rc;
}

static int read_config(const struct jcur *c, struct machine_config *out, struct err *e)
{
    static const char *const keys[] = {"cmio",  "dtb",    "flash_drive", "hash_tree",
                                       "nvram", "pmas",   "processor",   "ram",
                                       "uarch", "virtio", NULL};
    static const char *const keys_v6[] = {"cmio",      "dtb", "flash_drive", "hash_tree", "pmas",
                                          "processor", "ram", "uarch",       "virtio",    NULL};
    static const char *const cmio_keys[] = {"rx_buffer", "tx_buffer", NULL};
    static const char *const ram_keys[] = {"backing_store", "length", NULL};
    struct jcur part;
    bool present;
    size_t count;
    int rc = jcur_object(c, out->version->nvrams ? keys : keys_v6, e);
    if (rc < 0 || (rc = opt_object(c, "cmio", cmio_keys, &part, &present, e)) < 0)
        return rc;
    if (present && ((rc = read_backed(&part, "rx_buffer", &out->backing[MACHINE_RX], e)) < 0 ||
                    (rc = read_backed(&part, "tx_buffer", &out->backing[MACHINE_TX], e)) < 0))
        return rc;
    if ((rc = read_dtb(c, out, e)) < 0 || (rc = read_hash_tree(c, out, e)) < 0 ||
        (rc = read_backed(c, "pmas", &out->backing[MACHINE_PMAS], e)) < 0 ||
        (rc = read_processor(c, out, e)) < 0 || (rc = read_uarch(c, out, e)) < 0 ||
        (rc = read_drives(c, "flash_drive", out, out->drives, &out->drive_count, e)) < 0 ||
        (rc = read_drives(c, "nvram", out, out->nvrams, &out->nvram_count, e)) < 0)
        return rc;
    if ((rc = jcur_get(c, "ram", &part, e)) < 0 || (rc = jcur_object(&part, ram_keys, e)) < 0 ||
        (rc = read_backing(&part, &out->backing[MACHINE_RAM], e)) < 0 ||
        (rc = opt_u64(&part, "length", &out->ram_length, e)) < 0)
        return rc;
    return jcur_opt(c, "virtio", &part) ? jcur_array(&part, 0, &count, e) : 0;
}

static void set_defaults(struct machine_config *c)
{
    c->hash = MACHINE_KECCAK256;
    c->phtc_size = PHTC_DEFAULT;
    c->bootargs = c->version->bootargs;
    c->init = "";
    c->entrypoint = "";
    for (size_t i = 0; i < MACHINE_FIXED; i++)
        c->backing[i].data = "";
    for (size_t i = 0; i < c->version->register_count; i++)
        c->registers[i] = c->version->registers[i].initial;
    c->registers[REGISTER_MVENDORID] = c->version->mvendorid;
    c->registers[REGISTER_MARCHID] = c->version->marchid;
    c->registers[REGISTER_MIMPID] = c->version->mimpid;
    for (size_t i = 0; i < MACHINE_UARCH_REGISTERS; i++)
        c->uarch_registers[i] = c->version->uarch_registers[i].initial;
}

int machine_config_parse(const void *data, size_t len, const char *what, struct machine_config *out,
                         struct err *e)
{
    static const char *const keys[] = {"archive_version", "config", NULL};
    uint64_t archive = 0;
    struct jcur c;
    memset(out, 0, sizeof(*out));
    int rc = machine_json_parse(data, len, what, &out->document, e);
    if (rc < 0)
        return rc;
    struct jcur root = jcur_root(out->document, what);
    if ((rc = jcur_object(&root, keys, e)) < 0 ||
        (rc = jcur_get(&root, "archive_version", &c, e)) < 0 ||
        (rc = machine_json_u64(&c, &archive, e)) < 0)
        return rc;
    out->version = machine_version_find(archive);
    if (out->version == NULL)
        return jcur_fail(
            &c, e,
            "archive version %llu is not supported (7 is, of emulator 0.21, and for reading 6, of "
            "0.20)",
            (unsigned long long)archive);
    set_defaults(out);
    rc = jcur_get(&root, "config", &c, e);
    return rc < 0 ? rc : read_config(&c, out, e);
}
