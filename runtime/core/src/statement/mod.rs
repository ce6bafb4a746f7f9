//! What an SQL statement would do, before it is run: one statement, read whole, of a small language. Decides nothing and connects to nothing.
//!
//! Invariant: what is run is the text that is made of what was understood, never the text that was given. So a comment, a quotation or a construct
//! that a database reads in another way than this parser has no effect: it is refused or it is gone.

mod shape;
#[cfg(test)]
mod tests;
mod walk;
mod words;

use std::collections::BTreeSet;

use sqlparser::ast::{self, Statement};
use sqlparser::dialect::{Dialect as Grammar, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer, Whitespace};

use crate::manifest::{Dialect, TableName, Verb};

/// Greatest length of a statement in bytes.
pub const MAX_STATEMENT_BYTES: usize = 32 << 10;
/// More words and signs than a table of 200 columns needs; it bounds the depth of what is read.
const MAX_TOKENS: usize = 4_000;
/// Operators but casts, in the whole statement.
const MAX_OPERATORS: usize = 300;
/// The same between two commas.
const MAX_RUN: usize = 60;
const MAX_DEPTH: usize = 24;
/// Longest name that PostgreSQL does not cut.
const MAX_NAME_BYTES: usize = 63;

/// A statement that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Understood {
    /// What is to be run.
    pub text: String,
    /// What it does with which table, without those that last as long as the connection.
    pub uses: BTreeSet<(TableName, Verb)>,
    /// It answers with rows.
    pub answers: bool,
}

/// Why a statement is not run. Holds no part of the statement but names of constructs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(pub String);

fn fault<T>(what: impl Into<String>) -> Result<T, Fault> {
    Err(Fault(what.into()))
}

/// Reads a statement.
///
/// # Errors
/// It is none, more than one, too long, or holds what is not allowed whatever is granted.
pub fn understand(dialect: Dialect, text: &str) -> Result<Understood, Fault> {
    let grammar: &dyn Grammar = match dialect {
        Dialect::Postgres => &PostgreSqlDialect {},
        Dialect::Sqlite => &SQLiteDialect {},
    };
    let statement = parse(grammar, text)?;
    let (uses, answers) = work(dialect, &statement)?;
    walk::everything(dialect, &statement)?;
    let uses = uses.into_iter().filter(|(table, _)| !is_temporary(dialect, table)).collect();
    Ok(Understood { text: statement.to_string(), uses, answers })
}

/// The schema of tables that last as long as the connection and that nobody else sees.
#[must_use]
pub fn temporary_schema(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Postgres => "pg_temp",
        Dialect::Sqlite => "temp",
    }
}

fn is_temporary(dialect: Dialect, table: &TableName) -> bool {
    table.schema == temporary_schema(dialect)
}

fn parse(grammar: &dyn Grammar, text: &str) -> Result<Statement, Fault> {
    if text.len() > MAX_STATEMENT_BYTES {
        return fault(format!("it is longer than {MAX_STATEMENT_BYTES} bytes"));
    }
    // The parser's own messages quote the statement, which may hold values.
    let tokens = Tokenizer::new(grammar, text).tokenize().map_err(|_| Fault("it is not SQL".to_owned()))?;
    bounded(&tokens)?;
    let mut statements = Parser::new(grammar)
        .with_recursion_limit(MAX_DEPTH)
        .with_tokens(tokens)
        .parse_statements()
        .map_err(|_| Fault("it is not a statement of the SQL that hub understands".to_owned()))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement), true) => Ok(statement),
        (None, _) => fault("it is empty"),
        _ => fault("it is more than one statement"),
    }
}

