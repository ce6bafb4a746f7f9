//! Real databases: files of SQLite.
