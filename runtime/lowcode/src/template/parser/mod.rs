//! From tokens to statements and expressions, by Jinja's grammar.

mod statements;

use super::ast::{Arguments, Comparison, Conditional, Expression, Operator, Statement};
use super::lexer::{Token, tokens};
use crate::value::Value;

/// Brackets, blocks and signs inside one another.
const NESTING_LIMIT: usize = 40;
/// Operators, filters and subscripts in one chain.
const CHAIN_LIMIT: usize = 64;
/// Expressions inside one another.
const DEPTH_LIMIT: usize = 160;
/// Bytes of a template.
const LENGTH_LIMIT: usize = 256 * 1024;

type Parsed<T> = Result<T, String>;

/// Reads a template.
pub(super) fn parse(text: &str) -> Parsed<Vec<Statement>> {
    if text.len() > LENGTH_LIMIT {
        return Err(format!("a template of more than {LENGTH_LIMIT} bytes"));
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, nesting: 0 };
    parser.body(&[]).map(|(statements, _)| statements)
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    nesting: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn is_operator(&self, operator: &str) -> bool {
        matches!(self.peek(), Some(Token::Operator(found)) if *found == operator)
    }

    fn is_name(&self, name: &str) -> bool {
        matches!(self.peek(), Some(Token::Name(found)) if found == name)
    }

    fn skip_operator(&mut self, operator: &str) -> bool {
        let found = self.is_operator(operator);
        self.at += usize::from(found);
        found
    }

    fn skip_name(&mut self, name: &str) -> bool {
        let found = self.is_name(name);
        self.at += usize::from(found);
        found
    }

    fn unexpected(&self, expected: &str) -> String {
        let found = match self.peek() {
            None => "the end of the template".to_owned(),
            Some(Token::Data(_)) => "text".to_owned(),
            Some(Token::VariableBegin) => "`{{`".to_owned(),
            Some(Token::VariableEnd) => "`}}`".to_owned(),
            Some(Token::BlockBegin) => "`{%`".to_owned(),
            Some(Token::BlockEnd) => "`%}`".to_owned(),
            Some(Token::Name(name)) => format!("`{name}`"),
            Some(Token::Text(_)) => "a text".to_owned(),
            Some(Token::Number(_)) => "a number".to_owned(),
            Some(Token::Operator(operator)) => format!("`{operator}`"),
        };
        format!("expected {expected}, found {found}")
    }

    fn expect_operator(&mut self, operator: &'static str) -> Parsed<()> {
        if self.skip_operator(operator) { Ok(()) } else { Err(self.unexpected(&format!("`{operator}`"))) }
    }

    fn expect_name(&mut self) -> Parsed<String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err(self.unexpected("a name")),
        }
    }

    fn expect(&mut self, token: &Token, what: &str) -> Parsed<()> {
        if self.peek() == Some(token) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.unexpected(what))
        }
    }

    /// Something inside something.
    fn nested<T>(&mut self, parse: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.nesting >= NESTING_LIMIT {
            return Err(format!("nested deeper than {NESTING_LIMIT} levels"));
        }
        self.nesting += 1;
        let result = parse(self);
        self.nesting -= 1;
        result
    }

    /// An expression that stands for itself, with or without commas.
    fn outer_tuple(&mut self) -> Parsed<Expression> {
        let expression = self.tuple(false)?;
        if is_deeper(&expression, DEPTH_LIMIT) { Err("an expression that is nested too deep".into()) } else { Ok(expression) }
    }

    fn outer_expression(&mut self) -> Parsed<Expression> {
        let expression = self.expression()?;
        if is_deeper(&expression, DEPTH_LIMIT) { Err("an expression that is nested too deep".into()) } else { Ok(expression) }
    }

    fn expression(&mut self) -> Parsed<Expression> {
        self.nested(|parser| {
            let mut left = parser.or()?;
            let mut chain = 0;
            while parser.skip_name("if") {
                chained(&mut chain)?;
                let test = parser.or()?;
                let no = if parser.skip_name("else") { Some(parser.expression()?) } else { None };
                left = Expression::Conditional(Box::new(Conditional { test, yes: left, no }));
            }
            Ok(left)
        })
    }

    fn or(&mut self) -> Parsed<Expression> {
        let first = self.and()?;
        if !self.is_name("or") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.skip_name("or") {
            all.push(self.and()?);
        }
        Ok(Expression::Or(all))
    }

    fn and(&mut self) -> Parsed<Expression> {
        let first = self.not()?;
        if !self.is_name("and") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.skip_name("and") {
            all.push(self.not()?);
        }
        Ok(Expression::And(all))
    }

    fn not(&mut self) -> Parsed<Expression> {
        if self.skip_name("not") {
            return self.nested(Self::not).map(|inner| Expression::Not(Box::new(inner)));
        }
        self.compare()
    }

    fn compare(&mut self) -> Parsed<Expression> {
        let first = self.sum()?;
        let mut rest = Vec::new();
        while let Some(comparison) = self.comparison() {
            rest.push((comparison, self.sum()?));
        }
        Ok(if rest.is_empty() { first } else { Expression::Compare(Box::new(first), rest) })
    }

    fn comparison(&mut self) -> Option<Comparison> {
        let comparison = match self.peek()? {
            Token::Operator("==") => Comparison::Equal,
            Token::Operator("!=") => Comparison::NotEqual,
            Token::Operator("<") => Comparison::Less,
            Token::Operator("<=") => Comparison::LessOrEqual,
            Token::Operator(">") => Comparison::Greater,
            Token::Operator(">=") => Comparison::GreaterOrEqual,
            Token::Name(name) if name == "in" => Comparison::In,
            Token::Name(name) if name == "not" && matches!(self.tokens.get(self.at + 1), Some(Token::Name(next)) if next == "in") => {
                self.at += 1;
                Comparison::NotIn
            }
            _ => return None,
        };
        self.at += 1;
        Some(comparison)
    }

    fn sum(&mut self) -> Parsed<Expression> {
        self.binary(&[("+", Operator::Add), ("-", Operator::Subtract)], Self::concat)
    }

    fn concat(&mut self) -> Parsed<Expression> {
        let first = self.product()?;
        if !self.is_operator("~") {
            return Ok(first);
        }
        let mut all = vec![first];
        while self.skip_operator("~") {
            all.push(self.product()?);
        }
        Ok(Expression::Concat(all))
    }

    fn product(&mut self) -> Parsed<Expression> {
        let operators = [("*", Operator::Multiply), ("/", Operator::Divide), ("//", Operator::FloorDivide), ("%", Operator::Modulo)];
        self.binary(&operators, |parser| parser.binary(&[("**", Operator::Power)], |parser| parser.unary(true)))
    }

    fn binary(&mut self, operators: &[(&str, Operator)], operand: impl Fn(&mut Self) -> Parsed<Expression>) -> Parsed<Expression> {
        let mut left = operand(self)?;
        let mut chain = 0;
        while let Some((_, operator)) = operators.iter().find(|(text, _)| self.is_operator(text)) {
            chained(&mut chain)?;
            self.at += 1;
            left = Expression::Binary(*operator, Box::new(left), Box::new(operand(self)?));
        }
        Ok(left)
    }

    fn unary(&mut self, filters: bool) -> Parsed<Expression> {
        let node = if self.skip_operator("-") {
            Expression::Negative(Box::new(self.nested(|parser| parser.unary(false))?))
        } else if self.skip_operator("+") {
            Expression::Positive(Box::new(self.nested(|parser| parser.unary(false))?))
        } else {
            self.primary()?
        };
        let node = self.postfix(node)?;
        if filters { self.filters(node) } else { Ok(node) }
    }

    fn primary(&mut self) -> Parsed<Expression> {
        let Some(token) = self.peek().cloned() else { return Err(self.unexpected("an expression")) };
        match token {
            Token::Name(name) => {
                self.at += 1;
                Ok(match name.as_str() {
                    "true" | "True" => Expression::Constant(Value::Bool(true)),
                    "false" | "False" => Expression::Constant(Value::Bool(false)),
                    "none" | "None" => Expression::Constant(Value::None),
                    _ => Expression::Name(name),
                })
            }
            Token::Text(mut text) => {
                self.at += 1;
                while let Some(Token::Text(more)) = self.tokens.get(self.at) {
                    text.push_str(more);
                    self.at += 1;
                }
                Ok(Expression::Constant(Value::from(text)))
            }
            Token::Number(number) => {
                self.at += 1;
                Ok(Expression::Constant(number))
            }
            Token::Operator("(") => {
                self.at += 1;
                let inner = self.nested(|parser| parser.tuple(true))?;
                self.expect_operator(")")?;
                Ok(inner)
            }
            Token::Operator("[") => self.nested(Self::list),
            Token::Operator("{") => self.nested(Self::dict),
            _ => Err(self.unexpected("an expression")),
        }
    }

    /// An expression, or a tuple if there is a comma.
    fn tuple(&mut self, parentheses: bool) -> Parsed<Expression> {
        let mut items = Vec::new();
        let mut comma = false;
        while !self.is_tuple_end() {
            items.push(self.expression()?);
            if !self.skip_operator(",") {
                comma |= items.len() > 1;
                break;
            }
            comma = true;
        }
        if comma || (parentheses && items.is_empty()) {
            return Ok(Expression::Tuple(items));
        }
        items.pop().ok_or_else(|| self.unexpected("an expression"))
    }

    fn is_tuple_end(&self) -> bool {
        matches!(self.peek(), None | Some(Token::VariableEnd | Token::BlockEnd | Token::Operator(")")))
    }

    fn list(&mut self) -> Parsed<Expression> {
        self.expect_operator("[")?;
        let mut items = Vec::new();
        while !self.is_operator("]") {
            if !items.is_empty() {
                self.expect_operator(",")?;
                if self.is_operator("]") {
                    break;
                }
            }
            items.push(self.expression()?);
        }
        self.expect_operator("]")?;
        Ok(Expression::List(items))
    }

    fn dict(&mut self) -> Parsed<Expression> {
        self.expect_operator("{")?;
        let mut members = Vec::new();
        while !self.is_operator("}") {
            if !members.is_empty() {
                self.expect_operator(",")?;
                if self.is_operator("}") {
                    break;
                }
            }
            let key = self.expression()?;
            self.expect_operator(":")?;
            members.push((key, self.expression()?));
        }
        self.expect_operator("}")?;
        Ok(Expression::Dict(members))
    }

    fn postfix(&mut self, node: Expression) -> Parsed<Expression> {
        let (mut node, mut chain) = (node, 0);
        loop {
            node = match self.peek() {
                Some(Token::Operator(".")) => self.attribute(node)?,
                Some(Token::Operator("[")) => self.nested(|parser| parser.subscript(node))?,
                Some(Token::Operator("(")) => Expression::Call(Box::new(node), Box::new(self.nested(Self::arguments)?)),
                _ => return Ok(node),
            };
            chained(&mut chain)?;
        }
    }

    fn attribute(&mut self, node: Expression) -> Parsed<Expression> {
        self.at += 1;
        match self.peek().cloned() {
            Some(Token::Name(name)) => {
                self.at += 1;
                Ok(Expression::Attribute(Box::new(node), name))
            }
            Some(Token::Number(number @ Value::Int(_))) => {
                self.at += 1;
                Ok(Expression::Item(Box::new(node), Box::new(Expression::Constant(number))))
            }
            _ => Err(self.unexpected("a name or a number")),
        }
    }

    fn subscript(&mut self, node: Expression) -> Parsed<Expression> {
        self.expect_operator("[")?;
        if let Some(slice) = self.slice()? {
            self.expect_operator("]")?;
            return Ok(Expression::Slice(Box::new(node), Box::new(slice)));
        }
        let mut items = Vec::new();
        while !self.is_operator("]") {
            if !items.is_empty() {
                self.expect_operator(",")?;
            }
            items.push(self.expression()?);
            if items.len() == 1 && self.is_operator(":") {
                let slice = self.slice_rest(items.pop())?;
                self.expect_operator("]")?;
                return Ok(Expression::Slice(Box::new(node), Box::new(slice)));
            }
        }
        self.expect_operator("]")?;
        let item = if items.len() == 1 { items.remove(0) } else { Expression::Tuple(items) };
        Ok(Expression::Item(Box::new(node), Box::new(item)))
    }

    /// A slice that begins with its colon.
    fn slice(&mut self) -> Parsed<Option<[Option<Expression>; 3]>> {
        if self.is_operator(":") { self.slice_rest(None).map(Some) } else { Ok(None) }
    }

    fn slice_rest(&mut self, start: Option<Expression>) -> Parsed<[Option<Expression>; 3]> {
        self.expect_operator(":")?;
        let ends = |parser: &Self| parser.is_operator("]") || parser.is_operator(":");
        let stop = if ends(self) { None } else { Some(self.expression()?) };
        let step = if self.skip_operator(":") && !ends(self) { Some(self.expression()?) } else { None };
        Ok([start, stop, step])
    }

    fn arguments(&mut self) -> Parsed<Arguments> {
        self.expect_operator("(")?;
        let mut arguments = Arguments::default();
        let mut comma = true;
        while !self.is_operator(")") {
            if !comma {
                return Err(self.unexpected("`,`"));
            }
            let after_stars = arguments.double_star.is_some();
            if self.skip_operator("*") {
                if arguments.star.is_some() || after_stars {
                    return Err("invalid syntax for function call expression".into());
                }
                arguments.star = Some(self.expression()?);
            } else if after_stars {
                return Err("invalid syntax for function call expression".into());
            } else if self.skip_operator("**") {
                arguments.double_star = Some(self.expression()?);
            } else if matches!((self.peek(), self.tokens.get(self.at + 1)), (Some(Token::Name(_)), Some(Token::Operator("=")))) {
                let name = self.expect_name()?;
                self.at += 1;
                arguments.named.push((name, self.expression()?));
            } else {
                if arguments.star.is_some() || !arguments.named.is_empty() {
                    return Err("invalid syntax for function call expression".into());
                }
                arguments.positional.push(self.expression()?);
            }
            comma = self.skip_operator(",");
        }
        self.expect_operator(")")?;
        Ok(arguments)
    }

    fn filters(&mut self, node: Expression) -> Parsed<Expression> {
        let (mut node, mut chain) = (node, 0);
        loop {
            node = match self.peek() {
                Some(Token::Operator("|")) => {
                    self.at += 1;
                    self.filter(Some(node))?
                }
                Some(Token::Name(name)) if name == "is" => self.test(node)?,
                Some(Token::Operator("(")) => Expression::Call(Box::new(node), Box::new(self.nested(Self::arguments)?)),
                _ => return Ok(node),
            };
            chained(&mut chain)?;
        }
    }

    fn dotted_name(&mut self) -> Parsed<String> {
        let mut name = self.expect_name()?;
        while self.skip_operator(".") {
            name.push('.');
            name.push_str(&self.expect_name()?);
        }
        Ok(name)
    }

    /// A filter behind its `|`.
    fn filter(&mut self, node: Option<Expression>) -> Parsed<Expression> {
        let name = self.dotted_name()?;
        let arguments = if self.is_operator("(") { self.nested(Self::arguments)? } else { Arguments::default() };
        if !super::filters::is_known(&name) {
            return Err(format!("no filter named '{name}'"));
        }
        Ok(Expression::Filter(node.map(Box::new), name, Box::new(arguments)))
    }

    fn test(&mut self, node: Expression) -> Parsed<Expression> {
        self.at += 1;
        let negated = self.skip_name("not");
        let name = self.dotted_name()?;
        let arguments = match self.peek() {
            Some(Token::Operator("(")) => self.nested(Self::arguments)?,
            Some(Token::Name(next)) if matches!(next.as_str(), "else" | "or" | "and" | "if") => Arguments::default(),
            Some(Token::Name(next)) if next == "is" => return Err("tests cannot be chained with `is`".into()),
            Some(Token::Name(_) | Token::Text(_) | Token::Number(_) | Token::Operator("[" | "{")) => {
                let argument = self.primary()?;
                let argument = self.postfix(argument)?;
                Arguments { positional: vec![argument], ..Arguments::default() }
            }
            _ => Arguments::default(),
        };
        if !super::tests::is_known(&name) {
            return Err(format!("no test named '{name}'"));
        }
        let test = Expression::Test(Box::new(node), name, Box::new(arguments));
        Ok(if negated { Expression::Not(Box::new(test)) } else { test })
    }
}