fn bounded(tokens: &[Token]) -> Result<(), Fault> {
    let is_comment =
        |token: &Token| matches!(token, Token::Whitespace(Whitespace::SingleLineComment { .. } | Whitespace::MultiLineComment(_)));
    if tokens.iter().any(is_comment) {
        return fault("it holds a comment");
    }
    let words = tokens.iter().filter(|token| !matches!(token, Token::Whitespace(_)));
    if words.clone().count() > MAX_TOKENS {
        return fault("it is too long to be read");
    }
    // Each of them may make the tree deeper by one, and walking a deep tree needs a deep stack.
    let deepens = |token: &Token| match token {
        Token::Word(word) => {
            matches!(
                &*word.value.to_ascii_uppercase(),
                "AND" | "OR" | "UNION" | "NOT" | "JOIN" | "IS" | "LIKE" | "ILIKE" | "IN" | "AT" | "BETWEEN"
            )
        }
        Token::Comma | Token::Period | Token::Number(..) | Token::Placeholder(_) => false,
        Token::SingleQuotedString(_) | Token::EOF | Token::SemiColon | Token::Eq | Token::RParen => false,
        _ => true,
    };
    let (mut all, mut run) = (0, 0);
    for token in words {
        if *token == Token::Comma {
            run = 0;
        } else if deepens(token) {
            run += 1;
            all += usize::from(*token != Token::DoubleColon && *token != Token::LParen);
        }
        if run > MAX_RUN || all > MAX_OPERATORS {
            return fault("it has too many operators");
        }
    }
    Ok(())
}

type Uses = BTreeSet<(TableName, Verb)>;

/// What the statement itself does, and what it reads to do it.
fn work(dialect: Dialect, statement: &Statement) -> Result<(Uses, bool), Fault> {
    let mut uses = Uses::new();
    let mut also = |name: &ast::ObjectName, verb: Verb| table(dialect, name).map(|table| uses.insert((table, verb)));
    let answers = match statement {
        Statement::Query(_) => true,
        Statement::Insert(insert) => {
            also(shape::insert(insert)?, Verb::Insert)?;
            if shape::updates(insert) {
                also(shape::insert(insert)?, Verb::Update)?;
            }
            false
        }
        Statement::Update(update) => {
            also(shape::update(update)?, Verb::Update)?;
            false
        }
        Statement::Delete(delete) => {
            also(shape::delete(delete)?, Verb::Delete)?;
            false
        }
        Statement::CreateTable(create) => {
            let name = shape::create(create)?;
            let made = table(dialect, name)?;
            if create.temporary != is_temporary(dialect, &made) {
                return fault(format!("a temporary table is named `{}.NAME`, and no other is", temporary_schema(dialect)));
            }
            also(name, Verb::Create)?;
            if let Some(like) = shape::like(create)? {
                also(like, Verb::Select)?;
            }
            false
        }
        Statement::AlterTable(alter) => {
            also(shape::alter(alter)?, Verb::Alter)?;
            false
        }
        Statement::Comment { object_type, object_name, .. } if dialect == Dialect::Postgres => {
            also(&shape::commented(object_type, object_name)?, Verb::Alter)?;
            false
        }
        Statement::Drop { names, .. } => {
            shape::drop_table(statement)?;
            for name in names {
                also(name, Verb::Drop)?;
            }
            false
        }
        Statement::Truncate(truncate) if dialect == Dialect::Postgres => {
            for name in shape::truncate(truncate)? {
                also(name, Verb::Delete)?;
            }
            false
        }
        _ => return fault("it is none of SELECT, INSERT, UPDATE, DELETE, TRUNCATE, CREATE TABLE, ALTER TABLE, COMMENT and DROP TABLE"),
    };
    for name in walk::read(statement)? {
        uses.insert((table(dialect, &name)?, Verb::Select));
    }
    Ok((uses, answers))
}

/// A table by its schema and name, as the database finds it.
fn table(dialect: Dialect, name: &ast::ObjectName) -> Result<TableName, Fault> {
    let parts: Option<Vec<&ast::Ident>> = name.0.iter().map(ast::ObjectNamePart::as_ident).collect();
    let Some([schema, table]) = parts.as_deref() else {
        return fault("a table is named without its schema: what that means is the server's to say");
    };
    Ok(TableName { schema: folded(dialect, schema), table: folded(dialect, table) })
}

/// PostgreSQL makes names without quotation marks small; SQLite does not tell large letters from small ones.
fn folded(dialect: Dialect, name: &ast::Ident) -> String {
    match (dialect, name.quote_style) {
        (Dialect::Postgres, Some(_)) => name.value.clone(),
        _ => name.value.to_ascii_lowercase(),
    }
}
