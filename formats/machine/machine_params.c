/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/machine/machine_params.h"

#include "formats/machine/machine_dtb.h"
#include "formats/machine/machine_numbers.h"

#include <stdio.h>
#include <string.h>

enum { NUMBER_MAX = 18, ROLE_MAX = 32, TEXT_MAX = 1 << 20, GROUP_DEPTH = 1, NAME_MAX_BYTES = 64 };
#define LENGTH_MAX ((uint64_t)1 << 52) /* an integer that JSON can say */
#define ALIGN_MAX ((uint64_t)1 << 30)

/* Roles of inputs that occur once, and where their backing store stands in the config. */
static const struct {
    const char *role;
    const char *path[2];
} single_roles[] = {
    {"ram", {"ram", NULL}},
    {"dtb", {"dtb", NULL}},
    {"uarchRam", {"uarch", "ram"}},
    {"rxBuffer", {"cmio", "rx_buffer"}},
    {"txBuffer", {"cmio", "tx_buffer"}},
};
enum { SINGLE_ROLES = sizeof(single_roles) / sizeof(single_roles[0]) };

/* What the config is made of, while it is made. */
struct maker {
    const struct jcur *params;
    json_t *config; /* borrowed from the document */
    const char *const *roles;
    size_t role_count;
    bool used[MACHINE_INPUTS_MAX];
};

/* The member `key` of an object, made when it is not there; borrowed. */
static json_t *child_of(json_t *object, const char *key)
{
    json_t *child = json_object_get(object, key);
    if (child != NULL)
        return child;
    child = json_object();
    return json_object_set_new(object, key, child) == 0 ? child : NULL;
}

/* "0x" and 1 to 16 lower-case digits without leading zeros. */
static int read_word(const struct jcur *c, uint64_t *out, struct err *e)
{
    static const char digits[] = "0123456789abcdef";
    const char *text = NULL;
    uint64_t v = 0;
    int rc = jcur_string(c, NUMBER_MAX, &text, e);
    if (rc < 0)
        return rc;
    size_t n = strncmp(text, "0x", 2) == 0 ? strspn(text + 2, digits) : 0;
    if (n == 0 || text[2 + n] != 0 || (text[2] == '0' && n > 1))
        return jcur_fail(c, e, "'%s' is no number like 0x80000000", text);
    for (size_t i = 0; i < n; i++)
        v = v << 4 | (uint64_t)(strchr(digits, text[2 + i]) - digits);
    *out = v;
    return 0;
}

static int put_word(json_t *object, const char *key, const struct jcur *c, struct err *e)
{
    uint64_t v = 0;
    int rc = read_word(c, &v, e);
    return rc < 0 ? rc : json_put(object, key, json_integer((json_int_t)v), e);
}

static int copy_text(json_t *object, const char *key, const struct jcur *params, struct err *e)
{
    const char *text = NULL;
    int rc = jcur_get_string(params, key, TEXT_MAX, &text, e);
    return rc < 0 ? rc : json_put_string(object, key, text, e);
}

/* The input of this role, when there is one, becomes the range's file. */
static int put_backing(struct maker *m, json_t *object, const char *role, struct err *e)
{
    for (size_t i = 0; i < m->role_count; i++) {
        if (strcmp(m->roles[i], role) != 0)
            continue;
        json_t *b = object != NULL ? child_of(object, "backing_store") : NULL;
        m->used[i] = true;
        return b == NULL ? err_oom(e) : json_put_string(b, "data_filename", role, e);
    }
    return 0;
}

/* ---- parts ---- */

static int put_drive(struct maker *m, const struct jcur *c, const char *role, json_t *out,
                     struct err *e)
{
    static const char *const keys[] = {"align", "label", "length", "readOnly", "start", NULL};
    struct jcur part;
    const char *label = NULL;
    bool read_only = false;
    uint64_t length = 0;
    int rc = jcur_object(c, keys, e);
    if (rc < 0 || (rc = jcur_get_string(c, "label", MACHINE_LABEL_MAX, &label, e)) < 0 ||
        (rc = json_put_string(out, "label", label, e)) < 0 ||
        (rc = jcur_get(c, "readOnly", &part, e)) < 0 ||
        (rc = jcur_bool(&part, &read_only, e)) < 0 ||
        (rc = json_put(out, "read_only", json_boolean(read_only), e)) < 0)
        return rc;
    if (jcur_opt(c, "length", &part) && ((rc = jcur_u64(&part, LENGTH_MAX, &length, e)) < 0 ||
                                         (rc = json_put_u64(out, "length", length, e)) < 0))
        return rc;
    if (jcur_opt(c, "start", &part) && (rc = put_word(out, "start", &part, e)) < 0)
        return rc;
    return put_backing(m, out, role, e);
}

