-- The transparency log's database, docs/formats/log.md. Rows are only ever added.
PRAGMA application_id = 1095978055; -- 'ASLG'
PRAGMA user_version = 2;
-- What was logged, by its index.
CREATE TABLE entry (
  idx INTEGER PRIMARY KEY CHECK (idx >= 0),
  data BLOB NOT NULL CHECK (length(data) <= 65535)
) STRICT;
-- The hash of each complete subtree: the leaves idx << level up to (idx + 1) << level.
CREATE TABLE node (
  level INTEGER NOT NULL CHECK (level BETWEEN 0 AND 62),
  idx INTEGER NOT NULL CHECK (idx >= 0),
  hash BLOB NOT NULL CHECK (length(hash) = 32),
  PRIMARY KEY (level, idx)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_leaf ON node (hash, idx) WHERE level = 0;
-- Every checkpoint that was ever signed, as a signed note.
CREATE TABLE checkpoint (
  size INTEGER PRIMARY KEY CHECK (size >= 0),
  note BLOB NOT NULL CHECK (length(note) <= 1048576),
  last INTEGER GENERATED ALWAYS AS (nullif(size, 0) - 1) STORED REFERENCES entry (idx)
) STRICT;
CREATE TRIGGER entry_update BEFORE UPDATE ON entry BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER entry_delete BEFORE DELETE ON entry BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER node_update BEFORE UPDATE ON node BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER node_delete BEFORE DELETE ON node BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER checkpoint_update BEFORE UPDATE ON checkpoint BEGIN SELECT raise(ABORT, 'the log only grows'); END;
CREATE TRIGGER checkpoint_delete BEFORE DELETE ON checkpoint BEGIN SELECT raise(ABORT, 'the log only grows'); END;
