/* SPDX-License-Identifier: Apache-2.0 */
/* config.json as the emulator writes it (docs/formats/machine.md, section 2). */
#include "formats/machine/machine_config.h"
#include "formats/machine/machine_numbers.h"

#include <string.h>

/* Sets the member; `value_taken` NULL, and any failure, is out of memory. */
static int put(json_t *object, const char *key, json_t *value_taken, struct err *e)
{
    return json_object_set_new(object, key, value_taken) != 0 ? err_oom(e) : 0;
}

static int put_u64(json_t *object, const char *key, uint64_t v, struct err *e)
{
    return put(object, key, json_integer((json_int_t)v), e);
}

/* object[key] = {} and the same borrowed; NULL when out of memory. */
static json_t *add_object(json_t *object, const char *key)
{
    json_t *child = json_object();
    return child != NULL && json_object_set_new(object, key, child) == 0 ? child : NULL;
}

static int put_file(json_t *object, const char *key, uint64_t start, uint64_t length,
                    const char *extension, struct err *e)
{
    char name[48];
    char text[64] = "./";
    machine_range_file(start, length, extension, name);
    memcpy(text + 2, name, strlen(name) + 1);
    return put(object, key, json_string(text), e);
}

static int put_backing(json_t *object, const struct machine_range *r, struct err *e)
{
    json_t *b = object != NULL ? add_object(object, "backing_store") : NULL;
    int code;
    if (b == NULL)
        return err_oom(e);
    if ((code = put(b, "create", json_false(), e)) < 0 ||
        (code = put(b, "truncate", json_false(), e)) < 0 ||
        (code = put(b, "shared", json_boolean(r->backing->shared), e)) < 0 ||
        (code = put_file(b, "data_filename", r->start, r->length, "bin", e)) < 0 ||
        (code = put_file(b, "dht_filename", r->start, r->length, "dht", e)) < 0)
        return code;
    return put_file(b, "dpt_filename", r->start, r->length, "dpt", e);
}

static int put_registers(json_t *object, const struct machine_register *table, size_t count,
                         const uint64_t *values, struct err *e)
{
    json_t *registers = add_object(object, "registers");
    if (registers == NULL)
        return err_oom(e);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        json_t *into = registers;
        if (table[i].group != NULL) {
            into = json_object_get(registers, table[i].group);
            if (into == NULL)
                into = add_object(registers, table[i].group);
            if (into == NULL)
                return err_oom(e);
        }
        rc = put_u64(into, table[i].name, values[i], e);
    }
    return rc;
}

static int put_drives(json_t *config, const char *key, const struct machine_config *c,
                      enum machine_kind kind, const struct machine_range *ranges, size_t count,
                      struct err *e)
{
    const struct machine_drive *drives = kind == MACHINE_FLASH ? c->drives : c->nvrams;
    size_t drive_count = kind == MACHINE_FLASH ? c->drive_count : c->nvram_count;
    json_t *array = json_array();
    int rc = put(config, key, array, e);
    for (size_t i = 0; rc == 0 && i < drive_count; i++) {
        json_t *d = json_object();
        if (json_array_append_new(array, d) != 0)
            return err_oom(e);
        for (size_t k = 0; rc == 0 && k < count; k++)
            if (ranges[k].kind == kind && ranges[k].index == i)
                rc = put_backing(d, &ranges[k], e);
        if (rc == 0 && c->version->nvrams)
            rc = put(d, "label", json_string(drives[i].label), e);
        if (rc < 0 || (rc = put(d, "read_only", json_boolean(drives[i].read_only), e)) < 0 ||
            (rc = put_u64(d, "start", drives[i].start, e)) < 0)
            return rc;
        rc = put_u64(d, "length", drives[i].length, e);
    }
    return rc;
}

/* Where each fixed range's backing store stands, as path of at most three keys. */
static const char *const backing_paths[MACHINE_FIXED][3] = {
    [MACHINE_STATE] = {"processor"},
    [MACHINE_PMAS] = {"pmas"},
    [MACHINE_UARCH_STATE] = {"uarch", "processor"},
    [MACHINE_UARCH_RAM] = {"uarch", "ram"},
    [MACHINE_RX] = {"cmio", "rx_buffer"},
    [MACHINE_TX] = {"cmio", "tx_buffer"},
    [MACHINE_DTB] = {"dtb"},
    [MACHINE_RAM] = {"ram"},
};

static json_t *walk(json_t *object, const char *const *path)
{
    for (; *path != NULL && object != NULL; path++) {
        json_t *child = json_object_get(object, *path);
        object = child != NULL ? child : add_object(object, *path);
    }
    return object;
}

static int put_hash_tree(json_t *config, const struct machine_config *c, struct err *e)
{
    json_t *t = add_object(config, "hash_tree");
    int rc;
    if (t == NULL)
        return err_oom(e);
    if ((rc = put(t, "create", json_false(), e)) < 0 ||
        (rc = put(t, "hash_function", json_string(machine_hash_name(c->hash)), e)) < 0 ||
        (rc = put(t, "phtc_filename", json_string("./hash_tree.phtc"), e)) < 0 ||
        (rc = put_u64(t, "phtc_size", c->phtc_size, e)) < 0 ||
        (rc = put(t, "shared", json_boolean(c->hash_shared), e)) < 0)
        return rc;
    return put(t, "sht_filename", json_string("./hash_tree.sht"), e);
}

static int put_config(json_t *config, const struct machine_config *c, struct err *e)
{
    struct machine_range ranges[MACHINE_RANGES_MAX];
    size_t count = machine_config_ranges(c, ranges);
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++)
        if (ranges[i].kind < MACHINE_FIXED)
            rc = put_backing(walk(config, backing_paths[ranges[i].kind]), &ranges[i], e);
    if (rc < 0)
        return rc;
    json_t *dtb = json_object_get(config, "dtb");
    json_t *processor = json_object_get(config, "processor");
    json_t *uarch = walk(config, backing_paths[MACHINE_UARCH_STATE]);
    if ((rc = put_drives(config, "flash_drive", c, MACHINE_FLASH, ranges, count, e)) < 0 ||
        (c->version->nvrams &&
         (rc = put_drives(config, "nvram", c, MACHINE_NVRAM, ranges, count, e)) < 0) ||
        (rc = put(dtb, "bootargs", json_string(c->bootargs), e)) < 0 ||
        (rc = put(dtb, "entrypoint", json_string(c->entrypoint), e)) < 0 ||
        (rc = put(dtb, "init", json_string(c->init), e)) < 0 ||
        (rc = put_hash_tree(config, c, e)) < 0)
        return rc;
    if ((rc = put_registers(processor, c->version->registers, c->version->register_count,
                            c->registers, e)) < 0 ||
        (rc = put_registers(uarch, c->version->uarch_registers, MACHINE_UARCH_REGISTERS,
                            c->uarch_registers, e)) < 0 ||
        (rc = put_u64(json_object_get(config, "ram"), "length", c->ram_length, e)) < 0)
        return rc;
    return put(config, "virtio", json_array(), e);
}

int machine_config_format(const struct machine_config *c, struct buf *out, struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    json_t *config = document != NULL ? add_object(document, "config") : NULL;
    if (config == NULL)
        return err_oom(e);
    int rc = put_u64(document, "archive_version", c->version->archive_version, e);
    if (rc == 0)
        rc = put_config(config, c, e);
    return rc < 0 ? rc : machine_json_format(document, out, e);
}
