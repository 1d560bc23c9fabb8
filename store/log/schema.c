/* SPDX-License-Identifier: Apache-2.0 */
/* schemas/log.sql as the text that a log's database must have. */
#include "store/log/db.h"

/* Equal to schemas/log.sql, byte for byte; tests/unit/store/log/test_log.c holds us to it. */
/* clang-format off */
const char log_db_schema[] =
    "-- The transparency log's database, docs/formats/log.md. Rows are only ever added.\n"
    "PRAGMA application_id = 1095978055; -- 'ASLG'\n"
    "PRAGMA user_version = 2;\n"
    "-- What was logged, by its index.\n"
    "CREATE TABLE entry (\n"
    "  idx INTEGER PRIMARY KEY CHECK (idx >= 0),\n"
    "  data BLOB NOT NULL CHECK (length(data) <= 65535)\n"
    ") STRICT;\n"
    "-- The hash of each complete subtree: the leaves idx << level up to (idx + 1) << level.\n"
    "CREATE TABLE node (\n"
    "  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 62),\n"
    "  idx INTEGER NOT NULL CHECK (idx >= 0),\n"
    "  hash BLOB NOT NULL CHECK (length(hash) = 32),\n"
    "  PRIMARY KEY (level, idx)\n"
    ") STRICT, WITHOUT ROWID;\n"
    "CREATE INDEX node_leaf ON node (hash, idx) WHERE level = 0;\n"
    "-- Every checkpoint that was ever signed, as a signed note.\n"
    "CREATE TABLE checkpoint (\n"
    "  size INTEGER PRIMARY KEY CHECK (size >= 0),\n"
    "  note BLOB NOT NULL CHECK (length(note) <= 1048576),\n"
    "  last INTEGER GENERATED ALWAYS AS (nullif(size, 0) - 1) STORED REFERENCES entry (idx)\n"
    ") STRICT;\n"
    "CREATE TRIGGER entry_update BEFORE UPDATE ON entry BEGIN SELECT raise(ABORT, 'the log only grows'); END;\n"
    "CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT raise(ABORT, 'the log only grows'); END;\n"
    "CREATE TRIGGER node_update BEFORE UPDATE ON node BEGIN SELECT raise(ABORT, 'the log only grows'); END;\n"
    "CREATE TRIGGER node_delete BEFORE DELETE ON node BEGIN SELECT raise(ABORT, 'the log only grows'); END;\n"
    "CREATE TRIGGER checkpoint_update BEFORE UPDATE ON checkpoint BEGIN SELECT raise(ABORT, 'the log only grows'); END;\n"
    "CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT raise(ABORT, 'the log only grows'); END;\n";
/* clang-format on */
