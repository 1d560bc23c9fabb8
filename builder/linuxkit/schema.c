/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/schema.h"

#include "base/json.h"
#include "base/yaml/yaml_go_scalar.h"

#include <inttypes.h>
#include <string.h>

enum { FIELDS_MAX = 48, ITEMS_MAX = 65536, MAP_MAX = 4096, TEXT_MAX = 1024 * 1024 };

static const struct linuxkit_node TEXT = {.type = LINUXKIT_TEXT};
static const struct linuxkit_node ANY_TEXT = {.type = LINUXKIT_TEXT, .any = true};
static const struct linuxkit_node BOOL = {.type = LINUXKIT_BOOL};
static const struct linuxkit_node INT = {.type = LINUXKIT_INT};
static const struct linuxkit_node U64 = {.type = LINUXKIT_INT, .range = LINUXKIT_UINT64};
static const struct linuxkit_node U32 = {.type = LINUXKIT_INT, .range = LINUXKIT_UINT32};
static const struct linuxkit_node U16 = {.type = LINUXKIT_INT, .range = LINUXKIT_UINT16};
static const struct linuxkit_node OWNER = {.type = LINUXKIT_TEXT_OR_INT};
static const struct linuxkit_node TEXTS = {.type = LINUXKIT_LIST, .item = &TEXT};
static const struct linuxkit_node ANY_TEXTS = {.type = LINUXKIT_LIST, .item = &ANY_TEXT};
static const struct linuxkit_node OWNERS = {.type = LINUXKIT_LIST, .item = &OWNER};
static const struct linuxkit_node MAP = {.type = LINUXKIT_MAP};

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, LINUXKIT_IF_SET, false                                                         \
    }

/* ---- structures of the OCI runtime specification -------------------------------------------- */

