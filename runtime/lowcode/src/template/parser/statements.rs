//! Statements: `{% … %}`, and the text around them.

use std::sync::Arc;

use super::super::ast::{Expression, For, Macro, Signature, Statement, Target};
use super::super::lexer::Token;
use super::{Parsed, Parser};

impl Parser {
    /// Statements up to one of the end words (which is taken, and comes back) or the end of the template.
    pub(super) fn body(&mut self, ends: &[&str]) -> Parsed<(Vec<Statement>, String)> {
        let mut statements = Vec::new();
        while let Some(token) = self.peek() {
            match token {
                Token::Data(text) => {
                    statements.push(Statement::Text(text.clone()));
                    self.at += 1;
                }
                Token::VariableBegin => {
                    self.at += 1;
                    statements.push(Statement::Print(vec![self.outer_tuple()?]));
                    self.expect(&Token::VariableEnd, "the end of the print statement")?;
                }
                Token::BlockBegin => {
                    self.at += 1;
                    if let Some(end) = ends.iter().find(|end| self.is_name(end)) {
                        self.at += 1;
                        return Ok((statements, (*end).to_owned()));
                    }
                    let statement = self.nested(Self::statement)?;
                    statements.push(statement);
                    self.expect(&Token::BlockEnd, "the end of the statement block")?;
                }
                _ => return Err(self.unexpected("text or a tag")),
            }
        }
        if ends.is_empty() {
            Ok((statements, String::new()))
        } else {
            Err(format!("unexpected end of template, expected one of: {}", ends.join(", ")))
        }
    }

    /// A body behind the end of its tag, up to an end word.
    fn block(&mut self, ends: &[&str]) -> Parsed<(Vec<Statement>, String)> {
        // A colon may end the tag, as in Python.
        self.skip_operator(":");
        self.expect(&Token::BlockEnd, "the end of the statement block")?;
        self.body(ends)
    }

    fn statement(&mut self) -> Parsed<Statement> {
        let word = self.expect_name()?;
        match word.as_str() {
            "if" => self.if_statement(),
            "for" => self.for_statement(),
            "set" => self.set_statement(),
            "with" => self.with_statement(),
            "macro" => {
                let name = self.expect_name()?;
                let signature = self.signature()?;
                let (body, _) = self.block(&["endmacro"])?;
                Ok(Statement::Macro(Arc::new(Macro { name, signature, body })))
            }
            "call" => {
                let signature = if self.is_operator("(") { self.signature()? } else { Signature::default() };
                let call = self.outer_expression()?;
                if !matches!(call, Expression::Call(..)) {
                    return Err("expected a call".into());
                }
                let (body, _) = self.block(&["endcall"])?;
                Ok(Statement::CallBlock(call, Arc::new(Macro { name: "caller".into(), signature, body })))
            }
            "filter" => {
                let filter = self.filter_chain(None)?;
                let (body, _) = self.block(&["endfilter"])?;
                Ok(Statement::FilterBlock(filter, body))
            }
            "print" => self.print_statement(),
            "autoescape" => {
                self.outer_expression()?;
                self.block(&["endautoescape"]).map(|(body, _)| Statement::Scoped(body))
            }
            "block" => {
                let name = self.expect_name()?;
                while self.skip_name("scoped") || self.skip_name("required") {}
                let (body, _) = self.block(&["endblock"])?;
                self.skip_name(&name);
                Ok(Statement::Scoped(body))
            }
            "extends" | "include" | "import" | "from" => {
                while !matches!(self.peek(), None | Some(Token::BlockEnd)) {
                    self.at += 1;
                }
                Ok(Statement::Load)
            }
            _ => Err(format!("encountered unknown tag '{word}'")),
        }
    }

    fn print_statement(&mut self) -> Parsed<Statement> {
        let mut expressions = Vec::new();
        while self.peek() != Some(&Token::BlockEnd) {
            if !expressions.is_empty() {
                self.expect_operator(",")?;
            }
            expressions.push(self.outer_expression()?);
        }
        Ok(Statement::Print(expressions))
    }

    fn if_statement(&mut self) -> Parsed<Statement> {
        let mut branches = Vec::new();
        loop {
            let test = self.outer_tuple_without_condition()?;
            let (body, end) = self.block(&["elif", "else", "endif"])?;
            branches.push((test, body));
            match end.as_str() {
                "elif" => {}
                "else" => return self.block(&["endif"]).map(|(otherwise, _)| Statement::If(branches, otherwise)),
                _ => return Ok(Statement::If(branches, Vec::new())),
            }
        }
    }

