#include "builder/linuxkit/schema.h"

#include "base/json.h"
#include "base/yaml/yaml_go_scalar.h"

#include <inttypes.h>
#include <string.h>

enum { FIELDS_MAX = 48, ITEMS_MAX = 65536, MAP_MAX = 4096, TEXT_MAX = 1024 * 1024 };

static const struct lk_node TEXT = {.type = LK_TEXT};
static const struct lk_node ANY_TEXT = {.type = LK_TEXT, .any = true};
static const struct lk_node BOOL = {.type = LK_BOOL};
static const struct lk_node INT = {.type = LK_INT};
static const struct lk_node U64 = {.type = LK_INT, .range = LK_UINT64};
static const struct lk_node U32 = {.type = LK_INT, .range = LK_UINT32};
static const struct lk_node U16 = {.type = LK_INT, .range = LK_UINT16};
static const struct lk_node OWNER = {.type = LK_TEXT_OR_INT};
static const struct lk_node TEXTS = {.type = LK_LIST, .item = &TEXT};
static const struct lk_node ANY_TEXTS = {.type = LK_LIST, .item = &ANY_TEXT};
static const struct lk_node OWNERS = {.type = LK_LIST, .item = &OWNER};
static const struct lk_node MAP = {.type = LK_MAP};

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, LK_IF_SET, false                                                               \
    }

/* ---- structures of the OCI runtime specification -------------------------------------------- */

static const struct lk_field ID_FIELDS[] = {
    {"containerID", &INT, LK_DROPPED, false},
    {"hostID", &INT, LK_DROPPED, false},
    {"size", &U32, LK_ALWAYS, false},
    END,
};
static const struct lk_node ID = {.type = LK_OBJECT, .fields = ID_FIELDS, .runtime_spec = true};
static const struct lk_node IDS = {.type = LK_LIST, .item = &ID};

static const struct lk_field MOUNT_FIELDS[] = {
    {"destination", &TEXT, LK_ALWAYS, false},
    {"type", &TEXT, LK_ALWAYS, false},
    {"source", &TEXT, LK_ALWAYS, false},
    {"options", &TEXTS, LK_ALWAYS, false},
    {"uidmappings", &IDS, LK_ALWAYS, false},
    {"gidmappings", &IDS, LK_ALWAYS, false},
    END,
};
static const struct lk_node MOUNT = {
    .type = LK_OBJECT, .fields = MOUNT_FIELDS, .runtime_spec = true};
static const struct lk_node MOUNTS = {.type = LK_LIST, .item = &MOUNT};

static const struct lk_field RULE_FIELDS[] = {
    {"allow", &BOOL, LK_ALWAYS, false},     {"type", &TEXT, LK_ALWAYS, false},
    {"major", &INT, LK_ALWAYS_NULL, false}, {"minor", &INT, LK_ALWAYS_NULL, false},
    {"access", &TEXT, LK_ALWAYS, false},    END,
};
static const struct lk_node RULE = {.type = LK_OBJECT, .fields = RULE_FIELDS, .runtime_spec = true};
static const struct lk_node RULES = {.type = LK_LIST, .item = &RULE};

static const struct lk_field MEMORY_FIELDS[] = {
    {"limit", &INT, LK_ALWAYS_NULL, false},
    {"reservation", &INT, LK_ALWAYS_NULL, false},
    {"swap", &INT, LK_ALWAYS_NULL, false},
    {"kernel", &INT, LK_ALWAYS_NULL, false},
    {"kernelTCP", &INT, LK_DROPPED_NULL, false},
    {"swappiness", &U64, LK_ALWAYS_NULL, false},
    {"disableOOMKiller", &BOOL, LK_DROPPED_NULL, false},
    {"useHierarchy", &BOOL, LK_HIDDEN_NULL, false},
    {"checkBeforeUpdate", &BOOL, LK_HIDDEN_NULL, false},
    END,
};
static const struct lk_node MEMORY = {
    .type = LK_OBJECT, .fields = MEMORY_FIELDS, .runtime_spec = true};