static const struct linuxkit_field ID_FIELDS[] = {
    {"containerID", &INT, LINUXKIT_DROPPED, false},
    {"hostID", &INT, LINUXKIT_DROPPED, false},
    {"size", &U32, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node ID = {
    .type = LINUXKIT_OBJECT, .fields = ID_FIELDS, .runtime_spec = true};
static const struct linuxkit_node IDS = {.type = LINUXKIT_LIST, .item = &ID};

static const struct linuxkit_field MOUNT_FIELDS[] = {
    {"destination", &TEXT, LINUXKIT_ALWAYS, false},
    {"type", &TEXT, LINUXKIT_ALWAYS, false},
    {"source", &TEXT, LINUXKIT_ALWAYS, false},
    {"options", &TEXTS, LINUXKIT_ALWAYS, false},
    {"uidmappings", &IDS, LINUXKIT_ALWAYS, false},
    {"gidmappings", &IDS, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node MOUNT = {
    .type = LINUXKIT_OBJECT, .fields = MOUNT_FIELDS, .runtime_spec = true};
static const struct linuxkit_node MOUNTS = {.type = LINUXKIT_LIST, .item = &MOUNT};

static const struct linuxkit_field RULE_FIELDS[] = {
    {"allow", &BOOL, LINUXKIT_ALWAYS, false},     {"type", &TEXT, LINUXKIT_ALWAYS, false},
    {"major", &INT, LINUXKIT_ALWAYS_NULL, false}, {"minor", &INT, LINUXKIT_ALWAYS_NULL, false},
    {"access", &TEXT, LINUXKIT_ALWAYS, false},    END,
};
static const struct linuxkit_node RULE = {
    .type = LINUXKIT_OBJECT, .fields = RULE_FIELDS, .runtime_spec = true};
static const struct linuxkit_node RULES = {.type = LINUXKIT_LIST, .item = &RULE};

static const struct linuxkit_field MEMORY_FIELDS[] = {
    {"limit", &INT, LINUXKIT_ALWAYS_NULL, false},
    {"reservation", &INT, LINUXKIT_ALWAYS_NULL, false},
    {"swap", &INT, LINUXKIT_ALWAYS_NULL, false},
    {"kernel", &INT, LINUXKIT_ALWAYS_NULL, false},
    {"kernelTCP", &INT, LINUXKIT_DROPPED_NULL, false},
    {"swappiness", &U64, LINUXKIT_ALWAYS_NULL, false},
    {"disableOOMKiller", &BOOL, LINUXKIT_DROPPED_NULL, false},
    {"useHierarchy", &BOOL, LINUXKIT_HIDDEN_NULL, false},
    {"checkBeforeUpdate", &BOOL, LINUXKIT_HIDDEN_NULL, false},
    END,
};
static const struct linuxkit_node MEMORY = {
    .type = LINUXKIT_OBJECT, .fields = MEMORY_FIELDS, .runtime_spec = true};

static const struct linuxkit_field CPU_FIELDS[] = {
    {"shares", &U64, LINUXKIT_ALWAYS_NULL, false},
    {"quota", &INT, LINUXKIT_ALWAYS_NULL, false},
    {"burst", &INT, LINUXKIT_HIDDEN_NULL, false},
    {"period", &U64, LINUXKIT_ALWAYS_NULL, false},
    {"realtimeRuntime", &INT, LINUXKIT_DROPPED_NULL, false},
    {"realtimePeriod", &INT, LINUXKIT_DROPPED_NULL, false},
    {"cpus", &TEXT, LINUXKIT_ALWAYS, false},
    {"mems", &TEXT, LINUXKIT_ALWAYS, false},
    {"idle", &INT, LINUXKIT_HIDDEN_NULL, false},
    END,
};
static const struct linuxkit_node CPU = {
    .type = LINUXKIT_OBJECT, .fields = CPU_FIELDS, .runtime_spec = true};

static const struct linuxkit_field PIDS_FIELDS[] = {{"limit", &INT, LINUXKIT_ALWAYS, false}, END};
static const struct linuxkit_node PIDS = {
    .type = LINUXKIT_OBJECT, .fields = PIDS_FIELDS, .runtime_spec = true};

static const struct linuxkit_field WEIGHT_FIELDS[] = {
    {"major", &INT, LINUXKIT_DROPPED, false},
    {"minor", &INT, LINUXKIT_DROPPED, false},
    {"weight", &INT, LINUXKIT_ALWAYS_NULL, false},
    {"leafWeight", &INT, LINUXKIT_DROPPED_NULL, false},
    END,
};
static const struct linuxkit_node WEIGHT = {
    .type = LINUXKIT_OBJECT, .fields = WEIGHT_FIELDS, .runtime_spec = true};
static const struct linuxkit_node WEIGHTS = {.type = LINUXKIT_LIST, .item = &WEIGHT};

static const struct linuxkit_field THROTTLE_FIELDS[] = {
    {"major", &INT, LINUXKIT_DROPPED, false},
    {"minor", &INT, LINUXKIT_DROPPED, false},
    {"rate", &INT, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node THROTTLE = {
    .type = LINUXKIT_OBJECT, .fields = THROTTLE_FIELDS, .runtime_spec = true};
static const struct linuxkit_node THROTTLES = {.type = LINUXKIT_LIST, .item = &THROTTLE};

static const struct linuxkit_field BLOCKIO_FIELDS[] = {
    {"weight", &U16, LINUXKIT_ALWAYS_NULL, false},
    {"leafWeight", &INT, LINUXKIT_DROPPED_NULL, false},
    {"weightDevice", &WEIGHTS, LINUXKIT_DROPPED, false},
    {"throttleReadBpsDevice", &THROTTLES, LINUXKIT_DROPPED, false},
    {"throttleWriteBpsDevice", &THROTTLES, LINUXKIT_DROPPED, false},
    {"throttleReadIOPSDevice", &THROTTLES, LINUXKIT_DROPPED, false},
    {"throttleWriteIOPSDevice", &THROTTLES, LINUXKIT_DROPPED, false},
    END,
};
static const struct linuxkit_node BLOCKIO = {
    .type = LINUXKIT_OBJECT, .fields = BLOCKIO_FIELDS, .runtime_spec = true};

static const struct linuxkit_field HUGEPAGE_FIELDS[] = {
    {"pageSize", &INT, LINUXKIT_DROPPED, false},
    {"limit", &INT, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node HUGEPAGE = {
    .type = LINUXKIT_OBJECT, .fields = HUGEPAGE_FIELDS, .runtime_spec = true};
static const struct linuxkit_node HUGEPAGES = {.type = LINUXKIT_LIST, .item = &HUGEPAGE};

static const struct linuxkit_field PRIORITY_FIELDS[] = {
    {"name", &TEXT, LINUXKIT_ALWAYS, false},
    {"priority", &U32, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node PRIORITY = {
    .type = LINUXKIT_OBJECT, .fields = PRIORITY_FIELDS, .runtime_spec = true};
static const struct linuxkit_node PRIORITIES = {.type = LINUXKIT_LIST, .item = &PRIORITY};
static const struct linuxkit_field NETWORK_FIELDS[] = {
    {"classID", &INT, LINUXKIT_DROPPED_NULL, false},
    {"priorities", &PRIORITIES, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node NETWORK = {
    .type = LINUXKIT_OBJECT, .fields = NETWORK_FIELDS, .runtime_spec = true};

static const struct linuxkit_field RESOURCES_FIELDS[] = {
    {"devices", &RULES, LINUXKIT_ALWAYS, false},
    {"memory", &MEMORY, LINUXKIT_ALWAYS_NULL, false},
    {"cpu", &CPU, LINUXKIT_ALWAYS_NULL, false},
    {"pids", &PIDS, LINUXKIT_ALWAYS_NULL, false},
    {"blockio", &BLOCKIO, LINUXKIT_ALWAYS_NULL, false},
    {"hugepageLimits", &HUGEPAGES, LINUXKIT_DROPPED, false},
    {"network", &NETWORK, LINUXKIT_ALWAYS_NULL, false},
    {"rdma", &MAP, LINUXKIT_HIDDEN, false},
    {"unified", &MAP, LINUXKIT_HIDDEN, false},
    END,
};
const struct linuxkit_node linuxkit_resources = {
    .type = LINUXKIT_OBJECT, .fields = RESOURCES_FIELDS, .runtime_spec = true};

/* ---- images ------------------------------------------------------------------------------------
 */

static const struct linuxkit_field DEVICE_FIELDS[] = {
    {"path", &TEXT, LINUXKIT_ALWAYS, false}, {"type", &TEXT, LINUXKIT_ALWAYS, false},
    {"major", &INT, LINUXKIT_ALWAYS, false}, {"minor", &INT, LINUXKIT_ALWAYS, false},
    {"mode", &TEXT, LINUXKIT_IF_SET, false}, END,
};
static const struct linuxkit_node DEVICE = {.type = LINUXKIT_OBJECT, .fields = DEVICE_FIELDS};
static const struct linuxkit_node DEVICES = {.type = LINUXKIT_LIST, .item = &DEVICE};

static const struct linuxkit_field INTERFACE_FIELDS[] = {
    {"name", &TEXT, LINUXKIT_IF_SET, false},
    {"add", &TEXT, LINUXKIT_IF_SET, false},
    {"peer", &TEXT, LINUXKIT_IF_SET, false},
    {"createInRoot", &BOOL, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node INTERFACE = {.type = LINUXKIT_OBJECT, .fields = INTERFACE_FIELDS};
static const struct linuxkit_node INTERFACES = {.type = LINUXKIT_LIST, .item = &INTERFACE};

static const struct linuxkit_field BIND_FIELDS[] = {
    {"cgroup", &TEXT, LINUXKIT_IF_GIVEN, false}, {"ipc", &TEXT, LINUXKIT_IF_GIVEN, false},
    {"mnt", &TEXT, LINUXKIT_IF_GIVEN, false},    {"net", &TEXT, LINUXKIT_IF_GIVEN, false},
    {"pid", &TEXT, LINUXKIT_IF_GIVEN, false},    {"user", &TEXT, LINUXKIT_IF_GIVEN, false},
    {"uts", &TEXT, LINUXKIT_IF_GIVEN, false},    END,
};
static const struct linuxkit_node BIND = {.type = LINUXKIT_OBJECT, .fields = BIND_FIELDS};

static const struct linuxkit_field RUNTIME_FIELDS[] = {
    {"cgroups", &TEXTS, LINUXKIT_IF_GIVEN, false},
    {"mounts", &MOUNTS, LINUXKIT_IF_GIVEN, false},
    {"mkdir", &TEXTS, LINUXKIT_IF_GIVEN, false},
    {"interfaces", &INTERFACES, LINUXKIT_IF_GIVEN, false},
    {"bindNS", &BIND, LINUXKIT_STRUCT, false},
    {"namespace", &TEXT, LINUXKIT_IF_GIVEN, false},
    END,
};
static const struct linuxkit_node RUNTIME = {.type = LINUXKIT_OBJECT, .fields = RUNTIME_FIELDS};

/* Everything but name and image. */
#define IMAGE_FIELDS                                                                               \
    {"capabilities", &TEXTS, LINUXKIT_IF_GIVEN, false},                                            \
        {"capabilities.add", &TEXTS, LINUXKIT_IF_GIVEN, false},                                    \
        {"ambient", &TEXTS, LINUXKIT_IF_GIVEN, false},                                             \
        {"mounts", &MOUNTS, LINUXKIT_IF_GIVEN, false},                                             \
        {"binds", &TEXTS, LINUXKIT_IF_GIVEN, false},                                               \
        {"binds.add", &TEXTS, LINUXKIT_IF_GIVEN, false},                                           \
        {"devices", &DEVICES, LINUXKIT_IF_GIVEN, false},                                           \
        {"tmpfs", &TEXTS, LINUXKIT_IF_GIVEN, false},                                               \
        {"command", &ANY_TEXTS, LINUXKIT_IF_GIVEN, false},                                         \
        {"env", &ANY_TEXTS, LINUXKIT_IF_GIVEN, false}, {"cwd", &TEXT, LINUXKIT_IF_SET, false},     \
        {"net", &TEXT, LINUXKIT_IF_SET, false}, {"pid", &TEXT, LINUXKIT_IF_SET, false},            \
        {"ipc", &TEXT, LINUXKIT_IF_SET, false}, {"uts", &TEXT, LINUXKIT_IF_SET, false},            \
        {"userns", &TEXT, LINUXKIT_IF_SET, false}, {"hostname", &TEXT, LINUXKIT_IF_SET, false},    \
        {"readonly", &BOOL, LINUXKIT_IF_GIVEN, false},                                             \
        {"maskedPaths", &TEXTS, LINUXKIT_IF_GIVEN, false},                                         \
        {"readonlyPaths", &TEXTS, LINUXKIT_IF_GIVEN, false},                                       \
        {"uid", &OWNER, LINUXKIT_IF_GIVEN, false}, {"gid", &OWNER, LINUXKIT_IF_GIVEN, false},      \
        {"additionalGids", &OWNERS, LINUXKIT_IF_GIVEN, false},                                     \
        {"noNewPrivileges", &BOOL, LINUXKIT_IF_GIVEN, false},                                      \
        {"oomScoreAdj", &INT, LINUXKIT_IF_GIVEN, false},                                           \
        {"rootfsPropagation", &TEXT, LINUXKIT_IF_GIVEN, false},                                    \
        {"cgroupsPath", &TEXT, LINUXKIT_IF_GIVEN, false},                                          \
        {"resources", &linuxkit_resources, LINUXKIT_IF_GIVEN, false},                              \
        {"sysctl", &MAP, LINUXKIT_IF_GIVEN, false}, {"rlimits", &TEXTS, LINUXKIT_IF_GIVEN, false}, \
        {"uidMappings", &IDS, LINUXKIT_IF_GIVEN, false},                                           \
        {"gidMappings", &IDS, LINUXKIT_IF_GIVEN, false},                                           \
        {"annotations", &MAP, LINUXKIT_IF_GIVEN, false},                                           \
        {"runtime", &RUNTIME, LINUXKIT_IF_GIVEN, false}, END

static const struct linuxkit_field LABEL_FIELDS[] = {IMAGE_FIELDS};
const struct linuxkit_node linuxkit_label = {.type = LINUXKIT_OBJECT, .fields = LABEL_FIELDS};

static const struct linuxkit_field ENTRY_FIELDS[] = {
    {"name", &TEXT, LINUXKIT_ALWAYS, true}, {"image", &TEXT, LINUXKIT_ALWAYS, true}, IMAGE_FIELDS};
const struct linuxkit_node compat_entry = {.type = LINUXKIT_OBJECT, .fields = ENTRY_FIELDS};
static const struct linuxkit_node ENTRIES = {.type = LINUXKIT_LIST, .item = &compat_entry};

/* ---- the document --------------------------------------------------------------------------- */

static const struct linuxkit_field KERNEL_FIELDS[] = {
    {"image", &TEXT, LINUXKIT_ALWAYS, false},   {"cmdline", &TEXT, LINUXKIT_IF_SET, false},
    {"binary", &TEXT, LINUXKIT_IF_SET, false},  {"tar", &TEXT, LINUXKIT_IF_GIVEN, false},
    {"ucode", &TEXT, LINUXKIT_IF_GIVEN, false}, END,
};
static const struct linuxkit_node KERNEL = {.type = LINUXKIT_OBJECT, .fields = KERNEL_FIELDS};

static const struct linuxkit_field FILE_FIELDS[] = {
    {"path", &TEXT, LINUXKIT_ALWAYS, false},
    {"directory", &BOOL, LINUXKIT_ALWAYS, false},
    {"symlink", &TEXT, LINUXKIT_IF_SET, false},
    {"contents", &ANY_TEXT, LINUXKIT_IF_GIVEN, false},
    {"source", &TEXT, LINUXKIT_IF_SET, false},
    {"metadata", &TEXT, LINUXKIT_IF_SET, false},
    {"optional", &BOOL, LINUXKIT_ALWAYS, false},
    {"mode", &TEXT, LINUXKIT_IF_SET, false},
    {"uid", &OWNER, LINUXKIT_IF_GIVEN, false},
    {"gid", &OWNER, LINUXKIT_IF_GIVEN, false},
    END,
};
static const struct linuxkit_node FILE_NODE = {.type = LINUXKIT_OBJECT, .fields = FILE_FIELDS};
static const struct linuxkit_node FILES = {.type = LINUXKIT_LIST, .item = &FILE_NODE};

static const char *const FORMATS[] = {"oci", "filesystem", NULL};
static const struct linuxkit_node FORMAT = {.type = LINUXKIT_TEXT, .choices = FORMATS};
static const struct linuxkit_field VOLUME_FIELDS[] = {
    {"name", &TEXT, LINUXKIT_ALWAYS, false},       {"image", &TEXT, LINUXKIT_IF_SET, false},
    {"readonly", &BOOL, LINUXKIT_IF_SET, false},   {"format", &FORMAT, LINUXKIT_IF_SET, false},
    {"platforms", &TEXTS, LINUXKIT_IF_SET, false}, END,
};
static const struct linuxkit_node VOLUME = {.type = LINUXKIT_OBJECT, .fields = VOLUME_FIELDS};
static const struct linuxkit_node VOLUMES = {.type = LINUXKIT_LIST, .item = &VOLUME};

static const struct linuxkit_field TRUST_FIELDS[] = {
    {"image", &TEXTS, LINUXKIT_DROPPED, false}, {"org", &TEXTS, LINUXKIT_DROPPED, false}, END};
static const struct linuxkit_node TRUST = {.type = LINUXKIT_OBJECT, .fields = TRUST_FIELDS};

static const struct linuxkit_field DOCUMENT_FIELDS[] = {
    {"kernel", &KERNEL, LINUXKIT_ALWAYS, false},
    {"init", &TEXTS, LINUXKIT_ALWAYS, false},
    {"onboot", &ENTRIES, LINUXKIT_ALWAYS, false},
    {"onshutdown", &ENTRIES, LINUXKIT_ALWAYS, false},
    {"services", &ENTRIES, LINUXKIT_ALWAYS, false},
    {"files", &FILES, LINUXKIT_ALWAYS, false},
    {"volumes", &VOLUMES, LINUXKIT_ALWAYS, false},
    {"trust", &TRUST, LINUXKIT_DROPPED, false},
    END,
};
const struct linuxkit_node linuxkit_document = {.type = LINUXKIT_OBJECT, .fields = DOCUMENT_FIELDS};

static bool is_hidden(const struct linuxkit_field *f)
{
    return f->show == LINUXKIT_HIDDEN || f->show == LINUXKIT_HIDDEN_NULL;
}

/* ---- checking --------------------------------------------------------------------------------
 */

static int check_text(const struct ycur *c, const struct linuxkit_node *node, struct err *e)
{
    const char *text = NULL;
    size_t choice = 0;
    if (node->choices != NULL)
        return ycur_choice(c, node->choices, &choice, e);
    int rc = ycur_text0(c, TEXT_MAX, &text, e);
    if (rc == 0 && !node->any && strstr(text, YAML_NUL) != NULL)
        return ycur_fail(c, ERR_INPUT, e, "a text with a NUL character");
    return rc;
}

/* An integer as YAML has it, 1.0 included, or as a plan has it. */
static bool integer_of(const json_t *value, bool settled, int64_t *out)
{
    if (json_is_integer(value)) {
        *out = json_integer_value(value);
        return true;
    }
    if (settled && json_is_string(value)) {
        struct yaml_go_scalar_value v;
        bool whole = yaml_go_scalar_read(json_string_value(value), &v) == YAML_GO_SCALAR_INT;
        *out = v.integer;
        return whole;
    }
    double real = json_is_real(value) ? json_real_value(value) : 0.5;
    if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0))
        return false;
    *out = (int64_t)real;
    return (double)*out == real;
}

static int check_int(const struct ycur *c, const struct linuxkit_node *node, struct err *e)
{
    static const char *const names[] = {"64", "64", "32", "16"};
    int64_t value = 0;
    if (!integer_of(c->value, c->doc == NULL, &value)) {
        int64_t ignored = 0;
        if (json_is_real(c->value))
            return ycur_fail(c, ERR_INPUT, e, "this must be an integer of at most 63 bits");
        return ycur_int(c, INT64_MIN, INT64_MAX, &ignored, e);
    }
    bool fits = node->range == LINUXKIT_INT64 ||
                (value >= 0 &&
                 (node->range == LINUXKIT_UINT64 ||
                  (node->range == LINUXKIT_UINT32 ? value <= UINT32_MAX : value <= UINT16_MAX)));
    return fits ? 0
                : ycur_fail(c, ERR_INPUT, e, "%lld does not fit an unsigned number of %s bits",
                            (long long)value, names[node->range]);
}

/* A float, even a whole one, is no id: LinuxKit says so later. An id beyond 2^53 would not survive
 * in a plan, and LinuxKit would cut it to 32 bits. */
static int check_owner(const struct ycur *c, struct err *e)
{
    const int64_t max = ((int64_t)1 << 53) - 1;
    int64_t value = 0;
    return ycur_int(c, -max, max, &value, e);
}

static int check_map(const struct ycur *c, struct err *e)
{
    AUTO_FREE const char **keys = NULL;
    size_t count = 0;
    int rc = ycur_open_map(c, e);
    if (rc < 0 || (rc = ycur_keys(c, &keys, &count, e)) < 0)
        return rc;
    if (count > MAP_MAX)
        return ycur_fail(c, ERR_INPUT, e, "more than %d members", MAP_MAX);
    for (size_t i = 0; i < count; i++) {
        struct ycur m;
        if ((rc = ycur_get(c, keys[i], &m, e)) < 0 || (rc = check_text(&m, &ANY_TEXT, e)) < 0)
            return rc;
    }
    return 0;
}

static int check_object(const struct ycur *c, const struct linuxkit_node *node, struct err *e)
{
    const char *keys[FIELDS_MAX];
    size_t n = 0;
    for (const struct linuxkit_field *f = node->fields; f->key != NULL && n + 1 < FIELDS_MAX; f++)
        if (!is_hidden(f))
            keys[n++] = f->key;
    keys[n] = NULL;
    int rc = ycur_map(c, keys, e);
    for (const struct linuxkit_field *f = node->fields; rc == 0 && f->key != NULL; f++) {
        struct ycur m;
        if (f->required)
            rc = ycur_get(c, f->key, &m, e);
        else if (!ycur_opt(c, f->key, &m))
            continue;
        if (rc == 0)
            rc = linuxkit_check(&m, f->node, e);
    }
    return rc;
}

int linuxkit_check(const struct ycur *c, const struct linuxkit_node *node, struct err *e)
{
    bool flag = false;
    size_t count = 0;
    int rc = 0;
    switch (node->type) {
    case LINUXKIT_TEXT:
        return check_text(c, node, e);
    case LINUXKIT_BOOL:
        return ycur_bool(c, &flag, e);
    case LINUXKIT_INT:
        return check_int(c, node, e);
    case LINUXKIT_TEXT_OR_INT:
        return json_is_string(c->value) ? check_text(c, &TEXT, e) : check_owner(c, e);
    case LINUXKIT_MAP:
        return check_map(c, e);
    case LINUXKIT_OBJECT:
        return check_object(c, node, e);
    case LINUXKIT_LIST:
        rc = ycur_list(c, ITEMS_MAX, &count, e);
        break;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ycur item = ycur_item(c, i);
        rc = linuxkit_check(&item, node->item, e);
    }
    return rc;
}

/* ---- settling -------------------------------------------------------------------------------- */

int64_t linuxkit_integer(const json_t *value)
{
    int64_t number = 0;
    return integer_of(value, true, &number) ? number : 0;
}

static int settle_int(const json_t *value, json_t **out, struct err *e)
{
    const int64_t max = ((int64_t)1 << 53) - 1;
    int64_t number = linuxkit_integer(value);
    char text[32];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    *out = number >= -max && number <= max ? json_integer(number) : json_string(text);
    return *out == NULL ? err_oom(e) : 0;
}

static int settle_list(const json_t *value, const struct linuxkit_node *node, json_t **out,
                       struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = NULL;
        int rc = linuxkit_settle(json_array_get(value, i), node->item, &item, e);
        if (rc < 0 || (rc = json_push(list, item, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&list);
    return 0;
}

static int settle_object(const json_t *value, const struct linuxkit_node *node, json_t **out,
                         struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    if (object == NULL)
        return err_oom(e);
    for (const struct linuxkit_field *f = node->fields; f->key != NULL; f++) {
        const json_t *member = json_object_get(value, f->key);
        json_t *settled = NULL;
        if (member == NULL)
            continue;
        int rc = linuxkit_settle(member, f->node, &settled, e);
        if (rc < 0 || (rc = json_put(object, f->key, settled, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&object);
    return 0;
}

int linuxkit_settle(const json_t *value, const struct linuxkit_node *node, json_t **out,
                    struct err *e)
{
    switch (node->type) {
    case LINUXKIT_LIST:
        return settle_list(value, node, out, e);
    case LINUXKIT_OBJECT:
        return settle_object(value, node, out, e);
    case LINUXKIT_INT:
        return settle_int(value, out, e);
    default:
        *out = json_deep_copy(value);
        return *out == NULL ? err_oom(e) : 0;
    }
}
