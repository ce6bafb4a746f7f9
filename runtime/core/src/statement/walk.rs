//! Every part of a statement, at any depth: expressions, values, names, queries. What is not known here is refused.

use std::ops::ControlFlow;

use sqlparser::ast::{
    AlterTableOperation, BinaryOperator, CastKind, ColumnDef, ColumnOption, Expr, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, GroupByExpr, Ident, InTarget, JoinConstraint, JoinOperator, LimitClause, ObjectName, OrderBy, OrderByKind, Query,
    Select, SelectItem, Statement, TableConstraint, TableFactor, UnaryOperator, Value, ValueWithSpan, Visit, Visitor,
};

use super::{Fault, MAX_NAME_BYTES, fault, shape, words};
use crate::manifest::Dialect;

/// The tables that a statement reads from.
pub(super) fn read(statement: &Statement) -> Result<Vec<ObjectName>, Fault> {
    let mut names = Names(Vec::new());
    // A target is no reading: its table stands in the statement itself.
    let flow = match statement {
        Statement::Update(update) => {
            let values = update.assignments.iter().try_for_each(|assignment| assignment.value.visit(&mut names));
            match values {
                ControlFlow::Continue(()) => update.selection.visit(&mut names),
                broken @ ControlFlow::Break(_) => broken,
            }
        }
        Statement::Delete(delete) => delete.selection.visit(&mut names),
        other => other.visit(&mut names),
    };
    match flow {
        ControlFlow::Continue(()) => Ok(names.0),
        ControlFlow::Break(fault) => Err(fault),
    }
}

struct Names(Vec<ObjectName>);

impl Visitor for Names {
    type Break = Fault;

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Fault> {
        if let TableFactor::Table { name, .. } = factor {
            self.0.push(name.clone());
        }
        ControlFlow::Continue(())
    }
}

/// Looks at everything.
pub(super) fn everything(dialect: Dialect, statement: &Statement) -> Result<(), Fault> {
    match statement {
        Statement::CreateTable(create) => {
            create.columns.iter().try_for_each(column)?;
            create.constraints.iter().try_for_each(constraint)?;
        }
        Statement::AlterTable(alter) => alter.operations.iter().try_for_each(|operation| match operation {
            AlterTableOperation::AddColumn { column_def, .. } => column(column_def),
            _ => Ok(()),
        })?,
        _ => {}
    }
    match statement.visit(&mut Walk { dialect, statements: 0 }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(fault) => Err(fault),
    }
}

fn column(column: &ColumnDef) -> Result<(), Fault> {
    if !words::is_plain(&column.data_type) {
        return fault("a column has a type that is not a plain value");
    }
    let plain = |option: &ColumnOption| match option {
        ColumnOption::Null | ColumnOption::NotNull => true,
        ColumnOption::PrimaryKey(key) => key.index_type.is_none() && key.index_options.is_empty() && key.characteristics.is_none(),
        ColumnOption::Default(Expr::Value(_)) => true,
        _ => false,
    };
    if column.options.iter().all(|option| option.name.is_none() && plain(&option.option)) {
        Ok(())
    } else {
        fault("a column has an option other than NULL, NOT NULL, PRIMARY KEY and a constant DEFAULT")
    }
}

fn constraint(constraint: &TableConstraint) -> Result<(), Fault> {
    match constraint {
        TableConstraint::PrimaryKey(key)
            if key.index_type.is_none() && key.index_options.is_empty() && key.include.is_empty() && key.characteristics.is_none() =>
        {
            Ok(())
        }
        TableConstraint::Unique(key)
            if key.index_type.is_none() && key.index_options.is_empty() && key.include.is_empty() && key.characteristics.is_none() =>
        {
            Ok(())
        }
        _ => fault("a table has a constraint other than PRIMARY KEY and UNIQUE"),
    }
}

struct Walk {
    dialect: Dialect,
    statements: usize,
}

fn flow(outcome: Result<(), Fault>) -> ControlFlow<Fault> {
    match outcome {
        Ok(()) => ControlFlow::Continue(()),
        Err(fault) => ControlFlow::Break(fault),
    }
}

impl Visitor for Walk {
    type Break = Fault;