static const struct lk_field CPU_FIELDS[] = {
    {"shares", &U64, LK_ALWAYS_NULL, false},
    {"quota", &INT, LK_ALWAYS_NULL, false},
    {"burst", &INT, LK_HIDDEN_NULL, false},
    {"period", &U64, LK_ALWAYS_NULL, false},
    {"realtimeRuntime", &INT, LK_DROPPED_NULL, false},
    {"realtimePeriod", &INT, LK_DROPPED_NULL, false},
    {"cpus", &TEXT, LK_ALWAYS, false},
    {"mems", &TEXT, LK_ALWAYS, false},
    {"idle", &INT, LK_HIDDEN_NULL, false},
    END,
};
static const struct lk_node CPU = {.type = LK_OBJECT, .fields = CPU_FIELDS, .runtime_spec = true};

static const struct lk_field PIDS_FIELDS[] = {{"limit", &INT, LK_ALWAYS, false}, END};
static const struct lk_node PIDS = {.type = LK_OBJECT, .fields = PIDS_FIELDS, .runtime_spec = true};

static const struct lk_field WEIGHT_FIELDS[] = {
    {"major", &INT, LK_DROPPED, false},
    {"minor", &INT, LK_DROPPED, false},
    {"weight", &INT, LK_ALWAYS_NULL, false},
    {"leafWeight", &INT, LK_DROPPED_NULL, false},
    END,
};
static const struct lk_node WEIGHT = {
    .type = LK_OBJECT, .fields = WEIGHT_FIELDS, .runtime_spec = true};
static const struct lk_node WEIGHTS = {.type = LK_LIST, .item = &WEIGHT};

static const struct lk_field THROTTLE_FIELDS[] = {
    {"major", &INT, LK_DROPPED, false},
    {"minor", &INT, LK_DROPPED, false},
    {"rate", &INT, LK_ALWAYS, false},
    END,
};
static const struct lk_node THROTTLE = {
    .type = LK_OBJECT, .fields = THROTTLE_FIELDS, .runtime_spec = true};
static const struct lk_node THROTTLES = {.type = LK_LIST, .item = &THROTTLE};

static const struct lk_field BLOCKIO_FIELDS[] = {
    {"weight", &U16, LK_ALWAYS_NULL, false},
    {"leafWeight", &INT, LK_DROPPED_NULL, false},
    {"weightDevice", &WEIGHTS, LK_DROPPED, false},
    {"throttleReadBpsDevice", &THROTTLES, LK_DROPPED, false},
    {"throttleWriteBpsDevice", &THROTTLES, LK_DROPPED, false},
    {"throttleReadIOPSDevice", &THROTTLES, LK_DROPPED, false},
    {"throttleWriteIOPSDevice", &THROTTLES, LK_DROPPED, false},
    END,
};
static const struct lk_node BLOCKIO = {
    .type = LK_OBJECT, .fields = BLOCKIO_FIELDS, .runtime_spec = true};

static const struct lk_field HUGEPAGE_FIELDS[] = {
    {"pageSize", &INT, LK_DROPPED, false},
    {"limit", &INT, LK_ALWAYS, false},
    END,
};
static const struct lk_node HUGEPAGE = {
    .type = LK_OBJECT, .fields = HUGEPAGE_FIELDS, .runtime_spec = true};
static const struct lk_node HUGEPAGES = {.type = LK_LIST, .item = &HUGEPAGE};

static const struct lk_field PRIORITY_FIELDS[] = {
    {"name", &TEXT, LK_ALWAYS, false},
    {"priority", &U32, LK_ALWAYS, false},
    END,
};
static const struct lk_node PRIORITY = {
    .type = LK_OBJECT, .fields = PRIORITY_FIELDS, .runtime_spec = true};