fn chained(chain: &mut usize) -> Parsed<()> {
    *chain += 1;
    if *chain > CHAIN_LIMIT { Err(format!("more than {CHAIN_LIMIT} operators in one chain")) } else { Ok(()) }
}

/// Whether the expression is nested deeper than so many levels.
fn is_deeper(expression: &Expression, levels: usize) -> bool {
    let Some(levels) = levels.checked_sub(1) else { return true };
    let deep = |inner: &Expression| is_deeper(inner, levels);
    match expression {
        Expression::Constant(_) | Expression::Name(_) => false,
        Expression::List(all) | Expression::Tuple(all) | Expression::Concat(all) | Expression::And(all) | Expression::Or(all) => {
            all.iter().any(deep)
        }
        Expression::Dict(members) => members.iter().any(|(key, value)| deep(key) || deep(value)),
        Expression::Not(inner) | Expression::Negative(inner) | Expression::Positive(inner) | Expression::Attribute(inner, _) => deep(inner),
        Expression::Binary(_, left, right) | Expression::Item(left, right) => deep(left) || deep(right),
        Expression::Compare(first, rest) => deep(first) || rest.iter().any(|(_, other)| deep(other)),
        Expression::Conditional(conditional) => {
            deep(&conditional.test) || deep(&conditional.yes) || conditional.no.as_ref().is_some_and(deep)
        }
        Expression::Slice(inner, bounds) => deep(inner) || bounds.iter().flatten().any(deep),
        Expression::Call(inner, arguments) | Expression::Test(inner, _, arguments) => deep(inner) || arguments.expressions().any(deep),
        Expression::Filter(inner, _, arguments) => inner.as_deref().is_some_and(deep) || arguments.expressions().any(deep),
    }
}
