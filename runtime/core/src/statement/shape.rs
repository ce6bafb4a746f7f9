//! The parts of a statement that have a meaning here. Each is taken out of a copy, and what is left must be nothing: so a part that a later version of
//! the parser knows is refused until somebody has thought about it.

use std::sync::OnceLock;

use sqlparser::ast::{
    AlterTable, AlterTableOperation, CommentObject, ConflictTarget, CreateTable, CreateTableLikeKind, Delete, FromTable, Insert,
    ObjectName, OnConflictAction, OnInsert, Query, Select, SetExpr, Statement, TableFactor, TableObject, TableWithJoins, Truncate, Update,
};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::{Fault, fault};

/// The simplest statement of each kind, to compare with.
struct Plain {
    query: Query,
    select: Select,
    insert: Insert,
    update: Update,
    delete: Delete,
    create: CreateTable,
    alter: AlterTable,
    truncate: Truncate,
    factor: TableFactor,
}

fn plain() -> Result<&'static Plain, Fault> {
    static PLAIN: OnceLock<Option<Plain>> = OnceLock::new();
    PLAIN.get_or_init(made).as_ref().ok_or_else(|| Fault("the parser does not know SQL".to_owned()))
}

fn made() -> Option<Plain> {
    let one = |text: &str| Parser::parse_sql(&GenericDialect {}, text).ok()?.pop();
    let Statement::Query(query) = one("SELECT 1 FROM a.b")? else { return None };
    let SetExpr::Select(select) = &*query.body else { return None };
    let select = (**select).clone();
    let factor = select.from.first()?.relation.clone();
    let Statement::Insert(insert) = one("INSERT INTO a.b (c) VALUES (1)")? else { return None };
    let Statement::Update(update) = one("UPDATE a.b SET c = 1")? else { return None };
    let Statement::Delete(delete) = one("DELETE FROM a.b")? else { return None };
    let Statement::CreateTable(create) = one("CREATE TABLE a.b (c INT)")? else { return None };
    let Statement::AlterTable(alter) = one("ALTER TABLE a.b ADD COLUMN c INT")? else { return None };
    let Statement::Truncate(truncate) = one("TRUNCATE TABLE a.b")? else { return None };
    Some(Plain { query: *query, select, insert, update, delete, create, alter, truncate, factor })
}

pub(super) fn query(query: &Query) -> Result<(), Fault> {
    let plain = &plain()?.query;
    let mut rest = query.clone();
    rest.body.clone_from(&plain.body);
    rest.order_by = None;
    rest.limit_clause = None;
    if rest != *plain {
        return fault("a query has a part that is not allowed: WITH, FOR UPDATE, FETCH or the like");
    }
    match &*query.body {
        SetExpr::Select(select) => self::select(select),
        SetExpr::Values(_) => Ok(()),
        _ => fault("a query is neither SELECT nor VALUES"),
    }
}

fn select(select: &Select) -> Result<(), Fault> {
    let plain = &plain()?.select;
    let mut rest = select.clone();
    rest.distinct = None;
    rest.projection.clone_from(&plain.projection);
    rest.from.clone_from(&plain.from);
    rest.selection = None;
    rest.group_by = plain.group_by.clone();
    rest.having = None;
    if rest == *plain { Ok(()) } else { fault("a SELECT has a part that is not allowed: INTO, WINDOW, TABLESAMPLE or the like") }
}

/// A table or a query in FROM.
pub(super) fn factor(factor: &TableFactor) -> Result<(), Fault> {
    let plain = &plain()?.factor;
    match factor {
        TableFactor::Table { name, alias, .. } => {
            let mut rest = factor.clone();
            if let (TableFactor::Table { name: left, alias: other, .. }, TableFactor::Table { name: known, .. }) = (&mut rest, plain) {
                left.clone_from(known);
                *other = None;
            }
            let named = alias.as_ref().is_none_or(|alias| alias.columns.is_empty() && alias.at.is_none());
            if rest == *plain && named && !name.0.is_empty() {
                Ok(())
            } else {
                fault("FROM holds a function, a sample or a list of columns")
            }
        }
        TableFactor::Derived { lateral: false, sample: None, .. } => Ok(()),
        _ => fault("FROM holds something that is neither a table nor a query"),
    }
}

/// The table that rows are added to.
pub(super) fn insert(insert: &Insert) -> Result<&ObjectName, Fault> {
    let plain = &plain()?.insert;
    let mut rest = insert.clone();
    rest.table = plain.table.clone();
    rest.columns.clone_from(&plain.columns);
    rest.source.clone_from(&plain.source);
    rest.on = None;
    let conflict = match &insert.on {
        None => true,
        Some(OnInsert::OnConflict(on)) => {
            matches!(on.conflict_target, None | Some(ConflictTarget::Columns { predicate: None, .. }))
                && !matches!(&on.action, OnConflictAction::DoUpdate(update) if update.selection.is_some())
        }
        Some(_) => false,
    };
    match &insert.table {
        TableObject::TableName(name) if rest == *plain && conflict && insert.source.is_some() => Ok(name),
        _ => fault("an INSERT has a part that is not allowed: RETURNING, OVERRIDING, OR REPLACE or the like"),
    }
}

