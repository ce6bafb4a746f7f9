//! Plans that cannot be carried out.

use super::*;

fn check(setup: &Setup, expected: &[&str]) {
    let errors = setup.plan().err().unwrap_or_default();
    assert_eq!(errors.iter().map(ToString::to_string).collect::<Vec<_>>(), expected, "{}", setup.fields);
}

fn setup(fields: &str) -> Setup {
    let mut schema = record(json!({
        "a": {"type": "string"}, "b": {"type": "string"}, "o": {"type": "object", "properties": {"x": {"type": "string"}, "y": {"type": "string"}}},
        "l": {"type": "array", "items": {"type": "object", "properties": {"x": {"type": "string"}}}}, "empty": {"type": "object", "properties": {}},
        "whole": {"type": "object", "x-hub-category": "system.operations"}, "unlabelled": {"type": "object"},
        "odd": {"type": "string", "pattern": "(?=x)"}}));
    schema["title"] = json!("a record");
    Setup::new(schema, fields)
}

#[test]
fn plans_are_refused_with_every_reason() {
    check(&setup("a b o l whole"), &[]);
    check(
        &setup("none o.none a.x"),
        &["`a.x`: nothing declares this field", "`none`: nothing declares this field", "`o.none`: nothing declares this field"],
    );
    check(
        &setup("a>x.y o.x>x"),
        &[
            "`a`: `x.y` has another depth: a field can be renamed, not moved",
            "`o.x`: `x` has another depth: a field can be renamed, not moved",
        ],
    );
    check(&setup("a>b b"), &["`b`: `a` has the same destination"]);
    check(&setup("o.x>o.y o.y"), &["`o.y`: `o.x` has the same destination"]);
    check(&setup("o.x>p.x o.y>q.y"), &["`o.y`: `o` cannot become both `p` and `q`"]);
    check(&setup("o.x>p.x l.x>p.x"), &["`o`: `l` has the same destination"]);
    check(&setup("a a"), &["`a`: it is planned twice"]);
    check(&setup("o o.x"), &["`o.x`: it is planned twice"]);
    check(&setup("empty"), &["`empty`: it declares no field inside"]);
    check(&setup("unlabelled"), &["`unlabelled`: it has no data category"]);
    check(&setup("whole=hash"), &["`whole`: an object or array without declared fields can only be kept or replaced by a constant"]);
    check(&setup("a={ b=1,2"), &["`a`: its constant is not JSON on one line", "`b`: its constant is not JSON on one line"]);
    check(&setup("odd"), &["`odd`: its schema cannot be compiled at `/pattern`"]);
}

#[test]
fn joins_are_refused_with_every_reason() {
    check(&setup("a+b>name o.x+o.y>p.z"), &[]);
    check(&setup("a+none>n"), &["`none`: nothing declares this field"]);
    check(&setup("a+o>n"), &["`o`: only scalars can be joined"]);
    check(&setup("a+whole>n"), &["`whole`: only scalars can be joined"]);
    check(&setup("a+o.x>n"), &["`o.x`: it does not stand beside `a`"]);
    check(&setup("a+b>n.m"), &["`a`: `n.m` has another depth: a field can be renamed, not moved"]);
    check(&setup("a a+b>n"), &["`a`: it is planned twice"]);
    check(&setup("a+a>n"), &["`a`: it is joined twice"]);
    check(&setup("a+b>n odd>n"), &["`a`: `odd` has the same destination", "`odd`: its schema cannot be compiled at `/pattern`"]);
    check(&setup("o.x>p.x l.x+a>q.x"), &["`a`: it does not stand beside `l.x`"]);
    check(&setup("o.x>p.x o.y+o.y>q.z"), &["`o.y`: `o` cannot become both `p` and `q`", "`o.y`: it is joined twice"]);
}

#[test]
fn constants_stay_on_their_line() {
    let shape = setup("").shape;
    let constant = PlannedField { treatment: Treatment::Constant("{\"x\":\n1}".to_owned()), ..field("a") };
    let request = PlanRequest { fields: vec![constant], ..PlanRequest::new(&shape) };
    let errors = FieldPlan::compile(request).unwrap_err();
    assert_eq!(errors[0].to_string(), "`a`: its constant is not JSON on one line");
}

#[test]
fn keys_and_cursors_are_single_scalars() {
    check(&setup("").key("none"), &["`none`: the primary key must be a declared scalar"]);
    check(
        &setup("").key("a l.x whole"),
        &["`l.x`: the primary key must be a scalar outside arrays", "`whole`: the primary key must be a scalar outside arrays"],
    );
    check(&setup("").cursor("o"), &["`o`: the cursor must be a declared scalar"]);
    let names: Vec<String> = (0..=super::super::MAX_KEY_PARTS).map(|at| format!("k{at:02}")).collect();
    let wide = |count: usize| Setup::new(scalars(&names.join(" ")), "").key(&names[..count].join(" "));
    check(&wide(super::super::MAX_KEY_PARTS), &[]);
    check(&wide(super::super::MAX_KEY_PARTS + 1), &["`k16`: a primary key has at most 16 fields"]);
}