    fn pre_visit_statement(&mut self, _statement: &Statement) -> ControlFlow<Fault> {
        self.statements += 1;
        flow(if self.statements == 1 { Ok(()) } else { fault("a statement stands inside another one") })
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Fault> {
        flow(shape::query(query).and_then(|()| match &query.limit_clause {
            None => Ok(()),
            Some(LimitClause::LimitOffset { limit_by, .. }) if limit_by.is_empty() => Ok(()),
            Some(_) => fault("LIMIT has a part that is not allowed"),
        }))
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Fault> {
        let items = select.projection.iter().try_for_each(|item| match item {
            SelectItem::UnnamedExpr(_) | SelectItem::ExprWithAlias { .. } => Ok(()),
            _ => fault("columns are named one by one: there is no `*`"),
        });
        let joins = select.from.iter().flat_map(|table| &table.joins);
        let joins = joins.into_iter().try_for_each(|join| match &join.join_operator {
            JoinOperator::Join(on) | JoinOperator::Inner(on) | JoinOperator::Left(on) | JoinOperator::LeftOuter(on) if !join.global => {
                match on {
                    JoinConstraint::On(_) => Ok(()),
                    _ => fault("a join has no ON"),
                }
            }
            _ => fault("a join is neither an inner nor a left one"),
        });
        let groups = match &select.group_by {
            GroupByExpr::Expressions(_, modifiers) if modifiers.is_empty() => Ok(()),
            _ => fault("GROUP BY has a part that is not allowed"),
        };
        flow(items.and(joins).and(groups))
    }

    fn pre_visit_order_by(&mut self, order: &OrderBy) -> ControlFlow<Fault> {
        let plain = order.interpolate.is_none()
            && matches!(&order.kind, OrderByKind::Expressions(parts) if parts.iter().all(|part| part.with_fill.is_none()));
        flow(if plain { Ok(()) } else { fault("ORDER BY has a part that is not allowed") })
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Fault> {
        flow(shape::factor(factor))
    }

    fn pre_visit_ident(&mut self, name: &Ident) -> ControlFlow<Fault> {
        let fits = matches!(name.quote_style, None | Some('"'))
            && !name.value.is_empty()
            && name.value.len() <= MAX_NAME_BYTES
            && !name.value.contains(['\0', '"']);
        flow(if fits { Ok(()) } else { fault("a name is empty, too long, or in odd quotation marks") })
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<Fault> {
        let plain = match &value.value {
            Value::Number(_, long) => !long,
            Value::SingleQuotedString(text) => !text.contains(['\\', '\0']),
            Value::Boolean(_) | Value::Null => true,
            Value::Placeholder(name) => self.is_numbered(name),
            _ => false,
        };
        flow(if plain { Ok(()) } else { fault("a constant is neither a plain text, a number, TRUE, FALSE, NULL nor a numbered parameter") })
    }

    fn pre_visit_expr(&mut self, expression: &Expr) -> ControlFlow<Fault> {
        flow(self.expression(expression))
    }
}

impl Walk {
    /// `$1` for PostgreSQL, `?1` for SQLite.
    fn is_numbered(&self, name: &str) -> bool {
        let sign = match self.dialect {
            Dialect::Postgres => '$',
            Dialect::Sqlite => '?',
        };
        let number = name.strip_prefix(sign).unwrap_or_default();
        (1..=3).contains(&number.len()) && !number.starts_with('0') && number.bytes().all(|byte| byte.is_ascii_digit())
    }

    fn expression(&self, expression: &Expr) -> Result<(), Fault> {
        match expression {
            Expr::Identifier(_)
            | Expr::CompoundIdentifier(_)
            | Expr::IsFalse(_)
            | Expr::IsNotFalse(_)
            | Expr::IsTrue(_)
            | Expr::IsNotTrue(_)
            | Expr::IsNull(_)
            | Expr::IsNotNull(_)
            | Expr::IsDistinctFrom(..)
            | Expr::IsNotDistinctFrom(..)
            | Expr::Between { .. }
            | Expr::Like { any: false, .. }
            | Expr::ILike { any: false, .. }
            | Expr::AtTimeZone { .. }
            | Expr::Nested(_)
            | Expr::Value(_)
            | Expr::Case { .. }
            | Expr::Exists { .. }
            | Expr::Subquery(_)
            | Expr::Tuple(_) => Ok(()),
            Expr::In { target: InTarget::List(_) | InTarget::Subquery(_), global: false, .. } => Ok(()),
            Expr::UnaryOp { op: UnaryOperator::Not | UnaryOperator::Minus | UnaryOperator::Plus, .. } => Ok(()),
            Expr::BinaryOp { op, .. } if is_plain_operator(op) => Ok(()),
            Expr::Cast { kind: CastKind::Cast | CastKind::DoubleColon, data_type, format: None, .. } if words::is_plain(data_type) => {
                Ok(())
            }
            Expr::Cast { .. } => fault("a value is cast to a type that is not a plain value"),
            Expr::Function(function) => self.function(function),
            _ => fault("an expression has a form that is not allowed"),
        }
    }

    fn function(&self, function: &Function) -> Result<(), Fault> {
        let name = match function.name.0.as_slice() {
            [part] => part.as_ident().filter(|name| name.quote_style.is_none()).map(|name| name.value.to_ascii_lowercase()),
            _ => None,
        };
        let Some(name) = name.filter(|name| words::is_harmless(self.dialect, name)) else {
            return fault("it calls a function that is not on the list of those without effects");
        };
        let simple = !function.uses_odbc_syntax
            && matches!(function.parameters, FunctionArguments::None)
            && function.within_group.is_empty()
            && function.null_treatment.is_none()
            && function.over.is_none()
            && function.filter.is_none();
        let arguments = match &function.args {
            FunctionArguments::List(list) => {
                let plain = |argument: &FunctionArg| match argument {
                    FunctionArg::Unnamed(FunctionArgExpr::Expr(_)) => true,
                    FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => name == "count",
                    _ => false,
                };
                list.clauses.is_empty() && list.args.iter().all(plain)
            }
            _ => false,
        };
        if simple && arguments { Ok(()) } else { fault("a call of a function has a form that is not allowed") }
    }
}

fn is_plain_operator(operator: &BinaryOperator) -> bool {
    matches!(
        operator,
        BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo
            | BinaryOperator::StringConcat
            | BinaryOperator::Gt
            | BinaryOperator::Lt
            | BinaryOperator::GtEq
            | BinaryOperator::LtEq
            | BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::And
            | BinaryOperator::Or
            | BinaryOperator::Arrow
            | BinaryOperator::LongArrow
            | BinaryOperator::HashArrow
            | BinaryOperator::HashLongArrow
    )
}
