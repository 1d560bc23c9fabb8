/* SPDX-License-Identifier: Apache-2.0 */
#include "builder/linuxkit/schema.h"

#include "base/json.h"
#include "base/yaml/yaml_go_scalar.h"

#include <inttypes.h>
#include <string.h>

enum { FIELDS_MAX = 48, ITEMS_MAX = 65536, MAP_MAX = 4096, TEXT_MAX = 1024 * 1024 };

static const struct linuxkit_node plain_text = {.type = LINUXKIT_TEXT};
static const struct linuxkit_node any_text = {.type = LINUXKIT_TEXT, .any = true};
static const struct linuxkit_node boolean = {.type = LINUXKIT_BOOL};
static const struct linuxkit_node integer = {.type = LINUXKIT_INT};
static const struct linuxkit_node u64 = {.type = LINUXKIT_INT, .range = LINUXKIT_UINT64};
static const struct linuxkit_node u32 = {.type = LINUXKIT_INT, .range = LINUXKIT_UINT32};
static const struct linuxkit_node u16 = {.type = LINUXKIT_INT, .range = LINUXKIT_UINT16};
static const struct linuxkit_node owner = {.type = LINUXKIT_TEXT_OR_INT};
static const struct linuxkit_node texts = {.type = LINUXKIT_LIST, .item = &plain_text};
static const struct linuxkit_node any_texts = {.type = LINUXKIT_LIST, .item = &any_text};
static const struct linuxkit_node owners = {.type = LINUXKIT_LIST, .item = &owner};
static const struct linuxkit_node map = {.type = LINUXKIT_MAP};

#define END                                                                                        \
    {                                                                                              \
        NULL, NULL, LINUXKIT_IF_SET, false                                                         \
    }

/* ---- structures of the OCI runtime specification -------------------------------------------- */

