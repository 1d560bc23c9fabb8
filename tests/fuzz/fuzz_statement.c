/* SPDX-License-Identifier: Apache-2.0 */
/* Statements, and their explanation: whatever they hold, a terminal is shown text only. */
#include "attest/statement.h"
#include "attest/summary.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = ERR_INIT;
    AUTO_STATEMENT struct statement *statement = NULL;
    AUTO_JSON json_t *summary = NULL;
    AUTO_BUF words = BUF_INIT(64 * 1024 * 1024);
    bool good = statement_parse(data, size, "fuzz", &statement, &e) == 0;
    if (summary_make(data, size, "fuzz", &summary, &e) != 0) {
        if (good)
            abort();
        return 0;
    }
    if (summary_explain(summary, &words, &e) != 0)
        abort();
    for (size_t i = 0; i < words.len; i++)
        if ((words.data[i] < 0x20 && words.data[i] != '\n') || words.data[i] == 0x7f)
            abort();
    return 0;
}
