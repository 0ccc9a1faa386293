-- SPDX-License-Identifier: Apache-2.0
-- The state file of version 3 (docs/formats/store.md).
PRAGMA application_id = 1668506980;
PRAGMA user_version = 3;
PRAGMA auto_vacuum = 2;
PRAGMA journal_mode = wal;
CREATE TABLE counter (id INTEGER PRIMARY KEY CHECK (id = 1), revision INTEGER NOT NULL, event INTEGER NOT NULL, audit INTEGER NOT NULL DEFAULT 0) STRICT;
CREATE TABLE record (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL, bytes BLOB NOT NULL, UNIQUE (kind, key)) STRICT;
CREATE TABLE "report" (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE TABLE removed (node TEXT NOT NULL, class INTEGER NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (node, class)) STRICT, WITHOUT ROWID;
CREATE TABLE event (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX event_of_node ON event (node, id);
CREATE INDEX event_of_kind ON event (kind, id);
CREATE INDEX report_of_node ON report (node, id);
CREATE TABLE audit_admin (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX audit_admin_of_node ON audit_admin (node, id);
CREATE TABLE audit_node (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX audit_node_of_node ON audit_node (node, id);
CREATE TABLE audit_refused (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, at_ms INTEGER NOT NULL, node TEXT NOT NULL, kind TEXT NOT NULL, who TEXT NOT NULL, bytes BLOB NOT NULL) STRICT;
CREATE INDEX audit_refused_of_node ON audit_refused (node, id);