/* flashDrives and nvrams, roles "flashDrives.0" and so on. */
static int put_drives(struct maker *m, const char *key, const char *config_key, struct err *e)
{
    struct jcur list;
    size_t count = 0;
    json_t *drives = json_array();
    int rc = json_put(m->config, config_key, drives, e);
    if (rc < 0 || (rc = jcur_get(m->params, key, &list, e)) < 0 ||
        (rc = jcur_array(&list, MACHINE_DRIVES_MAX, &count, e)) < 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        char role[ROLE_MAX];
        json_t *drive = json_object();
        if (json_array_append_new(drives, drive) != 0)
            return err_oom(e);
        snprintf(role, sizeof(role), "%s.%zu", key, i);
        rc = put_drive(m, &item, role, drive, e);
    }
    return rc;
}

static int put_ram(struct maker *m, struct err *e)
{
    uint64_t length = 0;
    json_t *ram = child_of(m->config, "ram");
    if (ram == NULL)
        return err_oom(e);
    int rc = jcur_get_u64(m->params, "ramLength", LENGTH_MAX, &length, e);
    return rc < 0 ? rc : json_put_u64(ram, "length", length, e);
}

static int put_dtb(struct maker *m, struct err *e)
{
    json_t *dtb = child_of(m->config, "dtb");
    if (dtb == NULL)
        return err_oom(e);
    int rc = copy_text(dtb, "bootargs", m->params, e);
    if (rc < 0 || (rc = copy_text(dtb, "init", m->params, e)) < 0)
        return rc;
    return copy_text(dtb, "entrypoint", m->params, e);
}

/* Registers as config.json groups them; which there are, its reader knows. */
static int put_registers(json_t *out, const struct jcur *c, unsigned depth, struct err *e)
{
    const char *key;
    json_t *value;
    int rc = jcur_open_object(c, e);
    if (rc < 0)
        return rc;
    json_object_foreach(c->value, key, value)
    {
        struct jcur child;
        if (strlen(key) > NAME_MAX_BYTES)
            return jcur_fail(c, e, "unknown register '%.64s'", key);
        if ((rc = jcur_get(c, key, &child, e)) < 0)
            return rc;
        if (json_is_object(value) && depth < GROUP_DEPTH) {
            json_t *group = child_of(out, key);
            rc = group == NULL ? err_oom(e) : put_registers(group, &child, depth + 1, e);
        } else {
            rc = put_word(out, key, &child, e);
        }
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int put_processor(struct maker *m, struct err *e)
{
    struct jcur c;
    json_t *processor = child_of(m->config, "processor");
    json_t *registers = processor != NULL ? child_of(processor, "registers") : NULL;
    if (registers == NULL)
        return err_oom(e);
    int rc = jcur_get(m->params, "registers", &c, e);
    return rc < 0 ? rc : put_registers(registers, &c, 0, e);
}

static int put_hash_tree(struct maker *m, struct err *e)
{
    json_t *tree = child_of(m->config, "hash_tree");
    struct jcur c;
    const char *function = NULL;
    uint64_t size = 0;
    if (tree == NULL)
        return err_oom(e);
    int rc = jcur_get_string(m->params, "hashFunction", NAME_MAX_BYTES, &function, e);
    if (rc < 0 || (rc = json_put_string(tree, "hash_function", function, e)) < 0)
        return rc;
    /* How many pages the emulator's cache of page hashes has. */
    if (jcur_opt(m->params, "phtcSize", &c) && (rc = jcur_u64(&c, LENGTH_MAX, &size, e)) == 0)
        rc = json_put_u64(tree, "phtc_size", size, e);
    return rc;
}

static int put_single_roles(struct maker *m, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < SINGLE_ROLES; i++) {
        json_t *object = child_of(m->config, single_roles[i].path[0]);
        if (object != NULL && single_roles[i].path[1] != NULL)
            object = child_of(object, single_roles[i].path[1]);
        rc = object == NULL ? err_oom(e) : put_backing(m, object, single_roles[i].role, e);
    }
    return rc;
}

/* ---- all of it ---- */

static int read_roles(const struct jcur *params, size_t input_count, struct machine_params *out,
                      struct err *e)
{
    struct jcur list;
    size_t count = 0;
    int rc = jcur_get(params, "inputs", &list, e);
    if (rc < 0 || (rc = jcur_array(&list, MACHINE_INPUTS_MAX, &count, e)) < 0)
        return rc;
    if (count != input_count)
        return jcur_fail(&list, e, "%zu roles for %zu inputs", count, input_count);
    for (size_t i = 0; i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        if ((rc = jcur_string(&item, ROLE_MAX - 1, &out->roles[i], e)) < 0)
            return rc;
        for (size_t k = 0; k < i; k++)
            if (strcmp(out->roles[i], out->roles[k]) == 0)
                return jcur_fail(&item, e, "the role '%s' occurs twice", out->roles[i]);
    }
    out->role_count = count;
    return 0;
}

static int check_roles(const struct maker *m, struct err *e)
{
    for (size_t i = 0; i < m->role_count; i++)
        if (!m->used[i])
            return jcur_fail(m->params, e, "no input of this machine is '%s'", m->roles[i]);
    return 0;
}

/* The config as the emulator would be given it; *out is new. */
static int make_document(const struct jcur *params, const struct machine_params *p, json_t **out,
                         struct err *e)
{
    AUTO_JSON json_t *document = json_object();
    const char *emulator = NULL;
    int rc = jcur_get_string(params, "emulator", NAME_MAX_BYTES, &emulator, e);
    if (rc < 0)
        return rc;
    const struct machine_version *version = machine_version_named(emulator);
    if (version == NULL)
        return jcur_fail(params, e, "machines of emulator '%s' cannot be written (0.21 can)",
                         emulator);
    struct maker m = {
        .params = params,
        .config = document != NULL ? child_of(document, "config") : NULL,
        .roles = p->roles,
        .role_count = p->role_count,
    };
    if (m.config == NULL)
        return err_oom(e);
    if ((rc = json_put_u64(document, "archive_version", version->archive_version, e)) < 0 ||
        (rc = put_ram(&m, e)) < 0 || (rc = put_dtb(&m, e)) < 0 || (rc = put_processor(&m, e)) < 0 ||
        (rc = put_hash_tree(&m, e)) < 0 ||
        (rc = put_drives(&m, "flashDrives", "flash_drive", e)) < 0 ||
        (rc = put_drives(&m, "nvrams", "nvram", e)) < 0 || (rc = put_single_roles(&m, e)) < 0 ||
        (rc = check_roles(&m, e)) < 0)
        return rc;
    *out = steal_ptr(&document);
    return 0;
}

/* The least unit of a length that the drive's file gives. */
static int read_align(const struct jcur *drive, uint64_t *out, struct err *e)
{
    struct jcur c;
    uint64_t align = 0;
    if (!jcur_opt(drive, "align", &c))
        return 0;
    int rc = jcur_u64(&c, ALIGN_MAX, &align, e);
    if (rc < 0)
        return rc;
    if (align < MACHINE_PAGE || (align & (align - 1)) != 0)
        return jcur_fail(&c, e, "%llu is no power of two from %d on", (unsigned long long)align,
                         MACHINE_PAGE);
    *out = align;
    return 0;
}

static int read_aligns(const struct jcur *params, const char *key, struct machine_drive *drives,
                       size_t count, struct err *e)
{
    struct jcur list;
    int rc = jcur_get(params, key, &list, e);
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct jcur item = jcur_item(&list, i);
        rc = read_align(&item, &drives[i].align, e);
    }
    return rc;
}

