/* SPDX-License-Identifier: Apache-2.0 */
/* config.json: any bytes are parsed or refused; what was parsed and resolved is written, and read
 * again, the same. */
#include "formats/machine/machine_dtb.h"
#include "formats/machine/machine_state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct machine_config *config)
{
    AUTO_MACHINE_CONFIG again = {.document = NULL};
    AUTO_BUF text = BUF_INIT(MACHINE_CONFIG_BYTES_MAX);
    AUTO_BUF second = BUF_INIT(MACHINE_CONFIG_BYTES_MAX);
    AUTO_BUF tree = BUF_INIT(MACHINE_DTB_SIZE);
    struct machine_range ranges[MACHINE_RANGES_MAX];
    uint8_t page[MACHINE_PAGE];
    struct err e = ERR_INIT;
    size_t count = machine_config_ranges(config, ranges);
    if (machine_sht_size(ranges, count) % 64 != 0)
        abort();
    machine_pmas_bytes(config, page);
    (void)machine_dtb_format(config, &tree, &e);
    if (machine_config_format(config, &text, &e) < 0 ||
        machine_config_parse(buf_str(&text), text.len, "again", &again, &e) < 0 ||
        machine_config_resolve(&again, &e) < 0 || machine_config_format(&again, &second, &e) < 0 ||
        text.len != second.len || memcmp(text.data, second.data, text.len) != 0)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    AUTO_MACHINE_CONFIG config = {.document = NULL};
    struct err e = ERR_INIT;
    int rc = machine_config_parse(data, size, "config", &config, &e);
    if (rc == 0)
        rc = machine_config_resolve(&config, &e);
    if (rc == 0)
        use(&config);
    else if (rc != -ERR_INPUT)
        abort();
    return 0;
}