static const struct lk_node PRIORITIES = {.type = LK_LIST, .item = &PRIORITY};
static const struct lk_field NETWORK_FIELDS[] = {
    {"classID", &INT, LK_DROPPED_NULL, false},
    {"priorities", &PRIORITIES, LK_ALWAYS, false},
    END,
};
static const struct lk_node NETWORK = {
    .type = LK_OBJECT, .fields = NETWORK_FIELDS, .runtime_spec = true};

static const struct lk_field RESOURCES_FIELDS[] = {
    {"devices", &RULES, LK_ALWAYS, false},        {"memory", &MEMORY, LK_ALWAYS_NULL, false},
    {"cpu", &CPU, LK_ALWAYS_NULL, false},         {"pids", &PIDS, LK_ALWAYS_NULL, false},
    {"blockio", &BLOCKIO, LK_ALWAYS_NULL, false}, {"hugepageLimits", &HUGEPAGES, LK_DROPPED, false},
    {"network", &NETWORK, LK_ALWAYS_NULL, false}, {"rdma", &MAP, LK_HIDDEN, false},
    {"unified", &MAP, LK_HIDDEN, false},          END,
};
const struct lk_node lk_resources = {
    .type = LK_OBJECT, .fields = RESOURCES_FIELDS, .runtime_spec = true};

/* ---- images ------------------------------------------------------------------------------------
 */

static const struct lk_field DEVICE_FIELDS[] = {
    {"path", &TEXT, LK_ALWAYS, false}, {"type", &TEXT, LK_ALWAYS, false},
    {"major", &INT, LK_ALWAYS, false}, {"minor", &INT, LK_ALWAYS, false},
    {"mode", &TEXT, LK_IF_SET, false}, END,
};
static const struct lk_node DEVICE = {.type = LK_OBJECT, .fields = DEVICE_FIELDS};
static const struct lk_node DEVICES = {.type = LK_LIST, .item = &DEVICE};

static const struct lk_field INTERFACE_FIELDS[] = {
    {"name", &TEXT, LK_IF_SET, false},
    {"add", &TEXT, LK_IF_SET, false},
    {"peer", &TEXT, LK_IF_SET, false},
    {"createInRoot", &BOOL, LK_ALWAYS, false},
    END,
};
static const struct lk_node INTERFACE = {.type = LK_OBJECT, .fields = INTERFACE_FIELDS};
static const struct lk_node INTERFACES = {.type = LK_LIST, .item = &INTERFACE};

static const struct lk_field BIND_FIELDS[] = {
    {"cgroup", &TEXT, LK_IF_GIVEN, false}, {"ipc", &TEXT, LK_IF_GIVEN, false},
    {"mnt", &TEXT, LK_IF_GIVEN, false},    {"net", &TEXT, LK_IF_GIVEN, false},
    {"pid", &TEXT, LK_IF_GIVEN, false},    {"user", &TEXT, LK_IF_GIVEN, false},
    {"uts", &TEXT, LK_IF_GIVEN, false},    END,
};
static const struct lk_node BIND = {.type = LK_OBJECT, .fields = BIND_FIELDS};

static const struct lk_field RUNTIME_FIELDS[] = {
    {"cgroups", &TEXTS, LK_IF_GIVEN, false},
    {"mounts", &MOUNTS, LK_IF_GIVEN, false},
    {"mkdir", &TEXTS, LK_IF_GIVEN, false},
    {"interfaces", &INTERFACES, LK_IF_GIVEN, false},
    {"bindNS", &BIND, LK_STRUCT, false},
    {"namespace", &TEXT, LK_IF_GIVEN, false},
    END,
};
static const struct lk_node RUNTIME = {.type = LK_OBJECT, .fields = RUNTIME_FIELDS};

