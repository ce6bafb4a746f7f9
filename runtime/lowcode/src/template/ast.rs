//! What a template consists of.

use crate::value::Value;

/// An expression.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Constant(Value),
    Name(String),
    List(Vec<Expression>),
    Tuple(Vec<Expression>),
    Dict(Vec<(Expression, Expression)>),
    Not(Box<Expression>),
    Negative(Box<Expression>),
    Positive(Box<Expression>),
    Binary(Operator, Box<Expression>, Box<Expression>),
    /// `a ~ b ~ c`
    Concat(Vec<Expression>),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Compare(Box<Expression>, Vec<(Comparison, Expression)>),
    /// `yes if test else no`
    Conditional(Box<Conditional>),
    Attribute(Box<Expression>, String),
    Item(Box<Expression>, Box<Expression>),
    Slice(Box<Expression>, Box<[Option<Expression>; 3]>),
    Call(Box<Expression>, Box<Arguments>),
    /// The input is none for the filters of a block.
    Filter(Option<Box<Expression>>, String, Box<Arguments>),
    Test(Box<Expression>, String, Box<Arguments>),
}

#[derive(Clone, Debug)]
pub(super) struct Conditional {
    pub test: Expression,
    pub yes: Expression,
    pub no: Option<Expression>,
}

/// Operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    FloorDivide,
    Modulo,
    Power,
}

/// Comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    In,
    NotIn,
}

/// Arguments of a call, a filter or a test.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    pub positional: Vec<Expression>,
    pub named: Vec<(String, Expression)>,
    /// `*items`
    pub star: Option<Expression>,
    /// `**mapping`
    pub double_star: Option<Expression>,
}

impl Arguments {
    /// All expressions inside.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let named = self.named.iter().map(|(_, expression)| expression);
        self.positional.iter().chain(named).chain(self.star.as_ref()).chain(self.double_star.as_ref())
    }
}

/// Where a value is put.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Name(String),
    Tuple(Vec<Target>),
    /// `namespace.attribute`
    Attribute(String, String),
}

/// Parameters of a macro or of a call block; the last ones have defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Signature {
    pub names: Vec<String>,
    pub defaults: Vec<Expression>,
}

/// A statement.
#[derive(Clone, Debug)]
pub(super) enum Statement {
    Text(String),
    Print(Vec<Expression>),
    /// Tests and bodies, then what is left.
    If(Vec<(Expression, Vec<Statement>)>, Vec<Statement>),
    For(Box<For>),
    Set(Target, Expression),
    SetBlock(Target, Option<Expression>, Vec<Statement>),
    With(Vec<(Target, Expression)>, Vec<Statement>),
    Macro(std::sync::Arc<Macro>),
    CallBlock(Expression, std::sync::Arc<Macro>),
    FilterBlock(Expression, Vec<Statement>),
    /// A block that may see its own assignments only.
    Scoped(Vec<Statement>),
    /// Other templates, which the reference has no way to load.
    Load,
}

#[derive(Clone, Debug)]
pub(super) struct For {
    pub target: Target,
    pub items: Expression,
    pub condition: Option<Expression>,
    pub recursive: bool,
    pub body: Vec<Statement>,
    pub otherwise: Vec<Statement>,
}

#[derive(Clone, Debug)]
pub(super) struct Macro {
    pub name: String,
    pub signature: Signature,
    pub body: Vec<Statement>,
}
