/* SPDX-License-Identifier: Apache-2.0 */
/* Package indices: any bytes are stanzas or refused; dependencies of any text come to an end. */
#include "builder/lock/packages.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    struct packages list = {0};
    int rc = packages_parse((const char *)data, size, &list, &e);
    if (rc != 0 && rc != -ERR_INPUT)
        abort();
    for (size_t i = 0; i < list.count; i++) {
        const char *cursor = list.items[i].depends;
        char name[128];
        bool alternative;
        while (depends_next(&cursor, name, &alternative))
            if (name[0] == '\0')
                abort();
    }
    packages_dispose(&list);
    return 0;
}