/* Everything but name and image. */
#define IMAGE_FIELDS                                                                               \
    {"capabilities", &TEXTS, LK_IF_GIVEN, false},                                                  \
        {"capabilities.add", &TEXTS, LK_IF_GIVEN, false}, {"ambient", &TEXTS, LK_IF_GIVEN, false}, \
        {"mounts", &MOUNTS, LK_IF_GIVEN, false}, {"binds", &TEXTS, LK_IF_GIVEN, false},            \
        {"binds.add", &TEXTS, LK_IF_GIVEN, false}, {"devices", &DEVICES, LK_IF_GIVEN, false},      \
        {"tmpfs", &TEXTS, LK_IF_GIVEN, false}, {"command", &ANY_TEXTS, LK_IF_GIVEN, false},        \
        {"env", &ANY_TEXTS, LK_IF_GIVEN, false}, {"cwd", &TEXT, LK_IF_SET, false},                 \
        {"net", &TEXT, LK_IF_SET, false}, {"pid", &TEXT, LK_IF_SET, false},                        \
        {"ipc", &TEXT, LK_IF_SET, false}, {"uts", &TEXT, LK_IF_SET, false},                        \
        {"userns", &TEXT, LK_IF_SET, false}, {"hostname", &TEXT, LK_IF_SET, false},                \
        {"readonly", &BOOL, LK_IF_GIVEN, false}, {"maskedPaths", &TEXTS, LK_IF_GIVEN, false},      \
        {"readonlyPaths", &TEXTS, LK_IF_GIVEN, false}, {"uid", &OWNER, LK_IF_GIVEN, false},        \
        {"gid", &OWNER, LK_IF_GIVEN, false}, {"additionalGids", &OWNERS, LK_IF_GIVEN, false},      \
        {"noNewPrivileges", &BOOL, LK_IF_GIVEN, false}, {"oomScoreAdj", &INT, LK_IF_GIVEN, false}, \
        {"rootfsPropagation", &TEXT, LK_IF_GIVEN, false},                                          \
        {"cgroupsPath", &TEXT, LK_IF_GIVEN, false},                                                \
        {"resources", &lk_resources, LK_IF_GIVEN, false}, {"sysctl", &MAP, LK_IF_GIVEN, false},    \
        {"rlimits", &TEXTS, LK_IF_GIVEN, false}, {"uidMappings", &IDS, LK_IF_GIVEN, false},        \
        {"gidMappings", &IDS, LK_IF_GIVEN, false}, {"annotations", &MAP, LK_IF_GIVEN, false},      \
        {"runtime", &RUNTIME, LK_IF_GIVEN, false}, END

static const struct lk_field LABEL_FIELDS[] = {IMAGE_FIELDS};
const struct lk_node lk_label = {.type = LK_OBJECT, .fields = LABEL_FIELDS};

static const struct lk_field ENTRY_FIELDS[] = {
    {"name", &TEXT, LK_ALWAYS, true}, {"image", &TEXT, LK_ALWAYS, true}, IMAGE_FIELDS};
const struct lk_node lk_entry = {.type = LK_OBJECT, .fields = ENTRY_FIELDS};
static const struct lk_node ENTRIES = {.type = LK_LIST, .item = &lk_entry};

/* ---- the document --------------------------------------------------------------------------- */

static const struct lk_field KERNEL_FIELDS[] = {
    {"image", &TEXT, LK_ALWAYS, false},   {"cmdline", &TEXT, LK_IF_SET, false},
    {"binary", &TEXT, LK_IF_SET, false},  {"tar", &TEXT, LK_IF_GIVEN, false},
    {"ucode", &TEXT, LK_IF_GIVEN, false}, END,
};
static const struct lk_node KERNEL = {.type = LK_OBJECT, .fields = KERNEL_FIELDS};