    /// Tests of `if` and items of `for` are no conditional expressions.
    fn outer_tuple_without_condition(&mut self) -> Parsed<Expression> {
        let first = self.nested(Self::or)?;
        if !self.is_operator(",") {
            return if super::is_deeper(&first, super::DEPTH_LIMIT) {
                Err("an expression that is nested too deep".into())
            } else {
                Ok(first)
            };
        }
        let mut items = vec![first];
        while self.skip_operator(",") && !matches!(self.peek(), Some(Token::BlockEnd)) {
            items.push(self.nested(Self::or)?);
        }
        Ok(Expression::Tuple(items))
    }

    fn for_statement(&mut self) -> Parsed<Statement> {
        let target = self.target(&["in"], false)?;
        if !self.skip_name("in") {
            return Err(self.unexpected("`in`"));
        }
        let items = self.outer_tuple_without_condition()?;
        let condition = if self.skip_name("if") { Some(self.outer_expression()?) } else { None };
        let recursive = self.skip_name("recursive");
        let (body, end) = self.block(&["endfor", "else"])?;
        let otherwise = if end == "else" { self.block(&["endfor"])?.0 } else { Vec::new() };
        Ok(Statement::For(Box::new(For { target, items, condition, recursive, body, otherwise })))
    }

    fn set_statement(&mut self) -> Parsed<Statement> {
        let target = self.target(&[], true)?;
        if self.skip_operator("=") {
            return self.outer_tuple().map(|value| Statement::Set(target, value));
        }
        let filter = if self.skip_operator("|") { Some(self.filter_chain(None)?) } else { None };
        let (body, _) = self.block(&["endset"])?;
        Ok(Statement::SetBlock(target, filter, body))
    }

    fn with_statement(&mut self) -> Parsed<Statement> {
        let mut assignments = Vec::new();
        while !matches!(self.peek(), None | Some(Token::BlockEnd)) {
            if !assignments.is_empty() {
                self.expect_operator(",")?;
            }
            let target = Target::Name(self.expect_name()?);
            self.expect_operator("=")?;
            assignments.push((target, self.outer_expression()?));
        }
        self.block(&["endwith"]).map(|(body, _)| Statement::With(assignments, body))
    }

    /// Filters behind one another; the first has no `|`.
    fn filter_chain(&mut self, input: Option<Expression>) -> Parsed<Expression> {
        let mut chain = self.filter(input)?;
        let mut length = 0;
        while self.skip_operator("|") {
            super::chained(&mut length)?;
            chain = self.filter(Some(chain))?;
        }
        Ok(chain)
    }

    fn target(&mut self, ends: &[&str], attributes: bool) -> Parsed<Target> {
        let mut targets = Vec::new();
        let mut comma = false;
        loop {
            if !targets.is_empty() && ends.iter().any(|end| self.is_name(end)) {
                break;
            }
            targets.push(self.single_target(attributes)?);
            if !self.skip_operator(",") {
                break;
            }
            comma = true;
        }
        match targets.pop() {
            Some(only) if !comma && targets.is_empty() => Ok(only),
            Some(last) => {
                targets.push(last);
                Ok(Target::Tuple(targets))
            }
            None => Err(self.unexpected("a name")),
        }
    }

    fn single_target(&mut self, attributes: bool) -> Parsed<Target> {
        if self.skip_operator("(") {
            let target = self.nested(|parser| parser.target(&[], attributes))?;
            self.expect_operator(")")?;
            return Ok(target);
        }
        let name = self.expect_name()?;
        if matches!(name.as_str(), "true" | "false" | "none" | "True" | "False" | "None") {
            return Err(format!("can't assign to '{name}'"));
        }
        if attributes && self.skip_operator(".") {
            return Ok(Target::Attribute(name, self.expect_name()?));
        }
        Ok(Target::Name(name))
    }

    fn signature(&mut self) -> Parsed<Signature> {
        let mut signature = Signature::default();
        self.expect_operator("(")?;
        while !self.is_operator(")") {
            if !signature.names.is_empty() {
                self.expect_operator(",")?;
            }
            signature.names.push(self.expect_name()?);
            if self.skip_operator("=") {
                signature.defaults.push(self.outer_expression()?);
            } else if !signature.defaults.is_empty() {
                return Err("non-default argument follows default argument".into());
            }
        }
        self.expect_operator(")")?;
        Ok(signature)
    }
}