/// It changes rows that are there already.
pub(super) fn updates(insert: &Insert) -> bool {
    matches!(&insert.on, Some(OnInsert::OnConflict(on)) if matches!(on.action, OnConflictAction::DoUpdate(_)))
}

pub(super) fn update(update: &Update) -> Result<&ObjectName, Fault> {
    let plain = &plain()?.update;
    let mut rest = update.clone();
    rest.table = plain.table.clone();
    rest.assignments.clone_from(&plain.assignments);
    rest.selection = None;
    match alone(&update.table) {
        Some(name) if rest == *plain => Ok(name),
        _ => fault("an UPDATE has a part that is not allowed: FROM, RETURNING or the like"),
    }
}

pub(super) fn delete(delete: &Delete) -> Result<&ObjectName, Fault> {
    let plain = &plain()?.delete;
    let mut rest = delete.clone();
    rest.from = plain.from.clone();
    rest.selection = None;
    let FromTable::WithFromKeyword(tables) = &delete.from else { return fault("a DELETE names no table") };
    match (tables.as_slice(), rest == *plain) {
        ([table], true) => alone(table).ok_or_else(|| Fault("a DELETE joins tables".to_owned())),
        _ => fault("a DELETE has a part that is not allowed: USING, RETURNING or the like"),
    }
}

/// The one table of a list that holds nothing else.
fn alone(table: &TableWithJoins) -> Option<&ObjectName> {
    match &table.relation {
        TableFactor::Table { name, alias: None, .. } if table.joins.is_empty() => Some(name),
        _ => None,
    }
}

pub(super) fn create(create: &CreateTable) -> Result<&ObjectName, Fault> {
    let plain = &plain()?.create;
    let mut rest = create.clone();
    rest.name = plain.name.clone();
    rest.temporary = false;
    rest.if_not_exists = false;
    rest.columns.clone_from(&plain.columns);
    rest.constraints.clear();
    rest.like = None;
    rest.on_commit = None;
    if rest == *plain { Ok(&create.name) } else { fault("a CREATE TABLE has a part that is not allowed: AS, WITH, INHERITS or the like") }
}

/// The table whose columns are copied.
pub(super) fn like(create: &CreateTable) -> Result<Option<&ObjectName>, Fault> {
    match &create.like {
        None => Ok(None),
        Some(CreateTableLikeKind::Parenthesized(like)) if create.columns.is_empty() && like.defaults.is_none() => Ok(Some(&like.name)),
        Some(_) => fault("LIKE stands alone between parentheses"),
    }
}

pub(super) fn alter(alter: &AlterTable) -> Result<&ObjectName, Fault> {
    let plain = &plain()?.alter;
    let mut rest = alter.clone();
    rest.name = plain.name.clone();
    rest.operations.clone_from(&plain.operations);
    let adds = |operation: &AlterTableOperation| matches!(operation, AlterTableOperation::AddColumn { column_position: None, .. });
    if rest == *plain && alter.operations.iter().all(adds) {
        Ok(&alter.name)
    } else {
        fault("an ALTER TABLE does something else than adding columns")
    }
}

/// The table of a comment on it or on one of its columns.
pub(super) fn commented(kind: &CommentObject, name: &ObjectName) -> Result<ObjectName, Fault> {
    match kind {
        CommentObject::Table => Ok(name.clone()),
        CommentObject::Column => Ok(ObjectName(name.0.iter().take(name.0.len().saturating_sub(1)).cloned().collect())),
        _ => fault("a COMMENT is about something else than a table or a column"),
    }
}

pub(super) fn drop_table(statement: &Statement) -> Result<(), Fault> {
    match statement {
        Statement::Drop {
            object_type: sqlparser::ast::ObjectType::Table,
            cascade: false,
            purge: false,
            temporary: false,
            table: None,
            ..
        } => Ok(()),
        _ => fault("a DROP is about something else than tables, or takes along what depends on them"),
    }
}

pub(super) fn truncate(truncate: &Truncate) -> Result<Vec<&ObjectName>, Fault> {
    let plain = &plain()?.truncate;
    let mut rest = truncate.clone();
    rest.table_names.clone_from(&plain.table_names);
    rest.table = plain.table;
    let simple = truncate.table_names.iter().all(|target| !target.has_asterisk);
    if rest == *plain && simple {
        Ok(truncate.table_names.iter().map(|target| &target.name).collect())
    } else {
        fault("a TRUNCATE has a part that is not allowed: CASCADE, RESTART IDENTITY or the like")
    }
}