static const struct lk_field FILE_FIELDS[] = {
    {"path", &TEXT, LK_ALWAYS, false},
    {"directory", &BOOL, LK_ALWAYS, false},
    {"symlink", &TEXT, LK_IF_SET, false},
    {"contents", &ANY_TEXT, LK_IF_GIVEN, false},
    {"source", &TEXT, LK_IF_SET, false},
    {"metadata", &TEXT, LK_IF_SET, false},
    {"optional", &BOOL, LK_ALWAYS, false},
    {"mode", &TEXT, LK_IF_SET, false},
    {"uid", &OWNER, LK_IF_GIVEN, false},
    {"gid", &OWNER, LK_IF_GIVEN, false},
    END,
};
static const struct lk_node FILE_NODE = {.type = LK_OBJECT, .fields = FILE_FIELDS};
static const struct lk_node FILES = {.type = LK_LIST, .item = &FILE_NODE};

static const char *const FORMATS[] = {"oci", "filesystem", NULL};
static const struct lk_node FORMAT = {.type = LK_TEXT, .choices = FORMATS};
static const struct lk_field VOLUME_FIELDS[] = {
    {"name", &TEXT, LK_ALWAYS, false},       {"image", &TEXT, LK_IF_SET, false},
    {"readonly", &BOOL, LK_IF_SET, false},   {"format", &FORMAT, LK_IF_SET, false},
    {"platforms", &TEXTS, LK_IF_SET, false}, END,
};
static const struct lk_node VOLUME = {.type = LK_OBJECT, .fields = VOLUME_FIELDS};
static const struct lk_node VOLUMES = {.type = LK_LIST, .item = &VOLUME};

static const struct lk_field TRUST_FIELDS[] = {
    {"image", &TEXTS, LK_DROPPED, false}, {"org", &TEXTS, LK_DROPPED, false}, END};
static const struct lk_node TRUST = {.type = LK_OBJECT, .fields = TRUST_FIELDS};

static const struct lk_field DOCUMENT_FIELDS[] = {
    {"kernel", &KERNEL, LK_ALWAYS, false},
    {"init", &TEXTS, LK_ALWAYS, false},
    {"onboot", &ENTRIES, LK_ALWAYS, false},
    {"onshutdown", &ENTRIES, LK_ALWAYS, false},
    {"services", &ENTRIES, LK_ALWAYS, false},
    {"files", &FILES, LK_ALWAYS, false},
    {"volumes", &VOLUMES, LK_ALWAYS, false},
    {"trust", &TRUST, LK_DROPPED, false},
    END,
};
const struct lk_node lk_document = {.type = LK_OBJECT, .fields = DOCUMENT_FIELDS};

static bool is_hidden(const struct lk_field *f)
{
    return f->show == LK_HIDDEN || f->show == LK_HIDDEN_NULL;
}

/* ---- checking --------------------------------------------------------------------------------
 */

static int check_text(const struct ycur *c, const struct lk_node *node, struct err *e)
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
        struct lk_scalar_value v;
        bool whole = lk_scalar_read(json_string_value(value), &v) == LK_SCALAR_INT;
        *out = v.integer;
        return whole;
    }
    double real = json_is_real(value) ? json_real_value(value) : 0.5;
    if (!(real >= -9223372036854775808.0 && real < 9223372036854775808.0))
        return false;
    *out = (int64_t)real;
    return (double)*out == real;
}