static const struct linuxkit_field id_fields[] = {
    {"containerID", &integer, LINUXKIT_DROPPED, false},
    {"hostID", &integer, LINUXKIT_DROPPED, false},
    {"size", &u32, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node id = {
    .type = LINUXKIT_OBJECT, .fields = id_fields, .runtime_spec = true};
static const struct linuxkit_node ids = {.type = LINUXKIT_LIST, .item = &id};

static const struct linuxkit_field mount_fields[] = {
    {"destination", &plain_text, LINUXKIT_ALWAYS, false},
    {"type", &plain_text, LINUXKIT_ALWAYS, false},
    {"source", &plain_text, LINUXKIT_ALWAYS, false},
    {"options", &texts, LINUXKIT_ALWAYS, false},
    {"uidmappings", &ids, LINUXKIT_ALWAYS, false},
    {"gidmappings", &ids, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node mount = {
    .type = LINUXKIT_OBJECT, .fields = mount_fields, .runtime_spec = true};
static const struct linuxkit_node mounts = {.type = LINUXKIT_LIST, .item = &mount};

static const struct linuxkit_field rule_fields[] = {
    {"allow", &boolean, LINUXKIT_ALWAYS, false},
    {"type", &plain_text, LINUXKIT_ALWAYS, false},
    {"major", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"minor", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"access", &plain_text, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node rule = {
    .type = LINUXKIT_OBJECT, .fields = rule_fields, .runtime_spec = true};
static const struct linuxkit_node rules = {.type = LINUXKIT_LIST, .item = &rule};

static const struct linuxkit_field memory_fields[] = {
    {"limit", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"reservation", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"swap", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"kernel", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"kernelTCP", &integer, LINUXKIT_DROPPED_NULL, false},
    {"swappiness", &u64, LINUXKIT_ALWAYS_NULL, false},
    {"disableOOMKiller", &boolean, LINUXKIT_DROPPED_NULL, false},
    {"useHierarchy", &boolean, LINUXKIT_HIDDEN_NULL, false},
    {"checkBeforeUpdate", &boolean, LINUXKIT_HIDDEN_NULL, false},
    END,
};
static const struct linuxkit_node memory = {
    .type = LINUXKIT_OBJECT, .fields = memory_fields, .runtime_spec = true};

static const struct linuxkit_field cpu_fields[] = {
    {"shares", &u64, LINUXKIT_ALWAYS_NULL, false},
    {"quota", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"burst", &integer, LINUXKIT_HIDDEN_NULL, false},
    {"period", &u64, LINUXKIT_ALWAYS_NULL, false},
    {"realtimeRuntime", &integer, LINUXKIT_DROPPED_NULL, false},
    {"realtimePeriod", &integer, LINUXKIT_DROPPED_NULL, false},
    {"cpus", &plain_text, LINUXKIT_ALWAYS, false},
    {"mems", &plain_text, LINUXKIT_ALWAYS, false},
    {"idle", &integer, LINUXKIT_HIDDEN_NULL, false},
    END,
};
static const struct linuxkit_node cpu = {
    .type = LINUXKIT_OBJECT, .fields = cpu_fields, .runtime_spec = true};

static const struct linuxkit_field pids_fields[] = {{"limit", &integer, LINUXKIT_ALWAYS, false},
                                                    END};
static const struct linuxkit_node pids = {
    .type = LINUXKIT_OBJECT, .fields = pids_fields, .runtime_spec = true};

static const struct linuxkit_field weight_fields[] = {
    {"major", &integer, LINUXKIT_DROPPED, false},
    {"minor", &integer, LINUXKIT_DROPPED, false},
    {"weight", &integer, LINUXKIT_ALWAYS_NULL, false},
    {"leafWeight", &integer, LINUXKIT_DROPPED_NULL, false},
    END,
};
static const struct linuxkit_node weight = {
    .type = LINUXKIT_OBJECT, .fields = weight_fields, .runtime_spec = true};
static const struct linuxkit_node weights = {.type = LINUXKIT_LIST, .item = &weight};

static const struct linuxkit_field throttle_fields[] = {
    {"major", &integer, LINUXKIT_DROPPED, false},
    {"minor", &integer, LINUXKIT_DROPPED, false},
    {"rate", &integer, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node throttle = {
    .type = LINUXKIT_OBJECT, .fields = throttle_fields, .runtime_spec = true};
static const struct linuxkit_node throttles = {.type = LINUXKIT_LIST, .item = &throttle};

static const struct linuxkit_field blockio_fields[] = {
    {"weight", &u16, LINUXKIT_ALWAYS_NULL, false},
    {"leafWeight", &integer, LINUXKIT_DROPPED_NULL, false},
    {"weightDevice", &weights, LINUXKIT_DROPPED, false},
    {"throttleReadBpsDevice", &throttles, LINUXKIT_DROPPED, false},
    {"throttleWriteBpsDevice", &throttles, LINUXKIT_DROPPED, false},
    {"throttleReadIOPSDevice", &throttles, LINUXKIT_DROPPED, false},
    {"throttleWriteIOPSDevice", &throttles, LINUXKIT_DROPPED, false},
    END,
};
static const struct linuxkit_node blockio = {
    .type = LINUXKIT_OBJECT, .fields = blockio_fields, .runtime_spec = true};

static const struct linuxkit_field hugepage_fields[] = {
    {"pageSize", &integer, LINUXKIT_DROPPED, false},
    {"limit", &integer, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node hugepage = {
    .type = LINUXKIT_OBJECT, .fields = hugepage_fields, .runtime_spec = true};
static const struct linuxkit_node hugepages = {.type = LINUXKIT_LIST, .item = &hugepage};

static const struct linuxkit_field priority_fields[] = {
    {"name", &plain_text, LINUXKIT_ALWAYS, false},
    {"priority", &u32, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node priority = {
    .type = LINUXKIT_OBJECT, .fields = priority_fields, .runtime_spec = true};
static const struct linuxkit_node priorities = {.type = LINUXKIT_LIST, .item = &priority};
static const struct linuxkit_field network_fields[] = {
    {"classID", &integer, LINUXKIT_DROPPED_NULL, false},
    {"priorities", &priorities, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node network = {
    .type = LINUXKIT_OBJECT, .fields = network_fields, .runtime_spec = true};

static const struct linuxkit_field resources_fields[] = {
    {"devices", &rules, LINUXKIT_ALWAYS, false},
    {"memory", &memory, LINUXKIT_ALWAYS_NULL, false},
    {"cpu", &cpu, LINUXKIT_ALWAYS_NULL, false},
    {"pids", &pids, LINUXKIT_ALWAYS_NULL, false},
    {"blockio", &blockio, LINUXKIT_ALWAYS_NULL, false},
    {"hugepageLimits", &hugepages, LINUXKIT_DROPPED, false},
    {"network", &network, LINUXKIT_ALWAYS_NULL, false},
    {"rdma", &map, LINUXKIT_HIDDEN, false},
    {"unified", &map, LINUXKIT_HIDDEN, false},
    END,
};
const struct linuxkit_node linuxkit_resources = {
    .type = LINUXKIT_OBJECT, .fields = resources_fields, .runtime_spec = true};

/* ---- images ------------------------------------------------------------------------------------
 */

static const struct linuxkit_field device_fields[] = {
    {"path", &plain_text, LINUXKIT_ALWAYS, false}, {"type", &plain_text, LINUXKIT_ALWAYS, false},
    {"major", &integer, LINUXKIT_ALWAYS, false},   {"minor", &integer, LINUXKIT_ALWAYS, false},
    {"mode", &plain_text, LINUXKIT_IF_SET, false}, END,
};
static const struct linuxkit_node device = {.type = LINUXKIT_OBJECT, .fields = device_fields};
static const struct linuxkit_node devices = {.type = LINUXKIT_LIST, .item = &device};

static const struct linuxkit_field interface_fields[] = {
    {"name", &plain_text, LINUXKIT_IF_SET, false},
    {"add", &plain_text, LINUXKIT_IF_SET, false},
    {"peer", &plain_text, LINUXKIT_IF_SET, false},
    {"createInRoot", &boolean, LINUXKIT_ALWAYS, false},
    END,
};
static const struct linuxkit_node interface = {.type = LINUXKIT_OBJECT, .fields = interface_fields};
static const struct linuxkit_node interfaces = {.type = LINUXKIT_LIST, .item = &interface};

static const struct linuxkit_field bind_fields[] = {
    {"cgroup", &plain_text, LINUXKIT_IF_GIVEN, false},
    {"ipc", &plain_text, LINUXKIT_IF_GIVEN, false},
    {"mnt", &plain_text, LINUXKIT_IF_GIVEN, false},
    {"net", &plain_text, LINUXKIT_IF_GIVEN, false},
    {"pid", &plain_text, LINUXKIT_IF_GIVEN, false},
    {"user", &plain_text, LINUXKIT_IF_GIVEN, false},
    {"uts", &plain_text, LINUXKIT_IF_GIVEN, false},
    END,
};
static const struct linuxkit_node bind = {.type = LINUXKIT_OBJECT, .fields = bind_fields};

static const struct linuxkit_field runtime_fields[] = {
    {"cgroups", &texts, LINUXKIT_IF_GIVEN, false},
    {"mounts", &mounts, LINUXKIT_IF_GIVEN, false},
    {"mkdir", &texts, LINUXKIT_IF_GIVEN, false},
    {"interfaces", &interfaces, LINUXKIT_IF_GIVEN, false},
    {"bindNS", &bind, LINUXKIT_STRUCT, false},
    {"namespace", &plain_text, LINUXKIT_IF_GIVEN, false},
    END,
};
static const struct linuxkit_node runtime = {.type = LINUXKIT_OBJECT, .fields = runtime_fields};

/* Everything but name and image. */
#define IMAGE_FIELDS                                                                               \
    {"capabilities", &texts, LINUXKIT_IF_GIVEN, false},                                            \
        {"capabilities.add", &texts, LINUXKIT_IF_GIVEN, false},                                    \
        {"ambient", &texts, LINUXKIT_IF_GIVEN, false},                                             \
        {"mounts", &mounts, LINUXKIT_IF_GIVEN, false},                                             \
        {"binds", &texts, LINUXKIT_IF_GIVEN, false},                                               \
        {"binds.add", &texts, LINUXKIT_IF_GIVEN, false},                                           \
        {"devices", &devices, LINUXKIT_IF_GIVEN, false},                                           \
        {"tmpfs", &texts, LINUXKIT_IF_GIVEN, false},                                               \
        {"command", &any_texts, LINUXKIT_IF_GIVEN, false},                                         \
        {"env", &any_texts, LINUXKIT_IF_GIVEN, false},                                             \
        {"cwd", &plain_text, LINUXKIT_IF_SET, false},                                              \
        {"net", &plain_text, LINUXKIT_IF_SET, false},                                              \
        {"pid", &plain_text, LINUXKIT_IF_SET, false},                                              \
        {"ipc", &plain_text, LINUXKIT_IF_SET, false},                                              \
        {"uts", &plain_text, LINUXKIT_IF_SET, false},                                              \
        {"userns", &plain_text, LINUXKIT_IF_SET, false},                                           \
        {"hostname", &plain_text, LINUXKIT_IF_SET, false},                                         \
        {"readonly", &boolean, LINUXKIT_IF_GIVEN, false},                                          \
        {"maskedPaths", &texts, LINUXKIT_IF_GIVEN, false},                                         \
        {"readonlyPaths", &texts, LINUXKIT_IF_GIVEN, false},                                       \
        {"uid", &owner, LINUXKIT_IF_GIVEN, false}, {"gid", &owner, LINUXKIT_IF_GIVEN, false},      \
        {"additionalGids", &owners, LINUXKIT_IF_GIVEN, false},                                     \
        {"noNewPrivileges", &boolean, LINUXKIT_IF_GIVEN, false},                                   \
        {"oomScoreAdj", &integer, LINUXKIT_IF_GIVEN, false},                                       \
        {"rootfsPropagation", &plain_text, LINUXKIT_IF_GIVEN, false},                              \
        {"cgroupsPath", &plain_text, LINUXKIT_IF_GIVEN, false},                                    \
        {"resources", &linuxkit_resources, LINUXKIT_IF_GIVEN, false},                              \
        {"sysctl", &map, LINUXKIT_IF_GIVEN, false}, {"rlimits", &texts, LINUXKIT_IF_GIVEN, false}, \
        {"uidMappings", &ids, LINUXKIT_IF_GIVEN, false},                                           \
        {"gidMappings", &ids, LINUXKIT_IF_GIVEN, false},                                           \
        {"annotations", &map, LINUXKIT_IF_GIVEN, false},                                           \
        {"runtime", &runtime, LINUXKIT_IF_GIVEN, false}, END

static const struct linuxkit_field label_fields[] = {IMAGE_FIELDS};
const struct linuxkit_node linuxkit_label = {.type = LINUXKIT_OBJECT, .fields = label_fields};

static const struct linuxkit_field entry_fields[] = {{"name", &plain_text, LINUXKIT_ALWAYS, true},
                                                     {"image", &plain_text, LINUXKIT_ALWAYS, true},
                                                     IMAGE_FIELDS};
const struct linuxkit_node compat_entry = {.type = LINUXKIT_OBJECT, .fields = entry_fields};
static const struct linuxkit_node entries = {.type = LINUXKIT_LIST, .item = &compat_entry};

/* ---- the document --------------------------------------------------------------------------- */

static const struct linuxkit_field kernel_fields[] = {
    {"image", &plain_text, LINUXKIT_ALWAYS, false},
    {"cmdline", &plain_text, LINUXKIT_IF_SET, false},
    {"binary", &plain_text, LINUXKIT_IF_SET, false},
    {"tar", &plain_text, LINUXKIT_IF_GIVEN, false},
    {"ucode", &plain_text, LINUXKIT_IF_GIVEN, false},
    END,
};
static const struct linuxkit_node kernel = {.type = LINUXKIT_OBJECT, .fields = kernel_fields};

static const struct linuxkit_field file_fields[] = {
    {"path", &plain_text, LINUXKIT_ALWAYS, false},
    {"directory", &boolean, LINUXKIT_ALWAYS, false},
    {"symlink", &plain_text, LINUXKIT_IF_SET, false},
    {"contents", &any_text, LINUXKIT_IF_GIVEN, false},
    {"source", &plain_text, LINUXKIT_IF_SET, false},
    {"metadata", &plain_text, LINUXKIT_IF_SET, false},
    {"optional", &boolean, LINUXKIT_ALWAYS, false},
    {"mode", &plain_text, LINUXKIT_IF_SET, false},
    {"uid", &owner, LINUXKIT_IF_GIVEN, false},
    {"gid", &owner, LINUXKIT_IF_GIVEN, false},
    END,
};
static const struct linuxkit_node file_node = {.type = LINUXKIT_OBJECT, .fields = file_fields};
static const struct linuxkit_node files = {.type = LINUXKIT_LIST, .item = &file_node};

static const char *const formats[] = {"oci", "filesystem", NULL};
static const struct linuxkit_node format = {.type = LINUXKIT_TEXT, .choices = formats};
static const struct linuxkit_field volume_fields[] = {
    {"name", &plain_text, LINUXKIT_ALWAYS, false},  {"image", &plain_text, LINUXKIT_IF_SET, false},
    {"readonly", &boolean, LINUXKIT_IF_SET, false}, {"format", &format, LINUXKIT_IF_SET, false},
    {"platforms", &texts, LINUXKIT_IF_SET, false},  END,
};
static const struct linuxkit_node volume = {.type = LINUXKIT_OBJECT, .fields = volume_fields};
static const struct linuxkit_node volumes = {.type = LINUXKIT_LIST, .item = &volume};

static const struct linuxkit_field trust_fields[] = {
    {"image", &texts, LINUXKIT_DROPPED, false}, {"org", &texts, LINUXKIT_DROPPED, false}, END};
static const struct linuxkit_node trust = {.type = LINUXKIT_OBJECT, .fields = trust_fields};

static const struct linuxkit_field document_fields[] = {
    {"kernel", &kernel, LINUXKIT_ALWAYS, false},
    {"init", &texts, LINUXKIT_ALWAYS, false},
    {"onboot", &entries, LINUXKIT_ALWAYS, false},
    {"onshutdown", &entries, LINUXKIT_ALWAYS, false},
    {"services", &entries, LINUXKIT_ALWAYS, false},
    {"files", &files, LINUXKIT_ALWAYS, false},
    {"volumes", &volumes, LINUXKIT_ALWAYS, false},
    {"trust", &trust, LINUXKIT_DROPPED, false},
    END,
};
const struct linuxkit_node linuxkit_document = {.type = LINUXKIT_OBJECT, .fields = document_fields};

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
        if ((rc = ycur_get(c, keys[i], &m, e)) < 0 || (rc = check_text(&m, &any_text, e)) < 0)
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
        return json_is_string(c->value) ? check_text(c, &plain_text, e) : check_owner(c, e);
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