static uint64_t least_length(const struct machine_drive *d)
{
    if (d->length != MACHINE_AUTO)
        return d->length;
    return d->align != 0 ? d->align : MACHINE_PAGE;
}

/* What can be known before the inputs are: a copy is resolved, with the least for an open length.
 */
static int check_places(const struct machine_config *config, struct err *e)
{
    struct machine_config copy = *config;
    AUTO_BUF dtb = BUF_INIT(MACHINE_DTB_SIZE);
    for (size_t i = 0; i < copy.drive_count; i++)
        copy.drives[i].length = least_length(&copy.drives[i]);
    for (size_t i = 0; i < copy.nvram_count; i++)
        copy.nvrams[i].length = least_length(&copy.nvrams[i]);
    int rc = machine_config_resolve(&copy, e);
    return rc < 0 ? rc : machine_dtb_format(&copy, &dtb, e);
}

int machine_params_read(const struct jcur *params, size_t input_count, struct machine_params *out,
                        struct err *e)
{
    AUTO_JSON json_t *document = NULL;
    AUTO_BUF text = BUF_INIT(MACHINE_CONFIG_BYTES_MAX);
    memset(out, 0, sizeof(*out));
    int rc = read_roles(params, input_count, out, e);
    if (rc < 0 || (rc = make_document(params, out, &document, e)) < 0 ||
        (rc = machine_json_format(document, &text, e)) < 0)
        return rc;
    rc = machine_config_parse(buf_str(&text), text.len, "the machine of the parameters",
                              &out->config, e);
    if (rc < 0 ||
        (rc = read_aligns(params, "flashDrives", out->config.drives, out->config.drive_count, e)) <
            0 ||
        (rc = read_aligns(params, "nvrams", out->config.nvrams, out->config.nvram_count, e)) < 0)
        return rc;
    return check_places(&out->config, e);
}

void machine_params_dispose(struct machine_params *p)
{
    machine_config_dispose(&p->config);
}