static int check_int(const struct ycur *c, const struct lk_node *node, struct err *e)
{
    static const char *const names[] = {"64", "64", "32", "16"};
    int64_t value = 0;
    if (!integer_of(c->value, c->doc == NULL, &value)) {
        int64_t ignored = 0;
        if (json_is_real(c->value))
            return ycur_fail(c, ERR_INPUT, e, "this must be an integer of at most 63 bits");
        return ycur_int(c, INT64_MIN, INT64_MAX, &ignored, e);
    }
    bool fits =
        node->range == LK_INT64 ||
        (value >= 0 && (node->range == LK_UINT64 ||
                        (node->range == LK_UINT32 ? value <= UINT32_MAX : value <= UINT16_MAX)));
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

static int check_object(const struct ycur *c, const struct lk_node *node, struct err *e)
{
    const char *keys[FIELDS_MAX];
    size_t n = 0;
    for (const struct lk_field *f = node->fields; f->key != NULL && n + 1 < FIELDS_MAX; f++)
        if (!is_hidden(f))
            keys[n++] = f->key;
    keys[n] = NULL;
    int rc = ycur_map(c, keys, e);
    for (const struct lk_field *f = node->fields; rc == 0 && f->key != NULL; f++) {
        struct ycur m;
        if (f->required)
            rc = ycur_get(c, f->key, &m, e);
        else if (!ycur_opt(c, f->key, &m))
            continue;
        if (rc == 0)
            rc = lk_check(&m, f->node, e);
    }
    return rc;
}

int lk_check(const struct ycur *c, const struct lk_node *node, struct err *e)
{
    bool flag = false;
    size_t count = 0;
    int rc = 0;
    switch (node->type) {
    case LK_TEXT:
        return check_text(c, node, e);
    case LK_BOOL:
        return ycur_bool(c, &flag, e);
    case LK_INT:
        return check_int(c, node, e);
    case LK_TEXT_OR_INT:
        return json_is_string(c->value) ? check_text(c, &TEXT, e) : check_owner(c, e);
    case LK_MAP:
        return check_map(c, e);
    case LK_OBJECT:
        return check_object(c, node, e);
    case LK_LIST:
        rc = ycur_list(c, ITEMS_MAX, &count, e);
        break;
    }
    for (size_t i = 0; rc == 0 && i < count; i++) {
        struct ycur item = ycur_item(c, i);
        rc = lk_check(&item, node->item, e);
    }
    return rc;
}

/* ---- settling -------------------------------------------------------------------------------- */

int64_t lk_integer(const json_t *value)
{
    int64_t number = 0;
    return integer_of(value, true, &number) ? number : 0;
}

static int settle_int(const json_t *value, json_t **out, struct err *e)
{
    const int64_t max = ((int64_t)1 << 53) - 1;
    int64_t number = lk_integer(value);
    char text[32];
    (void)snprintf(text, sizeof text, "%" PRId64, number);
    *out = number >= -max && number <= max ? json_integer(number) : json_string(text);
    return *out == NULL ? err_oom(e) : 0;
}

static int settle_list(const json_t *value, const struct lk_node *node, json_t **out, struct err *e)
{
    AUTO_JSON json_t *list = json_array();
    if (list == NULL)
        return err_oom(e);
    for (size_t i = 0; i < json_array_size(value); i++) {
        json_t *item = NULL;
        int rc = lk_settle(json_array_get(value, i), node->item, &item, e);
        if (rc < 0 || (rc = json_push(list, item, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&list);
    return 0;
}

static int settle_object(const json_t *value, const struct lk_node *node, json_t **out,
                         struct err *e)
{
    AUTO_JSON json_t *object = json_object();
    if (object == NULL)
        return err_oom(e);
    for (const struct lk_field *f = node->fields; f->key != NULL; f++) {
        const json_t *member = json_object_get(value, f->key);
        json_t *settled = NULL;
        if (member == NULL)
            continue;
        int rc = lk_settle(member, f->node, &settled, e);
        if (rc < 0 || (rc = json_put(object, f->key, settled, e)) < 0)
            return rc;
    }
    *out = steal_ptr(&object);
    return 0;
}

int lk_settle(const json_t *value, const struct lk_node *node, json_t **out, struct err *e)
{
    switch (node->type) {
    case LK_LIST:
        return settle_list(value, node, out, e);
    case LK_OBJECT:
        return settle_object(value, node, out, e);
    case LK_INT:
        return settle_int(value, out, e);
    default:
        *out = json_deep_copy(value);
        return *out == NULL ? err_oom(e) : 0;
    }
}
